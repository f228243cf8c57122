"""What features are about, and how a customer's own value reads in a sentence.

Features that tell nearly the same (purchases in 30, 90 and 365 days) are one topic: replaced together, named once.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Topic:
    """Features that are explained as one; `lead` are those that the sentence may quote, the first present one is."""

    name: str
    pattern: str
    lead: tuple[str, ...]
    phrase: Callable[[Any, str], str]


def _days_ago(value: Any, _: str) -> str:
    return f"last bought {_count(value, 'day')} ago" if _known(value) else "no purchase on record"


def _purchases(value: Any, name: str) -> str:
    return f"{_count(value, 'purchase day')}{_within(name)}" if _known(value) else "no purchase history"


def _money(value: Any, name: str) -> str:
    return f"spent {_amount(value) if value else 'nothing'}{_within(name)}" if _known(value) else "no money on record"


def _basket(value: Any, _: str) -> str:
    return f"spends {_amount(value)} on a purchase day" if _known(value) else "no money on record"


def _rhythm(value: Any, _: str) -> str:
    return f"usually {_count(value, 'day')} between purchases" if _known(value) else "has bought on one day only"


def _trend(value: Any, name: str) -> str:
    what, steady = ("spends", "as much") if "amount" in name else ("buys", "as often")
    if not _known(value) or abs(value) < 1e-9:
        return f"{what} {steady} as in the quarter before"
    change = ("more" if value > 0 else "less") + ("" if "amount" in name else " often")
    return f"{what} {change} than in the quarter before"


def _season(value: Any, name: str) -> str:
    if not _known(value):
        return "no history of a year ago"
    if "amount" in name:
        return f"spent {_amount(value) if value else 'nothing'} in the same season a year ago"
    return f"{_count(value, 'purchase day')} in the same season a year ago"


def _tenure(value: Any, _: str) -> str:
    return f"first bought {_count(value, 'day')} ago" if _known(value) else "no first purchase on record"


def _returns(value: Any, name: str) -> str:
    if not _known(value) or value == 0:
        return "returned nothing"
    return f"{_count(value, 'returned line')}{_within(name)}" if "count" in name else "has returned goods"


def _range(value: Any, name: str) -> str:
    if not _known(value):
        return "no products on record"
    return f"has bought {_count(value, 'product')}" if name == "product_count" else "the range of products bought"


def _browsing(value: Any, name: str) -> str:
    kind = next((word for word in ("view", "cart", "session", "search") if word in name), "visit")
    if not _known(value):
        return "no browsing on record"
    if name == "days_since_event":
        return f"last visited {_count(value, 'day')} ago"
    return f"{_count(value, kind)}{_within(name)}"


def _pace(value: Any, name: str) -> str:
    if not _known(value):
        return "no usual pace known"
    return f"{value:.0%} likely to buy at their usual pace" if name == "btyd_p_buy" else _plain(value, name)


def _plain(value: Any, name: str) -> str:
    label = name.replace("_", " ")
    if not _known(value):
        return f"{label} unknown"
    return f"{label} {value}" if isinstance(value, str) else f"{label} {_amount(value)}"


TOPICS = (
    Topic("pace", r"btyd_.*", ("btyd_p_buy",), _pace),
    Topic("season", r".*_year_ago", ("purchase_days_year_ago", "purchase_amount_year_ago"), _season),
    Topic("trend", r".*_trend|.*_prior_\d+d", ("purchase_days_trend", "purchase_amount_trend"), _trend),
    Topic("recency", r"recency_days", ("recency_days",), _days_ago),
    Topic("tenure", r"tenure_days|active_span_days|signed_up_days|history_days", ("tenure_days",), _tenure),
    Topic("rhythm", r".*gap.*", ("mean_gap_days", "last_gap_days"), _rhythm),
    Topic("returns", r".*return.*", ("return_count_365d", "return_count"), _returns),
    Topic("browsing", r"view.*|cart.*|session.*|browsing.*|search.*|days_since_event",
          ("view_count_90d", "session_count_90d", "cart_count_90d", "days_since_event"), _browsing),
    Topic("range", r".*product.*|.*categor.*|weekend_share", ("product_count",), _range),
    Topic("basket", r"mean_amount|mean_repeat_amount|max_amount|last_amount|mean_basket_.*|mean_unit_amount",
          ("mean_amount", "last_amount"), _basket),
    Topic("money", r"(decayed_|net_|purchase_)*amount.*|unit_count.*",
          ("purchase_amount_365d", "purchase_amount_90d", "purchase_amount"), _money),
    Topic("frequency", r"(decayed_)?purchase_(days|frequency).*|order_count.*|repeat_count",
          ("purchase_days_365d", "purchase_days_90d", "purchase_frequency"), _purchases),
)  # fmt: skip


def topic_of(feature: str) -> Topic:
    """The topic of a feature; one that the table does not know is its own."""
    for topic in TOPICS:
        if re.fullmatch(topic.pattern, feature):
            return topic
    return Topic(feature, re.escape(feature), (feature,), _plain)


def phrase_of(topic: Topic, values: Mapping[str, Any]) -> str:
    """The topic in words, with the customer's own value of the first lead feature that there is.

    >>> phrase_of(topic_of("recency_days"), {"recency_days": 1})
    'last bought 1 day ago'
    """
    for name in (*topic.lead, *values):
        if name in values:
            return topic.phrase(values[name], name)
    return topic.name


def _known(value: Any) -> bool:
    if value is None or isinstance(value, str):
        return value is not None
    return math.isfinite(float(value))


def _count(value: Any, word: str) -> str:
    number = round(float(value))
    return f"{number:,} {word}{'' if number == 1 else 's'}" if number else f"no {word}s"


def _amount(value: Any) -> str:
    number = float(value)
    return f"{number:,.0f}" if abs(number) >= 10 or number == round(number) else f"{number:,.2f}"


def _within(name: str) -> str:
    match = re.search(r"_(\d+)d$", name)
    return f" in the last {match[1]} days" if match else " so far"
