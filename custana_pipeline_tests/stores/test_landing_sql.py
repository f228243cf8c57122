"""What landing stores of a file: each record with its physical line, and every line accounted for."""

import gzip
import random

import duckdb
import pandas as pd
import pytest

from custana_pipeline.errors import BadFile, CustanaError
from custana_pipeline.raw.contracts import RawSetShape
from custana_pipeline.raw.landing import inspect_file
from custana_pipeline.stores.landing_sql import land
from custana_pipeline.stores.warehouse import Warehouse
from custana_pipeline_tests.stores.landed_files import ORDERS, PURCHASES, landed, malformed, rows


def test_records_are_text_with_their_lines_and_file(connection, tmp_path):
    file = landed(connection, tmp_path / "o.csv", "c,d,a\n007,2024-01-01,1.50\nNA,2024-01-02,\n")
    assert rows(connection) == [(2, "007", "2024-01-01", "1.50"), (3, "NA", "2024-01-02", None)]
    stored = connection.execute("select distinct source_file, source_hash from raw.orders").fetchall()
    assert stored == [("o.csv", file.source_hash)]


def test_reordered_and_extra_columns_land_by_name(connection, tmp_path):
    file = landed(connection, tmp_path / "o.csv", "till,A,D,C\n9,5,2024-01-01,c1\n")
    assert rows(connection) == [(2, "c1", "2024-01-01", "5")]
    assert file.unknown_columns == "till"


def test_a_missing_optional_column_lands_as_null(connection, tmp_path):
    landed(connection, tmp_path / "o.csv", "c,d\nc1,2024-01-01\n")
    assert rows(connection) == [(2, "c1", "2024-01-01", None)]


def test_a_byte_order_mark_is_no_part_of_the_first_header(connection, tmp_path):
    landed(connection, tmp_path / "o.csv", b"\xef\xbb\xbfc,d,a\nc1,x,1\n")
    assert rows(connection) == [(2, "c1", "x", "1")]


def test_ragged_lines_are_kept_apart_with_line_and_reason(connection, tmp_path):
    file = landed(connection, tmp_path / "o.csv", 'c,d,a\nc1,x,1\nc2,x\nc3,x,1,2\nc4,"x"y,1\nc5,x,1\n')
    assert [line for line, *_ in rows(connection)] == [2, 6]
    assert malformed(connection) == [
        (3, "too_few_fields", "c2,x"),
        (4, "too_many_fields", "c3,x,1,2"),
        (5, "unquoted_value", 'c4,"x"y,1'),
    ]
    assert file.malformed_line_count == 3


def test_two_faults_that_make_up_for_each_other_are_told_apart(connection, tmp_path):
    path = tmp_path / "o.csv"
    file = landed(connection, path, "c,d,a\nc1,x,1\nc2,x\nc3,x,1,2\nc4,x,1\n")
    assert inspect_file(path, ORDERS).is_plain
    assert rows(connection) == [(2, "c1", "x", "1"), (5, "c4", "x", "1")]
    assert malformed(connection) == [(3, "too_few_fields", "c2,x"), (4, "too_many_fields", "c3,x,1,2")]
    assert (file.record_count, file.malformed_line_count) == (2, 2)


def test_two_equal_malformed_lines_are_two(connection, tmp_path):
    landed(connection, tmp_path / "o.csv", "c,d,a\nc1\nc2,x,1\nc1\n")
    assert [line for line, *_ in malformed(connection)] == [2, 4]


def test_blank_lines_shift_the_lines_of_what_follows(connection, tmp_path):
    file = landed(connection, tmp_path / "o.csv", "c,d,a\n\nc1,x,1\n\n\nc2,x,1\n\n")
    assert [line for line, *_ in rows(connection)] == [3, 6]
    assert file.blank_line_count == 4


def test_a_blank_line_of_a_file_of_one_column_is_no_record(connection, tmp_path):
    ids = RawSetShape("ids", {"customer_id": "c"})
    for name, content in (("a.csv", 'c\nc1\n\n""\nc2\n'), ("b.csv", 'c\n"c\n1"\n""\nc2\n\n')):
        assert landed(connection, tmp_path / name, content, ids).blank_line_count == 1
    found = connection.execute("select source_line, customer_id from raw.ids order by source_file, source_line")
    assert found.fetchall() == [(2, "c1"), (4, None), (5, "c2"), (2, "c\n1"), (4, None), (5, "c2")]


def test_a_quoted_line_end_stays_in_its_field(connection, tmp_path):
    file = landed(connection, tmp_path / "o.csv", 'c,d,a\n"c\n1","say ""x""",1\n\nshort\nc2,x,1\n')
    assert rows(connection) == [(2, "c\n1", 'say "x"', "1"), (6, "c2", "x", "1")]
    assert malformed(connection) == [(5, "too_few_fields", "short")]
    assert file.continuation_line_count == 1


