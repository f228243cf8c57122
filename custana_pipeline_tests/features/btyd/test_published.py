"""The published parameters, the published formulas, and what a made-up shop did next."""

import time

import numpy as np
import pandas as pd
import pytest
from scipy.special import hyp2f1

from custana_pipeline.features.btyd import bg_nbd, gamma_gamma, pareto_nbd
from custana_pipeline.features.btyd.bg_nbd import BgNbd, fit_bg_nbd
from custana_pipeline.features.btyd.gamma_gamma import GammaGamma, fit_gamma_gamma
from custana_pipeline.features.btyd.histories import histories
from custana_pipeline.features.btyd.pareto_nbd import ParetoNbd, fit_pareto_nbd
from custana_pipeline_tests.features.btyd.cdnow import cdnow_sample, made_up

CDNOW_BG = BgNbd(0.2426, 4.4136, 0.7929, 2.4259)
CDNOW_PARETO = ParetoNbd(0.5533, 10.5784, 0.6062, 11.6687)


def times(people: pd.DataFrame) -> list[np.ndarray]:
    return [people[name].to_numpy() for name in ("repeats", "last", "age")]


def test_bg_nbd_finds_the_published_parameters_of_cdnow() -> None:
    past = times(cdnow_sample())
    found = fit_bg_nbd(*past)
    assert (found.r, found.alpha, found.a, found.b) == pytest.approx((0.2426, 4.4136, 0.7929, 2.4259), abs=1e-4)
    assert bg_nbd.log_likelihood(found, *past) == pytest.approx(-9582.4, abs=0.05)


def test_pareto_nbd_finds_the_published_parameters_of_cdnow() -> None:
    past = times(cdnow_sample())
    found = fit_pareto_nbd(*past)
    assert (found.r, found.alpha, found.s, found.beta) == pytest.approx((0.553, 10.578, 0.606, 11.669), abs=1e-3)
    assert pareto_nbd.log_likelihood(found, *past) == pytest.approx(-9595.0, abs=0.05)


def test_gamma_gamma_finds_the_published_parameters_of_cdnow() -> None:
    people = cdnow_sample()
    found = fit_gamma_gamma(people["repeats"].to_numpy(), people["mean_repeat"].to_numpy())
    assert (found.p, found.q, found.v) == pytest.approx((6.25, 3.74, 15.44), abs=0.01)


def test_the_penalty_for_serving_hardly_moves_what_two_thousand_customers_say() -> None:
    past = times(cdnow_sample())
    free, held = fit_bg_nbd(*past), fit_bg_nbd(*past, penalty=0.05)
    assert held.expected_purchases(*past, 39.0) == pytest.approx(free.expected_purchases(*past, 39.0), rel=0.02)


def test_the_published_first_customer_of_cdnow() -> None:
    """x 2, t_x 30.43, T 38.86: Fader, Hardie, Lee, Implementing the BG/NBD Model in Excel, expect 1.226 in 39 weeks."""
    one = [np.array([2.0]), np.array([30.43]), np.array([38.86])]
    assert CDNOW_BG.expected_purchases(*one, 39.0)[0] == pytest.approx(1.226, abs=5e-4)


def test_the_likelihood_of_bg_nbd_by_hand() -> None:
    """x = 1, t_x = 1, T = 2 under r = alpha = a = b = 1: B(1,2)/B(1,1) / 3^2 + B(2,1)/B(1,1) / 2^2 = 1/18 + 1/8."""
    value = bg_nbd.log_likelihood(BgNbd(1, 1, 1, 1), np.array([1.0]), np.array([1.0]), np.array([2.0]))
    assert np.exp(value) == pytest.approx(1 / 18 + 1 / 8)


def test_the_likelihood_of_pareto_nbd_is_that_of_the_two_hypergeometric_functions() -> None:
    x, t_x, T = (np.array(each) for each in ([0.0, 2.0, 7.0], [0.0, 11.0, 20.0], [30.0, 12.0, 38.0]))
    r, alpha, s, beta = 0.553, 15.0, 0.606, 11.669
    power = r + s + x
    ends = [
        hyp2f1(power, s + 1, power + 1, (alpha - beta) / (alpha + end)) / (alpha + end) ** power for end in (t_x, T)
    ]
    part = (alpha + T) ** -(r + x) * (beta + T) ** -s + s / power * (ends[0] - ends[1])
    rising = np.array([1.0, r * (r + 1), np.prod(r + np.arange(7))])
    expected = np.log(rising * alpha**r * beta**s * part).sum()
    assert pareto_nbd.log_likelihood(ParetoNbd(r, alpha, s, beta), x, t_x, T) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("likelihood", "parameters"),
    [(bg_nbd._Likelihood, (0.3, 50.0, 0.8, 2.0)), (pareto_nbd._Likelihood, (0.6, 90.0, 0.7, 300.0))],
)
def test_the_gradient_is_the_slope_of_the_likelihood(likelihood: type, parameters: tuple[float, ...]) -> None:
    summed = likelihood(histories(*times(made_up(300))))
    at = np.array(parameters)
    steps = np.diag(at * 1e-6)
    slopes = [(summed(at + step)[0] - summed(at - step)[0]) / (2 * step.sum()) for step in steps]
    assert summed(at)[1] == pytest.approx(slopes, rel=1e-4)


