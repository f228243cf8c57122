"""Rows as the parts of an estimator read them: read once, however many members share them or columns are exchanged."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from custana_pipeline.models.at_once import one_thread
from custana_pipeline.models.blend import MeanOfLogits, MeanOfModels
from custana_pipeline.models.encoding import EncodedColumns
from custana_pipeline.models.fitted_content import content_of
from custana_pipeline.models.levelled import LevelledDemand, LevelledProbability
from custana_pipeline.models.own_pace import OwnPaceModel
from custana_pipeline.models.serving import ServingDemand

Moved = Sequence[tuple[Sequence[str], np.ndarray]]
"""Columns, and the places of the rows from which these take them."""


class Rows(Protocol):
    """Rows that an estimator can foresee."""

    @property
    def frame(self) -> pd.DataFrame:
        """The rows by column name."""
        ...

    def read(self, encoding: Pipeline) -> np.ndarray:
        """The rows as a fitted encoding yields them."""
        ...


@dataclass(frozen=True)
class Readings:
    """Rows of a frame; each fitted encoding reads them once, and one that was stored with two models too."""

    frame: pd.DataFrame
    _known: dict[int, tuple[Any, np.ndarray]] = field(default_factory=dict, repr=False, compare=False)
    _by_content: dict[str, np.ndarray] = field(default_factory=dict, repr=False, compare=False)
    _tidied: dict[Any, pd.DataFrame] = field(default_factory=dict, repr=False, compare=False)

    def read(self, encoding: Pipeline) -> np.ndarray:
        """The rows as a fitted encoding yields them."""
        tidy: Any = encoding[0]
        encode: Any = encoding[-1]
        if id(encode) not in self._known:
            content = content_of(encode)
            if content not in self._by_content:
                self._by_content[content] = encode.transform(self._tidy(tidy))
            self._known[id(encode)] = (encode, self._by_content[content])
        return self._known[id(encode)][1]

    def _tidy(self, tidy: Any) -> pd.DataFrame:
        names = (tidy.numeric, tidy.text)
        if names not in self._tidied:
            self._tidied[names] = tidy.transform(self.frame)
        return self._tidied[names]


@dataclass(frozen=True)
class Mixed:
    """Rows put together of others: `places` of these, but for the columns that are moved, which come from elsewhere."""

    of: Readings
    places: np.ndarray
    moved: Moved

    @property
    def frame(self) -> pd.DataFrame:
        """The rows by column name."""
        return self._frame

    @cached_property
    def _frame(self) -> pd.DataFrame:
        rows = self.of.frame
        mixed = rows.take(self.places).reset_index(drop=True)
        moved = {name: rows[name].array.take(places) for names, places in self.moved for name in names}
        return mixed.assign(**moved)

    def read(self, encoding: Pipeline) -> np.ndarray:
        """The rows as a fitted encoding yields them: a column of the matrix hangs on one column of the frame only."""
        points = self.of.read(encoding)
        encode: Any = encoding[-1]
        sources = encode.sources()
        # in the order in which the points lie: whole columns or whole rows are copied at a time
        mixed = np.take(points.T, self.places, axis=1).T if points.flags.f_contiguous else points[self.places]
        for names, places in self.moved:
            for column in np.flatnonzero(np.isin(sources, list(names))):
                mixed[:, column] = points[places, column]
        return mixed


def foresee(fitted: Any, rows: Rows) -> np.ndarray:
    """What `predict` says of the rows, which are read once by all members that share an encoding."""
    if isinstance(fitted, LevelledProbability | LevelledDemand):
        return fitted.levelled(foresee(fitted.model_, rows))
    if isinstance(fitted, ServingDemand):
        return fitted.plain(foresee(fitted.model, rows))
    if isinstance(fitted, MeanOfModels | MeanOfLogits):
        return fitted.blended([foresee(member, rows) for member in fitted.members_])
    encoding = encoding_of(fitted)
    if encoding is None:
        return predict(fitted, rows.frame)
    points = rows.read(encoding)
    with one_thread():
        if isinstance(fitted, OwnPaceModel):
            return fitted.predict_encoded(rows.frame, points)
        return predict(fitted[-1], points)


def encoding_of(estimator: Any) -> Pipeline | None:
    """The steps before the model where they are an encoding (see encoding): candidates may share them."""
    inner = estimator.pipeline if isinstance(estimator, OwnPaceModel) else estimator
    if isinstance(estimator, OwnPaceModel) and hasattr(estimator, "pipeline_"):
        inner = estimator.pipeline_
    is_encoded = isinstance(inner, Pipeline) and len(inner) > 2 and isinstance(inner[-2], EncodedColumns)
    return inner[:-1] if is_encoded else None


def predict(estimator: Any, rows: Any) -> np.ndarray:
    """The probability of the second class where there are classes, else the predicted number; one thread."""
    with one_thread():
        if hasattr(estimator, "predict_proba"):
            return np.asarray(estimator.predict_proba(rows))[:, 1]
        return np.asarray(estimator.predict(rows), dtype="float64")
