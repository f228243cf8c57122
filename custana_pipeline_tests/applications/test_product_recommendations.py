"""What to offer: the buy-again and the discover list, from a few rows."""

from dataclasses import replace

import pytest

from custana_pipeline.applications.contracts import ProductRecommendations
from custana_pipeline.models import recommendation_serving
from custana_pipeline.models.recommendation_tuning import DEFAULTS, list_parameters
from custana_pipeline.orchestration import recommendation_tables
from custana_pipeline_tests.applications.shop import AS_OF, RECOMMENDATIONS, Shop


def _reason(shop: Shop, customer: str, which: str, product: str) -> str:
    query = f"""select reason from applications.product_recommendations
        where customer_id = '{customer}' and list = '{which}' and product_id = '{product}'"""
    return shop.rows(query)[0][0]


def test_what_a_customer_buys_often_and_lately_stands_first(shop: Shop) -> None:
    for days_ago in (80, 50, 20):
        shop.buys("anna", "tea", days_ago)
    shop.buys("anna", "coffee", 85)
    for product in ("coffee", "tea"):
        shop.buys("bert", product, 5)
    shop.build(*RECOMMENDATIONS)
    assert shop.recommended("anna", "buy_again") == ["tea", "coffee"]
    assert _reason(shop, "anna", "buy_again", "tea") == "bought on 3 days, last 20 days ago"
    assert _reason(shop, "anna", "buy_again", "coffee") == "bought on 1 day, last 85 days ago"


def test_a_short_list_is_filled_with_what_is_popular(shop: Shop) -> None:
    shop.buys("anna", "tea", 10)
    for customer in ("bert", "cleo"):
        shop.buys(customer, "coffee", 3)
    shop.buys("bert", "cocoa", 3)
    shop.build(*RECOMMENDATIONS)
    assert shop.recommended("anna", "buy_again") == ["tea", "coffee", "cocoa"]
    assert _reason(shop, "anna", "buy_again", "coffee") == "popular in the last 14 days"


def test_every_customer_gets_ten_products_however_many_of_the_popular_ones_she_knows(shop: Shop) -> None:
    for number in range(30):
        for customer in ("anna", "bert"):
            shop.buys(customer, f"p{number:02d}", 5 + number)
    shop.buys("cleo", "p00", 400)
    shop.buys("dora", None, 400)
    for number in range(30, 45):
        shop.buys("erik", f"p{number:02d}", 60)
    shop.build(*RECOMMENDATIONS)
    counts = shop.rows("""select customer_id, list, count(*) from applications.product_recommendations
        group by customer_id, list order by customer_id, list""")
    assert counts == [
        (customer, which, 10)
        for customer in ("anna", "bert", "cleo", "dora", "erik")
        for which in ("buy_again", "discover")
    ]
    assert not set(shop.recommended("anna", "discover")) & {f"p{number:02d}" for number in range(30)}


def test_what_was_sent_back_whole_is_neither_bought_again_nor_discovered(shop: Shop) -> None:
    shop.buys("anna", "hat", 30, quantity=2)
    shop.buys("anna", "hat", 20, quantity=-2)
    shop.buys("anna", "tea", 30, quantity=2)
    shop.buys("anna", "tea", 20, quantity=-1)
    shop.buys("bert", "hat", 5)
    shop.build(*RECOMMENDATIONS)
    assert shop.recommended("anna", "buy_again") == ["tea"]
    assert shop.recommended("anna", "discover") == []


def test_what_nobody_has_bought_for_ninety_days_is_not_offered(shop: Shop) -> None:
    shop.buys("anna", "umbrella", 91)
    shop.buys("anna", "tea", 90)
    shop.build(*RECOMMENDATIONS)
    assert shop.recommended("anna", "buy_again") == ["tea"]


def test_a_line_on_the_day_itself_is_not_yet_known(shop: Shop) -> None:
    shop.buys("anna", "tea", 1)
    shop.buys("anna", "coffee", 0)
    shop.buys("bert", "tea", 0)
    shop.looks_at("anna", "coffee", 0)
    shop.build(*RECOMMENDATIONS)
    assert shop.rows("select distinct customer_id, product_id from applications.product_recommendations") == [
        ("anna", "tea")
    ]


def test_what_goes_with_her_products_is_discovered_and_the_reason_names_it(shop: Shop) -> None:
    shop.sells("pot", "Tea pot")
    for customer in ("bert", "cleo", "dora"):
        shop.buys(customer, "pot", 40)
        shop.buys(customer, "cup", 40)
    for customer in ("bert", "cleo", "dora", "erik"):
        shop.buys(customer, "soap", 10)
    shop.buys("anna", "pot", 60)
    shop.build(*RECOMMENDATIONS)
    assert shop.recommended("anna", "discover") == ["cup", "soap"]
    assert _reason(shop, "anna", "discover", "cup") == "often bought with Tea pot"
    assert _reason(shop, "anna", "discover", "soap") == "popular in the last 14 days"


