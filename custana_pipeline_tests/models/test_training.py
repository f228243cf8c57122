"""What a training hands over."""

import dataclasses

import pandas as pd
import pytest

from custana_pipeline.models.training import Evaluated, Training, not_trainable


def evaluated(name: str, target: str) -> Evaluated:
    return Evaluated(name, "candidate", target, {}, {"holdout_mae": 1.0}, None, pd.DataFrame())


def test_a_training_that_is_not_trainable_has_a_reason_and_no_models() -> None:
    training = not_trainable("behavior", "12 customers, 50 are needed.", row_counts={"training": 12})
    assert not training.is_trained
    assert training.reason == "12 customers, 50 are needed."
    assert (training.evaluated, training.champions) == ((), {})
    assert training.row_counts == {"training": 12}


def test_candidates_are_listed_by_target_in_the_order_of_trying() -> None:
    tried = (
        evaluated("ridge", "future_purchase"),
        evaluated("ridge", "future_amount"),
        evaluated("tree", "future_amount"),
    )
    training = Training("demand", "TRAINED", "ridge serves", evaluated=tried)
    assert [each.name for each in training.evaluated_for("future_amount")] == ["ridge", "tree"]


def test_a_training_cannot_be_changed_afterwards() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Training("demand", "TRAINED", "ridge serves").state = "NOT_TRAINABLE"  # type: ignore[misc]
