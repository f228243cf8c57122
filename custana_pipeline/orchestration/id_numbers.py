"""Whole numbers that stand for the ids of customers and products in lines and days, where text costs more.

An id keeps its number for as long as any line has it; new ids get the next ones, in the order of their text. Numbers
are those of one warehouse and say nothing: no list is ordered by them or shows them.
"""

from custana_pipeline.orchestration.project import Project
from custana_pipeline.orchestration.shared_hashes import drop_shared, find_shared, is_compared
from custana_pipeline.stores.session import Session

NUMBERS = {"customer": "cleaned.customer_numbers", "product": "cleaned.product_numbers"}
NUMBERED = ("transactions", "events")
"""The cleaned tables whose lines hold numbers."""
GIVEN = {"transactions": ("customer", "product"), "customers": ("customer",), "events": ("product",)}
"""Whose ids are numbered by which table; an event whose customer no other table names keeps the id itself."""
OWNERS = {f"cleaned.numbered_{table}": f"cleaned.{table}" for table in NUMBERED} | dict.fromkeys(
    NUMBERS.values(), "cleaned.transactions"
)
"""Tables and views without an asset of their own -> the table whose asset builds them."""


def by_number(table: str) -> str:
    """The kept lines of a cleaned table as they are quickest to read, for whoever needs no id of them.

    >>> by_number("events"), by_number("products")
    ('cleaned.numbered_events', 'cleaned.products')
    """
    return f"cleaned.numbered_{table}" if table in NUMBERED else f"cleaned.{table}"


def build_lines(session: Session, project: Project, table: str) -> None:
    """Judges all lines of a cleaned table anew, and shows those that are kept; its source view must be there."""
    were_there = session.exists(f"cleaned.{table}_lines")
    number_ids(session, table)
    find_shared(session, table, compared=is_compared(project, table))
    session.build(project.models[f"cleaned.{table}_lines"], project.cleaning_parameters)
    drop_shared(session)
    for name in dict.fromkeys((by_number(table), f"cleaned.{table}")):
        model = project.models[name]
        # to count the rows of a view that shows ids would mean joining them
        session.build_view(model) if model.is_view else session.build(model, project.cleaning_parameters)
    if were_there:
        drop_unused(session)


def number_ids(session: Session, table: str, within: str = "true") -> None:
    """Gives a number to each id of the lines of `sources.<table>` that has none, also where the line is not kept."""
    prepare_numbers(session)
    for kind in GIVEN.get(table, ()):
        numbers = NUMBERS[kind]
        # materialized, or each line would be trimmed before it is known which ids differ
        session.rows(
            f"""create or replace temp table new_ids as
            with given as materialized (select distinct {kind}_id from sources.{table} where {within})
            select distinct trim({kind}_id) as {kind}_id from given
            where trim({kind}_id) <> '' and trim({kind}_id) not in (
                select {kind}_id from {numbers} where {kind}_number > 0)"""
        )
        # a table that this transaction has added to is joined at thrice the cost, since no statistics tell of it
        if session.rows("select count(*) from new_ids")[0][0]:
            session.rows(
                f"""insert into {numbers} select {kind}_id, (select coalesce(max({kind}_number), 0) from {numbers})
                    + row_number() over (order by {kind}_id) from new_ids order by {kind}_id"""
            )
        session.rows("drop table new_ids")


def prepare_numbers(session: Session) -> None:
    """Makes the tables of numbers, where they are missing."""
    if session.exists(NUMBERS["product"]):
        return
    for kind, numbers in NUMBERS.items():
        session.connection.execute(f"create table {numbers} ({kind}_id varchar, {kind}_number integer)")
    # lines without a product have no number; 0 is what views look up for them
    session.rows(f"insert into {NUMBERS['product']} values (null, 0)")


def number_late(session: Session) -> None:
    """Puts numbers in place of the customer ids of old events, where these have one by now."""
    session.rows(
        """update cleaned.events_lines set customer_number = numbers.customer_number, customer_id = null
        from cleaned.customer_numbers as numbers where events_lines.customer_id = numbers.customer_id"""
    )


def drop_unused(session: Session) -> None:
    """Takes away the ids that no line has any more, as of whoever was forgotten, once lines were cleaned anew.

    Their numbers may be given again: what was made of these lines by numbers is made anew, too (see customer_days).
    """
    lines = [f"cleaned.{table}_lines" for table in NUMBERED if session.exists(f"cleaned.{table}_lines")]
    for kind, numbers in NUMBERS.items():
        column = f"{kind}_number"
        # an earlier version's lines have the ids themselves
        used = " union ".join(f"select {column} from {each}" for each in lines if column in session.columns(each))
        unused = f"{column} not in (select {column} from ({used}) where {column} > 0)" if used else "true"
        if kind == "customer" and session.exists("cleaned.customers_lines"):
            people = "select customer_id from cleaned.customers_lines where customer_id <> ''"
            unused += f" and customer_id not in ({people})"
        session.rows(f"delete from {numbers} where {column} > 0 and {unused}")
