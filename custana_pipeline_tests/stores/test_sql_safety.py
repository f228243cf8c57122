"""A SQL model is one SELECT over stored tables: everything else is refused when it is read, by DuckDB's own parser."""

from pathlib import Path

import pytest

from custana_pipeline.errors import WrongUse
from custana_pipeline.stores.sql_models import SqlModels, read_model
from custana_pipeline.stores.sql_safety import why_unsafe
from custana_pipeline_tests.conftest import REPOSITORY

HARMLESS = [
    "select 1 as one, $as_of as day from raw.orders",
    "from cleaned.transactions select customer_id",
    "with days as (select ordered_date from cleaned.transactions) select * from Days union all select * from DAYS",
    "with recursive n as (select 1 as i union all select i + 1 from n where i < 9) select i from n",
    "select day from unnest(range(date '2024-01-01', $as_of, interval 1 day)) as days(day)",
    "select x from generate_series(1, 3) as steps(x)",
    "select * from (values (1, 'a'), (2, 'b')) as pairs(n, word)",
    "select error('a rule is broken') from cleaned.transactions where quantity < 0",
    "select 'read_text(''/etc/passwd'')' as text -- read_csv('x'); attach 'y'",
    "select orders.current_date, random as chance, localtimestamp_of from raw.orders",
    "select sum(a) filter (where b > 0) over (partition by c order by d) from features.activity qualify e = 1",
]
HOSTILE = [
    "select * from 'orders.csv'",
    'select * from "orders.csv"',
    "select * from raw.orders, 'orders.csv'",
    "select * from raw.orders where a in (select content from read_text('/etc/passwd'))",
    "select (select count(*) from read_csv('x.csv'))",
    "select * from raw.orders order by (select max(a) from read_parquet('x'))",
    "select * from raw.orders semi join (from 'x.parquet') as y using (a)",
    "select a from raw.orders limit (select count(*) from glob('*'))",
    "select * from raw.orders as o, lateral (select * from read_blob(o.path))",
    "select sum(a) filter (where b in (from 'y.csv')) from raw.orders",
    "with x as (from read_json('x')) select * from raw.orders",
    "with x as (insert into raw.orders select 1 returning *) select * from x",
    "with x as (delete from raw.orders returning *) select * from x",
    'with "a.csv" as (select 1) select * from "a.csv"',
    "select * from query('select 1')",
    "select * from query_table('raw.orders')",
    "select * from duckdb_secrets()",
    "select * from duckdb_settings()",
    "select * from information_schema.tables",
    "select * from pg_catalog.pg_tables",
    "select * from sqlite_master",
    "select * from other.raw.orders",
    "select * from frame",
    "select getenv('HOME')",
    "select current_setting('secret_directory')",
    "select list_transform([1], lambda x : getvariable('secret'))",
    "select * from json_execute_serialized_sql('{}')",
    "select now() as moment from raw.orders",
    "select * from raw.orders where day < current_date",
    "select * from raw.orders where day < CURRENT_TIMESTAMP::date",
    "select * from raw.orders where moment < localtimestamp",
    "select * from raw.orders where day < today()",
    "select get_current_timestamp(), current_localtimestamp(), transaction_timestamp()",
    "select * from raw.orders order by random()",
    "select uuid() as order_id from raw.orders",
    "select * from raw.orders tablesample 10%",
    "select * from raw.orders using sample 3",
    "select * from (select * from raw.orders using sample 10%) as some",
    "select current_user, version()",
    "select current_database() as place",
    "select * from raw.orders at (version => 1)",
    "show tables",
    "describe raw.orders",
    "summarize raw.orders",
    "from (show tables)",
    "from (describe raw.orders)",
    "pivot raw.orders on a using sum(b)",
    "select 1; select 2",
    "select 1 -- \r\n; attach 'x'",
    "explain select 1",
    "attach 'x.duckdb'",
    "copy raw.orders to 'x.csv'",
    "copy (select 1) to 'x.csv'",
    "install httpfs",
    "load httpfs",
    "set threads = 1",
    "pragma database_list",
    "export database 'x'",
    "call pragma_version()",
    "create secret s (type http)",
    "use x",
    "checkpoint",
    "select \0",
    "select " + "(" * 5_000 + "1" + ")" * 5_000,
    "select " + "1 + " * 45_000 + "1",
]


@pytest.mark.parametrize("text", HARMLESS)
def test_a_select_over_stored_tables_is_read(text: str) -> None:
    assert why_unsafe((text,)) == [None]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:60])
def test_a_model_that_says_more_is_refused_when_it_is_read(tmp_path: Path, text: str) -> None:
    path = tmp_path / "features" / "activity.sql"
    path.parent.mkdir()
    path.write_bytes(text.encode())
    with pytest.raises(WrongUse, match=r"activity\.sql") as caught:
        read_model(path, "features.activity")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("name", ["x; drop table y", "Activity", "../activity", "a b", "select'", "1st", "a" * 64])
def test_a_model_whose_file_name_is_no_identifier_is_refused(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "features"
    folder.mkdir()
    (folder / f"{name.replace('../', '..')}.sql").write_text("select 1 as one")
    with pytest.raises(WrongUse, match="named by lower-case letters"):
        SqlModels.read(tmp_path, "shop")


def test_a_model_that_is_no_utf8_text_is_told(tmp_path: Path) -> None:
    path = tmp_path / "activity.sql"
    path.write_bytes(b"select '\xff'")
    with pytest.raises(WrongUse, match=r"activity\.sql: byte 8 is not UTF-8"):
        read_model(path, "features.activity")


@pytest.mark.parametrize("pack", ["sample", "online_retail_ii", "cdnow"])
def test_every_model_that_is_shipped_is_safe(pack: str) -> None:
    models = SqlModels.read(REPOSITORY / "dbt_like_sql", pack)
    texts = tuple(model.text for model in (*models.by_name.values(), *models.sources.values()))
    assert set(why_unsafe(texts)) == {None}
