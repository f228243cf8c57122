"""The models on feature frames: what they need, and what bad data gets."""

import numpy as np
import pandas as pd
import pytest

from custana_pipeline.errors import ContractBroken, NoMeanSpend, NotTrainable
from custana_pipeline.features.btyd.columns import BTYD_COLUMNS, Btyd, btyd_columns, fit_btyd, fit_purchases, fit_spend
from custana_pipeline.features.btyd.gamma_gamma import GammaGamma, fit_gamma_gamma
from custana_pipeline.features.btyd.histories import compressed
from custana_pipeline_tests.features.btyd.cdnow import features, made_up


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
def test_bad_data_gets_finite_numbers_that_are_not_negative(kind: str) -> None:
    fitted = fit_btyd(BAD[kind])
    for frame in (BAD[kind], BAD["one huge"], BAD["dirty"]):
        values = btyd_columns(frame, fitted, 90).to_numpy()
        assert np.isfinite(values).all()
        assert (values >= 0).all()


@pytest.mark.parametrize("kind", BAD)
def test_without_a_penalty_bad_data_gets_finite_numbers_or_a_named_error(kind: str) -> None:
    try:
        values = btyd_columns(BAD[kind], Btyd(fit_purchases(BAD[kind], 0.0), None), 90)["btyd_purchases"]
    except NotTrainable:
        return
    assert np.isfinite(values).all()
    assert (values >= 0).all()


def test_no_customer_is_not_trainable() -> None:
    with pytest.raises(NotTrainable, match="no customer"):
        fit_btyd(BAD["one"].head(0))


def test_only_first_purchases_on_the_day_itself_are_not_trainable() -> None:
    with pytest.raises(NotTrainable, match="choose a later day"):
        fit_btyd(people([(0, 0, 0, 10)] * 5))


def test_a_missing_column_is_named_with_the_mend() -> None:
    with pytest.raises(ContractBroken, match="active_span_days: build the features again"):
        fit_btyd(BAD["ten"].drop(columns="active_span_days"))


def test_spend_without_a_mean_is_caught_and_the_own_mean_stands_in() -> None:
    random = np.random.default_rng(0)
    wild = people([(2, 30, 60, float(value)) for value in random.pareto(0.5, 400) + 1])
    with pytest.raises(NoMeanSpend, match="no mean"):
        fit_gamma_gamma(wild["repeat_count"].to_numpy(), wild["mean_repeat_amount"].to_numpy())
    fitted = fit_btyd(wild)
    assert fitted.spend is not None
    assert fitted.spend.state == "no_mean_spend"
    values = btyd_columns(wild, fitted, 90).to_numpy()
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
    published = fit_spend(frame, first_counts=False)
    once = frame[frame["repeat_count"] == 0]
    assert (fit_spend(frame).mean_value(once) > published.mean_value(once)).all()


def test_a_shop_without_money_has_no_spend_to_learn_from() -> None:
    free = BAD["ten"].assign(purchase_amount=np.nan, mean_repeat_amount=np.nan)
    with pytest.raises(NotTrainable, match="positive amount"):
        fit_spend(free)
    assert btyd_columns(free, fit_btyd(free), 90)["btyd_mean_amount"].isna().all()


def test_the_columns_are_in_the_order_of_the_frame() -> None:
    frame = features(made_up(50)).sample(frac=1, random_state=0)
    columns = btyd_columns(frame, fit_btyd(frame), 90)
    assert columns.index.equals(frame.index)
    assert list(columns) == list(BTYD_COLUMNS)
    assert columns.notna().all(axis=None)


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
