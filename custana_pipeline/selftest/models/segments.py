"""Faults of segmentation: customers that cannot be told apart, and nights after each other."""

from typing import Any

import numpy as np
import pandas as pd

from custana_pipeline.selftest.models.frames import people, segmented
from custana_pipeline.selftest.trial import Trial, expect, trial

MEASURES = ["recency_days", "purchase_frequency", "purchase_amount", "tenure_days"]


@trial("E8")
def customers_that_are_all_alike(_: Trial) -> None:
    """Segments identical customers, two kinds of row, all noise, one outlier, and next to none."""
    rows = people()
    for name, alike in {
        "identical rows": _repeated(rows, 1),
        "two different rows": _repeated(rows, 2),
        "eight customers": rows.head(8),
        "no customers": rows.head(0),
        "nothing known": rows.assign(**dict.fromkeys([*MEASURES, "age", "location"])),
    }.items():
        training = segmented(alike)
        expect(training.state == "NOT_TRAINABLE" and training.reason, f"{name}: {training.state}")
        expect(not training.evaluated, f"{name}: {len(training.evaluated)} candidates have figures")
    outlier = rows.copy()
    outlier.loc[0, ["purchase_amount", "purchase_frequency"]] = [9e9, 900]
    random = np.random.default_rng(5)
    noise = rows.assign(**{name: random.uniform(1, 400, len(rows)) for name in MEASURES})
    for name, hard in {"one outlier": outlier, "all noise": noise}.items():
        _expect_sound(segmented(hard), hard, name)


def _repeated(rows: pd.DataFrame, kinds: int) -> pd.DataFrame:
    again: Any = rows.iloc[np.arange(len(rows)) % kinds].reset_index(drop=True)
    return again.assign(customer_id=rows["customer_id"])


def _expect_sound(training: Any, rows: pd.DataFrame, what: str) -> None:
    for each in training.evaluated:
        clusters = each.metrics.get("cluster_count", 0.0)
        invented = clusters < 2 and "silhouette" in each.metrics
        expect(not invented, f"{what}: {each.name} has {clusters:.0f} cluster and a silhouette")
    if not training.is_trained:
        expect(training.reason, f"{what}: no reason is told")
        return
    champion = training.champions["segment"]
    sizes = pd.Series(champion.estimator.predict(rows)).value_counts()
    segments: Any = sizes[sizes.index > 0]  # 0 are those outside of every segment
    expect(segments.min() >= 10, f"{what}: {champion.name} serves a segment of {segments.min()} customers")


def nights_keep_their_labels() -> None:
    """Segments three nights of slowly changing customers, each after the last one."""
    from custana_pipeline.models.segment_identity import PreviousSegments

    rows, previous, last = people(), None, None
    for night in range(3):
        rows = rows.assign(recency_days=rows["recency_days"] + night, as_of=rows["as_of"] + pd.Timedelta(days=1))
        training = segmented(rows, previous)
        champion = training.champions["segment"]
        ids = champion.estimator.predict(rows)
        if last is not None:
            share = float((ids == last).mean())
            expect(share >= 0.95, f"night {night}: only {share:.0%} of the customers keep their segment")
        names = champion.estimator[-1].names_by_id
        listed = pd.DataFrame(
            {"customer_id": rows["customer_id"], "segment_id": ids, "segment_name": [names.get(i, "") for i in ids]}
        )
        day = rows["as_of"].iloc[0].date()
        previous = PreviousSegments(day, champion.name, f"night-{night}", champion.estimator, "", listed)
        last = ids
