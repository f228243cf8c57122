"""The ten best of many: a border that the tenth best cannot lie below takes most candidates out in one pass.

What is left stands side by side in arrays of equal length, score and place packed into one integer, so that what is
chosen and put in order needs no second key.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from custana_pipeline.models.recommendation_history import PLACE_BITS, Floats, Integers, Snapshot
from custana_pipeline.models.recommendation_metrics import PLACES

RULED_OUT = -1e15
"""Evidence so low or lower is of a product that must not be listed."""
LAST_PLACE = 2**PLACE_BITS - 1
MOST_KEY = 2.0 ** (62 - PLACE_BITS)
"""A score in units of its last digit counts as no more than this."""
NOTHING = np.iinfo(np.int64).min
STRETCHES = 16
"""Into so many stretches for ten places a row is cut to find where the last of them may lie."""


@dataclass(frozen=True, eq=False)
class Candidates:
    """Products that may stand on the lists of a snapshot's customers, one entry each, ordered by customer."""

    customer: Integers
    place: Integers
    evidence: Floats
    """Habit, or affinity and interest; 0 for what is only popular."""


@dataclass(frozen=True, eq=False)
class Pool:
    """Candidates of which some may be ruled out, `width` places being on offer."""

    width: int
    row: Integers
    starts: Integers
    """Which customers have candidates, and where those of each begin."""
    place: Integers
    evidence: Floats
    ruled_out: Integers
    """Where those lie that must not be listed."""


@dataclass(frozen=True, eq=False)
class Ranked:
    """The best of each row, row by row and the best first; ranks count from 1."""

    row: Integers
    rank: Integers
    place: Integers
    score: Floats


def pool_of(candidates: Candidates, width: int) -> Pool:
    """The candidates as a pool."""
    starts = _starts(candidates.customer)
    return _pool(width, (candidates.customer[starts], starts), candidates.place, candidates.evidence)


def pool_in(evidence: Any) -> Pool:
    """Every entry of a sparse matrix customer x place as a candidate."""
    row = np.flatnonzero(np.diff(evidence.indptr))
    return _pool(evidence.shape[1], (row, evidence.indptr[row]), evidence.indices, evidence.data)


def _pool(width: int, runs: tuple[Integers, Integers], place: Integers, evidence: Floats) -> Pool:
    return Pool(width, *runs, place, evidence, np.flatnonzero(evidence <= RULED_OUT))


def contenders(row: Integers, value: Floats, count: int) -> Integers:
    """Where the values lie that are at or above the `count`-th highest of their row; rows are in order."""
    starts = _starts(row)
    lengths = np.diff(np.r_[starts, len(row)])
    likely = np.flatnonzero(value >= np.repeat(_reached(value, starts, lengths, count), lengths))
    found = [np.zeros(0, dtype=np.int64)]
    for _, within, is_beyond in _of_equal_length(row[likely]):
        at = likely[within]
        values = value[at]
        values[is_beyond] = _lowest(value)
        last = max(values.shape[1] - count, 0)
        least = np.partition(values, last, axis=1)[:, last]
        found.append(at[(values >= least[:, None]) & ~is_beyond])
    return np.concatenate(found)


def _of_equal_length(group: Integers) -> Iterator[tuple[Integers, Integers, np.ndarray]]:
    """Runs of equal values with up to 16, 32, 64, ... entries: the values, where their entries are, what is beyond."""
    starts = _starts(group)
    lengths = np.diff(np.r_[starts, len(group)])
    size = np.maximum(np.ceil(np.log2(np.maximum(lengths, 1))).astype(int), 4)
    for each in np.unique(size):
        chosen = np.flatnonzero(size == each)
        offsets = np.arange(int(lengths[chosen].max()))
        at = np.minimum(starts[chosen][:, None] + offsets, len(group) - 1)
        yield group[starts[chosen]], at, offsets >= lengths[chosen][:, None]


def ranked(pool: Pool, worth: Floats, line: tuple[float, float] = (1.0, 0.0), digits: int = 9) -> Ranked:
    """The ten highest of (factor x evidence + floor) x worth of the place, with `line` the factor and the floor.

    Scores are rounded to so many `digits`; ties go by place.
    """
    factor, floor = line
    score = pool.evidence * factor + floor if factor != 1 else pool.evidence + floor
    score *= worth.take(pool.place)
    score[pool.ruled_out] = -np.inf
    at = np.flatnonzero(score >= _borders(pool, score, digits))
    row = np.repeat(pool.row, np.diff(np.searchsorted(at, np.r_[pool.starts, len(score)])))
    key = _keys(score[at], pool.place[at], digits)
    rows, keys = [np.zeros(0, dtype=np.int64)], [np.zeros((0, PLACES), dtype=np.int64)]
    for group, within, is_beyond in _of_equal_length(row):
        found = key[within]
        found[is_beyond] = NOTHING
        rows.append(group)
        keys.append(_ten_highest(found))
    row = np.concatenate(rows)
    order = np.argsort(row)
    return _ranks(row[order], np.concatenate(keys)[order], digits)


def _borders(pool: Pool, score: Floats, digits: int) -> Floats:
    """For each candidate a score that the tenth best of its row is not below, whatever ties and rounding do."""
    lengths, unit = np.diff(np.r_[pool.starts, len(score)]), 10.0**digits
    tenth = _reached(score, pool.starts, lengths, PLACES)
    whole = np.minimum(np.floor(tenth * unit + 0.5), MOST_KEY)
    # three quarters of a unit lower: what is rounded to the same last digit is let through
    return np.repeat(np.where(whole <= -MOST_KEY, -np.inf, (whole - 0.75) / unit), lengths)


