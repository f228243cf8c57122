"""A shop of a few rows: cleaned tables written by hand, and the feature models run on them by a real DuckDB."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from custana_pipeline.features.btyd.columns import shop_columns
from custana_pipeline.features.windows import LAST_PLACE
from custana_pipeline.stores.sql_models import SqlModel, SqlModels, read_model
from custana_pipeline_tests.features.numbered import NUMBERED

FOLDER = Path(__file__).resolve().parents[2] / "dbt_like_sql" / "features"
DAYS = ("purchase_days", "browsing_days")
SNAPSHOTS = ("activity", "btyd", "browsing", "assortment", "demographics", "behavior", "demand", "segmentation")
CLEANED = """
create schema cleaned;
create schema features;
create table cleaned.transactions (
    order_id varchar, customer_id varchar, product_id varchar, ordered_at timestamp, ordered_date date,
    quantity decimal(18, 3), unit_price decimal(18, 4), amount decimal(18, 2), is_return boolean,
    source_file varchar, source_line bigint
);
create table cleaned.customers (
    customer_id varchar, birth_year integer, age integer, gender varchar, location varchar, signed_up_at date,
    source_file varchar, source_line bigint
);
create table cleaned.products (
    product_id varchar, name varchar, category varchar, source_file varchar, source_line bigint
);
create table cleaned.events (
    customer_id varchar, product_id varchar, event_type varchar, happened_at timestamp, happened_date date,
    source_file varchar, source_line bigint
);
"""


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


@cache
def feature_models() -> tuple[SqlModel, ...]:
    """The models of dbt_like_sql/features, each after those it reads."""
    models = [read_model(path, f"features.{path.stem}") for path in sorted(FOLDER.glob("*.sql"))]
    return tuple(SqlModels(by_name={model.name: model for model in models}, sources={}).stage("features"))


def shown(table: str) -> str:
    """A feature table as it is read: days with the ids that their numbers stand for."""
    if table not in DAYS:
        return f"features.{table}"
    return f"""(select customer_id, days.* exclude (customer_number) from features.{table} as days
        left join cleaned.customer_numbers using (customer_number))"""


@dataclass(frozen=True)
class TinyShop:
    """Writes rows into the cleaned tables and reads features from them."""

    connection: duckdb.DuckDBPyConnection = field(default_factory=lambda: duckdb.connect(config={"threads": 2}))
    last_place: int = LAST_PLACE

    def __post_init__(self) -> None:
        self.connection.execute(CLEANED + NUMBERED)

    def buys(self, customer: str, on: str, amount: float | None = 10, **line: Any) -> None:
        """One line; `returned=True` makes it a return of that (positive) amount."""
        sign = -1 if line.get("returned") else 1
        self._insert(
            "transactions",
            (
                line.get("order", f"{customer}@{on}"),
                customer,
                line.get("product"),
                f"{on} {line.get('at', '12:00')}",
                on,
                sign * line.get("units", 1),
                None,
                None if amount is None else sign * Decimal(str(amount)),
                line.get("returned", False),
                "shop.csv",
                1,
            ),
        )

    def browses(self, customer: str, at: str, event: str = "view", product: str | None = None) -> None:
        self._insert("events", (customer, product, event, at, at[:10], "events.csv", 1))

    def knows(self, customer: str, **facts: Any) -> None:
        names = ("birth_year", "age", "gender", "location", "signed_up_at")
        self._insert("customers", (customer, *(facts.get(name) for name in names), "customers.csv", 1))

    def sells(self, product: str, category: str | None) -> None:
        self._insert("products", (product, product, category, "products.csv", 1))

    def _insert(self, table: str, row: tuple) -> None:
        marks = ", ".join("?" * len(row))
        self.connection.execute(f"insert into cleaned.{table} values ({marks})", row)

    def build(self, *days: str, outcomes_until: str | None = None, horizon_days: int = 90) -> "TinyShop":
        """Runs every feature model at `days`; outcomes only where the horizon is over on `outcomes_until`.

        The last of the days is the run's own one, or that which `outcomes_until` names.
        """
        self.connection.execute("drop schema features cascade; create schema features")
        given = {
            "days": [day(text) for text in days],
            "as_of": day(outcomes_until or max(days)),
            "horizon_days": horizon_days,
            "last_place": self.last_place,
        }
        for model in feature_models():
            kind = "view" if model.is_view else "table"
            rows = " limit 0" if model.table == "outcomes" and outcomes_until is None else ""
            self.connection.execute(
                f"create {kind} {model.name} as {model.text}{rows}",
                {name: value for name, value in given.items() if name in model.parameters},
            )
            if model.table == "activity":
                self._fit(horizon_days)
        return self

    def _fit(self, horizon_days: int) -> None:
        """features.btyd of every day of features.activity."""
        activity = self.frame("activity")
        fitted = [shop_columns(of_day, horizon_days)[0] for _, of_day in activity.groupby("as_of")]
        rows = pd.concat(fitted) if fitted else shop_columns(activity, horizon_days)[0]
        self.connection.register("fitted", rows)
        self.connection.execute("create table features.btyd as from fitted order by as_of, customer_id")
        self.connection.unregister("fitted")

    def frame(self, table: str) -> pd.DataFrame:
        """A feature table, by as_of and customer."""
        key = "ordered_date" if table == "purchase_days" else "happened_date" if table == "browsing_days" else "as_of"
        return self.connection.execute(f"from {shown(table)} order by {key}, customer_id").df()

    def of(self, table: str, customer: str = "ann") -> dict[str, Any]:
        """The one row of a customer, nulls as None."""
        found = self.connection.execute(f"from {shown(table)} where customer_id = ?", [customer])
        names = [column[0] for column in found.description]
        (row,) = found.fetchall()
        return dict(zip(names, row, strict=True))

    def customers(self, table: str) -> list[str]:
        return self.frame(table)["customer_id"].tolist()

    def bytes_of(self, tables: Iterable[str], where: str = "true") -> dict[str, bytes]:
        """Each table's types and rows, floats to their last bit, sorted by the whole row."""
        return {table: self._bytes(f"from {shown(table)} where {where} order by all") for table in tables}

    def _bytes(self, query: str) -> bytes:
        # not the Arrow buffers: what lies under a null there is whatever the memory held
        found = self.connection.sql(query)
        return repr((found.columns, found.types, found.fetchall())).encode()
