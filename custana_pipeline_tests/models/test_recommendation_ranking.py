"""The ten best of many candidates are those of a plain sort, whatever the ties, the lengths and what is ruled out."""

import numpy as np
import pytest
from scipy import sparse

from custana_pipeline.models.recommendation_companions import BILLION, Asked, companions_of
from custana_pipeline.models.recommendation_history import MILLION
from custana_pipeline.models.recommendation_lists import MOST_HABITS, strongest
from custana_pipeline.models.recommendation_ranking import RULED_OUT, Candidates, Ranked, pool_in, pool_of, ranked

LENGTHS = [0, 1, 9, 10, 11, 15, 16, 17, 40, 0, 300, 1_500]
WIDTH = 3_000


def candidates(steps: int, seed: int, ruled_out: float = 0.1) -> Candidates:
    """Rows of every length; evidence in so many steps, so that few steps make many ties."""
    random = np.random.default_rng(seed)
    customer = np.repeat(np.arange(len(LENGTHS)), LENGTHS)
    place = np.concatenate([random.permutation(WIDTH)[:length] for length in LENGTHS])
    evidence = random.integers(0, steps, len(place)) / steps
    evidence[random.random(len(place)) < ruled_out] = 2 * RULED_OUT
    return Candidates(customer, place, evidence)


def sorted_plainly(every: Candidates, worth: np.ndarray, line: tuple[float, float], digits: int) -> list[tuple]:
    found = []
    for row in range(len(LENGTHS)):
        own = np.flatnonzero((every.customer == row) & (every.evidence > RULED_OUT))
        score = np.floor((every.evidence[own] * line[0] + line[1]) * worth[every.place[own]] * 10.0**digits + 0.5)
        best = own[np.lexsort((every.place[own], -score))][:10]
        found += [(row, rank + 1, place) for rank, place in enumerate(every.place[best].tolist())]
    return found


def told(lists: Ranked) -> list[tuple]:
    return list(zip(lists.row.tolist(), lists.rank.tolist(), lists.place.tolist(), strict=True))


@pytest.mark.parametrize("steps", [1, 3, 50, 10**6])
@pytest.mark.parametrize("line", [(1.0, 0.001), (0.0, 0.1), (3.0, 0.0)])
@pytest.mark.parametrize("digits", [2, 9])
def test_the_ten_best_are_those_of_a_plain_sort(steps: int, line: tuple[float, float], digits: int) -> None:
    for seed in range(3):
        every = candidates(steps, seed)
        worth = np.random.default_rng(seed).integers(1, 5, WIDTH) / 4
        assert told(ranked(pool_of(every, WIDTH), worth, line, digits)) == sorted_plainly(every, worth, line, digits)


def test_of_a_row_with_nothing_but_what_is_ruled_out_nothing_is_listed() -> None:
    every = candidates(5, seed=1, ruled_out=1.0)
    assert told(ranked(pool_of(every, WIDTH), np.ones(WIDTH))) == []


def test_a_matrix_gives_the_pool_of_its_entries() -> None:
    every = candidates(50, seed=4, ruled_out=0.0)
    matrix = sparse.csr_matrix((every.evidence + 1, (every.customer, every.place)), shape=(len(LENGTHS), WIDTH))
    entries = Candidates(every.customer, every.place, every.evidence + 1)
    worth = np.random.default_rng(4).random(WIDTH)
    assert told(ranked(pool_in(matrix), worth)) == told(ranked(pool_of(entries, WIDTH), worth))


def test_the_strongest_habits_are_those_of_a_plain_sort_with_ties_going_to_what_is_sold_more() -> None:
    every = candidates(20, seed=2, ruled_out=0.0)
    weights = np.round(every.evidence * MILLION) / MILLION
    kept = strongest(Candidates(every.customer, every.place, weights), len(LENGTHS))
    for row in range(len(LENGTHS)):
        own = np.flatnonzero(every.customer == row)
        best = own[np.lexsort((every.place[own], -weights[own]))][:MOST_HABITS]
        assert kept.place[kept.customer == row].tolist() == every.place[np.sort(best)].tolist()


def test_the_companion_is_the_habit_that_speaks_most_also_where_places_share_their_last_bits() -> None:
    random = np.random.default_rng(3)
    neighbour = random.integers(0, 4, (WIDTH, 10)) * 1_024 % WIDTH + random.integers(0, 3, (WIDTH, 10))
    weight = random.integers(0, 4, (WIDTH, 10)) / 4
    own = sparse.random_array((20, WIDTH), density=0.01, rng=random, format="csr")
    place = np.array([0, 1, 2, 1_024, 1_025, 2_048, 2_050, 77, 78, 79])
    lists = Ranked(np.repeat(np.arange(20), 10), np.tile(np.arange(1, 11), 20), np.tile(place, 20), np.zeros(200))
    asked = random.random(200) < 0.8
    others = Asked(lists, np.flatnonzero(random.random(200) < 0.5), own.data * 2)
    several = [others, Asked(lists, np.flatnonzero(asked), own.data)]
    _, (affinity, companion) = companions_of(several, own, (neighbour, weight))
    assert affinity.max() > 0
    for entry in range(200):
        habits = own[[lists.row[entry]]]
        parts: dict[int, list[int]] = {}
        for product, evidence in zip(habits.indices.tolist(), habits.data, strict=True):
            shares = np.floor(BILLION * evidence * weight[product][neighbour[product] == lists.place[entry]] + 0.5)
            if asked[entry] and len(shares):
                parts[product] = shares.astype(int).tolist()
        assert affinity[entry] == sum(map(sum, parts.values()))
        assert companion[entry] == (min(parts, key=lambda each: (-max(parts[each]), each)) if parts else 0)
