"""What a segment is like beside all customers: the table from which names, lists and figures are made."""

from typing import Any

import numpy as np
import pandas as pd

from custana_pipeline.models.average_ranks import average_ranks
from custana_pipeline.models.encoding import as_numbers, is_numeric

RANKED = {
    "purchase_amount": "amount_rank",
    "purchase_frequency": "frequency_rank",
    "recency_days": "freshness_rank",
    "tenure_days": "tenure_rank",
    "age": "age_rank",
}
TRAITS = ("gender", "location")
TYPICAL = ("recency_days", "purchase_frequency", "purchase_amount", "tenure_days", "age")
PROFILED = (*TYPICAL, *TRAITS)
"""The columns that a profile is made of, as far as a frame has them."""
LEAST_TOLD = 10
"""Of fewer customers nothing is told but how many they are: what is typical of a handful tells of each."""
LEAST_TRAIT_SHARE = 0.3
LEAST_TRAIT_EXCESS = 0.1


def profile_segments(customers: pd.DataFrame, segment_ids: np.ndarray) -> pd.DataFrame:
    """One row per segment_id: customer_count, share, medians, mean ranks among all customers, one_time_share, traits.

    A rank is the mean position of the segment's customers among all, 0 to 1, ties shared; freshness_rank is 1 for the
    most recent. Medians are taken over known values; columns that the frame lacks are missing. `traits` names,
    strongest first, the texts over-represented in the segment (>= 10 customers and 30 % of it, >= 10 points above all),
    joined by '; '.
    """
    groups = pd.Series(np.asarray(segment_ids), index=customers.index, name="segment_id")
    counts = customers.groupby(groups).size()
    profile = pd.DataFrame({"customer_count": counts, "share": counts / max(len(customers), 1)})
    for name in TYPICAL:
        profile[name] = _numbers(customers, name).groupby(groups).median()
    for name, rank in RANKED.items():
        profile[rank] = _positions(_numbers(customers, name), name == "recency_days").groupby(groups).mean()
    once = _numbers(customers, "purchase_frequency")
    profile["one_time_share"] = (once == 1).where(once.notna()).astype(float).groupby(groups).mean()
    profile["traits"] = pd.Series(
        {segment: _traits(customers, groups == segment) for segment in profile.index}, dtype=str
    )
    return profile.reset_index()


def _numbers(customers: Any, name: str) -> pd.Series:
    if name not in customers or not is_numeric(customers[name]):
        return pd.Series(np.nan, index=customers.index, dtype=float)
    return as_numbers(customers[name])


def _positions(values: pd.Series, smaller_is_higher: bool) -> pd.Series:
    known = int(values.notna().sum())
    ranks = average_ranks(values.to_numpy())
    ranks = known + 1 - ranks if smaller_is_higher else ranks
    return pd.Series((ranks - 0.5) / max(known, 1), index=values.index)


def _traits(customers: Any, members: pd.Series) -> str:
    found: list[tuple[float, str]] = []
    for name in TRAITS:
        if name in customers and customers[name].notna().any():
            overall = customers[name].value_counts(normalize=True)
            counts = customers.loc[members, name].value_counts()
            inside = (counts / max(counts.sum(), 1))[counts >= LEAST_TOLD]
            excess = (inside - overall.reindex(inside.index)).sort_index()
            excess = excess[(inside.reindex(excess.index) >= LEAST_TRAIT_SHARE) & (excess >= LEAST_TRAIT_EXCESS)]
            if len(excess):
                found.append((-float(excess.max()), str(excess.idxmax())))
    return "; ".join(text for _, text in sorted(found))
