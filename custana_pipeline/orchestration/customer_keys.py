"""Whether tables of one row a customer have the same customers on a day, told without joining or counting them."""

import datetime as dt
from collections.abc import Iterable

from custana_pipeline.errors import ContractBroken
from custana_pipeline.stores.session import Session

CUSTOMERS = "features.activity"
"""Whoever has a row there on a day has one in every table of one row a customer."""


def have_same_customers(session: Session, tables: Iterable[str], as_of: dt.date) -> bool:
    """Whether all the tables have the customers of the day that CUSTOMERS has, as often as they are there.

    Told by the number of rows and two sums of hashes of the ids, so that no table is sorted or joined; other customers
    give the same three once in some 10^19 times.
    """
    query = """select count(*), sum(hash(customer_id)), bit_xor(hash(customer_id)) from {table} where as_of = $as_of"""
    found = {session.rows(query.format(table=each), {"as_of": as_of})[0] for each in (CUSTOMERS, *tables)}
    return len(found) == 1


def refuse_other_customers(session: Session, table: str, as_of: dt.date) -> None:
    """Raise ContractBroken where a table of one row a customer has not those of CUSTOMERS, each once, at `as_of`."""
    if have_same_customers(session, [table], as_of):
        return
    query = f"""select (select count(*) from {CUSTOMERS} where as_of = $as_of), count(*), count(distinct customer_id),
        count(*) filter (where customer_id not in (select customer_id from {CUSTOMERS} where as_of = $as_of))
        from {table} where as_of = $as_of"""
    customers, rows, distinct, strangers = session.rows(query, {"as_of": as_of})[0]
    raise ContractBroken(
        f"{table} at {as_of} has {rows:,} rows of {distinct:,} customers, and there are {customers:,} in {CUSTOMERS}, "
        f"which {strangers:,} of the rows are not of: look for a join that repeats, drops or mixes up customers."
    )
