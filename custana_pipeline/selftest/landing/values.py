"""C13 to C17: numbers, dates, time zones and ids, each in a file that is sound otherwise."""

import datetime as dt
import io
import os

from custana_pipeline.selftest.landing.cases import KEPT, FileCase, try_files, try_values
from custana_pipeline.selftest.landing.ingestion import CANARY, COLUMNS, HEADER, Ingestion, order, orders
from custana_pipeline.selftest.trial import Trial, expect, trial

NEW = 500
BAD_PRICE, BAD_QUANTITY, BAD_DATE, FAR_DATE = (
    "unparsable_price",
    "unparsable_quantity",
    "unparsable_date",
    "date_out_of_range",
)
BAD_ID, NO_CUSTOMER = "unreadable_id", "no_customer"


@trial("C13")
def numbers_of_all_kinds(run: Trial) -> None:
    """Marks of thousands, decimal commas, currencies, exponents, NaN and infinity, other digits and signs."""
    wrong = "1,234.56 1.234,56 1,5 $5 5€ 1e308 1e309 NaN nan inf -inf Infinity 0x10 0b11 1_000 --5 5- (5) −5"
    wrong += " １２ ٣ 5% 1/2 5e e5 true"
    prices = dict.fromkeys([*wrong.split(), "1 000", "1'000", "5 EUR", "99999999999999999999"], BAD_PRICE)
    prices |= {
        "+5": "=5.0000",
        "5.": "=5.0000",
        ".5": "=0.5000",
        "1e2": "=100.0000",
        " 5 ": "=5.0000",
        "-5": "negative_price",
    }
    try_values(run, "unit_price", prices)
    quantities = dict.fromkeys(["1,5", "１２", "1_000", "--5", "NaN", "inf", "1e15", "a", "true", "1;2"], BAD_QUANTITY)
    quantities |= {
        "": "missing_quantity",
        "0": "zero_quantity",
        "0.0001": "zero_quantity",
        "-1": "=-1.000",
        "1.5": "=1.500",
    }
    try_values(run, "quantity", quantities)
    comma = {"decimal_mark": ",", "thousands_mark": ".", "raw": {"delimiter": ";"}}
    commas = {
        "1,5": "=1.5000",
        "1.234,56": "=1234.5600",
        "1.234.567": "=1234567.0000",
        "7": "=7.0000",
        "-1,5": "negative_price",
    }
    commas |= dict.fromkeys(["1.5", "1,234.56", "12.34,5", "1,5,6", "1..234", "$1,5", "NaN", "1e2", ","], BAD_PRICE)
    try_values(run, "unit_price", commas, comma)
    late = orders(*(order(NEW + n) for n in range(51_000)), order(0, unit_price="a lot"))
    try_files(run, [FileCase("text after 51,000 rows", late, kept=51_100, reasons={BAD_PRICE: 1})])


@trial("C14")
def dates_of_all_kinds(run: Trial) -> None:
    """Other formats, days that are none, days out of range, and words that databases take for dates."""
    wrong = [
        *(
            "01/02/2024 10:00:00",
            "13/02/2024 10:00:00",
            "2024-02-30 10:00:00",
            "2023-02-29 10:00:00",
            "2024-13-05 10:00:00",
        ),
        *("0000-00-00 00:00:00", "now", "today", "yesterday", "20240105", "45321", "1704448800"),
        *("2024-01-05", "2024-01-05T10:00:00", "2024-01-05 10:00", "2024-01-05 10:00:00 PM"),
        *(
            "2024-01-05 24:00:00",
            "2024-12-31 23:59:60",
            "2024-01-05 10:60:00",
            "２０２４-01-05 10:00:00",
            "+2024-01-05 10:00:00",
        ),
        *("2024-01-05 10:00:00abc", "2024-01-05 10:00:00 UTC", "2024-01-05 10:00:00+02:00", "2024-01-05 10:00:00Z", ""),
    ]
    verdicts = dict.fromkeys(wrong, BAD_DATE)
    verdicts |= dict.fromkeys(
        ["1900-01-01 00:00:00", "9999-12-31 00:00:00", "24-01-05 10:00:00", "infinity", "-infinity", "epoch"], FAR_DATE
    )
    verdicts |= {"2024-02-29 10:00:00": "=2024-02-29 10:00:00", " 2024-01-05 10:00:00 ": "=2024-01-05 10:00:00"}
    try_values(run, "ordered_at", verdicts)
    days = {"05/02/2024": "=2024-02-05 00:00:00", "12/11/2024": "=2024-11-12 00:00:00"}
    days |= dict.fromkeys(["02/13/2024", "2024-02-05", "5.2.2024"], BAD_DATE)
    swapped = {"timestamp_format": "%d/%m/%Y"}
    try_values(run, "ordered_at", days, swapped)


