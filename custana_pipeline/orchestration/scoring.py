"""What the champions of a day say of each customer: score frames for the lists."""

import datetime as dt
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from custana_pipeline.orchestration.champions import ServingChampion, has_champion, serving_champion
from custana_pipeline.orchestration.customer_columns import stored_columns
from custana_pipeline.orchestration.customer_rows import rows_of, scored
from custana_pipeline.orchestration.project import Project
from custana_pipeline.stores.session import Session

Beside = TypeVar("Beside")
MOST_REASONED = 5_000
"""Customers who get reasons: those most likely to buy. See docs/decisions/bounded-training.md."""


def behavior_scores(session: Session, project: Project, as_of: dt.date) -> tuple[pd.DataFrame, str]:
    """customer_id, p_buy and reasons of every customer, with the model's version.

    Reasons are those of the MOST_REASONED best, equal scores by customer_id; the others' are empty.
    """
    from custana_pipeline.models.readings import Readings, foresee

    champion = serving_champion(session, project, as_of, "is_recommended")

    def scores_of(rows: pd.DataFrame) -> pd.DataFrame:
        p_buy = foresee(champion.estimator, Readings(rows))
        return pd.DataFrame({"customer_id": rows["customer_id"], "p_buy": p_buy})

    scores = pd.concat(
        scored(session, "behavior", as_of, champion.columns, scores_of, stored_columns(project, "behavior")),
        ignore_index=True,
    )
    return scores.assign(reasons=_reasons(session, project, champion, scores, as_of)), champion.model_version


def _reasons(
    session: Session, project: Project, champion: ServingChampion, scores: pd.DataFrame, as_of: dt.date
) -> pd.Series:
    """The reasons of the best customers, in their places; `scores` are by customer_id."""
    from custana_pipeline.applications.customer_frames import texts
    from custana_pipeline.models.explanations import reasons

    best = _highest(scores["p_buy"].to_numpy(), MOST_REASONED)
    stored = stored_columns(project, "behavior")
    rows = rows_of(session, "behavior", scores["customer_id"].iloc[best], as_of, champion.columns, stored)
    places = np.zeros(len(scores), dtype="int32")
    places[best] = np.arange(1, len(best) + 1)
    return texts(places, ["", *reasons(champion.estimator, rows, champion.columns, champion.reference)])


def _highest(values: np.ndarray, most: int) -> np.ndarray:
    """The places of the highest values, in order; of equal ones the first.

    >>> _highest(np.array([0.2, 0.5, 0.9, 0.5, 0.5]), 3).tolist()
    [1, 2, 3]
    """
    if len(values) <= most:
        return np.arange(len(values))
    least = np.partition(values, len(values) - most)[len(values) - most]
    above, equal = np.flatnonzero(values > least), np.flatnonzero(values == least)
    return np.sort(np.append(above, equal[: most - len(above)]))


def demand_scores(
    session: Session, project: Project, as_of: dt.date, meanwhile: Callable[[], Beside]
) -> tuple[pd.DataFrame, str, Beside]:
    """Expected purchases and amount with bounds of every customer, the models' versions, and what `meanwhile` gives.

    Amounts are missing where the source has no money. `meanwhile` asks the session while the first are scored.
    """
    from custana_pipeline.models.readings import Readings, foresee

    purchases = serving_champion(session, project, as_of, "future_purchase")
    has_amounts = has_champion(session, as_of, "future_amount")
    amounts = serving_champion(session, project, as_of, "future_amount") if has_amounts else None

    def scores_of(rows: pd.DataFrame) -> pd.DataFrame:
        readings = Readings(rows)
        expected = foresee(purchases.estimator, readings)
        scores = pd.DataFrame({"customer_id": rows["customer_id"], "expected_purchases": expected})
        if amounts is None:
            nothing = {name: float("nan") for name in ("expected_amount", "amount_lower", "amount_upper")}
            return scores.assign(**nothing)
        amount = foresee(amounts.estimator, readings)
        bounds = amounts.estimator.bounds(amount)
        return scores.assign(expected_amount=amount, amount_lower=bounds.lower, amount_upper=bounds.upper)

    used = dict.fromkeys([*purchases.columns, *(amounts.columns if amounts else ())])
    given: list[Beside] = []
    stored = stored_columns(project, "demand")
    found = scored(session, "demand", as_of, used, scores_of, stored, lambda: given.append(meanwhile()))
    versions = [each.model_version for each in (purchases, amounts) if each]
    return pd.concat(found, ignore_index=True), " + ".join(dict.fromkeys(versions)), given[0]


def segment_assignments(session: Session, project: Project, as_of: dt.date) -> tuple[pd.DataFrame, pd.DataFrame, str]:
    """customer_id and segment_id of every customer; the segments' names and meanings; the model's version."""
    from custana_pipeline.models.segment_names import name_segments
    from custana_pipeline.models.segment_profile import PROFILED, profile_segments

    champion = serving_champion(session, project, as_of, "segment")

    def scores_of(rows: pd.DataFrame) -> pd.DataFrame:
        segment_ids = champion.estimator.predict(rows[list(champion.columns)])
        return rows[["customer_id", *profiled]].assign(segment_id=segment_ids)

    there = session.columns("features.segmentation")
    profiled = [name for name in PROFILED if name in there]
    read = dict.fromkeys([*champion.columns, *profiled])
    customers: Any = pd.concat(
        scored(session, "segmentation", as_of, read, scores_of, stored_columns(project, "segmentation")),
        ignore_index=True,
    )
    profiles = profile_segments(customers, customers["segment_id"].to_numpy())
    names = name_segments(profiles, getattr(champion.estimator[-1], "names_by_id", {}))
    return customers[["customer_id", "segment_id"]], names, champion.model_version
