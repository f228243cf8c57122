"""Reasons in words."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator

from custana_pipeline.models.behavior import BehaviorSettings, candidates
from custana_pipeline.models.blend import MeanOfLogits
from custana_pipeline.models.encoding import NOT_FEATURES
from custana_pipeline.models.explanations import effects_of, reasons, reference_of, score, topics_of
from custana_pipeline.models.judging import fit
from custana_pipeline.models.phrases import phrase_of, topic_of
from custana_pipeline.models.trainable import usable_columns
from custana_pipeline_tests.models.shop import snapshots


class Additive(BaseEstimator):
    """A score of known parts: the effect of each column is its own difference from the typical value."""

    weights = {"recency_days": -0.01, "purchase_days_90d": 0.2, "age": 0.001}

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        return 5 + sum(weight * X[name].to_numpy(dtype="float64") for name, weight in self.weights.items())


class ByRecencyAlone(BaseEstimator):
    """A probability that hangs on one column."""

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        probability = 1 / (1 + X["recency_days"].to_numpy(dtype="float64") / 90)
        return np.column_stack([1 - probability, probability])


@pytest.fixture(scope="module")
def shop() -> pd.DataFrame:
    rows = snapshots(300)
    return rows[rows["is_recommended"].notna()].reset_index(drop=True)


@pytest.fixture(scope="module", params=["random_forest", "gradient_boosting", "blend"])
def trained(request: pytest.FixtureRequest, shop: pd.DataFrame) -> Any:
    """A model with interactions, and the mean of two, as they serve."""
    tried = candidates(usable_columns(shop), BehaviorSettings(), len(shop))
    if request.param != "blend":
        return fit(tried[request.param], shop, "is_recommended")
    members = ("logistic_regression", "gradient_boosting")
    return MeanOfLogits.of_fitted([fit(tried[name], shop, "is_recommended") for name in members], [0.5, 0.5])


@pytest.fixture
def customers() -> pd.DataFrame:
    random = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "recency_days": random.integers(1, 400, 101),
            "purchase_days_90d": random.integers(0, 9, 101),
            "age": random.integers(20, 70, 101),
            "location": random.choice(["North", "South", None], 101),
        }
    )


def test_effects_of_an_additive_score_are_its_parts(customers: pd.DataFrame) -> None:
    columns = list(customers.columns)
    reference = reference_of(Additive(), customers, columns)
    effects = effects_of(Additive(), customers, columns, reference)
    changes = dict(zip((topic.name for topic in effects.topics), effects.changes.T, strict=True))
    recency = customers["recency_days"].to_numpy()
    assert np.allclose(changes["recency"], -0.01 * (recency - np.median(recency)))
    assert np.allclose(changes["location"], 0.0)


def test_base_and_parts_add_up_to_the_score(trained: Any, shop: pd.DataFrame) -> None:
    columns = [name for name in shop if name not in NOT_FEATURES]
    effects = effects_of(trained, shop, columns, reference_of(trained, shop, columns))
    total = effects.base + effects.changes.sum(axis=1)
    assert np.abs(total - score(trained, shop)).max() < 1e-6
    probability = trained.predict_proba(shop)[:, 1]
    assert np.abs(1 / (1 + np.exp(-total)) - probability).max() < 1e-6


def test_taking_the_three_reasons_away_moves_the_score_more_than_three_at_random_do(
    trained: Any, shop: pd.DataFrame
) -> None:
    """The deletion test, told apart by direction: what raises is taken away, and what lowers is taken away."""
    columns = [name for name in shop if name not in NOT_FEATURES]
    reference = reference_of(trained, shop, columns)
    changes = effects_of(trained, shop, columns, reference).changes
    named = np.argsort(-np.abs(changes), axis=1, kind="stable")[:, :3]
    random = np.random.default_rng(0)
    draws = [random.random(changes.shape).argsort(axis=1)[:, :3] for _ in range(5)]
    by_named, *by_drawn = (
        _moved_by_deleting(trained, shop, columns, reference, (changes, topics)) for topics in (named, *draws)
    )
    assert np.mean(by_named > np.mean(by_drawn, axis=0)) >= 0.95


def _moved_by_deleting(
    model: Any, rows: pd.DataFrame, columns: list[str], reference: dict[str, Any], told: tuple[np.ndarray, np.ndarray]
) -> np.ndarray:
    changes, topics = told
    taken = np.zeros(changes.shape, dtype=bool)
    np.put_along_axis(taken, topics, True, axis=1)
    before = score(model, rows)
    moved = np.zeros(len(rows))
    for direction in (changes > 0, changes < 0):
        without = rows[columns].copy()
        for place, names in enumerate(topics_of(reference).values()):
            for name in names:
                without[name] = without[name].where(~(taken & direction)[:, place], reference[name])
        moved += np.abs(before - score(model, without))
    return moved


def test_a_model_of_one_feature_names_no_other(customers: pd.DataFrame) -> None:
    columns = list(customers.columns)
    effects = effects_of(ByRecencyAlone(), customers, columns, reference_of(ByRecencyAlone(), customers, columns))
    others = [place for place, topic in enumerate(effects.topics) if topic.name != "recency"]
    assert not effects.changes[:, others].any()
    told = reasons(ByRecencyAlone(), customers, columns)
    assert all(sentence == "like the typical customer" or sentence.count(" ago (") == 1 for sentence in told)
    assert not any(";" in sentence for sentence in told)


def test_equal_customers_get_equal_reasons_wherever_they_stand(trained: Any, shop: pd.DataFrame) -> None:
    columns = [name for name in shop if name not in NOT_FEATURES]
    reference = reference_of(trained, shop, columns)
    twice = pd.concat([shop.head(40), shop.tail(3), shop.head(40)], ignore_index=True)
    told = reasons(trained, twice, columns, reference)
    assert told[:40] == told[43:]
    reordered = twice[sorted(twice.columns, reverse=True)]
    assert reasons(trained, reordered, columns, reference) == told


@pytest.mark.parametrize("count", [1, 2, 10, 49])
def test_few_customers_get_reasons_too(count: int, customers: pd.DataFrame) -> None:
    told = reasons(ByRecencyAlone(), customers.head(count), list(customers.columns))
    assert len(told) == count
    assert all(told)


def test_infinite_missing_and_unseen_values_are_told_as_unknown_or_as_they_are(
    trained: Any, shop: pd.DataFrame
) -> None:
    columns = [name for name in shop if name not in NOT_FEATURES]
    reference = reference_of(trained, shop, columns)
    odd = shop.head(3).assign(recency_days=[np.inf, np.nan, 5.0], location=["Atlantis", None, "North"], age=np.nan)
    told = reasons(trained, odd, columns, reference)
    assert len(told) == 3
    assert not any("inf" in sentence or "nan" in sentence for sentence in told)


def test_the_reference_begins_with_what_moves_the_scores_most(customers: pd.DataFrame) -> None:
    reference = reference_of(Additive(), customers, list(customers.columns))
    assert list(reference)[:2] == ["recency_days", "purchase_days_90d"]
    assert reference["location"] in {"North", "South"}


def test_reasons_quote_the_customers_own_values_and_the_direction(customers: pd.DataFrame) -> None:
    fresh = customers.head(1).assign(recency_days=1, purchase_days_90d=0, age=45)
    reference = reference_of(Additive(), customers, list(customers.columns))
    sentence = reasons(Additive(), fresh, list(customers.columns), reference)[0]
    assert sentence.startswith("last bought 1 day ago (raises); no purchase days in the last 90 days (lowers)")
    assert "location" not in sentence


def test_a_score_that_is_the_same_for_everybody_has_no_reasons(customers: pd.DataFrame) -> None:
    class Constant(BaseEstimator):
        def predict(self, X: pd.DataFrame) -> np.ndarray:
            return np.full(len(X), 0.3)

    assert set(reasons(Constant(), customers, list(customers.columns))) == {"like the typical customer"}


def test_batches_change_no_reason(customers: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    columns = list(customers.columns)
    reference = reference_of(Additive(), customers, columns)
    whole = reasons(Additive(), customers, columns, reference)
    monkeypatch.setattr("custana_pipeline.models.explanations.BATCH_ROWS", 7)
    assert reasons(Additive(), customers, columns, reference) == whole


def test_no_customers_have_no_reasons(customers: pd.DataFrame) -> None:
    assert reasons(Additive(), customers.head(0), list(customers.columns)) == []


def test_features_that_tell_the_same_are_one_topic() -> None:
    names = ["purchase_days_30d", "purchase_days_365d", "decayed_purchase_days_90d", "purchase_frequency"]
    assert {topic_of(name).name for name in names} == {"frequency"}


@pytest.mark.parametrize(
    ("feature", "value", "words"),
    [
        ("recency_days", 4, "last bought 4 days ago"),
        ("purchase_days_365d", 1, "1 purchase day in the last 365 days"),
        ("purchase_amount_365d", 1234.4, "spent 1,234 in the last 365 days"),
        ("mean_gap_days", None, "has bought on one day only"),
        ("purchase_days_trend", -0.4, "buys less often than in the quarter before"),
        ("return_count_365d", 0, "returned nothing"),
        ("view_count_90d", 12, "12 views in the last 90 days"),
        ("shoe_size", 42, "shoe size 42"),
        ("favourite_colour", None, "favourite colour unknown"),
    ],
)
def test_a_feature_reads_as_a_sentence(feature: str, value: object, words: str) -> None:
    assert phrase_of(topic_of(feature), {feature: value}) == words
