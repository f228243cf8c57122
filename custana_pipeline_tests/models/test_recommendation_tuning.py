"""Which parameters serve: tried on past windows of a small shop with a habit."""

import numpy as np
import pandas as pd
import pytest

from custana_pipeline.models.recommendation_history import History, Sales
from custana_pipeline.models.recommendation_tuning import (
    DEFAULT,
    DEFAULTS,
    LISTS,
    NAIVE,
    choose,
    tune_recommendations,
    variants_of,
)
from custana_pipeline.models.recommendation_windows import Everybody

AS_OF = 20_000
NO_EVENTS = pd.DataFrame({name: np.zeros(0) for name in ("customer", "product", "day", "is_cart")})


def lines(*rows: tuple[int, int, int, int]) -> pd.DataFrame:
    """(customer, product, days before as_of, net quantity); a quantity of 0 or less is a return."""
    frame = pd.DataFrame(rows, columns=["customer", "product", "days_ago", "net_quantity"])
    return frame.assign(day=AS_OF - frame["days_ago"], is_purchase=frame["net_quantity"] > 0)


def habit_shop(customers: int = 120) -> pd.DataFrame:
    """Everybody buys two products of their own every ten days for half a year, and now and then another one."""
    rng = np.random.default_rng(3)
    rows = set()
    for customer in range(customers):
        for days_ago in range(1 + customer % 10, 180, 10):
            rows |= {(customer, product, days_ago, 1) for product in (customer % 20, (customer * 7 + 3) % 20)}
            rows.add((customer, int(rng.integers(20, 60)), days_ago, 1))
    return lines(*sorted(rows))


def tasteful_shop(customers: int = 600) -> pd.DataFrame:
    """Nobody has habits: each buys any of the forty products of one of three tastes, one every twelve days."""
    rng = np.random.default_rng(4)
    rows = {
        (customer, customer % 3 * 40 + int(rng.integers(40)), days_ago, 1)
        for customer in range(customers)
        for days_ago in range(1 + customer % 12, 200, 12)
    }
    return lines(*sorted(rows))


def metric(tuning, target: str, name: str, metric: str) -> float:
    (found,) = [each.metrics[metric] for each in tuning.trials if (each.target, each.name) == (target, name)]
    return found


def test_a_shop_with_habits_beats_popularity_and_says_so() -> None:
    tuning = tune_recommendations(History.of(habit_shop()), NO_EVENTS, (AS_OF, 90))
    assert tuning.state == "TRAINED"
    assert metric(tuning, "buy_again", "tuned", "recall_10") > 2 * metric(
        tuning, "buy_again", "popularity", "recall_10"
    )
    assert tuning.row_counts == {"window_1": 120, "window_2": 120, "window_3": 120}
    for target in LISTS:
        names = {each.name for each in tuning.trials if each.target == target}
        assert names >= {DEFAULT, "tuned", "popularity", "item_cosine", "item_bm25"}


def test_a_shop_of_tastes_is_served_by_what_is_bought_by_the_same_customers() -> None:
    tuning = tune_recommendations(History.of(tasteful_shop()), NO_EVENTS, (AS_OF, 90))
    for target in LISTS:
        assert tuning.choices[target].parameters.taste_weight > 0
        assert tuning.choices[target].beats_naive
    assert metric(tuning, "discover", "tuned", "ndcg_10") > 1.5 * metric(tuning, "discover", DEFAULT, "ndcg_10")


def test_a_shop_of_habits_has_no_use_for_tastes() -> None:
    tuning = tune_recommendations(History.of(habit_shop()), NO_EVENTS, (AS_OF, 90))
    assert tuning.choices["buy_again"].parameters.taste_weight == 0


def test_lines_of_a_day_are_one_entry_in_whatever_order_they_come() -> None:
    history = History.of(lines((1, 7, 3, 2), (0, 7, 9, 1), (1, 7, 3, -2), (1, 7, 3, 5), (1, 2, 1, -1)))
    columns = (history.customer, history.product, AS_OF - history.day, history.net_quantity, history.is_purchase)
    assert list(zip(*columns, strict=True)) == [(0, 7, 9, 1, True), (1, 2, 1, -1, False), (1, 7, 3, 5, True)]


def test_nothing_at_or_after_the_day_moves_a_choice() -> None:
    known = habit_shop()
    future = lines(*((customer, 59, -1 * (customer % 9), 5) for customer in range(120)))
    told = tune_recommendations(History.of(known), NO_EVENTS, (AS_OF, 90))
    assert told == tune_recommendations(History.of(pd.concat([known, future])), NO_EVENTS, (AS_OF, 90))


