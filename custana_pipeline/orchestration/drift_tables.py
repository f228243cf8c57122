"""models.drift: how far tonight's customers are from those of training, by day, and what is said of it."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from custana_pipeline.orchestration.champions import HOLDOUTS, ServingChampion, serving_champion
from custana_pipeline.orchestration.champions import TABLE as CHAMPIONS
from custana_pipeline.orchestration.customer_columns import stored_columns
from custana_pipeline.orchestration.customer_keys import CUSTOMERS
from custana_pipeline.orchestration.customer_samples import TODAY_CUSTOMERS, snapshots
from custana_pipeline.orchestration.project import Project
from custana_pipeline.stores.session import Session

if TYPE_CHECKING:
    from custana_pipeline.models.drift import Drift

TABLE = "models.drift"
NOTES = "models.drift_notes"
SCORE = "p_buy"
TARGET = "is_recommended"
MOST_PAIRS = 3
LIMITS = ("psi", "psi_warn", "psi_alarm", "ks", "ks_warn", "ks_alarm")
TYPES = {
    "column_name": "varchar",
    "kind": "varchar",
    **dict.fromkeys(LIMITS, "double"),
    "level": "varchar",
    "direction": "varchar",
}


def measure_drift(session: Session, project: Project, as_of: dt.date) -> "Drift":
    """Compares features.behavior and p_buy as of the day with the newest origin that the champion learned from.

    Of each day MOST_ROWS customers at most are looked at, and TODAY_CUSTOMERS for new categories. What p_buy is
    compared with was foreseen on the holdout, by a model that had not seen its outcomes.
    """
    from custana_pipeline.models.at_once import meanwhile
    from custana_pipeline.models.drift import MOST_ROWS, drift_between, equally_far_pairs, together

    champion = serving_champion(session, project, as_of, TARGET)
    past = learned_days(session, project, as_of, champion.model_version)
    pairs = equally_far_pairs(past, (as_of - past[-1]).days)[-MOST_PAIRS:] if past else []
    days = {as_of, *past[-1:], *(day for pair in pairs for day in pair)}
    stored = stored_columns(project, "behavior")
    rows: Any = snapshots(session, "features.behavior", sorted(days), MOST_ROWS, champion.columns, stored)
    found = pd.to_datetime(rows["as_of"]).dt.date
    frames: dict[dt.date, Any] = {day: rows[found == day][list(champion.columns)] for day in days}
    if not past:
        return drift_between(frames[as_of].head(0), frames[as_of])
    earlier = [(frames[first], frames[second]) for first, second in pairs]
    with meanwhile(lambda: drift_between(frames[past[-1]], frames[as_of], earlier)) as inputs:
        unseen = _unseen(session, frames[as_of], (past[-1], as_of), stored)
        scores = _scores(champion, frames)
    earlier_scores = [(scores[first], scores[second]) for first, second in pairs]
    of_scores = drift_between(_held_out(session, as_of), scores[as_of], earlier_scores)
    return together(replace(inputs(), unseen=unseen), of_scores)


def _unseen(
    session: Session, tonight: pd.DataFrame, days: tuple[dt.date, dt.date], stored: Mapping[str, str]
) -> dict[str, int]:
    """Text column -> customers of the later day whose category nobody of the earlier one has."""
    from custana_pipeline.models.drift import unseen_categories
    from custana_pipeline.models.encoding import is_numeric

    texts = [name for name in tonight if not is_numeric(tonight[name])]
    before, now = (snapshots(session, "features.behavior", (day,), TODAY_CUSTOMERS, texts, stored) for day in days)
    return unseen_categories(before, now)


def learned_days(session: Session, project: Project, as_of: dt.date, model_version: str) -> list[dt.date]:
    """The past days that the model learned from, oldest first: those of an earlier night for a champion that stays.

    Where the newest one of that night is no longer there, those that tonight's would have learned from.
    """
    query = f"select min(as_of) from {CHAMPIONS} where target = $target and model_version = $version"
    trained_on = session.rows(query, {"target": TARGET, "version": model_version})[0][0]
    past: list[dt.date] = []
    for night in dict.fromkeys((trained_on, as_of)):
        known = project.origins(session, night)
        past = _days_with_customers(session, {*known.training, *known.refit})
        if past and past[-1] == max(known.refit, default=None):
            break
    return past


def _days_with_customers(session: Session, days: set[dt.date]) -> list[dt.date]:
    listed = ", ".join(f"date '{day}'" for day in sorted(days)) or "null"
    query = f"select distinct as_of from {CUSTOMERS} where as_of in ({listed}) order by as_of"
    return [day for (day,) in session.rows(query)]


def store_drift(session: Session, drift: "Drift", as_of: dt.date) -> None:
    """Replaces the table and the note of one day."""
    note = pd.DataFrame({"state": [drift.state], "level": [drift.level], "note": [drift.note]})
    _replace(session, TABLE, (drift.table.rename(columns={"column": "column_name"}), TYPES), as_of)
    _replace(session, NOTES, (note, dict.fromkeys(note.columns, "varchar")), as_of)


def _replace(session: Session, table: str, told: tuple[pd.DataFrame, dict[str, str]], as_of: dt.date) -> None:
    rows, types = told
    declared = ", ".join(f"{name} {kind}" for name, kind in types.items())
    session.connection.execute(f"create table if not exists {table} (as_of date, {declared})")
    session.connection.execute(f"delete from {table} where as_of = $as_of", {"as_of": as_of})
    if len(rows):
        session.connection.register("measured", rows)
        session.connection.execute(
            f"insert into {table} select $as_of, {', '.join(types)} from measured", {"as_of": as_of}
        )
        session.connection.unregister("measured")


def drift_note(session: Session, as_of: dt.date) -> tuple[str, str] | None:
    """The level and the note of a day; None where drift was not looked at."""
    if not session.exists(NOTES):
        return None
    found = session.rows(f"select level, note from {NOTES} where as_of = $as_of", {"as_of": as_of})
    return (str(found[0][0]), str(found[0][1])) if found else None


def _scores(champion: ServingChampion, frames: dict[dt.date, pd.DataFrame]) -> dict[dt.date, pd.DataFrame]:
    """What the champion says of the rows of each day; all of them are read and scored at once."""
    from custana_pipeline.models.readings import Readings, foresee

    scores = foresee(champion.estimator, Readings(pd.concat(frames.values(), ignore_index=True)))
    parts = np.split(scores, np.cumsum([len(rows) for rows in frames.values()])[:-1])
    return {day: pd.DataFrame({SCORE: part}) for day, part in zip(frames, parts, strict=True)}


def _held_out(session: Session, as_of: dt.date) -> pd.DataFrame:
    query = f"select predicted as {SCORE} from {HOLDOUTS} where as_of = $as_of and target = $target order by all"
    return session.frame(query, {"as_of": as_of, "target": TARGET})
