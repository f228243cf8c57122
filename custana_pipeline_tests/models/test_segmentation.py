"""Segments: what makes them, what they must keep to, and what happens where there are none."""

import numpy as np
import pandas as pd
import pytest

from custana_pipeline.errors import ContractBroken
from custana_pipeline.models.segment_candidates import BASELINE, chosen_count, serving
from custana_pipeline.models.segment_ground import SegmentationSettings
from custana_pipeline.models.segment_space import segment_space, space_columns
from custana_pipeline.models.segmentation import train_segmentation
from custana_pipeline.models.training import Training
from custana_pipeline_tests.models.customers import customers

FAST = SegmentationSettings(cluster_counts=(3, 4, 5), stability_refits=2)


@pytest.fixture(scope="module")
def trained() -> Training:
    return train_segmentation(customers(), customers(seed=1), FAST)


def segments_of(training: Training, rows: pd.DataFrame) -> list[int]:
    return training.champions["segment"].estimator.predict(rows).tolist()


def test_kmeans_serves_beside_dbscan_and_the_naive_quantiles(trained: Training) -> None:
    assert trained.state == "TRAINED"
    assert [(each.name, each.role) for each in trained.evaluated] == [
        ("kmeans", "candidate"), ("dbscan", "candidate"), ("rfm_quantiles", "baseline"),
    ]  # fmt: skip
    assert trained.champions["segment"].name == "kmeans"
    assert trained.champions["segment"].beats_naive


def test_a_serving_segmentation_keeps_the_smallest_share(trained: Training) -> None:
    ids = np.array(segments_of(trained, customers()))
    assert np.unique(ids, return_counts=True)[1].min() / len(ids) >= FAST.smallest_share
    assert trained.champions["segment"].metrics["smallest_share"] >= FAST.smallest_share


def test_every_measure_of_a_segmentation_is_in_its_metrics(trained: Training) -> None:
    assert set(trained.evaluated[0].metrics) == {
        "silhouette", "davies_bouldin", "calinski_harabasz", "smallest_share", "largest_share", "noise_share",
        "cluster_count", "stability", "eta2_log_spend", "eta2_spend",
    }  # fmt: skip


def test_training_twice_gives_the_same_segments(trained: Training) -> None:
    again = train_segmentation(customers(), customers(seed=1), FAST)
    assert segments_of(again, customers()) == segments_of(trained, customers())
    assert again.champions["segment"].metrics == trained.champions["segment"].metrics


def test_the_order_of_rows_and_columns_changes_no_segment(trained: Training) -> None:
    rows = customers()
    shuffled = rows.sample(frac=1.0, random_state=3)
    again = train_segmentation(shuffled[shuffled.columns[::-1]], None, FAST)
    assert segments_of(again, rows) == segments_of(trained, rows)


def test_equal_customers_are_in_the_same_segment(trained: Training) -> None:
    rows = customers()
    twins = pd.concat([rows, rows.assign(customer_id=rows["customer_id"] + "-twin")])
    ids = segments_of(trained, twins)
    assert ids[: len(rows)] == ids[len(rows) :]


def test_what_happens_after_as_of_changes_no_segment(trained: Training) -> None:
    altered = customers().assign(future_amount=12345.0)
    assert segments_of(train_segmentation(altered, None, FAST), altered) == segments_of(trained, customers())


def test_segment_one_spends_most(trained: Training) -> None:
    rows = customers()
    spent = np.log1p(rows["purchase_amount"]).groupby(segments_of(trained, rows)).mean()
    assert spent.index[0] == 1
    assert spent.is_monotonic_decreasing


def test_recency_frequency_and_money_lead_over_demographics(trained: Training) -> None:
    rows = customers()
    moved = rows.assign(gender="male", location="North", age=40)
    same = np.mean(np.array(segments_of(trained, rows)) == np.array(segments_of(trained, moved)))
    assert same > 0.95


def test_an_unseen_category_and_a_missing_age_are_no_obstacle(trained: Training) -> None:
    unseen = customers().assign(location="Atlantis", age=np.nan)
    assert set(segments_of(trained, unseen)) <= set(segments_of(trained, customers()))


def test_a_frame_without_a_needed_column_is_refused_by_name(trained: Training) -> None:
    with pytest.raises(ContractBroken, match="recency_days"):
        segments_of(trained, customers().drop(columns="recency_days"))


def test_a_shop_without_money_is_segmented_by_recency_and_frequency() -> None:
    poor = customers().assign(purchase_amount=None)
    training = train_segmentation(poor, None, FAST)
    assert training.is_trained
    assert training.dropped_columns["purchase_amount"] == "no value at all"


def test_demographics_alone_are_encoded_and_segmented() -> None:
    rows = customers()[["customer_id", "age", "gender", "location"]]
    training = train_segmentation(rows, None, FAST)
    assert training.is_trained
    assert set(training.champions["segment"].columns) == {"age", "gender", "location"}


def test_further_columns_describe_segments_and_do_not_make_them(trained: Training) -> None:
    assert "tenure_days" not in trained.champions["segment"].columns
    assert "mix_share" in trained.dropped_columns["tenure_days"]


@pytest.mark.parametrize("count", [0, 1, 2, 10, 49])
def test_fewer_than_fifty_customers_are_not_trainable(count: int) -> None:
    training = train_segmentation(customers(240).head(count), None, FAST)
    assert training.state == "NOT_TRAINABLE"
    assert training.reason.startswith(f"{count} customers")
    assert training.evaluated == ()


