"""Whether one feature alone gives the outcome away: such a feature knows the future, and no figure after it is true."""

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from custana_pipeline.models.encoding import as_numbers, is_numeric

MOST_AUC = 0.98
"""Of a single feature, either way round; honest ones reach .85."""
REGULAR_ROOM = 0.05
FROM_HISTORIES = ("btyd_p_buy", "btyd_purchases", "btyd_amount")
MOST_TOLD = 5
MOST_R2 = 0.95
"""Of the straight line on a single feature, as it is and by ranks."""


def leaked_features(rows: pd.DataFrame, columns: tuple[str, ...], target: str) -> dict[str, float]:
    """Feature -> its AUC (yes/no target) or R2 (number), for those above the limit on `rows`, the worst first.

    Texts are judged by the mean outcome of each of their values, rare ones (below 10 rows) taken together; of a number
    also whether it is there at all, which may tell as much as its value. Where
    BG/NBD, which is fitted on histories alone, comes within REGULAR_ROOM of the limit itself, customers are that
    regular, and nothing is a leak.
    """
    actual = as_numbers(rows[target]).to_numpy()
    if len(actual) < 3 or np.ptp(actual) == 0:
        return {}
    if target == "is_recommended":
        limit, measure = MOST_AUC, _auc
    else:
        limit, measure = MOST_R2, partial(_r2, ranks=rankdata(actual))
    found = {name: max(measure(each, actual) for each in _readings(rows[name], actual)) for name in columns}
    if any(found.get(name, 0.0) > limit - REGULAR_ROOM for name in FROM_HISTORIES):
        return {}
    return {name: score for name, score in sorted(found.items(), key=lambda each: -each[1]) if score > limit}


def why_leaked(leaked: dict[str, float], target: str) -> str:
    """The reason with its mend."""
    told = ", ".join(f"{name} ({score:.3f})" for name, score in list(leaked.items())[:MOST_TOLD])
    told += f" and {len(leaked) - MOST_TOLD} more" if len(leaked) > MOST_TOLD else ""
    kind = "AUC" if target == "is_recommended" else "R2"
    return (
        f"A single feature foretells {target} nearly without fault ({kind}: {told}): it holds what happened after "
        "as_of. Take it out of the feature's SQL, or compute it from rows before as_of only."
    )


def _readings(column: Any, actual: np.ndarray) -> list[np.ndarray]:
    """The column as numbers: missing ones in the middle, and, where there are any, below and above all others."""
    if is_numeric(column):
        numbers = as_numbers(column).to_numpy()
        missing = np.isnan(numbers)
        known = numbers[~missing]
        if not len(known):
            return [np.zeros(len(numbers))]
        if len(known) == len(numbers):
            return [numbers]
        room = max(float(known.max() - known.min()), 1.0)
        places = (np.median(known), known.min() - room, known.max() + room)
        return [np.where(missing, place, numbers) for place in places]
    texts = column.astype(str)
    common = texts.where(texts.groupby(texts).transform("size") >= 10, "")
    return [pd.Series(actual, index=column.index).groupby(common).transform("mean").to_numpy()]


def _auc(values: np.ndarray, actual: np.ndarray) -> float:
    positive = actual > 0
    count, rest = positive.sum(), (~positive).sum()
    if not count or not rest:
        return 0.5
    area = (rankdata(values)[positive].sum() - count * (count + 1) / 2) / (count * rest)
    return float(max(area, 1 - area))


def _r2(values: np.ndarray, actual: np.ndarray, ranks: np.ndarray) -> float:
    if np.ptp(values) == 0:
        return 0.0
    plain = np.corrcoef(values, actual)[0, 1] ** 2
    return float(max(plain, np.corrcoef(rankdata(values), ranks)[0, 1] ** 2))
