"""Demand and behavior of one window: custana's lists beside the anchors, on the same customers and draws."""

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from bench.quality import anchors, judges, scores
from bench.quality.judges import Answers
from bench.quality.product import Published
from bench.quality.scores import Figure, weights_of
from bench.quality.truth import Truth
from bench.quality.windows import Window

PRODUCT = "**custana**"
BG_NBD = "BG/NBD"
BG_SPEND = "BG/NBD x Gamma-Gamma"
PYMC = "pymc-marketing (MAP)"
ONE_LINE = "last-365-day revenue x H/365"
FOREST = "forest on 2 columns"
Metric = Callable[[np.ndarray, np.ndarray, np.ndarray], Figure]
DEMAND: dict[str, Metric] = {
    "rmse": scores.rmse,
    "mae": scores.mae,
    "spearman": scores.spearman,
    "pearson": scores.pearson,
    "total": scores.total,
    "lift": scores.lift_top_decile,
    "r2": scores.r2,
}
BEHAVIOR: dict[str, Metric] = {"auc": scores.auc, "log_loss": scores.log_loss, "ece": scores.ece}


def judge(window: Window, truth: Truth, published: Published) -> dict:
    """Every figure of the window as plain data: scores by outcome and name, custana against each, and reasons."""
    customers = truth.customers(window)
    before = truth.customers(window.before) if truth.has_before(window) else None
    answers = judges.ask(_asked(window), judges.purchase_history(window, customers))
    weights = weights_of(len(customers), seed=window.seed)
    result: dict = {"customers": len(customers), "share_of_buyers": float((customers["orders"] > 0).mean())}
    for outcome in ("orders", "spend"):
        ways = dict(_published(window, customers, published, outcome))
        ways |= dict(_judged(answers, outcome))
        ways |= dict(anchors.demand(window, customers, before, outcome))
        result[outcome] = _figures(ways, customers[outcome].to_numpy(dtype="float64"), weights, DEMAND)
    ways = dict(_published(window, customers, published, "behavior"))
    if (p_buy := answers.get("bg_nbd", "p_buy")) is not None:
        ways["BG/NBD P(buy in H)"] = p_buy
    ways |= dict(anchors.behavior(customers, before))
    bought = (customers["orders"] > 0).to_numpy(dtype="float64")
    result["behavior"] = _figures(ways, bought, weights, BEHAVIOR)
    result["reasons"] = answers.reasons
    result["missing"], result["negative"] = _faults(window, customers, published)
    return result


def _asked(window: Window) -> tuple[str, ...]:
    extra = {"weeks39": ("pareto_nbd",), "spend": ("pymc",)}
    further = [name for table, names in extra.items() if table in window.tables for name in names]
    return ("bg_nbd", "gamma_gamma", *further)


LISTED = {
    "orders": ("demand_forecast", "expected_purchases"),
    "spend": ("demand_forecast", "expected_amount"),
    "behavior": ("recommended_customers", "p_buy"),
}


def _published(
    window: Window, customers: pd.DataFrame, published: Published, outcome: str
) -> Iterator[tuple[str, np.ndarray]]:
    found = published.column(window, *LISTED[outcome], customers["customer_id"])
    if found is not None:
        yield PRODUCT, found[0].to_numpy()


def _judged(answers: Answers, outcome: str) -> Iterator[tuple[str, np.ndarray]]:
    titles = {"bg_nbd": BG_NBD, "pareto_nbd": "Pareto/NBD", "pymc": PYMC}
    value = answers.get("gamma_gamma", "value")
    for judge_name, title in titles.items():
        purchases = answers.get(judge_name, "purchases")
        worth = answers.get("pymc", "value") if judge_name == "pymc" else value
        if purchases is None:
            continue
        if outcome == "orders":
            yield title, purchases
        elif worth is not None:
            yield title if judge_name == "pymc" else f"{title} x Gamma-Gamma", purchases * worth


def _figures(ways: dict[str, np.ndarray], actual: np.ndarray, weights: np.ndarray, metrics: dict[str, Metric]) -> dict:
    """{"ways": {name: {metric: [value, low, high]}}, "ratio" and "less": custana against each other way, paired}."""
    found = {
        name: {metric: score(weights, actual, foreseen) for metric, score in metrics.items()}
        for name, foreseen in ways.items()
    }
    own = found.get(PRODUCT)
    others = {name: way for name, way in found.items() if name != PRODUCT} if own else {}
    return {
        "ways": {name: {metric: each.told for metric, each in way.items()} for name, way in found.items()},
        "ratio": {
            name: {metric: own[metric].over(way[metric]).told for metric in ("rmse", "mae") if metric in way}
            for name, way in others.items()
        },
        "less": {
            name: {metric: own[metric].less(way[metric]).told for metric in ("auc", "log_loss") if metric in way}
            for name, way in others.items()
        },
    }


def _faults(window: Window, customers: pd.DataFrame, published: Published) -> tuple[int | None, int | None]:
    """How many customers the lists lack, and how many foreseen values are negative; None where nothing is published."""
    columns = [published.column(window, *LISTED[outcome], customers["customer_id"]) for outcome in LISTED]
    there = [each for each in columns if each is not None]
    if not there:
        return None, None
    return max(missing for _, missing in there), int(sum((values < 0).sum() for values, _ in there))
