"""What holds of the lists in any shop: served as they were tried, equal customers, other names, the future."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from custana_pipeline.models import recommendation_serving
from custana_pipeline.models.recommendation_history import PLACE_BITS, History, shelf_of, snapshot_of
from custana_pipeline.models.recommendation_lists import ListParameters, buy_again_lists, discover_lists
from custana_pipeline.models.recommendation_neighbours import (
    basket_neighbours,
    buyers,
    cosine_neighbours,
    interests_of,
    speaking,
)
from custana_pipeline.models.recommendation_ranking import listed
from custana_pipeline.models.recommendation_tuning import DEFAULTS, NAIVE, list_parameters
from custana_pipeline.orchestration import recommendation_queries, recommendation_tables
from custana_pipeline.stores.session import Session
from custana_pipeline_tests.applications.shop import AS_OF, RECOMMENDATIONS, Shop

LINES = ("customer", "product", "days_ago", "quantity")
LISTS = (
    "select customer_id, list, rank, product_id, score, reason from applications.product_recommendations order by all"
)

TASTEFUL = {
    "buy_again": ListParameters(240, 14, 0.6, taste_weight=1.0),
    "discover": ListParameters(180, 14, 1.0, trend_power=0.5, taste_weight=0.1),
}


def random_lines(seed: int) -> list[tuple[str, str, int, int]]:
    """800 lines of 30 customers and 40 products, the first of each more often; one in ten is sent back."""
    rng = np.random.default_rng(seed)
    return [
        (
            f"c{int(30 * rng.random() ** 2):02d}",
            f"p{int(40 * rng.random() ** 2):02d}",
            int(1 + 300 * rng.random() ** 2),
            -1 if rng.random() < 0.1 else 2,
        )
        for _ in range(800)
    ]


def fill(shop: Shop, lines: list[tuple[str, str, int, int]]) -> None:
    """All lines in one insert."""
    frame = pd.DataFrame(lines, columns=list(LINES))
    days = pd.to_datetime([AS_OF - dt.timedelta(days=int(days)) for days in frame["days_ago"]])
    shop.connection.register("lines", frame.assign(day=days))
    shop.connection.execute("""insert into cleaned.transactions
        select customer || day, customer, product, day, day, quantity, 10, quantity < 0 from lines""")
    shop.connection.unregister("lines")


def build(shop: Shop, parameters: dict[str, ListParameters]) -> None:
    """The recommendations by these parameters."""
    shop.recommend(list_parameters(parameters))


def on_arrays(shop: Shop, parameters: dict[str, ListParameters]) -> dict[str, pd.DataFrame]:
    """The same lists as the tuning makes them; customers and products are numbered in the order of their names."""
    numbered = """with customers as (select customer_id, row_number() over (order by customer_id) - 1 as customer
        from (select distinct customer_id from cleaned.transactions)),
        products as (select product_id, row_number() over (order by product_id) - 1 as product
        from (select distinct product_id from cleaned.transactions)) """
    lines = shop.connection.execute(f"""{numbered} select customer, product,
        date_diff('day', date '1970-01-01', ordered_date) as day, cast(sum(quantity) as double) as net_quantity,
        bool_or(not is_return) as is_purchase from cleaned.transactions join customers using (customer_id)
        join products using (product_id) group by all""").df()
    events = shop.connection.execute(f"""{numbered} select customer, product,
        date_diff('day', date '1970-01-01', happened_date) as day, bool_or(event_type = 'cart') as is_cart
        from cleaned.events join customers using (customer_id) join products using (product_id) group by all""").df()
    day = (AS_OF - dt.date(1970, 1, 1)).days
    known = History.of(lines).before(day)
    shelf = shelf_of(known, day, 40)
    snapshot = snapshot_of(known, shelf, np.unique(known.customer[known.is_purchase]))
    baskets, tastes = basket_neighbours(known, shelf), cosine_neighbours(buyers(known, shelf))
    spoken = {each.taste_weight: speaking(baskets, tastes, each.taste_weight) for each in parameters.values()}
    interests = interests_of(events, snapshot)
    made = {
        "buy_again": buy_again_lists(snapshot, {"it": parameters["buy_again"]}, spoken)["it"],
        "discover": discover_lists(snapshot, {"it": parameters["discover"]}, spoken, interests)["it"],
    }
    return {name: listed(each, snapshot) for name, each in made.items()}


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(
    "parameters",
    [
        DEFAULTS,
        {"buy_again": ListParameters(90, 30, 0.3), "discover": ListParameters(180, 30, 0.5, 1.0, 1.0)},
        TASTEFUL,
        {
            "buy_again": NAIVE["buy_again"]["personal_frequency_filled_recent"],
            "discover": NAIVE["discover"]["popularity"],
        },
    ],
)
def test_what_is_served_is_what_was_tried(shop: Shop, seed: int, parameters: dict[str, ListParameters]) -> None:
    fill(shop, random_lines(seed))
    for number in range(20):
        shop.looks_at(f"c{number:02d}", f"p{20 + number:02d}", number, event_type="cart" if number % 3 else "view")
    build(shop, parameters)
    made = on_arrays(shop, parameters)
    for name, expected in made.items():
        found = shop.connection.execute(f"""select dense_rank() over (order by customer_id) - 1 as customer_id, rank,
            score from applications.product_recommendations where list = '{name}' order by customer_id, rank""").df()
        assert len(found) == len(expected)
        assert (found[["customer_id", "rank"]].to_numpy() == expected[["customer_id", "rank"]].to_numpy()).all()
        assert found["score"].to_numpy() == pytest.approx(expected["score"].to_numpy(), abs=2e-6)


@pytest.mark.parametrize("parameters", [DEFAULTS, TASTEFUL])
def test_ranges_of_customers_give_the_lists_of_all_at_once(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, parameters: dict[str, ListParameters]
) -> None:
    fill(shop, random_lines(7))
    monkeypatch.setattr(recommendation_tables, "MOST_CUSTOMERS", 12)
    build(shop, parameters)
    at_once = shop.rows(LISTS)
    monkeypatch.setattr(recommendation_serving, "MOST_CELLS", 1)
    monkeypatch.setattr(recommendation_tables, "_borders", lambda *_: [0, 7, 19, 30])
    build(shop, parameters)
    assert shop.rows(LISTS) == at_once


def test_tastes_are_learned_from_the_customers_that_the_lists_were_tried_on(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(shop, [line for line in random_lines(7) if line[0] < "c20" or line[2] > 120])
    build(shop, TASTEFUL)
    everybodys = shop.rows(LISTS)
    recommendation_queries.number(Session(shop.connection), AS_OF)
    named = "inner join cleaned.customer_numbers using (customer_number)"
    tried = f"select customer_id from numbered_customers {named} order by customer"
    served = "select customer_id from applications.list_customers order by sample_number"
    assert shop.rows(served) == shop.rows(tried)
    assert max(shop.rows(f"from ({served}) limit 15")) < ("c20",)
    monkeypatch.setattr(recommendation_tables, "MOST_CUSTOMERS", 5)
    build(shop, TASTEFUL)
    assert shop.rows(LISTS) != everybodys


def test_equal_customers_get_equal_lists(shop: Shop) -> None:
    lines = random_lines(4)
    fill(shop, lines + [("twin", product, ago, quantity) for who, product, ago, quantity in lines if who == "c05"])
    build(shop, dict(DEFAULTS))
    own, twin = ([row[1:] for row in shop.rows(LISTS) if row[0] == who] for who in ("c05", "twin"))
    assert own == twin
    assert len(own) > 10


def test_other_product_ids_change_nothing_but_ties(shop: Shop) -> None:
    lines = random_lines(5)
    fill(shop, lines)
    build(shop, dict(DEFAULTS))
    scores = "select customer_id, list, rank, score from applications.product_recommendations order by all"
    before = shop.rows(scores)
    shop.connection.execute("delete from cleaned.transactions")
    fill(shop, [(who, f"p{39 - int(product[1:]):02d}", ago, quantity) for who, product, ago, quantity in lines])
    build(shop, dict(DEFAULTS))
    after = shop.rows(scores)
    assert [row[:3] for row in before] == [row[:3] for row in after]
    assert sum(abs(one[3] - other[3]) > 1e-6 for one, other in zip(before, after, strict=True)) < 0.05 * len(before)


def test_nothing_at_or_after_the_day_moves_a_list(shop: Shop) -> None:
    fill(shop, random_lines(6))
    build(shop, dict(DEFAULTS))
    before = shop.rows(LISTS)
    fill(shop, [(f"c{number % 30:02d}", f"p{number % 40:02d}", -(number % 5), 3) for number in range(200)])
    shop.looks_at("c01", "p39", 0)
    build(shop, dict(DEFAULTS))
    assert shop.rows(LISTS) == before


def test_a_customer_with_nothing_but_returns_gets_no_list(shop: Shop) -> None:
    shop.buys("anna", "tea", 10)
    shop.buys("bert", "tea", 10, quantity=-1)
    shop.build(*RECOMMENDATIONS)
    assert shop.rows("select distinct customer_id from applications.product_recommendations") == [("anna",)]


def test_where_there_is_one_product_its_buyer_has_nothing_to_discover(shop: Shop) -> None:
    shop.buys("anna", "tea", 10)
    shop.build(*RECOMMENDATIONS)
    assert shop.recommended("anna", "buy_again") == ["tea"]
    assert shop.recommended("anna", "discover") == []


def test_demand_today_decides_between_equal_habits(shop: Shop) -> None:
    for product in ("scarf", "sandal"):
        shop.buys("anna", product, 40)
    for customer in ("bert", "cleo"):
        shop.buys(customer, "sandal", 3)
        shop.buys(customer, "scarf", 80)
    shop.build(*RECOMMENDATIONS)
    assert shop.recommended("anna", "buy_again") == ["sandal", "scarf"]


def test_of_more_products_than_places_have_bits_the_most_sold_stay(shop: Shop) -> None:
    room = 1 << PLACE_BITS
    shop.rows(f"""insert into cleaned.transactions
        select 'o', 'anna', 'p' || range, timestamp '2024-06-20', date '2024-06-20', 1, 1, false
        from range({room + 3})""")
    shop.buys("bert", f"p{room + 2}", 5)
    shop.build("product_popularity")
    recommendation_queries.number(Session(shop.connection), AS_OF)
    for table, number in (("applications.product_popularity", "popularity_rank - 1"), ("numbered_products", "product")):
        assert shop.rows(f"select count(*), min({number}), max({number}) from {table}") == [(room, 0, room - 1)]
    assert shop.rows("select product_id from applications.product_popularity where popularity_rank = 1") == [
        (f"p{room + 2}",)
    ]
