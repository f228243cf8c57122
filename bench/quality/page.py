"""bench/quality.md from the file of figures: the goals first, then a table for each section."""

import importlib.metadata
import os
import platform
from collections.abc import Iterator
from pathlib import Path

from bench.quality.customers import BG_NBD, BG_SPEND, FOREST, ONE_LINE, PRODUCT
from bench.quality.goals import BG_BUYS, Told, all_goals, dig, windows_of
from bench.quality.windows import WINDOWS, Window

QUOTED = {
    ("orders", "rmse"): {
        "blend (quoted)": (1.169, 0.702, 0.846, 0.660),
        "blend x season (quoted)": (1.095, 0.640, 0.845, None),
    },
    ("spend", "rmse"): {
        "blend (quoted)": (2037, 675, 1095, 34.65),
        "blend x season (quoted)": (1623, 728, 978, None),
    },
    ("behavior", "auc"): {
        "logistic panel (quoted)": (0.808, 0.806, 0.824, 0.808),
        "HGB panel (quoted)": (0.805, 0.805, 0.827, 0.808),
        "blend (quoted)": (0.808, 0.807, 0.826, 0.809),
    },
    ("behavior", "log_loss"): {
        "logistic panel (quoted)": (0.589, 0.469, 0.466, 0.345),
        "HGB panel (quoted)": (0.576, 0.464, 0.462, 0.345),
        "blend (quoted)": (0.581, 0.465, 0.462, 0.344),
    },
}
"""Figures of the project's yardstick that no library recomputes: as quoted, without an interval, by demand window."""

INTRODUCTION = """# Quality

Written by `make bench-quality` (`python -m bench.quality`); the figures alone are in quality.json. For each window
custana is run as a person would run it, `custana run --source PACK --input FILE --as-of DAY --horizon-days H
--data-dir NEW`, in a data folder that did not exist before, and its published lists are scored against what then
happened, read from the raw file with SQL of the bench's own. Anchors are recomputed in the same run on the same
customers; the judges (lifetimes, pymc-marketing, implicit) work in an environment of their own. A title such as
OR2 2011-09-10 H90 (5,256) is Online Retail II, the day looked ahead from, the days looked ahead, and the customers.
Brackets are 95 % bootstrap intervals over customers (500 draws); where custana is held against another, both are
scored on the same draws. A goal is met where the figure itself reaches the bar; a missed one is shown as missed.
Figures marked (quoted) are those of the project's yardstick, from other code, without an interval.
"""
CHOICES = Path(__file__).with_name("choices.md")
TITLES = {
    "orders": {"rmse": "RMSE of orders", "mae": "MAE of orders", "total": "Orders, foreseen / actual"},
    "spend": {
        "rmse": "RMSE of spend",
        "mae": "MAE of spend",
        "spearman": "Spearman of spend",
        "total": "Spend, foreseen / actual",
        "lift": "Lift of spend in the top decile",
        "r2": "R2 of spend",
    },
    "behavior": {"auc": "AUC", "log_loss": "Log loss", "ece": "ECE, ten bins"},
}


def page(results: dict) -> str:
    """The whole page."""
    parts = [
        INTRODUCTION.rstrip(),
        CHOICES.read_text(encoding="utf-8").rstrip(),
        _machine(results),
        _goals(results),
        *_failures(results),
    ]
    parts += ["## Demand", *_tables(results, "demand", ("orders", "spend"))]
    parts += ["## Spend, the two windows with published figures", *_tables(results, "spend", ("spend",))]
    parts += ["## CDNOW, weeks 40 to 78 from weeks 1 to 39", *_tables(results, "weeks39", ("orders",))]
    parts += ["## Behavior", *_tables(results, "behavior", ("behavior",))]
    parts += ["## Segmentation", _segments(results), "## Recommendations", *_recommendations(results)]
    parts += ["## Further windows, and all the others in short", _against(results)]
    return "\n\n".join(part for part in parts if part) + "\n"


def number(value: float) -> str:
    """Three decimals below ten, fewer above; zero is 0.

    >>> number(1.23456), number(34.846), number(1646.2), number(0)
    ('1.235', '34.85', '1646', '0')
    """
    size = abs(value)
    decimals = 3 if size < 10 else 2 if size < 100 else 1 if size < 1000 else 0
    return "0" if value == 0 else f"{value:.{decimals}f}"


def cell(told: Told | None) -> str:
    """A figure with its interval.

    >>> cell([0.5, 0.41, 0.62]), cell([0.5]), cell(None)
    ('0.500 [0.410, 0.620]', '0.500', 'not run')
    """
    if told is None:
        return "not run"
    return number(told[0]) if len(told) < 3 else f"{number(told[0])} [{number(told[1])}, {number(told[2])}]"


def table(heads: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _machine(results: dict) -> str:
    packages = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("custana", "scikit-learn", "duckdb"))
    minutes = f"{results.get('minutes', 0):.0f} minutes"
    return f"Measured on {os.cpu_count()} cores, Python {platform.python_version()}, {packages}; last run: {minutes}."


def _goals(results: dict) -> str:
    verdict = {True: "met", False: "**missed**", None: "not run"}
    goals = all_goals(results)
    rows = [[str(goal.number), goal.what, goal.bar, cell(goal.reached), verdict[goal.is_met]] for goal in goals]
    met = sum(goal.is_met is True for goal in goals)
    summary = f"{met} of {len(goals)} bars are met, {sum(goal.is_met is False for goal in goals)} are missed."
    return "## Goals\n\n" + summary + "\n\n" + table(["goal", "what", "bar", "reached", ""], rows)


