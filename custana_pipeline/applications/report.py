"""The report that a marketer opens: one page without network, scripts or a single customer's row."""

import datetime as dt
from functools import partial
from itertools import accumulate
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from custana_pipeline.applications import charts
from custana_pipeline.applications.report_facts import DecileFacts, ModelFacts, ReportFacts, TotalFacts
from custana_pipeline.applications.report_models import cautions, in_order, model_card, why_untested
from custana_pipeline.applications.report_words import count, money, reason_words, topic_words
from custana_pipeline.models.calibration import wilson_interval

TEMPLATE = "report.html.j2"
DIMENSION_WORDS = {"segment": "By segment", "category": "By category", "location": "By location"}
LIST_WORDS = {
    "buy_again": ("Buy again", "bought before, by habit and by how lately, or bought by many who buy the same"),
    "discover": ("Discover", "never bought by that customer: goes with what they buy, or was looked at"),
}
ROWS_SHOWN = 10
LEAST_IMPORTANCE = 0.001
"""A tenth of a per cent: what matters less is not shown."""


def render_report(facts: ReportFacts) -> str:
    """The whole page as HTML; equal facts give equal bytes, and every text in them is escaped."""
    environment = Environment(
        loader=PackageLoader("custana_pipeline.applications"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        money=partial(money, currency=facts.currency),
        count=count,
        day=_day,
        percent="{:.0%}".format,
        reason=reason_words,
    )
    return environment.get_template(TEMPLATE).render(_context(facts))


def _context(facts: ReportFacts) -> dict[str, Any]:
    yesterday = facts.as_of - dt.timedelta(days=1)
    return {
        "facts": facts,
        "last_foreseen_day": facts.as_of + dt.timedelta(days=facts.horizon_days - 1),
        "trained": [model_card(model) for model in in_order(facts.models)],
        "known_until": min(facts.last_day or yesterday, yesterday),
        "why_untested": why_untested(facts.model("is_recommended")),
        "cautions": cautions(in_order(facts.models)),
        "has_returns": facts.headline.expected_net_amount != facts.headline.expected_amount,
        "behavior_charts": _behavior_charts(facts),
        "value_chart": _value_chart(facts),
        "drivers": drivers(facts.importances),
        "foreseen_of_came": _foreseen_of_came(facts),
        "amount_chart": _amount_chart(facts),
        "totals": [
            (DIMENSION_WORDS[name], bars(facts.totals[name])) for name in DIMENSION_WORDS if facts.totals.get(name)
        ],
        "products": [(*LIST_WORDS[name], facts.products[name]) for name in LIST_WORDS if facts.products.get(name)],
        "set_aside": sum(table.set_aside for table in facts.tables),
        "rejected": sum(table.rejected for table in facts.tables),
    }


def bars(totals: tuple[TotalFacts, ...], shown: int = ROWS_SHOWN) -> list[tuple[TotalFacts, float]]:
    """The first members, each with the length of its bar in per cent of the longest; the rest is added up."""
    kept, cut = (totals[:shown], totals[shown:]) if len(totals) > shown + 1 else (totals, ())
    if cut:
        kept = (*kept, _added(cut))
    sizes = [fact.expected_purchases if fact.expected_amount is None else fact.expected_amount for fact in kept]
    longest = max([*sizes, 1e-9])
    return [(fact, round(100 * size / longest, 1)) for fact, size in zip(kept, sizes, strict=True)]


def _added(totals: tuple[TotalFacts, ...]) -> TotalFacts:
    has_money = totals[0].expected_amount is not None
    return TotalFacts(
        member=f"{len(totals)} more",
        customers=sum(fact.customers for fact in totals),
        expected_purchases=sum(fact.expected_purchases for fact in totals),
        expected_amount=sum(fact.expected_amount or 0 for fact in totals) if has_money else None,
        expected_net_amount=sum(fact.expected_net_amount or 0 for fact in totals) if has_money else None,
    )


def _behavior_charts(facts: ReportFacts) -> dict[str, Markup]:
    model = facts.model("is_recommended")
    if model is None or not model.deciles or not _actual_total(model.deciles):
        return {}
    share = facts.headline.audience / max(facts.headline.customers, 1)
    return {
        "gains": Markup(charts.gains_chart(gains(model.deciles), share)),  # noqa: S704 - drawn and escaped by charts
        "calibration": Markup(  # noqa: S704
            charts.calibration_chart([(tenth.predicted, tenth.actual) for tenth in model.deciles], _intervals(model))
        ),
        "buyers": Markup(  # noqa: S704
            charts.paired_chart(
                [(tenth.customers * tenth.predicted, tenth.customers * tenth.actual) for tenth in model.deciles],
                "",
                "Buyers in each tenth, as foreseen and as they came.",
            )
        ),
    }


def _intervals(model: ModelFacts) -> list[tuple[float, float]]:
    rows = np.array([tenth.customers for tenth in model.deciles])
    lower, upper = wilson_interval(np.array([tenth.actual for tenth in model.deciles]) * rows, rows)
    return list(zip(lower.tolist(), upper.tolist(), strict=True))


def _value_chart(facts: ReportFacts) -> Markup | None:
    if facts.audience is None:
        return None
    words = f"{money(facts.audience.chosen[1], facts.currency, whole=True)} {facts.audience.kind}"
    return Markup(charts.value_chart(facts.audience.points, facts.audience.chosen, words))  # noqa: S704


def drivers(importances: tuple[tuple[str, float], ...], shown: int = 8) -> list[tuple[str, float, float]]:
    """The topics that matter, each with its importance and the length of its bar in per cent of the longest."""
    told = [(topic_words(topic), value) for topic, value in importances[:shown] if value >= LEAST_IMPORTANCE]
    return [(words, value, round(100 * value / told[0][1], 1)) for words, value in told]


def _foreseen_of_came(facts: ReportFacts) -> float | None:
    """Buyers foreseen on the holdout over those that came."""
    model = facts.model("is_recommended")
    if model is None or not _actual_total(model.deciles):
        return None
    return sum(tenth.customers * tenth.predicted for tenth in model.deciles) / _actual_total(model.deciles)


def _amount_chart(facts: ReportFacts) -> Markup | None:
    model = facts.model("future_amount")
    if model is None or not model.deciles:
        return None
    pairs = [(tenth.predicted, tenth.actual) for tenth in model.deciles]
    title = "Mean amount per customer in each tenth, as foreseen and as it came."
    return Markup(charts.paired_chart(pairs, facts.currency if not facts.currency.isalpha() else "", title))  # noqa: S704


def gains(deciles: tuple[DecileFacts, ...]) -> list[tuple[float, float]]:
    """Share of customers and share of the actual total up to and with each tenth, from (0, 0) on."""
    customers, total = sum(tenth.customers for tenth in deciles), _actual_total(deciles)
    addressed = accumulate(tenth.customers / customers for tenth in deciles)
    found = accumulate(tenth.customers * tenth.actual / total for tenth in deciles)
    return [(0.0, 0.0), *zip(addressed, found, strict=True)]


def _actual_total(deciles: tuple[DecileFacts, ...]) -> float:
    return sum(tenth.customers * tenth.actual for tenth in deciles)


def _day(day: dt.date | None) -> str:
    """A day in words: 10 September 2011.

    >>> _day(dt.date(2011, 9, 10))
    '10 September 2011'
    """
    return "–" if day is None else f"{day.day} {day:%B %Y}"
