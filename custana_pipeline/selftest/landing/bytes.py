"""C10 to C12: encodings, gzip and line ends."""

import gzip

from custana_pipeline.selftest.landing.cases import FileCase, try_files
from custana_pipeline.selftest.landing.ingestion import GOOD_LINES, Ingestion, order, orders
from custana_pipeline.selftest.trial import Trial, expect, trial

NEW = 500
MANY = 5000


@trial("C10")
def other_encodings(run: Trial) -> None:
    """UTF-16 and -32, latin-1, Windows-1252, NUL, overlong, surrogate and cut bytes, byte order marks."""
    good, text = orders(), orders(order(NEW, product_id="Café €")).decode()
    no_utf8 = r"byte \d+ is not UTF-8: export it again as UTF-8"
    spoilt = {
        "overlong": b"\xc0\xaf",
        "a surrogate": b"\xed\xa0\x80",
        "above Unicode": b"\xf5\x80\x80\x80",
        "a lone continuation": b"\x80",
    }
    cases = [
        FileCase("UTF-16 with a mark", text.encode("utf-16"), "UTF-16"),
        FileCase("UTF-16 without", text.encode("utf-16-le"), "NUL at byte 1"),
        FileCase("UTF-16 big-endian", text.encode("utf-16-be"), "NUL at byte 0"),
        FileCase("UTF-32", text.encode("utf-32-be"), "NUL at byte 0"),
        FileCase("latin-1", text.replace("€", "").encode("latin-1"), no_utf8),
        FileCase("Windows-1252", text.encode("cp1252"), no_utf8),
        FileCase("NUL", good.replace(b"o50,", b"o\x005,"), r"NUL at byte \d+"),
        FileCase("a cut character", good + "o1,é".encode()[:-1], no_utf8),
        FileCase("a byte order mark", b"\xef\xbb\xbf" + good),
        FileCase("the mark within", orders("\ufeff" + order(NEW)), reasons={"unreadable_id": 1}),
        FileCase("a zip", b"PK\x03\x04\x14\x00" + good, "zip or Excel"),
        FileCase("a pdf", b"%PDF-1.4\n%\xe2\xe3\n", no_utf8),
        *(FileCase(name, good.replace(b"o50,", b"o" + odd + b","), no_utf8) for name, odd in spoilt.items()),
    ]
    try_files(run, cases)


@trial("C11")
def gzip_that_is_damaged(run: Trial) -> None:
    """Flipped bits, cut ends, false names, several members, what follows the end, and a bomb."""
    plain = orders(good=MANY)
    packed = gzip.compress(plain, mtime=0)
    further = gzip.compress(b"".join(f"{order(9000 + n)}\n".encode() for n in range(50)), mtime=0)
    cases = {
        "cut by one byte": (packed[:-1], "cut off"),
        "cut in the middle": (packed[: len(packed) // 2], "cut off"),
        "without its checksum": (packed[:-8], "cut off"),
        "with text after its end": (packed + b"garbage\n", "damaged"),
        "with half a member after its end": (packed + further[: len(further) // 2], "cut off"),
        "of a gzip": (gzip.compress(packed), "NUL|UTF-8|gzip"),
        "of nothing": (gzip.compress(b""), "first line is blank"),
        "that is plain": (plain, "disagree on gzip"),
        "bomb": (gzip.compress(orders() + b"x" * 100_000_000), "unpacks to more than|longer than"),
        "bomb of lines": (gzip.compress(orders() + f"{order(1)}\n".encode() * 1_500_000), "unpacks to more than"),
    }
    files = [FileCase(f"gzip {name}", {"transactions.csv.gz": body}, told) for name, (body, told) in cases.items()]
    named = [
        FileCase("gzip named csv", {"transactions.csv": packed}, "disagree on gzip"),
        FileCase("in capitals", {"TRANSACTIONS.CSV.GZ": packed}, kept=MANY),
        FileCase("two members", {"transactions.csv.gz": packed + further}, kept=MANY + 50),
        FileCase("an empty member", {"transactions.csv.gz": packed + gzip.compress(b"")}, kept=MANY),
        FileCase("an empty member first", {"transactions.csv.gz": gzip.compress(b"") + packed}, kept=MANY),
    ]
    try_files(run, [*files, *named])
    draws = run.random
    for _ in range(run.times(quick=10, full=60)):
        _expect_flip_found(run, packed, draws.randrange(len(packed) * 8))


def _expect_flip_found(run: Trial, packed: bytes, bit: int) -> None:
    """A flipped bit is refused, or changes nothing: the header's time and name are not covered by the checksum."""
    spoilt = bytearray(packed)
    spoilt[bit // 8] ^= 1 << bit % 8
    root = run.scratch / f"flip-{len(list(run.scratch.iterdir()))}"
    found = Ingestion(root).put({"transactions.csv.gz": bytes(spoilt)}).run()
    expect(found.refusal or found.kept == MANY, f"the flipped bit {bit} gives {found}")


@trial("C12")
def other_line_ends(run: Trial) -> None:
    """Old Mac, Windows, mixed and doubled line ends."""
    good, windows = orders(), orders(line_end="\r\n")
    lone = "lone CR .old Mac.: export it again"
    try_files(
        run,
        [
            FileCase("CR alone", orders(line_end="\r"), lone),
            FileCase("CR CR LF", orders(line_end="\r\r\n"), lone),
            FileCase("LF CR", orders(line_end="\n\r"), lone),
            FileCase("CR within a line", good.replace(b"o50,", b"o\r50,"), lone),
            FileCase(
                "LF, then CRLF", good + windows.split(b"\n", 1)[1], "CRLF and .* LF: export it again with one kind"
            ),
            FileCase("one CRLF", good[:-1] + b"\r\n", "1 lines end in CRLF"),
            FileCase(
                "one LF, with quotes", windows.replace(b"\r\n", b"\n", 1).replace(b"p1", b'"p1"'), "CRLF and others"
            ),
            FileCase("CRLF", windows),
            FileCase(
                "CRLF with LF in quotes",
                orders(order(NEW, product_id='"a\nb"'), line_end="\r\n"),
                "",
                GOOD_LINES,
                {"unreadable_id": 1},
            ),
        ],
    )
