"""D2 to D5 and D7: feeds that are bad, short, doubled, late or different, and checks that are switched off."""

import datetime as dt

from custana_pipeline.selftest.landing.ingestion import (
    CANARY,
    CUSTOMER_COLUMNS,
    HEADER,
    Ingested,
    Ingestion,
    order,
    orders,
)
from custana_pipeline.selftest.trial import Trial, expect, trial

FIRST = dt.date(2024, 8, 1)
AS_OF = FIRST + dt.timedelta(weeks=9)
USUAL = 60


@trial("D2", "D7")
def a_bad_night(run: Trial) -> None:
    """Six lines of a hundred spoilt, and pandera switched off, on a shop that has published before."""
    shop = run.shop(has_run=True)
    published = shop.published()
    with run.case("D7"):
        switches = [("PANDERA_VALIDATION_ENABLED", "False"), ("PANDERA_VALIDATION_DEPTH", "SCHEMA_ONLY")]
        for name, value in switches[: run.times(quick=1, full=2)]:
            off = shop.run(env={name: value})
            expect(off.code == 2, f"with {name}={value} the run ends with {off.code}")
            expect("PANDERA_VALIDATION_ENABLED" in off.err, f"the message is: {off.err}")
            expect(shop.published() == published, "something was published unjudged")
    with run.case("D2"):
        file = shop.folder / "transactions.csv"
        lines = file.read_text(encoding="utf-8").splitlines()
        spoilt = [line if number % 15 or not number else _spoilt(line) for number, line in enumerate(lines)]
        file.write_text("\n".join(spoilt) + "\n", encoding="utf-8")
        told = shop.run()
        expect(told.code == 3, f"the run ends with {told.code}: {told.err}")
        expect("are rejected, 5.0% is the limit (unparsable_price" in told.err, f"the message is: {told.err}")
        expect(shop.published() == published, "yesterday's version is not the published one any more")
        for bad, is_stopped in ((4, False), (5, True), (6, True)):
            content = orders(*(order(200 + n, unit_price="?") for n in range(bad)), good=94 - (bad == 5))
            found = Ingestion(run.scratch / f"bad-{bad}").put({"transactions.csv": content}).run()
            expect(bool(found.refusal) == is_stopped, f"{bad} bad lines of about 100: {found}")


def _spoilt(line: str) -> str:
    return line.rsplit(",", 1)[0] + ",a lot"


def _feed(last_day_lines: int, weeks: int = 9) -> bytes:
    """`USUAL` lines a day up to the day before AS_OF, and so many on that day."""
    days = [AS_OF - dt.timedelta(days=past) for past in range(weeks * 7, 0, -1)]
    lines = [HEADER]
    for day in days:
        count = last_day_lines if day == days[-1] else USUAL
        lines += [order(n, order_id=f"{day}-{n}", ordered_at=f"{day} 10:00:{n % 60:02d}") for n in range(count)]
    return ("\n".join(lines) + "\n").encode()


def _night(run: Trial, content: bytes, as_of: dt.date = AS_OF, **pack: object) -> tuple[Ingested, str]:
    """The outcome of one night and its warnings."""
    root = run.scratch / f"night-{len(list(run.scratch.iterdir()))}"
    ingestion = Ingestion(root, pack, as_of=as_of).put({"transactions.csv": content})
    found = ingestion.run()
    return found, "" if found.refusal else " ".join(ingestion.warnings())


@trial("D3")
def days_with_other_volumes(run: Trial) -> None:
    """A last day with none, half, twice and ten times the usual lines, and the first weeks of a source."""
    told = "the median of 8 such weekdays before it is 60"
    for count, wanted in (
        (USUAL, "ok"),
        (45, "ok"),
        (25, "warn"),
        (150, "warn"),
        (0, "stop"),
        (3, "stop"),
        (700, "stop"),
    ):
        found, warnings = _night(run, _feed(count))
        state = "stop" if found.refusal else "warn" if told in warnings else "ok"
        expect(state == wanted, f"{count} lines on a day of {USUAL}: {state}, wanted {wanted} ({found}; {warnings})")
        expect(wanted != "stop" or (told in found.refusal and found.exit_code == 3), f"the message is: {found.refusal}")
    found, warnings = _night(run, _feed(0), breakers={"volume": "warn"})
    expect(told in warnings and not found.refusal, f"with volume = warn an empty day is: {found}; {warnings}")
    found, warnings = _night(run, _feed(0), breakers={"volume": "off", "stale_warn_days": 5})
    expect((found.refusal, warnings) == ("", ""), f"with volume = off an empty day is: {found}; {warnings}")
    for count in (0, 700):
        found, warnings = _night(run, _feed(count, weeks=3))
        expect(not found.refusal, f"in the third week {count} lines are judged: {found}")


@trial("D4")
def a_feed_that_has_stopped(run: Trial) -> None:
    """The newest line is older and older, in an open source, in a closed one, and on a day of the past."""
    off = {"breakers": {"volume": "off"}}
    closed = off | {"calendar": {"start": dt.date(2024, 7, 1), "end": AS_OF + dt.timedelta(days=90)}}
    for days, pack, wanted in ((1, off, "ok"), (5, off, "warn"), (20, off, "stop"), (20, closed, "warn")):
        found, warnings = _night(run, _feed(USUAL), AS_OF + dt.timedelta(days=days), **pack)
        state = "stop" if found.refusal else "warn" if f"so {days} days before" in warnings else "ok"
        expect(state == wanted, f"{days} days without a line: {state}, wanted {wanted} ({found}; {warnings})")
    found, _ = _night(run, _feed(USUAL), AS_OF + dt.timedelta(days=5))
    expect(found.exit_code == 3, f"five days without a line, with all breakers: {found}")
    gap = _feed(USUAL).replace(b"2024-09-", b"2024-07-")
    found, warnings = _night(run, gap, dt.date(2024, 9, 20))
    expect((found.refusal, warnings) == ("", ""), f"a gap in the past is judged: {found}; {warnings}")


@trial("D5")
def values_and_columns_that_are_new(run: Trial) -> None:
    """A country and a column that earlier files had not: told with their place, and nothing is stopped."""
    ingestion = Ingestion(run.scratch / "shop", has_customers=True)
    people = [f"{CANARY}{number:03d},1980,f,Norway,2023-01-01" for number in range(1, 61)]
    header = ",".join(CUSTOMER_COLUMNS)
    _deliver(ingestion, [header, *people])
    expect(ingestion.warnings() == [], f"the first files are judged: {ingestion.warnings()}")
    further = f"{CANARY}900,1980,f,Zubrowka,2023-01-01"
    for _ in range(2):
        _deliver(ingestion, [header, *people, further])
        (warning,) = ingestion.warnings() or [""]
        expect("location has 1 values" in warning and "customers.csv:62" in warning, f"a new country: {warning}")
        expect("Zubrowka" not in warning, "the warning holds the value")
    _deliver(ingestion, [f"{header},shoe_size", *(f"{line},38" for line in [*people, further])])
    (unknown,) = ingestion.rows("select unknown_columns from raw.files where raw_set = 'customers'")
    expect(unknown == ("shoe_size",), f"the ledger tells of {unknown}")
    told = " ".join(ingestion.warnings())
    expect("shoe_size" in told, f"a new column is told as: {told or 'nothing'}")


def _deliver(ingestion: Ingestion, customers: list[str]) -> None:
    content = ("\n".join(customers) + "\n").encode()
    found = ingestion.put({"transactions.csv": orders(), "customers.csv": content}).run()
    expect(not found.refusal, f"the files are refused: {found.refusal}")
