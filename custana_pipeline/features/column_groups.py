"""The columns of the feature tables with meaning and unit, once for all of them, in groups that travel together.

Money is in the source's currency, gross of returns unless it says net. A purchase is a day with a purchase. What may be
null says when.
"""

from functools import partial

import numpy as np
import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series

_days = partial(pa.Field, ge=0)
count = partial(pa.Field, ge=0)
_share = partial(pa.Field, ge=0, le=1)
_money = partial(pa.Field, ge=0, nullable=True)
_nullable = partial(pa.Field, nullable=True)
_perhaps = partial(pa.Field, ge=0, nullable=True)
_share_or_null = partial(pa.Field, ge=0, le=1, nullable=True)

NO_MONEY = "null where the source has no money"
NO_EVENTS = "null where the source has no events before as_of"
NOT_FITTED = "null where too few histories allow no fit"
NO_PRODUCTS = "null where their lines name no product"
ONE_PURCHASE = "null after one purchase only"


class Snapshot(pa.DataFrameModel):
    """One row per customer with a purchase before as_of."""

    # coerced: DuckDB gives a date as a timestamp through pandas, and as a Python date through Arrow
    as_of: Series[pd.Timestamp] = pa.Field(
        coerce=True, description="the day of the snapshot; everything else was known strictly before it"
    )
    customer_id: Series[str] = pa.Field(
        str_length={"min_value": 1}, description="the customer, as the source names them"
    )

    class Config:
        """No column more, no column less, no customer twice."""

        strict = True
        unique = ["as_of", "customer_id"]

    @pa.dataframe_check(error="every number is finite")
    @classmethod
    def every_number_is_finite(cls, snapshots: pd.DataFrame) -> pd.Series:
        """Infinity is no feature; NaN is null, which each column allows or not."""
        numbers = snapshots.select_dtypes(["int", "float"])
        return ~pd.Series(np.isinf(numbers.to_numpy(dtype=float)).any(axis=1), index=snapshots.index)


class Core(Snapshot):
    """Recency, frequency and money: what every analysis looks at."""

    recency_days: Series[int] = _days(ge=1, description="days from the last purchase to as_of; 1 is the day before")
    tenure_days: Series[int] = _days(ge=1, description="days from the first purchase to as_of (T of BG/NBD)")
    purchase_frequency: Series[int] = count(ge=1, description="days with a purchase before as_of")
    purchase_amount: Series[float] = _money(description=f"money of all purchases before as_of; {NO_MONEY}")
    mean_amount: Series[float] = _money(description=f"money per purchase; {NO_MONEY}")
    mean_gap_days: Series[float] = _perhaps(description=f"mean days from one purchase to the next; {ONE_PURCHASE}")
    purchase_days_365d: Series[int] = count(description="purchases in the 365 days before as_of")
    purchase_amount_365d: Series[float] = _money(description=f"money in the 365 days before as_of; {NO_MONEY}")
    weekend_share: Series[float] = _share(description="share of the purchases on a Saturday or Sunday")
    return_share: Series[float] = _money(
        description=f"money sent back over money bought, above 1 when earlier purchases are unknown; {NO_MONEY}"
    )

    @pa.dataframe_check(error="last purchase not before the first")
    @classmethod
    def last_purchase_not_before_first(cls, snapshots: pd.DataFrame) -> pd.Series:
        """The last purchase is at most as long ago as the first."""
        return pd.Series(snapshots["recency_days"] <= snapshots["tenure_days"])

    @pa.dataframe_check(error="a year holds no more purchases than a life")
    @classmethod
    def year_within_life(cls, snapshots: pd.DataFrame) -> pd.Series:
        """Purchases of the last 365 days are among all purchases."""
        return pd.Series(snapshots["purchase_days_365d"] <= snapshots["purchase_frequency"])


class Lifetime(Snapshot):
    """The rest of a customer's history as a whole."""

    active_span_days: Series[int] = _days(description="days from the first to the last purchase (t_x of BG/NBD)")
    repeat_count: Series[int] = count(description="purchases after the first (x of BG/NBD)")
    history_days: Series[int] = _days(
        ge=1, description="days from the source's first line to as_of: longer windows are cut"
    )
    net_amount: Series[float] = _nullable(description=f"money of all purchases less returns; {NO_MONEY}")
    last_amount: Series[float] = _money(description=f"money of the last purchase; {NO_MONEY}")