def test_quotes_after_a_blank_enclose_a_field_whether_or_not_another_field_holds_a_line_end(connection, tmp_path):
    for name, note in (("a.csv", "note"), ("b.csv", "long\nnote")):
        landed(connection, tmp_path / name, f'c,d,a\nc1, "x y" ,"{note}"\nc2, y, "1"\n')
    assert [(customer, day) for _, customer, day, _ in rows(connection)] == [("c1", "x y"), ("c2", " y")] * 2
    assert [amount for *_, amount in rows(connection)] == ["note", "1", "long\nnote", "1"]


def test_a_line_of_very_many_fields_is_malformed_and_soon_told(connection, tmp_path):
    endless = "c2" + "," * 300_000
    file = landed(connection, tmp_path / "o.csv", f'c,d,a\n"c1",x,1\n{endless}\nc3,x,1\n')
    assert rows(connection) == [(2, "c1", "x", "1"), (4, "c3", "x", "1")]
    assert [(line, reason) for line, reason, _ in malformed(connection)] == [(3, "too_many_fields")]
    assert file.malformed_line_count == 1


def test_a_line_feed_inside_quotes_of_a_windows_file_is_in_order(connection, tmp_path):
    file = landed(connection, tmp_path / "o.csv", b'c,d,a\r\n"c\n1",x,1\r\nc2,x,1\r\n')
    assert [line for line, *_ in rows(connection)] == [2, 4]
    assert file.continuation_line_count == 1


def test_mixed_line_ends_outside_quotes_are_refused(connection, tmp_path):
    with pytest.raises(BadFile, match="CRLF"):
        landed(connection, tmp_path / "o.csv", b'c,d,a\r\n"c1",x,1\nc2,x,1\r\n')


def test_an_unclosed_quote_is_refused_with_its_line_and_what_it_swallows(connection, tmp_path):
    content = 'c,d,a\nc1,x,1\nc2,"x,1\n' + "c3,x,1\n" * 50 + 'c4,"x",1\n'
    with pytest.raises(BadFile, match=r"line 3 .* swallows 51 more lines"):
        landed(connection, tmp_path / "o.csv", content)


def test_a_quote_that_is_open_at_the_end_is_refused(connection, tmp_path):
    with pytest.raises(BadFile, match="line 3"):
        landed(connection, tmp_path / "o.csv", 'c,d,a\nc1,x,1\nc2,"x,1\nc3,x,1\n')


