"""What the published lists promise: their columns with meaning and unit, once and for all of them.

Other programs read these lists, so a name here is never changed. Money is in the source's currency and gross of returns
unless it says net; it is null where the source has no money. A purchase is a day with a purchase.
"""

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series

_id = partial(pa.Field, str_length={"min_value": 1})
_share = partial(pa.Field, ge=0, le=1)
_share_or_null = partial(pa.Field, ge=0, le=1, nullable=True)
_count = partial(pa.Field, ge=0)
_place = partial(pa.Field, ge=1, le=10)
_amount = partial(pa.Field, ge=0, nullable=True)

SEGMENT = "the segment's number, which keeps its meaning from run to run; 0 is nobody alike"
BELOW_TEN = "null where fewer than 10 customers stand behind it"


class PublishedList(pa.DataFrameModel):
    """A list as of one day."""

    # coerced: DuckDB gives a date as a timestamp through pandas, and as a Python date through Arrow
    as_of: Series[np.dtype("datetime64[us]")] = pa.Field(  # type: ignore[valid-type]
        coerce=True, description="the day of the list; everything in it was known strictly before"
    )

    class Config:
        """No column more, no column less; the `unique` columns of a list identify and order its rows of a day."""

        strict = True


class RecommendedCustomers(PublishedList):
    """One row per customer with a purchase before as_of: how likely they buy, and whether to address them."""

    customer_id: Series[str] = _id(description="the customer, as the source names them")
    p_buy: Series[float] = _share(description="probability of a purchase within the horizon from as_of on")
    score_decile: Series[int] = _place(description="tenth of the customers by p_buy, 1 the best; equal p_buy shares it")
    is_recommended: Series[bool] = pa.Field(description="whether they are in the audience")
    is_control: Series[bool] = pa.Field(
        description="whether she, of the audience, is left out by draw, so that the campaign can be measured"
    )
    reasons: Series[str] = pa.Field(description="what speaks most for and against a purchase, in words")
    model_version: Series[str] = _id(description="the model that gave p_buy")

    class Config:
        """A customer is there once."""

        unique = ["customer_id"]

    @pa.dataframe_check(error="only customers of the audience are drawn for control")
    @classmethod
    def control_is_part_of_the_audience(cls, customers: pd.DataFrame) -> Any:
        """A control customer would have been addressed."""
        return ~customers["is_control"] | customers["is_recommended"]


class DemandForecast(PublishedList):
    """One row per customer with a purchase before as_of: what they are expected to buy within the horizon."""

    customer_id: Series[str] = _id(description="the customer, as the source names them")
    expected_purchases: Series[float] = _count(description="days with a purchase within the horizon")
    expected_amount: Series[float] = _amount(description="money of purchases within the horizon, gross of returns")
    expected_net_amount: Series[float] = _amount(description="expected_amount less the returns to expect of them")
    lower_amount: Series[float] = _amount(description="lower end of the 80% interval of expected_amount")
    upper_amount: Series[float] = _amount(description="upper end of the 80% interval of expected_amount")
    return_share: Series[float] = _share_or_null(
        description="share of their money that comes back, from the last 365 days, drawn towards everybody's"
    )
    model_version: Series[str] = _id(description="the models that gave purchases and amount")

    class Config:
        """A customer is there once."""

        unique = ["customer_id"]

    @pa.dataframe_check(error="the interval holds the expected amount")
    @classmethod
    def interval_holds_the_expected_amount(cls, forecasts: pd.DataFrame) -> Any:
        """lower <= expected <= upper, where there is money."""
        amount = forecasts["expected_amount"]
        return amount.isna() | ((forecasts["lower_amount"] <= amount) & (amount <= forecasts["upper_amount"]))

    @pa.dataframe_check(error="net is at most gross")
    @classmethod
    def net_is_at_most_gross(cls, forecasts: pd.DataFrame) -> Any:
        """Returns take away; they never add."""
        return forecasts["expected_amount"].isna() | (forecasts["expected_net_amount"] <= forecasts["expected_amount"])


