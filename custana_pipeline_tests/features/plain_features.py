"""Features by plain Python, one customer and day after the other, from the lines as they were cleaned.

Nothing is shared with the SQL models: no windows, no numbers for ids, no days made beforehand.
"""

import datetime as dt
import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable
from decimal import Decimal
from itertools import pairwise
from typing import Any, NamedTuple

Row = dict[str, Any]
SILENCE = dt.timedelta(minutes=30)
EVER = 10**6


class Line(NamedTuple):
    """An order line, in the order of cleaned.transactions."""

    order: str
    customer: str
    product: str | None
    day: dt.date
    units: Decimal
    money: Decimal | None
    is_return: bool


class Event(NamedTuple):
    """A browsing event, in the order of cleaned.events; whether it opens a session is told by `sessions`."""

    customer: str
    product: str | None
    kind: str
    at: dt.datetime
    opens: bool = False

    @property
    def day(self) -> dt.date:
        """The day that it is counted on."""
        return self.at.date()


def sessions(events: Iterable[Event]) -> list[Event]:
    """The events of one customer in order, with those that open a session."""
    told: list[Event] = []
    for event in sorted(events, key=lambda each: each.at):
        told.append(event._replace(opens=not told or event.at - told[-1].at > SILENCE))
    return told


def activity(lines: list[Line], as_of: dt.date, shop_began: dt.date, horizon_days: int) -> Row:
    """features.activity of a customer with these lines before as_of."""
    ago = {line.day: (as_of - line.day).days for line in lines}
    sales, returns = [line for line in lines if not line.is_return], [line for line in lines if line.is_return]
    days = sorted({line.day for line in sales})
    gaps = [(later - earlier).days for earlier, later in pairwise(days)]
    has_money = any(line.money is not None for line in lines)
    spent = {day: _money(line for line in sales if line.day == day) for day in days}

    def amount(chosen: Iterable[dt.date]) -> float | None:
        return float(sum((spent[day] for day in chosen), Decimal(0))) if has_money else None

    row: Row = {
        "recency_days": ago[days[-1]],
        "tenure_days": ago[days[0]],
        "active_span_days": (days[-1] - days[0]).days,
        "purchase_frequency": len(days),
        "repeat_count": len(days) - 1,
        "history_days": (as_of - shop_began).days,
        "order_count": len({(line.day, line.order) for line in sales}),
        "mean_amount": _over(amount(days), len(days)),
        "mean_repeat_amount": _over(amount(days[1:]), len(days) - 1),
        "max_amount": float(max(spent.values())) if has_money else None,
        "last_amount": amount(days[-1:]),
        "mean_gap_days": _over(sum(gaps), len(gaps)),
        "std_gap_days": statistics.stdev(gaps) if len(gaps) > 1 else None,
        "max_gap_days": max(gaps, default=None),
        "last_gap_days": gaps[-1] if gaps else None,
        "recency_to_mean_gap": ago[days[-1]] / (sum(gaps) / len(gaps)) if gaps else None,
        "weekend_share": sum(day.weekday() >= 5 for day in days) / len(days),
        "days_since_return": min((ago[line.day] for line in returns), default=None),
    }
    row |= _windows(lines, spent, ago, has_money)
    year_ago = as_of - dt.timedelta(days=364)
    then = [day for day in days if year_ago <= day < year_ago + dt.timedelta(days=horizon_days)]
    row["purchase_days_year_ago"] = len(then) if shop_began <= year_ago else None
    row["purchase_amount_year_ago"] = amount(then) if shop_began <= year_ago else None
    for half_life in (30, 90, 180):
        left = {day: math.floor(1e6 * 0.5 ** (ago[day] / half_life) + 0.5) for day in days}
        row[f"decayed_purchase_days_{half_life}d"] = sum(left.values()) / 1e6
        decayed = float(sum(left[day] * spent[day] for day in days)) / 1e6
        row[f"decayed_amount_{half_life}d"] = decayed if has_money else None
    for name in ("purchase_days", "purchase_amount"):
        now, before = row[f"{name}_90d"], row[f"{name}_prior_90d"]
        row[f"{name}_trend"] = None if now is None else math.log((1 + now) / (1 + before))
    row["return_share"] = _over(row["return_amount"], row["purchase_amount"])
    return row


def _windows(lines: list[Line], spent: dict[dt.date, Decimal], ago: dict[dt.date, int], has_money: bool) -> Row:
    """What was bought and sent back in each window; `spent` is the money of each day with a purchase."""
    row: Row = {}
    for name, first, last in (
        ("", 1, EVER),
        *((f"_{each}d", 1, each) for each in (7, 30, 90, 365)),
        ("_prior_90d", 91, 180),
    ):
        within = [day for day in spent if first <= ago[day] <= last]
        sent_back = [line for line in lines if line.is_return and first <= ago[line.day] <= last]
        money = float(sum((spent[day] for day in within), Decimal(0))) if has_money else None
        back = -float(_money(sent_back)) if has_money else None
        row[f"purchase_days{name}"] = len(within)
        row[f"purchase_amount{name}"] = money
        row[f"net_amount{name}"] = (money or 0.0) - (back or 0.0) if has_money else None
        row[f"unit_count{name}"] = float(
            sum(line.units for line in lines if not line.is_return and first <= ago[line.day] <= last)
        )
        row[f"return_count{name}"] = len(sent_back)
        row[f"return_amount{name}"] = abs(back) if back is not None else None
    return row