def test_identical_customers_are_not_trainable() -> None:
    rows = pd.concat([customers(1)] * 60, ignore_index=True)
    training = train_segmentation(rows, None, FAST)
    assert training.state == "NOT_TRAINABLE"
    assert "same" in training.reason


def test_two_kinds_of_row_are_too_few_for_three_segments() -> None:
    rows = pd.concat([customers(2)] * 60, ignore_index=True).drop(columns=["age", "gender", "location"])
    training = train_segmentation(rows, None, FAST)
    assert training.state == "NOT_TRAINABLE"
    assert "different rows" in training.reason


def test_a_few_giants_do_not_become_a_segment() -> None:
    rows = customers()
    rows.loc[:2, "purchase_amount"] = 1e9
    training = train_segmentation(rows, None, FAST)
    assert training.champions["segment"].metrics["smallest_share"] >= FAST.smallest_share


def test_only_the_number_of_clusters_that_may_stay_is_refitted_to_see_whether_it_is_stable() -> None:
    training = train_segmentation(customers(), None, SegmentationSettings(stability_refits=1))
    told = next(each for each in training.evaluated if each.name == "kmeans").parameters
    assert len(told["silhouette_by_count"].split(", ")) == 4
    assert told["stability_by_count"].startswith("5: ")
    assert len(told["stability_by_count"].split(", ")) == 1


def trial(silhouette: float, smallest_share: float = 0.1, stability: float = 0.95) -> dict[str, float]:
    return {"silhouette": silhouette, "smallest_share": smallest_share, "stability": stability}


@pytest.mark.parametrize(
    ("trials", "chosen"),
    [
        pytest.param({3: trial(0.40), 4: trial(0.38), 5: trial(0.35)}, 5, id="the finest within the tolerance"),
        pytest.param({3: trial(0.40), 4: trial(0.38), 5: trial(0.20)}, 4, id="a poor silhouette rules out"),
        pytest.param({3: trial(0.40), 4: trial(0.99, smallest_share=0.01)}, 3, id="a small segment rules out"),
        pytest.param({3: trial(0.40), 4: trial(0.39, stability=0.5)}, 3, id="unstable refits rule out"),
        pytest.param(
            {3: trial(0.30, stability=0.5), 4: trial(0.39, stability=0.6)}, 4, id="none stable: the most stable"
        ),
        pytest.param({3: trial(0.4, 0.01), 4: trial(0.5, 0.02)}, 3, id="none admissible: the fewest"),
    ],
)
def test_the_number_of_segments_follows_the_published_rule(trials: dict[int, dict[str, float]], chosen: int) -> None:
    assert chosen_count(trials, SegmentationSettings()) == chosen


def test_a_number_of_segments_that_still_suits_is_kept() -> None:
    trials = {3: trial(0.40), 4: trial(0.38), 5: trial(0.35), 6: trial(0.20)}
    assert chosen_count(trials, SegmentationSettings(), 4) == 4
    assert chosen_count(trials, SegmentationSettings(), 6) == 5
    assert chosen_count(trials, SegmentationSettings(), 8) == 5


def test_five_segments_stay_five_where_their_refits_agree_a_little_less() -> None:
    trials = {3: trial(0.40), 4: trial(0.38), 5: trial(0.36, stability=0.87), 6: trial(0.35)}
    assert chosen_count(trials, SegmentationSettings()) == 5
    assert chosen_count(trials | {5: trial(0.36, stability=0.8)}, SegmentationSettings()) == 6


GOOD = {"cluster_count": 4.0, "smallest_share": 0.1, "noise_share": 0.0, "silhouette": 0.4}
NAIVE = {"cluster_count": 4.0, "smallest_share": 0.2, "noise_share": 0.0, "silhouette": 0.2}


@pytest.mark.parametrize(
    ("kmeans", "dbscan", "naive", "serves", "words"),
    [
        pytest.param(GOOD, GOOD, NAIVE, "kmeans", "share rule", id="kmeans first"),
        pytest.param(GOOD | {"smallest_share": 0.01}, GOOD, NAIVE, "dbscan", "dbscan", id="dbscan next"),
        pytest.param(GOOD | {"silhouette": 0.1}, GOOD | {"noise_share": 0.3}, NAIVE, BASELINE, "30%", id="then naive"),
        pytest.param(
            {"cluster_count": 1.0, "smallest_share": 1.0, "noise_share": 0.0},
            {"cluster_count": 0.0, "smallest_share": 0.0, "noise_share": 1.0},
            {"cluster_count": 1.0, "smallest_share": 1.0, "noise_share": 0.0},
            "", "noise only", id="none where all is one group or noise",
        ),
    ],
)  # fmt: skip
def test_what_serves_follows_the_published_rule(
    kmeans: dict[str, float], dbscan: dict[str, float], naive: dict[str, float], serves: str, words: str
) -> None:
    name, reason = serving({"kmeans": kmeans, "dbscan": dbscan, BASELINE: naive}, SegmentationSettings())
    assert name == serves
    assert words in reason


def test_a_whole_side_block_weighs_its_share_however_many_columns_it_has() -> None:
    rows = customers(2_000).assign(
        **{f"extra_{number}": np.random.default_rng(number).normal(size=2_000) for number in range(6)}
    )
    columns, _ = space_columns(rows.drop(columns=["age", "gender", "location"]), mix_share=0.1)
    points = segment_space(columns, 0.05, mix_share=0.1).fit_transform(rows)
    variance = points.var(axis=0)
    assert variance[:3] == pytest.approx(np.ones(3), abs=0.01)
    assert variance[3:].sum() == pytest.approx(0.3, abs=0.01)
