"""The models on feature frames: what they need, what they store, and what bad data gets."""

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from custana_pipeline.errors import ContractBroken, CustanaError, NoMeanSpend, NotTrainable
from custana_pipeline.models.btyd.columns import btyd_columns, fit_btyd, fit_spend
from custana_pipeline.models.btyd.estimators import BgNbdBuyers, BgNbdPurchases, BtydAmount
from custana_pipeline.models.btyd.gamma_gamma import GammaGamma, fit_gamma_gamma
from custana_pipeline.models.btyd.histories import compressed
from custana_pipeline.models.persistence import dump, load, sha256_of
from custana_pipeline_tests.models.btyd.cdnow import features, made_up

ESTIMATORS = (BgNbdBuyers, BgNbdPurchases, BtydAmount)


def foreseen(estimator: object, frame: pd.DataFrame) -> np.ndarray:
    return estimator.predict_proba(frame)[:, 1] if isinstance(estimator, BgNbdBuyers) else estimator.predict(frame)


def people(rows: list[tuple[float, float, float, float]]) -> pd.DataFrame:
    """Feature rows from (repeats, t_x, T, money a purchase)."""
    frame = pd.DataFrame(rows, columns=["repeats", "last", "age", "value"])
    frame["mean_repeat"] = frame["value"].where(frame["repeats"] > 0)
    return features(frame)


BAD = {
    "one": people([(2, 30, 60, 10)]),
    "two": people([(2, 30, 60, 10), (0, 0, 20, 5)]),
    "ten": features(made_up(10)),
    "forty-nine": features(made_up(49)),
    "all one-time": people([(0, 0, day, 10) for day in range(1, 200)]),
    "identical": people([(3, 40, 90, 25)] * 60),
    "identical one-time": people([(0, 0, 90, 25)] * 60),
    "one huge": pd.concat([features(made_up(60)), people([(4_999, 599, 600, 1e6)])], ignore_index=True),
    "last is now": people([(each % 5, 50 + each, 50 + each, 10 + each) for each in range(60)]),
    "first is now": people([(0, 0, 0, 10)] * 5 + [(1, 10, 30, 10)] * 5),
    "dirty": people([(np.nan, 3, 10, 10), (2, np.inf, 30, 5), (2, 50, 30, -4), (1, 10, 40, 0), (0, 0, 9, 3)]),
}


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_bad_data_gets_finite_numbers_or_a_named_error(kind: str, estimator: type) -> None:
    try:
        fitted = estimator(horizon_days=90).fit(BAD[kind])
    except CustanaError as error:
        pytest.fail(f"{kind} is trainable with the penalty for serving, but: {error}")
    for frame in (BAD[kind], BAD["one huge"], BAD["dirty"]):
        values = foreseen(fitted, frame)
        assert np.isfinite(values).all()
        assert (values >= 0).all()


@pytest.mark.parametrize("kind", BAD)
def test_without_a_penalty_bad_data_gets_finite_numbers_or_a_named_error_too(kind: str) -> None:
    try:
        values = BgNbdPurchases(penalty=0.0).fit(BAD[kind]).predict(BAD[kind])
    except NotTrainable:
        return
    assert np.isfinite(values).all()
    assert (values >= 0).all()


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_no_customer_is_not_trainable(estimator: type) -> None:
    with pytest.raises(NotTrainable, match="no customer"):
        estimator().fit(BAD["one"].head(0))


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_only_first_purchases_on_the_day_itself_are_not_trainable(estimator: type) -> None:
    with pytest.raises(NotTrainable, match="choose a later day"):
        estimator().fit(people([(0, 0, 0, 10)] * 5))


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_missing_column_is_named_with_the_mend(estimator: type) -> None:
    with pytest.raises(ContractBroken, match="active_span_days: build the features again"):
        estimator().fit(BAD["ten"].drop(columns="active_span_days"))


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_loaded_estimator_foresees_the_same(estimator: type, tmp_path: Path) -> None:
    frame = features(made_up(200))
    fitted = estimator(horizon_days=30).fit(frame)
    path = tmp_path / "model.skops"
    path.write_bytes(dump(fitted))
    assert np.array_equal(foreseen(load(path, sha256_of(path)), frame), foreseen(fitted, frame))


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_of_stacked_origins_the_newest_is_learned_from_and_labels_are_left_alone(estimator: type) -> None:
    new, old = features(made_up(200)), features(made_up(200, seed=1))
    stacked = pd.concat([old.assign(as_of=dt.date(2025, 1, 1)), new.assign(as_of=dt.date(2025, 4, 1))])
    labelled = estimator().fit(stacked, np.zeros(len(stacked)), sample_weight=np.ones(len(stacked)))
    assert np.array_equal(foreseen(labelled, new), foreseen(estimator().fit(new), new))


