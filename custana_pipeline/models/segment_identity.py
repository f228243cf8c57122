"""Segments that keep their number and their name from run to run, and what a segmentation remembers of its fit."""

import datetime as dt
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClusterMixin, clone

from custana_pipeline.models.segment_matching import carried_on, matched
from custana_pipeline.models.segment_order import UNASSIGNED, OrderedSegments

LEAST_KNOWN_SHARE = 0.5
"""Share of the last list's customers that must be there today; below it the customers are another shop's."""


class IdentifiedSegments(ClusterMixin, BaseEstimator):
    """A fitted segmentation whose segments bear lasting ids and names; the last step of a pipeline that serves.

    `ids` and `names` belong to the segments numbered 1, 2, ... of `segments`; `memory` holds, as plain values, when and
    from what they were fitted (see segment_drift) and the highest id that was ever given.
    """

    def __init__(self, segments: OrderedSegments, ids: list[int], names: list[str], memory: dict[str, Any]) -> None:
        self.segments = segments
        self.ids = ids
        self.names = names
        self.memory = memory

    def fit(self, X: np.ndarray, y: None = None) -> Self:  # noqa: ARG002
        """Fits the segments anew; the ids go to them in the published order."""
        unfitted: Any = clone(self.segments)
        self.segments = unfitted.fit(X)
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        """One lasting segment_id per row of X, or UNASSIGNED."""
        return np.array([UNASSIGNED, *self.ids], dtype=np.int64)[self.segments.predict(X)]

    @property
    def names_by_id(self) -> dict[int, str]:
        """The name of each segment by its id."""
        return dict(zip(self.ids, self.names, strict=True))

    def __sklearn_is_fitted__(self) -> bool:
        return True


@dataclass(frozen=True)
class PreviousSegments:
    """The segmentation that served last before today, as far as it can be had."""

    as_of: dt.date
    candidate: str
    model_version: str
    estimator: Any = None
    """Its pipeline, ending in IdentifiedSegments; None where it could not be loaded."""
    fault: str = ""
    """Why it could not be loaded."""
    assignments: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame(columns=["customer_id", "segment_id", "segment_name"])
    )
    """customer_id, segment_id, segment_name of that day's list; empty where it is gone."""

    @property
    def identity(self) -> IdentifiedSegments | None:
        """Its last step; None where it was not loaded."""
        return None if self.estimator is None else self.estimator[-1]

    @property
    def names(self) -> dict[int, str]:
        """The name of each segment by its id, from the model or else from the list."""
        if self.identity is not None:
            return self.identity.names_by_id
        listed: Any = self.assignments[self.assignments["segment_id"] != UNASSIGNED]
        return {
            int(row["segment_id"]): str(row["segment_name"])
            for row in listed.drop_duplicates("segment_id").to_dict("records")
        }

    @property
    def last_id(self) -> int:
        """The highest id that was given so far, as far as is known."""
        return max([0, *self.names, *([self.identity.memory["last_id"]] if self.identity else [])])

    def is_of(self, customers: pd.DataFrame) -> bool:
        """Whether these are the same shop's customers: at least half of the last list's are among them."""
        if self.assignments.empty:
            return True
        return bool(self.assignments["customer_id"].isin(customers["customer_id"]).mean() >= LEAST_KNOWN_SHARE)

    def segment_ids(self, customers: pd.DataFrame) -> np.ndarray:
        """The segment of each of today's customers by the last model, or else by the last list.

        UNASSIGNED for customers whom the list does not know.
        """
        listed: Any = self.assignments.set_index("customer_id")["segment_id"]
        known = customers["customer_id"].map(listed)
        if self.estimator is None or not _has_columns(self.estimator, customers):
            return known.fillna(UNASSIGNED).to_numpy(dtype=np.int64)
        told = self.estimator.predict(customers)
        return np.where(known.notna(), told, UNASSIGNED) if len(listed) else told


def ids_for(numbers: np.ndarray, segment_count: int, before: PreviousSegments | None, customers: Any) -> list[int]:
    """The lasting ids of the segments 1 .. `segment_count`; `numbers` tells which of them each customer is in today."""
    if before is None:
        return list(range(1, segment_count + 1))
    return carried_on(matched(before.segment_ids(customers), numbers), segment_count, before.last_id)


def kept(before: PreviousSegments | None, customer_ids: Any, segment_ids: np.ndarray, names: Any) -> dict[str, float]:
    """kept_id_share and kept_name_share: of the customers of the last list who are here, those with the same one."""
    if before is None or before.assignments.empty:
        return {}
    today = pd.DataFrame({"customer_id": customer_ids, "id_now": segment_ids, "name_now": names})
    both: Any = before.assignments.merge(today, on="customer_id")
    if both.empty:
        return {}
    return {
        "kept_id_share": float((both["segment_id"] == both["id_now"]).mean()),
        "kept_name_share": float((both["segment_name"] == both["name_now"]).mean()),
    }


def _has_columns(estimator: Any, customers: pd.DataFrame) -> bool:
    tidy = estimator[0]
    return {*tidy.numeric, *tidy.text} <= set(customers.columns)
