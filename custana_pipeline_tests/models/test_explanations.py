"""Reasons in words."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator

from custana_pipeline.models.explanations import effects_of, reasons, reference_of
from custana_pipeline.models.phrases import phrase_of, topic_of


class Additive(BaseEstimator):
    """A score of known parts: the effect of each column is its own difference from the typical value."""

    weights = {"recency_days": -0.01, "purchase_days_90d": 0.2, "age": 0.001}

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        return 5 + sum(weight * X[name].to_numpy(dtype="float64") for name, weight in self.weights.items())


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
