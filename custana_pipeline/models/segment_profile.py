"""What a segment is like beside all customers: the table from which names, lists and figures are made."""

from typing import Any

import numpy as np
import pandas as pd

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
    numbers: Any = pd.DataFrame({name: _numbers(customers, name) for name in TYPICAL}, copy=False)
    by_segment: Any = numbers.groupby(groups)
    counts = by_segment.size()
    profile = pd.DataFrame({"customer_count": counts, "share": counts / max(len(customers), 1)})
    profile = profile.join(by_segment.median())
    once = numbers["purchase_frequency"]
    shares: dict[str, Any] = {rank: _positions(numbers[name], name == "recency_days") for name, rank in RANKED.items()}
    shares["one_time_share"] = (once == 1).where(once.notna()).astype(float)
    means: Any = pd.DataFrame(shares, copy=False).groupby(groups).mean()
    profile = profile.join(means)
    profile["traits"] = pd.Series(_traits(customers, groups), index=profile.index, dtype=str)
    return profile.reset_index()


def _numbers(customers: Any, name: str) -> pd.Series:
    if name not in customers or not is_numeric(customers[name]):
        return pd.Series(np.nan, index=customers.index, dtype=float)
    return as_numbers(customers[name])


def _positions(values: pd.Series, smaller_is_higher: bool) -> pd.Series:
    known = max(int(values.notna().sum()), 1)
    return (values.rank(ascending=not smaller_is_higher) - 0.5) / known


def _traits(customers: Any, groups: pd.Series) -> list[str]:
    """The traits of each segment, by segment_id."""
    places, segments = pd.factorize(groups, sort=True)
    found: list[list[tuple[float, str]]] = [[] for _ in segments]
    for name in TRAITS:
        if name in customers and customers[name].notna().any():
            counts, texts = _counted(customers[name], places, len(segments))
            overall = counts.sum(axis=0) / counts.sum()
            for traits, inside in zip(found, counts, strict=True):
                traits += _most_over(inside, overall, texts)
    return ["; ".join(text for _, text in sorted(traits)) for traits in found]


def _counted(values: pd.Series, places: np.ndarray, segment_count: int) -> tuple[np.ndarray, Any]:
    """How many customers of each segment (rows) have each text (columns), and the texts, sorted."""
    codes, texts = pd.factorize(values, sort=True)
    cells = (places * len(texts) + codes)[codes >= 0]
    return np.bincount(cells, minlength=segment_count * len(texts)).reshape(segment_count, len(texts)), texts


def _most_over(counts: np.ndarray, overall: np.ndarray, texts: Any) -> list[tuple[float, str]]:
    """The text that is most over-represented in a segment, with its excess to sort by; none where none is enough."""
    share = counts / max(counts.sum(), 1)
    excess = share - overall
    is_told = (counts >= LEAST_TOLD) & (share >= LEAST_TRAIT_SHARE) & (excess >= LEAST_TRAIT_EXCESS)
    if not is_told.any():
        return []
    most = int(np.where(is_told, excess, -np.inf).argmax())
    return [(-float(excess[most]), str(texts[most]))]
