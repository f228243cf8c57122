"""Lists of a day that are made again on their own."""

import datetime as dt
from pathlib import Path

from custana_pipeline.orchestration.assets.list_building import POPULARITY, segment_offers_of
from custana_pipeline.stores.session import Session
from custana_pipeline_tests.applications.shop import AS_OF, Shop
from custana_pipeline_tests.orchestration.packs import project


def test_offers_of_a_day_are_the_same_when_they_are_made_again_after_a_later_day(tmp_path: Path) -> None:
    shop, sample = Shop(), project("sample", tmp_path)
    for number in range(12):
        for segment, product in ((1, "tea"), (2, "coffee")):
            customer = f"{product}{number}"
            shop.puts_into(segment, f"segment {segment}", customer)
            shop.buys(customer, product, 10)
    session, offers = Session(shop.connection), "select segment_id, product_id, lift from applications.segment_offers"
    segment_offers_of(session, sample, AS_OF)
    assert sorted(shop.rows(offers)) == [(1, "tea", 2.0), (2, "coffee", 2.0)]
    shop.rows(f"update {POPULARITY} set as_of = date '{AS_OF + dt.timedelta(days=1)}'")
    segment_offers_of(session, sample, AS_OF)
    assert sorted(shop.rows(offers)) == [(1, "tea", 2.0), (2, "coffee", 2.0)]
