"""A Training of the models stage as MLflow is told of it."""

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from custana_pipeline.models.training import Evaluated, Training
from custana_pipeline.stores.tracking import Tracker
from custana_pipeline.stores.tracking_records import (
    AnalysisRun,
    LoggedAnalysis,
    Origin,
    ServingModel,
    Trial,
    column_types,
)

if TYPE_CHECKING:
    from custana_pipeline.models.drawing import Drawing


@dataclass(frozen=True)
class TrainingFacts:
    """What a training was made from; `as_of` is None for a flat file."""

    source: str
    as_of: dt.date | None
    origin: Origin
    dtypes: Mapping[str, Any] = field(default_factory=dict)

    def version_of(self, training: Training, target: str) -> str:
        """<candidate>-<as_of>-<digest>: the same whenever data, code and settings are."""
        told = [self.origin.data_version, self.origin.code_version, training.settings]
        digest = hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()[:8]
        day = [self.as_of.isoformat()] if self.as_of else []
        return "-".join([training.champions[target].name, *day, digest])


def log_training(tracker: Tracker, training: Training, facts: TrainingFacts) -> LoggedAnalysis:
    """Logs a parent run, a nested run for each candidate and baseline, and registers the champions."""
    from custana_pipeline.models.figures import calibrations, comparisons, over_origins
    from custana_pipeline.models.persistence import TRUSTED_TYPES

    run = AnalysisRun(
        source=facts.source,
        analysis=training.analysis,
        as_of=facts.as_of,
        state=training.state,
        reason=training.reason,
        origin=facts.origin,
        column_types=column_types(facts.dtypes),
        trials=tuple(_trial(each, training, facts) for each in training.evaluated),
        champions=tuple(_serving(training, target, facts) for target in training.champions),
        settings=training.settings,
        row_counts=training.row_counts,
        dropped_columns=training.dropped_columns,
        figures=lambda: _drawn(comparisons(training) | over_origins(training) | calibrations(training)),
    )
    return tracker.log_analysis(run, TRUSTED_TYPES)


def _trial(evaluated: Evaluated, training: Training, facts: TrainingFacts) -> Trial:
    from custana_pipeline.models.figures import figures_of

    serves = evaluated.target in training.champions and evaluated.name == training.judged_as(evaluated.target)
    # the one that was judged defends the champion on the next night; segments have no such gate
    has_model = evaluated.role == "candidate" and serves and training.analysis != "segmentation"
    return Trial(
        name=evaluated.name,
        role=evaluated.role,
        target=evaluated.target,
        parameters=evaluated.parameters,
        metrics=evaluated.metrics,
        by_step=_by_step(evaluated, facts.as_of),
        figures=(lambda: _drawn(figures_of(evaluated, training.analysis, only_telling=not serves)))
        if evaluated.role == "candidate"
        else dict,
        estimator=evaluated.estimator if has_model else None,
    )


def _drawn(figures: "Mapping[str, Drawing]") -> dict[str, str]:
    return {name: figure.svg() for name, figure in figures.items()}


def _by_step(evaluated: Evaluated, as_of: dt.date | None) -> dict[int, dict[str, float]]:
    """The metrics of each origin at the step that says how many days it lies before as_of, as a negative number."""
    if as_of is None or evaluated.by_origin.empty:
        return {}
    rows = evaluated.by_origin.to_dict("records")
    return {
        -(as_of - row["origin"]).days: {f"origin_{key}": row[key] for key in row if key != "origin"} for row in rows
    }


def _serving(training: Training, target: str, facts: TrainingFacts) -> ServingModel:
    champion = training.champions[target]
    return ServingModel(
        target=target,
        candidate=champion.name,
        registered_model=registered_name(facts.source, training.analysis, target),
        model_version=facts.version_of(training, target),
        estimator=champion.estimator,
        columns=champion.columns,
        metrics=champion.metrics,
        best_naive=champion.best_naive,
        beats_naive=champion.beats_naive,
        reason=champion.reason,
        figures=champion.figures,
        kept_version=champion.kept_version,
        level=champion.level,
    )


def registered_name(source: str, analysis: str, target: str) -> str:
    """The name in MLflow's registry.

    >>> registered_name("sample", "demand", "future_amount")
    'sample-demand-future_amount'
    """
    return f"{source}-demand-{target}" if analysis == "demand" else f"{source}-{analysis}"
