"""The job in pandas, as articles and notebooks write it: read, clean, features, train, segment, recommend, write.

It keeps no rejected line, judges no contract, does no backtest and tracks nothing. Windows and days are those of the
reference, so that the work is comparable; everything is vectorised pandas and scikit-learn.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LinearRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

END = pd.Timestamp("2025-01-01")
HORIZON = pd.Timedelta(days=90)
WINDOWS = (7, 30, 90, 365)
SVR_ROWS = 5_000
RECENT = 10
TOP = 10
Tables = dict[str, pd.DataFrame]


def read(folder: Path) -> Tables:
    """All files, as pandas guesses their types."""
    facts = {
        table: pd.concat([pd.read_csv(file, low_memory=False) for file in sorted((folder / table).glob("*.csv"))])
        for table in ("order_lines", "events")
    }
    return {**facts, **{table: pd.read_csv(folder / f"{table}.csv") for table in ("customers", "products")}}


def clean(raw: Tables) -> Tables:
    """Types, duplicates and missing values; bad rows are dropped."""
    lines = raw["order_lines"].copy()
    lines["ts"] = pd.to_datetime(lines["ts"], errors="coerce")
    for name in ("qty", "unit_price", "customer_id", "product_id"):
        lines[name] = pd.to_numeric(lines[name], errors="coerce")
    lines = lines.dropna(subset=["customer_id", "product_id", "ts", "qty", "unit_price"])
    lines = lines[(lines["qty"] > 0) & (lines["unit_price"] > 0) & (lines["ts"] < END)]
    lines = lines.sort_values("ts").drop_duplicates(["order_id", "line_no"], keep="last")
    customers = raw["customers"].drop_duplicates("customer_id").copy()
    customers["gender"] = customers["gender"].str.strip().str.lower().str[0].fillna("u")
    customers["city"] = customers["city"].str.strip().str.lower().fillna("unknown")
    customers["age"] = customers["age"].where(customers["age"].between(10, 110)).fillna(customers["age"].median())
    lines = lines[lines["customer_id"].isin(customers["customer_id"])]
    lines["amount"] = lines["qty"] * lines["unit_price"]
    events = raw["events"].drop_duplicates("event_id").dropna(subset=["customer_id"]).copy()
    events["ts"] = pd.to_datetime(events["ts"], errors="coerce")
    return {"order_lines": lines, "events": events, "customers": customers, "products": raw["products"]}


def features(tables: Tables, as_of: pd.Timestamp) -> pd.DataFrame:
    """One row a customer: recency, windows of orders, money, units and events, shares of categories, demographics."""
    lines = tables["order_lines"][tables["order_lines"]["ts"] < as_of]
    events = tables["events"][tables["events"]["ts"] < as_of]
    orders = lines.groupby(["customer_id", "order_id"], as_index=False).agg(
        ts=("ts", "max"), amount=("amount", "sum"), qty=("qty", "sum")
    )
    by_customer = orders.sort_values("ts").groupby("customer_id")
    gaps = by_customer["ts"].diff().dt.total_seconds().div(86400).groupby(orders["customer_id"])
    parts = [
        by_customer["ts"].agg(["min", "max"]).rsub(as_of).apply(lambda column: column.dt.total_seconds() / 86400),
        gaps.agg(["mean", "std"]).add_prefix("gap_"),
        by_customer[["amount", "qty"]].sum().add_prefix("all_"),
        by_customer.size().rename("all_orders"),
    ]
    for days in WINDOWS:
        recent = orders[orders["ts"] >= as_of - pd.Timedelta(days=days)].groupby("customer_id")
        parts += [recent[["amount", "qty"]].sum().add_suffix(f"_{days}"), recent.size().rename(f"orders_{days}")]
        seen = events[events["ts"] >= as_of - pd.Timedelta(days=days)]
        parts.append(pd.crosstab(seen["customer_id"], seen["event_type"]).add_suffix(f"_{days}"))
    priced = lines.merge(tables["products"][["product_id", "category"]], on="product_id")
    spent = priced.pivot_table(index="customer_id", columns="category", values="amount", aggfunc="sum", fill_value=0)
    parts.append(spent.div(spent.sum(axis=1), axis=0))
    people = pd.get_dummies(tables["customers"].set_index("customer_id")[["age", "gender", "country"]])
    return pd.concat(parts, axis=1).join(people, how="inner").fillna(0).astype(float)


def outcomes(tables: Tables, as_of: pd.Timestamp, customers: pd.Index) -> pd.Series:
    """What each customer spends within the horizon after a day."""
    lines = tables["order_lines"]
    window = lines[(lines["ts"] >= as_of) & (lines["ts"] < as_of + HORIZON)]
    return window.groupby("customer_id")["amount"].sum().reindex(customers, fill_value=0.0)


def train(tables: Tables) -> dict[str, Any]:
    """Trees, forests, a line and an SVR, fitted half a year ago and judged a quarter ago."""
    then, later = END - 2 * HORIZON, END - HORIZON
    known, judged = features(tables, then), features(tables, later)
    judged = judged.reindex(columns=known.columns, fill_value=0.0)
    spent, came = outcomes(tables, then, known.index), outcomes(tables, later, judged.index)
    buyers = {
        "tree": DecisionTreeClassifier(max_depth=8, min_samples_leaf=50, random_state=0),
        "forest": RandomForestClassifier(100, min_samples_leaf=20, n_jobs=2, random_state=0),
    }
    amounts = {
        "line": LinearRegression(),
        "tree": DecisionTreeRegressor(max_depth=8, min_samples_leaf=50, random_state=0),
        "forest": RandomForestRegressor(50, min_samples_leaf=20, max_features=0.33, n_jobs=2, random_state=0),
        "svr": make_pipeline(StandardScaler(), SVR()),
    }
    told = {}
    for name, model in buyers.items():
        model.fit(known, spent > 0)
        told[f"auc_{name}"] = roc_auc_score(came > 0, model.predict_proba(judged)[:, 1])
    for name, model in amounts.items():
        rows = known.sample(min(SVR_ROWS, len(known)), random_state=0) if name == "svr" else known
        model.fit(rows, np.log1p(spent.loc[rows.index]))
        told[f"mae_{name}"] = float(np.abs(np.expm1(np.clip(model.predict(judged), 0, 12)) - came).mean())
    return {"buyer": buyers["forest"], "amount": amounts["forest"], "columns": known.columns, "told": told}


def score(tables: Tables, models: dict[str, Any]) -> pd.DataFrame:
    """Everybody's chance, money and segment as of the end."""
    today = features(tables, END).reindex(columns=models["columns"], fill_value=0.0)
    scaled = StandardScaler().fit_transform(np.log1p(today[["max", "orders_365", "amount_365", "age"]].clip(lower=0)))
    return pd.DataFrame(
        {
            "chance": models["buyer"].predict_proba(today)[:, 1],
            "amount": np.expm1(np.clip(models["amount"].predict(today), 0, 12)),
            "segment": KMeans(5, n_init=3, random_state=0).fit_predict(scaled),
        },
        index=today.index,
    )


