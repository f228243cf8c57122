"""What is said of a source's SELECT that cannot be read through: names of columns, and no values."""

from pathlib import Path

import pytest

from custana_pipeline.errors import ContractBroken, WrongUse
from custana_pipeline.stores.sql_models import SqlModels
from custana_pipeline.stores.warehouse import Warehouse


def test_a_source_select_over_a_column_that_is_not_there_is_told_as_wrong_use(tmp_path: Path) -> None:
    pack = tmp_path / "sql" / "sources" / "shop"
    pack.mkdir(parents=True)
    (pack / "transactions.sql").write_text("select wrong_name as customer_id from raw.orders")
    warehouse = Warehouse(tmp_path / "shop.duckdb")
    with warehouse.transaction() as session:
        session.prepare()
        session.connection.execute(
            "create table raw.orders (source_file varchar, source_hash varchar, source_line bigint, customer varchar)"
        )
        with pytest.raises(WrongUse, match=r"transactions\.sql cannot be used .*wrong_name.*custana\.toml"):
            session.create_source_views(SqlModels.read(tmp_path / "sql", "shop"), {"raw.orders": ["customer"]})


@pytest.mark.parametrize(
    "select",
    [
        "select cast(cast(customer as bigint) as varchar) as customer_id from raw.orders",
        "select customer as customer_id from raw.orders where cast(customer as bigint) > 0",
        "select customer as customer_id from raw.orders where strptime(customer, '%Y') is not null",
    ],
)
def test_a_source_select_that_meets_a_value_which_is_no_number_tells_nothing_of_it(tmp_path: Path, select: str) -> None:
    pack = tmp_path / "sql" / "sources" / "shop"
    pack.mkdir(parents=True)
    (pack / "transactions.sql").write_text(select)
    warehouse = Warehouse(tmp_path / "shop.duckdb")
    with pytest.raises(ContractBroken) as caught, warehouse.transaction() as session:
        session.prepare()
        session.connection.execute(
            "create table raw.orders as select 'f' as source_file, 'h' as source_hash, 1::bigint as source_line, "
            "'Wilhelmina' as customer"
        )
        session.create_source_views(SqlModels.read(tmp_path / "sql", "shop"), {"raw.orders": ["customer"]})
    assert str(caught.value).startswith("The source pack's transactions.sql met a value that does not fit its type (")
    assert "Wilhelmina" not in str(caught.value)
    assert caught.value.__suppress_context__
