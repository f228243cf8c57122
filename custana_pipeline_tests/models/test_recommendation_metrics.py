"""Lists scored by what was bought: figures worked out by hand."""

import numpy as np
import pandas as pd
import pytest

from custana_pipeline.models.recommendation_metrics import interval, list_metrics, score_list


def ranked(**products: str) -> pd.DataFrame:
    """A list a customer: the letters are products, best first."""
    rows = [(who, rank, letter) for who, letters in products.items() for rank, letter in enumerate(letters, start=1)]
    return pd.DataFrame(rows, columns=["customer_id", "rank", "product_id"])


def bought(**products: str) -> pd.DataFrame:
    """What each customer bought, a letter a product."""
    rows = [(who, letter) for who, letters in products.items() for letter in letters]
    return pd.DataFrame(rows, columns=["customer_id", "product_id"])


def test_recall_is_over_all_that_was_bought_and_ndcg_over_a_perfect_list() -> None:
    (row,) = score_list(ranked(anna="abc"), bought(anna="bxyz")).to_dict("records")
    assert (row["relevant"], row["hits"], row["recall_10"]) == (4, 1, 0.25)
    perfect = sum(1 / np.log2(1 + rank) for rank in (1, 2, 3, 4))
    assert row["ndcg_10"] == pytest.approx((1 / np.log2(3)) / perfect)


def test_a_customer_who_bought_more_than_ten_can_still_have_a_perfect_order() -> None:
    (row,) = score_list(ranked(anna="abcdefghij"), bought(anna="abcdefghijklmnopqrst")).to_dict("records")
    assert (row["recall_10"], row["ndcg_10"]) == (0.5, pytest.approx(1.0))


def test_the_eleventh_place_does_not_count() -> None:
    assert score_list(ranked(anna="abcdefghijk"), bought(anna="k"))["recall_10"].tolist() == [0.0]


def test_a_buyer_without_a_list_scores_zero_and_a_list_without_purchases_is_not_judged() -> None:
    scores = score_list(ranked(bert="a"), bought(anna="a"))
    assert scores[["customer_id", "recall_10", "ndcg_10"]].to_numpy().tolist() == [["anna", 0.0, 0.0]]


def test_coverage_and_novelty_look_at_the_judged_lists_only() -> None:
    metrics = list_metrics(ranked(anna="ab", bert="cd"), bought(anna="a"), {"a": 2, "b": 1, "c": 1, "d": 4})
    assert metrics["coverage"] == 0.5
    assert metrics["novelty"] == pytest.approx((2 + 3) / 2)
    assert metrics["users"] == 1
    assert metrics["recall_10_lower"] == metrics["recall_10"] == metrics["recall_10_upper"] == 1


def test_without_buyers_there_is_nothing_to_tell_but_that() -> None:
    assert list_metrics(ranked(anna="a"), bought(), {"a": 1}) == {"users": 0.0}


def test_the_interval_holds_the_mean_and_is_the_same_every_time() -> None:
    values = np.arange(100.0)
    told = interval(values)
    assert told.lower < told.mean == 49.5 < told.upper
    assert told == interval(values)
