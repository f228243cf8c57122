"""How much: from snapshots to a champion for each target."""

import numpy as np
import pandas as pd
import pytest

from custana_pipeline.models.demand import DemandSettings, train_demand
from custana_pipeline.models.evaluation import DEMAND_METRICS
from custana_pipeline.models.judging import predict
from custana_pipeline.models.training import Training
from custana_pipeline_tests.models.shop import AS_OF, days_of_shop, snapshots

SETTINGS = DemandSettings()
TARGETS = ["future_purchase", "future_amount"]
BASELINES = {"mean", "last_window", "last_year_pace", "bg_nbd", "two_column_linear"}


@pytest.fixture(scope="module")
def shop() -> pd.DataFrame:
    return snapshots()


@pytest.fixture(scope="module")
def training(shop: pd.DataFrame) -> Training:
    return train_demand(shop, days_of_shop(), SETTINGS)


@pytest.fixture(scope="module")
def today(shop: pd.DataFrame) -> pd.DataFrame:
    return shop[shop["as_of"] == AS_OF].reset_index(drop=True)


@pytest.mark.parametrize("target", TARGETS)
def test_candidates_and_naive_rules_stand_in_one_table(training: Training, target: str) -> None:
    evaluated = training.evaluated_for(target)
    roles = {each.name: each.role for each in evaluated}
    assert {name for name, role in roles.items() if role == "baseline"} == BASELINES
    assert {"ridge", "regression_tree", "svr", "gradient_boosting", "blend"} <= set(roles)
    for each in evaluated:
        undefined = {"holdout_spearman"} if each.name == "mean" else set()
        told = {
            name for name in each.metrics if name.startswith("holdout_") and not name.endswith(("_lower", "_upper"))
        }
        assert told == {f"holdout_{name}" for name in DEMAND_METRICS} - undefined
        assert each.metrics["holdout_rmse_lower"] < each.metrics["holdout_rmse"] < each.metrics["holdout_rmse_upper"]
        assert len(each.by_origin) == 2


def test_candidates_that_see_the_rates_are_nearer_than_the_last_window(training: Training) -> None:
    errors = {each.name: each.metrics["backtest_rmse"] for each in training.evaluated_for("future_purchase")}
    for name in ("ridge", "gradient_boosting", "blend"):
        assert errors[name] < min(errors["last_window"], errors["mean"])


@pytest.mark.parametrize("target", TARGETS)
def test_the_champion_is_the_one_that_the_reason_names(training: Training, target: str) -> None:
    champion = training.champions[target]
    assert champion.reason.startswith(f"{champion.name} serves")
    assert f"{target}: {champion.reason}" in training.reason
    assert champion.beats_naive == (champion.name != champion.best_naive)


def test_predictions_are_never_negative_and_never_missing(training: Training, today: pd.DataFrame) -> None:
    odd = today.assign(purchase_amount=-1e9, purchase_days_365d=np.nan, mean_gap_days=-np.inf, location=None)
    for each in (*training.evaluated, *training.champions.values()):
        for customers in (today, odd):
            predicted = predict(each.estimator, customers)
            assert np.isfinite(predicted).all(), each.name
            assert (predicted >= 0).all(), each.name


def test_no_candidate_explodes_for_a_customer_beyond_everything_seen(training: Training, today: pd.DataFrame) -> None:
    giant = today.iloc[[0]].assign(purchase_days_365d=360, purchase_amount_365d=1e9, purchase_amount=1e9)
    for each in training.evaluated_for("future_purchase"):
        assert predict(each.estimator, giant)[0] <= 360 * 90 / 60 * 10 * 2, each.name


def test_scores_do_not_depend_on_the_order_of_columns_or_rows(training: Training, today: pd.DataFrame) -> None:
    for champion in training.champions.values():
        straight = predict(champion.estimator, today)
        reordered = predict(champion.estimator, today.iloc[::-1][today.columns[::-1]])[::-1]
        assert np.allclose(straight, reordered, rtol=1e-12)


def test_equal_customers_get_equal_scores(training: Training, today: pd.DataFrame) -> None:
    twins = pd.concat([today.iloc[[3]]] * 4, ignore_index=True)
    for champion in training.champions.values():
        assert len(set(predict(champion.estimator, twins))) == 1


def test_the_amount_carries_its_interval(training: Training, today: pd.DataFrame) -> None:
    champion = training.champions["future_amount"]
    expected = predict(champion.estimator, today)
    bounds = champion.estimator.bounds(expected)
    assert (bounds.lower <= expected).all()
    assert (expected <= bounds.upper).all()
    assert 0.6 < champion.metrics["holdout_interval_coverage"] < 0.95


def test_the_same_snapshots_give_the_same_scores(shop: pd.DataFrame, training: Training, today: pd.DataFrame) -> None:
    again = train_demand(shop.sample(frac=1.0, random_state=1), days_of_shop(), SETTINGS)
    for target, champion in training.champions.items():
        other = again.champions[target]
        assert (predict(other.estimator, today) == predict(champion.estimator, today)).all()


def test_outcomes_of_the_holdout_change_no_judged_model(shop: pd.DataFrame, training: Training) -> None:
    holdout = shop["as_of"] == days_of_shop().holdout
    turned = shop.copy()
    turned.loc[holdout, TARGETS] = 7 + 3 * shop.loc[holdout, TARGETS].to_numpy()[::-1]
    again = train_demand(turned, days_of_shop(), SETTINGS)
    judged = {(each.target, each.name): each for each in again.evaluated}
    for each in training.evaluated:
        other = judged[each.target, each.name]
        assert (predict(each.estimator, shop[holdout]) == predict(other.estimator, shop[holdout])).all(), each.name


def test_on_noise_a_naive_rule_serves_both_targets() -> None:
    training = train_demand(snapshots(seed=5, shuffled=True), days_of_shop(), SETTINGS)
    for champion in training.champions.values():
        assert not champion.beats_naive
        assert champion.name == champion.best_naive


def test_a_shop_without_money_is_still_foreseen_in_purchases(shop: pd.DataFrame) -> None:
    money = [name for name in shop.columns if "amount" in name]
    training = train_demand(shop.assign(**dict.fromkeys(money, np.nan)), days_of_shop(), SETTINGS)
    assert training.state == "TRAINED"
    assert set(training.champions) == {"future_purchase"}
    assert "future_amount: 0 customers with a known outcome" in training.reason


def test_a_frame_without_windows_is_trained_without_own_pace(shop: pd.DataFrame) -> None:
    bare = shop[["as_of", "customer_id", "purchase_frequency", "purchase_amount", *TARGETS]]
    training = train_demand(bare, days_of_shop(), SETTINGS)
    assert training.is_trained
    assert {each.name for each in training.evaluated if each.role == "baseline"} == {"mean", "two_column_linear"}


def test_forty_nine_customers_are_a_named_state() -> None:
    training = train_demand(snapshots(49), days_of_shop(), SETTINGS)
    assert training.state == "NOT_TRAINABLE"
    assert training.reason.startswith("49 customers")
    assert training.champions == {}
