"""What the feature tables promise: each is a union of the groups of `column_groups`."""

from pandera.typing import Series

from custana_pipeline.features.column_groups import (
    Browsing,
    BrowsingDetail,
    BuyTillYouDie,
    Core,
    Demographics,
    FutureAmount,
    FuturePurchases,
    Lifetime,
    Mix,
    Novelty,
    Returns,
    Rhythm,
    SpareActivity,
    SpareBrowsing,
    Volume,
    Windows,
    count,
)


class ActivityFeatures(Core, Lifetime, Windows, Rhythm, Returns, Volume, SpareActivity):
    """One row per customer with a purchase before as_of: when, how often and for how much they bought."""


class BrowsingFeatures(Browsing, BrowsingDetail, SpareBrowsing):
    """One row per customer with a purchase before as_of: what they looked at and put into the cart."""


class AssortmentFeatures(Mix, Novelty):
    """One row per customer with a purchase before as_of: what is in their baskets."""


class DemographicFeatures(Demographics):
    """One row per customer with a purchase before as_of: who they are, as far as it was known."""


class Outcomes(FuturePurchases):
    """One row per customer with a purchase before as_of: what they bought in the horizon, now over."""


class BtydFeatures(BuyTillYouDie):
    """One row per customer with a purchase before as_of: what buy-till-you-die models foresee of them."""


class BehaviorFeatures(
    Core,
    Lifetime,
    Windows,
    Rhythm,
    Returns,
    BuyTillYouDie,
    Mix,
    Novelty,
    Browsing,
    BrowsingDetail,
    Demographics,
    FuturePurchases,
):
    """One row per customer with a purchase before as_of: what may tell whether they buy within the horizon."""


class DemandFeatures(BehaviorFeatures, Volume):
    """One row per customer with a purchase before as_of: what may tell how often and how much they buy."""


class SegmentationFeatures(Core, Mix, Browsing, Demographics, FutureAmount):
    """One row per customer with a purchase before as_of: what makes them like others."""

    decayed_purchase_days_90d: Series[float] = count(description="purchases, each halved for every 90 days of age")