def recommend(tables: Tables) -> pd.DataFrame:
    """Ten products for each customer: those bought together with the last ones."""
    lines = tables["order_lines"]
    recent = lines[lines["ts"] >= END - pd.Timedelta(days=365)]
    baskets = recent[["order_id", "product_id"]].drop_duplicates()
    pairs = baskets.merge(baskets, on="order_id")
    pairs = pairs[pairs["product_id_x"] != pairs["product_id_y"]]
    together = pairs.groupby(["product_id_x", "product_id_y"]).size().rename("count").reset_index()
    bought = baskets["product_id"].value_counts()
    scale = np.sqrt(together["product_id_x"].map(bought) * together["product_id_y"].map(bought) + 10)
    together["likeness"] = together["count"] / scale
    together = together.sort_values("likeness", ascending=False).groupby("product_id_x").head(50)
    last = recent.sort_values("ts", ascending=False).drop_duplicates(["customer_id", "product_id"])
    owned = last[["customer_id", "product_id"]]
    last = last.groupby("customer_id").head(RECENT)[["customer_id", "product_id"]]
    offers = last.merge(together, left_on="product_id", right_on="product_id_x")
    offers = offers.groupby(["customer_id", "product_id_y"], as_index=False)["likeness"].sum()
    offers = offers.merge(
        owned, how="left", left_on=["customer_id", "product_id_y"], right_on=["customer_id", "product_id"]
    )
    offers = offers[offers["product_id"].isna()].drop(columns="product_id")
    return offers.sort_values("likeness", ascending=False).groupby("customer_id").head(TOP)
