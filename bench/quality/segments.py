"""The segments as they are published: shares, what they say of the next window, and whether they last."""

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, silhouette_score
from sklearn.preprocessing import StandardScaler

from bench.quality.product import Published, Task
from bench.quality.scores import figure, weights_of
from bench.quality.truth import Truth
from bench.quality.windows import Window

PRODUCT = "**custana**"
RESAMPLES = 2
ANCHORS = (3, False), (4, True), (5, True)
"""k, and whether the space is log-standardised RFM or raw frequency and amount."""


def judge(window: Window, truth: Truth, published: Published) -> dict:
    """Figures of the published segments and of plain KMeans on the same customers, as plain data."""
    customers = truth.customers(window)
    night = window.as_of + dt.timedelta(days=1)
    later = truth.customers(Window(window.source, night, window.horizon_days, frozenset()))
    weights = weights_of(len(customers), seed=window.seed)
    result = {}
    for k, is_log in ANCHORS:
        space, next_space = _space(customers, is_log), _space(later, is_log)
        name = f"{'log-standardised RFM' if is_log else 'raw frequency, amount'}, k = {k}"
        labels, lasting = _anchor(space, pd.DataFrame(next_space, index=later["customer_id"]), customers, k)
        silhouette = float(silhouette_score(space, labels, sample_size=3000, random_state=0))
        result[name] = {
            **_scores(pd.Series(labels.astype(str)), customers, weights),
            **lasting,
            "silhouette": silhouette,
        }
    today = _named(published, window.key, window.as_of)
    if today is None:
        return result
    tomorrow = _named(published, window.key, night)
    own = _scores(today.reindex(customers["customer_id"]), customers, weights)
    if tomorrow is not None:
        same = today[today.index.isin(tomorrow.index)]
        untouched = same.index.isin(_untouched(customers, later))
        is_same = (same == tomorrow.reindex(same.index)).to_numpy()
        own |= {"same_name": float(is_same.mean()), "same_name_untouched": float(is_same[untouched].mean())}
    ari = [_agreement(today, published, f"{window.key}-resample-{number}", window) for number in range(RESAMPLES)]
    known = [each for each in ari if each is not None]
    if known:
        own |= {"ari": float(np.mean(known)), "ari_each": known}
    return {PRODUCT: own, **result}


def resampled(window: Window, truth: Truth, raw: Path, folder: Path) -> list[Task]:
    """Tasks on the raw lines of customers drawn with replacement (each once): what a bootstrap leaves to cluster."""
    customers = truth.customers(window)["customer_id"].to_numpy()
    tasks = []
    for number in range(RESAMPLES):
        random = np.random.default_rng(window.seed + number)
        drawn = np.unique(random.choice(customers, len(customers)))
        path = folder / f"online_retail_resample_{number}.csv"
        frame = pd.DataFrame({"customer_id": drawn})
        truth.connection.register("drawn", frame)
        truth.connection.execute(
            f"""copy (
                select * from read_csv('{raw}', all_varchar = true)
                where replace("Customer ID", '.0', '') in (select customer_id from drawn)
            ) to '{path}' (header, delimiter ',')"""
        )
        tasks.append(Task(f"{window.key}-resample-{number}", window.source, window.as_of, window.horizon_days, path))
    return tasks


def _named(published: Published, key: str, day: dt.date) -> pd.Series | None:
    found = published.read(key, day, "customer_segments")
    return None if found is None else found.set_index("customer_id")["segment_name"].astype(str)


def _untouched(customers: pd.DataFrame, later: pd.DataFrame) -> pd.Series:
    """Customers without a purchase on the day between."""
    both = customers.merge(later, on="customer_id", suffixes=("", "_later"))
    return both.loc[both["frequency"] == both["frequency_later"], "customer_id"]


def _agreement(today: pd.Series, published: Published, key: str, window: Window) -> float | None:
    other = _named(published, key, window.as_of)
    if other is None:
        return None
    both = other.index.intersection(today.index)
    return float(adjusted_rand_score(today.reindex(both), other.reindex(both)))


def _scores(names: pd.Series, customers: pd.DataFrame, weights: np.ndarray) -> dict:
    labels = pd.factorize(names.fillna("(not listed)"))[0]
    shares = np.bincount(labels) / len(labels)
    spend = customers["spend"].to_numpy(dtype="float64")
    outcomes = {"spend": spend, "log_spend": np.log1p(spend), "buy": (spend > 0).astype("float64")}
    told: dict = {"segments": len(shares), "min_share": float(shares.min()), "max_share": float(shares.max())}
    told["silhouette"] = float(silhouette_score(_space(customers), labels, sample_size=3000, random_state=0))
    told |= {f"eta2_{name}": figure(_eta2(labels, values, weights)).told for name, values in outcomes.items()}
    return told


def _eta2(labels: np.ndarray, values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The share of the outcome's variance that lies between the segments, in every draw."""
    size = weights.sum(axis=1)
    mean = (weights @ values) / size
    between = np.zeros(len(weights))
    for label in range(labels.max() + 1):
        member = (labels == label).astype("float64")
        count = weights @ member
        between += count * ((weights @ (member * values)) / np.maximum(count, 1) - mean) ** 2
    return between / np.maximum((weights @ values**2) - size * mean**2, 1e-12)


def _space(customers: pd.DataFrame, is_log: bool = True) -> np.ndarray:
    if is_log:
        return StandardScaler().fit_transform(np.log1p(customers[["recency", "frequency", "amount"]].to_numpy(float)))
    return customers[["frequency", "amount"]].to_numpy(float)


def _clusters(space: np.ndarray, k: int, seed: int) -> KMeans:
    return KMeans(k, n_init=10, random_state=seed).fit(space)


def _anchor(
    space: np.ndarray, next_space: pd.DataFrame, customers: pd.DataFrame, k: int
) -> tuple[np.ndarray, dict[str, float]]:
    """KMeans' labels, and how they last: over bootstrap refits, and over a refit of the next night."""
    fitted = _clusters(space, k, 0)
    random = np.random.default_rng(0)
    agreements = []
    for seed in range(10):
        drawn = _clusters(space[random.integers(0, len(space), len(space))], k, seed)
        agreements.append(adjusted_rand_score(fitted.labels_, drawn.predict(space)))
    refitted = pd.Series(_clusters(next_space.to_numpy(), k, 1).labels_, index=next_space.index)
    again = refitted.reindex(customers["customer_id"])
    same = (again.to_numpy() == fitted.labels_)[again.notna().to_numpy()]
    return fitted.labels_, {"ari": float(np.mean(agreements)), "same_name": float(same.mean())}
