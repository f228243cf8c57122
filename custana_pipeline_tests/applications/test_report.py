"""The report: one page, safe, whole, and honest about what it does not know."""

import datetime as dt
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from custana_pipeline.applications.report import bars, drivers, gains, render_report
from custana_pipeline.applications.report_facts import (
    AbsentFacts,
    AudienceFacts,
    DecileFacts,
    FileFacts,
    Headline,
    ModelFacts,
    OfferFacts,
    ProductFacts,
    ReasonFacts,
    ReportFacts,
    SegmentFacts,
    TableFacts,
    TotalFacts,
    ValueFacts,
)
from custana_pipeline.applications.report_words import money, reason_words

DAY = dt.date(2024, 7, 1)
DECILES = tuple(DecileFacts(number + 1, 10, 0.9 - number / 12, 0.8 - number / 15) for number in range(10))
BEHAVIOR = ModelFacts(
    target="is_recommended",
    state="TRAINED",
    champion="random_forest",
    best_naive="recency",
    beats_naive=True,
    metrics={"holdout_roc_auc": 0.81},
    naive_metrics={"holdout_roc_auc": 0.76},
    deciles=DECILES,
    holdout=dt.date(2024, 4, 2),
)
FACTS = ReportFacts(
    source="shop",
    description="A shop",
    as_of=DAY,
    horizon_days=90,
    headline=Headline(1000, 300.0, 450.0, 300, 15, 210.0, 12345.0, 10000.0, 15000.0, 11800.0),
    currency="€",
    first_day=dt.date(2023, 1, 1),
    last_day=dt.date(2025, 1, 1),
    tables=(TableFacts("transactions", 100, 90, 6, 4, (ReasonFacts("rejected", "negative_price", 4),)),),
    models=(BEHAVIOR,),
    segments=(SegmentFacts("Loyal", 400, 0.4, "come back", "Thank them.", offers=(OfferFacts("Tea", 2.5, 40),)),),
    totals={"location": (TotalFacts("Oslo", 600, 300.0, 9000.0, 8000.0), TotalFacts("Bergen", 400, 150.0, 3345.0))},
    products={"buy_again": (ProductFacts("Tea pot", 200, 50),)},
    files=(FileFacts("recommended_customers", 1000, "Whom to address.", {"p_buy": "probability"}),),
    absent=(AbsentFacts("browsing", "the source has no events"),),
    versions={"code": "abc123"},
)