def test_no_refusal_shows_a_value(connection, tmp_path):
    with pytest.raises(BadFile) as caught:
        landed(connection, tmp_path / "o.csv", 'c,d,a\nsecret@example.org,"x,1\nc2,x,1\n')
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("kind", ["csv", "csv.gz"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_line_numbers_are_physical_in_a_file_that_is_read_in_parallel(connection, tmp_path, kind, line_end):
    generator = random.Random(5)
    odd = {line: generator.choice(["", "short,x", "1,2,3,4"]) for line in generator.sample(range(2, 300_000), 400)}
    lines = ["c,d,a", *(odd.get(line, f"{line},{'x' * (line % 60)},1") for line in range(2, 300_001))]
    content = (line_end.join(lines) + line_end).encode()
    file = landed(connection, tmp_path / f"o.{kind}", gzip.compress(content, 1) if kind == "csv.gz" else content)
    wrong = connection.execute("select count(*) from raw.orders where source_line <> cast(customer_id as bigint)")
    assert wrong.fetchall() == [(0,)]
    assert [line for line, *_ in malformed(connection)] == sorted(line for line, text in odd.items() if text)
    assert file.record_count == 300_000 - 1 - len(odd)


def test_line_numbers_are_physical_across_many_batches_of_quoted_line_ends(connection, tmp_path):
    records = [f'"{number}\n",x,1\n' if number % 7 == 0 else f"{number},x,1\n" for number in range(120_000)]
    landed(connection, tmp_path / "o.csv", "c,d,a\n" + "".join(records))
    wrong = connection.execute(
        "with orders as (select source_line, cast(trim(customer_id, chr(10)) as bigint) as number from raw.orders) "
        "select count(*) from orders where source_line <> 2 + number + (number + 6) // 7"
    )
    assert wrong.fetchall() == [(0,)]


def test_a_csv_without_header_lands_from_its_first_line(connection, tmp_path):
    shape = RawSetShape("orders", ORDERS.columns, delimiter=";", header=False)
    landed(connection, tmp_path / "o.csv", "c1;x;1\nc2;x;2\n", shape)
    assert [line for line, *_ in rows(connection)] == [1, 2]


def test_a_file_name_with_marks_of_a_pattern_or_a_quote_lands(connection, tmp_path):
    landed(connection, tmp_path / "it's [1]*.csv", "c,d,a\nc1,x,1\n")
    assert len(rows(connection)) == 1


@pytest.mark.parametrize(("suffix", "text"), [(".csv", "x"), (".csv", '""'), (".csv", '"x"'), (".csv.gz", "x")])
def test_the_warehouse_lands_many_lines_with_their_numbers_though_both_cores_read_them(tmp_path, suffix, text):
    path, last = tmp_path / f"o{suffix}", 900_000
    content = f"c,d,a\n1,{text},1\n" + "".join(f"{number},{'x' * (number % 41)},1\n" for number in range(3, last + 1))
    path.write_bytes(gzip.compress(content.encode(), 1) if suffix.endswith("gz") else content.encode())
    with Warehouse(tmp_path / "w.duckdb").transaction(may_read=[path]) as session:
        land(session.connection, inspect_file(path, ORDERS))
        counts = "select count(*), count(*) filter (where customer_id::bigint <> source_line) from raw.orders"
        assert session.rows(counts) == [(last - 1, 1)]


@pytest.mark.parametrize(
    ("shape", "line"), [(ORDERS, '{number},"{number:0>40},",1\n'), (PURCHASES, "{number} {number:0>40} 1\n")]
)
def test_what_was_staged_of_a_file_is_freed_before_the_next_one_of_the_same_transaction(tmp_path, shape, line):
    paths = [tmp_path / f"{part}.csv" for part in "ab"]
    for path in paths:
        records = "".join(line.format(number=path.stem + str(number)) for number in range(500_000))
        path.write_text("c,d,a\n" * shape.header + records)
    query = "select coalesce(sum(memory_usage_bytes), 0) from duckdb_memory() where tag = 'IN_MEMORY_TABLE'"
    with Warehouse(tmp_path / "w.duckdb").transaction(may_read=paths) as session:
        for path in paths:
            land(session.connection, inspect_file(path, shape))
            ((held,),) = session.rows(query)
            assert held < path.stat().st_size


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_column_of_different_texts_is_compressed_as_text_and_others_by_their_values(tmp_path, suffix):
    path = tmp_path / f"o.{suffix}"
    # the history begins with one moment for all, which says nothing of the rest
    moments = [max(number, 70_000) for number in range(210_000)]
    orders = pd.DataFrame(
        {"c": [f"c{each % 7}" for each in moments], "d": [f"2024-01-01 {each:08}" for each in moments]}
    )
    orders = orders.assign(a=1)
    orders.to_csv(path, index=False) if suffix == "csv" else orders.to_parquet(path)
    warehouse = Warehouse(tmp_path / "w.duckdb")
    with warehouse.transaction(may_read=[path]) as session:
        land(session.connection, inspect_file(path, ORDERS))
    query = """select column_name, list(distinct compression) from pragma_storage_info('raw.orders')
        where segment_type = 'VARCHAR' and column_name not like 'source%' group by column_name order by column_name"""
    with warehouse.reading() as session:
        found = dict(session.rows(query))
    assert found["day"] == ["ZSTD"]
    assert "ZSTD" not in found["customer_id"] + found["amount"]


def test_two_stray_quotes_that_swallow_whole_records_are_refused(connection, tmp_path):
    content = 'c,d,a\nc1,x,1\nc2,"x,1\n' + "c3,x,1\n" * 20 + 'c4,x",1\n'
    with pytest.raises(BadFile, match=r"line 3 .* swallows 21 more lines"):
        landed(connection, tmp_path / "o.csv", content)


def test_a_note_of_several_lines_with_a_comma_is_no_swallowed_record(connection, tmp_path):
    landed(connection, tmp_path / "o.csv", 'c,d,a\nc1,"Dear Ann,\nthanks, and\nbye",1\n')
    assert rows(connection) == [(2, "c1", "Dear Ann,\nthanks, and\nbye", "1")]


def test_a_header_that_comes_again_is_a_malformed_line(connection, tmp_path):
    file = landed(connection, tmp_path / "o.csv", "c,d,a\nc1,x,1\nc,d,a\nc2,x,1\n")
    assert malformed(connection) == [(3, "repeated_header", "c,d,a")]
    assert (file.record_count, file.malformed_line_count) == (2, 1)


def test_a_header_that_comes_again_between_blanks_or_as_one_cell_only_is_told_apart(connection, tmp_path):
    landed(connection, tmp_path / "o.csv", "c,d,a\nc,x,1\n c ,d, a\ncc,d,a\n")
    assert malformed(connection) == [(3, "repeated_header", " c ,d, a")]
    assert rows(connection) == [(2, "c", "x", "1"), (4, "cc", "d", "a")]


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (duckdb.OutOfMemoryException("could not allocate block of size 256.0 KiB"), "CUSTANA_MEMORY_LIMIT"),
        (
            duckdb.InvalidInputException(
                "Invalid Input Error: reading the stream registered as 'landing_records' failed: IOError: "
                "Out of Memory Error: could not allocate block of size 256.0 KiB"
            ),
            "CUSTANA_MEMORY_LIMIT",
        ),
        (duckdb.IOException('Could not write file "x": No space left on device'), "The disk takes no more"),
    ],
)
def test_too_little_memory_or_disk_is_no_fault_of_the_file(connection, tmp_path, monkeypatch, fault, told):
    def fails(*_):
        raise fault

    monkeypatch.setattr("custana_pipeline.stores.landing_sql.load", fails)
    with pytest.raises(CustanaError, match=told) as caught:
        landed(connection, tmp_path / "orders.csv", "c,d,a\n1,2024-01-01,5\n")
    assert not isinstance(caught.value, BadFile)
