"""Who buys: from snapshots to a champion."""

import numpy as np
import pandas as pd
import pytest

from custana_pipeline.errors import ContractBroken
from custana_pipeline.models.behavior import BehaviorSettings, train_behavior
from custana_pipeline.models.evaluation import BEHAVIOR_METRICS
from custana_pipeline.models.judging import predict
from custana_pipeline.models.training import Champion, Training
from custana_pipeline_tests.models.shop import AS_OF, days_of_shop, snapshots

SETTINGS = BehaviorSettings()


@pytest.fixture(scope="module")
def shop() -> pd.DataFrame:
    return snapshots(700)


@pytest.fixture(scope="module")
def training(shop: pd.DataFrame) -> Training:
    return train_behavior(shop, days_of_shop(), SETTINGS)


@pytest.fixture(scope="module")
def champion(training: Training) -> Champion:
    return training.champions["is_recommended"]


@pytest.fixture(scope="module")
def today(shop: pd.DataFrame) -> pd.DataFrame:
    return shop[shop["as_of"] == AS_OF].reset_index(drop=True)


def test_candidates_and_naive_rules_stand_in_one_table(training: Training) -> None:
    roles = {each.name: each.role for each in training.evaluated}
    assert {name for name, role in roles.items() if role == "baseline"} == {
        "base_rate",
        "recency_rule",
        "frequency_rule",
        "bg_nbd",
        "two_column_forest",
    }
    assert {"decision_tree", "random_forest", "logistic_regression", "gradient_boosting"} <= set(roles)
    for each in training.evaluated:
        assert {f"{where}_{name}" for name in BEHAVIOR_METRICS for where in ("holdout", "backtest")} <= set(
            each.metrics
        )
        assert each.metrics["holdout_log_loss_lower"] < each.metrics["holdout_log_loss"]
        assert each.metrics["holdout_roc_auc"] <= each.metrics["holdout_roc_auc_upper"]
        assert list(each.holdout.columns) == ["customer_id", "actual", "predicted"]


def test_a_candidate_that_sees_the_rates_beats_the_naive_rules(training: Training, champion: Champion) -> None:
    assert champion.beats_naive
    assert champion.reason.startswith(f"{champion.name} serves. {champion.name} against the best naive rule")
    assert champion.best_naive in champion.reason
    assert training.dropped_columns == {"age": "no value at all"}


def test_probabilities_are_probabilities_for_everybody(champion: Champion, today: pd.DataFrame) -> None:
    probability = predict(champion.estimator, today)
    assert len(probability) == len(today)
    assert ((probability > 0) & (probability < 1)).all()


def test_every_candidate_scores_by_name_in_any_order_of_columns(training: Training, today: pd.DataFrame) -> None:
    reordered = today[today.columns[::-1]].assign(added_later=1)
    for each in training.evaluated:
        assert (predict(each.estimator, today) == predict(each.estimator, reordered)).all(), each.name


def test_a_category_unseen_in_training_is_scored(training: Training, today: pd.DataFrame) -> None:
    moved = today.assign(location="Atlantis")
    for each in training.evaluated:
        assert np.isfinite(predict(each.estimator, moved)).all(), each.name


def test_missing_and_infinite_values_are_scored(training: Training, today: pd.DataFrame) -> None:
    odd = today.assign(recency_days=np.inf, purchase_days_365d=np.nan, is_member=None, location=None)
    for each in training.evaluated:
        assert np.isfinite(predict(each.estimator, odd)).all(), each.name


def test_equal_customers_get_equal_scores(champion: Champion, today: pd.DataFrame) -> None:
    twins = pd.concat([today.iloc[[3]]] * 4, ignore_index=True).assign(customer_id=["a", "b", "c", "d"])
    assert len(set(predict(champion.estimator, twins))) == 1


def test_a_frame_without_a_trained_column_is_refused_by_name(champion: Champion, today: pd.DataFrame) -> None:
    with pytest.raises(ContractBroken, match="lacks tenure_days"):
        predict(champion.estimator, today.drop(columns="tenure_days"))


def test_outcomes_of_the_holdout_change_no_judged_model(shop: pd.DataFrame, training: Training) -> None:
    holdout = shop["as_of"] == days_of_shop().holdout
    turned = shop.copy()
    turned.loc[holdout, "is_recommended"] = [not bought for bought in shop.loc[holdout, "is_recommended"]]
    turned.loc[holdout, "recency_days"] = 1.0
    again = train_behavior(turned, days_of_shop(), SETTINGS)
    probe = shop[holdout]
    for before, after in zip(training.evaluated, again.evaluated, strict=True):
        assert (predict(before.estimator, probe) == predict(after.estimator, probe)).all(), before.name


def test_the_same_snapshots_in_another_order_give_the_same_scores(
    shop: pd.DataFrame, champion: Champion, today: pd.DataFrame
) -> None:
    again = train_behavior(shop.sample(frac=1.0, random_state=1), days_of_shop(), SETTINGS)
    other = again.champions["is_recommended"]
    assert other.name == champion.name
    assert (predict(other.estimator, today) == predict(champion.estimator, today)).all()


@pytest.mark.parametrize("seed", range(20))
def test_shuffled_labels_are_never_promoted(seed: int) -> None:
    training = train_behavior(snapshots(seed=seed, shuffled=True), days_of_shop(1), SETTINGS)
    champion = training.champions["is_recommended"]
    assert not champion.is_promoted
    assert not champion.beats_naive
    assert champion.name == champion.best_naive
    assert "no candidate beats it" in champion.reason


def test_forty_nine_customers_are_a_named_state_with_the_mend() -> None:
    training = train_behavior(snapshots(49), days_of_shop(), SETTINGS)
    assert training.state == "NOT_TRAINABLE"
    assert training.reason.startswith("49 customers")
    assert "longer history" in training.reason
    assert training.evaluated == ()
    assert training.champions == {}


def test_one_class_is_a_named_state(shop: pd.DataFrame) -> None:
    known = shop["is_recommended"].notna()
    for answer in (False, True):
        one_class = shop.assign(is_recommended=shop["is_recommended"].where(~known, answer))
        assert train_behavior(one_class, days_of_shop(), SETTINGS).state == "NOT_TRAINABLE"


def test_a_shop_without_snapshots_is_a_named_state(shop: pd.DataFrame) -> None:
    training = train_behavior(shop[shop["as_of"] == AS_OF], days_of_shop(), SETTINGS)
    assert training.state == "NOT_TRAINABLE"
    assert training.row_counts == {"training": 0, "holdout": 0, "refit": 0, "backtest_origins": 2}


def test_a_customer_twice_in_a_snapshot_is_refused(shop: pd.DataFrame) -> None:
    with pytest.raises(ContractBroken, match="twice in one snapshot"):
        train_behavior(pd.concat([shop, shop.iloc[[0]]]), days_of_shop(), SETTINGS)


def test_columns_without_information_do_not_stop_the_training(shop: pd.DataFrame) -> None:
    odd = shop.assign(constant=1, empty=None, broken=[np.inf, *np.arange(len(shop) - 1)])
    training = train_behavior(odd, days_of_shop(), SETTINGS)
    assert training.is_trained
    assert {"constant", "empty", "age"} <= set(training.dropped_columns)
