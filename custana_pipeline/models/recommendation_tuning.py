"""Which parameters the lists are made with: those that did clearly better on the windows just past, or the default."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from custana_pipeline.models import recommendation_baselines as baselines
from custana_pipeline.models.recommendation_baselines import neighbours_of_bought
from custana_pipeline.models.recommendation_history import History
from custana_pipeline.models.recommendation_lists import ListParameters, buy_again_lists, discover_lists
from custana_pipeline.models.recommendation_metrics import metrics_of
from custana_pipeline.models.recommendation_neighbours import THREADS, bm25_neighbours, buyers
from custana_pipeline.models.recommendation_ranking import Ranked, each_once
from custana_pipeline.models.recommendation_windows import (
    LEAST_JUDGED,
    LONGEST_WINDOW_DAYS,
    Everybody,
    Spoken,
    Window,
    spoken_for,
    windows_before,
)

LISTS = ("buy_again", "discover")
METRIC = {"buy_again": "recall_10", "discover": "ndcg_10"}
"""What the variants of a list compete on."""
DEFAULT = "default"
TUNED = "tuned"
DEFAULTS = {"buy_again": ListParameters(240, 14, 0.6), "discover": ListParameters(45, 14, 1.0, trend_power=0.5)}
TASTES = (0.3, 1.0)
GRIDS = {
    "buy_again": (
        ((240, 960), (14, 90), (0.6,), (1.0,), (0.0,), (0.0,)),
        ((240,), (14, 90), (0.6,), (1.0,), (0.0,), TASTES),
    ),
    "discover": (
        ((45, 180), (14, 30), (1.0,), (1.0,), (0.0, 0.5), (0.0,)),
        ((180,), (14,), (1.0,), (1.0,), (0.0, 0.5), TASTES),
    ),
}
"""Half-lives, popularity windows (days), popularity powers, evidence weights, trend powers and taste weights tried."""
FOREVER_DAYS = 10_000_000_000
"""A half-life at which nothing fades within any history, to the millionth."""
NAIVE = {
    "buy_again": {
        "popularity": ListParameters(240, 30, 1.0, evidence_weight=0.0),
        "personal_frequency_filled": ListParameters(FOREVER_DAYS, 90, 0.001),
        "personal_frequency_filled_recent": ListParameters(FOREVER_DAYS, 30, 0.001),
    },
    "discover": {"popularity": ListParameters(45, 30, 1.0, evidence_weight=0.0)},
}
"""The naive rules that a list can be made by, as parameters of its own rules."""
MOST_RIVAL_CUSTOMERS = 2_500
"""Customers that a rival learns from which is judged and never serves; it is no worse for being told of so few."""
LEAST_GAIN = 0.01
"""Relative gain that a variant needs over the default, with the 95 % lower bound of the gain above zero."""
Z_95 = 1.645


@dataclass(frozen=True)
class ListTrial:
    """One way to make one list, judged on the newest window."""

    name: str
    role: str
    """candidate or baseline."""
    target: str
    """buy_again or discover."""
    parameters: Mapping[str, float]
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class ListChoice:
    """What a list is made with tonight, and why."""

    target: str
    variant: str
    parameters: ListParameters
    beats_naive: bool
    best_naive: str
    reason: str
    figures: Mapping[str, float] = field(default_factory=dict)
    """Means over the windows: of the choice, of the default and of the best naive rule."""


@dataclass(frozen=True)
class RecommendationTuning:
    """The choices for both lists; NOT_TRAINABLE keeps the defaults and says why."""

    state: str
    reason: str
    choices: Mapping[str, ListChoice]
    trials: tuple[ListTrial, ...] = ()
    row_counts: Mapping[str, int] = field(default_factory=dict)


Tried = tuple[dict[str, Ranked], pd.DataFrame]
"""Lists by variant and rule, and their scores: a row per judged customer."""


def tune_recommendations(
    history: History,
    events: Mapping[str, Any],
    span: tuple[int, int],
    everybody: Everybody | None = None,
) -> RecommendationTuning:
    """Tries both lists on the last three windows before a day (days since 1970-01-01); `span` is it and the horizon.

    `events` has customer, product, day and is_cart; customers and products are numbers (see recommendation_history).
    What lies at or after the day is left out. Where these are of some customers only, `everybody` tells what sold and
    what was bought together.
    """
    if not len(history.day):
        return _untuned("The order lines before the day name no products, so there is nothing to recommend.")
    as_of, days = span[0], min(LONGEST_WINDOW_DAYS, span[1])
    windows = windows_before(history, events, (as_of, days), everybody)
    if not windows or windows[0].snapshot.shelf.day != as_of - days:
        return _untuned(
            f"Fewer than {LEAST_JUDGED} known customers bought in the last {days} days: the default parameters serve."
        )
    spoken = spoken_for(history, windows, (0.0, *TASTES), everybody)
    with ThreadPoolExecutor(THREADS) as threads:
        bm25 = threads.submit(_bm25, history, windows[0])
        tried = {
            target: [threads.submit(_tried, target, *each) for each in zip(windows, spoken, strict=True)]
            for target in LISTS
        }
        rivals = {"item_cosine": spoken[0].tastes, "item_bm25": bm25.result()}
        judged = [
            threads.submit(_judged, target, windows[0], [each.result() for each in tried[target]], rivals)
            for target in LISTS
        ]
    choices = {target: each.result()[0] for target, each in zip(LISTS, judged, strict=True)}
    trials = [trial for each in judged for trial in each.result()[1]]
    reason = " ".join(choice.reason for choice in choices.values())
    counts = {f"window_{number + 1}": len(window.snapshot.customers) for number, window in enumerate(windows)}
    return RecommendationTuning("TRAINED", reason, choices, tuple(trials), counts)


def variants_of(target: str) -> dict[str, ListParameters]:
    """The default, then the rest of the grid by name."""
    grid = [ListParameters(*each) for part in GRIDS[target] for each in product(*part)]
    named = {_name(each): each for each in grid if each != DEFAULTS[target]}
    return {DEFAULT: DEFAULTS[target], **named}


def list_parameters(chosen: Mapping[str, ListParameters]) -> dict[str, float]:
    """The parameters of the SQL models, from the parameters of each list.

    >>> list_parameters({"discover": DEFAULTS["discover"]})["discover_half_life_days"]
    45
    """
    return {f"{target}_{name}": value for target, each in chosen.items() for name, value in each.told().items()}


def choose(target: str, scores: Sequence[pd.DataFrame]) -> ListChoice:
    """The variant to serve, from one frame a window: a row per customer, a column per variant and naive rule.

    The best mean wins if it is above the default's by 1 % and the lower bound of the gain per customer is above zero;
    otherwise the default stays, as long as it is above the best naive rule. Of equals the one that comes first in the
    grid. If nothing is above the best naive rule, the best of those that have parameters serves.
    """
    variants, naive = variants_of(target), NAIVE[target]
    if not any(len(each) for each in scores):
        return _default(target, "No customer could be judged: the default parameters serve.")
    pooled: Any = pd.concat(scores).groupby(level=0).mean()
    means = pooled.mean()
    best = str(means[list(variants)].idxmax())
    rules = [name for name in pooled.columns if name not in variants]
    best_naive = str(means[rules].idxmax())
    stays = means[DEFAULT] > means[best_naive] and not _is_clearly_better(pooled[best], pooled[DEFAULT])
    chosen = tried = DEFAULT if stays else best
    beats = bool(means[tried] > means[best_naive])
    if not beats:
        chosen = str(means[list(naive)].idxmax())
    figures = {"choice": means[chosen], DEFAULT: means[DEFAULT], "best_naive": means[best_naive]}
    told = f"{METRIC[target]} of {tried} {means[tried]:.4f}, best naive rule {best_naive} {means[best_naive]:.4f}"
    verdict = "serves and beats the naive rules" if beats else "serves, since no variant beats the naive rules"
    return ListChoice(
        target=target,
        variant=chosen,
        parameters={**variants, **naive}[chosen],
        beats_naive=beats,
        best_naive=best_naive,
        reason=f"{target}: {chosen} {verdict} ({told}; {len(scores)} windows).",
        figures={name: float(value) for name, value in figures.items()},
    )


def _is_clearly_better(challenger: Any, default: Any) -> bool:
    gain = (challenger - default).to_numpy()
    if len(gain) < 2 or gain.mean() <= LEAST_GAIN * float(default.mean()):
        return False
    return bool(gain.mean() - Z_95 * gain.std(ddof=1) / np.sqrt(len(gain)) > 0)


def _lists(target: str, window: Window, spoken: Spoken) -> dict[str, Ranked]:
    """The list by every variant and naive rule, as of the window's start."""
    parameters = {**variants_of(target), **NAIVE[target]}
    if target == "discover":
        return discover_lists(window.snapshot, parameters, spoken.by_weight, window.interests)
    return {
        **buy_again_lists(window.snapshot, parameters, spoken.by_weight),
        "personal_frequency": baselines.personal_frequency(window.snapshot),
    }


