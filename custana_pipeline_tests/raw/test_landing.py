"""What the inspection of a file accepts, counts and refuses, one fault a test."""

import gzip
import os
from pathlib import Path

import pytest

from custana_pipeline.errors import BadFile, Transient, WrongUse
from custana_pipeline.raw import landing
from custana_pipeline.raw.contracts import RawSetShape
from custana_pipeline.raw.landing import hash_file, inspect_file
from custana_pipeline.raw.line_scan import LONG_BYTES, LineScan

ORDERS = RawSetShape("orders", {"customer_id": "Customer ID", "day": "Day", "amount": "Amount"}, optional=("amount",))
HEADERLESS = RawSetShape("purchases", {"customer_id": "", "day": "", "amount": ""}, header=False)
GOOD = b"Customer ID,Day,Amount\nc1,2024-01-01,5\nc2,2024-01-02,6\n"


def write(folder: Path, content: bytes, name: str = "orders.csv") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def refusal(folder: Path, content: bytes, name: str = "orders.csv", shape: RawSetShape = ORDERS) -> str:
    """The message with which the file is refused."""
    with pytest.raises(BadFile) as caught:
        inspect_file(write(folder, content, name), shape)
    assert name in str(caught.value)
    return str(caught.value)


def test_a_plain_file_is_counted_and_hashed(tmp_path):
    path = write(tmp_path, GOOD)
    found = inspect_file(path, ORDERS)
    assert (found.line_count, found.header_line_count, found.blank_lines) == (3, 1, ())
    assert found.source_hash == hash_file(path)
    assert found.positions == {"customer_id": 0, "day": 1, "amount": 2}


def test_a_last_line_without_line_end_is_a_line(tmp_path):
    assert inspect_file(write(tmp_path, GOOD.rstrip()), ORDERS).line_count == 3


def test_columns_are_found_by_name_in_any_order_case_and_spacing(tmp_path):
    found = inspect_file(write(tmp_path, b" amount ,DAY,customer id\n5,2024-01-01,c1\n"), ORDERS)
    assert found.positions == {"customer_id": 2, "day": 1, "amount": 0}


def test_an_extra_column_is_reported(tmp_path):
    found = inspect_file(write(tmp_path, b"Customer ID,Day,Amount,Till\nc1,2024-01-01,5,3\n"), ORDERS)
    assert found.unknown_columns == ("Till",)


def test_a_missing_optional_column_has_no_position(tmp_path):
    assert inspect_file(write(tmp_path, b"Customer ID,Day\nc1,2024-01-01\n"), ORDERS).positions["amount"] is None


def test_a_missing_required_column_is_named(tmp_path):
    assert "column Day is missing" in refusal(tmp_path, b"Customer ID,Amount\nc1,5\n")


def test_a_doubled_column_is_refused_also_by_case(tmp_path):
    assert "Day stands more than once" in refusal(tmp_path, b"Customer ID,Day,day\nc1,2024-01-01,2024-01-02\n")


def test_a_wrong_delimiter_is_recognised(tmp_path):
    assert "a semicolon" in refusal(tmp_path, GOOD.replace(b",", b";"))


def test_a_file_without_header_is_refused_without_showing_its_first_line(tmp_path):
    message = refusal(tmp_path, b"secret@example.org,2024-01-01,5\n")
    assert "has to be the header" in message
    assert "secret" not in message


def test_a_headerless_file_of_another_width_is_refused_without_showing_its_first_line(tmp_path):
    message = refusal(tmp_path, b"secret@example.org,2024-01-01\n", shape=HEADERLESS)
    assert "2 fields, 3 are declared" in message
    assert "secret" not in message


def test_a_headerless_file_keeps_no_cell_of_its_first_line(tmp_path):
    found = inspect_file(write(tmp_path, b"secret@example.org,2024-01-01,5\n"), HEADERLESS)
    assert "secret" not in repr(vars(found))


def test_an_empty_file_is_refused(tmp_path):
    assert "empty" in refusal(tmp_path, b"")


