import datetime as dt
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from custana_pipeline.errors import ContractBroken, CustanaError, Damaged, Transient
from custana_pipeline.stores.session import SCHEMAS, Session
from custana_pipeline.stores.sql_models import SqlModel, read_model
from custana_pipeline.stores.warehouse import Warehouse

MONDAY, TUESDAY = dt.date(2024, 7, 1), dt.date(2024, 7, 2)
SECRET = "Wilhelmina Q. Customer"


@pytest.fixture
def model(tmp_path: Path) -> "ModelMaker":
    return ModelMaker(tmp_path / "features")


class ModelMaker:
    """Makes the model `features.<name>` of a SELECT."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def __call__(self, text: str, name: str = "visits") -> SqlModel:
        path = self.folder / f"{name}.sql"
        path.write_text(text)
        return read_model(path, f"features.{name}")


def rows_of(warehouse: Warehouse, query: str) -> list[tuple]:
    with warehouse.reading() as session:
        return session.rows(query)


def test_all_schemas_are_there_and_making_them_again_is_no_change(warehouse: Warehouse) -> None:
    with warehouse.transaction() as session:
        session.prepare()
    found = rows_of(warehouse, "select schema_name from information_schema.schemata where catalog_name = 'test'")
    assert set(SCHEMAS) <= {name for (name,) in found}


def test_what_is_raised_inside_a_transaction_leaves_yesterdays_table(warehouse: Warehouse, model: ModelMaker) -> None:
    with warehouse.transaction() as session:
        session.build(model("select 1 as day"))
    with pytest.raises(ContractBroken, match="judged"), warehouse.transaction() as session:
        session.build(model("select 2 as day"))
        session.build(model("select 3 as day", "other"))
        raise ContractBroken("judged and found wanting")
    assert rows_of(warehouse, "select day from features.visits") == [(1,)]
    with warehouse.reading() as session:
        assert not session.exists("features.other")


def test_a_select_that_fails_leaves_yesterdays_table(warehouse: Warehouse, model: ModelMaker) -> None:
    with warehouse.transaction() as session:
        session.build(model("select 1 as day"))
    with pytest.raises(ContractBroken), warehouse.transaction() as session:
        session.build(model(f"select cast(name as integer) as day from (values ('{SECRET}')) as people(name)"))
    assert rows_of(warehouse, "select day from features.visits") == [(1,)]


def test_an_interrupted_transaction_leaves_yesterdays_table(warehouse: Warehouse, model: ModelMaker) -> None:
    with pytest.raises(KeyboardInterrupt), warehouse.transaction() as session:
        session.build(model("select 2 as day"))
        raise KeyboardInterrupt
    with warehouse.reading() as session:
        assert not session.exists("features.visits")


VISITS = "select cast($as_of as date) as as_of, visitor from raw.visitors where seen < $as_of order by visitor"


@pytest.fixture
def visited(warehouse: Warehouse) -> Warehouse:
    with warehouse.transaction() as session:
        session.connection.execute(
            "create table raw.visitors as select * from (values ('a', date '2024-06-30'), ('b', date '2024-07-01')) "
            "as visits(visitor, seen)"
        )
    return warehouse


def test_a_day_is_built_beside_the_others_and_replaced_alone(visited: Warehouse, model: ModelMaker) -> None:
    visits = model(VISITS)
    with visited.transaction() as session:
        assert session.build_day(visits, {"as_of": MONDAY}) == 1
        assert session.build_day(visits, {"as_of": TUESDAY}) == 2
        session.connection.execute("insert into raw.visitors values ('c', date '2024-06-29')")
        assert session.build_day(visits, {"as_of": MONDAY, "not_asked_for": 7}) == 2
    assert rows_of(visited, "select visitor from features.visits where as_of = '2024-07-01'") == [("a",), ("c",)]
    assert rows_of(visited, "select visitor from features.visits where as_of = '2024-07-02'") == [("a",), ("b",)]


def test_days_are_built_by_one_statement_and_a_day_without_rows_counts_none(
    visited: Warehouse, model: ModelMaker
) -> None:
    visits = model(
        "with days as (select unnest($days) as as_of) "
        "select days.as_of, visitor from raw.visitors inner join days on seen < days.as_of order by all"
    )
    days = [MONDAY - dt.timedelta(days=1), MONDAY, TUESDAY]
    with visited.transaction() as session:
        for _ in range(2):
            assert session.build_days(visits, days, {"days": days}) == dict(zip(days, (0, 1, 2), strict=True))
        assert session.build_days(visits, days[:2], {"days": days[:2]}) == dict(zip(days[:2], (0, 1), strict=True))
    assert rows_of(visited, "select as_of, visitor from features.visits order by all") == [
        (MONDAY, "a"),
        (TUESDAY, "a"),
        (TUESDAY, "b"),
    ]


def test_a_day_is_built_of_parts_that_are_stored_nowhere(visited: Warehouse, model: ModelMaker) -> None:
    visits = model(
        "with seen as (select visitor from features.seen) select cast($as_of as date) as as_of, visitor from seen"
    )
    parts = [pa.table({"visitor": [f"{name}{number}" for number in range(130_000)]}) for name in "abc"]
    with visited.transaction() as session:
        for day in (MONDAY, TUESDAY, MONDAY):
            given = {"as_of": day}
            assert session.build_day_of(visits, given, "features.seen", iter(parts)) == {day: 390_000}
        assert session.build_day_of(visits, {"as_of": TUESDAY}, "features.seen", [parts[0].slice(0, 0)]) == {TUESDAY: 0}
    found = rows_of(visited, "select as_of, list(visitor order by rowid) from features.visits group by as_of")
    assert found == [(MONDAY, [visitor for part in parts for visitor in part["visitor"].to_pylist()])]
    with visited.reading() as session:
        assert not session.exists("features.seen")


def test_a_day_table_whose_columns_change_is_begun_anew(visited: Warehouse, model: ModelMaker) -> None:
    with visited.transaction() as session:
        session.build_day(model(VISITS), {"as_of": MONDAY})
        session.build_day(model(VISITS.replace("visitor from", "visitor, seen from")), {"as_of": TUESDAY})
        assert session.columns("features.visits") == ("as_of", "visitor", "seen")
    assert rows_of(visited, "select distinct as_of from features.visits") == [(TUESDAY,)]


def test_the_day_of_a_frame_is_replaced_alone(warehouse: Warehouse) -> None:
    with warehouse.transaction() as session:
        for day, names in ((MONDAY, ["a", "b"]), (TUESDAY, ["c"]), (MONDAY, ["d"])):
            assert session.replace_day("models.scores", pd.DataFrame({"as_of": day, "name": names}), day) == len(names)
    assert rows_of(warehouse, "from models.scores order by as_of") == [(MONDAY, "d"), (TUESDAY, "c")]


def test_what_a_frame_lacks_is_null_in_its_table(warehouse: Warehouse) -> None:
    frame = pd.DataFrame({"as_of": pd.to_datetime([MONDAY]), "name": pd.Series([None], dtype="str"), "score": [np.nan]})
    with warehouse.transaction() as session:
        session.replace_day("models.scores", frame, MONDAY)
        assert session.column_types("models.scores")["score"] == "DOUBLE"
    assert rows_of(warehouse, "select name, score from models.scores") == [(None, None)]


def test_a_frame_with_other_columns_begins_its_table_anew(warehouse: Warehouse) -> None:
    with warehouse.transaction() as session:
        session.replace_day("models.scores", pd.DataFrame({"as_of": [MONDAY], "name": ["a"]}), MONDAY)
        session.replace_day("models.scores", pd.DataFrame({"as_of": [TUESDAY], "score": [0.5]}), TUESDAY)
    assert rows_of(warehouse, "from models.scores") == [(TUESDAY, 0.5)]


def test_a_table_that_is_not_there_has_no_rows_and_no_columns(warehouse: Warehouse) -> None:
    with warehouse.reading() as session:
        assert (session.count("features.none"), session.columns("features.none")) == (0, ())


def test_a_large_table_comes_in_batches_that_add_up(warehouse: Warehouse) -> None:
    with warehouse.reading() as session:
        sizes = [len(batch) for batch in session.batches("select * from range(5000)", rows_per_batch=2048)]
    assert sum(sizes) == 5000
    assert max(sizes) <= 2048


def test_a_missing_parameter_is_named(visited: Warehouse, model: ModelMaker) -> None:
    with visited.transaction() as session, pytest.raises(CustanaError, match=r"features\.visits needs .* as_of\."):
        session.build(model(VISITS))


SPOILING = {
    "a text that is no number": "select cast(name as integer) as number from raw.people",
    "a number too large": "select cast(hugeint_of as integer) as number from raw.people",
    "a sum too large": "select cast(sum(hugeint_of) * 9000000000000000000 as bigint) as number from raw.people",
    "a text that is no day": "select strptime(name, '%Y-%m-%d') as day from raw.people",
    "a text that is no date": "select cast(name as date) as day from raw.people",
    "a text that is no pattern": "select regexp_matches('x', name || '(') as matched from raw.people",
    "an error of its own": "select error(name) as failed from raw.people",
}


@pytest.mark.parametrize("select", SPOILING.values(), ids=SPOILING.keys())
def test_a_value_that_does_not_fit_is_not_quoted(warehouse: Warehouse, model: ModelMaker, select: str) -> None:
    with warehouse.transaction() as session:
        people = f"select '{SECRET}' as name, 87654321098765::hugeint as hugeint_of"
        session.connection.execute(f"create table raw.people as {people}")
    with pytest.raises(ContractBroken) as caught, warehouse.transaction() as session:
        session.build(model(select))
    told = str(caught.value)
    assert told.startswith("features.visits met a value that does not fit its type (")
    assert "dbt_like_sql/features/visits.sql" in told
    for piece in ("Wilhelmina", "Customer", "87654321098765"):
        assert piece not in told
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_a_column_that_is_not_there_is_named(warehouse: Warehouse, model: ModelMaker) -> None:
    with warehouse.transaction() as session:
        session.connection.execute("create table raw.people as select 'a' as name")
        with pytest.raises(ContractBroken, match=r"features\.visits cannot be built: .*surname"):
            session.build(model("select surname from raw.people"))


def test_reading_does_not_write(warehouse: Warehouse) -> None:
    with warehouse.reading() as session, pytest.raises(duckdb.InvalidInputException, match="read-only"):
        session.connection.execute("create table raw.x as select 1 as x")


def test_a_file_that_is_no_warehouse_is_told_with_the_command_that_mends_it(tmp_path: Path) -> None:
    (tmp_path / "shop.duckdb").write_text("this is no database\n" * 1000)
    with pytest.raises(Damaged, match=r"shop\.duckdb is damaged.*`custana verify --repair`"):
        _ = Warehouse(tmp_path / "shop.duckdb", lock_wait_seconds=0).transaction().__enter__()


HOLDER = "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.readline()"


@contextmanager
def held_by_another_process(path: Path) -> Iterator[subprocess.Popen]:
    """Another process that has the file open for writing until it reads a line."""
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        try:
            yield holder
        finally:
            release(holder)


def release(holder: subprocess.Popen) -> None:
    if holder.stdin and not holder.stdin.closed:
        holder.stdin.close()


def test_a_lock_of_another_process_is_named_when_the_wait_is_over(warehouse: Warehouse) -> None:
    hurried = Warehouse(warehouse.path, lock_wait_seconds=0.2)
    with (
        held_by_another_process(warehouse.path),
        pytest.raises(Transient, match=r"Process \d+ has held the warehouse test\.duckdb open for 0 s: close it"),
        hurried.transaction(),
    ):
        pass


def test_a_lock_of_another_process_is_waited_for(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    with held_by_another_process(warehouse.path) as holder:

        def let_go(_seconds: float) -> None:
            release(holder)
            holder.wait()

        monkeypatch.setattr("custana_pipeline.stores.warehouse.time.sleep", let_go)
        with warehouse.transaction() as session:
            assert session.rows("select 1") == [(1,)]


def test_no_extension_is_fetched_from_the_network(warehouse: Warehouse) -> None:
    query = "select count(*) from duckdb_settings() where name like 'auto%known_extensions' and value = 'true'"
    assert rows_of(warehouse, query) == [(0,)]


def test_named_parameters_that_a_query_does_not_use_are_left_out(warehouse: Warehouse) -> None:
    with warehouse.reading() as session:
        assert isinstance(session, Session)
        assert session.rows("select $day::date as day", {"day": MONDAY, "other": 1}) == [(MONDAY,)]


@pytest.mark.parametrize("condition", ["true", "false", "number = 1"])
def test_a_large_frame_is_the_same_as_a_small_one(warehouse: Warehouse, condition: str) -> None:
    query = f"""select number, number / 2 as half, if(number = 1, null, number) as gap, number = 1 as is_first,
            if(number = 1, null, number = 2) as is_second, 'c' || number as word, if(number = 1, null, 'x') as rare,
            date '2024-07-01' as day, cast(if(number = 1, null, 3.5) as double) as share
        from (select unnest([1, 2, 3]) as number) where {condition}"""
    with warehouse.reading() as session:
        pd.testing.assert_frame_equal(session.large_frame(query), session.frame(query), check_column_type=True)


@pytest.mark.parametrize("condition", ["true", "false"])
def test_text_is_text_in_a_frame_with_and_without_rows(warehouse: Warehouse, condition: str) -> None:
    query = f"select 'a' as name, null::varchar as nothing, 1::bigint as number where {condition}"
    with warehouse.reading() as session:
        assert [str(dtype) for dtype in session.frame(query).dtypes] == ["str", "str", "int64"]
