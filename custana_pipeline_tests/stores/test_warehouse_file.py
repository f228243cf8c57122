from contextlib import closing
from pathlib import Path

from custana_pipeline.stores import warehouse_file
from custana_pipeline.stores.warehouse import Warehouse


def test_duckdb_draws_no_progress_bar_among_our_lines(tmp_path: Path) -> None:
    asked = "select current_setting('enable_progress_bar')"
    with closing(warehouse_file.bare_connection(tmp_path / "some.duckdb")) as connection:
        assert connection.execute(asked).fetchall() == [(False,)]
    with Warehouse(tmp_path / "some.duckdb", memory_limit="1GB").transaction() as session:
        assert session.rows(asked) == [(False,)]
