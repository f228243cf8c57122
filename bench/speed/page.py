"""bench/speed.md from the figures: what was measured, beside what the project asks of itself."""

import itertools
import math
import statistics

from bench.run_bench import machine
from bench.speed import beside
from bench.speed.shops import LINES, SHAPES
from bench.speed.sides import DATA_STAGES, STAGES
from bench.speed.tables import Figures, middle, ratio, seconds_of, table, verdict

DATA_GOALS = {"1m": 1.5, "10m": 1.3, "100m": 1.3}
CHAIN_GOALS = {"1m": 3.0, "10m": 2.0, "100m": 1.6}
MEMORY_GOALS = {"1m": 1.5, "10m": 4.0, "100m": 12.0}
DAY_GOALS = {"10m": 0.15, "100m": 0.10}
AGAIN_GOAL, SHAPE_GOAL, GROWTH_GOAL = 5.0, 2.0, 1.0
NOTE = (
    "`make bench-speed SIZE=1m|10m|100m` writes this page; `python -m bench.speed --help` names its parts. Product and "
    "reference (a bare hand-written script of DuckDB, numpy and scikit-learn that keeps no evidence, judges no "
    "contract, does no backtest and tracks nothing) take turns on the same generated files, each a whole process; "
    "medians. `met` and `missed` are against the project's own goals."
)


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
        *beside.rivals(results, sizes),
        *beside.libraries(results, sizes),
        *beside.tracking(results, sizes),
        *beside.startup(results, sizes),
    ]
    return "\n\n".join(parts) + "\n"


def in_short(name: str, figures: Figures) -> str:
    """One part's figures in a line for the terminal."""
    if name == "chain":
        return f"whole {ratio(figures):.2f}, data {ratio(figures, DATA_STAGES):.2f} x reference"
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


def _chain(results: dict[str, Figures], sizes: list[str]) -> list[str]:
    chains = {size: results[size]["chain"] for size in sizes if "chain" in results[size]}
    if not chains:
        return []
    rows = []
    for size, chain in chains.items():
        whole, data = ratio(chain), ratio(chain, DATA_STAGES)
        memory = statistics.median(run["peak_gb"] for run in chain["product"])
        rows += [
            [
                size,
                str(len(chain["product"])),
                f"{middle(chain['reference']):.1f} s",
                f"{middle(chain['product']):.1f} s",
                f"{whole:.2f}",
                verdict(whole, CHAIN_GOALS.get(size)),
                f"{data:.2f}",
                verdict(data, DATA_GOALS.get(size)),
                f"{memory:.2f} GB",
                verdict(memory, MEMORY_GOALS.get(size)),
                f"{chain['load']}",
            ]
        ]
    head = ["order lines", "turns", "reference", "custana", "ratio", "goal", "land + clean + features", "goal"]
    parts = ["## Whole nightly chain, full refresh", table([*head, "peak memory", "goal", "load after"], rows)]
    return [*parts, _stages(chains), *_growth(chains)]


def _stages(chains: dict[str, Figures]) -> str:
    rows = []
    for size, chain in chains.items():
        for side in ("reference", "product"):
            told = [f"{middle(chain[side], (stage,)):.1f}" for stage in STAGES]
            rest = statistics.median(run["seconds"] - seconds_of(run, STAGES) for run in chain[side])
            rows.append([size, "custana" if side == "product" else side, *told, f"{rest:.1f}"])
    told = (
        "custana trains who will buy and what in a second process meanwhile: `train` is what it waits for, with "
        "segmentation, and other stages take longer beside it. Sizes and parts that docs/performance.md names as of "
        "earlier rounds were measured before it did."
    )
    return table(["order lines", "seconds, median", *STAGES, "start, tracking and all else"], rows) + f"\n\n{told}"


def _growth(chains: dict[str, Figures]) -> list[str]:
    sizes = list(chains)
    told = []
    for small, large in itertools.pairwise(sizes):
        grown = math.log(middle(chains[large]["product"]) / middle(chains[small]["product"]))
        exponent = grown / math.log(LINES[large] / LINES[small])
        told.append(f"{small} to {large}: {exponent:.2f} ({verdict(exponent, GROWTH_GOAL)})")
    return [f"Growth exponent of custana's wall time: {'; '.join(told)}."] if told else []


