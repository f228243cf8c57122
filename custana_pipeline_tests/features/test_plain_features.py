"""Every feature of random shops is what plain Python makes of the same lines, on the run's own day and on past ones."""

import datetime as dt
import random
from collections import defaultdict
from typing import Any

import pytest

from custana_pipeline.features.windows import LAST_PLACE
from custana_pipeline_tests.features import plain_features as plain
from custana_pipeline_tests.features.plain_features import Event, Line, Row
from custana_pipeline_tests.features.tiny_shop import TinyShop

CLOCK = ("00:00", "00:20", "09:00", "09:30", "09:30:00.000001", "23:59:59.999999")
PRODUCTS = ("p0", "p1", "p2", "p3", "unknown", None)
EDGES = (0, 1, 7, 8, 30, 31, 90, 91, 180, 181, 364, 365, 366)
"""Days before as_of on which windows begin and end."""
BEGINNINGS = (dt.date(2019, 12, 1), dt.date(2020, 2, 1), dt.date(2023, 2, 20))


def random_shop(pick: random.Random) -> tuple[TinyShop, list[dt.date]]:
    """A shop of a few days to three years, which may lack money, products or events, and days to look back from."""
    shop = TinyShop(last_place=pick.choice([LAST_PLACE, LAST_PLACE // 2]))
    begun, span, count = pick.choice(BEGINNINGS), pick.choice([5, 21, 200, 1000]), pick.choice([5, 40, 150])
    has_money, has_products, has_events = (pick.random() < 0.8 for _ in range(3))
    customers = [f"{letter}{number}" for number in range(pick.choice([1, 4])) for letter in "cÖé"]

    days = sorted({begun + dt.timedelta(days=pick.randrange(1, span + 30)) for _ in range(4)})

    def on() -> str:
        edge = pick.choice(days) - dt.timedelta(days=pick.choice(EDGES))
        return str(edge if pick.random() < 0.5 and edge > begun else begun + dt.timedelta(days=pick.randrange(span)))

    for product in PRODUCTS[:4]:
        shop.sells(str(product), pick.choice(["Z", "a", "Ä", None]))
    for number in range(count):
        amount = pick.choice([0, 9.99, 12.34, 500]) if has_money else None
        line = {"units": pick.choice([1, 2, 0.5]), "returned": pick.random() < 0.2, "at": pick.choice(CLOCK)}
        line |= {"product": pick.choice(PRODUCTS) if has_products else None, "order": f"o{number // 2}"}
        shop.buys(pick.choice(customers), on(), amount, **line)
    for _ in range(count if has_events else 0):
        who, kind = pick.choice([*customers, "looker"]), pick.choice(["view", "cart", "search"])
        shop.browses(who, f"{on()} {pick.choice(CLOCK)}", kind, pick.choice(PRODUCTS))
    for customer in customers[1:]:
        born, signed_up = pick.choice([None, 1950, 2015, 1880]), pick.choice([None, on()])
        shop.knows(customer, birth_year=born, age=pick.choice([None, 5, 30]), gender="male", signed_up_at=signed_up)
    return shop, days


def rows(shop: TinyShop, query: str) -> list[tuple]:
    return shop.connection.execute(query).fetchall()


def expected(shop: TinyShop, days: list[dt.date], horizon_days: int) -> dict[str, dict[tuple, Row]]:
    """Feature table -> as_of and customer -> the columns."""
    lines, events = defaultdict(list), defaultdict(list)
    columns = "order_id, customer_id, product_id, ordered_date, quantity, amount, is_return"
    for line in (Line(*row) for row in rows(shop, f"select {columns} from cleaned.transactions")):
        lines[line.customer].append(line)
    for row in rows(shop, "select customer_id, product_id, event_type, happened_at from cleaned.events"):
        events[row[0]].append(Event(*row))
    records = {row["customer_id"]: row for row in _dicts(shop, "from cleaned.customers")}
    categories = dict(rows(shop, "select product_id, category from cleaned.products"))
    places = dict(
        rows(shop, "select customer_id, ('0x' || md5(customer_id)[:8])::bigint from cleaned.customer_numbers")
    )
    began = min(line.day for each in lines.values() for line in each)
    found: dict[str, dict[tuple, Row]] = defaultdict(dict)
    for day in days:
        past = {who: [line for line in each if line.day < day] for who, each in lines.items()}
        past = {who: each for who, each in past.items() if not all(line.is_return for line in each)}
        seen = {who: [event for event in plain.sessions(events[who]) if event.day < day] for who in past}
        of_all = [event for each in seen.values() for event in each]
        for who in (each for each in past if day == days[-1] or places[each] <= shop.last_place):
            key = (day, who)
            found["activity"][key] = plain.activity(past[who], day, began, horizon_days)
            found["assortment"][key] = plain.assortment(past[who], day, categories)
            found["browsing"][key] = plain.browsing(seen[who], past[who], day, of_all)
            found["demographics"][key] = plain.demographics(records.get(who), day)
            if day + dt.timedelta(days=horizon_days) <= days[-1]:
                found["outcomes"][key] = plain.outcomes(lines[who], day, horizon_days)
    return found


def _dicts(shop: TinyShop, query: str) -> list[Row]:
    found = shop.connection.execute(query)
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _is_same(made: Any, told: Any) -> bool:
    return (
        made == told if made is None or told is None or isinstance(told, str) else made == pytest.approx(told, rel=1e-9)
    )


@pytest.mark.parametrize("seed", range(12))
def test_every_feature_is_what_plain_python_makes_of_the_lines(seed: int) -> None:
    pick = random.Random(seed)
    shop, days = random_shop(pick)
    horizon_days = pick.choice([1, 7, 30, 90, 400])
    shop.build(*map(str, days), outcomes_until=str(days[-1]), horizon_days=horizon_days)
    plainly = expected(shop, days, horizon_days)
    for table in ("activity", "assortment", "browsing", "demographics", "outcomes"):
        made = {(row.pop("as_of"), row.pop("customer_id")): row for row in _dicts(shop, f"from features.{table}")}
        assert made.keys() == plainly[table].keys(), table
        for key, row in made.items():
            wrong = {name: value for name, value in row.items() if not _is_same(value, plainly[table][key][name])}
            assert not wrong, (table, key, {name: plainly[table][key][name] for name in wrong})
