"""C1 to C9: files whose header, rows or quotes are off."""

from custana_pipeline.selftest.landing.cases import FileCase, try_files
from custana_pipeline.selftest.landing.ingestion import (
    COLUMNS,
    GOOD_LINES,
    HEADER,
    Ingestion,
    order,
    order_fields,
    orders,
)
from custana_pipeline.selftest.trial import Trial, expect, trial

NEW = 500
"""The number of a further order line, beyond those of the good ones."""


def _wider(header: str, cell: str, content: bytes | None = None) -> bytes:
    """A file with further cells at the end of its header and of its lines."""
    first, rest = (content or orders()).decode().split("\n", 1)
    return f"{first},{header}\n{rest.replace(chr(10), f',{cell}' + chr(10))}".encode()


def _reordered() -> bytes:
    rows = [list(COLUMNS), *(order_fields(number) for number in range(1, GOOD_LINES + 1))]
    return ("\n".join(",".join(row[place] for place in (5, 3, 1, 0, 4, 2)) for row in rows) + "\n").encode()


def _headed(header: str | bytes) -> bytes:
    first = header.encode() if isinstance(header, str) else header
    return orders().replace(HEADER.encode(), first, 1)


@trial("C1")
def columns_in_another_order(run: Trial) -> None:
    """The same orders with their columns in another order, and with headers that differ in case, blanks and quotes."""
    good = Ingestion(run.scratch / "good").put({"transactions.csv": orders()})
    turned = Ingestion(run.scratch / "turned").put({"transactions.csv": _reordered()})
    tables = []
    for ingestion in (good, turned):
        found = ingestion.run()
        expect(not found.refusal, f"refused: {found.refusal}")
        with ingestion.project.warehouse.reading() as session:
            tables.append(session.rows("select * from cleaned.transactions order by source_line"))
    expect(tables[0] == tables[1], "the reordered file is loaded otherwise than the one in order")
    headers = {
        "capitals": HEADER.upper(),
        "quoted, with a byte order mark": b"\xef\xbb\xbf" + ",".join(f'"{name}"' for name in COLUMNS).encode(),
        "tabs and blanks around": ",\t".join(f" {name} " for name in COLUMNS),
        "a no-break space": HEADER.replace("unit_price", "unit_price\u00a0"),
        "a zero-width space": HEADER.replace("order_id", "\u200border_id"),
    }
    try_files(run, (FileCase(name, _headed(header)) for name, header in headers.items()))


@trial("C2", "C3", "C4")
def columns_too_few_and_too_many(run: Trial) -> None:
    """A required column that is missing, columns that nobody declared, and columns that stand twice."""
    with run.case("C2"):
        try_files(
            run,
            [
                FileCase("renamed", _headed(HEADER.replace("unit_price", "price")), "column unit_price is missing"),
                FileCase(
                    "gone", _wider("x", "1", _reordered()).replace(b"quantity", b"x2"), "column quantity is missi"
                ),
                FileCase("two gone", _headed("order_id,a,b,ordered_at,quantity,unit_price"), "customer_id, product_id"),
            ],
        )
    with run.case("C3"):
        for cell in ("x", '"a,b"', "=1+1"):
            _expect_drift(run, cell)
    with run.case("C4"):
        told = "column quantity stands more than once"
        try_files(
            run,
            [
                FileCase("the same", _wider("quantity", "1"), told),
                FileCase("in capitals", _wider("QUANTITY", "1"), told),
                FileCase("with blanks", _wider(" quantity ", "1"), told),
                FileCase("with an invisible mark", _wider("quan\u200btity", "1"), told),
            ],
        )


