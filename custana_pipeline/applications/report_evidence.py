"""From frames to the facts that the report is told; customers are counted here and never named."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from custana_pipeline.applications.customer_value import BY_DAYS_ALONE
from custana_pipeline.applications.recommended_customers import score_deciles
from custana_pipeline.applications.report_facts import (
    DecileFacts,
    Headline,
    MoveFacts,
    OfferFacts,
    ProductFacts,
    ReasonFacts,
    SegmentFacts,
    TableFacts,
    TotalFacts,
    ValueFacts,
)

_MEANS = {"predicted": ("predicted", "mean"), "actual": ("actual", "mean")}
FILLER = "popular in "
"""How the reason of a recommendation begins that only fills a list up."""
FOLDED = -2
"""The number of several segments, of which each has fewer than 10 customers who went the same way."""
NORMAL_80 = 1.2816
"""Half the width of the central 80 % of the normal distribution, in standard deviations."""


def headline(recommended: pd.DataFrame, forecast: pd.DataFrame, amount_holdout: pd.DataFrame | None = None) -> Headline:
    """The numbers at the top, from the two lists and the amount champion's holdout (actual, predicted)."""
    amounts = forecast["expected_amount"].to_numpy(dtype=float)
    has_money = bool(np.isfinite(amounts).any())
    total = float(np.nansum(amounts))
    lower, upper = total_interval(total, len(forecast), amount_holdout)
    audience = recommended["is_recommended"].to_numpy(dtype=bool)
    p_buy = recommended["p_buy"].to_numpy(dtype=float)
    return Headline(
        customers=len(recommended),
        expected_buyers=float(p_buy.sum()),
        expected_purchases=float(forecast["expected_purchases"].to_numpy(dtype=float).sum()),
        audience=int(audience.sum()),
        control=int(recommended["is_control"].to_numpy(dtype=bool).sum()),
        audience_buyers=float(p_buy[audience].sum()),
        expected_amount=total if has_money else None,
        lower_amount=lower if has_money else None,
        upper_amount=upper if has_money else None,
        expected_net_amount=float(np.nansum(forecast["expected_net_amount"].to_numpy(dtype=float)))
        if has_money
        else None,
    )


def total_interval(total: float, customers: int, holdout: pd.DataFrame | None) -> tuple[float | None, float | None]:
    """The 80 % interval of a total, or (None, None) without a holdout of any worth.

    Two errors are added in quadrature: the chance of single customers (the holdout's residuals, scaled to as many
    customers), and how far the holdout's own total was off as a share, which is the error that all customers share.
    """
    if holdout is None or len(holdout) < 2 or total <= 0:
        return None, None
    actual, predicted = holdout["actual"].to_numpy(dtype=float), holdout["predicted"].to_numpy(dtype=float)
    if predicted.sum() <= 0:
        return None, None
    scale = (total / customers) / predicted.mean()
    by_chance = NORMAL_80 * np.std(actual - predicted) * scale * np.sqrt(customers)
    in_common = abs(actual.sum() / predicted.sum() - 1) * total
    half_width = float(np.hypot(by_chance, in_common))
    return max(total - half_width, 0.0), total + half_width


