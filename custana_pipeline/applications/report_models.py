"""Who serves, why, at which level, and how it did on past days: each in a sentence, for whoever trains no models."""

import datetime as dt
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from markupsafe import Markup

from custana_pipeline.applications import charts
from custana_pipeline.applications.report_facts import ModelFacts, OriginFacts
from custana_pipeline.applications.report_words import TARGET_WORDS, comparisons, model_words, titled

ERRORS: Mapping[str, tuple[str, str]] = {
    "is_recommended": ("log_loss", "log loss"),
    "future_purchase": ("poisson_deviance", "Poisson deviance"),
    "future_amount": ("tweedie_deviance", "Tweedie deviance"),
}
"""Target -> the metric in models.backtests by which the gate decides, and its name."""
ESTIMATES: Mapping[str, str] = {
    "steady": "their usual pace",
    "model": "the model itself",
    "year_ago": "the same days a year ago",
}
_ESTIMATE = re.compile(r"(\w+) ([+-]\d+\.\d+) \((\d+)%\)")
_RATIO = re.compile(r"^log ratio to a steady shop ([+-]\d+\.\d+)")


def model_card(model: ModelFacts) -> dict[str, Any]:
    """What the template shows of one target."""
    return {
        "title": title(model),
        "verdict": verdict(model),
        "level": level_words(model.level, model.target),
        "tag": tag(model),
        "holdout": model.holdout,
        "comparisons": comparisons(model),
        "error": ERRORS.get(model.target, ("", ""))[1],
        "chart": _origins_chart(model),
        "is_kept": bool(model.kept_version),
    }


def in_order(models: Sequence[ModelFacts]) -> list[ModelFacts]:
    """In the order in which a marketer asks: who, how often, how much, who is alike; anything else after that."""
    places = {target: place for place, target in enumerate(TARGET_WORDS)}
    return sorted(models, key=lambda model: places.get(model.target, len(places)))


def title(model: ModelFacts) -> str:
    """The question that the target answers."""
    return TARGET_WORDS.get(model.target, model.target)


def serves_naive(model: ModelFacts) -> bool:
    """Whether a naive rule serves after it was tested."""
    return model.state == "TRAINED" and not model.kept_version and model.champion == model.best_naive


def tag(model: ModelFacts) -> tuple[str, str]:
    """What the heading says of a model, and in which colour."""
    if model.state == "UNJUDGED":
        return "not tested yet", "poor"
    if model.state != "TRAINED":
        return "no model", "poor"
    if model.kept_version:
        return "champion stays", "good" if model.beats_naive else "poor"
    if not model.beats_naive:
        return "naive not beaten", "poor"
    return ("promoted", "good") if model.gains else ("better than naive", "good")


def cautions(models: Sequence[ModelFacts]) -> list[str]:
    """What has to be known before the lists are used: targets for which a naive rule serves, or an untested one."""
    unbeaten = _listed([each for each in models if each.state == "TRAINED" and not each.beats_naive])
    untested = _listed([each for each in models if each.state == "UNJUDGED"])
    told = []
    if unbeaten:
        told.append(f"For {unbeaten} nothing tried was clearly better than a naive rule.")
    if untested:
        told.append(f"For {untested} nothing could be tested: the history is too short.")
    return told


def _listed(models: Sequence[ModelFacts]) -> str:
    *others, last = [f"“{title(each)}”" for each in models] or [""]
    return f"{', '.join(others)} and {last}" if others else last


def why_untested(model: ModelFacts | None) -> str:
    """Why there is no test of the model to show."""
    if model is None or model.state in ("TRAINED", "UNJUDGED") or not model.reason:
        return "no completed window lies back far enough"
    return model.reason.removesuffix(".")


def verdict(model: ModelFacts) -> str:
    """One or two sentences on who serves and why."""
    name, naive = model_words(model.champion), model_words(model.best_naive)
    if model.state == "UNJUDGED":
        return (
            f"{titled(name)} serves, untested: the history is too short for a past window of the whole length "
            "with enough before it to learn from."
        )
    if model.state != "TRAINED":
        return f"No model: {model.reason or 'too little data'}."
    if model.kept_version:
        return _stays(model, name)
    if serves_naive(model) or not model.beats_naive:
        return _naive_serves(model, naive)
    if not model.gains:
        return f"{titled(name)} serves: it beat the best naive rule ({naive})."
    change = _change(model, "over_naive")
    told = f"{titled(name)} serves: its error was {change} than that of the best naive rule ({naive})."
    if "over_champion_gain" in model.gains:
        told = f"{told} Against the champion so far it was {_change(model, 'over_champion')}."
    return told


