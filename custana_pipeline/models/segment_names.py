"""Segments get their names from what they are like, by the rules of segment_rules, never from a cluster's number.

A segment that had a name keeps it while it has not clearly become something else: while its own rule holds within
TOLERANCE, and no rule above it holds by more than that. So a segment on a border does not change names every night.

Two segments under one rule are told apart by the property in which they differ most, and stay told apart by it. Without
purchases in the profile a segment is called by its traits and its age.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pandas as pd

from custana_pipeline.models.segment_order import UNASSIGNED
from custana_pipeline.models.segment_profile import LEAST_TOLD
from custana_pipeline.models.segment_rules import RULES, NamingRule, facts_of

TOLERANCE = 0.05
"""How far outside its rule a segment keeps its name, and how far inside a higher one it must be to lose it."""
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


def name_segments(profile: pd.DataFrame, before: Mapping[int, str] | None = None) -> pd.DataFrame:
    """segment_id, segment_name, description and suggested_action, one row per row of a `profile_segments` frame.

    `before` holds the names that segments bear already. Names are unique within the frame. Without earlier names they
    do not depend on its order or on the segment numbers, as long as no two segments have the same profile.
    """
    ordered, borne = profile.reset_index(drop=True), before or {}
    rules = [_kept_rule(row, borne) or _rule_of(row) for _, row in ordered.iterrows()]
    names = _unique([rule.name for rule in rules], ordered, borne)
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


def _kept_rule(row: Any, before: Mapping[int, str]) -> NamingRule | None:
    """The rule of the name that the segment bears, unless its facts have clearly left it."""
    name, facts = _base(before.get(int(row["segment_id"]), "")), facts_of(row)
    own = [rule for rule in RULES if rule.name == name and rule.holds(facts, TOLERANCE)]
    if not own:
        return None
    for rule in RULES:
        if rule.name == name:
            break
        if rule.holds(facts, -TOLERANCE):
            return None
    return next((rule for rule in own if rule.holds(facts)), own[0])


def _base(name: str) -> str:
    return name.split(" (")[0]


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


def _unique(names: list[str], profile: pd.DataFrame, before: Mapping[int, str]) -> list[str]:
    told_apart = list(names)
    for name in set(names):
        sharing = [position for position, other in enumerate(names) if other == name]
        if len(sharing) > 1:
            alike: Any = profile.iloc[sharing]
            for position, told in (_kept_names(alike, name, before) or _qualified(alike, name)).items():
                told_apart[int(position)] = told
    return told_apart


def _kept_names(alike: Any, name: str, before: Mapping[int, str]) -> dict[int, str]:
    """The names that the segments of one rule bear, if they are the same as before and still in the same order."""
    borne = {int(position): before.get(int(segment), "") for position, segment in alike["segment_id"].items()}
    members = {segment for segment, told in before.items() if _base(told) == name}
    if members != {int(segment) for segment in alike["segment_id"]}:
        return {}
    for rank in _QUALIFIERS:
        words = [f"{name} ({word})" for word in _words(rank, len(alike))]
        if sorted(words) == sorted(borne.values()):
            place = {told: float(alike[rank][position]) for position, told in borne.items()}
            in_order = all(place[better] >= place[worse] - TOLERANCE for better, worse in pairwise(words))
            return borne if in_order else {}
    return {}


def _qualified(alike: Any, name: str) -> dict[int, str]:
    return {position: f"{name} ({qualifier})" for position, qualifier in _qualifiers(alike).items()}


def _words(rank: str, count: int) -> list[str]:
    measure, *words = _QUALIFIERS[rank]
    return words if count == len(words) else [f"{place}. of {count} by {measure}" for place in range(1, count + 1)]


def _qualifiers(alike: Any) -> dict[int, str]:
    spreads = alike[list(_QUALIFIERS)].max() - alike[list(_QUALIFIERS)].min()
    traits = alike["traits"]
    if spreads.max() < 0.05 and traits.nunique() == len(alike) and (traits != "").all():
        return {int(position): str(trait) for position, trait in traits.items()}
    rank = str(spreads.fillna(-1.0).idxmax())
    highest_first = alike.sort_values([rank, "segment_id"], ascending=[False, True]).index
    return {int(position): word for position, word in zip(highest_first, _words(rank, len(alike)), strict=True)}


def _description(rule: NamingRule, row: Any) -> str:
    facts = [f"{row['customer_count']:,} customers ({row['share']:.0%}) who {rule.meaning}"]
    if row["customer_count"] < LEAST_TOLD:
        return f"{facts[0]}."
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
