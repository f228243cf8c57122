"""Histories of random shops are what plain Python makes of their purchase days, whether customers come again or not."""

import datetime as dt
import random
from collections import defaultdict

import pytest

from custana_pipeline_tests.features.tiny_shop import TinyShop

AS_OF = dt.date(2020, 7, 1)
DAYS = [dt.date(2020, 2, 1), dt.date(2020, 3, 15), dt.date(2020, 6, 10), AS_OF]
HORIZON = 45


def _shop(pick: random.Random, has_money: bool) -> TinyShop:
    """Many customers with a day or two, some of them on as_of or later, and some who only send back."""
    shop = TinyShop()
    for number in range(40):
        for _ in range(pick.choice([1, 1, 1, 2, 5])):
            on = dt.date(2020, 1, 1) + dt.timedelta(days=pick.randrange(30) * 7)
            amount = pick.choice([5, 9.99]) if has_money else None
            shop.buys(f"c{number}", str(on), amount, returned=pick.random() < 0.1)
    return shop


def _expected(shop: TinyShop) -> list[tuple]:
    days = defaultdict(list)
    query = "select customer_number, ordered_date, gross_amount from features.purchase_days where is_purchase_day"
    for customer, on, amount in shop.connection.execute(query).fetchall():
        days[customer].append((on, amount))
    found = defaultdict(list)
    for as_of in DAYS:
        for bought in days.values():
            past = sorted(on for on, _ in bought if on < as_of)
            if past:
                key = (as_of, len(past) - 1, (past[-1] - past[0]).days, (as_of - past[0]).days)
                found[key].append((bought, as_of))
    return sorted((*key, len(customers), *_sums(customers)) for key, customers in found.items())


def _sums(customers: list) -> list[float | None]:
    """What the customers of a history have spent, and how many of them bought how often for how much in two windows."""
    as_of = customers[0][1]
    sums = [_total([amount for bought, _ in customers for on, amount in bought if on < as_of])]
    for length in (HORIZON, 30):
        within = [[amount for on, amount in bought if 0 <= (on - as_of).days < length] for bought, _ in customers]
        counts = [sum(map(bool, within)), sum(map(len, within)), _total([each for one in within for each in one])]
        counts[2] = 0 if counts[2] is None and sums[0] is not None else counts[2]
        is_over = (AS_OF - as_of).days >= length
        sums += [None if each is None or not is_over else float(each) for each in counts]
    return sums


def _total(amounts: list) -> float | None:
    known = [amount for amount in amounts if amount is not None]
    return float(sum(known)) if known else None


@pytest.mark.parametrize("has_money", [True, False])
@pytest.mark.parametrize("seed", range(4))
def test_histories_are_those_of_each_customer(seed: int, has_money: bool) -> None:
    shop = _shop(random.Random(seed), has_money)
    shop.build(*map(str, DAYS), outcomes_until=str(AS_OF), horizon_days=HORIZON)
    assert shop.connection.execute("from features.histories order by all").fetchall() == _expected(shop)
