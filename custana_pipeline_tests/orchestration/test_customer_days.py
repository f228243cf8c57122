"""Days of changed customers made alone: the tables are those that all lines make, row for row."""

import random
from dataclasses import replace

import pytest

from custana_pipeline.orchestration import customer_days, increments
from custana_pipeline_tests.orchestration.test_increments import ingest, put, shop, shown

NAMED = "left join cleaned.customer_numbers using (customer_number)"
NUMBER_OF_C1 = "select customer_number from cleaned.customer_numbers where customer_id = 'c1'"
TABLES = ("purchase_days", "browsing_days")
KNOWN = ["c1,1980,f,Moss,2023-01-01", "c2,1981,f,Moss,2023-01-01"]


@pytest.fixture
def merged(monkeypatch) -> list[str]:
    """The tables whose changed customers were made alone, in order; any share of customers may have changed."""
    tables: list[str] = []
    merge = customer_days._merge

    def noted(session, project, model) -> int:
        tables.append(model.table)
        return merge(session, project, model)

    monkeypatch.setattr(customer_days, "_merge", noted)
    monkeypatch.setattr(customer_days, "MOST_CHANGED_SHARE", 1.0)
    monkeypatch.setattr(increments, "MOST_NEW_SHARE", 1.0)
    return tables


def build(project) -> dict[str, list[tuple]]:
    """Ingests, builds both tables as a run does, and compares them with what the models make of all lines."""
    ingest(project)
    found = {}
    with project.warehouse.transaction() as session:
        for table in TABLES:
            model = project.models[f"features.{table}"]
            customer_days.build_customer_days(session, project, model)
            session.build_temporary(model, f"whole_{table}", {})
            stored = session.rows(f"select * from {model.name} order by {', '.join(model.grain)}")
            assert stored == session.rows(f"select * from whole_{table}")
            found[table] = sorted(session.rows(shown(session, model.name)), key=repr)
            whole = dict(session.rows(f"select name, type from pragma_table_info('whole_{table}')"))
            assert session.column_types(model.name) == whole
        kept = session.rows("select count(*) from cleaned.events")[0][0]
        assert kept == sum(row[2] for row in found["browsing_days"])
    return found


def begun(folder, data: str = "grown"):
    put(folder, "products_0.csv", ["p1,tea,food"])
    put(folder, "customers_0.csv", KNOWN)
    put(folder, "transactions_00.csv", [f"o{n},c{n},p1,2024-01-05 10:00:00,1,2.00" for n in range(1, 8)])
    put(folder, "events_00.csv", [f"c{n},p1,view,2024-01-05 10:00:00" for n in range(1, 12)])
    return shop(folder, data)


def order_line(pick: random.Random) -> str:
    day = pick.choice(["2024-01-05 10:00:00", "2024-02-07 11:30:00", "2023-03-01 00:00:00", "soon"])
    price = pick.choice(["1.50", "-3", "x", ""])
    return f"o{pick.randrange(5)},c{pick.randrange(1, 12)},p{pick.randrange(3)},{day},{pick.choice('12')},{price}"


def event(pick: random.Random) -> str:
    moment = pick.choice(["2024-01-04 23:50:00", "2024-01-05 00:10:00", "2024-01-05 10:20:00", "x"])
    return f"c{pick.randrange(1, 14)},{pick.choice(['p1', ''])},{pick.choice(['view', 'cart', 'buy'])},{moment}"


@pytest.mark.parametrize("seed", range(4))
def test_whatever_files_come_the_days_are_those_of_all_lines(tmp_path, merged, monkeypatch, seed):
    monkeypatch.setattr(customer_days, "MOST_BEHIND_SHARE", [0.2, 100.0][seed % 2])
    pick = random.Random(seed)
    project = begun(tmp_path)
    build(project)
    names = [f"{kind}_{day}.csv" for kind in ("transactions", "events") for day in range(3)] + ["customers_1.csv"]
    pick.shuffle(names)
    for name in names:
        make = order_line if name.startswith("transactions") else event
        lines = [make(pick) for _ in range(pick.choice([1, 3, 12]))]
        put(tmp_path, name, ["c13,1970,m,Moss,2023-01-01"] if name.startswith("customers") else lines)
        grown = build(project)
    assert set(merged) == set(TABLES)
    assert grown == build(shop(tmp_path, "anew"))


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("at_once", [1, 4, 1000])
def test_stretches_of_customers_made_one_after_the_other_are_the_whole(tmp_path, monkeypatch, threads, at_once):
    pick, project = random.Random(threads * at_once), begun(tmp_path)
    vars(project)["warehouse"] = replace(project.warehouse, threads=threads)
    put(tmp_path, "transactions_1.csv", [order_line(pick) for _ in range(50)])
    put(tmp_path, "events_1.csv", [event(pick) for _ in range(40)])
    ingest(project)
    with project.warehouse.transaction() as session:
        monkeypatch.setattr(customer_days, "BYTES_A_LINE", dict.fromkeys(TABLES, 100))
        monkeypatch.setattr(customer_days, "AT_ONCE_SHARE", 100 * at_once / session.memory_limit_bytes)
        for table in TABLES:
            model = project.models[f"features.{table}"]
            customer_days.build_customer_days(session, project, model)
            session.build_temporary(model, f"whole_{table}", {})
            rows = session.rows(f"select * from whole_{table}")
            assert len(rows) >= 10
            assert session.rows(f"select * from {model.name}") == sorted(rows)
            assert session.column_types(model.name) == dict(
                session.rows(f"select name, type from pragma_table_info('whole_{table}')")
            )


