"""What is bought together and by the same customers: as counted plainly, in pieces of whatever size."""

from collections import Counter
from itertools import combinations

import numpy as np
import pytest

from custana_pipeline.models import recommendation_neighbours
from custana_pipeline.models.recommendation_history import PLACE_BITS, History, shelf_of
from custana_pipeline.models.recommendation_neighbours import basket_codes, buyers, cosine_neighbours, neighbours_in

WIDTH = 40


def lines(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Customer, place and days ago of 600 lines; some stand there twice."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, 20, 600), (WIDTH * rng.random(600) ** 2).astype(np.int64), rng.integers(1, 8, 600)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_pairs_within_baskets_are_those_of_a_plain_count(seed: int) -> None:
    customer, place, age = lines(seed)
    baskets: dict[tuple[int, int], set[int]] = {}
    for who, what, ago in zip(customer.tolist(), place.tolist(), age.tolist(), strict=True):
        baskets.setdefault((who, ago), set()).add(what)
    usual = [sorted(each) for each in baskets.values() if len(each) > 1]
    bought = Counter(product for basket in usual for product in basket)
    together = Counter(pair for basket in usual for pair in combinations(basket, 2))
    near = neighbours_in(basket_codes(customer, place, age), WIDTH)
    assert near.nnz > 100
    for one, other in zip(*near.nonzero(), strict=True):
        shared = together[min(one, other), max(one, other)]
        assert near[one, other] == pytest.approx(shared / (bought[one] * bought[other]) ** 0.5, abs=1e-6)


def test_baskets_are_in_order_of_their_age() -> None:
    codes = np.sort(basket_codes(np.array([9, 1, 5]), np.array([3, 2, 1]), np.array([1, 30, 1])))
    assert (codes & (2**PLACE_BITS - 1)).tolist() == [1, 3, 2]


def test_pieces_of_any_size_find_the_same_tastes(monkeypatch: pytest.MonkeyPatch) -> None:
    customer, place, age = lines(4)
    known = History.of_purchases(customer, place, 100 - age)
    bought = buyers(known, shelf_of(known, 100, WIDTH))
    whole = cosine_neighbours(bought)
    monkeypatch.setattr(recommendation_neighbours, "ROWS_AT_ONCE", 7)
    assert whole.nnz > 100
    assert (cosine_neighbours(bought) != whole).nnz == 0


def test_what_was_bought_on_the_day_or_later_is_nobodys_taste_yet() -> None:
    customer, place, age = lines(5)
    known = History.of_purchases(customer, place, 100 - age)
    earlier = shelf_of(known, 96, WIDTH)
    assert (buyers(known, earlier) != buyers(known.before(96), earlier)).nnz == 0