class Windows(Snapshot):
    """Purchases and money in windows before as_of."""

    purchase_days_7d: Series[int] = count(description="purchases in the 7 days before as_of")
    purchase_days_30d: Series[int] = count(description="purchases in the 30 days before as_of")
    purchase_days_90d: Series[int] = count(description="purchases in the 90 days before as_of")
    purchase_days_prior_90d: Series[int] = count(description="purchases 91 to 180 days before as_of")
    purchase_days_year_ago: Series[float] = _perhaps(
        description="purchases in the horizon's days 364 days earlier; null where the source's history is shorter"
    )
    purchase_days_trend: Series[float] = pa.Field(
        description="log of (1 + purchases of the last 90 days) / (1 + those of the 90 before)"
    )
    purchase_amount_7d: Series[float] = _money(description=f"money in the 7 days before as_of; {NO_MONEY}")
    purchase_amount_30d: Series[float] = _money(description=f"money in the 30 days before as_of; {NO_MONEY}")
    purchase_amount_90d: Series[float] = _money(description=f"money in the 90 days before as_of; {NO_MONEY}")
    purchase_amount_prior_90d: Series[float] = _money(description=f"money 91 to 180 days before as_of; {NO_MONEY}")
    purchase_amount_year_ago: Series[float] = _money(
        description=f"money in the horizon's days 364 days earlier; null where the history is shorter; {NO_MONEY}"
    )
    purchase_amount_trend: Series[float] = _nullable(
        description=f"log of (1 + money of the last 90 days) / (1 + that of the 90 before); {NO_MONEY}"
    )
    net_amount_90d: Series[float] = _nullable(description=f"money less returns, 90 days before as_of; {NO_MONEY}")
    net_amount_365d: Series[float] = _nullable(description=f"money less returns, 365 days before as_of; {NO_MONEY}")
    decayed_purchase_days_30d: Series[float] = count(description="purchases, each halved for every 30 days of age")
    decayed_purchase_days_90d: Series[float] = count(description="purchases, each halved for every 90 days of age")
    decayed_purchase_days_180d: Series[float] = count(description="purchases, each halved for every 180 days of age")
    decayed_amount_90d: Series[float] = _money(description=f"money, halved for every 90 days of age; {NO_MONEY}")


class Rhythm(Snapshot):
    """How regularly a customer buys."""

    std_gap_days: Series[float] = _perhaps(description="standard deviation of the gaps; null below three purchases")
    max_gap_days: Series[float] = _perhaps(description=f"longest days between two purchases; {ONE_PURCHASE}")
    last_gap_days: Series[float] = _perhaps(description=f"days between the last two purchases; {ONE_PURCHASE}")
    recency_to_mean_gap: Series[float] = _perhaps(description=f"recency_days over mean_gap_days; {ONE_PURCHASE}")


class Returns(Snapshot):
    """What a customer sent back."""

    return_count_365d: Series[int] = count(description="lines sent back in the 365 days before as_of")
    return_amount_365d: Series[float] = _money(description=f"money sent back in the 365 days before as_of; {NO_MONEY}")
    days_since_return: Series[float] = _perhaps(description="days from the last return to as_of; null without a return")


class Volume(Snapshot):
    """How much a customer buys: what demand needs beyond the other groups."""

    order_count: Series[int] = count(description="orders before as_of; several orders of a day are one purchase")
    unit_count: Series[float] = count(description="units bought before as_of")
    unit_count_90d: Series[float] = count(description="units bought in the 90 days before as_of")
    unit_count_365d: Series[float] = count(description="units bought in the 365 days before as_of")
    mean_repeat_amount: Series[float] = _money(
        description=f"money per purchase after the first (Gamma-Gamma); {ONE_PURCHASE}; {NO_MONEY}"
    )
    max_amount: Series[float] = _money(description=f"money of the largest purchase; {NO_MONEY}")
    decayed_amount_30d: Series[float] = _money(description=f"money, halved for every 30 days of age; {NO_MONEY}")
    decayed_amount_180d: Series[float] = _money(description=f"money, halved for every 180 days of age; {NO_MONEY}")


class SpareActivity(Snapshot):
    """Windows that features.activity offers and no analysis takes yet."""

    net_amount_7d: Series[float] = _nullable(description=f"money less returns, 7 days before as_of; {NO_MONEY}")
    net_amount_30d: Series[float] = _nullable(description=f"money less returns, 30 days before as_of; {NO_MONEY}")
    unit_count_7d: Series[float] = count(description="units bought in the 7 days before as_of")
    unit_count_30d: Series[float] = count(description="units bought in the 30 days before as_of")
    return_count: Series[int] = count(description="lines sent back before as_of")
    return_amount: Series[float] = _money(description=f"money sent back before as_of; {NO_MONEY}")


class Mix(Snapshot):
    """Baskets, and how a customer's lines spread over products and categories."""

    mean_basket_products: Series[float] = _perhaps(description=f"different products per purchase; {NO_PRODUCTS}")
    mean_basket_units: Series[float] = count(description="units per purchase")
    mean_unit_amount: Series[float] = _money(description=f"money per unit; {NO_MONEY}")
    product_count: Series[float] = _perhaps(description=f"different products bought before as_of; {NO_PRODUCTS}")
    repeat_product_share: Series[float] = _share_or_null(
        description=f"share of their products that they bought on two days or more; {NO_PRODUCTS}"
    )
    top_product_share: Series[float] = _share_or_null(
        description=f"share of their lines for one product; {NO_PRODUCTS}"
    )
    category_count: Series[float] = _perhaps(description="different categories; null where their products have none")
    top_category_share: Series[float] = _share_or_null(
        description="share of their lines for top_category; null where their products have no category"
    )
    top_category: Series[str] = _nullable(
        description="the category of most of their lines, the first by name among equals; null where there is none"
    )


