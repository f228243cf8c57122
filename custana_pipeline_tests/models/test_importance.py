"""Which topics the scores hang on."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator

from custana_pipeline.models.behavior import BehaviorSettings, train_behavior
from custana_pipeline.models.figures import champion_figures
from custana_pipeline.models.importance import COLUMNS, champion_importances, importance_of
from custana_pipeline.models.task import Context
from custana_pipeline.models.training import Incumbent
from custana_pipeline_tests.models.shop import AS_OF, days_of_shop, snapshots


class ByFrequency(BaseEstimator):
    """Foresees purchases from one topic, which has two columns that tell the same."""

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        return (X["purchase_days_90d"] + X["purchase_days_365d"]).to_numpy(dtype="float64") / 2


def rows(count: int = 400) -> Any:
    random = np.random.default_rng(0)
    days = random.poisson(2, count).astype(float)
    return pd.DataFrame(
        {
            "customer_id": range(count),
            "purchase_days_90d": days,
            "purchase_days_365d": days,
            "age": random.integers(20, 70, count),
            "future_purchase": days + random.normal(0, 0.1, count),
        }
    )


NAMES = ("age", "purchase_days_90d", "purchase_days_365d")


def test_only_the_topic_that_is_used_is_important_and_its_columns_move_together() -> None:
    table = importance_of(ByFrequency(), rows(), "future_purchase", NAMES)
    assert table["topic"].tolist() == ["frequency", "age"]
    assert table.loc[0, "importance"] > 10
    assert table.loc[1, ["importance", "lower", "upper"]].tolist() == [0, 0, 0]
    assert table.loc[0, "columns"] == "purchase_days_90d, purchase_days_365d"


def test_the_same_rows_give_the_same_importance_in_any_order_of_columns() -> None:
    frame = rows()
    reordered = frame[sorted(frame.columns, reverse=True)]
    pd.testing.assert_frame_equal(
        importance_of(ByFrequency(), frame, "future_purchase", NAMES),
        importance_of(ByFrequency(), reordered, "future_purchase", NAMES),
    )


@pytest.mark.parametrize("count", [0, 1, 2, 10, 49])
def test_few_rows_give_a_table_or_none(count: int) -> None:
    table = importance_of(ByFrequency(), rows(count), "future_purchase", NAMES)
    assert tuple(table.columns) == COLUMNS
    assert len(table) == (2 if count else 0)


def test_rows_without_an_outcome_are_not_measured_on() -> None:
    assert importance_of(ByFrequency(), rows().assign(future_purchase=np.nan), "future_purchase", NAMES).empty


def test_champions_are_measured_as_they_were_judged() -> None:
    days, frame = days_of_shop(), snapshots(300)
    training = train_behavior(frame, days, BehaviorSettings())
    table = champion_importances(training, frame[frame["as_of"] == days.holdout])  # type: ignore[arg-type]
    assert set(table["target"]) == {"is_recommended"}
    assert {"frequency", "recency"} & set(table.head(3)["topic"])
    assert champion_importances(training, frame.head(0)).empty


def test_a_champion_that_stays_is_measured_itself_whatever_columns_have_come_since() -> None:
    days, frame, name = days_of_shop(), snapshots(300), "random_forest"
    first = train_behavior(frame.drop(columns="tenure_days"), days, BehaviorSettings())
    judged = next(each.estimator for each in first.evaluated if each.name == name)
    columns = first.champions["is_recommended"].columns
    so_far = {"is_recommended": Incumbent(name, f"{name}-old", AS_OF, judged, judged, columns)}
    tonight = train_behavior(frame, days, BehaviorSettings(margin=0.5), Context(incumbents=so_far))
    assert tonight.champions["is_recommended"].kept_version
    holdout: Any = frame[frame["as_of"] == days.holdout]
    table = champion_importances(tonight, holdout).drop(columns="target")
    pd.testing.assert_frame_equal(table, importance_of(judged, holdout, "is_recommended", columns))
    assert "champion so far" in champion_figures(tonight)["is_recommended_calibration"].svg()
