"""Segments keep their number and their name from run to run."""

import dataclasses
import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import Pipeline

from custana_pipeline.models.segment_drift import DriftLimits, drift_of, reasons_to_refit, reference_of
from custana_pipeline.models.segment_ground import SegmentationSettings
from custana_pipeline.models.segment_identity import IdentifiedSegments, PreviousSegments, kept
from custana_pipeline.models.segment_matching import carried_on, matched
from custana_pipeline.models.segmentation import train_segmentation
from custana_pipeline.models.training import Training
from custana_pipeline_tests.models.customers import customers

FAST = SegmentationSettings(cluster_counts=(3, 4, 5), stability_refits=2, preferred_count=4)
DAY = dt.date(2025, 6, 30)
LIMITS = FAST.drift_limits


def rows(days_later: int = 0, seed: int = 0) -> pd.DataFrame:
    """The same customers some days later, none of whom has bought since."""
    made = customers(seed=seed)
    return made.assign(
        as_of=pd.Timestamp(DAY) + pd.Timedelta(days=days_later), recency_days=made["recency_days"] + days_later
    )


def listed(training: Training) -> pd.DataFrame:
    """The list of a training's day: customer_id, segment_id, segment_name."""
    champion = training.champions["segment"]
    told = next(each.holdout for each in training.evaluated if each.name == champion.name)
    return told.rename(columns={"predicted": "segment_id"})[["customer_id", "segment_id", "segment_name"]]


def previous(training: Training, day: dt.date = DAY, **changes: Any) -> PreviousSegments:
    champion = training.champions["segment"]
    made = PreviousSegments(day, champion.name, "before-1", champion.estimator, "", listed(training))
    return dataclasses.replace(made, **changes)


@pytest.fixture(scope="module")
def first() -> Training:
    return train_segmentation(rows(), None, FAST)


@pytest.fixture(scope="module")
def next_night(first: Training) -> Training:
    return train_segmentation(rows(1), None, FAST, previous(first))


def identity_of(training: Training) -> IdentifiedSegments:
    return training.champions["segment"].estimator[-1]


def measures(training: Training) -> dict[str, float]:
    return training.champions["segment"].metrics


def same(one: Training, other: Training, column: str) -> float:
    both = listed(one).merge(listed(other), on="customer_id", suffixes=("", "_now"))
    return float((both[column] == both[f"{column}_now"]).mean())


def test_the_first_segmentation_says_that_there_was_none_before(first: Training) -> None:
    assert "no segmentation of these customers on an earlier day" in first.reason
    assert first.settings["continues"] == "nothing"


def test_the_next_night_the_segments_serve_on_and_say_so(first: Training, next_night: Training) -> None:
    assert "kmeans serves on as fitted on 2025-06-30 (1 day ago)" in next_night.reason
    assert next_night.settings["continues"] == "before-1"
    assert same(first, next_night, "segment_id") >= 0.98
    assert same(first, next_night, "segment_name") >= 0.98


def test_frozen_segments_are_measured_on_todays_customers_beside_the_others(next_night: Training) -> None:
    assert [each.name for each in next_night.evaluated] == ["kmeans", "dbscan", "rfm_quantiles"]
    taken = set(measures(next_night))
    assert {"silhouette", "davies_bouldin", "calinski_harabasz", "stability", "smallest_share"} <= taken
    assert {"days_since_fit", "highest_psi", "largest_share_move", "kept_id_share", "kept_name_share"} <= taken
    assert measures(next_night)["days_since_fit"] == 1
    assert measures(next_night)["kept_id_share"] >= 0.98


def test_running_a_day_again_gives_the_same_segments_and_words(first: Training, next_night: Training) -> None:
    again = train_segmentation(rows(1), None, FAST, previous(first))
    assert listed(again).equals(listed(next_night))
    assert (again.reason, measures(again)) == (next_night.reason, measures(next_night))


def test_old_segments_are_fitted_anew_and_keep_ids_and_names(first: Training) -> None:
    later = train_segmentation(rows(30), None, FAST, previous(first))
    assert "30 days old" in later.reason
    assert identity_of(later).memory["fitted_as_of"] == "2025-07-30"
    assert same(first, later, "segment_id") > 0.9
    assert same(first, later, "segment_name") > 0.9


