"""What the report tells of an audience's worth."""

import pandas as pd
import pytest

from custana_pipeline.applications.report_audience import audience_facts, holdout_of
from custana_pipeline.models.audience_value import AudienceValue

RECOMMENDED = pd.DataFrame(
    {"customer_id": ["a", "b", "c", "d"], "p_buy": [0.9, 0.6, 0.3, 0.1], "is_recommended": [True, True, False, False]}
)
FORECAST = pd.DataFrame({"customer_id": ["d", "c", "b", "a"], "expected_amount": [1.0, 2.0, 40.0, 100.0]})
HOLDOUTS = pd.DataFrame(
    {
        "target": ["is_recommended"] * 2 + ["future_amount"] * 2,
        "customer_id": ["x", "y", "y", "x"],
        "actual": [1.0, 0.0, 0.0, 70.0],
        "predicted": [0.8, 0.2, 5.0, 90.0],
    }
)


def test_the_holdouts_of_both_targets_are_matched_by_customer() -> None:
    matched = holdout_of(HOLDOUTS)
    assert matched is not None
    assert matched.loc["x"].tolist() == [0.8, 90.0, 1.0, 70.0]
    assert holdout_of(HOLDOUTS.drop(columns="customer_id")) is None
    assert holdout_of(HOLDOUTS.head(2)) is None


def test_without_a_cost_revenue_is_told_and_what_the_holdout_brought() -> None:
    facts = audience_facts(RECOMMENDED, FORECAST, AudienceValue(), holdout_of(HOLDOUTS))
    assert facts is not None
    assert (facts.kind, facts.chosen, facts.is_best) == ("revenue", (0.5, 140.0), False)
    assert facts.tested == (90.0, 70.0)
    assert facts.points[-1] == (1.0, 143.0)


def test_with_a_cost_the_best_audience_is_told_as_such() -> None:
    value = AudienceValue(contact_cost=1.0, margin_share=0.5, contact_effect=0.1)
    facts = audience_facts(RECOMMENDED, FORECAST, value, None)
    assert facts is not None
    assert (facts.kind, facts.is_best, facts.tested) == ("profit", True, None)
    assert facts.chosen == pytest.approx((0.5, 5.0))


def test_without_amounts_or_customers_there_is_nothing_to_tell() -> None:
    no_money = FORECAST.assign(expected_amount=float("nan"))
    assert audience_facts(RECOMMENDED, no_money, AudienceValue(), None) is None
    assert audience_facts(RECOMMENDED.head(0), FORECAST.head(0), AudienceValue(), None) is None
