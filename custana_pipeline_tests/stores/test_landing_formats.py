"""How files land that are no comma-separated text: blank-separated and fixed-width lines, and parquet."""

import pytest

from custana_pipeline.errors import BadFile, WrongUse
from custana_pipeline.raw.contracts import RawSetShape
from custana_pipeline.raw.landing import inspect_file
from custana_pipeline.stores.landing_sql import land
from custana_pipeline_tests.stores.landed_files import ORDERS, PURCHASES, landed, malformed, rows


def test_blank_separated_lines_land_with_leading_zeros_and_no_header(connection, tmp_path):
    content = " 00001 19970101  1.50\r\n\r\n 00002   19970102\t2.00\r\n00003 19970103\r\n   \r\n1 2 3 4"
    file = landed(connection, tmp_path / "p.txt", content, PURCHASES)
    assert rows(connection, "purchases") == [(1, "00001", "19970101", "1.50"), (3, "00002", "19970102", "2.00")]
    assert [(line, reason) for line, reason, _ in malformed(connection)] == [
        (4, "too_few_fields"),
        (6, "too_many_fields"),
    ]
    assert (file.header_line_count, file.blank_line_count) == (0, 2)


def test_parquet_lands_by_name_as_text(connection, tmp_path):
    path = tmp_path / "o.parquet"
    connection.execute(
        f"copy (select 1.5 as A, date '2024-01-01' as d, '007' as c, 1 as x) to '{path}' (format parquet)"
    )
    file = land(connection, inspect_file(path, ORDERS))
    assert rows(connection) == [(1, "007", "2024-01-01", "1.5")]
    assert (file.line_count, file.header_line_count, file.unknown_columns) == (1, 0, "x")


def test_fixed_width_lines_land_by_their_characters_and_lines_of_another_length_are_malformed(connection, tmp_path):
    cards = RawSetShape("cards", {"customer_id": "1-4", "day": "6-13", "amount": "14-20"}, "fixed_width", header=False)
    content = "0001 19970101   1.50\nC 2  19970102  10.00\n\n0003 1997\n0004 19970104   4.00 and more\n"
    file = landed(connection, tmp_path / "cards.txt", content, cards)
    assert (file.record_count, file.malformed_line_count, file.blank_line_count) == (2, 2, 1)
    assert rows(connection, "cards") == [(1, "0001", "19970101", "1.50"), (2, "C 2", "19970102", "10.00")]
    reasons = connection.execute("select source_line, reason from raw.malformed_lines order by source_line").fetchall()
    assert reasons == [(4, "too_few_fields"), (5, "too_many_fields")]


@pytest.mark.parametrize("span", ["", "5", "9-2", "0-3"])
def test_a_fixed_width_column_without_its_characters_is_refused(span):
    with pytest.raises(WrongUse, match="characters"):
        RawSetShape("cards", {"customer_id": span}, "fixed_width", header=False)


def test_parquet_times_with_a_zone_become_local_ones_and_float_ids_lose_their_zero(connection, tmp_path):
    path = tmp_path / "o.parquet"
    connection.execute("set timezone = 'UTC'")
    connection.execute(
        f"copy (select 7.0::double as c, timestamptz '2024-01-05 23:00:00+00' as d, 2.5::double as a) to '{path}'"
    )
    tokyo = RawSetShape("orders", ORDERS.columns, timezone="Asia/Tokyo")
    land(connection, inspect_file(path, tokyo))
    assert rows(connection) == [(1, "7", "2024-01-06 08:00:00", "2.5")]


def test_a_parquet_list_is_refused_with_its_column(connection, tmp_path):
    path = tmp_path / "o.parquet"
    connection.execute(f"copy (select [1, 2] as c, 'x' as d, '1' as a) to '{path}'")
    with pytest.raises(BadFile, match="column c is of type list"):
        inspect_file(path, ORDERS)
