from collections.abc import Mapping
from pathlib import Path

import duckdb
import pytest

from custana_pipeline.errors import WrongUse
from custana_pipeline.stores.sql_models import CANONICAL_COLUMNS, SqlModel, SqlModels, column_origins, read_model

TRANSACTIONS = "select customer as customer_id, day as ordered_at from raw.orders"
BIG = """-- one row is one customer as of a day: her orders before it
-- grain: as_of, customer_id
select cast($as_of as date) as as_of, customer_id, count(*) as order_count
from cleaned.transactions
where ordered_date < $as_of and amount > $least_amount
group by customer_id"""


def read_text(folder: Path, text: str) -> SqlModel:
    path = folder / "features" / "activity.sql"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return read_model(path, "features.activity")


def project(folder: Path, files: Mapping[str, str]) -> SqlModels:
    """The models of a project that has `files` besides the pack 'shop'."""
    for name, text in {"sources/shop/transactions": TRANSACTIONS, **files}.items():
        path = folder / f"{name}.sql"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return SqlModels.read(folder, "shop")


def test_the_head_of_a_model_tells_what_a_row_is_and_what_identifies_it(tmp_path: Path) -> None:
    model = read_text(tmp_path, BIG)
    assert model.row_meaning == "one row is one customer as of a day: her orders before it"
    assert model.grain == ("as_of", "customer_id")
    assert (model.stage, model.table) == ("features", "activity")
    assert model.columns == ("as_of", "customer_id", "order_count")


def test_a_model_without_comments_has_neither_meaning_nor_grain(tmp_path: Path) -> None:
    model = read_text(tmp_path, "select 1 as one")
    assert (model.row_meaning, model.grain) == ("", ())


def test_stored_tables_are_read_and_the_steps_of_the_select_are_not(tmp_path: Path) -> None:
    text = """with steps as (select customer_id from cleaned.transactions),
        others as (select customer_id from cleaned.customers where customer_id in (select id from raw.orders))
        select steps.customer_id from steps join others using (customer_id)
        union all select customer_id from cleaned.events"""
    assert read_text(tmp_path, text).reads == {
        "cleaned.transactions",
        "cleaned.customers",
        "cleaned.events",
        "raw.orders",
    }


def test_parameters_are_known_by_name_once_each(tmp_path: Path) -> None:
    assert read_text(tmp_path, BIG).parameters == {"as_of", "least_amount"}
    assert read_text(tmp_path, "select '$as_of' as text_of_it").parameters == frozenset()


def test_the_code_version_stays_when_only_comments_or_layout_change(tmp_path: Path) -> None:
    version = read_text(tmp_path, BIG).code_version
    laid_out = "-- other words\n\n" + BIG.replace(" and ", "\n    AND /* why */ ").replace("select", "SELECT") + ";\n"
    assert read_text(tmp_path, laid_out).code_version == version


@pytest.mark.parametrize(
    "change",
    [
        ("< $as_of", "<= $as_of"),
        ("count(*)", "count(distinct order_id)"),
        ("order_count", "orders"),
        ("amount", "cost"),
    ],
)
def test_the_code_version_changes_with_the_meaning(tmp_path: Path, change: tuple[str, str]) -> None:
    version = read_text(tmp_path, BIG).code_version
    assert read_text(tmp_path, BIG.replace(*change)).code_version != version


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-- only a comment",
        "select 1 as one; select 2 as two",
        "create table features.activity as select 1 as one",
        "drop table cleaned.transactions",
        "select 1 as one; drop table cleaned.transactions",
        "delete from cleaned.transactions",
        "insert into cleaned.transactions select 1 as one",
        "copy cleaned.transactions to 'out.csv'",
        "attach 'other.duckdb'",
    ],
)
def test_a_file_that_is_no_single_select_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(WrongUse, match=r"features/activity\.sql"):
        read_text(tmp_path, text)


def test_sql_that_cannot_be_read_is_told_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match=r"features/activity\.sql line 5: .* check the SELECT"):
        read_text(tmp_path, "-- a comment\nselect\n    1 as one,\n    (2 as\nfrom cleaned.transactions")


def test_the_models_of_a_stage_come_after_those_they_read(tmp_path: Path) -> None:
    models = project(
        tmp_path,
        {
            "features/a_last": "select x from features.b_middle",
            "features/b_middle": "select x from features.c_first, cleaned.lines",
            "features/c_first": "select 1 as x",
            "cleaned/lines": "select 1 as x",
        },
    )
    assert [model.table for model in models.stage("features")] == ["c_first", "b_middle", "a_last"]


def test_models_that_read_each_other_in_a_circle_are_named(tmp_path: Path) -> None:
    circle = {"features/one": "select x from features.two", "features/two": "select x from features.one"}
    models = project(tmp_path, {**circle, "features/outside": "select 1 as x"})
    with pytest.raises(WrongUse, match=r"features\.one, features\.two read each other in a circle"):
        models.stage("features")


def test_a_model_that_is_not_there_is_told_by_its_file(tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match=r"dbt_like_sql/features/nothing\.sql"):
        project(tmp_path, {})["features.nothing"]


