"""Whether foreseen numbers come true, by origin: reliability of probabilities, and totals by tenths of the scores.

Every function takes a frame of the columns origin, actual, predicted: one row a customer and origin.
"""

from typing import Any, Literal

import numpy as np
import pandas as pd

from custana_pipeline.errors import ContractBroken
from custana_pipeline.models.evaluation import expected_calibration_error

Bins = Literal["equal_count", "equal_width"]
NORMAL_95 = 1.959964
"""Half the width of the central 95 % of the normal distribution, in standard deviations."""


def reliability(frame: pd.DataFrame, bins: Bins = "equal_count", bin_count: int = 10) -> pd.DataFrame:
    """origin, bin (1 the lowest), rows, predicted (mean), observed (rate), lower, upper (95 %, Wilson), by origin.

    Equal probabilities share a bin, so that there may be fewer; bins without a row are left out.
    """
    rows = _probabilities(frame)
    return _by_origin(rows, ("bin", "rows", "predicted", "observed", "lower", "upper"), _reliability, bins, bin_count)


def calibration_errors(frame: pd.DataFrame, bin_count: int = 10) -> pd.DataFrame:
    """origin, rows, ece_equal_width, ece_equal_count, predicted_over_actual (missing where nobody bought)."""
    names = ("rows", "ece_equal_width", "ece_equal_count", "predicted_over_actual")
    return _by_origin(_probabilities(frame), names, _errors, bin_count)


def decile_totals(frame: pd.DataFrame) -> pd.DataFrame:
    """origin, decile (1 the highest scores), rows, predicted, actual (totals), ratio (missing where nothing came).

    For probabilities the totals are buyers, for amounts money. Equal scores share the tenth of their middle place.
    """
    return _by_origin(_checked(frame), ("decile", "rows", "predicted", "actual", "ratio"), _totals)


def wilson_interval(successes: np.ndarray, rows: np.ndarray, z: float = NORMAL_95) -> tuple[np.ndarray, np.ndarray]:
    """The interval of a rate by Wilson (1927); it is never empty and stays within 0 and 1. `rows` are above zero.

    >>> [round(float(end[0]), 3) for end in wilson_interval(np.array([0]), np.array([10]))]
    [0.0, 0.278]
    """
    rate = successes / rows
    middle = (rate + z**2 / (2 * rows)) / (1 + z**2 / rows)
    half = z / (1 + z**2 / rows) * np.sqrt(rate * (1 - rate) / rows + z**2 / (4 * rows**2))
    return np.clip(middle - half, 0, 1), np.clip(middle + half, 0, 1)


def equal_count_error(actual: np.ndarray, probability: np.ndarray, bin_count: int = 10) -> float:
    """The expected calibration error over bins of equally many rows: no bin hangs on a handful of customers."""
    bins = _bins(probability, "equal_count", bin_count)
    gaps = np.bincount(bins, weights=probability) - np.bincount(bins, weights=actual)
    return float(np.abs(gaps).sum() / len(probability))


def _bins(probability: np.ndarray, bins: Bins, bin_count: int) -> np.ndarray:
    if bins == "equal_width":
        return np.minimum((probability * bin_count).astype("int64"), bin_count - 1)
    edges = np.unique(np.quantile(probability, np.linspace(0, 1, bin_count + 1)[1:-1]))
    return np.searchsorted(edges, probability, side="left")


def _reliability(actual: np.ndarray, probability: np.ndarray, bins: Bins, bin_count: int) -> dict[str, Any]:
    places = _bins(probability, bins, bin_count)
    rows = np.bincount(places)
    used = rows > 0
    buyers = np.bincount(places, weights=actual)[used]
    predicted = np.bincount(places, weights=probability)[used] / rows[used]
    lower, upper = wilson_interval(buyers, rows[used])
    observed = buyers / rows[used]
    numbers = np.flatnonzero(used) + 1 if bins == "equal_width" else np.arange(1, used.sum() + 1)
    return {
        "bin": numbers,
        "rows": rows[used],
        "predicted": predicted,
        "observed": observed,
        "lower": lower,
        "upper": upper,
    }


def _errors(actual: np.ndarray, probability: np.ndarray, bin_count: int) -> dict[str, Any]:
    return {
        "rows": [len(actual)],
        "ece_equal_width": [expected_calibration_error(actual, probability, bin_count)],
        "ece_equal_count": [equal_count_error(actual, probability, bin_count)],
        "predicted_over_actual": [probability.sum() / actual.sum() if actual.sum() else np.nan],
    }


def _totals(actual: np.ndarray, predicted: np.ndarray) -> dict[str, Any]:
    middle = 2 * pd.Series(predicted).rank(method="average", ascending=False).to_numpy() - 1
    tenths = (10 * middle.astype("int64")) // (2 * len(predicted)) + 1
    rows = np.bincount(tenths)
    used = np.flatnonzero(rows)
    foreseen, seen = (np.bincount(tenths, weights=each)[used] for each in (predicted, actual))
    ratio = np.divide(foreseen, seen, out=np.full(len(used), np.nan), where=seen != 0)
    return {"decile": used, "rows": rows[used], "predicted": foreseen, "actual": seen, "ratio": ratio}


def _by_origin(rows: Any, names: tuple[str, ...], measure: Any, *settings: Any) -> pd.DataFrame:
    tables = [
        pd.DataFrame(measure(each["actual"].to_numpy(), each["predicted"].to_numpy(), *settings)).assign(origin=origin)
        for origin, each in rows.groupby("origin", sort=True)
    ]
    columns = ["origin", *names]
    found: Any = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)
    return found[columns]


def _checked(frame: pd.DataFrame) -> Any:
    missing = [name for name in ("origin", "actual", "predicted") if name not in frame]
    if missing:
        raise ContractBroken(f"The predictions lack {', '.join(missing)}: hand over origin, actual and predicted.")
    rows = frame[["origin", "actual", "predicted"]].astype({"actual": "float64", "predicted": "float64"})
    faulty = int((~np.isfinite(rows[["actual", "predicted"]]).all(axis=1)).sum())
    if faulty:
        raise ContractBroken(f"{faulty} predictions or outcomes are no finite numbers: calibration cannot be told.")
    return rows


def _probabilities(frame: pd.DataFrame) -> Any:
    rows = _checked(frame)
    outside = int(((rows["predicted"] < 0) | (rows["predicted"] > 1) | ~rows["actual"].isin([0, 1])).sum())
    if outside:
        raise ContractBroken(f"{outside} rows are no probability with a 0/1 outcome: use decile_totals for amounts.")
    return rows