def test_the_gradient_of_gamma_gamma_is_the_slope_of_its_likelihood() -> None:
    people = made_up(300).query("repeats > 0")
    summed = gamma_gamma._Likelihood(
        people["repeats"].to_numpy(), people["mean_repeat"].to_numpy(), np.ones(len(people))
    )
    at = np.array([2.0, 3.0, 30.0])
    slopes = [(summed(at + step)[0] - summed(at - step)[0]) / (2 * step.sum()) for step in np.diag(at * 1e-6)]
    assert summed(at)[1] == pytest.approx(slopes, rel=1e-4)


def test_a_made_up_shop_gives_its_parameters_back() -> None:
    people = made_up(20_000)
    found = fit_bg_nbd(*times(people))
    assert (found.r, found.alpha, found.a, found.b) == pytest.approx((0.8, 60, 1.2, 3), rel=0.15)
    spend = fit_gamma_gamma(people["repeats"].to_numpy(), people["mean_repeat"].to_numpy())
    assert (spend.p, spend.q, spend.v) == pytest.approx((4, 5, 40), rel=0.1)


def test_what_is_expected_of_the_made_up_shop_happens() -> None:
    people = made_up(20_000)
    model = fit_bg_nbd(*times(people))
    expected, buys = model.expected_purchases(*times(people), 90), model.p_buy(*times(people), 90)
    assert expected.sum() == pytest.approx(people["later"].sum(), rel=0.05)
    assert buys.mean() == pytest.approx((people["later"] > 0).mean(), rel=0.05)
    assert (buys <= expected + 1e-9).all()


def test_the_closed_form_agrees_with_the_integral_also_where_a_is_one() -> None:
    x, T = np.array([0.0, 1.0, 12.0, 150.0]), np.array([5.0, 300.0, 90.0, 700.0])
    for model in (CDNOW_BG, BgNbd(0.8, 60, 1.0, 3), BgNbd(0.8, 60, 1.0 + 1e-9, 3), BgNbd(3, 9, 40, 90)):
        assert model._closed(x, T, 90.0) == pytest.approx(model._integrated(x, T, 90.0), rel=1e-3)


def test_pareto_nbd_expects_what_a_million_simulated_futures_hold() -> None:
    random = np.random.default_rng(0)
    rate, leave = (random.gamma(shape, 1 / scale, 10**6) for shape, scale in ((3.5533, 40.5784), (0.6062, 41.6687)))
    lifetime = np.minimum(random.exponential(1 / leave), 39)
    one = [np.array([3.0]), np.array([30.0]), np.array([30.0])]
    assert CDNOW_PARETO.p_alive(*one)[0] == pytest.approx(1, abs=1e-6)
    assert CDNOW_PARETO.expected_purchases(*one, 39)[0] == pytest.approx((rate * lifetime).mean(), rel=0.01)
    assert CDNOW_PARETO.p_buy(*one, 39)[0] == pytest.approx((-np.expm1(-rate * lifetime)).mean(), rel=0.01)


def test_a_customer_without_a_repeat_is_still_there_under_bg_nbd() -> None:
    assert CDNOW_BG.p_alive(np.array([0.0]), np.array([0.0]), np.array([500.0]))[0] == 1


def test_gamma_gamma_shrinks_the_own_mean_towards_that_of_all() -> None:
    model = GammaGamma(6.25, 3.74, 15.44)
    everybody = 6.25 * 15.44 / 2.74
    values = model.mean_value(np.array([0, 1, 100]), np.array([np.nan, 100.0, 100.0]))
    assert values[0] == pytest.approx(everybody)
    assert everybody < values[1] < values[2] < 100


def test_a_hundred_thousand_customers_take_seconds() -> None:
    people = made_up(100_000)
    start = time.process_time()
    model = fit_bg_nbd(*times(people), penalty=0.05)
    model.expected_purchases(*times(people), 90)
    assert time.process_time() - start < 5


def test_equal_input_gives_equal_parameters() -> None:
    people = made_up(500)
    shuffled = people.sample(frac=1, random_state=0)
    assert fit_bg_nbd(*times(people)) == fit_bg_nbd(*times(shuffled))
