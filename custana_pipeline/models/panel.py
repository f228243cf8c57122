"""Time-ordered split of stacked snapshots: the folds of the backtest, the origins of the refit, and today."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

import numpy as np
import pandas as pd

from custana_pipeline.errors import ContractBroken
from custana_pipeline.models.encoding import as_floats, is_numeric


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
class FoldRows:
    """The rows of one fold; all have a known outcome."""

    origin: date
    training: pd.DataFrame
    holdout: pd.DataFrame


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


def split_by_origin(snapshots: pd.DataFrame, origins: OriginsLike, target: str, row_limit: int) -> Panel:
    """Rows by use; where a use has more than `row_limit` rows, the oldest origins are left out, then customers sampled.

    The sample is by customer id order and the same every time. Raises ContractBroken without the columns as_of,
    customer_id or the target, or when one customer is twice in a snapshot.
    """
    missing = [name for name in ("as_of", "customer_id", target) if name not in snapshots.columns]
    if missing:
        raise ContractBroken(f"The snapshots lack {', '.join(missing)}: build the features again.")
    days = pd.to_datetime(snapshots["as_of"]).dt.normalize()
    known: Any = with_plain_numbers(snapshots).assign(as_of=days)
    today = known[known["as_of"] == pd.Timestamp(origins.as_of)].reset_index(drop=True)
    known = known[known[target].notna()]
    if known.duplicated(["as_of", "customer_id"]).any():
        raise ContractBroken("A customer is twice in one snapshot: the grain is as_of, customer_id.")
    known = known.sort_values(["as_of", "customer_id"], kind="stable").reset_index(drop=True)
    folds = [
        FoldRows(fold.origin, _bounded(_of_days(known, fold.training), row_limit), _of_days(known, [fold.origin]))
        for fold in origins.folds
    ]
    return Panel(tuple(folds), _bounded(_of_days(known, origins.refit), row_limit), today)


def with_plain_numbers(snapshots: pd.DataFrame) -> pd.DataFrame:
    """The same rows with every numeric or yes/no column as float64, as the models take them; texts stay."""
    kept = ("as_of", "customer_id")
    numbers = {
        name: as_floats(snapshots[name])
        for name in snapshots
        if name not in kept and is_numeric(snapshots[name]) and snapshots[name].dtype != np.float64
    }
    return snapshots.assign(**numbers)


def _of_days(known: Any, days: Sequence[date]) -> pd.DataFrame:
    return known[known["as_of"].isin(pd.to_datetime(list(days)))].reset_index(drop=True)


def _bounded(rows: Any, row_limit: int) -> pd.DataFrame:
    if len(rows) <= row_limit:
        return rows
    customers = rows["customer_id"].drop_duplicates()
    keep = customers.sample(n=max(1, int(len(customers) * row_limit / len(rows))), random_state=0)
    return rows[rows["customer_id"].isin(set(keep))].reset_index(drop=True)
