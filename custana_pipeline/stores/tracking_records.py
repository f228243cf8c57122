"""What is told to MLflow, and what it answers, as plain data: no stage of the pipeline is known here."""

import datetime as dt
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

MODEL_TRAINING_VIEW = "?workflowType=machine_learning"
"""Added to a link, it opens MLflow's pages for models instead of those for chats, which are its default."""


@dataclass(frozen=True)
class Origin:
    """Where a training comes from: the run, the asset and the versions that it can be repeated with."""

    data_version: str
    code_version: str
    dagster_run_id: str = ""
    dagster_asset: str = ""
    dagster_partition: str = ""


@dataclass(frozen=True)
class Trial:
    """One candidate or naive baseline, judged on the holdout: a nested run."""

    name: str
    role: str
    """candidate or baseline."""
    target: str
    parameters: Mapping[str, object]
    metrics: Mapping[str, float]
    figures: Callable[[], Mapping[str, str]] = dict
    """File name -> SVG; called once, when its run is logged."""
    estimator: object | None = None
    """Stored beside the run where given."""
    by_step: Mapping[int, Mapping[str, float]] = field(default_factory=dict)
    """Metrics that were measured several times, by MLflow's step."""

    @property
    def measured(self) -> dict[int, Mapping[str, float]]:
        """All metrics by step, those that were measured once at step 0."""
        return {**self.by_step, 0: {**self.by_step.get(0, {}), **self.metrics}}


@dataclass(frozen=True)
class ServingModel:
    """The champion of one target, refitted on all complete origins: the model that is registered and serves."""

    target: str
    candidate: str
    registered_model: str
    model_version: str
    """Content-based, as told in models.champions."""
    estimator: object
    columns: tuple[str, ...]
    metrics: Mapping[str, float]
    best_naive: str
    beats_naive: bool
    reason: str
    figures: Mapping[str, float] = field(default_factory=dict)
    """The gains with intervals by which the gate decided."""
    kept_version: str = ""
    """Where given, the champion so far stays: nothing is registered, and the alias is left where it is."""
    level: str = ""
    """What the level of the forecasts rests on, in words."""


@dataclass(frozen=True)
class AnalysisRun:
    """One training of one analysis for one day, whatever came of it."""

    source: str
    analysis: str
    as_of: dt.date | None
    """None for a flat file, which has no days."""
    state: str
    """TRAINED, UNJUDGED, NOT_TRAINABLE or LEAKED_FEATURE."""
    reason: str
    origin: Origin
    column_types: Mapping[str, str] = field(default_factory=dict)
    """Feature column -> its MLflow type; see `column_types`."""
    trials: tuple[Trial, ...] = ()
    champions: tuple[ServingModel, ...] = ()
    settings: Mapping[str, object] = field(default_factory=dict)
    row_counts: Mapping[str, int] = field(default_factory=dict)
    dropped_columns: Mapping[str, str] = field(default_factory=dict)
    """Column -> why it was not used."""
    figures: Callable[[], Mapping[str, str]] = dict
    """Of the analysis as a whole, such as all candidates beside each other; called once."""
    tables: Mapping[str, "pd.DataFrame"] = field(default_factory=dict)
    """Name -> what is kept beside the run as <name>.csv."""

    @property
    def day(self) -> str:
        """as_of as text; empty for a flat file."""
        return self.as_of.isoformat() if self.as_of else ""

    @property
    def experiment(self) -> str:
        """The experiment's name."""
        return f"{self.source}-{self.analysis}"

    @property
    def has_targets(self) -> bool:
        """Whether names must say the target, since there is more than one."""
        return len({trial.target for trial in self.trials}) > 1

    def name_of(self, trial: Trial) -> str:
        """The name of the trial's run."""
        return f"{trial.name} · {trial.target}" if self.has_targets else trial.name

    def trial_of(self, target: str, name: str) -> Trial | None:
        """The trial of this name, where there is one."""
        found = (trial for trial in self.trials if trial.target == target and trial.name == name)
        return next(found, None)


@dataclass(frozen=True)
class RegisteredModel:
    """A champion as it stands in MLflow's registry, and the file to load it from."""

    target: str
    name: str
    version: int
    url: str
    file: Path
    """The .skops file; check `sha256` before it is loaded."""
    sha256: str
    is_champion: bool
    """Whether the alias points to it; not so for a day older than the alias's."""


@dataclass(frozen=True)
class LoggedAnalysis:
    """Where a training is found in MLflow."""

    experiment_id: str
    run_id: str
    url: str
    trial_urls: Mapping[tuple[str, str], str]
    """(target, name) -> the page of the nested run."""
    registered: Mapping[str, RegisteredModel]
    """By target; only what was registered now, so nothing for a champion that stays."""
    trial_files: Mapping[tuple[str, str], tuple[Path, str]] = field(default_factory=dict)
    """(target, name) -> file and sha256 of the trials whose estimator was stored."""


def finite_metrics(measured: Mapping[int, Mapping[str, float]]) -> list[tuple[int, str, float]]:
    """Step, name and value of what was measured, without what is not a number.

    >>> finite_metrics({0: {"auc": 0.9, "r2": float("nan")}, -30: {"auc": 0.8}})
    [(0, 'auc', 0.9), (-30, 'auc', 0.8)]
    """
    return [
        (step, key, float(value))
        for step, metrics in measured.items()
        for key, value in metrics.items()
        if math.isfinite(value)
    ]


def column_types(dtypes: Mapping[str, object]) -> dict[str, str]:
    """The MLflow types of a frame's columns: booleans and texts as such, every number as double.

    >>> column_types({"age": "Int64", "gender": "str", "is_returning": "boolean"})
    {'age': 'double', 'gender': 'string', 'is_returning': 'boolean'}
    """
    return {name: _column_type(str(dtype).lower()) for name, dtype in dtypes.items()}


def _column_type(dtype: str) -> str:
    if dtype.startswith("bool"):
        return "boolean"
    if dtype.startswith(("int", "uint", "float", "double", "decimal")):
        return "double"
    return "string"
