"""custana's own parts beside the libraries of their field: BG/NBD beside lifetimes, recommendations beside ALS."""

import json
import statistics
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from scipy.special import betaln, gammaln

from bench.speed.processes import measured, plain_environment
from bench.speed.sides import PROJECT, product, step_seconds

RIVALS = Path(__file__).with_name("rivals")
CUSTOMERS, TURNS = 100_000, 5
TOP = 10
LISTS_STEP = "applications__product_recommendations"
"""The step that learns tastes and companions from all purchases, and makes, judges and stores everybody's lists."""
PAST_AS_OF, PAST_END = "2024-10-02", "2024-12-31"
"""A day with its 90 days of truth within the history."""


def btyd(judges: Path, scratch: Path) -> dict[str, Any]:
    """Median seconds of both fits at CUSTOMERS simulated customers, in turn, and the mean log likelihood of each."""
    scratch.mkdir(parents=True, exist_ok=True)
    histories = _simulated_histories(CUSTOMERS)
    np.savez(scratch / "in.npz", **histories)
    scripts = {"lifetimes": (judges, "lifetimes_fit.py"), "custana": (sys.executable, "own_btyd.py")}
    told: dict[str, list[dict[str, Any]]] = {name: [] for name in scripts}
    for _ in range(TURNS):
        for name, (python, script) in scripts.items():
            out = scratch / f"{name}.json"
            command = [str(python), str(RIVALS / script), str(scratch / "in.npz"), str(out)]
            measured(command, scratch, plain_environment(PYTHONPATH=str(PROJECT)))
            told[name].append(json.loads(out.read_text()))
    found: dict[str, Any] = {"customers": CUSTOMERS, "turns": TURNS}
    for name, turns in told.items():
        likelihood = log_likelihood(turns[0]["parameters"], **histories).mean()
        seconds = statistics.median(turn["seconds"] for turn in turns)
        found[name] = {"seconds": seconds, "log_likelihood": float(likelihood)}
    return found


def log_likelihood(parameters: dict[str, float], x: np.ndarray, t_x: np.ndarray, T: np.ndarray) -> np.ndarray:  # noqa: N803
    """BG/NBD's log likelihood of each customer (Fader, Hardie and Lee 2005, equation 6)."""
    r, alpha, a, b = (parameters[name] for name in ("r", "alpha", "a", "b"))
    rate = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
    stayed = betaln(a, b + x) - betaln(a, b) - (r + x) * np.log(alpha + T)
    again = np.maximum(x, 1)
    left = np.where(x > 0, betaln(a + 1, b + again - 1) - betaln(a, b) - (r + x) * np.log(alpha + t_x), -np.inf)
    return rate + np.logaddexp(stayed, left)


def _simulated_histories(customers: int) -> dict[str, np.ndarray]:
    """Customers who buy and leave as BG/NBD says: r .5, alpha 8 weeks, a .8, b 2.5; observed 26 to 104 weeks."""
    random = np.random.default_rng(11)
    rate = random.gamma(0.5, 1 / 8.0, customers)
    leaves = random.beta(0.8, 2.5, customers)
    observed = np.round(random.uniform(26, 104, customers) * 7) / 7
    repeats, last, now = np.zeros(customers), np.zeros(customers), np.zeros(customers)
    there = np.ones(customers, dtype=bool)
    while there.any():
        now[there] += np.maximum(random.exponential(1 / rate[there]), 1 / 7)
        there &= now < observed
        repeats[there] += 1
        last[there] = now[there]
        there &= random.random(customers) > leaves
    return {"x": repeats, "t_x": np.round(last * 7) / 7, "T": observed}


def recommendations(judges: Path, place: Path, files: Path, scratch: Path) -> dict[str, Any]:
    """Seconds and Recall@10 of ALS and of custana's published lists on a past day whose next 90 days are known.

    Each has the machine to itself: custana trains nothing beside its lists there.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    run = product(place, files, scratch / "data", as_of=PAST_AS_OF, module="bench.speed.alone")
    with duckdb.connect() as connection:
        _read(connection, files)
        pairs = connection.execute("select customer, product, days from pairs").fetchnumpy()
        np.savez(scratch / "pairs.npz", **{name: np.asarray(values) for name, values in pairs.items()})
        command = [str(judges), str(RIVALS / "als.py"), str(scratch / "pairs.npz"), str(scratch / "als.npz")]
        whole = measured(command, scratch, plain_environment())
        connection.register("listed", pa.table(dict(np.load(scratch / "als.npz").items())))
        connection.execute(
            "create table als as select c.id as customer_id, p.id as product_id from listed as a "
            "join customers as c on a.customer = c.code join products as p on a.product = p.code"
        )
        lists = scratch / "data" / "published" / PAST_AS_OF / "product_recommendations.parquet"
        connection.execute(
            f"create table own as select cast(customer_id as bigint) as customer_id, "
            f"cast(product_id as bigint) as product_id from '{lists}' qualify row_number() over "
            f"(partition by customer_id order by case list when 'buy_again' then 0 else 1 end, rank) <= {TOP}"
        )
        told = json.loads((scratch / "als.json").read_text())
        return {
            "als": {"seconds": told["seconds"], "recall": _recall(connection, "als"), "run": asdict(whole)},
            "custana": {
                "seconds": run.stages.get("recommend", 0.0),
                "lists_seconds": step_seconds(scratch / "data")[LISTS_STEP],
                "recall": _recall(connection, "own"),
            },
        }


def _read(connection: duckdb.DuckDBPyConnection, files: Path) -> None:
    """Tables customers, products (codes), pairs (learned from) and truth (the 90 days after)."""
    connection.execute(
        f"""create table lines as select customer_id, product_id, cast(ts as date) as day from read_csv(
            '{files}/order_lines/*.csv', ignore_errors = true, columns = {{order_id: 'bigint', line_no: 'bigint',
            customer_id: 'bigint', product_id: 'bigint', ts: 'timestamp', qty: 'bigint', unit_price: 'double'}})
        where customer_id < 500000000 and product_id is not null and qty > 0"""
    )
    for name in ("customer", "product"):
        connection.execute(
            f"create table {name}s as select {name}_id as id, row_number() over (order by {name}_id) - 1 as code "
            f"from (select distinct {name}_id from lines where day < date '{PAST_AS_OF}')"
        )
    connection.execute(
        f"""create table pairs as select c.code as customer, p.code as product, count(distinct day) as days from lines
        join customers as c on lines.customer_id = c.id join products as p on lines.product_id = p.id
        where day < date '{PAST_AS_OF}' and day >= date '{PAST_AS_OF}' - 365 group by all"""
    )
    connection.execute(
        f"""create table truth as select distinct customer_id, product_id from lines
        where day >= date '{PAST_AS_OF}' and day < date '{PAST_AS_OF}' + 90
        and customer_id in (select id from customers)"""
    )


def _recall(connection: duckdb.DuckDBPyConnection, listed: str) -> float:
    """Mean over buyers of the share of what they bought that was among their ten; of ten at most."""
    row = connection.execute(
        f"""with hits as (
            select truth.customer_id, count(own.product_id) as hits, count(*) as bought from truth
            left join {listed} as own using (customer_id, product_id) group by 1
        ) select avg(hits / least(bought, {TOP})) from hits"""
    ).fetchone()
    return float(row[0]) if row else 0.0
