"""The law of money: what the files hold, to the cent, is what was kept, set aside and rejected, and no join changes it.

The money of the files is summed from the raw text by a statement of its own, not by the models that clean it.
"""

import datetime as dt
from collections.abc import Sequence

from custana_pipeline.errors import ContractBroken
from custana_pipeline.stores.session import Session

# a line's money is its amount, else quantity times price, to the cent; either below zero makes it a return
_MONEY_IN = """
    select
        source_file,
        case when money < 0 or units < 0 then -abs(money) else money end as money,
        money is null and (written <> '' or (price <> '' and quantity_text <> '')) as is_unparsable
    from (
        select
            source_file,
            trim(coalesce(amount, '')) as written,
            trim(coalesce(unit_price, '')) as price,
            case when has_quantity then trim(coalesce(quantity, '')) else '1' end as quantity_text,
            try_cast(quantity_text as decimal(18, 3)) as units,
            try_cast(price as decimal(18, 4)) as each,
            case when written <> '' then try_cast(written as decimal(18, 2))
                -- of everyday size: narrow types are several times as quick
                when abs(units) < 1000000 and abs(each) < 1000000
                    then cast(round(cast(units as decimal(9, 3)) * cast(each as decimal(10, 4)), 2) as decimal(18, 2))
                else try_cast(round(cast(units as decimal(38, 3)) * each, 2) as decimal(18, 2))
            end as money
        from sources.transactions
        cross join (select count(quantity) > 0 as has_quantity from sources.transactions)
    )
"""
READ_TABLE = "cleaned.money_read"
_MONEY_READ = f"""
    select source_file, coalesce(sum(money), 0) as money, count(*) filter (where money is null) as without,
        count(*) filter (where is_unparsable) as unparsable
    from ({_MONEY_IN}) where $is_whole or source_file in (select unnest($files)) group by source_file
"""
_MONEY_BY_FILE = f"""
    with went as (
        select source_file, sum(amount) as money, count(*) filter (where amount is null) as without
        from cleaned.transactions_lines group by source_file
    )
    select coalesce(came.source_file, went.source_file), coalesce(came.money, 0), coalesce(went.money, 0),
        coalesce(came.without, 0), coalesce(went.without, 0), coalesce(came.unparsable, 0)
    from {READ_TABLE} as came full join went on came.source_file = went.source_file order by 1
"""
_ORDERS_IN_DAYS = """
    select
        (select count(*) from cleaned.numbered_transactions),
        (select coalesce(sum(amount), 0) from cleaned.numbered_transactions),
        (select coalesce(sum(line_count + return_count), 0) from features.purchase_days),
        (select coalesce(sum(gross_amount - return_amount), 0) from features.purchase_days)
"""
_DAYS_IN_CUSTOMERS = """
    with buyers as (
        select sum(unit_count) as units, sum(gross_amount) as money from features.purchase_days
        where ordered_date < $as_of group by customer_number having bool_or(is_purchase_day)
    ),
    days as (
        select count(*) as customers, sum(units) as units, coalesce(sum(money), 0) as money from buyers
    )
    select days.customers, days.units, days.money,
        (select count(*) from features.activity where as_of = $as_of),
        (select coalesce(sum(unit_count), 0) from features.activity where as_of = $as_of),
        (select coalesce(sum(purchase_amount), 0) from features.activity where as_of = $as_of)
    from days
"""


def money_by_file(session: Session, new_files: Sequence[str] | None = None) -> dict[str, float]:
    """The money of all files and how many lines have some that cannot be read, once the law holds for every file.

    What was read of files is kept, and summed anew from the text for `new_files` only, where these are given.

    Raises ContractBroken, with the file and both sums, where money got lost or was made on the way.
    """
    given = {"is_whole": new_files is None, "files": list(new_files or ())}
    if new_files is None:
        session.rows(f"create or replace table {READ_TABLE} as {_MONEY_READ}", given)
    elif new_files:
        session.rows(f"delete from {READ_TABLE} where source_file in (select unnest($files))", given)
        session.rows(f"insert into {READ_TABLE} {_MONEY_READ}", given)
    rows = session.rows(_MONEY_BY_FILE)
    wrong = [
        f"{file}: {came:,} of money were read and {went:,} are accounted for, without money {few:,} and {many:,} lines"
        for file, came, went, few, many, _ in rows
        if (came, few) != (went, many)
    ]
    if wrong:
        raise ContractBroken(f"cleaned.transactions loses money: {'; '.join(wrong)}. The tables of yesterday stay.")
    return {"money": float(sum(row[1] for row in rows)), "unparsable_amounts": int(sum(row[5] for row in rows))}


def refuse_lost_in_days(session: Session) -> None:
    """Raise ContractBroken where features.purchase_days holds other lines or other money than cleaned.transactions."""
    lines, money, day_lines, day_money = session.rows(_ORDERS_IN_DAYS)[0]
    if (lines, money) != (day_lines, day_money):
        raise ContractBroken(
            f"features.purchase_days holds {day_lines:,} lines and {day_money:,} of money of the {lines:,} and "
            f"{money:,} that were kept: look for a join that repeats or drops lines."
        )


def refuse_lost_in_customers(session: Session, as_of: dt.date) -> None:
    """Raise ContractBroken where features.activity holds other customers, units or money than its purchase days."""
    customers, units, money, found, found_units, found_money = session.rows(_DAYS_IN_CUSTOMERS, {"as_of": as_of})[0]
    if customers != found or not _same(units, found_units) or not _same(money, found_money):
        raise ContractBroken(
            f"features.activity at {as_of} holds {found:,} customers, {found_units:,.2f} units and {found_money:,.2f} "
            f"of money of the {customers:,}, {float(units or 0):,.2f} and {float(money):,.2f} of their purchase days: "
            "look for a join that repeats or drops rows."
        )


def _same(exact: object, found: float) -> bool:
    """Whether a sum of doubles is the exact one to the cent."""
    return abs(float(str(exact or 0)) - found) < 0.005 + 1e-12 * abs(found)