def test_a_file_with_a_header_only_is_refused(tmp_path):
    assert "no line of data" in refusal(tmp_path, b"Customer ID,Day,Amount\n\n")


def test_a_blank_first_line_is_refused(tmp_path):
    assert "first line is blank" in refusal(tmp_path, b"\n" + GOOD)


def test_an_unclosed_quote_in_the_header_is_refused(tmp_path):
    assert "quote" in refusal(tmp_path, b'Customer ID,"Day,Amount\nc1,2024-01-01,5\n')


def test_utf_16_is_refused_with_the_mend(tmp_path):
    assert "UTF-16" in refusal(tmp_path, GOOD.decode().encode("utf-16"))


def test_latin_1_is_refused_with_the_byte(tmp_path):
    assert f"byte {len(GOOD)} is not UTF-8" in refusal(tmp_path, GOOD + "£".encode("latin-1"))


def test_bad_utf_8_at_the_end_of_a_block_is_refused_with_the_byte():
    scan = LineScan("orders.csv")
    scan.feed(b"Customer ID\n" + "é".encode()[:1])
    with pytest.raises(BadFile, match="byte 12 is"):
        scan.feed(b"x\n")


def test_a_character_cut_by_two_blocks_is_in_order():
    scan = LineScan("orders.csv")
    for block in ("é".encode()[:1], "é".encode()[1:] + b"\n"):
        scan.feed(block)
    scan.finish()
    assert (scan.line_count, scan.first_line) == (1, "é")


def test_a_nul_is_refused_with_the_byte(tmp_path):
    assert f"NUL at byte {len(GOOD)}" in refusal(tmp_path, GOOD + b"\0\n")


def test_a_byte_order_mark_is_in_order(tmp_path):
    assert inspect_file(write(tmp_path, b"\xef\xbb\xbf" + GOOD), ORDERS).positions["customer_id"] == 0


def test_windows_line_ends_are_in_order(tmp_path):
    found = inspect_file(write(tmp_path, GOOD.replace(b"\n", b"\r\n")), ORDERS)
    assert (found.line_count, found.line_ends) == (3, (0, 3))


def test_old_mac_line_ends_are_refused(tmp_path):
    assert "lone CR" in refusal(tmp_path, GOOD.replace(b"\n", b"\r"))


def test_mixed_line_ends_are_refused_with_their_counts(tmp_path):
    assert "1 lines end in CRLF and 2 in LF" in refusal(tmp_path, GOOD.replace(b"\n", b"\r\n", 1))


def test_a_line_end_cut_by_two_blocks_is_one():
    scan = LineScan("orders.csv")
    for block in (b"a\r", b"\nb\r\n"):
        scan.feed(block)
    scan.finish()
    assert (scan.line_count, scan.line_ends) == (2, (0, 2))


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_blank_lines_are_found_however_the_blocks_fall(size):
    content = b"a\n\n\nb\r\n\r\nc\n\n"
    scan = LineScan("orders.csv")
    for start in range(0, len(content), size):
        scan.feed(content[start : start + size])
    assert (scan.line_count, scan.blank_lines) == (7, [2, 3, 5, 7])


