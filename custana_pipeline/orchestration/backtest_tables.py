"""models.backtests: what every candidate and naive rule measured at every past day, by the day of the run."""

import datetime as dt
from typing import Any

import pandas as pd

from custana_pipeline.models.training import Evaluated, Training
from custana_pipeline.stores.session import Session

TABLE = "models.backtests"
COLUMNS = "as_of date, target varchar, candidate varchar, role varchar, origin date, metric varchar, value double"


def store_backtests(session: Session, as_of: dt.date, training: Training) -> None:
    """Replaces the rows of the day for the targets of one analysis; there are none where no past day was judged."""
    session.connection.execute(f"create table if not exists {TABLE} ({COLUMNS})")
    for target in training.champions:
        session.connection.execute(
            f"delete from {TABLE} where as_of = $as_of and target = $target", {"as_of": as_of, "target": target}
        )
    told = [_measured(each) for each in training.evaluated if not each.by_origin.empty]
    if not told:
        return
    rows: Any = pd.concat(told, ignore_index=True).melt(["target", "candidate", "role", "origin"], var_name="metric")
    rows = rows.dropna(subset=["value"])
    session.connection.register("measured", rows)
    session.connection.execute(
        f"""insert into {TABLE} select $as_of, target, candidate, role, origin, metric, value from measured""",
        {"as_of": as_of},
    )
    session.connection.unregister("measured")


def _measured(evaluated: Evaluated) -> pd.DataFrame:
    """One row an origin with the metrics, and with the deviance by which the gate decides on demand."""
    from custana_pipeline.models.demand import LOSSES
    from custana_pipeline.models.evaluation import row_losses

    rows = evaluated.by_origin.assign(target=evaluated.target, candidate=evaluated.name, role=evaluated.role)
    loss = LOSSES.get(evaluated.target)
    if loss is None:
        return rows
    past = evaluated.backtest
    losses = {
        origin: row_losses(each["actual"].to_numpy(), each["predicted"].to_numpy(), loss).mean()
        for origin, each in past.groupby("origin")
    }
    return rows.assign(**{f"{loss}_deviance": [float(losses[origin]) for origin in rows["origin"]]})


def backtests(session: Session, as_of: dt.date) -> pd.DataFrame:
    """target, candidate, role, origin, metric and value of a day, oldest origin first."""
    columns = "target, candidate, role, origin, metric, value"
    if not session.exists(TABLE):
        return pd.DataFrame(columns=columns.split(", "))
    return session.frame(
        f"select {columns} from {TABLE} where as_of = $as_of order by target, candidate, origin, metric",
        {"as_of": as_of},
    )
