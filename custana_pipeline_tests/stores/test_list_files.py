"""One list as Parquet and CSV."""

import csv
import datetime as dt
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest

from custana_pipeline.stores.list_files import PublishedList, restored, write_list

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
