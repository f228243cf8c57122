"""The published rules from which segments get their names: what a segment must show, what it means, what to do.

The first rule in RULES that holds gives the name. A rule looks at four facts of the segment's profile, each 0 to 1:
freshness (how recently its customers bought, as a position among all customers), value (the mean of the positions
by frequency and by money), the lead of money over frequency, and the share of customers with a single purchase.

| name         | freshness | value    | besides                                              |
|--------------|-----------|----------|------------------------------------------------------|
| Champions    | >= 0.75   | >= 0.80  |                                                      |
| Big spenders | >= 0.40   | >= 0.55  | money leads frequency by >= 0.15                     |
| Loyal        | >= 0.55   | >= 0.60  |                                                      |
| At risk      | <  0.55   | >= 0.60  |                                                      |
| New          | >= 0.65   | <  0.60  | single purchase >= 0.45, or first purchase is recent |
| Promising    | >= 0.60   | <  0.60  |                                                      |
| One-time     | <  0.60   | <  0.60  | single purchase >= 0.80                              |
| Lost         | <  0.30   | <  0.40  |                                                      |
| Asleep       | <  0.45   | <  0.60  |                                                      |
| Occasional   | any       | <  0.60  |                                                      |

Where nothing tells when customers bought (flat files): Large baskets (money leads by >= 0.20), Small baskets (trails by
more than 0.20), then High, Middle and Low value (cuts at 0.65 and 0.35).
"""

from dataclasses import dataclass
from math import inf
from typing import Any

import pandas as pd


@dataclass(frozen=True)
class NamingRule:
    """One name, the facts that a segment must show to bear it (low <= fact < high), and what to do about it."""

    name: str
    meaning: str
    suggested_action: str
    freshness: tuple[float, float] = (-inf, inf)
    value: tuple[float, float] = (-inf, inf)
    money_lead: tuple[float, float] = (-inf, inf)
    one_time: tuple[float, float] = (-inf, inf)
    tenure: tuple[float, float] = (-inf, inf)

    def holds(self, facts: "SegmentFacts", slack: float = 0.0) -> bool:
        """Whether every fact that the rule asks about is known and within its bounds, each widened by `slack`."""
        asked = (
            (self.freshness, facts.freshness),
            (self.value, facts.value),
            (self.money_lead, facts.money_lead),
            (self.one_time, facts.one_time),
            (self.tenure, facts.tenure),
        )
        return all((low == -inf and high == inf) or low - slack <= fact < high + slack for (low, high), fact in asked)


@dataclass(frozen=True)
class SegmentFacts:
    """The facts of one segment that rules look at; NaN where the profile does not hold them."""

    freshness: float
    value: float
    money_lead: float
    one_time: float
    tenure: float


_WELCOME = "Welcome them: introduce the range and give a reason for the second purchase."
RULES = (
    NamingRule(
        name="Champions",
        meaning="buy often, spend most and were here lately",
        suggested_action="Reward them: early access and thanks rather than discounts.",
        freshness=(0.75, inf),
        value=(0.80, inf),
    ),
    NamingRule(
        name="Big spenders",
        meaning="spend far more than their number of purchases suggests",
        suggested_action="Offer premium lines and personal service; do not train them to wait for discounts.",
        freshness=(0.40, inf),
        value=(0.55, inf),
        money_lead=(0.15, inf),
    ),
    NamingRule(
        name="Loyal",
        meaning="come back regularly and spend well",
        suggested_action="Keep them: loyalty benefits and products that go with what they buy.",
        freshness=(0.55, inf),
        value=(0.60, inf),
    ),
    NamingRule(
        name="At risk",
        meaning="were good customers and have not bought for a while",
        suggested_action="Win them back now: a personal reminder of what they used to buy, with a time limit.",
        freshness=(-inf, 0.55),
        value=(0.60, inf),
    ),
    NamingRule(
        name="New",
        meaning="made their first purchase lately",
        suggested_action=_WELCOME,
        freshness=(0.65, inf),
        value=(-inf, 0.60),
        one_time=(0.45, inf),
    ),
    NamingRule(
        name="New",
        meaning="joined lately and have bought a few times",
        suggested_action=_WELCOME,
        freshness=(0.65, inf),
        value=(-inf, 0.60),
        tenure=(-inf, 0.25),
    ),
    NamingRule(
        name="Promising",
        meaning="bought lately, though not yet often",
        suggested_action="Build the habit: a follow-up offer in their favourite category.",
        freshness=(0.60, inf),
        value=(-inf, 0.60),
    ),
    NamingRule(
        name="One-time",
        meaning="bought once, some time ago",
        suggested_action="Try one inexpensive second-purchase offer; stop if it stays unanswered.",
        freshness=(-inf, 0.60),
        value=(-inf, 0.60),
        one_time=(0.80, inf),
    ),
    NamingRule(
        name="Lost",
        meaning="bought little and long ago",
        suggested_action="Spend little: at most a seasonal reminder, else leave them out.",
        freshness=(-inf, 0.30),
        value=(-inf, 0.40),
    ),
    NamingRule(
        name="Asleep",
        meaning="have not bought for long",
        suggested_action="Wake them with news of the range; test before offering discounts.",
        freshness=(-inf, 0.45),
        value=(-inf, 0.60),
    ),
    NamingRule(
        name="Occasional",
        meaning="buy now and then",
        suggested_action="Meet them at their season: remind them when they usually buy.",
        freshness=(0.0, inf),
        value=(-inf, 0.60),
    ),
    NamingRule(
        name="Large baskets",
        meaning="buy seldom and much",
        suggested_action="Offer premium lines and sets, and a reason to come back sooner.",
        money_lead=(0.20, inf),
    ),
    NamingRule(
        name="Small baskets",
        meaning="buy often and little",
        suggested_action="Raise the basket: sets, free-delivery thresholds, products that go together.",
        money_lead=(-inf, -0.20),
    ),
    NamingRule(
        name="High value",
        meaning="buy more, and for more, than others",
        suggested_action="Keep them: thanks, early access and personal service.",
        value=(0.65, inf),
    ),
    NamingRule(
        name="Middle value",
        meaning="buy about as much as others",
        suggested_action="Build the habit: a follow-up offer that fits what they bought.",
        value=(0.35, 0.65),
    ),
    NamingRule(
        name="Low value",
        meaning="buy less than others",
        suggested_action="Test an inexpensive second offer before spending more.",
        value=(-inf, 0.35),
    ),
)


def facts_of(row: Any) -> SegmentFacts:
    """What the rules look at, from one row of a profile; without money, value is the position by frequency alone."""
    frequency, money = float(row["frequency_rank"]), float(row["amount_rank"])
    return SegmentFacts(
        freshness=float(row["freshness_rank"]),
        value=float(pd.Series([frequency, money]).mean()),
        money_lead=money - frequency,
        one_time=float(row["one_time_share"]),
        tenure=float(row["tenure_rank"]),
    )
