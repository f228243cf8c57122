"""The article's three flat files: training on one table of customers without dates, and predictions for it.

Such a file tells nothing about time, so there is no later day to judge on: a quarter of the rows, drawn with a fixed
seed (by class for yes/no targets), is held back instead. Figures from it say how well like customers are told apart,
not how well the future is foreseen, and `FlatTraining.split` says so wherever they are shown.

| analysis     | usual file            | target          | predictions                                    |
|--------------|-----------------------|-----------------|------------------------------------------------|
| behavior     | customer_behavior.csv | is_recommended  | p_buy, is_recommended                          |
| demand       | customer_demand.csv   | future_purchase | expected_purchases                             |
| segmentation | customer_info.csv     | none            | segment_id, segment_name                       |
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from custana_pipeline.errors import DataFault, NotTrainable
from custana_pipeline.models import behavior, demand_candidates
from custana_pipeline.models.baselines import BaseRate, MeanDemand, MonotoneRate, OwnPace
from custana_pipeline.models.evaluation import Loss, behavior_metrics, demand_metrics
from custana_pipeline.models.explanations import reference_of
from custana_pipeline.models.judging import (
    LOSS_WORDS,
    Judge,
    best_naive,
    challenger,
    evaluate_all,
    fit,
    losses_of,
    predict,
)
from custana_pipeline.models.panel import FoldRows, Panel
from custana_pipeline.models.promotion import Contender, GateSettings, decide
from custana_pipeline.models.seed_frames import LINE, as_yes_or_no, place, typed
from custana_pipeline.models.segment_names import OUTSIDE, name_segments
from custana_pipeline.models.segment_profile import profile_segments
from custana_pipeline.models.segmentation import SegmentationSettings, train_segmentation
from custana_pipeline.models.trainable import LEAST_CUSTOMERS, LEAST_PER_CLASS, UsableColumns, usable_columns
from custana_pipeline.models.training import Champion, Role, Training, not_trainable

Analysis = Literal["behavior", "demand", "segmentation"]
TARGETS = {"behavior": "is_recommended", "demand": "future_purchase", "segmentation": "segment"}
UNBOUNDED = 1_000.0
"""Multiple of the mean that a flat demand model may predict: without a history there is no own pace to bound it by."""


@dataclass(frozen=True)
class FlatSettings:
    """What can be chosen about the training on a flat file."""

    seed: int = 0
    holdout_share: float = 0.25
    """Share of the rows that is held back for judging."""
    margin: float = 0.01
    """Least relative gain over the best naive rule."""
    segmentation: SegmentationSettings = field(default_factory=lambda: SegmentationSettings(mix_share=0.1))


@dataclass(frozen=True)
class FlatTraining:
    """A Training on a flat file, how its rows were split, and what is needed to apply it to another file."""

    training: Training
    split: str
    numeric: tuple[str, ...] = ()
    segments: pd.DataFrame | None = None
    """Segmentation only: the profile with segment_name, description and suggested_action."""

    @property
    def champion(self) -> Champion:
        """The model that serves; raises NotTrainable with the reason when there is none."""
        for champion in self.training.champions.values():
            return champion
        raise NotTrainable(self.training.reason)


@dataclass(frozen=True)
class _Task:
    """What behavior and demand differ in."""

    analysis: Analysis
    loss: Loss
    metrics: Callable[[np.ndarray, np.ndarray], dict[str, float]]
    rules: Callable[[tuple[str, ...]], dict[str, Any]]
    candidates: Callable[[UsableColumns, int, int], dict[str, Any]]

    @property
    def target(self) -> str:
        return TARGETS[self.analysis]


def train_flat(analysis: Analysis, rows: pd.DataFrame, settings: FlatSettings | None = None) -> FlatTraining:
    """Trains one analysis on the rows of a flat file (`read_flat`, or any frame with the same columns).

    Rows without a target are left out of training. Too few rows or a single class give a NOT_TRAINABLE training; a
    missing or unreadable target or number raises DataFault.
    """
    chosen = settings or FlatSettings()
    target = TARGETS[analysis]
    if analysis != "segmentation" and target not in rows:
        raise DataFault(f"The file has no column {target}, which {analysis} learns from: add it, or check the header.")
    table = typed(rows)
    numeric = tuple(name for name in table if name != LINE and pd.api.types.is_float_dtype(table[name]))
    if analysis == "segmentation":
        return _segmented(table, numeric, chosen)
    task = _BEHAVIOR if analysis == "behavior" else _DEMAND
    known = table.assign(**{target: _target(rows, table, analysis)}).dropna(subset=[target])
    training = _trained(_identified(known), task, chosen)
    share = f"{chosen.holdout_share:.0%} of the rows, drawn at random with seed {chosen.seed}"
    by_class = ", by class" if analysis == "behavior" else ""
    return FlatTraining(training, f"judged on {share}{by_class}: the file has no dates to split by", numeric)


def _segmented(table: pd.DataFrame, numeric: tuple[str, ...], settings: FlatSettings) -> FlatTraining:
    people = _identified(table)
    training = train_segmentation(people, None, settings.segmentation)
    split = "described on all rows: segments have no target to hold back"
    if not training.is_trained:
        return FlatTraining(training, split, numeric)
    profile = profile_segments(people, training.champions["segment"].estimator.predict(people))
    return FlatTraining(training, split, numeric, profile.merge(name_segments(profile), on="segment_id"))


def _identified(table: pd.DataFrame) -> pd.DataFrame:
    """Rows with a customer_id, their position where the file has none, and without what is no feature."""
    positions = pd.Series(np.arange(1, len(table) + 1), index=table.index).astype(str).str.zfill(9)
    ids = table["customer_id"].where(table["customer_id"].notna(), positions) if "customer_id" in table else positions
    return table.drop(columns=[LINE], errors="ignore").assign(customer_id=ids).reset_index(drop=True)


def _target(rows: pd.DataFrame, table: pd.DataFrame, analysis: Analysis) -> pd.Series:
    if analysis == "behavior":
        return as_yes_or_no(rows, TARGETS[analysis])
    values: Any = table[TARGETS[analysis]]
    negative = values < 0
    if negative.any():
        raise DataFault(
            f"{TARGETS[analysis]} is negative in {int(negative.sum())} rows, the first {place(rows, negative)}: "
            "purchases and amounts are zero or more."
        )
    return values


def _trained(known: pd.DataFrame, task: _Task, settings: FlatSettings) -> Training:
    plain = asdict(replace(settings, segmentation=SegmentationSettings()))
    evidence: dict[str, Any] = {"settings": {name: plain[name] for name in ("seed", "holdout_share", "margin")}}
    reason = _too_little(known, task)
    columns = usable_columns(known) if not reason else UsableColumns((), (), {})
    if not reason and not columns.names:
        reason = "No column differs between customers: add columns that describe them."
    if reason:
        return not_trainable(task.analysis, reason, **evidence, row_counts={"training": len(known)})
    panel = _split(known, task, settings)
    tried = task.candidates(columns, len(panel.training), settings.seed)
    rules = task.rules(columns.names)
    judge = Judge(panel, task.target, task.metrics)
    named: dict[str, tuple[Any, Role]] = {name: (each, "baseline") for name, each in rules.items()}
    named.update({name: (model, "candidate") for name, model in tried.items()})
    evaluated = tuple(evaluate_all([(judge, named)])[0])
    naive, best = best_naive(evaluated, task.loss), challenger(evaluated, task.loss)
    verdict = decide(
        Contender(best.name, losses_of(best, task.loss)),
        Contender(naive.name, losses_of(naive, task.loss)),
        None,
        LOSS_WORDS[task.loss],
        GateSettings(naive_margin=settings.margin),
    )
    winner = best if verdict.serves == "challenger" else naive
    refitted = fit(winner.estimator, panel.refit, task.target)
    champion = Champion(
        target=task.target,
        name=winner.name,
        estimator=refitted,
        columns=columns.names,
        metrics=winner.metrics,
        beats_naive=verdict.beats_naive,
        reason=verdict.reason,
        best_naive=naive.name,
        reference=reference_of(refitted, panel.refit, columns.names),
        is_promoted=verdict.is_promoted,
        figures=verdict.figures,
    )
    evidence |= {"row_counts": panel.row_counts, "dropped_columns": columns.dropped}
    return Training(task.analysis, "TRAINED", verdict.reason, evaluated, {task.target: champion}, **evidence)


def _too_little(known: pd.DataFrame, task: _Task) -> str:
    if len(known) < LEAST_CUSTOMERS:
        return f"{len(known)} rows with a known {task.target}, {LEAST_CUSTOMERS} are needed: add customers to the file."
    if task.analysis == "behavior":
        least = min(int(np.sum(known[task.target] == answer)) for answer in (0.0, 1.0))
        if least < LEAST_PER_CLASS:
            return (
                f"{least} rows in one class of {task.target}, {LEAST_PER_CLASS} are needed in each: add such customers."
            )
    if len(set(known[task.target])) < 2:
        return f"{task.target} is the same in all rows: there is nothing to tell apart."
    return ""


def _split(known: pd.DataFrame, task: _Task, settings: FlatSettings) -> Panel:
    positions, held_back = train_test_split(
        np.arange(len(known)),
        test_size=settings.holdout_share,
        random_state=settings.seed,
        stratify=known[task.target] if task.analysis == "behavior" else None,
    )
    fold = FoldRows(dt.date.min, known.iloc[np.sort(positions)], known.iloc[np.sort(held_back)])
    return Panel((fold,), FoldRows(dt.date.max, known, known.head(0)))


def _behavior_candidates(columns: UsableColumns, row_count: int, seed: int) -> dict[str, Any]:
    return dict(behavior.candidates(columns, behavior.BehaviorSettings(seed=seed), row_count))


def _demand_candidates(columns: UsableColumns, row_count: int, seed: int) -> dict[str, Any]:
    tried = demand_candidates.candidates(columns, "future_purchase", horizon_days=1, row_count=row_count, seed=seed)
    return {name: each.set_params(column=None, most_multiple=UNBOUNDED) for name, each in tried.items()}


def _behavior_rules(columns: tuple[str, ...]) -> dict[str, Any]:
    by_column = {"recency_days": False, "purchase_frequency": True, "purchase_amount": True}
    rules = {
        f"{name}_rule": MonotoneRate(name, increasing) for name, increasing in by_column.items() if name in columns
    }
    return {"base_rate": BaseRate(), **rules}


def _demand_rules(columns: tuple[str, ...]) -> dict[str, Any]:
    again = ("purchase_frequency", "purchase_amount")
    return {"mean": MeanDemand()} | {f"same_{name}": OwnPace(name, 1, 1) for name in again if name in columns}


_BEHAVIOR = _Task("behavior", "log_loss", behavior_metrics, _behavior_rules, _behavior_candidates)
_DEMAND = _Task("demand", "poisson", demand_metrics, _demand_rules, _demand_candidates)


def apply_flat(flat: FlatTraining, rows: pd.DataFrame) -> pd.DataFrame:
    """Predictions for the rows of a file, in their order: line, customer_id (where there), what is foreseen.

    Columns may come in another order, further ones are ignored, unseen categories count as rare ones. Raises DataFault
    for a missing column or a text where training had numbers, NotTrainable when there is no champion.
    """
    champion = flat.champion
    missing = [name for name in champion.columns if name not in rows]
    if missing:
        raise DataFault(f"The file lacks {', '.join(missing)}, which the model was trained on: add the columns.")
    needed = [name for name in rows if name in champion.columns]
    read = pd.DataFrame(rows, columns=[*needed, *(name for name in (LINE,) if name in rows)])
    table = typed(read, flat.numeric)
    keys = rows[[name for name in (LINE, "customer_id") if name in rows]]
    return keys.assign(**_predictions(flat, champion, table)).reset_index(drop=True)


def _predictions(flat: FlatTraining, champion: Champion, table: pd.DataFrame) -> dict[str, np.ndarray]:
    if champion.target == "segment":
        return _named(np.asarray(champion.estimator.predict(table)), flat.segments)
    predicted = predict(champion.estimator, table)
    if champion.target == "is_recommended":
        return {"p_buy": predicted, "is_recommended": predicted >= 0.5}
    return {"expected_purchases": np.maximum(predicted, 0.0)}


def _named(segment_ids: np.ndarray, segments: pd.DataFrame | None) -> dict[str, np.ndarray]:
    known = {} if segments is None else dict(zip(segments["segment_id"], segments["segment_name"], strict=True))
    names = [known.get(segment_id, OUTSIDE) for segment_id in segment_ids]
    return {"segment_id": segment_ids, "segment_name": np.array(names, dtype=object)}
