"""What the speed page sets custana beside: what people use today, libraries, a run without MLflow, its own start."""

import math
import statistics

from bench.speed.rivals_run import RIVALS
from bench.speed.sides import DATA_STAGES
from bench.speed.startup import LIMITS
from bench.speed.tables import Figures, middle, table, verdict

TRACKING_GOAL = 0.10


def rivals(results: dict[str, Figures], sizes: list[str]) -> list[str]:
    """Seconds and memory of what people use today."""
    rows = []
    for size in sizes:
        found, chain = results[size].get("rivals"), results[size].get("chain")
        if not found or not chain:
            continue
        whole, data = middle(chain["product"]), middle(chain["product"], DATA_STAGES)
        memory = statistics.median(run["peak_gb"] for run in chain["product"])
        rows.append([size, "custana", f"{whole:.1f} s (data part {data:.1f} s)", f"{memory:.2f} GB", "", ""])
        for name, meaning in RIVALS.items():
            run = found.get(name)
            if run and "failed" in run:
                rows.append([size, meaning, "did not end", "", "", ""])
            elif run:
                own = data if name == "polars_data" else whole
                times, share = f"{run['seconds'] / own:.2f}", f"{memory / run['peak_gb']:.2f}"
                rows.append([size, meaning, f"{run['seconds']:.1f} s", f"{run['peak_gb']:.2f} GB", times, share])
    if not rows:
        return []
    head = ["order lines", "who", "wall", "peak memory", "its time / custana's", "custana's memory / its"]
    goal = (
        "Goals: the first two take 3 times custana's time at 10m and more than twice its memory; Polars no less than "
        "its data part."
    )
    return ["## What people use today", table(head, rows), goal]


def libraries(results: dict[str, Figures], sizes: list[str]) -> list[str]:
    """BG/NBD and recommendations beside the libraries that people take for them."""
    parts = []
    for size in sizes:
        btyd, lists = results[size].get("btyd"), results[size].get("recommendations")
        if btyd:
            own, other = btyd["custana"], btyd["lifetimes"]
            faster = other["seconds"] / own["seconds"]
            parts.append(
                f"BG/NBD on {btyd['customers']:,} customers, medians of {btyd.get('turns', 1)}: "
                f"lifetimes {other['seconds']:.2f} s, "
                f"custana {own['seconds']:.2f} s: {faster:.1f} times as fast "
                f"(goal 5 {'met' if faster >= 5 else '**missed**'}); mean log likelihood "
                f"{other['log_likelihood']:.6f} and {own['log_likelihood']:.6f}."
            )
        if lists:
            own, other = lists["custana"], lists["als"]
            lists_seconds = own.get("lists_seconds", math.nan)
            parts.append(
                f"Recommendations at {size}: implicit's ALS trains and lists ten products for everybody in "
                f"{other['seconds']:.1f} s, Recall@10 {other['recall']:.4f}. custana learns from all purchases and "
                "lists both kinds of products for everybody, with reasons, judged and stored, in "
                f"{lists_seconds:.1f} s ({_no_slower(lists_seconds, other['seconds'])}); with its tuning and backtest, "
                f"which ALS is not given, the stage takes {own['seconds']:.1f} s "
                f"({_no_slower(own['seconds'], other['seconds'])}). Recall@10 of the next 90 days {own['recall']:.4f}. "
                "Each has the machine to itself; in a whole run the stage takes longer beside the training."
            )
    return ["## Beside the libraries of the field", *parts] if parts else []


def _no_slower(own: float, other: float) -> str:
    return "goal of no slower met" if own <= other else "goal of no slower **missed**"


def tracking(results: dict[str, Figures], sizes: list[str]) -> list[str]:
    """The share of a run that MLflow takes."""
    told = []
    for size in sizes:
        found = results[size].get("tracking")
        if found:
            own, bare = middle(found["product"]), middle(found["untracked"])
            pairs = zip(found["product"], found["untracked"], strict=True)
            shares = sorted(1 - other["seconds"] / one["seconds"] for one, other in pairs)
            share = statistics.median(shares)
            told.append(
                f"At {size}, medians of {len(found['product'])} turns: {own:.1f} s, and {bare:.1f} s where MLflow is "
                "not even imported, no candidate is kept and no figure drawn (`bench/speed/untracked.py`): "
                f"{share:.1%} of the chain (median of the pairs, which lie between {shares[0]:.1%} "
                f"and {shares[-1]:.1%}; goal {verdict(share, TRACKING_GOAL)} by the median)."
            )
    return ["## What MLflow costs", *told] if told else []


def startup(results: dict[str, Figures], sizes: list[str]) -> list[str]:
    """The help, the definitions and the sample, of the largest size that measured them."""
    found = next((results[size]["startup"] for size in reversed(sizes) if "startup" in results[size]), None)
    if not found:
        return []
    words = {"help": "`custana --help`", "definitions": "definitions load", "sample": "sample chain, whole"}
    rows = [
        [words[name], f"{found[name]['seconds']:.2f} s", f"{verdict(found[name]['seconds'], limit)}"]
        for name, limit in LIMITS.items()
    ]
    return ["## Start-up", table(["what", "wall", "goal, s"], rows)]