class _Tags(HTMLParser):
    void = frozenset({"meta", "br", "img", "link", "input", "hr"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.names: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in self.void:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def _parsed(page: str) -> _Tags:
    tags = _Tags()
    tags.feed(page)
    return tags


def test_the_page_is_well_formed_and_needs_neither_network_nor_scripts() -> None:
    page = render_report(FACTS)
    tags = _parsed(page)
    assert tags.open == []
    assert {address[:1] for address in tags.addresses} == {"#"}
    assert not tags.names & {"script", "link", "iframe"}
    assert "url(" not in page
    assert "@import" not in page


def test_every_anchor_leads_somewhere() -> None:
    page = render_report(FACTS)
    assert set(re.findall(r'href="#(\w+)"', page)) <= set(re.findall(r'id="(\w+)"', page))


def test_the_same_facts_give_the_same_page() -> None:
    assert render_report(FACTS) == render_report(FACTS)


def test_the_headline_is_told_in_the_sources_currency() -> None:
    page = render_report(FACTS)
    assert "€12,345" in page
    assert "80% range €10,000 to €15,000" in page
    assert "Address the <b>285</b>" in page


def test_a_name_from_the_data_cannot_become_markup() -> None:
    hostile = replace(
        FACTS,
        description="<script>alert(1)</script>",
        products={"discover": (ProductFacts('<img src="x">', 20, 1),)},
        segments=(SegmentFacts("<b>bold</b>", 20, 0.2),),
    )
    page = render_report(hostile)
    assert not _parsed(page).names & {"script", "img"}
    assert "&lt;b&gt;bold&lt;/b&gt;" in page


def test_a_model_that_did_not_beat_naive_is_named_at_the_top_and_in_its_place() -> None:
    page = render_report(replace(FACTS, models=(replace(BEHAVIOR, beats_naive=False, champion="recency"),)))
    assert "Read with care" in page
    assert "naive not beaten" in page
    assert "better than naive" not in page


def test_a_model_that_beat_naive_stands_beside_its_figures() -> None:
    page = render_report(FACTS)
    assert "Read with care" not in page
    assert re.search(r"puts a buyer before a non-buyer</td><td class=\"n\">81%</td><td class=\"n\">76%", page)


def test_too_little_data_is_said_with_its_reason() -> None:
    untrained = ModelFacts("is_recommended", "NOT_TRAINABLE", "12 customers, at least 50 are needed")
    page = render_report(replace(FACTS, models=(untrained,)))
    assert page.count("12 customers, at least 50 are needed") == 2
    assert "<svg" not in page


def test_a_source_without_money_products_and_segments_has_a_whole_report() -> None:
    bare = ReportFacts("shop", "", DAY, 90, Headline(10, 3.0, 4.0, 3, 0, 2.0))
    page = render_report(bare)
    assert _parsed(page).open == []
    assert "the source has no money" in page
    assert "product_recommendations.csv" not in page


def test_the_report_knows_nothing_of_the_day_itself_and_later() -> None:
    assert "1 January 2023 to 30 June 2024" in render_report(FACTS)


def test_reasons_are_told_in_words() -> None:
    assert "a negative price" in render_report(FACTS)
    assert reason_words("some_new_code") == "some new code"


def test_what_is_absent_is_told_with_its_reason() -> None:
    assert "the source has no events" in render_report(FACTS)


def test_gains_end_with_everybody() -> None:
    points = gains(DECILES)
    assert points[0] == (0, 0)
    assert points[-1] == pytest.approx((1, 1))


def test_members_beyond_the_tenth_are_added_up() -> None:
    rows = bars(tuple(TotalFacts(f"m{number}", 10, 1.0, 100.0 - number) for number in range(13)))
    last, length = rows[-1]
    assert (last.member, last.customers, last.expected_amount) == ("3 more", 30, 267.0)
    assert length == 100


def test_an_unknown_amount_is_a_dash() -> None:
    assert money(None, "€") == "–"


def test_the_worth_of_the_audience_is_drawn_with_its_test_and_its_assumptions() -> None:
    audience = AudienceFacts(
        "profit", ((0.0, 0.0), (0.4, 90.0), (1.0, 20.0)), (0.4, 90.0), True, "10% of it.", (80.0, 95.0)
    )
    page = render_report(replace(FACTS, audience=audience))
    assert _parsed(page).open == []
    assert "highest profit" in page
    assert "were expected to bring €80; they brought €95" in page
    assert "10% of it." in page
    plain = render_report(replace(FACTS, audience=replace(audience, kind="revenue", is_best=False, tested=None)))
    assert "Set <code>contact_cost</code>" in plain


def test_what_drives_the_scores_is_told_in_words_and_what_hardly_matters_is_left_out() -> None:
    assert drivers((("recency", 0.2), ("shoe_size", 0.1), ("range", 0.0))) == [
        ("how lately they bought", 0.2, 100.0),
        ("shoe size", 0.1, 50.0),
    ]
    assert "how lately they bought" in render_report(replace(FACTS, importances=(("recency", 0.2),)))


@pytest.mark.parametrize(("level", "words"), [("none", "Are tonight"), ("alarm", "The customers have changed.")])
def test_drift_is_told_where_trust_is(level: str, words: str) -> None:
    page = render_report(replace(FACTS, drift=(level, "recency days (higher) <moved>")))
    assert words in page
    assert "&lt;moved&gt;" in page


def test_the_value_of_a_year_is_told_beside_that_of_the_horizon() -> None:
    page = render_report(replace(FACTS, value=ValueFacts(11800.0, 40000.0, 0.56, False)))
    assert "worth €11,800 within the 90 days and €40,000 within a year" in page
    assert "the best tenth of them holds 56% of the year. <code>customer_value.csv</code>" in page
    page = render_report(replace(FACTS, value=ValueFacts(11800.0, 40000.0, 0.56, True)))
    assert "by the number of days alone" in page
    assert "within a year" not in render_report(FACTS)


def test_nobody_is_left_alone_where_nobody_was_drawn_for_control() -> None:
    page = render_report(replace(FACTS, headline=replace(FACTS.headline, control=0)))
    assert "nobody left out as control" in page
    assert "<code>is_control</code> = true alone" not in page
    assert "<code>is_control</code> = true alone" in render_report(FACTS)