def test_another_seed_gives_the_same_ids(first: Training) -> None:
    other = dataclasses.replace(FAST, seed=5)
    later = train_segmentation(rows(1), None, other, previous(first))
    assert "settings have changed" in later.reason
    assert same(first, later, "segment_id") > 0.9


@pytest.mark.parametrize("place", [0, 1, 2])
def test_permuted_ids_of_the_last_run_are_carried_on_whatever_they_were(first: Training, place: int) -> None:
    own = identity_of(first)
    ids = [10 + (number + place) % len(own.ids) for number in range(len(own.ids))]
    relabelled = IdentifiedSegments(own.segments, ids, own.names, own.memory | {"last_id": 20})
    estimator = Pipeline([*first.champions["segment"].estimator.steps[:-1], ("segments", relabelled)])
    named = listed(first).assign(segment_id=lambda told: told["segment_id"].map(dict(zip(own.ids, ids, strict=True))))
    settings = dataclasses.replace(FAST, seed=9)
    later = train_segmentation(rows(), None, settings, previous(first, estimator=estimator, assignments=named))
    assert set(identity_of(later).ids) <= {*ids, 21, 22, 23}
    assert measures(later)["kept_id_share"] > 0.95
    assert measures(later)["kept_name_share"] > 0.95


def test_a_model_that_does_not_load_is_replaced_and_the_list_keeps_the_ids(first: Training) -> None:
    gone = previous(first, estimator=None, fault="its file is gone")
    later = train_segmentation(rows(1), None, FAST, gone)
    assert "its file is gone" in later.reason
    assert later.is_trained
    assert same(first, later, "segment_id") > 0.95
    assert same(first, later, "segment_name") > 0.95


def test_without_model_and_list_numbering_begins_anew(first: Training) -> None:
    nothing = previous(first, estimator=None, fault="its file is gone", assignments=listed(first)[:0])
    later = train_segmentation(rows(1), None, FAST, nothing)
    assert identity_of(later).ids == list(range(1, len(identity_of(later).ids) + 1))
    assert "kept_id_share" not in measures(later)


def test_another_shops_customers_get_numbers_of_their_own(first: Training) -> None:
    strangers = rows(1).assign(customer_id=[f"x{number}" for number in range(240)])
    later = train_segmentation(strangers, None, FAST, previous(first))
    assert "no segmentation of these customers" in later.reason
    assert later.settings["continues"] == "nothing"


def test_a_column_that_is_gone_means_a_fresh_fit(first: Training) -> None:
    for lost in (None, np.inf, 5.0):
        later = train_segmentation(rows(1).assign(purchase_amount=lost), None, FAST, previous(first))
        assert later.is_trained
        assert "other columns tell the customers apart" in later.reason
        assert "purchase_amount" in later.dropped_columns


def test_an_unseen_category_and_another_order_of_columns_are_no_reason_to_refit(first: Training) -> None:
    changed = rows(1)
    changed.loc[:3, "location"] = "Atlantis"
    later = train_segmentation(changed[changed.columns[::-1]], None, FAST, previous(first))
    assert "serves on" in later.reason


def test_customers_who_changed_mean_a_fresh_fit_with_the_reason(first: Training) -> None:
    moved = rows(1).assign(purchase_amount=lambda told: told["purchase_amount"] * 1.6)
    later = train_segmentation(moved, None, FAST, previous(first))
    assert "a column of the space drifted" in later.reason
    assert later.is_trained


def test_a_segment_that_became_too_small_means_a_fresh_fit(first: Training) -> None:
    richer = rows(1).assign(purchase_amount=lambda told: told["purchase_amount"] * 20)
    later = train_segmentation(richer, None, FAST, previous(first))
    assert "below 5%" in later.reason
    assert measures(later)["smallest_share"] >= FAST.smallest_share


def test_quantiles_that_served_last_do_not_serve_on(first: Training) -> None:
    later = train_segmentation(rows(1), None, FAST, previous(first, candidate="rfm_quantiles"))
    assert "rfm_quantiles served last" in later.reason
    assert later.champions["segment"].name == "kmeans"


