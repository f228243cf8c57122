"""Which files are landed at all: new ones, changed ones, and of equal ones the first."""

import pytest

from custana_pipeline.errors import Transient
from custana_pipeline.raw.contracts import RawSetShape
from custana_pipeline.raw.landing import hash_file, inspect_file
from custana_pipeline.stores.landing_sql import land, needs_landing, note_second_copy, plan_landing, prepare
from custana_pipeline_tests.stores.landed_files import ORDERS, landed, malformed, rows


def test_landing_a_file_twice_is_as_landing_it_once(connection, tmp_path):
    content = "c,d,a\nc1,x,1\nshort\n"
    landed(connection, tmp_path / "o.csv", content)
    landed(connection, tmp_path / "o.csv", content)
    assert (len(rows(connection)), len(malformed(connection))) == (1, 1)
    assert connection.execute("select count(*) from raw.files").fetchall() == [(1,)]


def test_a_changed_file_replaces_its_rows_and_leaves_others(connection, tmp_path):
    landed(connection, tmp_path / "a.csv", "c,d,a\nc1,x,1\n")
    landed(connection, tmp_path / "b.csv", "c,d,a\nc2,x,1\n")
    landed(connection, tmp_path / "a.csv", "c,d,a\nc3,x,1\nc4,x,1\n")
    assert sorted(customer for _, customer, *_ in rows(connection)) == ["c2", "c3", "c4"]


def test_a_file_that_changes_after_its_inspection_is_refused(connection, tmp_path):
    path = tmp_path / "o.csv"
    path.write_text("c,d,a\nc1,x,1\n")
    inspected = inspect_file(path, ORDERS)
    path.write_text("c,d,a\nc1,x,12\n")
    with pytest.raises(Transient, match="changed"):
        land(connection, inspected)


@pytest.mark.parametrize("first", ["c,d,a\nc1,x,1\nc2,x,2\n", 'c,d,a\nc1,"x\ny",1\n', "c,d,a\nc1,x,1\nc2\n"])
@pytest.mark.parametrize(
    "then",
    [None, b"", b"c,d,a\nc1,\xff\xfe,1\n", b'c,d,a\nc1,"x,1\nc2,x,2\nc3,x,3\n', b"c,d,a\nc1\n"],
    ids=["gone", "empty", "other bytes", "open quote", "short line"],
)
def test_a_file_that_cannot_be_read_since_it_changed_after_its_inspection_is_tried_again(
    connection, tmp_path, first, then
):
    path = tmp_path / "o.csv"
    path.write_text(first)
    inspected = inspect_file(path, ORDERS)
    path.unlink() if then is None else path.write_bytes(then)
    with pytest.raises(Transient, match="changed"):
        land(connection, inspected)


def test_only_new_and_changed_files_need_landing(connection, tmp_path):
    path = tmp_path / "o.csv"
    landed(connection, path, "c,d,a\nc1,x,1\n")
    assert not needs_landing(connection, ORDERS, "o.csv", hash_file(path))
    assert needs_landing(connection, ORDERS, "o.csv", "another")
    assert needs_landing(connection, ORDERS, "new.csv", "another")


def test_the_same_content_under_another_name_is_not_loaded_again(connection, tmp_path):
    file = landed(connection, tmp_path / "o.csv", "c,d,a\nc1,x,1\n")
    present = [("o.csv", file.source_hash), ("p.csv", file.source_hash)]
    plan = plan_landing(connection, ORDERS, present)
    assert (plan.to_land, plan.unchanged, plan.second_copies) == ((), ("o.csv",), {"p.csv": "o.csv"})
    note_second_copy(connection, ORDERS, ("p.csv", file.source_hash), "o.csv")
    ledger = connection.execute("select source_file, record_count, duplicate_of from raw.files order by all").fetchall()
    assert ledger == [("o.csv", 1, None), ("p.csv", 0, "o.csv")]


def test_of_two_new_files_with_the_same_content_one_is_landed(connection):
    prepare(connection, ORDERS)
    plan = plan_landing(connection, ORDERS, [("b.csv", "same"), ("a.csv", "same")])
    assert (plan.to_land, plan.second_copies) == (("a.csv",), {"b.csv": "a.csv"})


def test_a_second_copy_is_landed_once_the_first_file_has_changed(connection, tmp_path):
    file = landed(connection, tmp_path / "o.csv", "c,d,a\nc1,x,1\n")
    note_second_copy(connection, ORDERS, ("a.csv", file.source_hash), "o.csv")
    plan = plan_landing(connection, ORDERS, [("a.csv", file.source_hash), ("o.csv", "changed")])
    assert plan.to_land == ("a.csv", "o.csv")


def test_a_changed_declaration_lands_everything_again(connection, tmp_path):
    file = landed(connection, tmp_path / "o.csv", "c,d,a\nc1,x,1\n")
    wider = RawSetShape("orders", {**ORDERS.columns, "till": "t"}, optional=("amount", "till"))
    prepare(connection, wider)
    assert needs_landing(connection, wider, "o.csv", file.source_hash)
    assert connection.execute("select count(*) from raw.files").fetchall() == [(0,)]
