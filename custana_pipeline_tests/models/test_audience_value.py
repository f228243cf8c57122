"""The size of an audience comes from margin and cost."""

import numpy as np
import pandas as pd
import pytest

from custana_pipeline.errors import ContractBroken
from custana_pipeline.models.audience_value import AudienceValue, audience_curve, best_audience, realised_curve

SCORES = pd.DataFrame({"p_buy": [0.9, 0.1, 0.5, 0.5], "expected_amount": [100.0, 1.0, 20.0, 40.0]})
VALUE = AudienceValue(contact_cost=2.0, margin_share=0.5, contact_effect=0.2)


def test_the_curve_adds_up_buyers_revenue_and_profit_with_ties_together() -> None:
    curve = audience_curve(SCORES, VALUE)
    assert curve["customers"].tolist() == [0, 1, 3, 4]
    assert curve["threshold"].tolist() == [np.inf, 0.9, 0.5, 0.1]
    assert curve["expected_buyers"].tolist() == pytest.approx([0, 0.9, 1.9, 2.0])
    assert curve["expected_revenue"].tolist() == [0, 100, 160, 161]
    assert curve["expected_profit"].tolist() == pytest.approx([0, 10 - 2, 16 - 6, 16.1 - 8])


def test_the_best_audience_has_the_highest_profit() -> None:
    best = best_audience(audience_curve(SCORES, VALUE))
    assert (best["customers"], best["threshold"]) == (3, 0.5)


def test_where_every_contact_costs_more_than_it_brings_nobody_is_the_best_audience() -> None:
    best = best_audience(audience_curve(SCORES, AudienceValue(contact_cost=1000.0)))
    assert best["customers"] == 0


def test_contacts_that_cost_nothing_make_everybody_the_audience() -> None:
    assert best_audience(audience_curve(SCORES, AudienceValue(contact_cost=0.0)))["customers"] == 4


def test_without_a_cost_there_is_revenue_and_no_optimum() -> None:
    curve = audience_curve(SCORES, AudienceValue())
    assert curve["expected_revenue"].iloc[-1] == 161
    assert curve["expected_profit"].isna().all()
    assert best_audience(curve) is None


def test_without_amounts_there_are_buyers_and_no_optimum() -> None:
    curve = audience_curve(SCORES.assign(expected_amount=np.nan), VALUE)
    assert curve["expected_buyers"].iloc[-1] == pytest.approx(2.0)
    assert best_audience(curve) is None


def test_realised_profit_stands_beside_what_was_expected() -> None:
    holdout = SCORES.assign(bought=[1, 0, 0, 1], amount=[50.0, 0.0, 0.0, 80.0])
    curve = realised_curve(holdout, VALUE)
    assert curve["realised_buyers"].tolist() == [0, 1, 2, 2]
    assert curve["realised_profit"].tolist() == pytest.approx([0, 5 - 2, 13 - 6, 13 - 8])


@pytest.mark.parametrize("count", [0, 1, 2, 10, 49])
def test_few_customers_give_a_short_curve(count: int) -> None:
    scores = pd.DataFrame({"p_buy": np.linspace(1, 0, count), "expected_amount": np.full(count, 9.0)})
    curve = audience_curve(scores, VALUE)
    assert len(curve) == count + 1
    assert curve["customers"].iloc[-1] == count


@pytest.mark.parametrize(
    "faulty", [SCORES.assign(p_buy=1.2), SCORES.assign(p_buy=np.nan), SCORES.assign(expected_amount=np.inf)]
)
def test_scores_that_cannot_be_are_refused(faulty: pd.DataFrame) -> None:
    with pytest.raises(ContractBroken, match="no probability"):
        audience_curve(faulty, VALUE)


def test_an_outcome_that_is_missing_is_refused() -> None:
    with pytest.raises(ContractBroken, match="outcome"):
        realised_curve(SCORES.assign(bought=[1, 0, 0, 1], amount=[1.0, np.nan, 0.0, 0.0]), VALUE)


def test_the_caveat_says_what_is_assumed() -> None:
    assert "20% of it" in VALUE.caveat
    assert "50% of revenue" in VALUE.caveat
