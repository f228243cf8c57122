"""One list as Parquet and CSV."""

import csv
import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest

from custana_pipeline.stores import list_files
from custana_pipeline.stores.list_files import PublishedList, neutralised, restored, write_list

RISKY = ["=1+1", "+49", "-5", "@home", "\tx", "\rx", "'tis", "''", "plain", "", "a=b", " =1"]


def _texts(path: Path) -> list[str]:
    with path.open(newline="", encoding="utf-8") as file:
        return [row["text"] for row in csv.DictReader(file)]


def test_no_text_in_a_csv_begins_like_a_formula(tmp_path: Path) -> None:
    table = pa.table({"place": range(len(RISKY)), "text": RISKY})
    _, path = write_list("list", PublishedList(table, ("place",)), tmp_path)
    assert not [text for text in _texts(path) if text[:1] in ("=", "+", "-", "@", "\t", "\r")]


def test_stripping_one_apostrophe_gives_every_text_back(tmp_path: Path) -> None:
    table = pa.table({"place": range(len(RISKY)), "text": RISKY})
    _, path = write_list("list", PublishedList(table, ("place",)), tmp_path)
    assert [restored(text) for text in _texts(path)] == RISKY


def test_negative_numbers_stay_numbers(tmp_path: Path) -> None:
    table = pa.table({"place": [1, 2], "amount": [-1.5, 2.0]})
    _, path = write_list("list", PublishedList(table, ("place",)), tmp_path)
    assert path.read_text() == '"place","amount"\n1,-1.5\n2,2\n'


def test_null_and_the_empty_text_differ(tmp_path: Path) -> None:
    table = pa.table({"place": [1, 2], "text": ["", None]})
    _, path = write_list("list", PublishedList(table, ("place",)), tmp_path)
    assert path.read_text() == '"place","text"\n1,""\n2,\n'


def test_parquet_keeps_texts_as_they_are(tmp_path: Path) -> None:
    table = pa.table({"place": range(len(RISKY)), "text": RISKY})
    path, _ = write_list("list", PublishedList(table, ("place",)), tmp_path)
    assert pyarrow.parquet.read_table(path)["text"].to_pylist() == RISKY


@pytest.mark.parametrize("pieces", [[60_000, 60_000, 80_000], [1], [122_880]])
def test_rows_that_come_in_other_pieces_give_the_same_bytes(pieces: list[int], tmp_path: Path) -> None:
    """Parquet's writer gives up repeated values where they are too many, and counts them piece by piece."""
    count = 200_000
    scores = np.sqrt(np.arange(count))
    ends = np.cumsum([0, *pieces]).tolist()
    bounds = zip([0, *ends[1:]], [*ends[1:], count], strict=True)
    cut = pa.chunked_array([scores[begin:end] for begin, end in bounds])
    made = []
    for name, score in (("whole", pa.chunked_array([scores])), ("cut", cut)):
        (tmp_path / name).mkdir()
        table = pa.table({"place": np.arange(count), "score": score})
        made.append([p.read_bytes() for p in write_list("list", PublishedList(table, ("place",)), tmp_path / name)])
    assert made[0] == made[1]


def test_rows_in_any_order_give_the_same_bytes(tmp_path: Path) -> None:
    table = pa.table({"customer_id": [f"c{number}" for number in range(1000)], "score": [n / 7 for n in range(1000)]})
    shuffled = table.take(pa.array([(n * 617) % 1000 for n in range(1000)]))
    made = []
    for name, rows in (("one", table), ("two", shuffled)):
        (tmp_path / name).mkdir()
        made.append(
            [p.read_bytes() for p in write_list("list", PublishedList(rows, ("customer_id",)), tmp_path / name)]
        )
    assert made[0] == made[1]


@pytest.mark.parametrize("day", [dt.date(2024, 7, 1), pd.Timestamp("2024-07-01")])
def test_a_day_is_a_date_wherever_it_came_from(tmp_path: Path, day: object) -> None:
    frame = pd.DataFrame({"as_of": [day], "customer_id": ["a"], "note": [None]})
    parquet, text = write_list("list", PublishedList(pa.Table.from_pandas(frame), ("customer_id",)), tmp_path)
    schema = pyarrow.parquet.read_schema(parquet)
    assert [str(column.type) for column in schema] == ["date32[day]", "string", "string"]
    assert schema.metadata is None
    assert text.read_text().splitlines()[1].startswith("2024-07-01,")


def _fetched(table: pa.Table, asked: list[bool]):
    """The table in parts of seven rows, sorted where that is asked for; `asked` hears of every call."""

    def parts(is_sorted: bool):
        asked.append(is_sorted)
        rows = table.sort_by("customer_id") if is_sorted else table
        return (rows.slice(start, 7) for start in range(0, max(rows.num_rows, 1), 7))

    return parts


@pytest.mark.parametrize(
    ("order", "asked_for"), [(range(100), [False]), (range(99, -1, -1), [False, True]), ([], [False])]
)
def test_rows_that_come_in_parts_give_the_bytes_of_the_whole_and_are_sorted_only_where_they_must_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, order: list[int], asked_for: list[bool]
) -> None:
    monkeypatch.setattr(list_files, "ROWS_PER_GROUP", 10)
    ids = pa.array([f"c{number:03d}" for number in order], pa.string())
    table = pa.table({"customer_id": ids, "score": pa.array(list(order), pa.int64())})
    made, asked = [], []
    for name, rows in (("whole", table), ("parts", _fetched(table, asked))):
        (tmp_path / name).mkdir()
        files = write_list("list", PublishedList(rows, ("customer_id",)), tmp_path / name)
        made.append([path.read_bytes() for path in files])
    assert made[0] == made[1]
    assert asked == asked_for
    assert pyarrow.parquet.read_metadata(tmp_path / "parts" / "list.parquet").num_row_groups == max(len(table) // 10, 1)


def test_a_part_that_begins_before_the_one_before_it_ended_is_out_of_order(tmp_path: Path) -> None:
    table = pa.table({"customer_id": [f"c{(number + 7) % 14:02d}" for number in range(14)]})
    asked: list[bool] = []
    parquet, _ = write_list("list", PublishedList(_fetched(table, asked), ("customer_id",)), tmp_path)
    assert asked == [False, True]
    assert pyarrow.parquet.read_table(parquet)["customer_id"].to_pylist() == sorted(table["customer_id"].to_pylist())


def test_texts_between_plain_ones_and_beyond_a_slice_are_neutralised_too() -> None:
    texts = pa.chunked_array([pa.array(["x", "=1", None, "", "plain", "\uff1d1", "é"]).slice(1), pa.array(["a", "b"])])
    assert neutralised(texts).to_pylist() == ["'=1", None, "", "plain", "'\uff1d1", "é", "a", "b"]
