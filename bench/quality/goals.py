"""The goals that the project sets itself, and whether the figures reach them. A goal without its figures is not run."""

from collections.abc import Iterator
from dataclasses import dataclass

from bench.quality.customers import BG_NBD, BG_SPEND, FOREST, ONE_LINE, PRODUCT
from bench.quality.ranking import GP_TOP_FREQ
from bench.quality.scores import mean_figure
from bench.quality.windows import WINDOWS, Window

Told = list[float]
BG_BUYS = "BG/NBD P(buy in H)"
TWO_YEARS = {"online_retail_ii-2011-06-01-180": 0.63, "online_retail_ii-2011-09-01-90": 0.58}
"""Spearman of spend to reach, by window."""


@dataclass(frozen=True)
class Goal:
    """One bar: `reached` is [value, low, high], or [value] where there is no interval; None where it was not run."""

    number: int
    what: str
    bar: str
    reached: Told | None
    is_met: bool | None


def at_most(number: int, what: str, limit: float, reached: Told | None) -> Goal:
    """A goal that a smaller figure reaches."""
    return Goal(number, what, f"<= {limit:g}", reached, None if reached is None else reached[0] <= limit)


def at_least(number: int, what: str, limit: float, reached: Told | None) -> Goal:
    """A goal that a larger figure reaches."""
    return Goal(number, what, f">= {limit:g}", reached, None if reached is None else reached[0] >= limit)


def all_goals(results: dict) -> list[Goal]:
    """Every goal, in order, from the file of figures."""
    parts = (_weeks39, _demand, _spend, _behavior, _segments, _recommendations)
    return [goal for part in parts for goal in part(results)]


def windows_of(table: str) -> list[Window]:
    """The windows of a table, in its order."""
    return [window for window in WINDOWS if table in window.tables]


def dig(results: dict, *path: str) -> Told | None:
    """A figure of the file, or None where something on its path is missing."""
    found: object = results
    for step in path:
        if not isinstance(found, dict) or step not in found:
            return None
        found = found[step]
    return found if isinstance(found, list) else [found]  # type: ignore[list-item]


def of_customers(results: dict, windows: list[Window], *path: str) -> list[Told] | None:
    """A figure of each window, or None where one is missing."""
    found = [dig(results, "customers", window.key, *path) for window in windows]
    return None if any(each is None for each in found) else [each for each in found if each is not None]


def _worst(found: list[Told] | None, *, largest: bool = True) -> Told | None:
    if not found:
        return None
    return max(found, key=lambda told: told[0]) if largest else min(found, key=lambda told: told[0])


def _weeks39(results: dict) -> Iterator[Goal]:
    for window in windows_of("weeks39"):
        for title, path in (("BG/NBD", BG_NBD), ("Pareto/NBD (stretch)", "Pareto/NBD")):
            told = dig(results, "customers", window.key, "orders", "ratio", path, "rmse")
            yield at_most(1, f"{window.title}: RMSE of orders / {title}", 1.0, told)


def _demand(results: dict) -> Iterator[Goal]:
    windows = windows_of("demand")
    for outcome, base, most in (("orders", BG_NBD, 1.0), ("spend", BG_SPEND, 1.03)):
        ratios = of_customers(results, windows, outcome, "ratio", base, "rmse")
        middle = mean_figure(ratios, geometric=True) if ratios else None
        yield at_most(2, f"RMSE of {outcome} / {base}, geometric mean of {len(windows)} windows", 0.95, middle)
        yield at_most(2, f"RMSE of {outcome} / {base}, worst window", most, _worst(ratios))


def _spend(results: dict) -> Iterator[Goal]:
    for window in windows_of("spend"):
        own = ("customers", window.key, "spend", "ways", PRODUCT)
        yield at_least(2, f"{window.title}: Spearman of spend", TWO_YEARS[window.key], dig(results, *own, "spearman"))
        ratio = dig(results, "customers", window.key, "spend", "ratio", ONE_LINE, "mae")
        yield at_most(2, f"{window.title}: MAE of spend / the one-line rule", 1.0, ratio)
    for window in windows_of("spend") + windows_of("demand"):
        told = dig(results, "customers", window.key, "spend", "ways", PRODUCT, "total")
        met = None if told is None else 0.9 <= told[0] <= 1.1
        yield Goal(2, f"{window.title}: total of spend, foreseen / actual", "0.9 - 1.1", told, met)
    windows = windows_of("demand") + windows_of("spend") + windows_of("weeks39") + windows_of("further")
    negative = [results.get("customers", {}).get(window.key, {}).get("negative") for window in windows]
    there = [each for each in negative if each is not None]
    yield at_most(2, f"Negative values in {len(there)} published windows", 0, [sum(there)] if there else None)


def _behavior(results: dict) -> Iterator[Goal]:
    windows = windows_of("behavior")
    gains = of_customers(results, windows, "behavior", "less", BG_BUYS, "auc")
    yield at_least(3, "AUC - BG/NBD, mean of the windows", 0.010, mean_figure(gains) if gains else None)
    forest = of_customers(results, windows, "behavior", "less", FOREST, "auc")
    yield at_least(3, "AUC - the two-column forest, worst window", 0.05, _worst(forest, largest=False))
    for window in windows:
        told = dig(results, "customers", window.key, "behavior", "ways", PRODUCT, "ece")
        yield at_most(3, f"{window.title}: ECE", 0.04, told)
        loss = dig(results, "customers", window.key, "behavior", "less", BG_BUYS, "log_loss")
        yield at_most(3, f"{window.title}: log loss - BG/NBD", 0.0, loss)


def _segments(results: dict) -> Iterator[Goal]:
    for window in windows_of("segments"):
        own = ("segments", window.key, PRODUCT)
        for title, name, limit in (
            ("smallest share", "min_share", 0.05),
            ("bootstrap ARI", "ari", 0.90),
            ("same name next night, untouched", "same_name_untouched", 0.98),
            ("eta squared of log spend", "eta2_log_spend", 0.27),
        ):
            yield at_least(4, f"{window.title}: {title}", limit, dig(results, *own, name))


def _recommendations(results: dict) -> Iterator[Goal]:
    for window in windows_of("recommendations")[:2]:
        against = ("recommendations", window.key, "buy_again", "against")
        for title, path, limit in (
            ("GP-TopFreq", GP_TOP_FREQ, 1.05),
            ("P-TopFreq", "personal frequency (P-TopFreq)", 1.10),
        ):
            told = dig(results, *against, path, "recall")
            yield at_least(5, f"{window.title}: buy again, Recall@10 / {title}", limit, told)
    for window in windows_of("recommendations")[2:]:
        told = dig(results, "recommendations", window.key, "discover", "ways", PRODUCT, "ndcg")
        yield at_least(5, f"{window.title}: discover, NDCG@10 on new products", 0.067, told)