def test_spend_without_a_mean_is_caught_and_the_own_mean_stands_in() -> None:
    random = np.random.default_rng(0)
    wild = people([(2, 30, 60, float(value)) for value in random.pareto(0.5, 400) + 1])
    with pytest.raises(NoMeanSpend, match="no mean"):
        fit_gamma_gamma(wild["repeat_count"].to_numpy(), wild["mean_repeat_amount"].to_numpy())
    fitted = BtydAmount().fit(wild)
    assert fitted.spend_state_ == "no_mean_spend"
    values = fitted.predict(wild)
    assert np.isfinite(values).all()
    assert (values >= 0).all()


def test_parameters_with_q_below_one_never_give_a_negative_mean() -> None:
    with pytest.raises(NoMeanSpend):
        GammaGamma(2.0, 0.8, 10.0).mean_value(np.array([0.0]), np.array([np.nan]))


def test_a_shop_of_one_time_buyers_has_no_repeats_to_learn_from_but_first_purchases() -> None:
    assert fit_spend(BAD["all one-time"], first_counts=False).state == "too_few_purchases"
    once = people([(0, 0, 90, value) for value in (5, 10, 20, 40, 80, 20, 10)])
    values = fit_spend(once).mean_value(once)
    assert (np.diff(values[:5]) >= 0).all()


def test_the_first_purchase_counts_unless_told_otherwise() -> None:
    frame = features(made_up(500))
    frame.loc[frame["repeat_count"] == 0, "purchase_amount"] = 500.0
    published = BtydAmount(first_counts=False).fit(frame)
    once = frame[frame["repeat_count"] == 0]
    assert (BtydAmount().fit(frame).predict(once) > published.predict(once)).all()


def test_a_shop_without_money_has_no_spend_to_learn_from() -> None:
    free = BAD["ten"].assign(purchase_amount=np.nan, mean_repeat_amount=np.nan)
    with pytest.raises(NotTrainable, match="positive amount"):
        BtydAmount().fit(free)
    assert btyd_columns(free, fit_btyd(free), 90)["btyd_mean_amount"].isna().all()


def test_the_columns_are_in_the_order_of_the_frame() -> None:
    frame = features(made_up(50)).sample(frac=1, random_state=0)
    columns = btyd_columns(frame, fit_btyd(frame), 90)
    assert columns.index.equals(frame.index)
    assert list(columns) == ["btyd_p_alive", "btyd_p_buy", "btyd_purchases", "btyd_mean_amount"]
    assert columns.notna().all(axis=None)
    assert columns["btyd_purchases"].to_numpy() == pytest.approx(BgNbdPurchases(90).fit(frame).predict(frame))


def test_a_longer_horizon_never_holds_fewer_purchases() -> None:
    frame = features(made_up(100))
    fitted = fit_btyd(frame)
    near, far = btyd_columns(frame, fitted, 30), btyd_columns(frame, fitted, 365)
    assert (far["btyd_purchases"] >= near["btyd_purchases"]).all()
    assert (far["btyd_p_buy"] >= near["btyd_p_buy"]).all()


def test_more_different_histories_than_the_limit_are_taken_evenly() -> None:
    (values,), weights = compressed([np.arange(100.0)], most_rows=30)
    assert len(values) == len(weights) == 25
    assert values.mean() == pytest.approx(49.5, abs=2)
