"""Segments get their names from what they are like, by the rules below, never from the number of a cluster.

The first rule in RULES that holds gives the name. It looks at four facts of the segment's profile, each 0 to 1:
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

Two segments under one rule are told apart by the property in which they differ most. Without purchases in the profile
a segment is called by its traits and its age.
"""

from dataclasses import dataclass
from math import inf
from typing import Any

import pandas as pd

from custana_pipeline.models.segment_order import UNASSIGNED


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

    def holds(self, facts: "SegmentFacts") -> bool:
        """Whether every fact that the rule asks about is known and within its bounds."""
        asked = (
            (self.freshness, facts.freshness),
            (self.value, facts.value),
            (self.money_lead, facts.money_lead),
            (self.one_time, facts.one_time),
            (self.tenure, facts.tenure),
        )
        return all(bounds == (-inf, inf) or bounds[0] <= fact < bounds[1] for bounds, fact in asked)


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
OUTSIDE = "Unlike the rest"
"""The name of customers who belong to no segment."""
_OUTSIDE = NamingRule(
    name=OUTSIDE,
    meaning="resemble no segment",
    suggested_action="Leave them out of segment campaigns; look at the largest ones personally.",
)
_BY_TRAIT = NamingRule(
    name="",
    meaning="stand out by who they are",
    suggested_action="Choose pictures and products that suit this group, and measure what they answer.",
)
_QUALIFIERS = {
    "amount_rank": ("spend", "higher spend", "lower spend"),
    "frequency_rank": ("frequency", "more often", "less often"),
    "freshness_rank": ("recency", "more recent", "less recent"),
    "tenure_rank": ("tenure", "known longer", "known for less long"),
    "age_rank": ("age", "older", "younger"),
}
"""Rank of a profile -> what it measures, and the words for the higher and the lower of two."""


def name_segments(profile: pd.DataFrame) -> pd.DataFrame:
    """segment_id, segment_name, description and suggested_action, one row per row of a `profile_segments` frame.

    Names are unique within the frame and do not depend on its order or on the segment numbers,
    as long as no two segments have the same profile.
    """
    ordered = profile.reset_index(drop=True)
    rules = [_rule_of(row) for _, row in ordered.iterrows()]
    names = _unique([rule.name for rule in rules], ordered)
    return pd.DataFrame(
        {
            "segment_id": ordered["segment_id"],
            "segment_name": pd.Series(names, dtype=str),
            "description": pd.Series(
                [_description(rule, row) for rule, (_, row) in zip(rules, ordered.iterrows(), strict=True)], dtype=str
            ),
            "suggested_action": pd.Series([rule.suggested_action for rule in rules], dtype=str),
        }
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


def _rule_of(row: Any) -> NamingRule:
    if row["segment_id"] == UNASSIGNED:
        return _OUTSIDE
    facts = facts_of(row)
    for rule in RULES:
        if rule.holds(facts):
            return rule
    trait = row["traits"] or _age_label(row["age"]) or "Everyone else"
    return NamingRule(trait[0].upper() + trait[1:], _BY_TRAIT.meaning, _BY_TRAIT.suggested_action)


def _age_label(age: Any) -> str:
    return "" if pd.isna(age) else f"around {age:.0f} years old"


def _unique(names: list[str], profile: pd.DataFrame) -> list[str]:
    told_apart = list(names)
    for name in set(names):
        sharing = [position for position, other in enumerate(names) if other == name]
        if len(sharing) > 1:
            for position, qualifier in _qualifiers(profile.iloc[sharing]).items():
                told_apart[int(position)] = f"{name} ({qualifier})"
    return told_apart


def _qualifiers(alike: Any) -> dict[int, str]:
    spreads = alike[list(_QUALIFIERS)].max() - alike[list(_QUALIFIERS)].min()
    traits = alike["traits"]
    if spreads.max() < 0.05 and traits.nunique() == len(alike) and (traits != "").all():
        return {int(position): str(trait) for position, trait in traits.items()}
    rank = str(spreads.fillna(-1.0).idxmax())
    highest_first = alike.sort_values([rank, "segment_id"], ascending=[False, True]).index
    measure, *words = _QUALIFIERS[rank]
    if len(alike) > len(words):
        words = [f"{place}. of {len(alike)} by {measure}" for place in range(1, len(alike) + 1)]
    return {int(position): word for position, word in zip(highest_first, words, strict=True)}


def _description(rule: NamingRule, row: Any) -> str:
    facts = [f"{row['customer_count']:,} customers ({row['share']:.0%}) who {rule.meaning}"]
    typical = []
    if pd.notna(row["recency_days"]):
        typical.append(f"last purchase {row['recency_days']:,.0f} days ago")
    if pd.notna(row["purchase_frequency"]):
        days = f"{row['purchase_frequency']:,.0f}"
        typical.append(f"{days} purchase day{'' if days == '1' else 's'}")
    if pd.notna(row["purchase_amount"]):
        typical.append(f"{row['purchase_amount']:,.0f} spent")
    if pd.notna(row["age"]):
        typical.append(f"age {row['age']:.0f}")
    if row["traits"]:
        typical.append(f"more often than others {row['traits'].replace('; ', ', ')}")
    return ". ".join([*facts, *(["Typically: " + ", ".join(typical)] if typical else [])]) + "."