def _stays(model: ModelFacts, name: str) -> str:
    day = re.search(r"-(\d{4}-\d{2}-\d{2})-", model.kept_version)
    since = f" of {_day(dt.date.fromisoformat(day[1]))}" if day else ""
    told = f"The champion{since} stays, {name}"
    if "over_champion_gain" not in model.gains:
        return f"{told}: tonight no candidate could be judged."
    change = _change(model, "over_champion")
    return f"{told}: the error of tonight's challenger was {change}, which is not enough to take its place."


def _naive_serves(model: ModelFacts, naive: str) -> str:
    told = f"Naive was not beaten, so the rule “{naive}” serves, and its figures deserve no more trust than that rule."
    if "over_naive_gain" not in model.gains:
        return told
    return f"{told} The error of the best model tried was {_change(model, 'over_naive')}: not enough."


def _change(model: ModelFacts, name: str) -> str:
    gain, lower, upper = (model.gains[f"{name}_{part}"] for part in ("gain", "lower", "upper"))
    if gain < 0:
        return f"{-gain:.1%} higher (95% interval {-upper:.1%} to {-lower:.1%})"
    return f"{gain:.1%} lower (95% interval {lower:.1%} to {upper:.1%})"


def level_words(level: str, target: str) -> str:
    """What Level.words says, without logarithms; empty where there is no level."""
    ratio = _RATIO.match(level)
    estimates = _ESTIMATE.findall(level)
    if ratio is None or not estimates:
        return ""
    what = "The odds of buying" if target == "is_recommended" else "All forecasts together"
    parts = [
        f"{ESTIMATES.get(name, name)}{'' if name == 'steady' else f' ({_signed(value)})'} {weight}%"
        for name, value, weight in estimates
    ]
    told = f"{what} are set {_above(ratio[1])} what customers at their usual pace would give. Weights: "
    return f"{told}{', '.join(parts)}."


def _signed(log_ratio: str) -> str:
    return f"{math.expm1(float(log_ratio)):+.0%}"


def _above(log_ratio: str) -> str:
    value = math.expm1(float(log_ratio))
    return f"{abs(value):.0%} {'above' if value >= 0 else 'below'}"


def origin_facts(backtests: pd.DataFrame, model: ModelFacts) -> tuple[str, tuple[OriginFacts, ...]]:
    """Who stands beside the champion, and both errors at each past day, oldest first.

    `backtests` has target, candidate, role, origin, metric and value. Beside a model stands the best naive rule; beside
    a naive rule the candidate with the least mean error.
    """
    metric = ERRORS.get(model.target, ("", ""))[0]
    rows: Any = backtests[(backtests["target"] == model.target) & (backtests["metric"] == metric)]
    errors = rows[rows["role"] != "champion"].pivot_table(index="origin", columns="candidate", values="value")
    beside = model.best_naive
    if serves_naive(model):
        candidates = [
            name for name in errors.columns if name in set(rows.loc[rows["role"] == "candidate", "candidate"])
        ]
        beside = str(errors[candidates].mean().idxmin()) if candidates else ""
    if model.champion not in errors or beside not in errors:
        return "", ()
    both = errors[[model.champion, beside]].dropna().sort_index()
    days = pd.to_datetime(pd.Series(both.index)).dt.date
    pairs = zip(days, both[model.champion], both[beside], strict=True)
    return beside, tuple(OriginFacts(day, float(served), float(other)) for day, served, other in pairs)


def _origins_chart(model: ModelFacts) -> Markup | None:
    if len(model.origins) < 2:
        return None
    points = [(f"{each.day.day} {each.day:%b %Y}", each.served, each.beside) for each in model.origins]
    beside = "best model tried" if serves_naive(model) else "naive"
    title_words = f"{ERRORS[model.target][1]} at {len(points)} past days, of what serves and of {beside}."
    return Markup(charts.origins_chart(points, beside, title_words))  # noqa: S704 - drawn and escaped by charts


def _day(day: dt.date) -> str:
    return f"{day.day} {day:%B %Y}"