def test_a_pack_without_transactions_is_told_what_to_write(tmp_path: Path) -> None:
    project(tmp_path, {})
    with pytest.raises(WrongUse, match=r"'other' has no dbt_like_sql/sources/other/transactions\.sql: write"):
        SqlModels.read(tmp_path, "other")


def test_a_source_column_that_nothing_reads_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match=r"sources/shop/customers\.sql: unknown column shoe_size; customers has .*birth"):
        project(tmp_path, {"sources/shop/customers": "select id as customer_id, shoe_size from raw.people"})


def test_a_source_table_that_nothing_reads_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match=r"and not orders: rename the file in dbt_like_sql/sources/shop"):
        project(tmp_path, {"sources/shop/orders": "select 1 as order_id"})


def test_tables_that_the_pack_lacks_are_known(tmp_path: Path) -> None:
    models = project(tmp_path, {"sources/shop/products": "select sku as product_id from raw.goods"})
    assert models.absent_tables() == ("customers", "events")
    assert models.raw_tables("products") == {"raw.goods"}
    assert models.raw_tables("events") == frozenset()
    assert models.has_column("products", "product_id")
    assert not models.has_column("products", "category")
    assert not models.has_column("events", "customer_id")


RAW_ORDERS = {"raw.orders": ["customer", "day"]}


def view_rows(select: str, query: str) -> list[tuple]:
    """What `query` yields of the view `shown` of a source, over three raw order lines."""
    with duckdb.connect() as connection:
        connection.execute("create schema raw")
        connection.execute(
            """create table raw.orders as select * from (values
            ('f.csv', 'h', 2::bigint, 'c1', 'monday'), ('f.csv', 'h', 3, 'c1', null), ('f.csv', 'h', 4, 'c1', ''))
            as lines(source_file, source_hash, source_line, customer, day)"""
        )
        connection.execute(f"create view shown as {select}")
        return connection.execute(query).fetchall()


def test_lines_keep_their_origin_where_the_pack_reads_one_raw_table(tmp_path: Path) -> None:
    view = project(tmp_path, {}).source_view("transactions", RAW_ORDERS)
    assert view_rows(view, "select source_file, source_line, customer_id, ordered_at, amount from shown limit 1") == [
        ("f.csv", 2, "c1", "monday", None)
    ]


def test_the_view_has_exactly_the_canonical_columns_in_order(tmp_path: Path) -> None:
    models = project(tmp_path, {})
    for table in ("transactions", "events"):
        described = view_rows(models.source_view(table, RAW_ORDERS), "describe shown")
        assert tuple(row[0] for row in described) == CANONICAL_COLUMNS[table]
    assert view_rows(models.source_view("events", RAW_ORDERS), "from shown") == []


def test_the_whole_line_tells_nothing_from_blank(tmp_path: Path) -> None:
    view = project(tmp_path, {}).source_view("transactions", RAW_ORDERS)
    assert view_rows(view, "select count(distinct line_text) from shown") == [(3,)]


@pytest.mark.parametrize(
    "grouped",
    [
        "select customer as customer_id, min(day) as ordered_at from raw.orders group by customer",
        "select distinct customer as customer_id from raw.orders",
        "select customer as customer_id from raw.orders union all select customer from raw.orders",
        "with lines as (select customer from raw.orders) select customer as customer_id from lines",
    ],
)
def test_origins_cannot_be_added_where_a_row_is_no_line(tmp_path: Path, grouped: str) -> None:
    models = project(tmp_path, {"sources/shop/transactions": grouped})
    with pytest.raises(WrongUse, match=r"transactions\.sql yields no source_file.*: select them from the raw table"):
        models.source_view("transactions", RAW_ORDERS)


def test_a_pack_that_gives_its_own_origins_may_group(tmp_path: Path) -> None:
    own = """select source_file, source_hash, min(source_line) as source_line, customer as customer_id,
        cast(null as varchar) as line_text from raw.orders group by source_file, source_hash, customer"""
    view = project(tmp_path, {"sources/shop/customers": own}).source_view("customers", RAW_ORDERS)
    assert view_rows(view, "select customer_id, source_line, line_text from shown") == [("c1", 2, None)]


KNOWN = {
    "cleaned.transactions": {"customer_id": "varchar", "amount": "decimal(18,2)", "ordered_date": "date"},
    "cleaned.customers": {"customer_id": "varchar", "location": "varchar"},
}


def test_each_column_knows_the_stored_columns_that_it_comes_from(tmp_path: Path) -> None:
    text = """with spent as (
            select customer_id, sum(amount) as total from cleaned.transactions
            where ordered_date < $as_of group by customer_id
        )
        select spent.customer_id, customers.location, spent.total / 2 as half, 7 as seven
        from spent join cleaned.customers on customers.customer_id = spent.customer_id"""
    model = read_text(tmp_path, text)
    assert column_origins(model, KNOWN) == {
        "customer_id": {("cleaned.transactions", "customer_id")},
        "location": {("cleaned.customers", "location")},
        "half": {("cleaned.transactions", "amount")},
        "seven": set(),
    }
    assert model.tree == read_model(model.path, model.name).tree  # looking through it changes nothing
