"""What is still being read when something fails does not keep the warehouse open: DuckDB would wait for it for ever."""

import subprocess
import sys
from pathlib import Path

import pytest

SECONDS = 60

FAILING = """
import sys
from pathlib import Path
from custana_pipeline.stores.warehouse import Warehouse

warehouse = Warehouse(Path(sys.argv[1]))
with warehouse.transaction() as session:
    session.connection.execute("create table old as select 1 as one")
held = []
try:
    with warehouse.transaction() as session:
        # grown by what is rolled back, the file is opened once more to be cut
        session.connection.execute("create table new as select uuid()::varchar as text from range(2000000)")
        held.append(session.{reading}("select * from new", 1000))
        next(held[0])
        raise ValueError
except ValueError as error:
    held.append(error)
with warehouse.reading() as session:
    print("rows", session.count("main.old"), session.exists("main.new"))
"""


@pytest.mark.parametrize("reading", ["batches", "parts"])
def test_a_result_that_is_half_read_when_something_fails_is_let_go(tmp_path: Path, reading: str) -> None:
    program = FAILING.format(reading=reading)
    answer = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "warehouse.duckdb")],
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    assert answer.stdout == "rows 1 False\n", answer.stderr
