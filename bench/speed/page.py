"""bench/speed.md from the figures: what was measured, beside what the project asks of itself."""

import itertools
import math
import statistics
from typing import Any

from bench.run_bench import machine
from bench.speed.rivals_run import RIVALS
from bench.speed.shops import LINES, SHAPES
from bench.speed.sides import DATA_STAGES, STAGES
from bench.speed.startup import LIMITS

DATA_GOALS = {"1m": 1.5, "10m": 1.3, "100m": 1.3}
CHAIN_GOALS = {"1m": 3.0, "10m": 2.0, "100m": 1.6}
MEMORY_GOALS = {"1m": 1.5, "10m": 4.0, "100m": 12.0}
DAY_GOALS = {"10m": 0.15, "100m": 0.10}
AGAIN_GOAL, SHAPE_GOAL, GROWTH_GOAL, TRACKING_GOAL = 5.0, 2.0, 1.0, 0.10
NOTE = (
    "`make bench-speed SIZE=1m|10m|100m` writes this page; `python -m bench.speed --help` names its parts. Product and "
    "reference (a bare hand-written script of DuckDB, numpy and scikit-learn that keeps no evidence, judges no "
    "contract, does no backtest and tracks nothing) take turns on the same generated files, each a whole process; "
    "medians. `met` and `missed` are against the project's own goals."
)
Figures = dict[str, Any]


def page(results: dict[str, Figures]) -> str:
    """The whole page."""
    sizes = [size for size in LINES if size in results]
    parts = [
        "# How fast custana is, and how that grows",
        NOTE,
        machine(),
        *_chain(results, sizes),
        *_floor(results, sizes),
        *_increment(results, sizes),
        *_shapes(results, sizes),
        *_rivals(results, sizes),
        *_libraries(results, sizes),
        *_tracking(results, sizes),
        *_startup(results, sizes),
    ]
    return "\n\n".join(parts) + "\n"


def in_short(name: str, figures: Figures) -> str:
    """One part's figures in a line for the terminal."""
    if name == "chain":
        return f"whole {_ratio(figures):.2f}, data {_ratio(figures, DATA_STAGES):.2f} x reference"
    return ", ".join(f"{key} {value}" for key, value in _flat(figures).items())[:900]


def _flat(figures: Figures, before: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in figures.items():
        if isinstance(value, dict) and key != "stages":
            found |= _flat(value, f"{before}{key}.")
        elif isinstance(value, float):
            found[before + key] = f"{value:.4g}"
        elif not isinstance(value, dict):
            found[before + key] = str(value)
    return found


def _middle(runs: list[Figures], stages: tuple[str, ...] = ()) -> float:
    """The median seconds of the whole, or of the stages together."""
    return statistics.median(_seconds(run, stages) for run in runs)


def _seconds(run: Figures, stages: tuple[str, ...]) -> float:
    return sum(run["stages"].get(stage, 0.0) for stage in stages) if stages else run["seconds"]


def _ratio(chain: Figures, stages: tuple[str, ...] = ()) -> float:
    """The median of the ratios of the turns."""
    turns = zip(chain["product"], chain["reference"], strict=True)
    return statistics.median(_seconds(own, stages) / max(_seconds(other, stages), 1e-9) for own, other in turns)


def _verdict(value: float, goal: float | None) -> str:
    return "" if goal is None else f"{goal:g} {'met' if value <= goal else '**missed**'}"


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in (head, *rows)]
    return "\n".join([lines[0], "|---" * len(head) + "|", *lines[1:]])


def _chain(results: dict[str, Figures], sizes: list[str]) -> list[str]:
    chains = {size: results[size]["chain"] for size in sizes if "chain" in results[size]}
    if not chains:
        return []
    rows = []
    for size, chain in chains.items():
        whole, data = _ratio(chain), _ratio(chain, DATA_STAGES)
        memory = statistics.median(run["peak_gb"] for run in chain["product"])
        rows += [
            [
                size,
                str(len(chain["product"])),
                f"{_middle(chain['reference']):.1f} s",
                f"{_middle(chain['product']):.1f} s",
                f"{whole:.2f}",
                _verdict(whole, CHAIN_GOALS.get(size)),
                f"{data:.2f}",
                _verdict(data, DATA_GOALS.get(size)),
                f"{memory:.2f} GB",
                _verdict(memory, MEMORY_GOALS.get(size)),
                f"{chain['load']}",
            ]
        ]
    head = ["order lines", "turns", "reference", "custana", "ratio", "goal", "land + clean + features", "goal"]
    parts = ["## Whole nightly chain, full refresh", _table([*head, "peak memory", "goal", "load after"], rows)]
    return [*parts, _stages(chains), *_growth(chains)]