def _tried(target: str, window: Window, spoken: Spoken) -> Tried:
    """Every list of the window, and how good it was for each customer."""
    lists = _lists(target, window, spoken)
    return lists, _scores(window, target, lists)


def _judged(
    target: str, newest: Window, tried: Sequence[Tried], rivals: Mapping[str, csr_matrix]
) -> tuple[ListChoice, list[ListTrial]]:
    """The choice for a list from all windows, the newest first, and its trials on the newest."""
    lists, scores = tried[0][0], [each[1] for each in tried]
    lists[TUNED] = lists[choose(target, scores[1:]).variant]
    return choose(target, scores), _trials(newest, target, {**lists, **_rivals(newest, target, rivals)})


def _scores(window: Window, target: str, lists: Mapping[str, Ranked]) -> pd.DataFrame:
    """A row per judged customer: the metric of every list."""
    truth = window.bought_for(target)
    scored = {name: truth.scores(each, METRIC[target]) for name, each in lists.items()}
    return pd.DataFrame(scored, index=window.snapshot.customers[truth.row])


def _bm25(history: History, newest: Window) -> csr_matrix:
    """What a rival takes for near that is judged, and never serves."""
    return bm25_neighbours(buyers(history, newest.snapshot.shelf)[:MOST_RIVAL_CUSTOMERS])


