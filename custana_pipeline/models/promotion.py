"""The gate: who serves tonight, judged on the same customers of the newest complete window.

The challenger is the candidate that did best at the earlier origins of the backtest. Its mean loss on the newest
window is compared, by a paired bootstrap over customers, with that of the best naive rule and of the champion so far.
The champion is represented by its judged sibling, which was fitted before that window began; champion and challenger
are thus both judged on what neither has seen.
"""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from custana_pipeline.models.resampling import relative_gain

Server = Literal["challenger", "champion", "naive"]


@dataclass(frozen=True)
class GateSettings:
    """What a challenger has to clear; gains are relative to the other's mean loss."""

    naive_margin: float = 0.005
    """Least gain over the best naive rule; its 95 % interval must lie above zero besides."""
    champion_margin: float = 0.005
    """The same over a champion of another kind."""
    refresh_tolerance: float = 0.01
    """A challenger of the champion's own kind, fitted on newer data, must not be worse: the lower end of the interval
    of its gain must lie above minus this."""


@dataclass(frozen=True)
class Contender:
    """One who may serve, with the loss of each customer of the newest complete window."""

    name: str
    losses: np.ndarray
    kind: str = ""
    """The candidate that it is; two contenders of one kind differ by their data alone."""


@dataclass(frozen=True)
class Verdict:
    """Who serves, whether the challenger was promoted, and the figures that decided."""

    serves: Server
    is_promoted: bool
    beats_naive: bool
    reason: str
    figures: dict[str, float] = field(default_factory=dict)


def decide(
    challenger: Contender | None, naive: Contender, champion: Contender | None, words: str, settings: GateSettings
) -> Verdict:
    """The verdict by GateSettings; `words` names the loss.

    Without a challenger that clears naive rule and champion, the champion stays, unless the naive rule clears the
    margin over it: then that rule serves. The first time, without a champion, the naive rule serves.
    """
    figures: dict[str, float] = {}
    passed_naive, told = False, "No candidate could be judged"
    if challenger is not None:
        figures |= _gain("over_naive", challenger, naive)
        passed_naive = _clears(figures, "over_naive", settings.naive_margin)
        told = _told(f"{challenger.name} against the best naive rule, {naive.name}", figures, "over_naive", words)
    if champion is None:
        if challenger is not None and passed_naive:
            return Verdict("challenger", True, True, f"{challenger.name} serves. {told}.", figures)
        return Verdict("naive", False, False, f"{naive.name} serves, no candidate beats it. {told}.", figures)
    if challenger is not None:
        figures |= _gain("over_champion", challenger, champion)
        against = f"{challenger.name} against the champion, {champion.name}"
        told = f"{told}. {_told(against, figures, 'over_champion', words)}"
        if passed_naive and _replaces(challenger, champion, figures, settings):
            return Verdict("challenger", True, True, f"{challenger.name} serves. {told}.", figures)
    figures |= _gain("naive_over_champion", naive, champion)
    if _clears(figures, "naive_over_champion", settings.champion_margin):
        told = f"{told}. {_told(f'{naive.name} against the champion', figures, 'naive_over_champion', words)}"
        return Verdict("naive", False, False, f"{naive.name} serves, it beats the champion too. {told}.", figures)
    beats = figures["naive_over_champion_gain"] < 0
    return Verdict("champion", False, beats, f"The champion stays, {champion.name}. {told}.", figures)


def _replaces(challenger: Contender, champion: Contender, figures: dict[str, float], settings: GateSettings) -> bool:
    if challenger.kind == champion.kind:
        return figures["over_champion_lower"] > -settings.refresh_tolerance
    return _clears(figures, "over_champion", settings.champion_margin)


def _gain(name: str, one: Contender, other: Contender) -> dict[str, float]:
    gain, lower, upper = relative_gain(one.losses, other.losses)
    return {f"{name}_gain": gain, f"{name}_lower": lower, f"{name}_upper": upper}


def _clears(figures: dict[str, float], name: str, margin: float) -> bool:
    return figures[f"{name}_gain"] >= margin and figures[f"{name}_lower"] > 0


def _told(who: str, figures: dict[str, float], name: str, words: str) -> str:
    gain, lower, upper = (figures[f"{name}_{part}"] for part in ("gain", "lower", "upper"))
    side = "lower" if gain >= 0 else "higher"
    return f"{who}: {words} {abs(gain):.1%} {side} (95 % interval of the gain {lower:+.1%} to {upper:+.1%})"