def _stages(chains: dict[str, Figures]) -> str:
    rows = []
    for size, chain in chains.items():
        for side in ("reference", "product"):
            told = [f"{_middle(chain[side], (stage,)):.1f}" for stage in STAGES]
            rest = statistics.median(run["seconds"] - _seconds(run, STAGES) for run in chain[side])
            rows.append([size, "custana" if side == "product" else side, *told, f"{rest:.1f}"])
    return _table(["order lines", "seconds, median", *STAGES, "start, tracking and all else"], rows)


def _growth(chains: dict[str, Figures]) -> list[str]:
    sizes = list(chains)
    told = []
    for small, large in itertools.pairwise(sizes):
        grown = math.log(_middle(chains[large]["product"]) / _middle(chains[small]["product"]))
        exponent = grown / math.log(LINES[large] / LINES[small])
        told.append(f"{small} to {large}: {exponent:.2f} ({_verdict(exponent, GROWTH_GOAL)})")
    return [f"Growth exponent of custana's wall time: {'; '.join(told)}."] if told else []


def _floor(results: dict[str, Figures], sizes: list[str]) -> list[str]:
    rows = []
    for size in sizes:
        floor, chain = results[size].get("floor"), results[size].get("chain")
        if not floor or not chain:
            continue
        other = _middle(chain["reference"], DATA_STAGES)
        features = _middle(chain["reference"], ("features",))
        bare = floor["land"] + floor["clean"] + features
        told = [f"{floor['land']:.1f}", f"{floor['clean']:.1f}", f"{features:.1f}", f"{bare:.1f} s"]
        own = _middle(chain["product"], DATA_STAGES)
        goal = DATA_GOALS.get(size, 0.0) * other
        rows.append([size, f"{goal:.1f} s", *told, f"{bare / other:.2f}", f"{own:.1f} s", f"{own / bare:.2f}"])
    if not rows:
        return []
    head = ["order lines", "goal of land + clean + features", "land", "clean", "the reference's features", "together"]
    told = (
        "Land and clean by a bare script that does only what the design asks of them (`bench/speed/floor.py`: every "
        "line kept as text, every file hashed, each row typed with its reason, repeated lines found): what can be "
        "saved is what custana takes above it."
    )
    table = _table([*head, "of the reference", "custana", "of this floor"], rows)
    return ["## What the design alone costs", told, table]


def _increment(results: dict[str, Figures], sizes: list[str]) -> list[str]:
    rows = []
    for size in sizes:
        found = results[size].get("increment")
        if found:
            share = found["day"]["seconds"] / found["whole"]["seconds"]
            data = _seconds(found["day"], DATA_STAGES) / max(_seconds(found["whole"], DATA_STAGES), 1e-9)
            again = found["again"]["seconds"]
            rows.append(
                [
                    size,
                    f"{again:.1f} s",
                    _verdict(again, AGAIN_GOAL),
                    "nothing" if found["stands"] else "**a version**",
                    f"{found['day']['seconds']:.1f} of {found['whole']['seconds']:.1f} s = {share:.0%}",
                    _verdict(share, DAY_GOALS.get(size)),
                    f"{data:.0%}",
                    f"{found['tables'] - len(found['differ'])} of {found['tables']}",
                ]
            )
    if not rows:
        return []
    head = [
        "order lines",
        "second run, nothing new",
        "goal",
        "published by it",
        "a day more, of a full refresh",
        "goal",
    ]
    told = (
        "Tables equal: `cleaned` whole, `features` on the new day, row for row as a full refresh makes them "
        "(without `cleaned.known_values`, which remembers what earlier files had, and `features.built_of`, which "
        "counts the rows that a day more has put behind the others; numbers are told as the ids that they stand for)."
    )
    table = _table([*head, "its land + clean + features", "tables equal"], rows)
    return ["## A day's increment", table, told]


