"""The same night again, one with a bad file, and one whose future is another."""

import json
import shutil
from pathlib import Path

import duckdb
import pytest

from custana_pipeline_tests.commands.shop_files import fingerprint
from custana_pipeline_tests.whole_chain.nights import AS_OF, PROMISED, run


@pytest.mark.parametrize("night", ["third", "copied"])
def test_a_run_with_nothing_new_says_so_and_touches_not_a_byte(night: str, shop: Path) -> None:
    """Neither where files are as they lay, nor where all of them were copied anew."""
    again = json.loads((shop / f"{night}.json").read_text())
    assert again["told"].startswith("custana: nothing new since ")
    assert f"data/published/{AS_OF} stands" in again["told"]
    assert again["is_untouched"]


def test_the_same_day_again_publishes_nothing_new_wherever_it_is_trained(shop: Path) -> None:
    assert json.loads((shop / "ahead.json").read_text()) == ["behavior", "demand"]
    assert fingerprint(shop / "data" / "published") == json.loads((shop / "first.json").read_text())


def test_a_bad_file_after_a_good_night_leaves_lists_and_tables_as_they_were(
    shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spoilt = tmp_path / "spoilt"
    shutil.copytree(shop, spoilt, symlinks=True)
    database = str(spoilt / "data" / "warehouse" / "sample.duckdb")
    query = "select (select count(*) from raw.transactions), (select count(*) from cleaned.transactions)"
    with duckdb.connect(database, read_only=True) as connection:
        tables = connection.execute(query).fetchall()
    before = fingerprint(spoilt / "data" / "published")
    late = [f"O9{number:06d},C00001,P0001,not a day,1,1.00" for number in range(2000)]
    header = "order_id,customer_id,product_id,ordered_at,quantity,unit_price"
    (spoilt / "files" / "transactions-late.csv").write_text("\n".join([header, *late]) + "\n")
    told = run(capsys, spoilt / "files", spoilt / "data")
    assert told.exit_code == 3
    assert "unparsable_date 2,0" in told.err
    assert fingerprint(spoilt / "data" / "published") == before
    with duckdb.connect(database, read_only=True) as connection:
        assert connection.execute(query).fetchall()[0][1] == tables[0][1]


def other_future(path: Path, column: int) -> None:
    """Of the lines at or after the day: a third changed, a third deleted, a third doubled for a stranger."""
    lines = path.read_text(encoding="utf-8").split("\n")
    kept, changed = [], 0
    for text in lines:
        fields = text.split(",")
        if len(fields) <= column or not AS_OF <= fields[column] < "2026":
            kept.append(text)
            continue
        changed += 1
        if changed % 3 == 0:
            kept.append(text.replace(",P0", ",P9"))
        if changed % 3 == 1:
            kept += [text, text.replace(",C0", ",C9").replace("C0", "C9", 1 if text.startswith("C") else 0)]
    assert changed > 50
    path.write_text("\n".join(kept), encoding="utf-8")


def test_another_future_makes_the_same_lists(shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(shop / "files", tmp_path / "files")
    other_future(tmp_path / "files" / "transactions.csv", column=3)
    other_future(tmp_path / "files" / "events.csv", column=3)
    told = run(capsys, tmp_path / "files", tmp_path / "data")
    assert told.exit_code == 0, told.err
    lists = [
        {name: digest for name, digest in fingerprint(folder / "published" / AS_OF).items() if "." in name}
        for folder in (shop / "data", tmp_path / "data")
    ]
    differing = {name for name in lists[0] if lists[0][name] != lists[1][name]}
    assert differing <= {"manifest.json", "run.json", "report.html"}
    assert len(lists[0]) == len(lists[1]) >= 2 * len(PROMISED)
