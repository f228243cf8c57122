"""The scores of `make bench-quality` against libraries and small cases by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn import metrics

from bench.quality import ranking, scores
from bench.quality.scores import weights_of

ONCE = np.ones((1, 200), dtype="float32")


@pytest.fixture
def seen() -> tuple[np.ndarray, np.ndarray]:
    """Actual and foreseen orders of 200 customers, with ties."""
    random = np.random.default_rng(0)
    rate = random.gamma(0.7, 2.0, 200)
    return random.poisson(rate).astype("float64"), rate.round(1)


def test_the_scores_of_demand_are_those_of_the_libraries(seen: tuple[np.ndarray, np.ndarray]) -> None:
    actual, foreseen = seen
    assert scores.rmse(ONCE, *seen).value == pytest.approx(metrics.root_mean_squared_error(actual, foreseen))
    assert scores.mae(ONCE, *seen).value == pytest.approx(metrics.mean_absolute_error(actual, foreseen))
    assert scores.r2(ONCE, *seen).value == pytest.approx(metrics.r2_score(actual, foreseen))
    assert scores.spearman(ONCE, *seen).value == pytest.approx(stats.spearmanr(actual, foreseen).statistic)
    assert scores.pearson(ONCE, *seen).value == pytest.approx(np.corrcoef(actual, foreseen)[0, 1])
    assert scores.total(ONCE, *seen).value == pytest.approx(foreseen.sum() / actual.sum())


def test_the_scores_of_behavior_are_those_of_the_libraries(seen: tuple[np.ndarray, np.ndarray]) -> None:
    bought, probability = (seen[0] > 0).astype("float64"), (seen[1] / 20).clip(0.01, 0.99)
    assert scores.auc(ONCE, bought, probability).value == pytest.approx(metrics.roc_auc_score(bought, probability))
    assert scores.log_loss(ONCE, bought, probability).value == pytest.approx(metrics.log_loss(bought, probability))


def test_a_draw_weighs_a_customer_by_how_often_they_were_drawn(seen: tuple[np.ndarray, np.ndarray]) -> None:
    weights = weights_of(200, draws=3)
    bought = (seen[0] > 0).astype("float64")
    drawn = np.repeat(np.arange(200), weights[2].astype("int64"))
    assert weights.sum(axis=1).tolist() == [200, 200, 200, 200]
    again = metrics.roc_auc_score(bought[drawn], seen[1][drawn])
    assert scores.auc(weights, bought, seen[1]).draws[1] == pytest.approx(again)


def test_a_sure_and_wrong_probability_has_a_finite_price() -> None:
    assert np.isfinite(scores.log_loss(np.ones((1, 2)), np.array([1.0, 0.0]), np.array([0.0, 0.0])).value)


def test_calibration_counts_the_gap_of_each_bin() -> None:
    bought, probability = np.array([1.0, 0, 0, 0]), np.array([0.25, 0.25, 0.25, 0.65])
    assert scores.ece(np.ones((1, 4)), bought, probability).value == pytest.approx((0.25 + 0.65) / 4)


def test_the_lift_shares_the_edge_of_the_top_tenth_among_equals() -> None:
    actual, foreseen = np.r_[10.0, np.zeros(19)], np.r_[5.0, 1.0, 1.0, np.zeros(17)]
    assert scores.lift_top_decile(np.ones((1, 20)), actual, foreseen).value == pytest.approx(10)


def test_a_ratio_is_paired_draw_by_draw(seen: tuple[np.ndarray, np.ndarray]) -> None:
    weights = weights_of(200)
    one = scores.rmse(weights, *seen)
    same = one.over(one)
    assert same.told == [1, 1, 1]


def test_the_mean_of_windows_is_surer_than_one_window() -> None:
    assert scores.mean_figure([[1.0, 0.8, 1.2]] * 4) == pytest.approx([1.0, 0.9, 1.1])
    assert scores.mean_figure([[0.5, 0.4, 0.6], [2.0, 1.9, 2.1]], geometric=True)[0] == pytest.approx(1)


def test_recall_and_ndcg_of_a_list_by_hand() -> None:
    bought = pd.DataFrame({"customer_id": ["a", "a", "b"], "product_id": ["1", "2", "3"]})
    listed = pd.DataFrame({"customer_id": ["a", "a", "c"], "rank": [1, 2, 1], "product_id": ["9", "2", "3"]})
    judged = ranking.judged(listed, bought, np.ones((1, 2)))
    assert judged["recall"].value == pytest.approx(0.5 / 2)
    assert judged["ndcg"].value == pytest.approx((1 / np.log2(3)) / (1 + 1 / np.log2(3)) / 2)


def test_the_eleventh_place_of_a_list_is_not_seen() -> None:
    bought = pd.DataFrame({"customer_id": ["a"], "product_id": ["10"]})
    listed = pd.DataFrame({"customer_id": "a", "rank": range(1, 12), "product_id": [str(each) for each in range(11)]})
    assert ranking.judged(listed, bought, np.ones((1, 1)))["recall"].value == 0


def test_ranked_products_leave_out_what_is_forbidden_or_without_a_score() -> None:
    values = np.array([[0.0, 3.0, 2.0]])
    assert ranking.best(values).tolist() == [[1, 2, -1]]
    assert ranking.best(values, np.array([[False, True, False]])).tolist() == [[2, -1, -1]]
