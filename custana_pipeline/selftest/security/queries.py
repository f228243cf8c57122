"""Hostile SQL in dbt_like_sql: refused when it is read, and again by the connection that would run it."""

from pathlib import Path

import duckdb

from custana_pipeline.errors import CustanaError
from custana_pipeline.selftest.security.attempts import CANARY, expect_refused
from custana_pipeline.selftest.trial import Trial, expect, trial
from custana_pipeline.stores.sql_models import read_model
from custana_pipeline.stores.warehouse import Warehouse

AS_MODELS = (
    "select * from '{secret}'",
    'select * from "{secret}"',
    "select * from read_text('{secret}')",
    "select * from read_csv('{secret}')",
    "select * from read_blob('{folder}/*')",
    "select * from glob('{folder}/*')",
    "select (select content from read_text('{secret}')) as x from cleaned.transactions",
    "select * from cleaned.transactions where customer_id in (select content from read_text('{secret}'))",
    "select * from read_parquet('http://127.0.0.1:9/x.parquet')",
    "select * from query('select * from read_text(''{secret}'')')",
    "with x as (insert into raw.orders select 1 returning 1) select * from x",
    "select getenv('HOME') as home",
    "select current_setting('secret_directory') as x",
    "select * from duckdb_secrets()",
    "select * from information_schema.tables",
    "select * from json_execute_serialized_sql('{{}}')",
    "attach '{folder}/new.duckdb' as new",
    "copy (select 1) to '{folder}/out.csv'",
    "install httpfs",
    "load httpfs",
    "set enable_external_access = true",
    "pragma database_list",
    "export database '{folder}/out'",
    "select 1; select 2",
    "select 1 /* */ ; copy (select 1) to '{folder}/out.csv'",
)
FOR_CONNECTIONS = (*AS_MODELS[:10], *AS_MODELS[16:21], "export database '{folder}/out'", "reset lock_configuration")


@trial("F10")
def queries_that_reach_out(run: Trial) -> None:
    """Reads files, addresses, settings and other databases from SQL models, then from the warehouse's connection."""
    folder = run.scratch / "elsewhere"
    folder.mkdir()
    secret = folder / "secret.csv"
    secret.write_text(f"a\n{CANARY}\n", encoding="utf-8")
    model = run.scratch / "activity.sql"
    for text in AS_MODELS:
        said = text.format(secret=secret, folder=folder)
        model.write_text(said, encoding="utf-8")
        expect_refused(_refusal(model), f"the model {text[:60]!r}")
    warehouse = Warehouse(run.scratch / "data" / "shop.duckdb")
    for text in FOR_CONNECTIONS:
        with warehouse.transaction() as session:
            try:
                found = session.rows(text.format(secret=secret, folder=folder))
            except duckdb.Error:
                session.connection.execute("rollback; begin transaction")
                continue
            expect(False, f"the connection ran {text[:60]!r}: {len(found)} rows")
    expect([path.name for path in folder.iterdir()] == ["secret.csv"], "a file was written outside the data folder")
    _expect_a_view_to_be_as_closed(warehouse, secret)


def _refusal(model: Path) -> CustanaError | None:
    try:
        read_model(model, "features.activity")
    except CustanaError as error:
        return error
    return None


def _expect_a_view_to_be_as_closed(warehouse: Warehouse, secret: Path) -> None:
    """A view that someone put into the warehouse's file by hand runs on the same closed connection."""
    with duckdb.connect(str(warehouse.path)) as open_connection:
        open_connection.execute(f"create view planted as select * from read_csv('{secret}')")
    with warehouse.reading() as session:
        try:
            session.rows("select * from planted")
        except duckdb.Error:
            return
        expect(False, "a planted view reads a file outside")
