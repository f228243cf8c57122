"""Who serves: the gate between challenger, champion and naive rule."""

import numpy as np
import pytest

from custana_pipeline.models.promotion import Contender, GateSettings, Verdict, decide

NOISE = np.random.default_rng(0).gamma(2.0, 0.5, 2_000)


def contender(name: str, level: float, kind: str = "", seed: int = 1) -> Contender:
    """Losses that follow the customers' own, at a level, with a little of their own."""
    own = np.random.default_rng(seed).normal(0, 0.05, len(NOISE))
    return Contender(name, np.maximum(NOISE * level + own, 0.0), kind)


def gate(
    challenger: float, naive: float, champion: float | None = None, kinds: tuple[str, str] = ("a", "b")
) -> Verdict:
    return decide(
        contender("new", challenger, kinds[0], seed=1),
        contender("rule", naive, seed=2),
        None if champion is None else contender("old", champion, kinds[1], seed=3),
        "log loss",
        GateSettings(),
    )


def test_the_first_challenger_has_to_beat_the_naive_rule_only() -> None:
    verdict = gate(0.9, 1.0)
    assert (verdict.serves, verdict.is_promoted, verdict.beats_naive) == ("challenger", True, True)
    assert 0 < verdict.figures["over_naive_lower"] < verdict.figures["over_naive_gain"]


@pytest.mark.parametrize("level", [1.0, 0.999, 1.2])
def test_without_a_champion_the_naive_rule_serves_where_the_margin_is_not_cleared(level: float) -> None:
    verdict = gate(level, 1.0)
    assert (verdict.serves, verdict.is_promoted) == ("naive", False)
    assert "rule serves, no candidate beats it" in verdict.reason


def test_a_better_challenger_replaces_the_champion() -> None:
    assert gate(0.8, 1.0, 0.9).serves == "challenger"


def test_a_challenger_that_is_no_better_leaves_the_champion_and_says_by_how_much() -> None:
    verdict = gate(0.9, 1.0, 0.9)
    assert (verdict.serves, verdict.is_promoted, verdict.beats_naive) == ("champion", False, True)
    assert verdict.reason.startswith("The champion stays, old. new against")
    assert {"over_naive_gain", "over_champion_gain", "over_champion_lower"} <= set(verdict.figures)


def test_a_champion_of_the_same_kind_is_refreshed_where_the_newer_one_is_not_worse() -> None:
    assert gate(0.9, 1.0, 0.9, kinds=("blend", "blend")).serves == "challenger"
    assert gate(0.95, 1.0, 0.9, kinds=("blend", "blend")).serves == "champion"


def test_a_challenger_worse_than_the_naive_rule_never_replaces_a_champion() -> None:
    assert gate(1.1, 1.0, 0.9).serves == "champion"


def test_a_naive_rule_that_beats_the_champion_too_serves() -> None:
    verdict = gate(1.1, 0.8, 1.0)
    assert verdict.serves == "naive"
    assert "it beats the champion too" in verdict.reason


def test_the_same_losses_give_the_same_verdict() -> None:
    assert gate(0.9, 1.0, 0.95) == gate(0.9, 1.0, 0.95)
