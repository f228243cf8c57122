"""Which segment of today is which of the last run: an assignment problem on the customers known on both days."""

from collections.abc import Mapping

import numpy as np
from scipy.optimize import linear_sum_assignment

from custana_pipeline.models.segment_order import UNASSIGNED

LEAST_OVERLAP = 0.2
"""Jaccard index below which two segments are not the same one, however they are paired."""


def matched(before: np.ndarray, now: np.ndarray) -> dict[int, int]:
    """Segment number of `now` -> the id in `before` that goes on in it; both name each customer's segment.

    The pairs share the most customers in total (Kuhn 1955). A pair that has less in common than LEAST_OVERLAP of its
    customers (Jaccard) is no pair. Customers UNASSIGNED on either side do not count.

    >>> matched(np.array([7, 7, 7, 4, 4]), np.array([1, 1, 2, 2, 2]))
    {1: 7, 2: 4}
    """
    both = (before != UNASSIGNED) & (now != UNASSIGNED)
    old_ids, old = np.unique(before[both], return_inverse=True)
    new_ids, new = np.unique(now[both], return_inverse=True)
    if not len(old_ids):
        return {}
    common = np.zeros((len(new_ids), len(old_ids)))
    np.add.at(common, (new, old), 1.0)
    together = common.sum(axis=1, keepdims=True) + common.sum(axis=0, keepdims=True) - common
    rows, columns = linear_sum_assignment(common, maximize=True)
    return {
        int(new_ids[row]): int(old_ids[column])
        for row, column in zip(rows, columns, strict=True)
        if common[row, column] >= LEAST_OVERLAP * together[row, column]
    }


def carried_on(matches: Mapping[int, int], segment_count: int, last_id: int) -> list[int]:
    """The ids of the segments numbered 1 .. `segment_count`: the matched ones theirs, the others ids never used yet.

    >>> carried_on({1: 7, 3: 4}, 4, last_id=7)
    [7, 8, 4, 9]
    """
    ids, last = [], last_id
    for number in range(1, segment_count + 1):
        if number not in matches:
            last += 1
        ids.append(matches.get(number, last))
    return ids
