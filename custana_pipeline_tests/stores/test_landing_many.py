"""Small files that are alike are loaded together, and land as they would one by one."""

from dataclasses import replace

import pytest

from custana_pipeline.errors import Transient
from custana_pipeline.raw.landing import inspect_file
from custana_pipeline.stores import landing_sql
from custana_pipeline.stores.landing_groups import MOST_TOGETHER
from custana_pipeline.stores.landing_sql import land, land_all, prepare
from custana_pipeline_tests.stores.landed_files import ORDERS

DAYS = {
    "2024-01-01.csv": "c,d,a\nc1,2024-01-01,1\nc2,2024-01-01,\n",
    "2024-01-02.csv": "c,d,a\nc1,2024-01-02,2\n",
    "2024-01-03.csv": "c,d,a\nc3,2024-01-03,3\nc,d,a\nc4,2024-01-03,4\n",
    "2024-01-04.csv": "c,d,a\nc5,2024-01-04\nc6,2024-01-04,6,6\nc7,2024-01-04,7\n",
    "2024-01-05.csv": "a,d,c\n8,2024-01-05,c8\n",
    "2024-01-06.csv": 'c,d,a\n"c9",2024-01-06,9\n\nc10,2024-01-06,10\n',
    "2024-01-07.csv": "c,d,a\nc11,2024-01-07,11\n",
    "2024-01-08.csv": "c,d,a\nc12,2024-01-08,12\n",
}
TABLES = ("orders", "malformed_lines", "files")


def _inspected(folder, contents):
    for name, content in contents.items():
        (folder / name).write_text(content)
    return [inspect_file(folder / name, ORDERS) for name in contents]


def _stored(connection):
    return {table: connection.execute(f"select * from raw.{table} order by all").fetchall() for table in TABLES}


def _groups_loaded(monkeypatch):
    """How many files each call to load together was given."""
    asked, load_together = [], landing_sql.load_together
    monkeypatch.setattr(
        landing_sql,
        "load_together",
        lambda connection, files: asked.append(len(files)) or load_together(connection, files),
    )
    return asked


def test_many_files_land_as_they_would_one_by_one(connection, tmp_path, monkeypatch):
    files, asked = _inspected(tmp_path, DAYS), _groups_loaded(monkeypatch)
    landed = land_all(connection, files)
    # the fourth day makes the first group wrong, so that its files are loaded one by one
    assert asked == [4, 2]
    together = _stored(connection)
    for table in TABLES:
        connection.execute(f"delete from raw.{table}")
    assert [land(connection, file) for file in files] == landed
    assert _stored(connection) == together
    assert [line for name, _, line, *_ in together["orders"] if name == "2024-01-03.csv"] == [2, 4]
    assert {reason for *_, reason, _ in together["malformed_lines"]} == {
        "repeated_header",
        "too_few_fields",
        "too_many_fields",
    }


@pytest.mark.parametrize("has_header", [True, False])
def test_files_of_other_line_ends_marks_and_last_lines_land_as_they_would_one_by_one(connection, tmp_path, has_header):
    shape = replace(ORDERS, header=has_header, optional=())
    contents = [
        "c1,x,1\nc2,x,2\n",
        "c3,x,3\r\nc4,x,4\r\n",
        "\ufeffc5,x,5\nc6,,6",
        "c7,x,7",
        "c8,x,8\r\nc9,x,",
        "c0, x,1\n",
    ]
    names = [f"{number}.csv" for number in range(len(contents))]
    for name, content in zip(names, contents, strict=True):
        mark, text = content[: content.startswith("\ufeff")], content.lstrip("\ufeff")
        end = "\r\n" if "\r" in content else "\n"
        (tmp_path / name).write_bytes((mark + f"c,d,a{end}" * has_header + text).encode())
    files = [inspect_file(tmp_path / name, shape) for name in names]
    landed = land_all(connection, files)
    together = _stored(connection)
    for table in TABLES:
        connection.execute(f"delete from raw.{table}")
    assert [land(connection, file) for file in files] == landed
    assert _stored(connection) == together
    assert [row[3] for row in together["orders"]] == ["c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8", "c9", "c0"]


def test_more_files_than_one_group_holds_keep_their_names_and_lines(connection, tmp_path, monkeypatch):
    contents = {f"{day:03}.csv": "c,d,a\n" + f"c{day},x,1\n" * (1 + day % 3) for day in range(MOST_TOGETHER + 6)}
    files, asked = _inspected(tmp_path, contents), _groups_loaded(monkeypatch)
    land_all(connection, files)
    assert asked == [MOST_TOGETHER, 6]
    found = connection.execute("select source_file, customer_id, source_line from raw.orders order by all").fetchall()
    assert found == [
        (f"{day:03}.csv", f"c{day}", line) for day in range(MOST_TOGETHER + 6) for line in range(2, 3 + day % 3)
    ]
    hashes = connection.execute("select distinct source_file, source_hash from raw.orders order by all").fetchall()
    assert hashes == [(file.source_file, file.source_hash) for file in files]


def test_a_changed_file_among_many_replaces_its_own_rows_only(connection, tmp_path):
    contents = {f"{day}.csv": f"c,d,a\nc{day},x,1\n" for day in range(4)}
    land_all(connection, _inspected(tmp_path, contents))
    changed = {"1.csv": "c,d,a\nc1,x,9\nc1,y,9\n", "2.csv": "c,d,a\nc2,x,9\n"}
    land_all(connection, _inspected(tmp_path, changed))
    found = connection.execute("select customer_id, amount from raw.orders order by source_file, source_line")
    assert found.fetchall() == [("c0", "1"), ("c1", "9"), ("c1", "9"), ("c2", "9"), ("c3", "1")]
    assert connection.execute("select count(*) from raw.files").fetchall() == [(4,)]


def test_of_many_files_the_one_that_changed_after_its_inspection_is_named(connection, tmp_path):
    contents = {f"{day}.csv": f"c,d,a\nc{day},x,1\n" for day in range(3)}
    files = _inspected(tmp_path, contents)
    (tmp_path / "1.csv").write_text("c,d,a\nc1,x,1\nc1,x,2\n")
    with pytest.raises(Transient, match=r"1\.csv"):
        land_all(connection, files)


def test_no_file_is_nothing_to_land(connection):
    prepare(connection, ORDERS)
    assert land_all(connection, []) == []