def test_only_the_customers_with_new_lines_are_made_anew(tmp_path, merged, monkeypatch):
    project = begun(tmp_path)
    build(project)
    asked = []
    monkeypatch.setattr(
        customer_days,
        "_merge",
        lambda session, project, model: (
            asked.extend(session.rows(f"select customer_id from changed_customers {NAMED}")) or 0
        ),
    )
    put(tmp_path, "events_1.csv", ["c2,p1,cart,2024-01-05 10:10:00"])
    ingest(project)
    with project.warehouse.transaction() as session:
        customer_days._replace_changed(session, project, project.models["features.browsing_days"])
    assert asked == [("c2",)]


def test_old_events_of_a_customer_who_is_known_now_come_into_their_days(tmp_path, merged):
    project = begun(tmp_path)
    assert not [row for row in build(project)["browsing_days"] if row[0] == "c9"]
    put(tmp_path, "transactions_1.csv", ["o99,c9,p1,2024-01-06 10:00:00,1,2.00"])
    assert [row for row in build(project)["browsing_days"] if row[0] == "c9"]
    assert merged == list(TABLES)


def test_days_made_anew_stand_behind_the_others_until_too_many_do(tmp_path, merged, monkeypatch):
    monkeypatch.setattr(customer_days, "MOST_BEHIND_SHARE", 0.3)
    project, customers = begun(tmp_path), []
    build(project)
    for day in range(3):
        put(tmp_path, f"transactions_{day}.csv", [f"o9{day},c{day + 1},p1,2024-01-05 11:00:00,1,2.00"])
        build(project)
        with project.warehouse.reading() as session:
            found = session.rows(f"select customer_id from features.purchase_days as days {NAMED} order by days.rowid")
            customers.append([row[0][1:] for row in found])
            behind = session.rows("select days_behind from features.built_of where table_name = 'purchase_days'")
        assert behind == [((1, 2, 0)[day],)]
    assert customers == [list("2345671"), list("3456712"), list("1234567")]


def test_an_earlier_version_of_what_the_days_were_made_of_is_read(tmp_path, merged):
    project = begun(tmp_path)
    build(project)
    with project.warehouse.transaction() as session:
        session.rows("alter table features.built_of drop column days_behind")
    put(tmp_path, "transactions_1.csv", ["o99,c1,p1,2024-01-06 10:00:00,1,2.00"])
    build(project)
    assert "purchase_days" in merged


def test_after_lines_were_cleaned_anew_the_days_are_made_anew(tmp_path, merged):
    project = begun(tmp_path)
    put(tmp_path, "transactions_1.csv", ["o99,c1,p1,2024-01-06 10:00:00,1,2.00"])
    put(tmp_path, "events_1.csv", ["c1,p1,view,2024-01-06 10:00:00"])
    build(project)
    put(tmp_path, "transactions_1.csv", ["o99,c1,p1,2024-01-06 10:00:00,1,3.00"])
    put(tmp_path, "events_1.csv", ["c1,p1,cart,2024-01-06 10:00:00"])
    assert build(project) == build(shop(tmp_path, "anew"))
    assert not merged


def test_a_second_cleaning_of_the_same_files_is_not_taken_for_the_first(tmp_path, merged):
    project = begun(tmp_path)
    build(project)
    with project.warehouse.transaction() as session:
        session.rows("update cleaned.events_lines set happened_date = date '2024-01-07'")
        session.rows("update features.browsing_days set happened_date = date '2024-01-07'")
        session.rows("update cleaned.built_of set rules = 'others' where table_name = 'events'")
    build(project)  # which compares them with all lines
    assert not merged


def test_days_that_lost_lines_are_made_anew(tmp_path, merged):
    project = begun(tmp_path)
    first = build(project)
    with project.warehouse.transaction() as session:
        for table in TABLES:
            session.rows(f"delete from features.{table} where customer_number = ({NUMBER_OF_C1})")
    assert build(project) == first


def test_a_model_that_is_not_signed_has_its_whole_table_made(tmp_path, merged, monkeypatch):
    project = begun(tmp_path)
    build(project)
    put(tmp_path, "events_1.csv", ["c2,p1,cart,2024-01-05 10:10:00"])
    for table in TABLES:
        monkeypatch.setitem(vars(project.models[f"features.{table}"]), "is_signed", False)
    build(project)
    assert not merged


@pytest.mark.parametrize("table", TABLES)
def test_the_models_are_signed_as_they_are(tmp_path, table):
    model = shop(tmp_path, "none").models[f"features.{table}"]
    assert model.is_signed, f"sign {model.path.name} again with `-- increment: {model.code_version}`"
