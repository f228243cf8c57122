"""What is enough to learn from, and which columns are used."""

import numpy as np
import pandas as pd

from custana_pipeline.models.trainable import usable_columns, why_not_trainable


def rows(customer_count: int, positive_count: int) -> pd.DataFrame:
    bought = [True] * positive_count + [False] * (customer_count - positive_count)
    return pd.DataFrame(
        {
            "customer_id": [f"c{number}" for number in range(customer_count)],
            "recency_days": range(customer_count),
            "is_recommended": bought,
        }
    )


def test_fifty_customers_with_ten_of_each_class_are_enough() -> None:
    assert why_not_trainable(rows(50, 10), rows(50, 40), "is_recommended") is None


def test_forty_nine_customers_are_too_few() -> None:
    reason = why_not_trainable(rows(49, 20), rows(49, 20), "is_recommended")
    assert reason is not None
    assert reason.startswith("49 customers")
    assert "longer history" in reason


def test_one_class_is_not_trainable() -> None:
    nobody = why_not_trainable(rows(80, 0), rows(80, 0), "is_recommended")
    everybody = why_not_trainable(rows(80, 80), rows(80, 80), "is_recommended")
    assert nobody is not None
    assert nobody.startswith("0 customers bought")
    assert everybody is not None
    assert "shorter horizon" in everybody


def test_one_positive_is_not_trainable() -> None:
    reason = why_not_trainable(rows(80, 1), rows(80, 30), "is_recommended")
    assert reason is not None
    assert reason.startswith("1 customer bought within the horizon on the training days")


def test_many_origins_of_few_customers_are_still_few_customers() -> None:
    few = pd.concat([rows(20, 10)] * 5, ignore_index=True)
    reason = why_not_trainable(few, few, "is_recommended")
    assert reason is not None
    assert reason.startswith("20 customers")


def test_a_thousand_rows_of_one_customer_do_not_hide_the_others() -> None:
    others = rows(60, 30)
    one = pd.concat([others.tail(1)] * 1_000, ignore_index=True)
    assert why_not_trainable(pd.concat([one, others], ignore_index=True), others, "is_recommended") is None


def test_no_rows_at_all_are_a_reason_and_no_crash() -> None:
    reason = why_not_trainable(rows(0, 0), rows(0, 0), "is_recommended")
    assert reason is not None
    assert reason.startswith("0 customers with a known outcome")


def test_an_infinite_outcome_is_not_trainable() -> None:
    frame = rows(80, 40).assign(future_amount=[np.inf] + [1.0] * 79)
    reason = why_not_trainable(frame, frame, "future_amount")
    assert reason is not None
    assert "finite" in reason


def test_columns_without_information_are_dropped_with_a_reason() -> None:
    frame = rows(60, 30).assign(
        as_of=pd.to_datetime(["2025-01-01"] * 30 + ["2025-02-01"] * 30),
        age=None,
        score=[np.inf] + [1.0] * 59,
        country="DE",
        history_days=[30] * 30 + [61] * 30,
        is_member=[True, False] * 30,
        location=["North", "South", None] * 20,
    )
    usable = usable_columns(frame)
    assert usable.numeric == ("is_member", "recency_days")
    assert usable.text == ("location",)
    assert usable.dropped["age"] == "no value at all"
    assert usable.dropped["score"] == "infinite values"
    assert usable.dropped["country"] == "the same value for everybody"
    assert usable.dropped["history_days"].startswith("the same value for everybody on a day")


def test_a_text_that_names_every_customer_is_no_feature() -> None:
    frame = rows(300, 30).assign(email=[f"somebody{number}@example.org" for number in range(300)])
    assert usable_columns(frame).dropped == {"email": "nearly as many different texts as rows"}


def test_outcomes_and_keys_are_never_features() -> None:
    frame = rows(60, 30).assign(as_of=pd.Timestamp("2025-01-01"), future_purchase=range(60), future_amount=range(60))
    assert usable_columns(frame).names == ("recency_days",)