def test_a_day_without_enough_customers_is_not_trainable_with_a_yesterday_too(first: Training) -> None:
    later = train_segmentation(rows(1).head(10), None, FAST, previous(first))
    assert later.state == "NOT_TRAINABLE"


@pytest.mark.parametrize("permuted", [[1, 2, 3], [3, 1, 2], [2, 3, 1]])
def test_the_pairs_that_share_most_customers_go_together(permuted: list[int]) -> None:
    before = np.repeat([7, 5, 9], [40, 30, 20])
    now = np.repeat(permuted, [40, 30, 20])
    now[:4] = permuted[1]
    assert matched(before, now) == dict(sorted(zip(permuted, [7, 5, 9], strict=True)))


def test_a_pair_with_little_in_common_is_no_pair() -> None:
    before = np.repeat([1, 2, 2], [50, 45, 5])
    assert matched(before, np.repeat([1, 1, 2], [50, 45, 5])) == {1: 1}


def test_customers_in_no_segment_match_nothing() -> None:
    assert matched(np.zeros(10, dtype=int), np.ones(10, dtype=int)) == {}


def test_an_id_that_vanished_is_not_given_again() -> None:
    assert carried_on({1: 2}, 3, last_id=5) == [2, 6, 7]


def test_kept_shares_are_of_the_customers_on_both_lists() -> None:
    before = PreviousSegments(
        DAY, "kmeans", "v",
        assignments=pd.DataFrame(
            {"customer_id": ["a", "b", "gone"], "segment_id": [1, 1, 2], "segment_name": ["Loyal", "Loyal", "Lost"]}
        ),
    )  # fmt: skip
    told = kept(before, pd.Series(["a", "b", "new"]), np.array([1, 2, 2]), ["Champions", "Loyal", "Loyal"])
    assert told == {"kept_id_share": 0.5, "kept_name_share": 0.5}
    assert kept(None, pd.Series(["a"]), np.array([1]), ["Loyal"]) == {}


def drift(seed: int, shift: float = 0.0, size: int = 400) -> dict[str, float]:
    random = np.random.default_rng(seed)
    then, today = random.normal(size=(size, 3)), random.normal([shift, 0.0, 0.0], size=(size, 3))
    reference = reference_of(then, 1 + (then[:, 1] > 0), 0.4)
    return drift_of(reference, today, 1 + (today[:, 1] > 0), 0.4)


def test_samples_of_one_population_raise_few_false_alarms() -> None:
    limits = DriftLimits(most_share_move=1.0, most_psi=0.2, most_silhouette_loss=0.2)
    for size in (60, 400):
        assert sum(bool(reasons_to_refit(drift(seed, size=size), limits)) for seed in range(100)) <= 5


def test_a_column_that_moved_by_one_standard_deviation_is_an_alarm() -> None:
    assert all("drifted" in " ".join(reasons_to_refit(drift(seed, 1.0), LIMITS)) for seed in range(20))


@pytest.mark.parametrize(
    ("measured", "words"),
    [
        ({"largest_share_move": 0.06}, "moved by 6.0 points"),
        ({"highest_psi": 0.3}, "PSI 0.30"),
        ({"silhouette_loss": 0.25}, "fell by 25%"),
    ],
)
def test_each_limit_has_its_words(measured: dict[str, float], words: str) -> None:
    still = {"largest_share_move": 0.0, "highest_psi": 0.0, "silhouette_loss": 0.0}
    assert reasons_to_refit(still, LIMITS) == []
    assert words in reasons_to_refit(still | measured, LIMITS)[0]


def test_a_column_of_two_values_has_two_bins() -> None:
    flags = np.repeat([0.0, 1.0], [90, 10])[:, None]
    reference = reference_of(flags, np.ones(100, dtype=int), 0.4)
    turned = drift_of(reference, 1 - flags, np.ones(100, dtype=int), 0.4)
    assert reference["parts"] == [[0.9, 0.1]]
    assert turned["highest_psi"] > 1
