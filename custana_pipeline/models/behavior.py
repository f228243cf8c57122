"""Who buys within the horizon: candidates, naive rules, and the champion that serves."""

from dataclasses import asdict, dataclass, field
from typing import Any

import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.tree import DecisionTreeClassifier

from custana_pipeline.models.blend import MeanOfLogits
from custana_pipeline.models.encoding import histogram_encoding, linear_encoding, tree_encoding
from custana_pipeline.models.evaluation import behavior_metrics
from custana_pipeline.models.explanations import reference_of
from custana_pipeline.models.judging import Choice, Judge, choose, fit
from custana_pipeline.models.naive_rules import behavior_rules
from custana_pipeline.models.panel import OriginsLike, Panel, split_by_origin
from custana_pipeline.models.trainable import UsableColumns, usable_columns, why_not_trainable
from custana_pipeline.models.training import Champion, Evaluated, Training, not_trainable

TARGET = "is_recommended"
BOOSTING: dict[str, Any] = {
    "max_leaf_nodes": 8,
    "l2_regularization": 5.0,
    "max_features": 0.5,
    "early_stopping": False,
}
BLENDED = ("logistic_regression", "gradient_boosting")


@dataclass(frozen=True)
class BehaviorSettings:
    """What can be chosen about the training of behavior."""

    horizon_days: int = field(default=90, metadata={"description": "Days after as_of in which a purchase counts."})
    seed: int = field(default=0, metadata={"description": "Seed of everything random: same input, same scores."})
    margin: float = field(
        default=0.01, metadata={"description": "Least relative gain in log loss over the best naive rule."}
    )
    origin_half_life_days: float = field(
        default=45.0, metadata={"description": "Days after which an older training origin counts half: shops drift."}
    )
    row_limit: int = field(
        default=60_000,
        metadata={"description": "Most training rows (customer x origin); beyond it customers are sampled."},
    )


def train_behavior(snapshots: pd.DataFrame, origins: OriginsLike, settings: BehaviorSettings) -> Training:
    """Trains on origins.training, judges on origins.holdout, and refits the winner on origins.refit.

    `snapshots` are the feature rows of all these days stacked (as_of, customer_id, outcomes, features). Candidates
    compete on log loss, which rewards order and calibration alike. Where there is too little to learn from, the
    Training is NOT_TRAINABLE and says why.
    """
    panel = split_by_origin(snapshots, origins, TARGET, settings.row_limit)
    evidence: dict[str, Any] = {"settings": asdict(settings), "row_counts": panel.row_counts}
    reason = why_not_trainable(panel.training, panel.holdout, TARGET)
    if reason:
        return not_trainable("behavior", reason, **evidence)
    columns = usable_columns(panel.training)
    evaluated = _evaluate_all(panel, columns, settings)
    choice = choose(evaluated, "log_loss", settings.margin)
    champion = _champion(choice, panel, columns, settings)
    return Training("behavior", "TRAINED", choice.reason, evaluated, {TARGET: champion}, columns.dropped, **evidence)


def candidates(columns: UsableColumns, settings: BehaviorSettings, row_count: int) -> dict[str, Pipeline]:
    """The unfitted candidates by name; leaves hold enough customers to give rates, not verdicts."""
    leaf = max(20, row_count // 200)
    seed = settings.seed
    models: dict[str, Any] = {
        "decision_tree": DecisionTreeClassifier(max_depth=6, min_samples_leaf=leaf, random_state=seed),
        "random_forest": RandomForestClassifier(
            100, max_leaf_nodes=96, min_samples_leaf=max(5, leaf // 4), max_samples=0.5, random_state=seed, n_jobs=1
        ),
        "logistic_regression": LogisticRegression(C=0.02, max_iter=500),
        "gradient_boosting": HistGradientBoostingClassifier(
            max_iter=120, learning_rate=0.05, min_samples_leaf=leaf, random_state=seed, **BOOSTING
        ),
    }
    encodings = {"logistic_regression": linear_encoding, "gradient_boosting": histogram_encoding}
    return {
        name: Pipeline([*encodings.get(name, tree_encoding)(columns.numeric, columns.text).steps, ("model", model)])
        for name, model in models.items()
    }


def _evaluate_all(panel: Panel, columns: UsableColumns, settings: BehaviorSettings) -> tuple[Evaluated, ...]:
    judge = Judge(panel, TARGET, behavior_metrics, settings.origin_half_life_days)
    rules = behavior_rules(columns.names, settings.horizon_days)
    tried = candidates(columns, settings, len(panel.training))
    baselines = [judge.evaluate(rule, name, "baseline") for name, rule in rules.items()]
    models = [judge.evaluate(model, name, "candidate") for name, model in tried.items()]
    blended = MeanOfLogits.of_fitted([each.estimator for each in models if each.name in BLENDED])
    return (*baselines, *models, judge.measure(blended, "blend", "candidate"))


def _champion(choice: Choice, panel: Panel, columns: UsableColumns, settings: BehaviorSettings) -> Champion:
    refitted = fit(choice.winner.estimator, panel.refit, TARGET, settings.origin_half_life_days)
    return Champion(
        target=TARGET,
        name=choice.winner.name,
        estimator=refitted,
        columns=columns.names,
        metrics=choice.winner.metrics,
        beats_naive=choice.beats_naive,
        reason=choice.reason,
        best_naive=choice.best_naive,
        reference=reference_of(refitted, panel.refit, columns.names),
    )