def assortment(lines: list[Line], as_of: dt.date, categories: dict[str, str | None]) -> Row:
    """features.assortment of a customer with these lines before as_of."""
    sales = [line for line in lines if not line.is_return]
    units, days = float(sum(line.units for line in sales)), {line.day for line in sales}
    named = [(line.product, line.day) for line in sales if line.product is not None]
    bought: dict[str, list[dt.date]] = defaultdict(list)
    for product, day in named:
        bought[product].append(day)
    since = as_of - dt.timedelta(days=90)
    recent = [product for product, when in bought.items() if max(when) >= since]
    lines_of = Counter(categories[product] for product, _ in named if categories.get(product) is not None)
    top = min(lines_of, key=lambda each: (-lines_of[each], str(each).encode()), default=None)
    has_money = any(line.money is not None for line in sales)
    return {
        "mean_basket_units": units / len(days),
        "mean_basket_products": len(set(named)) / len(days) if named else None,
        "mean_unit_amount": _over(float(_money(sales)), units) if has_money else None,
        "product_count": len(bought) or None,
        "repeat_product_share": _over(sum(len(set(when)) > 1 for when in bought.values()), len(bought)),
        "new_product_share_90d": _over(sum(min(bought[product]) >= since for product in recent), len(recent)),
        "top_product_share": _over(max((len(when) for when in bought.values()), default=0), len(named)),
        "category_count": len(lines_of) or None,
        "top_category": top,
        "top_category_share": _over(lines_of[top], lines_of.total()),
    }


def browsing(events: list[Event], lines: list[Line], as_of: dt.date, shop: list[Event]) -> Row:
    """features.browsing of a customer; `shop` are the events before as_of of all who had bought by then."""
    row: Row = {}
    ago = {event.day: (as_of - event.day).days for event in shop}
    row["days_since_event"] = (
        min((ago[event.day] for event in events), default=max(ago.values(), default=-1) + 1) or None
    )
    for days in (7, 30, 90):
        within = [event for event in events if ago[event.day] <= days] if shop else None
        row[f"view_count_{days}d"] = _count(within, lambda event: event.kind == "view")
        row[f"cart_count_{days}d"] = _count(within, lambda event: event.kind == "cart")
        row[f"session_count_{days}d"] = _count(within, lambda event: event.opens)
        row[f"browsing_days_{days}d"] = None if within is None else len({event.day for event in within})
    named = [event for event in events if event.product is not None and ago[event.day] <= 90]
    viewed = {event.product for event in named if event.kind == "view"}
    last_bought = {line.product: line.day for line in sorted(lines, key=lambda each: each.day) if not line.is_return}
    carted: dict[str | None, dt.date] = {}
    for event in named:
        if event.kind == "cart":
            carted.setdefault(event.product, event.day)
    has_products = any(event.product is not None and event.kind in ("view", "cart") for event in shop)
    row["viewed_product_count_90d"] = len(viewed) if has_products else None
    row["viewed_unbought_count_90d"] = len(viewed - set(last_bought)) if has_products else None
    kept = [product for product, day in carted.items() if last_bought.get(product, dt.date.min) >= day]
    row["cart_conversion_90d"] = _over(len(kept), len(carted))
    return row


def demographics(record: Row | None, as_of: dt.date) -> Row:
    """features.demographics of a customer with this record, or none."""
    known = record if record and (record["signed_up_at"] is None or record["signed_up_at"] < as_of) else {}
    born, signed_up = known.get("birth_year"), known.get("signed_up_at")
    age = known.get("age") if born is None else as_of.year - born
    return {
        "age": age if age is not None and 10 <= age <= 110 else None,
        "gender": known.get("gender"),
        "location": known.get("location"),
        "signed_up_days": None if signed_up is None else (as_of - signed_up).days,
    }


def outcomes(lines: list[Line], as_of: dt.date, horizon_days: int) -> Row:
    """features.outcomes of a customer with these lines, whenever they were."""
    end = as_of + dt.timedelta(days=horizon_days)
    bought = [line for line in lines if not line.is_return and as_of <= line.day < end]
    return {
        "future_purchase": len({line.day for line in bought}),
        "future_amount": float(_money(bought)) if any(line.money is not None for line in lines) else None,
        "is_recommended": bool(bought),
    }


def _money(lines: Iterable[Line]) -> Decimal:
    return sum((line.money or Decimal(0) for line in lines), Decimal(0))


def _over(value: float | None, count: float | None) -> float | None:
    return value / count if value is not None and count else None


def _count(events: list[Event] | None, is_counted: Any) -> int | None:
    return None if events is None else sum(map(is_counted, events))