def _reached(value: np.ndarray, starts: Integers, lengths: Integers, count: int) -> np.ndarray:
    """For each run a value that its `count`-th highest is not below; the lowest there is for a short run.

    A run is cut into stretches: `count` of these have an entry at or above the `count`-th highest of their maxima.
    """
    stretches = count * STRETCHES // PLACES
    if not len(starts):
        return value
    cuts = starts[:, None] + lengths[:, None] * np.arange(stretches) // stretches
    highest = np.maximum.reduceat(value, cuts.ravel()).reshape(cuts.shape)
    reached = np.partition(highest, stretches - count, axis=1)[:, stretches - count]
    reached[lengths < stretches] = _lowest(value)
    return reached


def _lowest(value: np.ndarray) -> float | int:
    return np.iinfo(value.dtype).min if value.dtype.kind == "i" else -np.inf


def best(candidates: Candidates, score: Floats, width: int, digits: int = 9) -> Ranked:
    """The ten highest scores of each row, one score a candidate; ties go by place."""
    pool = pool_of(Candidates(candidates.customer, candidates.place, score), width)
    return ranked(pool, np.ones(width), digits=digits)


def _keys(score: Floats, place: Integers, digits: int) -> Integers:
    """One integer for score and place, higher for the higher score, and of equal scores for the lower place.

    NOTHING for what is ruled out.
    """
    whole = np.clip(np.floor(score * 10.0**digits + 0.5), -MOST_KEY, MOST_KEY).astype(np.int64)
    return np.where(np.isneginf(score), NOTHING, (whole << PLACE_BITS) | (LAST_PLACE - place))


def _ten_highest(keys: Integers) -> Integers:
    """The ten highest of each row, the highest first; NOTHING where there are fewer."""
    rows, width = keys.shape
    if width > PLACES:
        keys = np.partition(keys, width - PLACES, axis=1)[:, width - PLACES :]
    best_keys = np.full((rows, PLACES), NOTHING)
    best_keys[:, : keys.shape[1]] = np.sort(keys, axis=1)[:, ::-1]
    return best_keys


def _ranks(row: Integers, keys: Integers, digits: int) -> Ranked:
    """From the keys of each row, the highest first."""
    at, column = np.nonzero(keys != NOTHING)
    key = keys[at, column]
    return Ranked(row[at], column + 1, LAST_PLACE - (key & LAST_PLACE), (key >> PLACE_BITS) / 10.0**digits)


def listed(chosen: Ranked, snapshot: Snapshot) -> pd.DataFrame:
    """customer_id, rank, product_id (numbers) and score."""
    return pd.DataFrame(
        {
            "customer_id": snapshot.customers[chosen.row],
            "rank": chosen.rank,
            "product_id": snapshot.shelf.products[chosen.place],
            "score": chosen.score,
        }
    )


def each_once(codes: Integers, *others: Integers) -> Integers:
    """All the codes in order, each once; for whole numbers several times faster than np.unique, which hashes them.

    >>> each_once(np.array([3, 1, 3]), np.array([2, 1])).tolist()
    [1, 2, 3]
    """
    ordered = np.sort(np.concatenate([codes, *others]) if others else codes)
    return ordered[is_first(ordered)]


def is_first(values: Integers) -> np.ndarray:
    """Which of the values begin a run of equal ones."""
    first = np.ones(len(values), dtype=bool)
    np.not_equal(values[1:], values[:-1], out=first[1:])
    return first


def place_within(group: Integers) -> Integers:
    """1, 2, 3, ... within each run of equal values.

    >>> place_within(np.array([4, 4, 7, 7, 7])).tolist()
    [1, 2, 1, 2, 3]
    """
    starts = _starts(group)
    lengths = np.diff(np.r_[starts, len(group)])
    return np.arange(len(group)) - np.repeat(starts, lengths) + 1


def row_of(matrix: Any) -> Integers:
    """The row of each entry of a sparse matrix that is stored by rows."""
    return np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))


def beside(one: Candidates, other: Candidates, rows: int) -> Candidates:
    """Both, by row; what one row has in `one` comes before what it has in `other`."""
    first, second = _ends(one.customer, rows), _ends(other.customer, rows)
    at_one = np.arange(len(one.customer)) + np.r_[0, second][one.customer]
    at_other = np.arange(len(other.customer)) + first[other.customer]
    merged = []
    for name in ("customer", "place", "evidence"):
        own, added = getattr(one, name), getattr(other, name)
        both = np.empty(len(own) + len(added), dtype=own.dtype)
        both[at_one], both[at_other] = own, added
        merged.append(both)
    return Candidates(*merged)


def _starts(group: Integers) -> Integers:
    """Where each run of equal values begins."""
    return np.flatnonzero(is_first(group))


def united(several: Iterable[Candidates]) -> Candidates:
    """All of them, each product once a row."""
    codes = each_once(*((each.customer << PLACE_BITS) | each.place for each in several))
    return Candidates(codes >> PLACE_BITS, codes & (2**PLACE_BITS - 1), np.zeros(len(codes)))


def _ends(row: Integers, rows: int) -> Integers:
    return np.cumsum(np.bincount(row, minlength=rows))