def value(customers: pd.DataFrame) -> ValueFacts | None:
    """The totals of the list customer_value; None where it is empty or nothing is expected."""
    years = np.sort(customers["year_value"].to_numpy(dtype=float))[::-1]
    if years.sum() <= 0:
        return None
    return ValueFacts(
        horizon=float(customers["horizon_value"].to_numpy(dtype=float).sum()),
        year=float(years.sum()),
        best_tenth=float(years[: -(-len(years) // 10)].sum() / years.sum()),
        by_days_alone=bool(customers["note"].str.contains(BY_DAYS_ALONE, regex=False).any()),
    )


def deciles(holdout: pd.DataFrame) -> tuple[DecileFacts, ...]:
    """The tenths of a holdout (actual, predicted), best predictions first; equal predictions share a tenth."""
    rows = pd.DataFrame({"actual": holdout["actual"].astype(float), "predicted": holdout["predicted"].astype(float)})
    rows = rows.assign(decile=score_deciles(rows["predicted"].to_numpy().round(6)))
    means = rows.groupby("decile").agg(customers=("actual", "size"), **_MEANS).reset_index()
    return tuple(
        DecileFacts(int(row["decile"]), int(row["customers"]), float(row["predicted"]), float(row["actual"]))
        for row in means.to_dict("records")
    )


def tables(line_counts: pd.DataFrame) -> tuple[TableFacts, ...]:
    """What became of each table's lines, from cleaned.line_counts (table_name, status, reason, line_count)."""
    return tuple(
        _table(str(name), counts.groupby(["status", "reason"], dropna=False)["line_count"].sum())
        for name, counts in line_counts.groupby("table_name", sort=False)
    )


def _table(name: str, counts: Any) -> TableFacts:
    by_status = {status: int(counts.loc[status].sum()) for status in counts.index.unique(level="status")}
    reasons = [
        ReasonFacts(str(status), str(reason), int(lines))
        for (status, reason), lines in counts.items()
        if status != "kept"
    ]
    return TableFacts(
        table=name,
        lines=int(counts.sum()),
        kept=by_status.get("kept", 0),
        set_aside=by_status.get("set_aside", 0),
        rejected=by_status.get("rejected", 0),
        reasons=tuple(sorted(reasons, key=lambda fact: (-fact.lines, fact.reason))),
    )


def segments(
    profiles: pd.DataFrame, offers: pd.DataFrame, meanings: Mapping[str, tuple[str, str]]
) -> tuple[SegmentFacts, ...]:
    """The segments, largest expected amount first; `meanings` maps a name to (what it means, what to do)."""
    facts = [_segment(row, offers, meanings) for row in profiles.to_dict("records")]
    return tuple(sorted(facts, key=lambda fact: (-(fact.expected_amount or 0), -fact.customers, fact.name)))


def _segment(row: Mapping[Any, Any], offers: pd.DataFrame, meanings: Mapping[str, tuple[str, str]]) -> SegmentFacts:
    own = offers.sort_values("rank").to_dict("records")
    meaning, action = meanings.get(row["segment_name"], ("", ""))
    return SegmentFacts(
        name=row["segment_name"],
        customers=int(row["customers"]),
        share=float(row["share"]),
        meaning=meaning,
        suggested_action=action,
        recency_days=known(row["median_recency_days"]),
        purchase_frequency=known(row["mean_purchase_frequency"]),
        purchase_amount=known(row["mean_purchase_amount"]),
        age=known(row["mean_age"]),
        gender=_top(row["top_gender"], row["top_gender_share"]),
        location=_top(row["top_location"], row["top_location_share"]),
        expected_purchases=known(row["expected_purchases"]),
        expected_amount=known(row["expected_amount"]),
        offers=tuple(
            OfferFacts(str(offer["product_name"]), float(offer["lift"]), int(offer["buyers"]))
            for offer in own
            if offer["segment_id"] == row["segment_id"]
        ),
    )


def moves(segment_migrations: pd.DataFrame) -> tuple[MoveFacts, ...]:
    """Who is in another segment than on the last list, or new, most customers first; folded cells are among them."""
    before, now = segment_migrations["from_segment_id"], segment_migrations["to_segment_id"]
    elsewhere: Any = segment_migrations[(before != now) | (before == FOLDED)]
    ordered = elsewhere.sort_values(["customers", "from_segment_id", "to_segment_id"], ascending=[False, True, True])
    return tuple(
        MoveFacts(row["from_segment_name"], row["to_segment_name"], int(row["customers"]), known(row["share"]))
        for row in ordered.to_dict("records")
    )


def totals(demand_totals: pd.DataFrame) -> dict[str, tuple[TotalFacts, ...]]:
    """The demand totals by dimension, the largest first; 'all others' and 'not stated' come last."""
    facts = {
        str(dimension): tuple(sorted((_total(row) for row in rows.to_dict("records")), key=_by_size))
        for dimension, rows in demand_totals.groupby("dimension")
    }
    return {dimension: members for dimension, members in facts.items() if dimension != "all"}


def _total(row: Mapping[Any, Any]) -> TotalFacts:
    return TotalFacts(
        member=str(row["member"]),
        customers=int(row["customers"]),
        expected_purchases=float(row["expected_purchases"]),
        expected_amount=known(row["expected_amount"]),
        expected_net_amount=known(row["expected_net_amount"]),
    )


def _by_size(fact: TotalFacts) -> tuple[bool, float, float, str]:
    is_rest = fact.member in ("all others", "not stated")
    return is_rest, -(fact.expected_amount or 0), -fact.expected_purchases, fact.member


def products(listed: pd.DataFrame, count: int = 10) -> dict[str, tuple[ProductFacts, ...]]:
    """The products that stand on most customers' lists, by list.

    `listed` has a row per list and product: list, product_id, shown (its name), customers, first_places.
    """
    found: dict[str, tuple[ProductFacts, ...]] = {}
    for name, rows in listed.groupby("list"):
        best: Any = rows.sort_values(["customers", "product_id"], ascending=[False, True]).head(count)
        found[str(name)] = tuple(
            ProductFacts(str(row["shown"]), int(row["customers"]), int(row["first_places"]))
            for row in best.to_dict("records")
        )
    return found


def known(value: Any) -> float | None:
    """The number, or None where it is missing."""
    return None if value is None or pd.isna(value) else float(value)


def _top(name: Any, share: Any) -> tuple[str, float] | None:
    return None if name is None or pd.isna(name) or pd.isna(share) else (str(name), float(share))
