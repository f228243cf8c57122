from pathlib import Path

from custana_pipeline.orchestration.watch import KNOWN_TABLE, _new
from custana_pipeline.stores.warehouse import Warehouse

EARLIER = "select 'seen' as known, 'a.csv' as source_file, 1 as source_line"
LATER = """select * from (values ('new', 'b.csv', 5), ('new', 'a.csv', 5), ('seen', 'a.csv', 1))
    as lines (known, source_file, source_line)"""


def test_where_a_new_value_stands_is_told_alike_in_whatever_order_lines_are_read(tmp_path: Path) -> None:
    place = {"place": "shop", "column": "customers.location"}
    with Warehouse(tmp_path / "shop.duckdb").transaction() as session:
        session.prepare()
        session.rows(f"create table {KNOWN_TABLE} (place varchar, column_name varchar, known varchar, state varchar)")
        assert _new(session, EARLIER, {**place, "state": "1"}) is None
        assert _new(session, LATER, {**place, "state": "2"}) == (1, 2, "a.csv:5", "new")
