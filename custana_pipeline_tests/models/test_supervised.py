"""The training of a target as a whole: levels, the champion so far, leaks, and a history too short to judge."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from custana_pipeline.models.behavior import BehaviorSettings, train_behavior
from custana_pipeline.models.demand import DemandSettings, train_demand
from custana_pipeline.models.judging import predict
from custana_pipeline.models.level import Levels
from custana_pipeline.models.levelled import LevelledDemand
from custana_pipeline.models.served import moved_to
from custana_pipeline.models.serving import ServingDemand
from custana_pipeline.models.task import Context
from custana_pipeline.models.training import Incumbent, Training
from custana_pipeline_tests.models.shop import AS_OF, HORIZON_DAYS, days_of_shop, snapshots

TARGET = "is_recommended"


@pytest.fixture(scope="module")
def shop() -> pd.DataFrame:
    return snapshots()


def levels(ratio: float = 0.4) -> Levels:
    """A shop that buys exp(ratio) times what a steady one does, now as a year ago."""
    days = [*(fold.origin for fold in days_of_shop(4).folds), AS_OF]
    days += [day - pd.Timedelta(days=364) for day in days]
    told = {"customer_count": 240.0, "history_days": 900.0}
    for window in ("near", "future"):
        for measure, steady in (("buyers", 100.0), ("purchases", 200.0), ("amount", 8_000.0)):
            told |= {f"steady_{window}_{measure}": steady, f"{window}_{measure}": steady * np.exp(ratio)}
    return Levels(pd.DataFrame([{"as_of": day, **told} for day in days]), AS_OF, HORIZON_DAYS, 30)


@pytest.fixture(scope="module")
def levelled(shop: pd.DataFrame) -> Training:
    return train_demand(shop, days_of_shop(), DemandSettings(), Context(levels()))


def incumbent_of(training: Training, name: str) -> Incumbent:
    """A candidate of a training as the champion of an earlier day."""
    found = next(each for each in training.evaluated if each.name == name)
    columns = tuple(training.champions[TARGET].columns)
    return Incumbent(name, f"{name}-old", AS_OF, found.estimator, found.estimator, columns)


def test_the_levelled_blend_forecasts_what_the_blend_does_times_one_factor(levelled: Training) -> None:
    by_name = {each.name: each for each in levelled.evaluated_for("future_purchase")}
    plain, drawn = (by_name[name].holdout["predicted"] for name in ("blend", "levelled_blend"))
    factors = (drawn / plain).round(9)
    assert factors.nunique() == 1
    assert factors.iloc[0] != 1.0


def test_what_is_judged_is_what_the_estimators_foresee(shop: pd.DataFrame, levelled: Training) -> None:
    holdout = shop[shop["as_of"] == days_of_shop().holdout]
    for each in levelled.evaluated:
        assert predict(each.estimator, holdout) == pytest.approx(each.holdout["predicted"].to_numpy(), rel=1e-9)


def test_a_champion_that_is_no_worse_stays_with_its_version(shop: pd.DataFrame) -> None:
    first = train_behavior(shop, days_of_shop(), BehaviorSettings())
    so_far = incumbent_of(first, "random_forest")
    strict = BehaviorSettings(margin=0.5)
    second = train_behavior(shop, days_of_shop(), strict, Context(incumbents={TARGET: so_far}))
    champion = second.champions[TARGET]
    assert champion.kept_version == "random_forest-old"
    assert not champion.is_promoted
    assert champion.reason.startswith("The champion stays, random_forest of")
    assert "champion_so_far" in {each.name for each in second.evaluated}
    today = shop[shop["as_of"] == AS_OF]
    assert (predict(champion.estimator, today) == predict(so_far.serving, today)).all()


def test_a_champion_is_judged_at_the_level_of_the_window_as_its_challenger_is(
    shop: pd.DataFrame, levelled: Training
) -> None:
    target = "future_purchase"
    drawn = next(each for each in levelled.evaluated_for(target) if each.name == "levelled_blend").estimator
    stale = LevelledDemand.of_fitted(drawn.model_, 3 * drawn.factor)
    columns = levelled.champions[target].columns
    so_far = Incumbent("levelled_blend", "levelled_blend-old", AS_OF, ServingDemand(stale), stale, columns)
    tonight = train_demand(shop, days_of_shop(), DemandSettings(), Context(levels(), {target: so_far}))
    by_name = {each.name: each.holdout["predicted"] for each in tonight.evaluated_for(target)}
    assert by_name["champion_so_far"].to_numpy() == pytest.approx(by_name["levelled_blend"].to_numpy(), rel=1e-9)


def test_shuffled_labels_leave_the_champion_where_it_is(shop: pd.DataFrame) -> None:
    so_far = incumbent_of(train_behavior(shop, days_of_shop(), BehaviorSettings()), "random_forest")
    noise = snapshots(seed=3, shuffled=True)
    champion = train_behavior(
        noise, days_of_shop(1), BehaviorSettings(), Context(incumbents={TARGET: so_far})
    ).champions[TARGET]
    assert not champion.is_promoted


def test_a_champion_that_cannot_take_todays_columns_is_told_and_replaced(shop: pd.DataFrame) -> None:
    first = train_behavior(shop, days_of_shop(1), BehaviorSettings())
    so_far = incumbent_of(first, "random_forest")
    fewer = shop.drop(columns="tenure_days")
    champion = train_behavior(
        fewer, days_of_shop(1), BehaviorSettings(), Context(incumbents={TARGET: so_far})
    ).champions[TARGET]
    assert champion.kept_version == ""
    assert "cannot be judged: The frame to be scored lacks tenure_days" in champion.reason


def test_a_leaked_feature_stops_the_training(shop: pd.DataFrame) -> None:
    leaky = shop.assign(came_again=shop["future_purchase"])
    training = train_behavior(leaky, days_of_shop(1), BehaviorSettings())
    assert training.state == "LEAKED_FEATURE"
    assert "came_again" in training.reason
    assert training.champions == {}
    assert train_demand(leaky, days_of_shop(1), DemandSettings()).state == "LEAKED_FEATURE"


def test_a_history_too_short_to_judge_serves_what_needs_histories_only(shop: pd.DataFrame) -> None:
    short = replace(days_of_shop(), folds=(), refit=())
    training = train_demand(shop, short, DemandSettings())
    assert training.state == "UNJUDGED"
    assert set(training.champions) == {"future_purchase", "future_amount"}
    champion = training.champions["future_purchase"]
    today = shop[shop["as_of"] == AS_OF]
    assert predict(champion.estimator, today) == pytest.approx(today["btyd_purchases"].to_numpy())
    assert champion.metrics == {}
    assert not champion.beats_naive


@pytest.mark.parametrize(
    "early", [days_of_shop(1).folds[0].training, [days_of_shop().holdout]], ids=["training", "holdout"]
)
def test_a_few_early_customers_leave_a_history_too_short_to_judge(shop: pd.DataFrame, early: list) -> None:
    few = shop["customer_id"].isin(shop["customer_id"].unique()[:20])
    grown = shop[few | ~shop["as_of"].isin(early)]
    for training in (
        train_behavior(grown, days_of_shop(1), BehaviorSettings()),
        train_demand(grown, days_of_shop(1), DemandSettings()),
    ):
        assert training.state == "UNJUDGED"
        assert training.row_counts["backtest_origins"] == 0


def test_a_holdout_in_which_nobody_buys_is_not_trainable(shop: pd.DataFrame) -> None:
    nobody = shop.assign(future_purchase=shop["future_purchase"].where(shop["as_of"] != days_of_shop().holdout, 0))
    assert train_demand(nobody, days_of_shop(1), DemandSettings()).state == "NOT_TRAINABLE"


def test_a_history_too_short_without_histories_is_not_trainable(shop: pd.DataFrame) -> None:
    short = replace(days_of_shop(), folds=(), refit=())
    bare = shop.drop(columns=[name for name in shop if name.startswith("btyd_")])
    assert train_behavior(bare, short, BehaviorSettings()).state == "NOT_TRAINABLE"


@pytest.mark.parametrize("count", [0, 1, 2, 10, 49])
def test_few_customers_are_a_named_state(count: int) -> None:
    few = snapshots(count) if count else snapshots(1).head(0)
    for training in (
        train_behavior(few, days_of_shop(1), BehaviorSettings()),
        train_demand(few, days_of_shop(1), DemandSettings()),
    ):
        assert training.state == "NOT_TRAINABLE"
        assert training.champions == {}


def test_an_estimator_without_a_level_is_not_moved(shop: pd.DataFrame) -> None:
    estimator = object()
    assert moved_to(estimator, 0.3) is estimator