@pytest.mark.parametrize(("line_bytes", "is_long"), [(LONG_BYTES - 2, False), (4 * LONG_BYTES, True)])
def test_a_long_line_is_seen_however_the_blocks_fall(line_bytes, is_long):
    content = b"a\n" * 1000 + b"x" * line_bytes + b"\n" + b"b\n" * 100_000
    for size in (2 * LONG_BYTES, 3 * LONG_BYTES + 1, len(content)):
        for start in range(0, size, LONG_BYTES // 4):
            scan = LineScan("orders.csv")
            for block in (content[:start], *(content[at : at + size] for at in range(start, len(content), size))):
                scan.feed(block)
            assert scan.has_long_lines == is_long


def test_a_gzip_is_read_through(tmp_path):
    found = inspect_file(write(tmp_path, gzip.compress(GOOD), "orders.csv.gz"), ORDERS)
    assert (found.line_count, found.is_gzip, found.expanded_byte_count) == (3, True, len(GOOD))
    assert found.source_hash == hash_file(found.path)


def test_a_flipped_byte_in_a_gzip_is_refused(tmp_path):
    content = bytearray(gzip.compress(os.urandom(3000).hex().encode() + b"\n" + GOOD))
    content[len(content) // 2] ^= 0x10
    assert "gzip is damaged" in refusal(tmp_path, bytes(content), "orders.csv.gz")


def test_a_gzip_that_is_cut_off_is_refused(tmp_path):
    assert "cut off" in refusal(tmp_path, gzip.compress(GOOD)[:-9], "orders.csv.gz")


@pytest.mark.parametrize("name", ["orders.csv.gz", "orders.csv", "orders.parquet"])
def test_half_a_file_that_is_being_written_is_no_bad_one(tmp_path, monkeypatch, name):
    half = {
        "orders.csv.gz": gzip.compress(GOOD)[:-9],
        "orders.csv": "c1,\u00e9".encode()[:-1],
        "orders.parquet": b"PAR1",
    }
    path, format_of = write(tmp_path, half[name], name), landing._format_of
    monkeypatch.setattr(landing, "_format_of", lambda *given: os.utime(path, ns=(1, 1)) or format_of(*given))
    with pytest.raises(Transient, match="changed while it was read"):
        inspect_file(path, ORDERS)


def test_a_gzip_under_another_name_is_refused(tmp_path):
    assert "rename" in refusal(tmp_path, gzip.compress(GOOD), "orders.csv")


def test_a_text_under_the_name_of_a_gzip_is_refused(tmp_path):
    assert "rename" in refusal(tmp_path, GOOD, "orders.csv.gz")


def test_a_gzip_that_unpacks_beyond_the_limit_is_refused(tmp_path):
    path = write(tmp_path, gzip.compress(GOOD + b"c,2024-01-01,1\n" * 1000), "orders.csv.gz")
    with pytest.raises(BadFile, match="unpacks to more than 1,000 bytes"):
        inspect_file(path, ORDERS, max_expanded_bytes=1000)


def test_a_broken_parquet_file_is_refused(tmp_path):
    assert "no readable parquet" in refusal(tmp_path, b"PAR1 and no more", "orders.parquet")


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(BadFile, match="no ordinary file"):
        inspect_file(tmp_path, ORDERS)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(BadFile, match="cannot be read"):
        inspect_file(tmp_path / "orders.csv", ORDERS)


@pytest.mark.parametrize("name", ["Day", "day; drop table x", "", "source_line", "1day"])
def test_a_raw_name_that_is_no_plain_identifier_is_refused(name):
    with pytest.raises(WrongUse):
        RawSetShape("orders", {name: "Day"})


def test_a_changed_declaration_has_another_digest():
    assert ORDERS.digest != RawSetShape("orders", {**ORDERS.columns, "day": "Date"}, optional=("amount",)).digest


@pytest.mark.parametrize(
    ("content", "is_plain"),
    [
        ("c,d\n1,2\n3,4", True),
        ("c,d\r\n1,2\r\n3,4\r\n", True),
        ('c,d\n"",2\n', True),
        ('c,d\n"1",2\n', False),
        ("c,d\n1,2\n,\n", True),
        ("c,d\n1,2\n\n", False),
        ("c,d\n1,2\n3\n", False),
        ("c,d\n1,2\n3,4,5\n", False),
    ],
)
def test_a_plain_file_has_no_quoted_text_no_blank_line_and_no_delimiter_too_few_or_too_many(
    tmp_path, content, is_plain
):
    path = tmp_path / "orders.csv"
    path.write_bytes(content.encode())
    assert inspect_file(path, RawSetShape("orders", {"customer_id": "c", "day": "d"})).is_plain == is_plain