def test_sales_and_baskets_of_everybody_may_come_apart_from_the_history_of_some() -> None:
    history = History.of(habit_shop())
    everybody = Everybody(Sales.of(history), history)
    apart = tune_recommendations(history, NO_EVENTS, (AS_OF, 90), everybody)
    whole = tune_recommendations(history, NO_EVENTS, (AS_OF, 90))
    assert apart.row_counts == whole.row_counts
    for name in (DEFAULT, "popularity", "personal_frequency_filled"):
        assert metric(apart, "buy_again", name, "recall_10") == metric(whole, "buy_again", name, "recall_10")
    # what is bought together is then told by what was known when the oldest window began
    found, known_later = (metric(each, "discover", DEFAULT, "ndcg_10") for each in (apart, whole))
    assert found == pytest.approx(known_later, rel=0.4)


def test_the_order_of_the_rows_does_not_matter() -> None:
    known = habit_shop()
    shuffled = known.sample(frac=1, random_state=1)
    assert tune_recommendations(History.of(known), NO_EVENTS, (AS_OF, 90)) == tune_recommendations(
        History.of(shuffled), NO_EVENTS, (AS_OF, 90)
    )


@pytest.mark.parametrize("customers", [0, 1, 2, 10, 49])
def test_too_few_customers_keep_the_defaults_with_the_reason(customers: int) -> None:
    tuning = tune_recommendations(History.of(habit_shop(customers)), NO_EVENTS, (AS_OF, 90))
    assert tuning.state == "NOT_TRAINABLE"
    assert tuning.reason
    assert {target: choice.parameters for target, choice in tuning.choices.items()} == DEFAULTS


def test_a_source_without_products_says_that_it_has_none() -> None:
    assert "name no products" in tune_recommendations(History.of(lines()), NO_EVENTS, (AS_OF, 90)).reason


def test_a_shop_with_one_product_has_nothing_to_discover_and_still_gets_a_choice() -> None:
    rows = [(customer, 0, days_ago, 1) for customer in range(60) for days_ago in (5, 35, 65, 95)]
    tuning = tune_recommendations(History.of(lines(*rows)), NO_EVENTS, (AS_OF, 90))
    assert tuning.choices["discover"].parameters == DEFAULTS["discover"]
    assert metric(tuning, "buy_again", DEFAULT, "recall_10") == 1


def test_customers_with_nothing_but_returns_are_neither_known_nor_judged() -> None:
    returns = lines(*((customer, 1, days_ago, -1) for customer in range(200, 260) for days_ago in (5, 50)))
    tuning = tune_recommendations(History.of(pd.concat([habit_shop(), returns])), NO_EVENTS, (AS_OF, 90))
    assert tuning.row_counts["window_1"] == 120


def scores_of(gain: float, spread: float, naive: float = 0.1) -> pd.DataFrame:
    """600 customers for whom one variant is `gain` better than the default in the mean."""
    rng = np.random.default_rng(5)
    base = pd.DataFrame({name: np.full(600, 0.2) for name in variants_of("buy_again")})
    challenger = list(base.columns)[5]
    base[challenger] += gain + spread * rng.standard_normal(600)
    rules = (*NAIVE["buy_again"], "personal_frequency")
    return base.assign(**dict.fromkeys(rules, naive))


def test_a_variant_that_is_clearly_better_serves() -> None:
    scores = scores_of(gain=0.02, spread=0.05)
    assert choose("buy_again", [scores]).variant == list(variants_of("buy_again"))[5]


def test_a_gain_that_may_be_chance_or_is_tiny_leaves_the_default() -> None:
    assert choose("buy_again", [scores_of(gain=0.01, spread=0.5)]).variant == DEFAULT
    assert choose("buy_again", [scores_of(gain=0.0015, spread=0.0)]).variant == DEFAULT


def test_where_nothing_beats_the_naive_rule_the_rule_serves_and_it_is_said() -> None:
    choice = choose("buy_again", [scores_of(gain=0.0, spread=0.0, naive=0.3)])
    assert not choice.beats_naive
    assert choice.variant == "popularity"
    assert choice.parameters.evidence_weight == 0
    assert "no variant beats the naive rules (recall_10 of default 0.2000, best naive rule popularity" in choice.reason
    assert choice.figures["choice"] == choice.figures["best_naive"] > choice.figures[DEFAULT]


def test_a_default_that_loses_to_the_naive_rule_gives_way_to_a_variant_that_does_not() -> None:
    choice = choose("buy_again", [scores_of(gain=0.0019, spread=0.0, naive=0.201)])
    assert choice.beats_naive
    assert choice.variant == list(variants_of("buy_again"))[5]
