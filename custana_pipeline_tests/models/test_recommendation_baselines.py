"""The naive rules and rivals on a few purchases, worked out by hand."""

import numpy as np
import pandas as pd

from custana_pipeline.models import recommendation_baselines as baselines
from custana_pipeline.models.recommendation_history import History, Snapshot, shelf_of, snapshot_of
from custana_pipeline.models.recommendation_lists import buy_again_lists
from custana_pipeline.models.recommendation_neighbours import bm25_neighbours, buyers, cosine_neighbours
from custana_pipeline.models.recommendation_ranking import Ranked, listed
from custana_pipeline.models.recommendation_tuning import NAIVE

TODAY = 1_000


def known(*rows: tuple[int, int, int]) -> History:
    """(customer, product, days ago) of purchases of one piece."""
    frame = pd.DataFrame(rows, columns=["customer", "product", "days_ago"])
    return History.of(frame.assign(day=TODAY - frame["days_ago"], net_quantity=1, is_purchase=True))


def seen(history: History) -> Snapshot:
    """Everybody, as of today."""
    return snapshot_of(history, shelf_of(history, TODAY, 50), np.unique(history.customer))


def products(lists: Ranked, customer: int, snapshot: Snapshot | None = None) -> list[int]:
    """The products on one list, best first."""
    made = listed(lists, snapshot or seen(SHOP))
    return made.loc[made["customer_id"] == customer, "product_id"].tolist()


SHOP = known((0, 3, 5), (0, 3, 40), (0, 7, 50), (1, 5, 2), (2, 5, 3), (1, 3, 20), (2, 7, 80), (2, 9, 200))


def test_popularity_counts_the_last_thirty_days_and_is_the_same_for_all() -> None:
    lists = baselines.popularity(seen(SHOP))
    assert products(lists, 0) == products(lists, 1) == [3, 5, 7]


def test_popularity_of_new_leaves_out_what_the_customer_knows() -> None:
    assert products(baselines.popularity_of_new(seen(SHOP)), 0) == [5]


def test_personal_frequency_stops_where_the_customer_bought_no_more() -> None:
    assert products(baselines.personal_frequency(seen(SHOP)), 0) == [3, 7]


def test_the_filled_form_goes_on_with_what_is_popular_and_offers_nothing_out_of_stock() -> None:
    assert products(baselines.personal_frequency_filled(seen(SHOP)), 0) == [3, 7, 5]
    assert products(baselines.personal_frequency_filled(seen(SHOP)), 2) == [5, 7, 3]


def test_the_lists_can_be_made_by_the_filled_rules() -> None:
    rng = np.random.default_rng(2)
    rows = {(int(rng.integers(40)), int(rng.integers(30)), int(rng.integers(1, 300))) for _ in range(900)}
    snapshot = seen(known(*sorted(rows)))
    made = buy_again_lists(snapshot, NAIVE["buy_again"], {})
    for name, rule in (
        ("personal_frequency_filled", baselines.personal_frequency_filled),
        ("personal_frequency_filled_recent", baselines.personal_frequency_filled_recent),
    ):
        expected = rule(snapshot)
        for part in ("row", "rank", "place"):
            assert (getattr(made[name], part) == getattr(expected, part)).all()


def test_the_cosine_of_two_products_is_their_shared_buyers_over_the_root_of_both() -> None:
    history = known((0, 1, 5), (0, 2, 5), (1, 1, 5), (1, 2, 5), (2, 1, 5), (3, 4, 5))
    shelf = shelf_of(history, TODAY, 50)
    near = cosine_neighbours(buyers(history, shelf))
    one, two = shelf.places[1], shelf.places[2]
    assert near[one, two] == near[two, one] == round(2 / np.sqrt(3 * 2), 6)
    assert near[one, shelf.places[4]] == 0


def test_bm25_counts_a_shared_buyer_of_few_products_for_more() -> None:
    many = [(0, product, 5) for product in range(1, 12)]
    history = known(*many, (1, 20, 5), (1, 21, 5), *((2 + number, 30, 5) for number in range(8)))
    shelf = shelf_of(history, TODAY, 50)
    near = bm25_neighbours(buyers(history, shelf))
    assert near[shelf.places[20], shelf.places[21]] > near[shelf.places[1], shelf.places[2]] > 0


def test_neighbours_of_what_was_bought_are_summed_but_one_buyer_in_common_is_chance() -> None:
    both = [(customer, product, 5) for customer in (1, 2) for product in (1, 2)]
    history = known((0, 1, 5), *both, (2, 3, 5), (3, 1, 5), (3, 3, 5), (3, 4, 5))
    snapshot = seen(history)
    near = cosine_neighbours(buyers(history, snapshot.shelf))
    assert products(baselines.neighbours_of_bought(snapshot, near, is_new=True), 0, snapshot) == [2, 3]
