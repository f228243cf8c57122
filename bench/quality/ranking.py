"""Ways to rank products for a customer that custana's lists are held against, and the scores of a list."""

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix, diags

from bench.quality import scores
from bench.quality.scores import Figure

DEPTH = 10
GP_TOP_FREQ = "P-TopFreq + popular fill (GP-TopFreq)"
HALF_LIFE = "half-life 180 days + 0.3 x popularity of 30 days"


class Shop:
    """What each known customer bought before the day, as matrices of customers x products.

    `baskets` has customer_id, product_id and day (once a day and product), all before `as_of`.
    """

    def __init__(self, baskets: pd.DataFrame, as_of: pd.Timestamp) -> None:
        self.customers, user = np.unique(baskets["customer_id"], return_inverse=True)
        self.products, item = np.unique(baskets["product_id"], return_inverse=True)
        self.user, self.item = user, item
        self.age = (as_of - pd.to_datetime(baskets["day"])).dt.days.to_numpy(dtype="float64")
        self.counts = self.matrix(np.ones(len(user)))

    def matrix(self, values: np.ndarray) -> csr_matrix:
        """The sum of the values over each customer and product."""
        return csr_matrix((values, (self.user, self.item)), shape=(len(self.customers), len(self.products)))

    def popularity(self, days: float = np.inf) -> np.ndarray:
        """Customer-days with each product in the last `days`."""
        recent = self.item[self.age <= days]
        return np.bincount(recent, minlength=len(self.products)).astype("float64")

    def rows(self, customers: pd.Index) -> np.ndarray:
        """The row of each customer, all of whom are known."""
        return np.searchsorted(self.customers, customers.to_numpy())


def rankings(shop: Shop, rows: np.ndarray) -> dict[str, np.ndarray]:
    """Scores (customers x products) by the name of the way; equal scores are in the order of the product ids."""
    own = shop.counts[rows].toarray()
    common, recent = _share(shop.popularity()), _share(shop.popularity(30))
    decayed = shop.matrix(0.5 ** (shop.age / 180))
    mine = decayed[rows].toarray()
    return {
        "popularity": np.tile(shop.popularity(30), (len(rows), 1)),
        "personal frequency (P-TopFreq)": np.where(own > 0, own, -1.0),
        GP_TOP_FREQ: own + 0.5 * common,
        "GP-TopFreq, ties by the last 30 days": own + 0.5 * recent,
        HALF_LIFE: mine + 0.3 * recent,
        "item-item cosine": _item_cosine(shop.counts, own),
        "TIFU-kNN-like (300 neighbours)": _neighbours(decayed, rows),
    }


def _share(popularity: np.ndarray) -> np.ndarray:
    return popularity / max(1.0, popularity.max())


def _item_cosine(counts: csr_matrix, own: np.ndarray) -> np.ndarray:
    bought = (counts > 0).astype("float64")
    length = np.sqrt(np.maximum(1.0, np.asarray(bought.sum(axis=0)).ravel()))
    unit = bought @ diags(1 / length)
    alike = (unit.T @ unit).tolil()
    alike.setdiag(0)
    return np.asarray((own > 0).astype("float64") @ alike.tocsr().toarray())


def _neighbours(decayed: csr_matrix, rows: np.ndarray, count: int = 300, own_share: float = 0.7) -> np.ndarray:
    length = np.sqrt(np.maximum(1e-12, np.asarray(decayed.multiply(decayed).sum(axis=1)).ravel()))
    unit = diags(1 / length) @ decayed
    alike = (unit[rows] @ unit.T).toarray()
    alike[np.arange(len(rows)), rows] = -1.0
    nearest = np.argpartition(-alike, min(count, alike.shape[1] - 1), axis=1)[:, :count]
    places = np.repeat(np.arange(len(rows)), nearest.shape[1])
    pick = csr_matrix((np.full(nearest.size, 1 / nearest.shape[1]), (places, nearest.ravel())), shape=alike.shape)
    return own_share * decayed[rows].toarray() + (1 - own_share) * (pick @ decayed).toarray()


def best(values: np.ndarray, forbidden: np.ndarray | None = None, depth: int = DEPTH) -> np.ndarray:
    """The indices of the products with the highest scores, best first; -1 where the score is not above zero."""
    open_values = values if forbidden is None else np.where(forbidden, -1.0, values)
    order = np.argsort(-open_values, axis=1, kind="stable")[:, :depth]
    return np.where(np.take_along_axis(open_values, order, axis=1) > 0, order, -1)


def as_list(indices: np.ndarray, customers: pd.Index, products: np.ndarray) -> pd.DataFrame:
    """customer_id, rank (from 1), product_id; -1 is no product."""
    ranks = np.tile(np.arange(1, indices.shape[1] + 1), len(indices))
    flat = indices.ravel()
    listed = pd.DataFrame({"customer_id": np.repeat(customers.to_numpy(), indices.shape[1]), "rank": ranks})
    listed["product_id"] = products[np.maximum(flat, 0)]
    return listed[flat >= 0]


def judged(listed: pd.DataFrame, bought: pd.DataFrame, weights: np.ndarray) -> dict[str, Figure]:
    """Recall@10 and NDCG@10 (binary) over the customers in `bought` (customer_id, product_id, each pair once).

    A customer without a list scores zero. Recall is the share of a customer's products that the ten places hold.
    `weights` are the draws over those customers, sorted.
    """
    customers = pd.Index(np.unique(bought["customer_id"]))
    top = listed[listed["rank"] <= DEPTH]
    hits = top.merge(bought, on=["customer_id", "product_id"])
    gains = (1 / np.log2(hits["rank"] + 1)).groupby(hits["customer_id"]).sum().reindex(customers, fill_value=0.0)
    count = hits.groupby("customer_id").size().reindex(customers, fill_value=0)
    wanted = bought.groupby("customer_id").size().reindex(customers)
    ideal = np.concatenate([[0.0], np.cumsum(1 / np.log2(np.arange(2, DEPTH + 2)))])
    best_gain = ideal[np.minimum(wanted.to_numpy(), DEPTH)]
    recall = count.to_numpy() / wanted.to_numpy()
    return {
        "recall": scores.figure(scores.mean_of(weights, recall)),
        "ndcg": scores.figure(scores.mean_of(weights, gains.to_numpy() / best_gain)),
    }
