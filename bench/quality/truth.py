"""What was known and what then happened, computed from the raw file with DuckDB and nothing of custana's.

Money is summed as decimals, so that every run gives the same bytes.
"""

import datetime as dt
from pathlib import Path

import duckdb
import pandas as pd

from bench.quality.windows import SOURCES, Window

CUSTOMERS = """
    with days as (
        select customer_id, day, sum(amount) as amount from purchases group by customer_id, day
    ),
    ordered as (
        select *, row_number() over (partition by customer_id order by day) as number
        from days where day < $as_of::date
    ),
    known as (
        select
            customer_id,
            count(*) as frequency,
            count(*) - 1 as repeats,
            date_diff('day', min(day), max(day)) as span,
            date_diff('day', min(day), $as_of::date) - 1 as age,
            date_diff('day', max(day), $as_of::date) as recency,
            cast(sum(amount) as double) as amount,
            cast(sum(amount) filter (where number > 1) as double) / nullif(count(*) - 1, 0) as mean_repeat,
            count(*) filter (where day >= $as_of::date - 365) as frequency_365,
            coalesce(cast(sum(amount) filter (where day >= $as_of::date - 365) as double), 0) as amount_365,
            count(*) filter (where day >= $as_of::date - $horizon) as frequency_last,
            coalesce(cast(sum(amount) filter (where day >= $as_of::date - $horizon) as double), 0) as amount_last,
            count(*) filter (where day >= $as_of::date - 364 and day < $as_of::date - 364 + $horizon) as frequency_ago,
            coalesce(cast(sum(amount) filter (
                where day >= $as_of::date - 364 and day < $as_of::date - 364 + $horizon
            ) as double), 0) as amount_ago
        from ordered group by customer_id
    ),
    then_bought as (
        select customer_id, count(*) as orders, cast(sum(amount) as double) as spend
        from days where day >= $as_of::date and day < $as_of::date + $horizon group by customer_id
    )
    select known.*, coalesce(orders, 0) as orders, coalesce(spend, 0) as spend
    from known left join then_bought using (customer_id) order by customer_id
"""


class Truth:
    """The purchases of one source, in memory."""

    def __init__(self, source: str, path: Path) -> None:
        self.connection = duckdb.connect()
        self.connection.execute(f"create table purchases as {SOURCES[source].purchases}", {"path": str(path)})
        self.first_day, self.last_day = self._one("select min(day), max(day) from purchases")

    def customers(self, window: Window) -> pd.DataFrame:
        """One row a customer with a purchase before as_of: what was known (a purchase is a day), orders and spend.

        The columns of a year ago are left out where the history does not reach back to them.
        """
        parameters = {"as_of": window.as_of, "horizon": window.horizon_days}
        known = self.connection.execute(CUSTOMERS, parameters).df()
        has_year = self.first_day <= window.as_of - dt.timedelta(days=364)
        return known if has_year else known.drop(columns=["frequency_ago", "amount_ago"])

    def baskets(self, since: dt.date | None, until: dt.date) -> pd.DataFrame:
        """customer_id, product_id, day: once for each day on which the customer bought the product, until excluded."""
        return self.connection.execute(
            """select distinct customer_id, product_id, day from purchases
            where day < $until and day >= coalesce($since, day) order by all""",
            {"since": since, "until": until},
        ).df()

    def has_before(self, window: Window) -> bool:
        """Whether there is at least a month of history before the window that anchors are fitted on."""
        return self.first_day <= window.before.as_of - dt.timedelta(days=30)

    def _one(self, query: str) -> tuple:
        return self.connection.execute(query).fetchall()[0]


def master_layout(sample: Path, folder: Path) -> Path:
    """CDNOW's sample in the layout of its master: the sample's own customer number is left out."""
    lines = [line.split() for line in sample.read_text(encoding="ascii").splitlines() if line.strip()]
    path = folder / "CDNOW_master_sample.txt"
    text = "".join(f" {master} {day} {count:>2} {amount:>7}\n" for master, _, day, count, amount in lines)
    path.write_text(text, encoding="ascii")
    return path
