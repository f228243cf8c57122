"""Who buys within the horizon: candidates, naive rules, and the champion that serves."""

from dataclasses import asdict, dataclass, field
from typing import Any

import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.tree import DecisionTreeClassifier

from custana_pipeline.models.encoding import BIN_COUNT, SPLIT_FEATURES, Kind, encoding
from custana_pipeline.models.evaluation import behavior_metrics
from custana_pipeline.models.naive_rules import behavior_rules
from custana_pipeline.models.panel import LIMITS, OriginsLike, RowLimits
from custana_pipeline.models.promotion import GateSettings
from custana_pipeline.models.supervised import train_target
from custana_pipeline.models.task import Context, Task
from custana_pipeline.models.trainable import UsableColumns
from custana_pipeline.models.training import Training

TARGET = "is_recommended"
BOOSTING: dict[str, Any] = {
    "max_leaf_nodes": 8,
    "l2_regularization": 5.0,
    "max_features": 0.5,
    "max_bins": BIN_COUNT,
    "early_stopping": False,
}
TREE_ROWS = 8_000
"""Most rows that one tree of the forest is grown on: many small trees vote as well as many large ones."""
BLENDED = {"logistic_regression": 0.4, "gradient_boosting": 0.4, "bg_nbd": 0.2}
"""Chosen on Online Retail II at days from 2011-03-14 to 2011-08-11 and CDNOW 1997-11-17, by ROC AUC."""


@dataclass(frozen=True)
class BehaviorSettings:
    """What can be chosen about the training of behavior."""

    horizon_days: int = field(default=90, metadata={"description": "Days after as_of in which a purchase counts."})
    seed: int = field(default=0, metadata={"description": "Seed of everything random: same input, same scores."})
    margin: float = field(
        default=0.005, metadata={"description": "Least relative gain in log loss over the best naive rule."}
    )
    origin_half_life_days: float = field(
        default=45.0, metadata={"description": "Days after which an older training origin counts half: shops drift."}
    )
    limits: RowLimits = field(
        default=LIMITS, metadata={"description": "Rows to learn from and to judge on; beyond them customers are drawn."}
    )


def train_behavior(
    snapshots: pd.DataFrame, origins: OriginsLike, settings: BehaviorSettings, context: Context | None = None
) -> Training:
    """Backtests at origins.folds, lets the gate decide, and refits what serves on origins.refit.

    `snapshots` are the feature rows of all these days stacked (as_of, customer_id, outcomes, features). Candidates
    compete on log loss, which rewards order and calibration alike. Where there is too little to learn from, the
    Training is NOT_TRAINABLE and says why; see Training for the other states.
    """
    task = Task(
        analysis="behavior",
        target=TARGET,
        measure="buyers",
        loss="log_loss",
        metrics=behavior_metrics,
        rules=lambda columns: behavior_rules(columns, settings.horizon_days, settings.seed),
        candidates=lambda columns, row_count: candidates(columns, settings, row_count),
        blended=BLENDED,
        half_life_days=settings.origin_half_life_days,
        limits=settings.limits,
        gate=GateSettings(naive_margin=settings.margin),
    )
    return train_target(snapshots, origins, task, asdict(settings), context or Context())


def candidates(columns: UsableColumns, settings: BehaviorSettings, row_count: int) -> dict[str, Pipeline]:
    """The unfitted candidates by name; leaves hold enough customers to give rates, not verdicts."""
    leaf = max(20, row_count // 200)
    seed = settings.seed
    drawn = min(0.5, TREE_ROWS / max(row_count, 1))
    models: dict[str, Any] = {
        "decision_tree": DecisionTreeClassifier(
            max_depth=6, max_features=SPLIT_FEATURES, min_samples_leaf=leaf, random_state=seed
        ),
        "random_forest": RandomForestClassifier(
            24, max_leaf_nodes=64, min_samples_leaf=max(5, leaf // 4), max_samples=drawn, random_state=seed, n_jobs=1
        ),
        "logistic_regression": LogisticRegression(C=0.02, max_iter=500),
        "gradient_boosting": HistGradientBoostingClassifier(
            max_iter=60, learning_rate=0.1, min_samples_leaf=leaf, random_state=seed, **BOOSTING
        ),
    }
    kinds: dict[str, Kind] = {
        "logistic_regression": "linear",
        "gradient_boosting": "histogram",
        "random_forest": "histogram",
    }
    return {
        name: Pipeline([*encoding(kinds.get(name, "tree"), columns.numeric, columns.text).steps, ("model", model)])
        for name, model in models.items()
    }