class Novelty(Snapshot):
    """How much of what a customer buys is new to them."""

    new_product_share_90d: Series[float] = _share_or_null(
        description="share of the products of the last 90 days that they had not bought before; null without any"
    )


class Browsing(Snapshot):
    """What a customer did without buying, in the last 90 days."""

    days_since_event: Series[float] = _perhaps(
        ge=1,
        description=f"days from the last event to as_of; without one, all days of events and one more; {NO_EVENTS}",
    )
    view_count_90d: Series[float] = _perhaps(description=f"views in the 90 days before as_of; {NO_EVENTS}")
    cart_count_90d: Series[float] = _perhaps(description=f"products put into the cart in 90 days; {NO_EVENTS}")
    session_count_90d: Series[float] = _perhaps(
        description=f"sessions in 90 days, each ended by 30 minutes of silence; {NO_EVENTS}"
    )
    browsing_days_90d: Series[float] = _perhaps(description=f"days with an event in 90 days; {NO_EVENTS}")
    cart_conversion_90d: Series[float] = _share_or_null(
        description="share of the products put into the cart in 90 days and bought since; null without any"
    )


class BrowsingDetail(Snapshot):
    """Browsing in shorter windows."""

    view_count_7d: Series[float] = _perhaps(description=f"views in the 7 days before as_of; {NO_EVENTS}")
    view_count_30d: Series[float] = _perhaps(description=f"views in the 30 days before as_of; {NO_EVENTS}")
    cart_count_7d: Series[float] = _perhaps(description=f"products put into the cart in 7 days; {NO_EVENTS}")
    cart_count_30d: Series[float] = _perhaps(description=f"products put into the cart in 30 days; {NO_EVENTS}")
    session_count_30d: Series[float] = _perhaps(description=f"sessions in the 30 days before as_of; {NO_EVENTS}")
    viewed_unbought_count_90d: Series[float] = _perhaps(
        description="products viewed in 90 days and never bought; null where no event names a product"
    )


class SpareBrowsing(Snapshot):
    """Windows that features.browsing offers and no analysis takes yet."""

    session_count_7d: Series[float] = _perhaps(description=f"sessions in the 7 days before as_of; {NO_EVENTS}")
    browsing_days_7d: Series[float] = _perhaps(description=f"days with an event in 7 days; {NO_EVENTS}")
    browsing_days_30d: Series[float] = _perhaps(description=f"days with an event in 30 days; {NO_EVENTS}")
    viewed_product_count_90d: Series[float] = _perhaps(
        description="different products viewed in 90 days; null where no event names a product"
    )


class Demographics(Snapshot):
    """Who a customer is, from records signed up before as_of or without that date."""

    age: Series[float] = pa.Field(ge=10, le=110, nullable=True, description="years at as_of; null where unknown")
    gender: Series[str] = pa.Field(
        isin=["female", "male", "other"], nullable=True, description="female, male or other; null where unknown"
    )
    location: Series[str] = _nullable(description="the place as the source names it; null where unknown")
    signed_up_days: Series[float] = _perhaps(ge=1, description="days from the sign-up to as_of; null where unknown")


class BuyTillYouDie(Snapshot):
    """What BG/NBD and Gamma-Gamma, fitted on the histories of the day alone, foresee of the horizon."""

    btyd_p_alive: Series[float] = _share_or_null(
        description=f"probability of not having left (BG/NBD); 1 after one purchase; {NOT_FITTED}"
    )
    btyd_p_buy: Series[float] = _share_or_null(
        description=f"probability of a purchase within the horizon (BG/NBD); {NOT_FITTED}"
    )
    btyd_purchases: Series[float] = _perhaps(
        description=f"purchases expected within the horizon (BG/NBD); {NOT_FITTED}"
    )
    btyd_mean_amount: Series[float] = _perhaps(
        description=f"expected money of a purchase (Gamma-Gamma, else the own mean); {NOT_FITTED}; {NO_MONEY}"
    )
    btyd_amount: Series[float] = _perhaps(description=f"btyd_purchases times btyd_mean_amount; {NOT_FITTED}")


class FutureAmount(Snapshot):
    """The money of the horizon."""

    future_amount: Series[float] = _money(
        description=f"outcome: money in [as_of, as_of + horizon_days); null until that is over; {NO_MONEY}"
    )


class FuturePurchases(FutureAmount):
    """The purchases of the horizon."""

    # coerced: a boolean column is `boolean`, `bool` or `object` in pandas by whether it has nulls
    is_recommended: Series[pd.BooleanDtype] = pa.Field(
        coerce=True,
        nullable=True,
        description="outcome: bought within the horizon, so worth recommending to; null until then",
    )
    future_purchase: Series[float] = _perhaps(
        coerce=True, description="outcome: days with a purchase within the horizon; null until that is over"
    )
