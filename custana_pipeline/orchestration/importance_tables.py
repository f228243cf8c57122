"""models.importance: what the champions' scores hang on, as measured on the holdout, by day."""

import datetime as dt

import pandas as pd

from custana_pipeline.models.training import Training
from custana_pipeline.stores.session import Session

TABLE = "models.importance"


def store_importance(session: Session, as_of: dt.date, training: Training, table: pd.DataFrame) -> None:
    """Replaces the rows of the day for the targets of one analysis by what was measured."""
    session.connection.execute(
        f"""create table if not exists {TABLE} (as_of date, target varchar, topic varchar, columns varchar,
        importance double, lower double, upper double)"""
    )
    for target in training.champions:
        session.connection.execute(
            f"delete from {TABLE} where as_of = $as_of and target = $target", {"as_of": as_of, "target": target}
        )
    session.connection.register("measured", table)
    session.connection.execute(
        f"""insert into {TABLE} select $as_of, target, topic, columns, importance, lower, upper from measured""",
        {"as_of": as_of},
    )
    session.connection.unregister("measured")


def importances(session: Session, as_of: dt.date, target: str) -> list[tuple[str, float]]:
    """Topic and importance of one target, the most important first; empty where they were not measured."""
    if not session.exists(TABLE):
        return []
    query = f"""select topic, importance from {TABLE} where as_of = $as_of and target = $target
        order by importance desc, topic"""
    return [(str(topic), float(value)) for topic, value in session.rows(query, {"as_of": as_of, "target": target})]
