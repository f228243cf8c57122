"""The bare script that stands for the least that landing and cleaning take: it must do what it is measured for."""

from decimal import Decimal
from pathlib import Path

from bench.speed.floor import begun, clean, land, least

ORDER_LINES = """order_id,line_no,customer_id,product_id,ts,qty,unit_price
1,1,7,100,2024-01-01 10:00:00,1,2.50
1,1,7,100,2024-01-01 10:00:00,1,2.50
1,2,,100,2024-01-01 10:00:00,1,2.50
1,3,7,100,soon,1,2.50
1,4,7,100,2024-01-01 10:00:00,-1,2.50
1,5,8,100,2024-01-01 10:00:00,1,2.50
"""
EVENTS = """event_id,customer_id,product_id,ts,event_type
1,7,100,2024-01-01 09:00:00,view
2,,100,2024-01-01 09:00:00,view
3,7,100,2024-01-01 09:00:00,poke
"""


def test_every_line_is_kept_as_text_and_judged(tmp_path: Path) -> None:
    for name, content in {
        "order_lines/part-0.csv": ORDER_LINES,
        "events/part-0.csv": EVENTS,
        "customers.csv": "customer_id,age\n7,40\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    with begun(":memory:") as connection:
        land(connection, tmp_path)
        clean(connection)
        least(connection, tmp_path)

        def rows(query: str) -> list[tuple]:
            return connection.execute(query).fetchall()

        assert rows("select unit_price, file from raw_order_lines where line_no = '1'") == [("2.50", 0)] * 2
        assert rows("select line_no, ts is null from cleaned_order_lines") == [(1, False)]
        found = rows("select line_no, reason from set_aside_order_lines order by all")
        assert found == [(1, 8), (2, 1), (3, 3), (4, 4), (5, 6)]
        assert rows("select event_id, event_type from cleaned_events") == [(1, "view")]
        assert rows("select event_id, reason from set_aside_events order by all") == [(2, 1), (3, 7)]
        assert rows("select line_no, ts from least_order_lines where line_no = '3'") == [("3", "soon")]
        assert rows("select count(*), count(ts), sum(unit_price) from typed_order_lines") == [(6, 5, Decimal("15.00"))]
        assert rows("select count(*), count(event_type) from typed_events") == [(3, 2)]
