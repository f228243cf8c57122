"""Faults of what models learn from: too little, one outcome only, leaks, no signal, a chance of the day."""

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd

from custana_pipeline.selftest.models.frames import AS_OF, OUTCOMES, days, snapshots, trained
from custana_pipeline.selftest.models.segments import nights_keep_their_labels
from custana_pipeline.selftest.trial import Trial, expect, trial


def _past(rows: pd.DataFrame) -> Any:
    return rows["as_of"] != AS_OF


def _expect_not_trainable(rows: pd.DataFrame, what: str) -> None:
    training = trained(rows)
    expect(training.state == "NOT_TRAINABLE", f"{what}: {training.state}, and not NOT_TRAINABLE")
    expect(training.reason, f"{what}: no reason is told")
    expect(not training.champions and not training.evaluated, f"{what}: a model or a metric was made of it")


@trial("E1")
def one_outcome_only(_: Trial) -> None:
    """Trains on outcomes of one class, and with a single customer of the other."""
    rows = snapshots()
    for name, outcome in (("nobody buys", False), ("everybody buys", True)):
        _expect_not_trainable(rows.assign(is_recommended=np.where(_past(rows), outcome, None)), name)
    one = np.where(_past(rows), rows["customer_id"] == "c00001", None)
    _expect_not_trainable(rows.assign(is_recommended=one), "one customer buys")
    _expect_not_trainable(rows.assign(is_recommended=None), "no outcome is known")


@trial("E2")
def next_to_no_customers(_: Trial) -> None:
    """Trains on 0, 1, 2, 10 and 49 customers."""
    rows = snapshots()
    for count in (0, 1, 2, 10, 49):
        _expect_not_trainable(rows[rows["customer_id"] < f"c{count:05d}"], f"{count} customers")


@trial("E6")
def features_that_know_the_outcome(_: Trial) -> None:
    """Adds the outcome as a feature, in many disguises, and looks whether any training row reaches past its origin.

    The split is by time: a customer is on both sides, on other days, and no outcome window of training overlaps the
    window that is judged on.
    """
    rows = snapshots()
    told = rows["is_recommended"].map({True: 1.0, False: 0.0})
    noise = pd.Series(np.random.default_rng(7).random(len(rows)), index=rows.index)
    disguises = {
        "a copy": told.fillna(0.0),
        "turned over": -told.fillna(0.0),
        "with noise": told.fillna(0.0) + 0.05 * noise,
        "as a text": told.map({1.0: "came again", 0.0: "gone"}).fillna("gone"),
        "there for buyers only": noise.where(told == 1.0),
        "there for others only": noise.where(told != 1.0),
        "bent": (told.fillna(0.0) + noise) ** 9,
    }
    for name, canary in disguises.items():
        training = trained(rows.assign(days_to_next_order=canary))
        expect(training.state == "LEAKED_FEATURE", f"the outcome {name} as a feature: {training.state}")
        expect("days_to_next_order" in training.reason, f"the outcome {name}: the feature is not named")
    for fold in days().folds:
        reach = max(fold.training) + dt.timedelta(days=90)
        expect(reach <= fold.origin, f"outcomes of training reach to {reach}, and {fold.origin} is judged on")


@trial("E7")
def outcomes_without_a_reason(run: Trial) -> None:
    """Shuffles the outcomes among customers and days, and looks whether a model takes over all the same."""
    for seed in range(run.times(quick=2, full=20)):
        rows, random = snapshots(seed=seed), np.random.default_rng(seed)
        known = _past(rows).to_numpy()
        outcomes = rows.loc[known, OUTCOMES].to_numpy()
        rows.loc[known, OUTCOMES] = outcomes[random.permutation(len(outcomes))]
        training = trained(rows)
        champion = training.champions["is_recommended"]
        expect(not champion.is_promoted, f"seed {seed}: {champion.name} was promoted on noise")
        expect("interval" in training.reason, f"seed {seed}: no interval beside the naive rule")


@trial("E10")
def the_same_again(_: Trial) -> None:
    """Trains twice on the same rows, in two orders, and compares every score; then three nights of segments."""
    rows = snapshots()
    shuffled = rows.sample(frac=1.0, random_state=3).reset_index(drop=True)
    today = rows[rows["as_of"] == AS_OF]
    found = []
    for each in (rows, shuffled):
        training = trained(each)
        scores = [model.estimator.predict_proba(today)[:, 1].tobytes() for model in training.evaluated]
        found.append((training.reason, scores))
    expect(found[0] == found[1], "the same rows gave other scores")
    nights_keep_their_labels()
