"""What the cleaned tables promise: one class a table, each column with its meaning and unit, told here only.

The classes judge frames fetched with `gate.judging_query`: decimals as float64, whole numbers that may be null as
float64, dates and timestamps as datetime64[us]. The tables themselves hold decimals.
"""

import numpy as np
import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series

FIRST_MOMENT = pd.Timestamp("1990-01-01")
LAST_MOMENT = pd.Timestamp("2099-12-31 23:59:59.999999")
GENDERS = ("female", "male", "other")
Moment = np.dtype("datetime64[us]")


class _FromFiles(pa.DataFrameModel):
    """Rows that know the line they come from."""

    source_file: Series[str] = pa.Field(description="name of the file that the row comes from")
    source_line: Series[int] = pa.Field(
        ge=1, description="physical line of that file, from 1; the row of a parquet file"
    )

    class Config:
        """No column more and none less."""

        strict = True


class CleanedTransactions(_FromFiles):
    """One row is one order line that is kept: a sale, or a return with its quantity and amount negative."""

    order_id: Series[str] = pa.Field(
        str_length={"min_value": 1},
        description="the order; where the source names none, the customer and the day make one",
    )
    customer_id: Series[str] = pa.Field(str_length={"min_value": 1}, description="who bought or returned")
    product_id: Series[str] = pa.Field(nullable=True, description="what was bought; null where the line does not say")
    ordered_at: Series[Moment] = pa.Field(  # type: ignore[valid-type]
        ge=FIRST_MOMENT, le=LAST_MOMENT, description="when, in the local time of the source"
    )
    ordered_date: Series[Moment] = pa.Field(  # type: ignore[valid-type]
        ge=FIRST_MOMENT, le=LAST_MOMENT, description="the day of ordered_at, in the local time of the source"
    )
    quantity: Series[float] = pa.Field(ne=0, description="units; negative for a return")
    unit_price: Series[float] = pa.Field(
        nullable=True, description="money per unit in the source's currency; null where only the amount is given"
    )
    amount: Series[float] = pa.Field(
        nullable=True,
        description="money of the line in the source's currency; negative for a return; null without money",
    )
    is_return: Series[bool] = pa.Field(description="whether the line takes something back")

    @pa.dataframe_check
    @classmethod
    def numbers_are_finite(cls, lines: pd.DataFrame) -> pd.Series:
        """No infinite quantity, price or amount."""
        numbers = lines[["quantity", "unit_price", "amount"]].to_numpy(dtype=float)
        return pd.Series(~np.isinf(numbers).any(axis=1), index=lines.index)

    @pa.dataframe_check
    @classmethod
    def a_return_has_a_negative_quantity(cls, lines: pd.DataFrame) -> pd.Series:
        """And a sale has a positive one."""
        return pd.Series((lines["quantity"] < 0) == lines["is_return"])

    @pa.dataframe_check
    @classmethod
    def a_return_has_a_negative_amount(cls, lines: pd.DataFrame) -> pd.Series:
        """No return adds money and no sale takes some away; either may be free of charge."""
        amounts = lines["amount"].fillna(0)
        return pd.Series(amounts.le(0).where(lines["is_return"], amounts.ge(0)))

    @pa.dataframe_check
    @classmethod
    def ordered_date_is_the_day_of_ordered_at(cls, lines: pd.DataFrame) -> pd.Series:
        """The day and the moment agree."""
        return lines["ordered_at"].dt.normalize() == lines["ordered_date"]


class CleanedCustomers(_FromFiles):
    """One row is one customer, by the last record of them that is kept."""

    customer_id: Series[str] = pa.Field(str_length={"min_value": 1}, description="the customer")
    birth_year: Series[float] = pa.Field(
        nullable=True, in_range={"min_value": 1880, "max_value": 2090}, description="year of birth; null where unknown"
    )
    age: Series[float] = pa.Field(
        nullable=True, in_range={"min_value": 10, "max_value": 110}, description="age in years as the source states it"
    )
    gender: Series[str] = pa.Field(nullable=True, isin=GENDERS, description="female, male, other; null where unknown")
    location: Series[str] = pa.Field(
        nullable=True, description="where the customer lives, in one spelling per place; null where unknown"
    )
    signed_up_at: Series[Moment] = pa.Field(  # type: ignore[valid-type]
        nullable=True, ge=FIRST_MOMENT, le=LAST_MOMENT, description="day of the sign-up; null where unknown"
    )

    class Config:
        """One row a customer."""

        unique = ("customer_id",)

    @pa.check("location")
    @classmethod
    def is_tidy(cls, locations: pd.Series) -> pd.Series:
        """No blank at either end, none doubled."""
        return ~locations.str.contains(r"^ | $|  ", regex=True, na=False)


class CleanedProducts(_FromFiles):
    """One row is one product, by the last record of it that is kept."""

    product_id: Series[str] = pa.Field(str_length={"min_value": 1}, description="the product")
    name: Series[str] = pa.Field(nullable=True, description="what it is called; null where unknown")
    category: Series[str] = pa.Field(nullable=True, description="the group it belongs to; null where unknown")

    class Config:
        """One row a product."""

        unique = ("product_id",)


class CleanedEvents(_FromFiles):
    """One row is one thing that a known customer did while browsing."""

    customer_id: Series[str] = pa.Field(str_length={"min_value": 1}, description="who looked")
    product_id: Series[str] = pa.Field(nullable=True, description="what was looked at; null where it was no product")
    event_type: Series[str] = pa.Field(
        str_matches=r"^[^A-Z]+$", description="view, cart, purchase, search, wishlist, or another lower-case word"
    )
    happened_at: Series[Moment] = pa.Field(  # type: ignore[valid-type]
        ge=FIRST_MOMENT, le=LAST_MOMENT, description="when, in the local time of the source"
    )
    happened_date: Series[Moment] = pa.Field(  # type: ignore[valid-type]
        ge=FIRST_MOMENT, le=LAST_MOMENT, description="the day of happened_at"
    )

    @pa.dataframe_check
    @classmethod
    def happened_date_is_the_day_of_happened_at(cls, events: pd.DataFrame) -> pd.Series:
        """The day and the moment agree."""
        return events["happened_at"].dt.normalize() == events["happened_date"]


CONTRACTS = {
    "cleaned.transactions": CleanedTransactions,
    "cleaned.customers": CleanedCustomers,
    "cleaned.products": CleanedProducts,
    "cleaned.events": CleanedEvents,
}
