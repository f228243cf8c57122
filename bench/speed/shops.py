"""The data of a measurement: generated once a size, then reshaped where a bad condition is to be measured."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb

LINES = {"100k": 100_000, "1m": 1_000_000, "10m": 10_000_000, "100m": 100_000_000}
FACTS = ("order_lines", "events")
UNKNOWN_FROM = 100_000_000
"""The generator gives customers whom it does not know numbers beyond this; they stay unknown."""
SHAPES = {
    "hub_product": "a product that is in every order",
    "hub_customer": "a customer with a tenth of all lines",
    "one_time_buyers": "four of five orders are by somebody who never buys again",
    "busy_day": "a day with 100 times the usual lines",
    "daily_files": "the lines in some 700 files, as a shop exports them day by day",
}
DAYS = 731
_RESHAPED = {
    "hub_product": {
        "order_lines": "select * replace (case when line_no = '1' then '1' else product_id end as product_id)",
    },
    "hub_customer": {
        "order_lines": "select * replace (case when hash(order_id) % 10 = 0 and customer_id <> '' then '1' "
        "else customer_id end as customer_id)",
    },
    "one_time_buyers": {
        # where nobody at all bought again there would be nothing to learn, and nothing would be published; the
        # reference counts customers by their number
        "order_lines": "select * replace (case when customer_id <> '' and hash(order_id) % 5 > 0 "
        "then cast(2000000 + cast(order_id as bigint) as varchar) else customer_id end as customer_id)",
    },
    "busy_day": {
        # 100 of the 731 days' lines
        "order_lines": "select * replace (case when hash(order_id) % 731 < 100 and ts like '20%' and ts < '2099' "
        "then '2024-06-15' || substr(ts, 11) else ts end as ts)",
    },
}


def generated(generator: Path, size: str, seed: int, folder: Path) -> Path:
    """The generator's files of a size, made where they are missing."""
    made = folder / f"{size}-{seed}"
    if not (made / "meta.json").is_file():
        shutil.rmtree(made, ignore_errors=True)
        command = [sys.executable, str(generator), "--lines", str(LINES[size]), "--seed", str(seed)]
        subprocess.run([*command, "--out", str(made), "--formats", "csv"], check=True, stdout=subprocess.DEVNULL)
    return made


def history(made: Path, folder: Path) -> Path:
    """A folder with the files of the history, without copies."""
    shutil.rmtree(folder, ignore_errors=True)
    for table in FACTS:
        (folder / table).mkdir(parents=True)
        for file in sorted((made / table).glob("*.csv")):
            os.link(file, folder / table / file.name)
    for name in ("customers.csv", "products.csv"):
        os.link(made / name, folder / name)
    return folder


def add_day(made: Path, folder: Path) -> None:
    """Puts the next day's files, as the generator made them, beside the history."""
    for table in FACTS:
        os.link(made / "day" / f"{table}.csv", folder / table / "part-day.csv")


def reshaped(made: Path, shape: str, folder: Path) -> Path:
    """The same number of lines in another shape."""
    shutil.rmtree(folder, ignore_errors=True)
    history(made, folder)
    for table, select in _RESHAPED.get(shape, {}).items():
        for file in sorted((folder / table).glob("*.csv")):
            rows = f"read_csv('{file.resolve()}', all_varchar = true, header = true, nullstr = '')"
            changed = file.with_suffix(".new")
            duckdb.sql(f"copy ({select} from {rows}) to '{changed}' (format csv, header true)")
            changed.replace(file)
    if shape == "one_time_buyers":
        _customers_of_orders(folder)
    if shape == "daily_files":
        _cut_into_days(folder)
    return folder


def _cut_into_days(folder: Path) -> None:
    """Each table's lines, in their order, in about as many files as the history has days."""
    for table in FACTS:
        whole = sorted((folder / table).glob("*.csv"))
        for file in whole:
            header, *lines = file.read_text().splitlines(keepends=True)
            size = -(-len(lines) * len(whole) // DAYS)
            for day, first in enumerate(range(0, len(lines), size)):
                cut = file.with_name(f"{file.stem}-{day:03}.csv")
                cut.write_text(header + "".join(lines[first : first + size]))
            file.unlink()


def _customers_of_orders(folder: Path) -> None:
    """A customer record for every order that is its own customer; the records themselves are the generator's."""
    lines = f"read_csv('{folder}/order_lines/*.csv', all_varchar = true, header = true)"
    people = f"read_csv('{folder}/customers.csv', all_varchar = true, header = true)"
    changed = folder / "customers.new"
    duckdb.sql(
        f"""copy (
            with people as (select *, row_number() over () - 1 as place from {people}),
            orders as (
                select customer_id, hash(customer_id) % (select count(*) from people) as place
                from (select distinct customer_id from {lines} where try_cast(customer_id as bigint) < {UNKNOWN_FROM})
            )
            select orders.customer_id, age, gender, city, country, signup_date from orders
            join people on orders.place = people.place order by 1
        ) to '{changed}' (format csv, header true)"""
    )
    changed.replace(folder / "customers.csv")
