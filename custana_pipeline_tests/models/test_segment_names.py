"""Names come from what a segment is like."""

import numpy as np
import pandas as pd
import pytest

from custana_pipeline.models.segment_names import OUTSIDE, name_segments
from custana_pipeline.models.segment_profile import profile_segments
from custana_pipeline.models.segment_rules import RULES
from custana_pipeline_tests.models.customers import customers

MIDDLE = {
    "customer_count": 100, "share": 0.25, "recency_days": 50.0, "purchase_frequency": 3.0, "purchase_amount": 90.0,
    "tenure_days": 300.0, "age": 40.0, "freshness_rank": 0.5, "frequency_rank": 0.5, "amount_rank": 0.5,
    "tenure_rank": 0.5, "age_rank": 0.5, "one_time_share": 0.2, "traits": "",
}  # fmt: skip


def profile(*differences: dict[str, object]) -> pd.DataFrame:
    return pd.DataFrame([MIDDLE | {"segment_id": place} | each for place, each in enumerate(differences, start=1)])


def names(*differences: dict[str, object]) -> list[str]:
    return name_segments(profile(*differences))["segment_name"].tolist()


def rfm(freshness: float, frequency: float, money: float, once: float = 0.0, tenure: float = 0.6) -> dict[str, object]:
    ranks = {"freshness_rank": freshness, "frequency_rank": frequency, "amount_rank": money}
    return {**ranks, "one_time_share": once, "tenure_rank": tenure}


@pytest.mark.parametrize(
    ("facts", "name"),
    [
        (rfm(0.90, 0.92, 0.90), "Champions"),
        (rfm(0.60, 0.55, 0.80), "Big spenders"),
        (rfm(0.66, 0.79, 0.78), "Loyal"),
        (rfm(0.44, 0.62, 0.64), "At risk"),
        (rfm(0.80, 0.27, 0.28, once=0.6), "New"),
        (rfm(0.83, 0.40, 0.40, once=0.3, tenure=0.1), "New"),
        (rfm(0.75, 0.50, 0.50), "Promising"),
        (rfm(0.25, 0.20, 0.18, once=0.85), "One-time"),
        (rfm(0.20, 0.30, 0.30), "Lost"),
        (rfm(0.36, 0.50, 0.54), "Asleep"),
        (rfm(0.50, 0.50, 0.50), "Occasional"),
        (rfm(np.nan, 0.70, 0.75), "High value"),
        (rfm(np.nan, 0.30, 0.60), "Large baskets"),
        (rfm(np.nan, 0.70, 0.40), "Small baskets"),
        (rfm(np.nan, 0.20, 0.20), "Low value"),
        (rfm(0.90, 0.92, np.nan), "Champions"),
    ],
)
def test_a_name_follows_from_the_facts(facts: dict[str, object], name: str) -> None:
    assert names(facts) == [name]


def test_whatever_the_facts_there_is_a_name() -> None:
    random = np.random.default_rng(0)
    drawn = [rfm(*random.random(3), once=float(random.random()), tenure=float(random.random())) for _ in range(300)]
    bases = {name.split(" (")[0] for name in names(*drawn)}
    assert bases <= {rule.name for rule in RULES}


def test_the_segment_number_changes_no_name() -> None:
    segments = [rfm(0.90, 0.92, 0.90), rfm(0.44, 0.62, 0.64), rfm(0.66, 0.79, 0.78), rfm(0.70, 0.85, 0.78)]
    table = profile(*segments)
    permuted = table.assign(segment_id=[3, 1, 4, 2]).sample(frac=1.0, random_state=1)
    by_facts = dict(zip(table["frequency_rank"], name_segments(table)["segment_name"], strict=True))
    again = dict(zip(permuted["frequency_rank"], name_segments(permuted)["segment_name"], strict=True))
    assert again == by_facts


def test_two_segments_under_one_rule_are_told_apart_by_what_differs_most() -> None:
    assert names(rfm(0.60, 0.80, 0.80), rfm(0.88, 0.72, 0.69)) == ["Loyal (less recent)", "Loyal (more recent)"]


def test_three_segments_under_one_rule_are_ranked() -> None:
    told = names(rfm(0.46, 0.50, 0.50), rfm(0.59, 0.50, 0.50), rfm(0.52, 0.50, 0.50))
    assert told == [
        "Occasional (3. of 3 by recency)",
        "Occasional (1. of 3 by recency)",
        "Occasional (2. of 3 by recency)",
    ]


def test_segments_alike_in_all_but_demographics_are_told_apart_by_those() -> None:
    assert names({"traits": "female"}, {"traits": "male"}) == ["Occasional (female)", "Occasional (male)"]


def test_names_are_unique_even_for_equal_profiles() -> None:
    assert len(set(names({}, {}, {}, {}))) == 4


def test_customers_outside_every_segment_are_named_so() -> None:
    assert names({"segment_id": 0} | rfm(0.9, 0.9, 0.9)) == [OUTSIDE]


def test_without_purchases_a_segment_is_called_by_its_traits_or_age() -> None:
    nothing = rfm(np.nan, np.nan, np.nan, once=np.nan, tenure=np.nan)
    assert names(nothing | {"traits": "Berlin; female"}, nothing | {"traits": "", "age": 34.4}) == [
        "Berlin; female",
        "Around 34 years old",
    ]


def test_every_segment_is_described_and_has_an_action() -> None:
    named = name_segments(profile({"customer_count": 1234, "share": 0.24, "traits": "Berlin"} | rfm(0.9, 0.9, 0.9)))
    assert named["description"].item() == (
        "1,234 customers (24%) who buy often, spend most and were here lately. Typically: last purchase 50 days ago, "
        "3 purchase days, 90 spent, age 40, more often than others Berlin."
    )
    assert named["suggested_action"].item().startswith("Reward them")


