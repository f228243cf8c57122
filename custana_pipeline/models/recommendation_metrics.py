"""How good a list of recommended products was, seen from what its customers then bought.

Everything here takes plain frames, so that any list can be scored by it: a published one, a baseline, a rival's.
Ids may be of any type that both frames share.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

Floats = np.ndarray

PLACES = 10
RESAMPLES = 200


@dataclass(frozen=True)
class Interval:
    """A mean over customers with its 95 % bootstrap interval."""

    mean: float
    lower: float
    upper: float


def score_list(published: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """customer_id, relevant, hits, recall_10 and ndcg_10 of every customer in `truth`, in the order of their ids.

    `published` has customer_id, rank (1 the best) and product_id; `truth` has one row per customer_id and product_id
    that was bought. Recall@10 is the hits among the first ten places over all products that the customer bought, which
    is below 1 for whoever bought more than ten. NDCG@10 is binary: the sum of 1 / log2(1 + rank) over the hits, over
    the sum that a perfect list would have (Järvelin and Kekäläinen 2002). A customer without a list scores 0.
    """
    bought = truth[["customer_id", "product_id"]].drop_duplicates()
    relevant: Any = bought.groupby("customer_id", sort=True).size()
    offered = published.loc[published["rank"] <= PLACES, ["customer_id", "product_id", "rank"]]
    hits = bought.merge(offered, on=["customer_id", "product_id"])
    hits = hits.assign(gain=1 / np.log2(1 + hits["rank"].to_numpy(dtype=float)))
    found: Any = hits.groupby("customer_id")["gain"].agg(["size", "sum"]).reindex(relevant.index, fill_value=0)
    counts = relevant.to_numpy()
    perfect = np.cumsum(1 / np.log2(np.arange(2, PLACES + 2)))
    return pd.DataFrame(
        {
            "customer_id": relevant.index,
            "relevant": counts,
            "hits": found["size"].to_numpy(dtype=np.int64),
            "recall_10": found["size"].to_numpy(dtype=float) / counts,
            "ndcg_10": found["sum"].to_numpy(dtype=float) / perfect[np.minimum(counts, PLACES) - 1],
        }
    )


def list_metrics(
    published: pd.DataFrame, truth: pd.DataFrame, popularity: "Mapping[object, float] | pd.Series"
) -> dict[str, float]:
    """Recall@10, NDCG@10, catalogue coverage, novelty and the number of customers judged.

    `popularity` maps every product that could have been offered to its purchases before the list was made. Coverage is
    the share of these products that stand on any judged customer's list. Novelty is the mean self-information,
    -log2(share of all purchases), of the places (Zhou et al. 2010, PNAS 107, 4511); a product without a purchase counts
    as one. recall_10 and ndcg_10 come with `_lower` and `_upper`, a 95 % bootstrap interval over customers. Metrics
    that are not defined are left out.
    """
    scores = score_list(published, truth)
    purchases = pd.Series(popularity, dtype=float)
    judged: Any = published[(published["rank"] <= PLACES) & published["customer_id"].isin(scores["customer_id"])]
    offered = judged["product_id"]
    told = {name: scores[name].to_numpy() for name in ("recall_10", "ndcg_10")}
    return metrics_of(told, offered.map(purchases).fillna(1).to_numpy(), offered.nunique(), purchases.to_numpy())


def metrics_of(scores: Mapping[str, Floats], offered: Floats, different: int, purchases: Floats) -> dict[str, float]:
    """The same from recall_10 and ndcg_10 of the judged customers and from purchases before the list was made.

    Those are told of the product at each place in `offered`, where there are `different` products, and of every product
    that could have been offered.
    """
    if not len(scores["recall_10"]):
        return {"users": 0.0}
    metrics = {"users": float(len(scores["recall_10"]))}
    for name, values in scores.items():
        told = interval(values)
        metrics |= {name: told.mean, f"{name}_lower": told.lower, f"{name}_upper": told.upper}
    if len(purchases):
        metrics["coverage"] = different / len(purchases)
    if len(offered) and purchases.sum() > 0:
        shares = np.maximum(offered, 1) / np.maximum(purchases, 1).sum()
        metrics["novelty"] = float(-np.log2(shares).mean())
    return {name: float(value) for name, value in metrics.items()}


def interval(values: np.ndarray, seed: int = 7) -> Interval:
    """The mean of one value a customer with its 95 % percentile bootstrap interval over customers.

    >>> interval(np.ones(20))
    Interval(mean=1.0, lower=1.0, upper=1.0)
    """
    if not len(values):
        return Interval(float("nan"), float("nan"), float("nan"))
    lower, upper = np.quantile(values[_drawn(len(values), seed)].mean(axis=1), [0.025, 0.975])
    return Interval(float(values.mean()), float(lower), float(upper))


@lru_cache(maxsize=4)
def _drawn(count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, count, size=(RESAMPLES, count))
