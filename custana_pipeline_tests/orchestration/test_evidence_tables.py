"""models.drift, models.importance and models.backtests: what is kept of a day, and what the report reads of it."""

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from custana_pipeline.models.behavior import BehaviorSettings, train_behavior
from custana_pipeline.models.demand import DemandSettings, train_demand
from custana_pipeline.models.drift import drift_between
from custana_pipeline.models.evaluation import row_losses
from custana_pipeline.models.importance import champion_importances
from custana_pipeline.models.training import not_trainable
from custana_pipeline.orchestration.backtest_tables import backtests, store_backtests
from custana_pipeline.orchestration.champions import TABLE as CHAMPIONS
from custana_pipeline.orchestration.drift_tables import TABLE, drift_note, learned_days, store_drift
from custana_pipeline.orchestration.importance_tables import importances, store_importance
from custana_pipeline.orchestration.project import Project
from custana_pipeline_tests.models.shop import AS_OF, days_of_shop, snapshots
from custana_pipeline_tests.orchestration.packs import shipped

REFERENCE = pd.DataFrame({"recency_days": np.arange(300.0), "location": ["North", "South", "East"] * 100})


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(shipped("sample", tmp_path))


def test_the_drift_of_a_day_replaces_what_was_there_and_is_told(project: Project) -> None:
    moved = REFERENCE.assign(recency_days=REFERENCE["recency_days"] + 200)
    with project.warehouse.transaction() as session:
        session.prepare()
        for tonight in (moved, REFERENCE):
            store_drift(session, drift_between(REFERENCE, tonight), AS_OF)
        store_drift(session, drift_between(REFERENCE, moved), AS_OF + dt.timedelta(days=1))
        assert session.count(TABLE) == 4
        note, next_note = (drift_note(session, AS_OF + dt.timedelta(days=days)) for days in (0, 1))
        assert note is not None
        assert note[0] == "none"
        assert next_note is not None
        assert next_note[0] == "alarm"
        assert "recency_days (higher: median" in next_note[1]


def test_a_day_that_could_not_be_compared_has_a_note_and_no_rows(project: Project) -> None:
    with project.warehouse.transaction() as session:
        session.prepare()
        assert drift_note(session, AS_OF) is None
        store_drift(session, drift_between(REFERENCE, REFERENCE.head(10)), AS_OF)
        assert session.count(TABLE) == 0
        assert drift_note(session, AS_OF) == (
            "none",
            "Drift was not measured: 10 customers on the smaller side, 50 needed to tell a change from chance.",
        )
        store_drift(session, drift_between(REFERENCE, REFERENCE), AS_OF)
        assert session.count(TABLE) == 2


def test_importances_are_kept_by_day_and_read_best_first(project: Project) -> None:
    rows, days = snapshots(240), days_of_shop()
    training = train_behavior(rows, days, BehaviorSettings())
    table = champion_importances(training, rows[rows["as_of"] == days.holdout])
    with project.warehouse.transaction() as session:
        session.prepare()
        assert importances(session, AS_OF, "is_recommended") == []
        for _ in range(2):
            store_importance(session, AS_OF, training, table)
        found = importances(session, AS_OF, "is_recommended")
        assert len({topic for topic, _ in found}) == len(found) > 3
        assert [value for _, value in found] == sorted((value for _, value in found), reverse=True)
        untrained = not_trainable("behavior", "too little")
        store_importance(session, AS_OF, untrained, champion_importances(untrained, rows))
        assert importances(session, AS_OF, "is_recommended") == found


def test_the_backtest_of_a_day_is_kept_with_every_candidate_rule_and_past_day(project: Project) -> None:
    training = train_demand(snapshots(240), days_of_shop(), DemandSettings())
    with project.warehouse.transaction() as session:
        session.prepare()
        assert backtests(session, AS_OF).empty
        for _ in range(2):
            store_backtests(session, AS_OF, training)
        store_backtests(session, AS_OF, not_trainable("demand", "too little"))
        kept = backtests(session, AS_OF)
    mae = kept[(kept["metric"] == "mae") & (kept["target"] == "future_amount")]
    assert len(mae) == len(days_of_shop().folds) * len(training.evaluated_for("future_amount"))
    assert set(mae["role"]) == {"candidate", "baseline"}


def test_the_kept_deviance_is_the_mean_of_the_losses_that_the_gate_compares(project: Project) -> None:
    training = train_demand(snapshots(240), days_of_shop(), DemandSettings())
    with project.warehouse.transaction() as session:
        session.prepare()
        store_backtests(session, AS_OF, training)
        kept = backtests(session, AS_OF)
    ridge = next(each for each in training.evaluated_for("future_purchase") if each.name == "ridge")
    losses = row_losses(ridge.holdout["actual"].to_numpy(), ridge.holdout["predicted"].to_numpy(), "poisson")
    asked = (kept["target"] == "future_purchase") & (kept["candidate"] == "ridge")
    told = kept.loc[asked & (kept["metric"] == "poisson_deviance"), "value"].to_numpy()
    assert told[-1] == pytest.approx(losses.mean())


def test_a_champion_that_stays_is_compared_with_what_it_has_learned_from(project: Project) -> None:
    first, night, later = dt.date(2024, 1, 1), dt.date(2025, 6, 1), dt.date(2025, 7, 1)
    with project.warehouse.transaction() as session:
        session.prepare()
        session.rows(f"""create table cleaned.numbered_transactions as
            select date '{first}' as ordered_date, false as is_return""")
        session.rows(f"""create table {CHAMPIONS} as select unnest([date '{night}', date '{later}']) as as_of,
            'is_recommended' as target, 'blend-of-june' as model_version""")
        own, tonights = (project.origins(session, day) for day in (night, later))
        days = sorted({*own.training, *own.refit, *tonights.training, *tonights.refit})
        session.rows(f"create table features.activity as select unnest({[str(day) for day in days]})::date as as_of")
        assert learned_days(session, project, later, "blend-of-june") == sorted({*own.training, *own.refit})
        session.rows(f"delete from features.activity where as_of = date '{max(own.refit)}'")
        assert learned_days(session, project, later, "blend-of-june") == sorted({*tonights.training, *tonights.refit})
