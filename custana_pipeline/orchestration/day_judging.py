"""Whether the rows of a day keep the contract of their table, list or view; many rows are judged in SQL."""

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import pandas as pd

from custana_pipeline.orchestration.customer_keys import CUSTOMERS
from custana_pipeline.stores.session import Session

if TYPE_CHECKING:
    from custana_pipeline.cleaned.contract_sql import Rules, Words
    from custana_pipeline.cleaned.gate import Contract, Verdict

MOST_FETCHED = 50_000
"""Rows up to which pandera looks at all of them; of more it sees about `SAMPLED`, and SQL counts over all."""
SAMPLED = 20_000
STRETCHES = 40
"""pandera sees so many stretches of rows that lie together, evenly spread: a stretch is found without reading the rest,
where rows here and there take a look at all of them."""
SAMPLED_IN_VIEWS = 2_000
"""Customers whose rows pandera sees of a view, by their ids: a join of many tables is asked for a range of keys in a
hundredth of the time that it takes for keys here and there."""


def rows_of_day(
    session: Session, table: str, as_of: dt.date, given: Mapping[str, str] | None = None
) -> Iterator[pd.DataFrame]:
    """The rows of a day in frames of bounded size, at least one that shows the columns; `given` are parameters."""
    query = f"""select * replace (cast(as_of as timestamp) as as_of) from {table}
        where as_of = date '{as_of.isoformat()}'"""
    is_empty = True
    for batch in session.batches(query, parameters=given):
        is_empty = False
        yield batch
    if is_empty:
        yield session.frame(query, given)


def judged_day(
    session: Session, contract: "Contract", table: str, as_of: dt.date, words: "Words | None" = None
) -> "Verdict":
    """Whether the rows of a day keep the contract; `words` are its own checks in SQL, where it has any.

    pandera looks at all of them, or, of more than MOST_FETCHED, at a sample while SQL counts over all.
    """
    from custana_pipeline.cleaned.contract_sql import conditions, counting_query, rising_query, with_counts
    from custana_pipeline.cleaned.gate import judge

    day = f"as_of = date '{as_of.isoformat()}'"
    row_count = session.rows(f"select count(*) from {table} where {day}")[0][0]
    rules = conditions(contract, words or {})
    if row_count <= MOST_FETCHED or rules is None:
        return judge(contract, rows_of_day(session, table, as_of))
    stretches = " or ".join(_stretches(session, table, day, (SAMPLED, STRETCHES)))
    sampled = judge(contract, rows_of_day(session, _some(table, stretches), as_of))
    if not sampled.passed:  # a column may be missing, which SQL cannot be asked for
        return judge(contract, rows_of_day(session, table, as_of))
    whole = _some(table, day)
    is_rising = session.rows(rising_query(contract, whole))[0][0]
    query, places = counting_query(contract, _without_nan(contract, whole), rules, is_unique=is_rising)
    return with_counts(sampled, places, session.rows(query)[0])


def judged_view(
    session: Session, contract: "Contract", view: str, as_of: dt.date, rules: "Rules", asked: str | None = None
) -> "Verdict":
    """The same for a view over features.activity whose columns were judged where they are stored.

    SQL counts over all rows by the `rules` that are left, and pandera looks at a stretch of customers amid all of them.
    `asked` is a SELECT that stands for the view where rows are counted; nobody is looked for twice in it.
    """
    from custana_pipeline.cleaned.contract_sql import counting_query, with_counts
    from custana_pipeline.cleaned.gate import judge

    day = f"as_of = date '{as_of.isoformat()}'"
    (stretch,) = _stretches(session, CUSTOMERS, day, (SAMPLED_IN_VIEWS, 1))
    ends = session.rows(f"select min(customer_id), max(customer_id) from {CUSTOMERS} where {day} and {stretch}")[0]
    some = _some(view, f"{day} and customer_id between $first and $last")
    sampled = judge(contract, rows_of_day(session, some, as_of, dict(zip(("first", "last"), ends, strict=True))))
    if not sampled.passed:
        return judge(contract, rows_of_day(session, view, as_of))
    query, places = counting_query(contract, _some(f"({asked})" if asked else view, day), rules, is_unique=bool(asked))
    return with_counts(sampled, places, session.rows(query)[0])


def _stretches(session: Session, table: str, day: str, sizes: tuple[int, int]) -> list[str]:
    """Conditions on the rows of the day of a table: about so many rows in so many stretches at most, or all of them."""
    rows, count = sizes[0], min(sizes)
    first, last = session.rows(f"select min(rowid), max(rowid) from {table} where {day}")[0]
    if first is None or last - first < rows:
        return ["true"]
    firsts = [first + (last - first) * (2 * number + 1) // (2 * count) for number in range(count)]
    return [f"rowid between {each} and {each + rows // count - 1}" for each in firsts]


def _some(table: str, condition: str) -> str:
    return f"(select * from {table} where {condition})"


def _without_nan(contract: "Contract", rows: str) -> str:
    """The rows with null for what is no number, as pandera counts it."""
    columns = contract.to_schema().columns
    floats = [name for name, column in columns.items() if str(column.dtype).startswith("float")]
    known = ", ".join(f"nullif({name}, 'nan') as {name}" for name in floats)
    return f"(select * {f'replace ({known})' if known else ''} from {rows})"