class CustomerValue(PublishedList):
    """One row per customer with a purchase before as_of, where amounts are forecast: money net of expected returns."""

    customer_id: Series[str] = _id(description="the customer, as the source names them")
    horizon_value: Series[float] = _count(description="money of the horizon, net of returns: expected_net_amount")
    horizon_lower: Series[float] = _count(description="lower end of the 80% interval of horizon_value")
    horizon_upper: Series[float] = _count(description="upper end of the 80% interval of horizon_value")
    year_purchases: Series[float] = _count(description="days with a purchase within 365 days from as_of on")
    year_value: Series[float] = _count(description="money of 365 days from as_of on, net of the returns to expect")
    year_lower: Series[float] = _count(description="lower end of the 80% interval of year_value")
    year_upper: Series[float] = _count(description="upper end of the 80% interval of year_value")
    value_decile: Series[int] = _place(
        description="tenth of the customers by year_value, 1 the best; equal values share it"
    )
    note: Series[str] = pa.Field(
        description="what has to be known beside it, or nothing; 'returns exceed purchases' is of the last 365 days"
    )
    model_version: Series[str] = _id(description="the models of the demand_forecast that it rests on")

    class Config:
        """A customer is there once."""

        unique = ["customer_id"]

    @pa.dataframe_check(error="the intervals hold their values")
    @classmethod
    def intervals_hold_their_values(cls, customers: pd.DataFrame) -> Any:
        """lower <= value <= upper, of the horizon and of the year."""
        held = [
            (customers[f"{span}_lower"] <= customers[f"{span}_value"])
            & (customers[f"{span}_value"] <= customers[f"{span}_upper"])
            for span in ("horizon", "year")
        ]
        return held[0] & held[1]


class ProductRecommendations(PublishedList):
    """One row per customer, list and place: a product to offer them."""

    customer_id: Series[str] = _id(description="the customer, as the source names them")
    list: Series[str] = pa.Field(
        isin=["buy_again", "discover"],
        description="buy_again: bought before, and what others buy where that speaks more or there is too little; "
        "discover: never bought yet",
    )
    rank: Series[int] = _place(description="place on their list, 1 the best")
    product_id: Series[str] = _id(description="the product, as the source names it")
    product_name: Series[str] = pa.Field(nullable=True, description="the product's name, or its id where it has none")
    score: Series[float] = _count(description="what the place rests on; comparable within one list of one customer")
    reason: Series[str] = _id(description="why the product stands there, in words")

    class Config:
        """A place holds one product."""

        unique = ["customer_id", "list", "rank"]


class CustomerSegments(PublishedList):
    """One row per customer with a purchase before as_of: the segment they are in."""

    customer_id: Series[str] = _id(description="the customer, as the source names them")
    segment_id: Series[int] = pa.Field(description=SEGMENT)
    segment_name: Series[str] = _id(description="the segment's name, by the published rules")
    model_version: Series[str] = _id(description="the model that drew the segments")

    class Config:
        """A customer is there once."""

        unique = ["customer_id"]


class SegmentProfiles(PublishedList):
    """One row per segment: who its customers are and what is expected of them."""

    segment_id: Series[int] = pa.Field(description=SEGMENT)
    segment_name: Series[str] = _id(description="the segment's name")
    customers: Series[int] = pa.Field(ge=1, description="customers in the segment")
    share: Series[float] = _share(description="their share of all customers")
    mean_recency_days: Series[float] = _amount(description=f"mean days since the last purchase; {BELOW_TEN}")
    median_recency_days: Series[float] = _amount(description=f"median days since the last purchase; {BELOW_TEN}")
    mean_purchase_frequency: Series[float] = _amount(description=f"mean days with a purchase so far; {BELOW_TEN}")
    median_purchase_frequency: Series[float] = _amount(description=f"median days with a purchase so far; {BELOW_TEN}")
    mean_purchase_amount: Series[float] = _amount(description=f"mean money of all purchases so far; {BELOW_TEN}")
    median_purchase_amount: Series[float] = _amount(description=f"median money of all purchases so far; {BELOW_TEN}")
    mean_age: Series[float] = _amount(description=f"mean age in years of those who state it; {BELOW_TEN}")
    median_age: Series[float] = _amount(description=f"median age in years of those who state it; {BELOW_TEN}")
    top_gender: Series[str] = pa.Field(nullable=True, description=f"the most frequent gender; {BELOW_TEN}")
    top_gender_share: Series[float] = _share_or_null(description="its share of those who state a gender")
    top_location: Series[str] = pa.Field(nullable=True, description=f"the most frequent location; {BELOW_TEN}")
    top_location_share: Series[float] = _share_or_null(description="its share of those with a location")
    expected_purchases: Series[float] = _amount(
        description=f"days with a purchase expected of all its customers; {BELOW_TEN}"
    )
    expected_amount: Series[float] = _amount(
        description=f"money expected of all its customers, gross of returns; {BELOW_TEN}"
    )

    class Config:
        """A segment is there once."""

        unique = ["segment_id"]