def _expect_drift(run: Trial, cell: str) -> None:
    ingestion = Ingestion(run.scratch / f"drift-{len(list(run.scratch.iterdir()))}")
    found = ingestion.put({"transactions.csv": _wider("till", cell)}).run()
    expect((found.refusal, found.kept) == ("", GOOD_LINES), f"a further column with {cell}: {found}")
    with ingestion.project.warehouse.reading() as session:
        (unknown,) = session.rows("select unknown_columns from raw.files")
        columns = session.columns("raw.transactions")
    expect(unknown == ("till",), f"the ledger tells of {unknown}")
    expect("till" not in columns, "the unknown column was loaded")


@trial("C5", "C9")
def no_header_and_no_lines(run: Trial) -> None:
    """Files whose first line is no header, and files with no line of data."""
    told = "the first line has to be the header"
    with run.case("C5"):
        firsts = {
            "a comment": b"# export of the night\n",
            "a title": b"Orders 2024,,,,,\n",
            "a blank line": b"\n",
            "blanks": b"   \n",
            "Excel's separator": b"sep=,\n",
            "a page": b"<html><body>error</body></html>\n",
        }
        cases = [FileCase(name, first + orders(), told) for name, first in firsts.items()]
        no_header = FileCase("no header", orders().split(b"\n", 1)[1], told)
        delimited = FileCase("semicolons", orders().replace(b",", b";"), "delimiter looks like a semicolon")
        try_files(run, [*cases, no_header, delimited])
    with run.case("C9"):
        empty = {
            "nothing": (b"", "empty"),
            "a header": (f"{HEADER}\n".encode(), "no line of data"),
            "a header without line end": (HEADER.encode(), "no line of data"),
            "a header and blank lines": (f"{HEADER}\n\n\n\n".encode(), "no line of data"),
            "a header and blanks": (f"{HEADER}\n  \n   \n".encode(), "NO_DATA"),
            "a byte order mark": (b"\xef\xbb\xbf", told),
            "blank lines": (b"\n\n\n", told),
        }
        cases = [FileCase(name, content, wanted) for name, (content, wanted) in empty.items()]
        beside = {"transactions_1.csv": orders(), "transactions_2.csv": b""}
        try_files(run, [*cases, FileCase("an empty file beside a good one", beside, "transactions_2.csv: it is empty")])


@trial("C6")
def ragged_rows(run: Trial) -> None:
    """Rows with too few and too many fields are set apart with their lines; many of them stop the run."""
    few, many = {"too_few_fields": 1}, {"too_many_fields": 1}
    try_files(
        run,
        [
            FileCase("a short row", orders("short"), reasons=few),
            FileCase("a long row", orders(order(NEW) + ",1"), reasons=many),
            FileCase("a decimal comma", orders(order(NEW, unit_price="1,50")), reasons=many),
            FileCase("blanks alone", orders("   "), reasons=few),
            FileCase("an old end-of-file mark", orders() + b"\x1a", reasons=few),
            FileCase("a footer", orders("TOTAL,100 rows"), reasons=few),
            FileCase("a cut last line", orders(order(NEW))[:-16], reasons=few),
            FileCase("a tenth of them", orders(*["short", "1,2,3,4,5,6,7"] * 5), "too_few_fields 5, too_many_fields 5"),
            FileCase(
                "nothing else", f"{HEADER}\n{'a,b' + chr(10)}{'c' + chr(10)}".encode(), "NO_DATA.*too_few_fields 2"
            ),
        ],
    )
    ingestion = Ingestion(run.scratch / "places")
    ingestion.put({"transactions.csv": orders("", "short", order(NEW), "a,b,c,d,e,f,g")}).run()
    with ingestion.project.warehouse.reading() as session:
        places = session.rows("select source_line, reason, raw_line from raw.malformed_lines order by source_line")
    wanted = [(GOOD_LINES + 3, "too_few_fields", "short"), (GOOD_LINES + 5, "too_many_fields", "a,b,c,d,e,f,g")]
    expect(places == wanted, f"the ragged rows are quarantined as {places}")


