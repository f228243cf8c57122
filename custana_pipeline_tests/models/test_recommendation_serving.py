"""Both lists from one product of matrices, beside each from a product of its own."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from custana_pipeline.models import recommendation_serving
from custana_pipeline.models.recommendation_companions import packed
from custana_pipeline.models.recommendation_history import PLACE_BITS
from custana_pipeline.models.recommendation_lists import MOST_HABITS, ListParameters
from custana_pipeline.models.recommendation_offer import LISTS, Offer
from custana_pipeline.models.recommendation_ranking import each_once
from custana_pipeline.models.recommendation_serving import Known, served_lists

CUSTOMERS, WIDTH = 60, 400
FADED_DAYS = 30_000


def known(seed: int) -> Known:
    """Some customers know nothing, some more than a hundred products; habits fade, and things are sent back."""
    random = np.random.default_rng(seed)
    counts = random.choice([0, 1, 8, 40, 150], CUSTOMERS)
    customer = np.repeat(np.arange(CUSTOMERS), counts)
    place = (random.random(len(customer)) ** 2 * WIDTH).astype(int)
    age = np.where(random.random(len(customer)) < 0.2, FADED_DAYS, random.integers(1, 900, len(customer)))
    bought = packed(customer, place)
    unbought = packed(random.integers(0, CUSTOMERS, 20), random.integers(0, WIDTH, 20))
    doubtful = each_once(bought[random.random(len(bought)) < 0.1], unbought)
    looked_at = each_once(packed(random.integers(0, CUSTOMERS, 150), random.integers(0, WIDTH, 150)))
    return Known(
        customers=CUSTOMERS,
        purchases=each_once(packed(customer, place, age)),
        doubtful=doubtful,
        is_kept=np.isin(doubtful, bought) & (random.random(len(doubtful)) < 0.5),
        looked_at=looked_at,
        viewed_days=random.integers(1, 4, len(looked_at)),
        cart_days=random.integers(0, 2, len(looked_at)),
    )


def offer(seed: int) -> Offer:
    """Ten neighbours a product, and demands of which many are equal or nearly so."""
    random = np.random.default_rng(seed)
    column = np.concatenate([random.choice(WIDTH, 10, replace=False) for _ in range(WIDTH)])
    weight = random.integers(1, 1_000_000, WIDTH * 10) / 1e6
    speaking = sparse.csr_matrix((weight, column, np.arange(0, WIDTH * 10 + 1, 10)), shape=(WIDTH, WIDTH))
    demand = {which: np.round(random.random(WIDTH), 1) + random.integers(0, 3, WIDTH) / 1e9 for which in LISTS}
    parameters = {
        "buy_again": ListParameters(240, 14, 0.6, taste_weight=1.0),
        "discover": ListParameters(45, 14, 1.0, taste_weight=1.0),
    }
    return Offer(demand, dict.fromkeys(LISTS, speaking), parameters)


def test_both_lists_from_one_product_of_matrices_are_those_of_one_each() -> None:
    for seed in range(5):
        customers, shared = known(seed), offer(seed)
        assert np.bincount(each_once(customers.purchases >> 16) >> PLACE_BITS).max() > MOST_HABITS
        apart = replace(shared, speaking={**shared.speaking, "buy_again": shared.speaking["buy_again"].copy()})
        assert shared.is_shared
        assert not apart.is_shared
        for one, other in zip(served_lists(customers, shared), served_lists(customers, apart), strict=True):
            assert one.keys() == other.keys()
            for name in one:
                assert np.array_equal(one[name], other[name]), name


def test_blocks_come_in_order_and_no_more_of_them_are_made_than_are_soon_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(recommendation_serving, "MOST_IN_BLOCK", 64)
    monkeypatch.setattr(recommendation_serving, "AHEAD", 3)
    begun: list[int] = []
    made = recommendation_serving._lists_of
    monkeypatch.setattr(
        recommendation_serving, "_lists_of", lambda block, *given: begun.append(block.customers) or made(block, *given)
    )
    many = replace(known(1), customers=64 * 20 + 5)
    blocks = served_lists(many, offer(1))
    first = next(blocks)
    assert len(begun) <= 1 + 3
    customers = np.concatenate([each["customer"] for each in (first, *blocks)])
    assert len(begun) == 21
    assert (np.diff(customers) >= 0).all()
    assert set(customers) == set(range(many.customers))