class SegmentMigrations(PublishedList):
    """One row per segment of the last list before as_of and of today: how many customers went from one to the other."""

    previous_as_of: Series[np.dtype("datetime64[us]")] = pa.Field(  # type: ignore[valid-type]
        coerce=True, description="the day of the last list before"
    )
    from_segment_id: Series[int] = pa.Field(
        description="their segment's number then; -1 is a new customer, -2 several segments, folded"
    )
    from_segment_name: Series[str] = _id(description="its name then")
    to_segment_id: Series[int] = pa.Field(
        description="their segment's number now; -1 is no longer a customer, -2 all others, each below 10 customers"
    )
    to_segment_name: Series[str] = _id(description="its name now")
    customers: Series[int] = pa.Field(ge=10, description="customers who went from the one to the other, or stayed")
    share: Series[float] = _share_or_null(description="their share of the segment's customers then; null for -2")

    class Config:
        """A cell stands once."""

        unique = ["from_segment_id", "to_segment_id"]


class SegmentOffers(PublishedList):
    """One row per segment and product that takes a larger share of its purchases than of everybody's."""

    segment_id: Series[int] = pa.Field(description=SEGMENT)
    segment_name: Series[str] = _id(description="the segment's name")
    rank: Series[int] = _place(description="place among the segment's offers, 1 the best")
    product_id: Series[str] = _id(description="the product, as the source names it")
    product_name: Series[str] = pa.Field(nullable=True, description="the product's name, or its id where it has none")
    lift: Series[float] = pa.Field(gt=1, description="share_in_segment / share_overall")
    buyers: Series[int] = pa.Field(ge=10, description="customers of the segment who bought it in the last 365 days")
    share_in_segment: Series[float] = _share(description="its share of what the segment's customers bought")
    share_overall: Series[float] = _share(description="its share of what all customers bought")

    class Config:
        """A place holds one product."""

        unique = ["segment_id", "rank"]


class DemandTotals(PublishedList):
    """One row per member of a dimension: the demand expected of its customers; each dimension adds up to all."""

    dimension: Series[str] = pa.Field(isin=["all", "segment", "category", "location"], description="what is split")
    member: Series[str] = _id(
        description="the segment, category or location; those below 10 customers are 'all others'"
    )
    customers: Series[int] = pa.Field(ge=1, description="customers behind the figure; one may be in several categories")
    expected_purchases: Series[float] = _count(description="days with a purchase within the horizon")
    expected_amount: Series[float] = _amount(description="money within the horizon, gross of returns")
    expected_net_amount: Series[float] = _amount(description="money within the horizon, less expected returns")

    class Config:
        """A member stands once."""

        unique = ["dimension", "member"]


CONTRACTS: dict[str, type[PublishedList]] = {
    "recommended_customers": RecommendedCustomers,
    "demand_forecast": DemandForecast,
    "customer_value": CustomerValue,
    "product_recommendations": ProductRecommendations,
    "customer_segments": CustomerSegments,
    "segment_profiles": SegmentProfiles,
    "segment_offers": SegmentOffers,
    "segment_migrations": SegmentMigrations,
    "demand_totals": DemandTotals,
}
"""The contract of each published list by its name, in the order in which the report tells of them."""


def column_descriptions(name: str) -> dict[str, str]:
    """The columns of the published list `name` with their meanings, in order."""
    schema = CONTRACTS[name].to_schema()
    return {column: str(schema.columns[column].description) for column in schema.columns}
