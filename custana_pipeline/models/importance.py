"""What drives the scores as a whole: how much worse a model foresees when one topic's values are shuffled."""

from typing import Any

import numpy as np
import pandas as pd

from custana_pipeline.models.evaluation import Loss, row_losses
from custana_pipeline.models.explanations import topics_of
from custana_pipeline.models.panel import with_plain_numbers
from custana_pipeline.models.readings import Mixed, Readings, foresee
from custana_pipeline.models.training import Training

COLUMNS = ("topic", "columns", "importance", "lower", "upper")
LOSSES: dict[str, Loss] = {"is_recommended": "log_loss", "future_purchase": "poisson", "future_amount": "tweedie"}
"""Target -> the loss that its candidates compete on."""
MOST_ROWS = 1_000
REPEATS = 2


def importance_of(estimator: Any, rows: pd.DataFrame, target: str, columns: tuple[str, ...]) -> pd.DataFrame:
    """COLUMNS, the most important topic first: the mean loss with the topic shuffled over that without, minus 1.

    All columns of a topic are shuffled together (Breiman 2001; Fisher et al. 2019 for the ratio), REPEATS times over
    at most MOST_ROWS rows; `lower` and `upper` are the least and the largest of these. `rows` are those of a day that
    the estimator has not seen, with the outcome in `target`; empty where there are none.
    """
    known: Any = rows[rows[target].notna()]
    if known.empty or not columns:
        return pd.DataFrame(columns=list(COLUMNS))
    sample: Any = known if len(known) <= MOST_ROWS else known.sample(MOST_ROWS, random_state=0)
    actual = sample[target].to_numpy(dtype="float64")
    topics = topics_of(columns)
    # one block for all numbers: rows are taken from it many times
    features = with_plain_numbers(sample[list(columns)]).copy()
    plain, *shuffled = _losses(estimator, features, (actual, LOSSES[target]), list(topics.values()))
    ratios = np.array(shuffled).reshape(len(topics), REPEATS) / max(plain, 1e-12) - 1
    table = pd.DataFrame(
        {
            "topic": list(topics),
            "columns": [", ".join(names) for names in topics.values()],
            "importance": ratios.mean(axis=1),
            "lower": ratios.min(axis=1),
            "upper": ratios.max(axis=1),
        }
    )
    return table.sort_values(["importance", "topic"], ascending=[False, True], ignore_index=True)


def champion_importances(training: Training, holdout: pd.DataFrame) -> pd.DataFrame:
    """The importances of each target's champion as it was judged, not as refitted, with a column target.

    `holdout` are the feature rows, with outcomes, of the day that the candidates were judged on.
    """
    tables = [
        importance_of(judged.estimator, holdout, target, champion.columns).assign(target=target)
        for target, champion in training.champions.items()
        for judged in training.evaluated_for(target)
        if judged.name == training.judged_as(target) and target in LOSSES
    ]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=[*COLUMNS, "target"])


def _losses(
    estimator: Any, features: pd.DataFrame, judged: tuple[np.ndarray, Loss], groups: list[list[str]]
) -> list[float]:
    """The mean loss as is, then of every topic and repeat; all in one prediction a topic."""
    actual, loss = judged
    random = np.random.default_rng(0)
    places = np.tile(np.arange(len(features)), REPEATS)
    orders = np.concatenate([random.permutation(len(features)) for _ in range(REPEATS)])
    rows = Readings(features)
    found = [float(row_losses(actual, foresee(estimator, rows), loss).mean())]
    for names in groups:
        predicted = foresee(estimator, Mixed(rows, places, [(names, orders)])).reshape(REPEATS, len(features))
        found += [float(row_losses(actual, each, loss).mean()) for each in predicted]
    return found
