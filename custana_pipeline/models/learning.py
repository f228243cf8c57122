"""What an analysis learns from, and what comes of it: it asks no warehouse, so that any process can do it."""

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from custana_pipeline.features.windows import CHECK_DAYS, Origins
from custana_pipeline.models.behavior import BehaviorSettings, train_behavior
from custana_pipeline.models.demand import DemandSettings, train_demand
from custana_pipeline.models.importance import champion_importances
from custana_pipeline.models.level import Levels
from custana_pipeline.models.segment_identity import PreviousSegments
from custana_pipeline.models.segmentation import SegmentationSettings, train_segmentation
from custana_pipeline.models.task import Context
from custana_pipeline.models.training import Incumbent, Training


@dataclass(frozen=True)
class TrainingInput:
    """What an analysis is trained on as of a day."""

    analysis: str
    rows: pd.DataFrame
    """The feature rows of the customers to learn from and to judge on."""
    known: Origins
    horizon_days: int
    seed: int
    levels: pd.DataFrame | None = None
    """features.levels on the run's own days; None where the analysis asks for none."""
    incumbents: Mapping[str, Incumbent] = field(default_factory=dict)
    """Target -> the champion so far."""
    previous: PreviousSegments | None = None
    """The segmentation that served last."""


@dataclass(frozen=True)
class Learned:
    """What came of a training."""

    training: Training
    importances: pd.DataFrame
    """What each champion's scores hang on, with a column target; see models.importance."""
    data_version: str
    """A hash of the rows."""
    dtypes: Mapping[str, Any]
    """Column -> the type of the rows."""


def learned(given: TrainingInput) -> Learned:
    """The candidates of every target judged on past days, the champions refitted, and what they hang on."""
    training = _trained(given)
    # the champions as they were judged, on rows that they had not seen
    importances = champion_importances(training, _of_day(given, given.known.holdout))
    dtypes = {name: given.rows[name].dtype for name in given.rows.columns}
    return Learned(training, importances, digest_of(given.rows), dtypes)


def digest_of(rows: pd.DataFrame) -> str:
    """A hash of a frame's values and column names."""
    hashing: Any = pd.util  # type: ignore[attr-defined]
    hashed = hashing.hash_pandas_object(rows, index=False).to_numpy()
    return hashlib.sha256(",".join(rows.columns).encode() + hashed.tobytes()).hexdigest()[:16]


def _trained(given: TrainingInput) -> Training:
    if given.analysis == "segmentation":
        return _segmented(given)
    if given.analysis == "behavior":
        behavior = BehaviorSettings(horizon_days=given.horizon_days, seed=given.seed)
        return train_behavior(given.rows, given.known, behavior, _context(given))
    demand = DemandSettings(horizon_days=given.horizon_days, seed=given.seed)
    return train_demand(given.rows, given.known, demand, _context(given))


def _context(given: TrainingInput) -> Context:
    if given.levels is None:
        return Context(None, given.incumbents)
    check_days = min(CHECK_DAYS, given.horizon_days)
    return Context(Levels(given.levels, given.known.as_of, given.horizon_days, check_days), given.incumbents)


def _segmented(given: TrainingInput) -> Training:
    """The customers of the day itself; those of the holdout tell what segments say of later spend."""
    earlier = _of_day(given, given.known.holdout)
    told = earlier if len(earlier) and bool(earlier["future_amount"].notna().any()) else None
    latest = _of_day(given, given.known.as_of)
    return train_segmentation(latest, told, SegmentationSettings(seed=given.seed), given.previous)


def _of_day(given: TrainingInput, day: dt.date) -> pd.DataFrame:
    rows: Any = given.rows[pd.to_datetime(given.rows["as_of"]).dt.date == day]
    return rows
