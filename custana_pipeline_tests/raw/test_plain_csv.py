"""How different the texts of a plain file's columns are, in its middle."""

from pathlib import Path

import pytest

from custana_pipeline.raw.contracts import RawSetShape
from custana_pipeline.raw.landing import inspect_file
from custana_pipeline.raw.plain_csv import middle_shares

ORDERS = RawSetShape("orders", {"customer_id": "C", "day": "D", "amount": "A", "note": "N"}, optional=("note",))


def shares(folder: Path, content: str, record_count: int = 1000) -> list[float]:
    path = folder / "orders.csv"
    path.write_bytes(content.encode())
    return middle_shares(inspect_file(path, ORDERS), record_count)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_each_column_has_its_share_of_different_texts(tmp_path, end):
    lines = ["A,C,D", *(f"{number % 2},c{number},day" for number in range(101))]
    assert shares(tmp_path, "".join(line + end for line in lines)) == [1.0, 0.01, 0.02, 0.0]


def test_cells_without_text_have_none_of_their_own(tmp_path):
    lines = ["C,D,A", *(f"c{number}," + ("," if number % 2 else "d,") for number in range(100)), "c,d,"]
    assert shares(tmp_path, "\n".join(lines) + "\n") == [1.0, 0.01, 0.0, 0.0]


def test_only_the_middle_of_a_long_file_is_looked_at(tmp_path):
    lines = ["C,D,A", *(f"c{max(min(number, 6_000), 4_000)},d,1" for number in range(10_000))]
    assert shares(tmp_path, "\n".join(lines) + "\n", record_count=1_000)[0] > 0.99


def test_a_file_of_few_long_lines_is_no_more_than_it_is(tmp_path):
    lines = ["C,D,A", *(f"c{number},{'d' * 2_000_000},1" for number in range(3))]
    assert shares(tmp_path, "\n".join(lines), record_count=10**12)[0] == 1.0


def test_a_file_of_two_lines_is_looked_at_too(tmp_path):
    assert shares(tmp_path, "C,D,A\nc,d,1\n") == [1.0, 1.0, 1.0, 0.0]
