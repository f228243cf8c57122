"""Time-ordered split of stacked snapshots: the folds of the backtest, the origins of the refit, and today."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from threading import Lock
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
    """Customer x origin, to learn from before the newest past day is judged, where there are more than `whole`."""
    earlier_training: int
    """The same for the past days before the newest one, which choose the challenger and decide nothing else."""
    whole_refit: int
    """Customer x origin, up to which all rows are learned from for serving."""
    refit: int
    """Customer x origin, to learn from for serving, where there are more than `whole_refit`."""
    judged: int
    """Customers of the newest past day that are judged on."""
    earlier_judged: int
    """Customers of each past day before it that are judged on."""

    def learned_before(self, place: int) -> int:
        """The rows to learn from before the past day at this place, the newest at 0."""
        return self.earlier_training if place else self.training

    def judged_on(self, place: int) -> int:
        """The customers of the past day at this place."""
        return self.earlier_judged if place else self.judged


LIMITS = RowLimits(
    whole=25_000,
    training=8_000,
    earlier_training=4_000,
    whole_refit=25_000,
    refit=22_500,
    judged=8_000,
    earlier_judged=5_000,
)
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
    """The rows of one day: those that are learned from, and its own, whose outcome is known where it is judged on."""

    origin: date
    training: pd.DataFrame
    holdout: pd.DataFrame
    weights: np.ndarray | None = None
    """Of the training rows; None where all weigh the same."""
    _made: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)
    _turn: Any = field(default_factory=Lock, repr=False, compare=False)
    _turns: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)

    def encoded(self, encoding: Pipeline) -> Encoded:
        """The rows in an encoding (see encoding); made once for all candidates and targets that use it.

        Different encodings can be made at the same time.
        """
        tidy: Any = encoding[0]
        encode: Any = encoding[1]
        key = (encode.kind, encode.numeric, encode.text)
        tidied, training, holdout = self._once(key[1:], lambda: self._tidied(tidy))

        def made() -> Encoded:
            matrices: Any = clone(encode)
            told = matrices.fit_transform(training), matrices.transform(holdout)
            return Encoded(Pipeline([("tidy", tidied), ("encode", matrices)]), *told)

        return self._once(key, made)

    @property
    def frame(self) -> pd.DataFrame:
        """The rows of the day itself."""
        return self.holdout

    def read(self, encoding: Pipeline) -> np.ndarray:
        """The rows of the day itself in an encoding."""
        return self.encoded(encoding).holdout

    def forget(self) -> None:
        """Lets go of the rows as models read them; they are made again when asked for."""
        self._made.clear()

    def _tidied(self, tidy: Any) -> tuple[Any, pd.DataFrame, pd.DataFrame]:
        fitted: Any = clone(tidy)
        return fitted, fitted.fit_transform(self.training), fitted.transform(self.holdout)

    def _once(self, key: Any, make: Callable[[], Any]) -> Any:
        """What is kept under the key; whoever asks while it is made waits for it."""
        with self._turn:
            turn = self._turns.setdefault(key, Lock())
        with turn:
            if key not in self._made:
                self._made[key] = make()
            return self._made[key]


@dataclass(frozen=True)
class Panel:
    """The rows of one target by use; `folds` are newest first, the day of `serving` has no outcome yet."""

    folds: tuple[FoldRows, ...]
    serving: FoldRows

    @property
    def refit(self) -> pd.DataFrame:
        """What the model that serves learns from."""
        return self.serving.training

    @property
    def today(self) -> pd.DataFrame:
        """The customers of the day that is served, or a sample of them."""
        return self.serving.holdout

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


def split_by_origin(
    snapshots: pd.DataFrame, origins: OriginsLike, target: str, limits: RowLimits, half_life_days: float | None = None
) -> Panel:
    """Rows by use; see RowLimits for what is left out where there are many.

    With a half-life, a row counts half as much for each such time that its origin lies before the newest one: by its
    weight where all rows are learned from, else by how many are drawn of its origin.

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
    stock = _Stock.of(known.sort_values(["as_of", "customer_id"], kind="stable").reset_index(drop=True), half_life_days)
    folds = [
        FoldRows(fold.origin, learned, stock.judged(fold.origin, limits.judged_on(place)), weights)
        for place, fold in enumerate(origins.folds)
        for learned, weights in [stock.learned(fold.training, limits.learned_before(place), limits.whole)]
    ]
    learned, weights = stock.learned(origins.refit, limits.refit, limits.whole_refit)
    return Panel(tuple(folds), FoldRows(origins.as_of, learned, today, weights))


@dataclass(frozen=True)
class _Stock:
    """The rows with a known outcome, in the order of the grain, with the day and the place in the draw of each."""

    rows: pd.DataFrame
    days: np.ndarray
    places: np.ndarray
    half_life_days: float | None

    @classmethod
    def of(cls, rows: pd.DataFrame, half_life_days: float | None) -> "_Stock":
        places = hash_array(rows["customer_id"].astype(str).to_numpy(dtype="object"))  # type: ignore[operator]
        return cls(rows, rows["as_of"].to_numpy(dtype="datetime64[D]"), places, half_life_days)

    def learned(self, days: Sequence[date], limit: int, whole: int) -> tuple[pd.DataFrame, np.ndarray | None]:
        """The rows of the days with their weights; beyond `whole`, `limit` of them, shared out by their weights."""
        chosen = np.array(list(days), dtype="datetime64[D]")
        rows = np.flatnonzero(np.isin(self.days, chosen))
        if len(rows) > whole:
            shares = _weights(chosen, self.half_life_days)
            counts = (limit * shares / shares.sum()).astype("int64")
            parts = [self._first(day, count) for day, count in zip(chosen, counts, strict=True)]
            return self._of(np.sort(np.concatenate(parts))), None
        if self.half_life_days is None or not len(rows):
            return self._of(rows), None
        weights = _weights(self.days[rows], self.half_life_days)
        return self._of(rows), weights / weights.mean()

    def judged(self, day: date, limit: int) -> pd.DataFrame:
        """The rows of one day, or `limit` of them."""
        return self._of(self._first(np.datetime64(day), limit))

    def _first(self, day: np.datetime64, limit: int) -> np.ndarray:
        """The day's rows, or those `limit` whose customers come first by their hash: the same ones on every day."""
        rows = np.flatnonzero(self.days == day)
        if len(rows) <= limit:
            return rows
        return np.sort(rows[np.argsort(self.places[rows], kind="stable")[:limit]])

    def _of(self, rows: np.ndarray) -> pd.DataFrame:
        return self.rows.iloc[rows].reset_index(drop=True)


def _weights(days: np.ndarray, half_life_days: float | None) -> np.ndarray:
    """1 for the newest day, 1/2 for those a half-life older, and so on."""
    if half_life_days is None or not len(days):
        return np.ones(len(days))
    return 0.5 ** ((days.max() - days).astype("float64") / half_life_days)


def with_plain_numbers(snapshots: pd.DataFrame) -> pd.DataFrame:
    """The same rows with every numeric or yes/no column as float64, as the models take them; texts stay."""
    kept = ("as_of", "customer_id")
    numbers = {
        name: as_floats(snapshots[name])
        for name in snapshots
        if name not in kept and is_numeric(snapshots[name]) and snapshots[name].dtype != np.float64
    }
    return snapshots.assign(**numbers)