def test_of_a_handful_of_customers_nothing_is_told_but_how_many_they_are() -> None:
    named = name_segments(profile({"customer_count": 9, "share": 0.09, "traits": "Berlin"} | rfm(0.9, 0.9, 0.9)))
    assert named["description"].item() == "9 customers (9%) who buy often, spend most and were here lately."


def test_what_fewer_than_ten_customers_share_is_no_trait() -> None:
    rows = pd.DataFrame({"location": ["Oslo"] * 9 + ["Bergen"] * 11 + ["Voss"] * 60})
    made = profile_segments(rows, np.array([1] * 20 + [2] * 60)).set_index("segment_id")
    assert made["traits"].tolist() == ["Bergen", "Voss"]
    fewer = profile_segments(rows.iloc[1:], np.array([1] * 9 + [2] * 70)).set_index("segment_id")
    assert fewer["traits"].tolist() == ["", ""]


def test_a_profile_counts_medians_and_ranks_of_each_segment() -> None:
    rows = pd.DataFrame(
        {"recency_days": [1, 2, 3, 4], "purchase_frequency": [1, 1, 2, 4], "purchase_amount": [1.0, 2, 3, 4]}
    )
    made = profile_segments(rows, np.array([1, 1, 2, 2])).set_index("segment_id")
    assert made["customer_count"].tolist() == [2, 2]
    assert made["recency_days"].tolist() == [1.5, 3.5]
    assert made["freshness_rank"].tolist() == [0.75, 0.25]
    assert made["amount_rank"].tolist() == [0.25, 0.75]
    assert made["one_time_share"].tolist() == [1.0, 0.0]
    assert made["age"].isna().all()


def test_a_trait_is_a_text_that_the_segment_has_more_often_than_all() -> None:
    rows = customers(100).assign(gender=["female"] * 50 + ["male"] * 50, location="North")
    made = profile_segments(rows, np.repeat([1, 2], 50))
    assert made["traits"].tolist() == ["female", "male"]


def test_adding_the_same_customers_again_changes_no_name() -> None:
    rows, ids = customers(200), np.arange(200) % 4 + 1
    doubled = pd.concat([rows, rows], ignore_index=True)
    once, twice = (
        name_segments(profile_segments(each, np.tile(ids, times))) for each, times in ((rows, 1), (doubled, 2))
    )
    assert once["segment_name"].tolist() == twice["segment_name"].tolist()


def named_before(before: dict[int, str], *differences: dict[str, object]) -> list[str]:
    return name_segments(profile(*differences), before)["segment_name"].tolist()


@pytest.mark.parametrize(
    ("facts", "kept"),
    [
        pytest.param(rfm(0.56, 0.61, 0.61), True, id="its rule holds"),
        pytest.param(rfm(0.52, 0.58, 0.58), True, id="just below its bounds"),
        pytest.param(rfm(0.78, 0.83, 0.83), True, id="just within a higher rule"),
        pytest.param(rfm(0.45, 0.62, 0.62), False, id="far below its bounds"),
        pytest.param(rfm(0.90, 0.90, 0.90), False, id="far within a higher rule"),
    ],
)
def test_a_segment_keeps_its_name_until_it_has_clearly_left_it(facts: dict[str, object], kept: bool) -> None:
    assert (named_before({1: "Loyal"}, facts) == ["Loyal"]) == kept


def test_names_given_once_are_given_again_by_the_same_profile() -> None:
    random = np.random.default_rng(1)
    for _ in range(40):
        drawn = [rfm(*random.random(3), once=float(random.random()), tenure=float(random.random())) for _ in range(5)]
        moved = [rfm(*random.random(3), once=float(random.random()), tenure=float(random.random())) for _ in range(5)]
        first = dict(enumerate(names(*drawn), start=1))
        second = named_before(first, *moved)
        assert len(set(second)) == 5
        assert named_before(dict(enumerate(second, start=1)), *moved) == second


def test_two_of_one_rule_stay_told_apart_by_what_told_them_apart_before() -> None:
    before = {1: "Loyal (less recent)", 2: "Loyal (more recent)"}
    closer = (rfm(0.66, 0.90, 0.74), rfm(0.70, 0.66, 0.72))
    assert names(*closer) == ["Loyal (more often)", "Loyal (less often)"]
    assert named_before(before, *closer) == list(before.values())
    turned = (rfm(0.80, 0.74, 0.74), rfm(0.60, 0.66, 0.72))
    assert named_before(before, *turned) == ["Loyal (more recent)", "Loyal (less recent)"]


def test_a_third_of_one_rule_tells_all_three_apart_anew() -> None:
    before = {1: "Loyal (less recent)", 2: "Loyal (more recent)"}
    told = named_before(before, rfm(0.60, 0.80, 0.80), rfm(0.88, 0.72, 0.69), rfm(0.70, 0.7, 0.7))
    assert told == ["Loyal (3. of 3 by recency)", "Loyal (1. of 3 by recency)", "Loyal (2. of 3 by recency)"]


def test_the_name_follows_the_segment_whatever_its_number() -> None:
    facts = [rfm(0.52, 0.58, 0.58), rfm(0.90, 0.92, 0.90)]
    assert named_before({1: "Loyal", 2: "Champions"}, *facts) == ["Loyal", "Champions"]
    assert named_before({2: "Loyal", 1: "Champions"}, *facts[::-1]) == ["Champions", "Loyal"]
