"""The audience, its tenths and its control group."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from custana_pipeline.applications.contracts import RecommendedCustomers
from custana_pipeline.applications.recommended_customers import AudienceSettings, recommended_customers, score_deciles
from custana_pipeline.models.audience_value import AudienceValue

DAY = dt.date(2024, 7, 1)


def _scores(values: list[float]) -> pd.DataFrame:
    names = [f"c{number:05d}" for number in range(len(values))]
    return pd.DataFrame({"customer_id": names, "p_buy": values, "reasons": "bought lately"})


def test_a_tenth_holds_a_tenth_of_the_customers() -> None:
    listed = recommended_customers(_scores([number / 200 for number in range(200)]), "m1", DAY)
    assert listed["score_decile"].value_counts().to_dict() == dict.fromkeys(range(1, 11), 20)
    assert listed.loc[listed["p_buy"].idxmax(), "score_decile"] == 1


def test_equal_scores_share_tenth_and_audience() -> None:
    listed = recommended_customers(_scores([0.9] * 7 + [0.2] * 93), "m1", DAY)
    assert set(listed.groupby("p_buy")["score_decile"].nunique()) == {1}
    assert set(listed.groupby("p_buy")["is_recommended"].nunique()) == {1}


def test_one_score_for_all_recommends_nobody_rather_than_a_chance_choice() -> None:
    assert not recommended_customers(_scores([0.4] * 50), "m1", DAY)["is_recommended"].any()


def test_scores_that_differ_in_the_ninth_digit_are_equal() -> None:
    listed = recommended_customers(_scores([0.5, 0.5 + 1e-9, 0.1, 0.2]), "m1", DAY)
    assert listed["score_decile"].iloc[0] == listed["score_decile"].iloc[1]


def test_the_audience_is_the_share_asked_for() -> None:
    listed = recommended_customers(
        _scores([n / 100 for n in range(100)]), "m1", DAY, AudienceSettings(audience_share=0.25)
    )
    assert listed["is_recommended"].sum() == 25
    assert listed.loc[listed["is_recommended"], "p_buy"].min() > listed.loc[~listed["is_recommended"], "p_buy"].max()


def test_a_least_probability_draws_the_audience_instead() -> None:
    listed = recommended_customers(_scores([0.1, 0.5, 0.6]), "m1", DAY, AudienceSettings(minimum_p_buy=0.5))
    assert listed["is_recommended"].tolist() == [False, True, True]


def test_the_control_group_is_part_of_the_audience_and_of_the_share_asked_for() -> None:
    listed = recommended_customers(
        _scores([n / 20000 for n in range(20000)]), "m1", DAY, AudienceSettings(control_share=0.1)
    )
    assert not (listed["is_control"] & ~listed["is_recommended"]).any()
    assert listed["is_control"].sum() / listed["is_recommended"].sum() == pytest.approx(0.1, abs=0.01)


def test_the_control_group_is_the_same_whoever_else_is_on_the_list() -> None:
    some, more = _scores([0.9] * 300), _scores([0.9] * 600)
    settings = AudienceSettings(minimum_p_buy=0.5, control_share=0.3)
    one = recommended_customers(some.sample(frac=1, random_state=1), "m1", DAY, settings)
    other = recommended_customers(more, "m1", DAY, settings).iloc[:300]
    assert one["is_control"].tolist() == other["is_control"].tolist()


def test_another_day_draws_another_control_group() -> None:
    settings = AudienceSettings(minimum_p_buy=0.5, control_share=0.5)
    one, other = (
        recommended_customers(_scores([0.9] * 100), "m1", day, settings) for day in (DAY, dt.date(2024, 7, 2))
    )
    assert one["is_control"].tolist() != other["is_control"].tolist()


def test_the_list_keeps_its_contract() -> None:
    listed = recommended_customers(_scores([0.1, 0.9, 1.0]), "m1", DAY)
    assert len(RecommendedCustomers.validate(listed)) == 3


def test_tenths_of_nobody_are_empty() -> None:
    assert score_deciles(np.array([])).tolist() == []


def test_a_contact_cost_makes_the_audience_that_of_the_highest_profit() -> None:
    scores = _scores([0.9, 0.6, 0.6, 0.3]).assign(expected_amount=[100.0, 50.0, 50.0, 5.0])
    value = AudienceValue(contact_cost=1.0, margin_share=0.5, contact_effect=0.1)
    listed = recommended_customers(scores, "m1", DAY, AudienceSettings(value=value))
    assert listed["is_recommended"].tolist() == [True, True, True, False]


def test_a_contact_cost_that_nobody_is_worth_makes_an_empty_audience() -> None:
    scores = _scores([0.9, 0.6]).assign(expected_amount=[10.0, 5.0])
    listed = recommended_customers(scores, "m1", DAY, AudienceSettings(value=AudienceValue(contact_cost=50.0)))
    assert not listed["is_recommended"].any()


def test_without_a_cost_or_without_amounts_the_share_decides() -> None:
    scores = _scores([n / 100 for n in range(100)])
    for settings, amount in ((AudienceSettings(), 9.0), (AudienceSettings(value=AudienceValue(1.0)), float("nan"))):
        listed = recommended_customers(scores.assign(expected_amount=amount), "m1", DAY, settings)
        assert listed["is_recommended"].sum() == 30
