"""Features that no customer can have stop their table, and the customers are listed."""

import datetime as dt
from pathlib import Path

import pytest

from custana_pipeline.orchestration.unreal_values import TABLE, UnrealValues, listing_customers, refuse_unreal
from custana_pipeline.stores.warehouse import Warehouse

MONDAY = dt.date(2025, 6, 2)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("'nan'::double", "NaN"),
        ("'-inf'::double", "infinite"),
        ("1e308", "beyond magnitude"),
        ("-1e16", "beyond magnitude"),
    ],
)
def test_such_a_value_stops_the_table_and_names_column_and_customer(tmp_path: Path, value: str, reason: str) -> None:
    warehouse = Warehouse(tmp_path / "shop.duckdb")
    made = f"""create table features.behavior as
        select date '{MONDAY}' as as_of, 'c1' as customer_id, 1.5::double as fine, {value}::double as odd
        union all select date '{MONDAY}', 'c2', null, 3.0"""
    with pytest.raises(UnrealValues, match=r"odd \(1 rows\)"), listing_customers(warehouse):  # noqa: SIM117
        with warehouse.transaction() as session:
            session.prepare()
            session.connection.execute(made)
            refuse_unreal(session, "features.behavior", [MONDAY])
    with warehouse.reading() as session:
        assert session.rows(f"select * from {TABLE}") == [(MONDAY, "features.behavior", "odd", "c1", reason)]
        assert not session.exists("features.behavior")


def test_nulls_and_large_sums_are_real(tmp_path: Path) -> None:
    with Warehouse(tmp_path / "shop.duckdb").transaction() as session:
        session.prepare()
        session.connection.execute(
            f"create table features.behavior as select date '{MONDAY}' as as_of, 'c' as customer_id, 9e14 as big, "
            "null::double as missing"
        )
        refuse_unreal(session, "features.behavior", [MONDAY])