def test_what_buyers_of_her_products_buy_at_other_times_is_offered_where_tastes_count(shop: Shop) -> None:
    shop.sells("pot", "Tea pot")
    for customer in ("bert", "cleo", "dora"):
        shop.buys(customer, "pot", 40)
        shop.buys(customer, "cup", 30)
    for customer in ("erik", "fred", "gina", "hans"):
        shop.buys(customer, "soap", 10)
    shop.buys("anna", "pot", 60)
    tasteful = {which: replace(each, taste_weight=1.0) for which, each in DEFAULTS.items()}
    shop.recommend({"as_of": AS_OF, **list_parameters(tasteful)})
    assert shop.recommended("anna", "buy_again") == ["pot", "cup", "soap"]
    assert shop.recommended("anna", "discover") == ["cup", "soap"]
    for which in ("buy_again", "discover"):
        assert _reason(shop, "anna", which, "cup") == "bought by many who bought Tea pot"
        assert _reason(shop, "anna", which, "soap") == "popular in the last 14 days"


def test_what_was_sent_back_whole_is_not_offered_for_taste_either(shop: Shop) -> None:
    for customer in ("bert", "cleo"):
        shop.buys(customer, "pot", 40)
        shop.buys(customer, "cup", 30)
    shop.buys("anna", "pot", 60)
    shop.buys("anna", "cup", 50)
    shop.buys("anna", "cup", 45, quantity=-1)
    shop.recommend({"as_of": AS_OF, **list_parameters({w: replace(d, taste_weight=1.0) for w, d in DEFAULTS.items()})})
    assert shop.recommended("anna", "buy_again") == ["pot"]


def test_what_was_looked_at_and_not_bought_is_discovered(shop: Shop) -> None:
    shop.buys("anna", "tea", 10)
    for product in ("cup", "pot", "soap"):
        shop.buys("bert", product, 10)
    for days_ago in (2, 3, 3):
        shop.looks_at("anna", "pot", days_ago)
    shop.looks_at("anna", "cup", 2, event_type="cart")
    shop.looks_at("anna", "tea", 2)
    shop.looks_at("anna", "soap", 31)
    shop.build(*RECOMMENDATIONS)
    assert shop.recommended("anna", "discover") == ["cup", "pot", "soap"]
    assert _reason(shop, "anna", "discover", "pot") == "viewed on 2 days, not bought yet"
    assert _reason(shop, "anna", "discover", "cup") == "in the cart on 1 day, not bought yet"


def test_equal_evidence_gives_equal_scores(shop: Shop) -> None:
    for product in ("tea", "coffee"):
        shop.buys("anna", product, 10)
        shop.buys("bert", product, 10)
    shop.build(*RECOMMENDATIONS)
    lists = shop.frame("applications.product_recommendations")
    assert len(set(lists.loc[lists["list"] == "buy_again", "score"])) == 1


def test_a_source_without_products_gives_no_rows(shop: Shop) -> None:
    shop.buys("anna", None, 10)
    shop.build(*RECOMMENDATIONS)
    assert shop.rows("select count(*) from applications.product_recommendations") == [(0,)]


def test_the_list_keeps_its_contract(shop: Shop) -> None:
    for number in range(12):
        shop.buys("anna", f"p{number}", 10)
        shop.buys("bert", f"p{number}", 10 + number)
    shop.buys("cleo", "p1", 4)
    shop.build(*RECOMMENDATIONS)
    assert len(ProductRecommendations.validate(shop.frame("applications.product_recommendations"))) == 40


@pytest.mark.parametrize("customers_a_batch", [50, 100_000])
def test_customers_who_sent_the_only_product_back_have_empty_lists(
    shop: Shop, customers_a_batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(140):
        shop.buys(f"c{number:03}", "tea", 10)
        if number >= 70:
            shop.buys(f"c{number:03}", "tea", 9, quantity=-1)
    monkeypatch.setattr(recommendation_serving, "MOST_CELLS", 1)
    monkeypatch.setattr(recommendation_tables, "BLOCKS_A_BATCH", 1)
    monkeypatch.setattr(recommendation_tables, "CUSTOMERS_A_BATCH", customers_a_batch)
    shop.build(*RECOMMENDATIONS)
    assert shop.rows("select count(*), max(customer_id) from applications.product_recommendations") == [(70, "c069")]
    shop.rows("delete from cleaned.transactions where customer_id < 'c070'")
    shop.build(*RECOMMENDATIONS)
    assert shop.rows("select count(*) from applications.product_recommendations") == [(0,)]