@trial("C7")
def quotes_that_are_not_closed(run: Trial) -> None:
    """Quotes that stay open, early, late and at the very end, and pairs of stray quotes with lines between."""
    between = [order(number) for number in range(NEW + 1, NEW + 30)]
    open_, close = order(NEW, product_id='"p9'), order(NEW + 30, product_id='p9"')
    last, end = order(NEW, unit_price='"1'), order(NEW + 30, unit_price='1"')
    at_line = f"line {GOOD_LINES + 2}"
    try_files(
        run,
        [
            FileCase("early", orders().replace(b"p2,", b'"p2,', 1), f"line 3 .* swallows {GOOD_LINES - 2} more lines"),
            FileCase("late", orders(open_, order(NEW + 1)), f"{at_line} .* swallows 1 more"),
            FileCase("in the last line", orders(open_), f"{at_line} .* swallows 0 more"),
            FileCase("alone at the end", orders() + b'"', f"{at_line} .* swallows 0 more"),
            FileCase("with blank lines after it", orders(open_, "", ""), f"{at_line} .* swallows 2 more"),
            FileCase("a pair across lines", orders(open_, *between, close), f"{at_line} .* swallows 30 more"),
            FileCase("a pair in the last column", orders(last, *between, end), f"{at_line} .* swallows 30 more"),
            FileCase("a pair on two lines", orders(open_, close), f"{at_line} .* swallows 1 more"),
            FileCase("text after a quote", orders(order(NEW, product_id='"a"b')), reasons={"unquoted_value": 1}),
            FileCase("a backslash", orders(order(NEW, product_id='"a\\"b"')), reasons={"unquoted_value": 1}),
        ],
    )


@trial("C8", "C19")
def what_is_in_order(run: Trial) -> None:
    """Quoted line ends, doubled quotes, blank lines and the country NA are no faults."""
    note = FileCase("two lines in a product", orders(order(NEW, product_id='"a\nb"')), reasons={"unreadable_id": 1})
    with run.case("C8"):
        try_files(
            run,
            [
                FileCase("doubled quotes", orders(order(NEW, product_id='"say ""x"""')), kept=101),
                FileCase("a quote within a field", orders(order(NEW, product_id='a"b')), kept=101),
                FileCase("a comma in quotes", orders(order(NEW, product_id='"a,b"')), kept=101),
                FileCase("blank lines", orders("", order(NEW), "", ""), kept=101),
                FileCase("no line end at the end", orders()[:-1]),
                note,
                FileCase("CRLF in quotes", orders(order(NEW, product_id='"a\r\nb"')), reasons=note.reasons),
            ],
        )
        _expect_columns_beside_ids(run)
    with run.case("C19"):
        _expect_countries(run)


def _expect_columns_beside_ids(run: Trial) -> None:
    """A note of several lines in a column that is not loaded costs nothing and shifts no line number."""
    content = _wider("note", "n").replace(b",n\n", b',"first\nsecond ""line"""\n', 3)
    ingestion = Ingestion(run.scratch / "notes").put({"transactions.csv": content})
    found = ingestion.run()
    expect((found.refusal, found.kept) == ("", GOOD_LINES), f"notes of several lines: {found}")
    with ingestion.project.warehouse.reading() as session:
        first_lines = session.rows("select source_line from cleaned.transactions order by source_line limit 5")
    expect(first_lines == [(2,), (4,), (6,), (8,), (9,)], f"the lines begin at {first_lines}")


def _expect_countries(run: Trial) -> None:
    ingestion = Ingestion(
        run.scratch / "countries", {"raw": {"columns": {name: name for name in (*COLUMNS, "country")}}}
    )
    found = ingestion.put({"transactions.csv": _wider("country", "NA")}).run()
    expect((found.refusal, found.kept) == ("", GOOD_LINES), f"the country NA: {found}")
    with ingestion.project.warehouse.reading() as session:
        countries = session.rows("select distinct country from raw.transactions")
    expect(countries == [("NA",)], f"the countries are {countries}")
