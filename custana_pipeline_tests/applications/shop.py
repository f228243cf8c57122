"""A shop of a few rows in a real DuckDB, from which the application models make their lists."""

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from custana_pipeline.models.recommendation_tuning import DEFAULTS, list_parameters
from custana_pipeline.orchestration.recommendation_tables import SUPPORTING, build_recommendations
from custana_pipeline.stores.session import Session
from custana_pipeline.stores.sql_models import read_model
from custana_pipeline_tests.features.numbered import NUMBERED

MODELS = Path(__file__).resolve().parents[2] / "dbt_like_sql"
AS_OF = dt.date(2024, 7, 1)
RECOMMENDATIONS = ("product_recommendations",)
PARAMETERS = {"as_of": AS_OF, **list_parameters(DEFAULTS)}
TABLES = """
create schema cleaned; create schema features; create schema applications;
create table cleaned.transactions (
    order_id varchar, customer_id varchar, product_id varchar, ordered_at timestamp, ordered_date date,
    quantity decimal(18, 3), amount decimal(18, 2), is_return boolean);
create table cleaned.products (product_id varchar, name varchar, category varchar);
create table cleaned.customers (customer_id varchar, birth_year integer, age integer, gender varchar, location varchar);
create table cleaned.events (customer_id varchar, product_id varchar, event_type varchar, happened_date date);
create table applications.customer_segments (
    as_of date, customer_id varchar, segment_id bigint, segment_name varchar);
create table applications.demand_forecast (
    as_of date, customer_id varchar, expected_purchases double, expected_amount double, expected_net_amount double);
"""


class Shop:
    """Rows in, lists out."""

    def __init__(self) -> None:
        self.connection = duckdb.connect(config={"threads": 2})
        self.connection.execute(TABLES + NUMBERED)

    def buys(self, customer: str, product: str | None, days_ago: int, quantity: int = 1, amount: float = 10.0) -> None:
        """One line; a negative quantity is a return."""
        day = AS_OF - dt.timedelta(days=days_ago)
        sign = 1 if quantity > 0 else -1
        row = [f"{customer}@{day}", customer, product, day, day, quantity, sign * amount, quantity < 0]
        self._insert("cleaned.transactions", row)

    def looks_at(self, customer: str, product: str, days_ago: int, event_type: str = "view") -> None:
        self._insert("cleaned.events", [customer, product, event_type, AS_OF - dt.timedelta(days=days_ago)])

    def sells(self, product: str, name: str, category: str | None = None) -> None:
        self._insert("cleaned.products", [product, name, category])

    def knows(self, customer: str, **facts: Any) -> None:
        columns = ("birth_year", "age", "gender", "location")
        self._insert("cleaned.customers", [customer, *(facts.get(column) for column in columns)])

    def puts_into(self, segment_id: int, segment_name: str, *customers: str) -> None:
        for customer in customers:
            self._insert("applications.customer_segments", [AS_OF, customer, segment_id, segment_name])

    def had_put_into(self, segment_id: int, segment_name: str, *customers: str, days_ago: int = 1) -> None:
        """The same on the list of an earlier day."""
        day = AS_OF - dt.timedelta(days=days_ago)
        for customer in customers:
            self._insert("applications.customer_segments", [day, customer, segment_id, segment_name])

    def expects(self, customer: str, purchases: float, amount: float | None, net: float | None = None) -> None:
        self._insert("applications.demand_forecast", [AS_OF, customer, purchases, amount, net if net else amount])

    def build(self, *names: str) -> None:
        """Builds application models by name, and the purchase days before them."""
        self._create("features.purchase_days")
        for name in names:
            self._create(f"applications.{name}") if name not in RECOMMENDATIONS else self.recommend(PARAMETERS)

    def recommend(self, parameters: Mapping[str, Any]) -> None:
        """Builds applications.product_recommendations with these list parameters, as the asset does."""
        self.connection.execute("drop table if exists applications.product_recommendations")
        names = [f"applications.{name}" for name in (*SUPPORTING, *RECOMMENDATIONS)]
        models = {name: read_model(MODELS / f"{name.replace('.', '/')}.sql", name) for name in names}
        build_recommendations(Session(self.connection), models, {"as_of": AS_OF, **parameters})

    def rows(self, query: str) -> list[tuple]:
        return self.connection.execute(query).fetchall()

    def frame(self, table: str) -> pd.DataFrame:
        return self.connection.execute(f"select * from {table}").df()

    def recommended(self, customer: str, which: str) -> list[str]:
        """The products on one list of one customer, best first."""
        query = """select product_id from applications.product_recommendations
            where customer_id = $customer and list = $list order by rank"""
        return [row[0] for row in self.connection.execute(query, {"customer": customer, "list": which}).fetchall()]

    def _create(self, name: str) -> None:
        model = read_model(MODELS / f"{name.replace('.', '/')}.sql", name)
        given = {key: value for key, value in PARAMETERS.items() if key in model.parameters}
        self.connection.execute(f"create or replace table {name} as {model.text}", given)

    def _insert(self, table: str, row: list[Any]) -> None:
        self.connection.execute(f"insert into {table} values ({', '.join('?' * len(row))})", row)