@trial("C15")
def times_with_a_zone(run: Trial) -> None:
    """Moments with an offset, in text and in parquet, under two zones of the machine."""
    zoned = {"timezone": "Asia/Tokyo", "timestamp_format": "%Y-%m-%d %H:%M:%S%z"}
    moments = {
        "2024-01-05 10:00:00+00:00": "=2024-01-05 19:00:00",
        "2024-01-05 20:00:00+02:00": "=2024-01-06 03:00:00",
        "2024-01-05 10:00:00-0500": "=2024-01-06 00:00:00",
        "2024-01-05 10:00:00": BAD_DATE,
    }
    before, found = os.environ.get("TZ"), []
    try:
        for zone in ("UTC", "Asia/Tokyo", "America/New_York"):
            _set_zone(zone)
            try_values(run, "ordered_at", moments, zoned)
            found.append(_parquet_times(run, zone))
    finally:
        _set_zone(before)
    expect(len(set(found)) == 1, f"the zone of the machine changes what is stored: {found}")
    wanted = (dt.datetime(2024, 1, 6, 8), dt.date(2024, 1, 6))  # noqa: DTZ001 - local time of the source
    expect(found[0] == wanted, f"23:00 UTC in parquet is stored as {found[0]}")


def _set_zone(name: str | None) -> None:
    import time

    if name is None:
        os.environ.pop("TZ", None)
    else:
        os.environ["TZ"] = name
    time.tzset()


def _parquet_times(run: Trial, zone: str) -> tuple:
    import pyarrow as pa
    import pyarrow.parquet as pq

    moment = pa.array([dt.datetime(2024, 1, 5, 23, tzinfo=dt.UTC)], pa.timestamp("us", tz="UTC"))
    texts = {name: pa.array(["1"]) for name in COLUMNS}
    stream = io.BytesIO()
    pq.write_table(pa.table({**texts, "ordered_at": moment}), stream)
    ingestion = Ingestion(run.scratch / f"parquet-{zone.replace('/', '-')}", {"timezone": "Asia/Tokyo"})
    told = ingestion.put({"transactions.parquet": stream.getvalue()}).run()
    expect(told.kept == 1, f"a parquet time with a zone: {told}")
    with ingestion.project.warehouse.reading() as session:
        return session.rows("select ordered_at, ordered_date from cleaned.transactions")[0]


@trial("C16")
def ids_that_are_numbers_or_nothing(run: Trial) -> None:
    """Leading zeros, long and late ids, placeholders, footers and headers that come again."""
    ids = ["00017", "17", "12345678901234567890", "A-17", "1.2E+10", "0", "1e5", "NaNa", "Nullmann", "O'Brien"]
    placeholders = [
        "null",
        "NULL",
        "nan",
        "NaN",
        "none",
        "N/A",
        "n/a",
        "NA",
        "nil",
        "-",
        "--",
        ".",
        "?",
        "???",
        "#N/A",
        "#REF!",
        "(null)",
        "<NA>",
        "\\N",
        "unknown",
        "undefined",
    ]
    verdicts = {each: f"={each}" for each in ids} | dict.fromkeys(placeholders, NO_CUSTOMER)
    verdicts |= dict.fromkeys(
        ["", "  ", "\u00a0", "TOTAL", "Grand Total", " Summe ", "anonymous", "Guest"], NO_CUSTOMER
    )
    try_values(run, "customer_id", verdicts)
    footers = {"with money": "TOTAL,,,,100,250.00", "of commas": ",,,,100,250.00"}
    try_files(
        run,
        [
            FileCase("the header again", orders(HEADER, order(NEW), HEADER), kept=101, reasons={"repeated_header": 2}),
            *(FileCase(f"a footer {name}", orders(line), reasons={BAD_DATE: 1}) for name, line in footers.items()),
            FileCase(
                "a late id of letters",
                orders(*(order(n) for n in range(NEW, NEW + 30_000)), order(0, customer_id="A-1")),
                kept=30_101,
            ),
        ],
    )


@trial("C17")
def ids_with_marks_that_nobody_sees(run: Trial) -> None:
    """Zero-width, right-to-left and control characters, composed and decomposed letters, blanks of all kinds."""
    unseen = [
        "a\u200bb",
        "ab\u00ad",
        "a\u200db",
        "\u202eab",
        "ab\ufeff",
        "a\u2060b",
        "a\x07b",
        "a\x7fb",
        "a\tb",
        "a\x0bb",
        "a\x85b",
    ]
    unseen += ["a\u2028b", "a\ufffdb", "\u061cab", "\ue000", "x" * 700, "a\nb"]
    verdicts = dict.fromkeys(unseen, BAD_ID)
    for column in ("customer_id", "product_id", "order_id"):
        try_values(run, column, verdicts)
    same = dict.fromkeys(
        ["Jos\u00e9", "Jose\u0301", " Jos\u00e9 ", "\u00a0Jos\u00e9\u2003", "Jose\u0301\u3000"], "=Jos\u00e9"
    )
    try_values(run, "customer_id", {**same, "Muller": KEPT, "M\u00fcller": KEPT})
    _expect_twins_told(run)


def _expect_twins_told(run: Trial) -> None:
    """Ids that differ in case or inner blanks alone stay apart, and are counted for the report."""
    spellings = [f"{CANARY} Ann", f"{CANARY}  Ann", f"{CANARY.upper()} ANN"]
    lines = [order(NEW + n, customer_id=each) for n, each in enumerate(spellings)]
    ingestion = Ingestion(run.scratch / "twins").put({"transactions.csv": orders(*lines)})
    found = ingestion.run()
    expect(found.kept == 103, f"three spellings: {found}")
    twins = " ".join(ingestion.warnings())
    expect("3 customer ids" in twins, f"three spellings of one customer are told as: {twins or 'nothing'}")
