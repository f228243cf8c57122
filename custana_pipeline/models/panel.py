"""Time-ordered split of stacked snapshots: the folds of the backtest, the origins of the refit, and today."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol

import numpy as np
import pandas as pd
from pandas.util import hash_array
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from custana_pipeline.errors import ContractBroken
from custana_pipeline.models.encoding import as_floats, is_numeric


@dataclass(frozen=True)
class RowLimits:
    """Rows by use; where there are more, customers are drawn by a hash of their id, the same ones every time."""

    whole: int
    """Customer x origin, up to which a past day is judged by what all rows before it teach."""
    training: int
    """Customer x origin, to learn from before a past day is judged, where there are more than `whole`."""
    refit: int
    """Customer x origin, to learn from for serving."""
    judged: int
    """Customers of each day that is judged on."""


LIMITS = RowLimits(whole=25_000, training=12_000, refit=40_000, judged=8_000)
"""What shops beyond some ten thousand customers are held to; see docs/decisions/bounded-training.md."""


class FoldLike(Protocol):
    """A past origin to judge on, with earlier ones to learn from."""

    @property
    def origin(self) -> date:
        """The day to judge on."""
        ...

    @property
    def training(self) -> Sequence[date]:
        """The days to learn from; their outcomes end at or before `origin`."""
        ...


class OriginsLike(Protocol):
    """The days that a training uses."""

    @property
    def as_of(self) -> date:
        """The day that the model is to serve."""
        ...

    @property
    def folds(self) -> Sequence[FoldLike]:
        """The backtest, newest origin first."""
        ...

    @property
    def refit(self) -> Sequence[date]:
        """The days to learn from for serving."""
        ...


@dataclass(frozen=True)
class Encoded:
    """The rows of one fold as one kind of model reads them; `encoding` was fitted on the training rows."""

    encoding: Pipeline
    training: np.ndarray
    holdout: np.ndarray


@dataclass(frozen=True)
class FoldRows:
    """The rows of one fold; all have a known outcome."""

    origin: date
    training: pd.DataFrame
    holdout: pd.DataFrame
    _made: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)

    def encoded(self, encoding: Pipeline) -> Encoded:
        """The rows in an encoding (see encoding); made once for all candidates and targets that use it."""
        tidy: Any = encoding[0]
        encode: Any = encoding[1]
        key = (encode.kind, encode.numeric, encode.text)
        if key not in self._made:
            if key[1:] not in self._made:
                fitted: Any = clone(tidy)
                self._made[key[1:]] = (fitted, fitted.fit_transform(self.training), fitted.transform(self.holdout))
            tidied, training, holdout = self._made[key[1:]]
            matrices: Any = clone(encode)
            told = matrices.fit_transform(training), matrices.transform(holdout)
            self._made[key] = Encoded(Pipeline([("tidy", tidied), ("encode", matrices)]), *told)
        return self._made[key]


@dataclass(frozen=True)
class Panel:
    """The rows of one target by use; `folds` are newest first, `today` has no outcome yet."""

    folds: tuple[FoldRows, ...]
    refit: pd.DataFrame
    today: pd.DataFrame

    @property
    def training(self) -> pd.DataFrame:
        """What is learned from before judging on the newest complete window."""
        return self.folds[0].training if self.folds else self.refit.head(0)

    @property
    def holdout(self) -> pd.DataFrame:
        """The customers of the newest complete window."""
        return self.folds[0].holdout if self.folds else self.refit.head(0)

    @property
    def row_counts(self) -> dict[str, int]:
        """Rows by use, and how many origins are judged on."""
        counts = {"training": len(self.training), "holdout": len(self.holdout), "refit": len(self.refit)}
        return counts | {"backtest_origins": len(self.folds)}


def split_by_origin(snapshots: pd.DataFrame, origins: OriginsLike, target: str, limits: RowLimits) -> Panel:
    """Rows by use; see RowLimits for what is left out where there are many.

    Raises ContractBroken without the columns as_of, customer_id or the target, or when one customer is twice in a
    snapshot.
    """
    missing = [name for name in ("as_of", "customer_id", target) if name not in snapshots.columns]
    if missing:
        raise ContractBroken(f"The snapshots lack {', '.join(missing)}: build the features again.")
    days = pd.to_datetime(snapshots["as_of"]).dt.normalize()
    known: Any = with_plain_numbers(snapshots).assign(as_of=days)
    today = known[(days == pd.Timestamp(origins.as_of)).to_numpy()].reset_index(drop=True)
    known = known[known[target].notna()]
    if known.duplicated(["as_of", "customer_id"]).any():
        raise ContractBroken("A customer is twice in one snapshot: the grain is as_of, customer_id.")
    known = known.sort_values(["as_of", "customer_id"], kind="stable").reset_index(drop=True)
    stamps, places = known["as_of"], hash_array(known["customer_id"].astype(str).to_numpy(dtype="object"))  # type: ignore[operator]

    def drawn(days: Sequence[date], limit: int, whole: int = 0) -> pd.DataFrame:
        rows = np.flatnonzero(stamps.isin(pd.to_datetime(list(days))))
        return known.iloc[rows if len(rows) <= whole else _bounded(rows, places, limit)].reset_index(drop=True)

    folds = [
        FoldRows(fold.origin, drawn(fold.training, limits.training, limits.whole), drawn([fold.origin], limits.judged))
        for fold in origins.folds
    ]
    return Panel(tuple(folds), drawn(origins.refit, limits.refit), today)


def with_plain_numbers(snapshots: pd.DataFrame) -> pd.DataFrame:
    """The same rows with every numeric or yes/no column as float64, as the models take them; texts stay."""
    kept = ("as_of", "customer_id")
    numbers = {
        name: as_floats(snapshots[name])
        for name in snapshots
        if name not in kept and is_numeric(snapshots[name]) and snapshots[name].dtype != np.float64
    }
    return snapshots.assign(**numbers)


def _bounded(rows: np.ndarray, places: np.ndarray, limit: int) -> np.ndarray:
    """Those of the rows, at most `limit`, whose customers come first by their hash: a customer has all rows or none."""
    if len(rows) <= limit:
        return rows
    customers, counts = np.unique(places[rows], return_counts=True)
    kept = int(np.searchsorted(np.cumsum(counts), limit, side="right"))
    return rows[places[rows] < customers[kept]]
