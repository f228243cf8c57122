"""D1 and D6: what is counted by somebody else must be what custana counts, in files and through joins."""

import csv
import datetime as dt
import io
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from custana_pipeline.errors import ContractBroken
from custana_pipeline.features.windows import LAST_PLACE
from custana_pipeline.orchestration import money
from custana_pipeline.orchestration.customer_keys import refuse_other_customers
from custana_pipeline.selftest.landing.ingestion import CUSTOMER_COLUMNS, HEADER, Ingestion, order, orders
from custana_pipeline.selftest.trial import Trial, expect, trial
from custana_pipeline.stores.session import Session

CENT = Decimal("0.01")
AS_OF = dt.date(2025, 1, 1)
LAW_OF_MONEY = """
    select coalesce(sum(amount), 0), count(*) filter (where amount is null),
        count(*) filter (where status = 'kept'), count(*) filter (where status <> 'kept')
    from cleaned.transactions_lines"""


def _dirty(run: Trial, lines: int) -> bytes:
    """Order lines of which one in eight is spoilt in one of many ways."""
    draws = run.random
    prices = ("1.234,5", "NaN", "", "-3.335", "1e3", "0.005")
    spoils = [{"unit_price": price} for price in prices]
    spoils += [{"quantity": quantity} for quantity in ("-2", "x", "", "1.5")]
    spoils += [{"ordered_at": day} for day in ("never", "2999-01-01 00:00:00")]
    spoils += [{"customer_id": "null"}, {"order_id": '"a\nb"'}]
    written = [HEADER]
    for number in range(lines):
        price = f"{draws.randrange(1, 99999)}.{draws.randrange(1000):03d}"
        fields = {"unit_price": price, **(draws.choice(spoils) if draws.random() < 0.125 else {})}
        written.append(order(number, **fields))
        if draws.random() < 0.01:
            written.append(draws.choice(["", "short", order(number) + ",1", written[-1], HEADER]))
    return ("\n".join(written) + "\n").encode()


def _money(record: list[str]) -> Decimal | None:
    """The money of a record to the cent, by Python's decimals; None where its text is no number."""
    try:
        quantity, price = (Decimal(record[place].strip()) for place in (4, 5))
    except InvalidOperation:
        return None
    if not (quantity.is_finite() and price.is_finite()):
        return None
    amount = (quantity * price).quantize(CENT, ROUND_HALF_UP)
    return -abs(amount) if quantity < 0 or amount < 0 else amount


@trial("D1")
def three_laws_by_an_independent_reader(run: Trial) -> None:
    """Lines, rows and money of a dirty file, counted by Python's csv and decimal and by custana."""
    content = _dirty(run, run.times(quick=6000, full=100_000))
    ingestion = Ingestion(run.scratch, max_rejected_share=1.0).put({"transactions.csv": content})
    found = ingestion.run()
    expect(not found.refusal, f"the dirty file was refused: {found.refusal}")
    records = list(csv.reader(io.StringIO(content.decode(), newline="")))[1:]
    whole = [record for record in records if len(record) == 6 and record != HEADER.split(",")]
    amounts = [_money(record) for record in whole]
    (ledger,) = ingestion.rows(
        """select line_count, header_line_count, blank_line_count, record_count, malformed_line_count,
            continuation_line_count from raw.files"""
    )
    lines, blank = content.count(b"\n"), sum(record == [] for record in records)
    inside = lines - 1 - len(records)
    expect(ledger == (lines, 1, blank, len(whole), len(records) - blank - len(whole), inside), f"lines: {ledger}")
    read, unread, kept, others = ingestion.rows(LAW_OF_MONEY)[0]
    expect(kept + others == len(whole), f"rows: {kept} + {others} of {len(whole)}")
    summed = sum((amount for amount in amounts if amount is not None), Decimal(0))
    expect(read == summed, f"money: {read} of {summed}")
    expect(unread == amounts.count(None), f"amounts that cannot be read: {unread} of {amounts.count(None)}")
    _expect_loss_found(ingestion)


def _expect_loss_found(ingestion: Ingestion) -> None:
    """A cent that goes missing in the cleaned lines stops the table."""
    with ingestion.project.warehouse.transaction() as session:
        session.connection.execute(
            """update cleaned.transactions_lines set amount = amount - 0.01
            where source_line = (select min(source_line) from cleaned.transactions_lines where amount > 1)"""
        )
        _expect_broken(lambda: money.money_by_file(session), "a lost cent")


def _expect_broken(act, what: str) -> None:
    try:
        act()
    except ContractBroken as told:
        expect("Wilhelmina" not in str(told), f"{what}: the message holds a customer")
    else:
        expect(False, f"{what} is not found")


@trial("D6")
def joins_that_fan_out(run: Trial) -> None:
    """A customer key that stands twice, a hundred orders of nobody, and rows that a join has lost or doubled."""
    customers = [
        ",".join(CUSTOMER_COLUMNS),
        *(f"Wilhelmina{number:03d},1980,f,Halden,2023-01-01" for number in range(1, 81)),
    ]
    customers.append("Wilhelmina007,1990,m,Moss,2023-05-01")
    content = "\n".join(customers) + "\n"
    orphans = [order(number, customer_id=f"stranger{number}") for number in range(200, 300)]
    ingestion = Ingestion(run.scratch, has_customers=True)
    found = ingestion.put({"transactions.csv": orders(*orphans), "customers.csv": content.encode()}).run()
    expect(found.kept == 200, f"the orders of nobody: {found}")
    project = ingestion.project
    with project.warehouse.transaction() as session:
        session.build(project.models["features.purchase_days"])
        money.refuse_lost_in_days(session)
        given = {"days": [AS_OF], "as_of": AS_OF, "horizon_days": 90, "last_place": LAST_PLACE}
        for name in ("activity", "demographics"):
            session.build_day(project.models[f"features.{name}"], given)
        money.refuse_lost_in_customers(session, AS_OF)
        refuse_other_customers(session, "features.demographics", AS_OF)
        (total,) = session.rows("select sum(purchase_amount), count(*) from features.activity")
        expect(total == (500.0, 200), f"200 orders of 2.50 are {total[0]} of {total[1]} customers")
        _spoil(session)


def _spoil(session: Session) -> None:
    session.connection.execute("insert into features.demographics select * from features.demographics limit 1")
    _expect_broken(lambda: refuse_other_customers(session, "features.demographics", AS_OF), "a doubled customer")
    session.connection.execute("insert into features.activity select * from features.activity limit 1")
    _expect_broken(lambda: money.refuse_lost_in_customers(session, AS_OF), "a customer twice in activity")
    session.connection.execute("insert into features.purchase_days select * from features.purchase_days limit 1")
    _expect_broken(lambda: money.refuse_lost_in_days(session), "a purchase day twice")