def _shapes(results: dict[str, Figures], sizes: list[str]) -> list[str]:
    parts = []
    for size in sizes:
        found = results[size].get("shapes")
        if not found:
            continue
        plain = {side: found["plain"][side]["seconds"] for side in ("product", "reference")}
        rows = []
        for shape, meaning in {"plain": "as generated", **SHAPES}.items():
            if shape in found:
                own, other = found[shape]["product"], found[shape]["reference"]
                factor = own["seconds"] / plain["product"]
                rows.append(
                    [
                        meaning,
                        f"{other['seconds']:.1f} s",
                        f"{other['seconds'] / plain['reference']:.2f}",
                        f"{own['seconds']:.1f} s",
                        f"{factor:.2f}",
                        _verdict(factor, SHAPE_GOAL),
                        f"{own['peak_gb']:.2f} GB",
                    ]
                )
        head = ["shape", "reference", "of its plain", "custana", "of its plain", "goal", "peak memory"]
        parts += [f"## Awkward shapes at {size} lines", _table(head, rows)]
    return parts


def _rivals(results: dict[str, Figures], sizes: list[str]) -> list[str]:
    rows = []
    for size in sizes:
        found, chain = results[size].get("rivals"), results[size].get("chain")
        if not found or not chain:
            continue
        whole, data = _middle(chain["product"]), _middle(chain["product"], DATA_STAGES)
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
    return ["## What people use today", _table(head, rows), goal]


def _libraries(results: dict[str, Figures], sizes: list[str]) -> list[str]:
    parts = []
    for size in sizes:
        btyd, lists = results[size].get("btyd"), results[size].get("recommendations")
        if btyd:
            own, other = btyd["custana"], btyd["lifetimes"]
            faster = other["seconds"] / own["seconds"]
            parts.append(
                f"BG/NBD on {btyd['customers']:,} customers: lifetimes {other['seconds']:.2f} s, "
                f"custana {own['seconds']:.2f} s: {faster:.1f} times as fast "
                f"(goal 5 {'met' if faster >= 5 else '**missed**'}); mean log likelihood "
                f"{other['log_likelihood']:.6f} and {own['log_likelihood']:.6f}."
            )
        if lists:
            own, other = lists["custana"], lists["als"]
            parts.append(
                f"Recommendations at {size}: implicit's ALS trains and lists ten products for everybody in "
                f"{other['seconds']:.1f} s, Recall@10 {other['recall']:.4f}; custana's stage, with tuning and "
                f"backtest, {own['seconds']:.1f} s, Recall@10 {own['recall']:.4f} (of the next 90 days)."
            )
    return ["## Beside the libraries of the field", *parts] if parts else []


def _tracking(results: dict[str, Figures], sizes: list[str]) -> list[str]:
    told = []
    for size in sizes:
        found = results[size].get("tracking")
        if found:
            own, bare = _middle(found["product"]), _middle(found["untracked"])
            pairs = zip(found["product"], found["untracked"], strict=True)
            share = statistics.median(1 - other["seconds"] / one["seconds"] for one, other in pairs)
            told.append(
                f"At {size}, medians of {len(found['product'])} turns: {own:.1f} s, and {bare:.1f} s where MLflow is "
                "not even imported, no candidate is kept and no figure drawn (`bench/speed/untracked.py`): "
                f"{share:.1%} of the chain ({_verdict(share, TRACKING_GOAL)})."
            )
    return ["## What MLflow costs", *told] if told else []


def _startup(results: dict[str, Figures], sizes: list[str]) -> list[str]:
    found = next((results[size]["startup"] for size in reversed(sizes) if "startup" in results[size]), None)
    if not found:
        return []
    words = {"help": "`custana --help`", "definitions": "definitions load", "sample": "sample chain, whole"}
    rows = [
        [words[name], f"{found[name]['seconds']:.2f} s", f"{_verdict(found[name]['seconds'], limit)}"]
        for name, limit in LIMITS.items()
    ]
    return ["## Start-up", _table(["what", "wall", "goal, s"], rows)]