def _floor(results: dict[str, Figures], sizes: list[str]) -> list[str]:
    rows = []
    for size in sizes:
        floor, chain = results[size].get("floor"), results[size].get("chain")
        if not floor or not chain:
            continue
        other, whole = middle(chain["reference"], DATA_STAGES), middle(chain["reference"])
        features = middle(chain["reference"], ("features",))
        bare = floor["land"] + floor["clean"] + features
        least = floor["least"] + features if "least" in floor else None
        own = middle(chain["product"], DATA_STAGES)
        rows.append(
            [
                size,
                f"{floor['land']:.1f}",
                f"{floor['clean']:.1f}",
                f"{features:.1f}",
                f"{bare:.1f} s",
                f"{bare / other:.2f} (goal {DATA_GOALS.get(size, math.nan):g})",
                f"{own:.1f} s = {own / bare:.2f} of it",
                f"{1 + (bare - other) / whole:.2f} (goal {CHAIN_GOALS.get(size, math.nan):g})",
                f"{least:.1f} s = {least / other:.2f}" if least else "",
                _with_own_features(floor, chain),
            ]
        )
    if not rows:
        return []
    head = ["order lines", "land, s", "clean, s", "the reference's features, s", "together", "of the reference's"]
    told = (
        "Land and clean by a bare script that does only what the design asks of them (`bench/speed/floor.py`: every "
        "line kept as text, every file hashed, each row typed with its reason, repeated lines found), and the rest as "
        "the reference does it, without starting, contracts, backtests, tracking and the like. It is one "
        "bare way of keeping lines, and no proof that there is none quicker: a goal below its ratio is missed by that "
        "script too. Text and types alone leave away all that can be: lines as text in one table, typed in another, "
        "unhashed and unjudged, and the reference's features. The last column has the bare landing and cleaning with "
        "the features that custana makes (ten past days, sessions, gaps, assortments), by the time of their SELECTs "
        "within a run (`bench/speed/statements.py`), without contracts, BG/NBD and all else around them."
    )
    head += ["custana", "with all else of the reference, whole chain of the reference's", "text and types alone"]
    shown = table([*head, "with the SELECTs of custana's features; and all else of the reference"], rows)
    return ["## What the design alone costs", told, shown]


def _with_own_features(floor: Figures, chain: Figures) -> str:
    """The bare landing and cleaning with custana's own features, as data part and as whole chain of the reference's."""
    if "own_features" not in floor:
        return ""
    data = floor["land"] + floor["clean"] + floor["own_features"]
    other, whole = middle(chain["reference"], DATA_STAGES), middle(chain["reference"])
    return f"{data:.1f} s = {data / other:.2f}; {1 + (data - other) / whole:.2f}"


def _increment(results: dict[str, Figures], sizes: list[str]) -> list[str]:
    rows = []
    for size in sizes:
        found = results[size].get("increment")
        if found:
            share = found["day"]["seconds"] / found["whole"]["seconds"]
            data = seconds_of(found["day"], DATA_STAGES) / max(seconds_of(found["whole"], DATA_STAGES), 1e-9)
            again = found["again"]["seconds"]
            rows.append(
                [
                    size,
                    f"{again:.1f} s",
                    verdict(again, AGAIN_GOAL),
                    "nothing" if found["stands"] else "**a version**",
                    f"{found['day']['seconds']:.1f} of {found['whole']['seconds']:.1f} s = {share:.0%}",
                    verdict(share, DAY_GOALS.get(size)),
                    f"{data:.0%}",
                    _bare_night(results[size].get("night"), found["whole"]["seconds"]),
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
    night = (
        "Without landing and cleaning: what the reference takes where its lines are in its tables already, as if a day "
        "more came in for nothing. It makes features, learns, scores and lists anew, as every night does."
    )
    bare = "the reference without landing and cleaning, of its whole run; of custana's full refresh"
    shown = table([*head, "its land + clean + features", bare, "tables equal"], rows)
    return ["## A day's increment", shown, told, night]


def _bare_night(found: Figures | None, refresh: float) -> str:
    """What the reference takes without landing and cleaning, of its whole run and of custana's full refresh."""
    if not found:
        return ""
    night, whole = found["night"]["seconds"], found["whole"]["seconds"]
    return f"{night:.1f} of {whole:.1f} s = {night / whole:.0%}; {night / refresh:.0%}"


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
                        verdict(factor, SHAPE_GOAL),
                        f"{own['peak_gb']:.2f} GB",
                    ]
                )
        head = ["shape", "reference", "of its plain", "custana", "of its plain", "goal", "peak memory"]
        parts += [f"## Awkward shapes at {size} lines", table(head, rows)]
    return parts
