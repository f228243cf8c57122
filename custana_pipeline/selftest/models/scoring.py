"""Faults of what models score: columns that are gone, empty, new or in another order, and customers that changed."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from custana_pipeline.errors import ContractBroken
from custana_pipeline.selftest.models.frames import AS_OF, snapshots, trained
from custana_pipeline.selftest.trial import Trial, expect, trial
from custana_pipeline.stores.warehouse import Warehouse


def _served(rows: pd.DataFrame) -> tuple[Any, list[Any]]:
    """The training, and every estimator that came of it."""
    training = trained(rows)
    return training, [each.estimator for each in training.evaluated]


def _scores(estimator: Any, rows: pd.DataFrame) -> np.ndarray:
    return np.asarray(estimator.predict_proba(rows))[:, 1]


@trial("E3")
def columns_without_anything_in_them(_: Trial) -> None:
    """Trains with constant and empty columns, then scores with a column that has lost all its values."""
    rows = snapshots().assign(always_one=1.0, never_there=None, one_word="x")
    training, models = _served(rows)
    dropped = {"always_one", "never_there", "one_word"} & set(training.dropped_columns)
    expect(len(dropped) == 3, f"of three columns without anything only {sorted(dropped)} are reported as dropped")
    today = rows[rows["as_of"] == AS_OF]
    for name in ("recency_days", "purchase_amount", "location"):
        for model in models:
            scores = _scores(model, today.assign(**{name: None}))
            expect(np.isfinite(scores).all() and len(scores) == len(today), f"{name} empty: not every score is finite")
    from custana_pipeline.models.drift import drift_between

    moved = drift_between(rows[rows["as_of"] != AS_OF], today.assign(purchase_amount=np.nan))
    expect("purchase_amount" in moved.columns_at("alarm"), "a column that lost all its values raises no alarm")


@trial("E4")
def other_categories_other_order(_: Trial) -> None:
    """Scores with the columns shuffled, with one missing, and with a category that training never saw."""
    rows = snapshots()
    _, models = _served(rows)
    today = rows[rows["as_of"] == AS_OF].reset_index(drop=True)
    other_way = today[today.columns[::-1]]
    strange = today.assign(location="Atlantis")
    for model in models:
        expect((_scores(model, today) == _scores(model, other_way)).all(), "columns in another order change the scores")
        expect(np.isfinite(_scores(model, strange)).all(), "an unseen category gives no score")
    bare = today[["as_of", "customer_id"]]
    expect(any(_refuses(model, bare) for model in models), "no model refuses a frame that lacks its columns")
    from custana_pipeline.models.drift import drift_between

    past = rows[rows["as_of"] != AS_OF]
    told = drift_between(past, strange)
    expect(told.unseen == {"location": len(today)}, f"unseen categories are counted as {dict(told.unseen)}")


def _refuses(model: Any, rows: pd.DataFrame) -> bool:
    try:
        _scores(model, rows)
    except ContractBroken:
        return True
    return False


@trial("E5")
def numbers_that_are_none(run: Trial) -> None:
    """Puts NaN, infinity and 1e308 into a feature, in the table that models read and in a frame to be trained on."""
    from custana_pipeline.orchestration.unreal_values import TABLE, UnrealValues, listing_customers, refuse_unreal

    warehouse = Warehouse(Path(run.scratch) / "shop.duckdb")
    rows = snapshots(60)
    for value, reason in ((np.nan, "NaN"), (np.inf, "infinite"), (-np.inf, "infinite"), (1e308, "beyond magnitude")):
        faulty = rows.copy()
        faulty.loc[3, "purchase_amount"] = 0.0
        stopped = False
        try:
            with listing_customers(warehouse), warehouse.transaction() as session:
                session.prepare()
                session.connection.register("incoming", faulty)
                session.connection.execute(
                    "create or replace table features.behavior as select * replace (case when customer_id = 'c00003' "
                    f"then '{value}'::double else purchase_amount end as purchase_amount) from incoming"
                )
                refuse_unreal(session, "features.behavior", [AS_OF])
        except UnrealValues as error:
            stopped = "purchase_amount" in str(error) and "c00003" not in str(error)
        expect(stopped, f"{value} in a feature is not stopped with its column")
        with warehouse.reading() as session:
            listed = session.rows(f"select distinct customer_id, reason from {TABLE}")
        expect(listed == [("c00003", reason)], f"{value}: the customer is listed as {len(listed)} rows")
    for value in (np.inf, 1e308):
        training = trained(rows.assign(broken=np.where(rows.index < 2, value, 1.0 * rows.index)))
        expect("broken" in training.dropped_columns, f"a column with {value} is learned from")


@trial("E9")
def customers_that_changed(run: Trial) -> None:
    """Compares samples of the same customers, and samples of which one feature moved by a standard deviation."""
    from custana_pipeline.models.drift import drift_between

    seeds = run.times(quick=20, full=100)
    false_alarms, missed = 0, []
    for seed in range(seeds):
        before, now = _like(seed), _like(1000 + seed)
        false_alarms += drift_between(before, now).level == "alarm"
        column = f"feature_{seed % 12:02d}"
        moved = drift_between(before, now.assign(**{column: now[column] + before[column].std()}))
        if column not in moved.columns_at("alarm"):
            missed.append(seed)
    expect(false_alarms <= seeds * 0.05, f"{false_alarms} false alarms in {seeds} unchanged samples")
    expect(not missed, f"a feature that moved by a standard deviation raised no alarm for the seeds {missed}")


def _like(seed: int) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    normal = random.normal(size=(400, 12))
    shaped = [np.exp(normal[:, place]) if place % 3 else normal[:, place] for place in range(12)]
    return pd.DataFrame({f"feature_{place:02d}": values for place, values in enumerate(shaped)})