def _rivals(window: Window, target: str, rivals: Mapping[str, csr_matrix]) -> dict[str, Ranked]:
    """The lists of the nearest-neighbour recommenders; they are judged, and never serve."""
    is_new = target == "discover"
    return {name: neighbours_of_bought(window.snapshot, each, is_new=is_new) for name, each in rivals.items()}


def _trials(window: Window, target: str, lists: Mapping[str, Ranked]) -> list[ListTrial]:
    """Every list on the newest window; `tuned` is by the parameters that the windows before it would have chosen."""
    candidates, naive = variants_of(target), NAIVE[target]
    truth, popularity = window.bought_for(target), window.popularity
    is_judged = np.zeros(len(window.snapshot.customers), dtype=bool)
    is_judged[truth.row] = True
    trials = []
    for name, each in lists.items():
        role = "candidate" if name in candidates or name == TUNED else "baseline"
        told = {**candidates, **naive}.get(name)
        offered = each.place[is_judged[each.row]]
        scores = {metric: truth.scores(each, metric) for metric in ("recall_10", "ndcg_10")}
        metrics = metrics_of(scores, popularity[offered], len(each_once(offered)), popularity)
        trials.append(ListTrial(name, role, target, told.told() if told else {}, metrics))
    return trials


def _untuned(reason: str) -> RecommendationTuning:
    return RecommendationTuning("NOT_TRAINABLE", reason, {target: _default(target, reason) for target in LISTS})


def _default(target: str, reason: str) -> ListChoice:
    return ListChoice(target, DEFAULT, DEFAULTS[target], beats_naive=False, best_naive="", reason=reason)


def _name(parameters: ListParameters) -> str:
    half_life, days = parameters.half_life_days, parameters.popularity_days
    trend = f"_trend_{parameters.trend_power:g}" if parameters.trend_power else ""
    taste = f"_taste_{parameters.taste_weight:g}" if parameters.taste_weight else ""
    return f"half_life_{half_life:g}_popularity_{days:g}_power_{parameters.popularity_power:g}{trend}{taste}"
