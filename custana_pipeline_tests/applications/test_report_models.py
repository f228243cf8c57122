"""Who serves and why, the season, and the backtest, as the report tells them."""

import datetime as dt
from dataclasses import replace

import pandas as pd
import pytest

from custana_pipeline.applications.charts import origins_chart
from custana_pipeline.applications.report_facts import ModelFacts
from custana_pipeline.applications.report_models import (
    cautions,
    in_order,
    level_words,
    model_card,
    origin_facts,
    tag,
    verdict,
    why_untested,
)
from custana_pipeline.models.level import Level

PROMOTED = ModelFacts(
    target="is_recommended",
    state="TRAINED",
    champion="levelled_blend",
    best_naive="bg_nbd",
    beats_naive=True,
    gains={"over_naive_gain": 0.063, "over_naive_lower": 0.045, "over_naive_upper": 0.083},
)
AGAINST = {"over_champion_gain": -0.004, "over_champion_lower": -0.011, "over_champion_upper": 0.003}
KEPT = replace(PROMOTED, kept_version="levelled_blend-2026-01-01-a18b242f", gains={**PROMOTED.gains, **AGAINST})
NAIVE = replace(PROMOTED, champion="bg_nbd", beats_naive=False)
UNJUDGED = ModelFacts("future_purchase", "UNJUDGED", "UNJUDGED: ...", champion="bg_nbd", best_naive="bg_nbd")
DAYS = (dt.date(2025, 8, 19), dt.date(2025, 10, 3))


def test_a_promoted_model_is_told_with_its_gain_over_the_naive_rule() -> None:
    assert tag(PROMOTED) == ("promoted", "good")
    assert verdict(PROMOTED) == (
        "Blend of models with season serves: its error was 6.3% lower (95% interval 4.5% to 8.3%) than that of the "
        "best naive rule (BG/NBD, everybody at their usual pace)."
    )


def test_a_refreshed_champion_is_told_beside_the_one_so_far() -> None:
    told = verdict(replace(KEPT, kept_version=""))
    assert "Against the champion so far it was 0.4% higher (95% interval -0.3% to 1.1%)" in told


def test_a_champion_that_stays_is_told_with_its_day_and_why_nothing_took_its_place() -> None:
    assert tag(KEPT) == ("champion stays", "good")
    assert verdict(KEPT) == (
        "The champion of 1 January 2026 stays, blend of models with season: the error of tonight's challenger was 0.4% "
        "higher (95% interval -0.3% to 1.1%), which is not enough to take its place."
    )
    assert "no candidate could be judged" in verdict(replace(KEPT, gains={}))


def test_a_champion_that_stays_without_beating_naive_is_not_told_as_good() -> None:
    behind = replace(KEPT, beats_naive=False)
    assert tag(behind) == ("champion stays", "poor")
    assert cautions([behind]) == ["For “Who will buy” nothing tried was clearly better than a naive rule."]


def test_a_naive_rule_that_serves_says_how_near_the_best_model_came() -> None:
    assert tag(NAIVE) == ("naive not beaten", "poor")
    assert "the rule “BG/NBD, everybody at their usual pace” serves" in verdict(NAIVE)
    assert "was 6.3% lower (95% interval 4.5% to 8.3%): not enough" in verdict(NAIVE)


def test_what_could_not_be_tested_serves_and_says_so() -> None:
    assert tag(UNJUDGED) == ("not tested yet", "poor")
    assert "serves, untested" in verdict(UNJUDGED)
    assert cautions([UNJUDGED]) == ["For “How often they will buy” nothing could be tested: the history is too short."]
    assert why_untested(UNJUDGED) == "no completed window lies back far enough"
    assert why_untested(ModelFacts("is_recommended", "NOT_TRAINABLE", "Too few.")) == "Too few"


def test_several_questions_are_listed_as_one_would_say_them() -> None:
    three = [replace(NAIVE, target=each) for each in ("is_recommended", "future_purchase", "future_amount")]
    assert cautions(three)[0].startswith(
        "For “Who will buy”, “How often they will buy” and “How much they will spend” nothing"
    )


def test_segments_have_no_gate() -> None:
    segments = ModelFacts("segment", "TRAINED", champion="kmeans", best_naive="rfm_quantiles", beats_naive=True)
    assert tag(segments) == ("better than naive", "good")
    assert verdict(segments) == "K-means serves: it beat the best naive rule (RFM quantiles)."


def test_models_are_told_in_the_order_of_the_questions() -> None:
    targets = ["segment", "future_amount", "is_recommended"]
    assert [each.target for each in in_order([replace(NAIVE, target=each) for each in targets])] == [
        "is_recommended",
        "future_amount",
        "segment",
    ]


def test_the_level_of_a_model_reads_as_a_season() -> None:
    level = Level("amount", 1.0, 0.1, {"steady": 0.0, "year_ago": -0.25}, {"steady": 0.6, "year_ago": 0.4}, 4)
    assert level_words(level.words, "future_amount") == (
        "All forecasts together are set 11% above what customers at their usual pace would give. "
        "Weights: their usual pace 60%, the same days a year ago (-22%) 40%."
    )
    below = level_words(replace(level, ratio=-0.1).words, "is_recommended")
    assert below.startswith("The odds of buying are set 10% below")


@pytest.mark.parametrize("told", ["", "something else", "log ratio to a steady shop +0.10: "])
def test_without_a_level_no_season_is_told(told: str) -> None:
    assert level_words(told, "is_recommended") == ""


def backtest_of(**errors: tuple[float, ...]) -> pd.DataFrame:
    """models.backtests of who will buy: an error for each of DAYS by candidate."""
    roles = {"bg_nbd": "baseline", "champion_so_far": "champion"}
    return pd.DataFrame(
        [
            ("is_recommended", name, roles.get(name, "candidate"), day, "log_loss", value)
            for name, values in errors.items()
            for day, value in zip(DAYS, values, strict=False)
        ],
        columns=["target", "candidate", "role", "origin", "metric", "value"],
    )


def test_the_backtest_puts_the_best_naive_rule_beside_what_serves_oldest_day_first() -> None:
    table = backtest_of(levelled_blend=(0.5, 0.4), bg_nbd=(0.6, 0.5), champion_so_far=(0.1,))
    beside, days = origin_facts(table.iloc[::-1], PROMOTED)
    assert beside == "bg_nbd"
    assert [(each.day, each.served, each.beside) for each in days] == [(DAYS[0], 0.5, 0.6), (DAYS[1], 0.4, 0.5)]


def test_beside_a_naive_rule_that_serves_stands_the_best_candidate() -> None:
    table = backtest_of(logistic_regression=(0.6, 0.7), blend=(0.6, 0.5), bg_nbd=(0.6, 0.5))
    beside, days = origin_facts(table, NAIVE)
    assert beside == "blend"
    assert len(days) == 2
    assert "best model tried" in str(model_card(replace(NAIVE, origins=days))["chart"])


def test_without_a_backtest_there_is_no_figure() -> None:
    assert origin_facts(backtest_of(), UNJUDGED) == ("", ())
    assert model_card(UNJUDGED)["chart"] is None


def test_equal_errors_are_drawn_too() -> None:
    drawn = origins_chart([("1 May 2025", 0.5, 0.5), ("1 Jun 2025", 0.5, 0.5)], "naive", "title")
    assert "nan" not in drawn
    assert drawn.count("0.500") == 4
