"""Time-ordered split of stacked snapshots: training origins, the holdout origin, and the origins of the refit."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

import pandas as pd

from custana_pipeline.errors import ContractBroken


class OriginsLike(Protocol):
    """The days that a training uses; every training label ends at or before `holdout`."""

    @property
    def holdout(self) -> date:
        """The day to judge on."""
        ...

    @property
    def training(self) -> Sequence[date]:
        """The days to learn from before judging."""
        ...

    @property
    def refit(self) -> Sequence[date]:
        """The days to learn from for serving."""
        ...


@dataclass(frozen=True)
class Panel:
    """The rows of one target by use; all have a known outcome."""

    training: pd.DataFrame
    holdout: pd.DataFrame
    refit: pd.DataFrame

    @property
    def row_counts(self) -> dict[str, int]:
        """Rows by use."""
        return {"training": len(self.training), "holdout": len(self.holdout), "refit": len(self.refit)}


def split_by_origin(snapshots: pd.DataFrame, origins: OriginsLike, target: str, row_limit: int) -> Panel:
    """Rows by use; where a use has more than `row_limit` rows, the oldest origins are left out, then customers sampled.

    The sample is by customer id order and the same every time. Raises ContractBroken without the columns as_of,
    customer_id or the target, or when one customer is twice in a snapshot.
    """
    missing = [name for name in ("as_of", "customer_id", target) if name not in snapshots.columns]
    if missing:
        raise ContractBroken(f"The snapshots lack {', '.join(missing)}: build the features again.")
    days = pd.to_datetime(snapshots["as_of"]).dt.normalize()
    known: Any = snapshots.assign(as_of=days)
    known = known[known[target].notna()]
    if known.duplicated(["as_of", "customer_id"]).any():
        raise ContractBroken("A customer is twice in one snapshot: the grain is as_of, customer_id.")
    known = known.sort_values(["as_of", "customer_id"], kind="stable").reset_index(drop=True)
    return Panel(
        training=_bounded(_of_days(known, origins.training), row_limit),
        holdout=_of_days(known, [origins.holdout]),
        refit=_bounded(_of_days(known, origins.refit), row_limit),
    )


def _of_days(known: Any, days: Sequence[date]) -> pd.DataFrame:
    return known[known["as_of"].isin(pd.to_datetime(list(days)))].reset_index(drop=True)


def _bounded(rows: Any, row_limit: int) -> pd.DataFrame:
    if len(rows) <= row_limit:
        return rows
    customers = rows["customer_id"].drop_duplicates()
    keep = customers.sample(n=max(1, int(len(customers) * row_limit / len(rows))), random_state=0)
    return rows[rows["customer_id"].isin(set(keep))].reset_index(drop=True)
