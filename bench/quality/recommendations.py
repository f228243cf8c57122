"""The two lists of products, beside popularity, personal frequency, neighbours and the judges."""

import datetime as dt

import numpy as np
import pandas as pd

from bench.quality import judges, ranking
from bench.quality.product import Published
from bench.quality.ranking import GP_TOP_FREQ, HALF_LIFE
from bench.quality.scores import weights_of
from bench.quality.truth import Truth
from bench.quality.windows import Window

PRODUCT = "**custana**"
JUDGES = (("als", "implicit: ALS, 64 factors"), ("bm25", "implicit: BM25 neighbours"))
REPEATS_ONLY = ("personal frequency (P-TopFreq)", GP_TOP_FREQ, "GP-TopFreq, ties by the last 30 days", HALF_LIFE)
"""Ways that rank by what the customer bought before: for new products they are no more than popularity."""


def judge(window: Window, truth: Truth, published: Published) -> dict:
    """Figures of buy_again (all that was bought, repeats allowed) and discover (never bought before), as plain data."""
    past = truth.baskets(None, window.as_of)
    until = window.as_of + dt.timedelta(days=window.horizon_days)
    bought = truth.baskets(window.as_of, until)[["customer_id", "product_id"]].drop_duplicates()
    bought = bought[bought["customer_id"].isin(past["customer_id"])]
    had = past[["customer_id", "product_id"]].drop_duplicates()
    new = bought.merge(had, how="left", indicator=True).query("_merge == 'left_only'").drop(columns="_merge")
    shop = ranking.Shop(past, pd.Timestamp(window.as_of))
    customers = pd.Index(np.unique(bought["customer_id"]))
    rows = shop.rows(customers)
    answers = judges.ask(tuple(name for name, _ in JUDGES), _asked(shop, rows))
    found = published.read(window.key, window.as_of, "product_recommendations")
    result = {}
    for list_name, wanted in (("buy_again", bought), ("discover", new)):
        ranked = _ranked(shop, rows, answers, is_new=list_name == "discover")
        lists = {name: ranking.as_list(each, customers, shop.products) for name, each in ranked.items()}
        if found is not None:
            lists[PRODUCT] = found[found["list"] == list_name]
        reasons = {title: answers.reasons[name] for name, title in JUDGES if name in answers.reasons}
        result[list_name] = {**_figures(lists, wanted, window), "reasons": reasons}
    return result


def _ranked(shop: ranking.Shop, rows: np.ndarray, answers: judges.Answers, *, is_new: bool) -> dict[str, np.ndarray]:
    """The ten best products of each customer by every way and judge."""
    forbidden = shop.counts[rows].toarray() > 0 if is_new else None
    own = ranking.rankings(shop, rows).items()
    ranked = {name: ranking.best(each, forbidden) for name, each in own if not (is_new and name in REPEATS_ONLY)}
    part = "new" if is_new else "all"
    return ranked | {title: answers.arrays[f"{name}_{part}"] for name, title in JUDGES if name not in answers.reasons}


def _figures(lists: dict[str, pd.DataFrame], wanted: pd.DataFrame, window: Window) -> dict:
    users = wanted["customer_id"].nunique()
    weights = weights_of(users, seed=window.seed)
    ways = {name: ranking.judged(listed, wanted, weights) for name, listed in lists.items()}
    told = {name: {metric: each.told for metric, each in way.items()} for name, way in ways.items()}
    against = {}
    if PRODUCT in ways:
        against = {
            name: {metric: ways[PRODUCT][metric].over(way[metric]).told for metric in way}
            for name, way in ways.items()
            if name != PRODUCT
        }
    return {"users": users, "ways": told, "against": against}


def _asked(shop: ranking.Shop, rows: np.ndarray) -> dict[str, np.ndarray]:
    entries = shop.counts.tocoo()
    return {"user": entries.row, "item": entries.col, "count": entries.data, "asked": rows}