def _failures(results: dict) -> Iterator[str]:
    failed = results.get("failed", {})
    missing = {key: each["missing"] for key, each in results.get("customers", {}).items() if each.get("missing")}
    if failed:
        yield "Runs of custana that published nothing:\n\n" + "\n".join(
            f"- {key}: {reason}" for key, reason in failed.items()
        )
    if missing:
        yield "Customers that the lists lack (scored as zero): " + ", ".join(f"{k}: {n}" for k, n in missing.items())


def _tables(results: dict, name: str, outcomes: tuple[str, ...]) -> Iterator[str]:
    windows = windows_of(name)
    heads = [_head(results, window) for window in windows]
    metrics = ("rmse", "mae", "pearson") if name == "weeks39" else None
    for outcome in outcomes:
        for metric in metrics or TITLES[outcome]:
            title = TITLES[outcome].get(metric, "Correlation (r) of orders")
            rows = _rows(results, windows, outcome, metric)
            if name == "demand" or name == "behavior":
                for quoted, values in QUOTED.get((outcome, metric), {}).items():
                    rows.append([quoted, *("" if each is None else number(each) for each in values)])
            yield table([title, *heads], rows)
    yield from _reasons(results, windows)


def _head(results: dict, window: Window) -> str:
    count = results.get("customers", {}).get(window.key, {}).get("customers")
    return window.title if count is None else f"{window.title} ({count:,})"


def _rows(results: dict, windows: list[Window], outcome: str, metric: str) -> list[list[str]]:
    found = [results.get("customers", {}).get(window.key, {}).get(outcome, {}).get("ways", {}) for window in windows]
    names = list(dict.fromkeys(name for ways in found for name in [PRODUCT, *ways]))
    return [[name, *(cell(dig(ways, name, metric)) for ways in found)] for name in names]


def _reasons(results: dict, windows: list[Window]) -> Iterator[str]:
    told = [(window, results.get("customers", {}).get(window.key, {}).get("reasons", {})) for window in windows]
    lines = [f"- {window.title}, {judge}: {reason}" for window, why in told for judge, reason in why.items()]
    if lines:
        yield "Judges that did not run:\n\n" + "\n".join(lines)


def _segments(results: dict) -> str:
    heads = ["space, k", "segments", "min / max share", "silhouette", "bootstrap ARI", "eta2 spend", "eta2 log spend"]
    heads += ["eta2 buy", "same name next night", "of the untouched"]
    rows = []
    for window in windows_of("segments"):
        for name, one in results.get("segments", {}).get(window.key, {}).items():
            rows.append(
                [name, str(one["segments"]), f"{number(one['min_share'])} / {number(one['max_share'])}"]
                + [cell(dig(one, key)) for key in ("silhouette", "ari", "eta2_spend", "eta2_log_spend", "eta2_buy")]
                + [cell(dig(one, "same_name")), cell(dig(one, "same_name_untouched"))]
            )
    note = (
        "Silhouette of custana and of the log spaces is taken in log-standardised RFM, that of the raw space in its "
        "own: never compare across. ARI of custana: the chain is run again on the customers of two bootstrap samples, "
        "and the names of those are compared; of KMeans: ten refits on bootstrap samples, applied to all customers. "
        "KMeans is refitted the next night with another seed, as it would be without matching."
    )
    return table(heads, rows) + "\n\n" + note


def _recommendations(results: dict) -> Iterator[str]:
    windows = windows_of("recommendations")
    told = results.get("recommendations", {})
    for list_name, title in (("buy_again", "buy again, repeats allowed"), ("discover", "discover, new products only")):
        found = [told.get(window.key, {}).get(list_name, {}) for window in windows]
        heads = [f"{window.title} ({each.get('users', '?')})" for window, each in zip(windows, found, strict=True)]
        names = list(dict.fromkeys(name for each in found for name in [PRODUCT, *each.get("ways", {})]))
        for metric in ("recall", "ndcg"):
            rows = [[name, *(cell(dig(each, "ways", name, metric)) for each in found)] for name in names]
            yield table([f"{metric.capitalize() if metric == 'recall' else 'NDCG'}@10, {title}", *heads], rows)
        why = [
            f"- {w.title}, {j}: {r}"
            for w, e in zip(windows, found, strict=True)
            for j, r in e.get("reasons", {}).items()
        ]
        if why:
            yield "Judges that did not run:\n\n" + "\n".join(why)


def _against(results: dict) -> str:
    heads = ["window", "orders: RMSE / BG/NBD", "total", "spend: RMSE / BG/NBD x GG", "MAE / one-line rule", "Spearman"]
    heads += ["total", "AUC", "- BG/NBD", "- forest", "log loss - BG/NBD", "ECE"]
    paths = (
        ("orders", "ratio", BG_NBD, "rmse"),
        ("orders", "ways", PRODUCT, "total"),
        ("spend", "ratio", BG_SPEND, "rmse"),
        ("spend", "ratio", ONE_LINE, "mae"),
        ("spend", "ways", PRODUCT, "spearman"),
        ("spend", "ways", PRODUCT, "total"),
        ("behavior", "ways", PRODUCT, "auc"),
        ("behavior", "less", BG_BUYS, "auc"),
        ("behavior", "less", FOREST, "auc"),
        ("behavior", "less", BG_BUYS, "log_loss"),
        ("behavior", "ways", PRODUCT, "ece"),
    )
    order = sorted(WINDOWS, key=lambda window: "further" not in window.tables)
    rows = []
    for window in order:
        if window.key in results.get("customers", {}):
            mark = f"**{window.title}**" if "further" in window.tables else window.title
            rows.append([mark, *(cell(dig(results, "customers", window.key, *path)) for path in paths)])
    return table(heads, rows) + "\n\nThe further windows are in bold."
