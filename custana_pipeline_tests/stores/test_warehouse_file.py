from contextlib import closing
from pathlib import Path

import pytest

from custana_pipeline.errors import Damaged
from custana_pipeline.stores import warehouse_blocks, warehouse_file
from custana_pipeline.stores.warehouse import Warehouse


def test_duckdb_draws_no_progress_bar_among_our_lines(tmp_path: Path) -> None:
    asked = "select current_setting('enable_progress_bar')"
    with closing(warehouse_file.bare_connection(tmp_path / "some.duckdb")) as connection:
        assert connection.execute(asked).fetchall() == [(False,)]
    with Warehouse(tmp_path / "some.duckdb", memory_limit="1GB").transaction() as session:
        assert session.rows(asked) == [(False,)]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A warehouse with numbers and texts, whose file has blocks of a table that was dropped."""
    path = tmp_path / "shop.duckdb"
    for name in ("kept", "dropped"):
        with Warehouse(path).transaction() as session:
            session.rows(
                f"create table {name} as select range as number, md5(range::varchar) as text from range(300000)"
            )
    with Warehouse(path).transaction() as session:
        session.rows("drop table dropped")
    return path


def test_a_bit_that_flipped_in_any_block_is_found_as_a_scan_finds_it(shop: Path, tmp_path: Path) -> None:
    warehouse_file.prove(shop)
    with closing(warehouse_file.bare_connection(shop, read_only=True)) as connection:
        block_bytes, count, free = warehouse_file.blocks(connection)
    content, flipped = shop.read_bytes(), tmp_path / "flipped.duckdb"
    assert free > 0
    damaged = {warehouse_file.scan: 0, warehouse_file.prove: 0}
    for number in range(count):
        place = warehouse_blocks.HEADER_BYTES + number * block_bytes + 77
        if place < len(content):
            flipped.write_bytes(content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :])
            for look in damaged:
                try:
                    look(flipped)
                except Damaged:
                    damaged[look] += 1
    assert damaged[warehouse_file.prove] == damaged[warehouse_file.scan] > 1


def test_a_file_that_was_cut_off_within_its_values_is_damaged(shop: Path) -> None:
    shop.write_bytes(shop.read_bytes()[: 2 * 262_144])
    with pytest.raises(Damaged):
        warehouse_file.prove(shop)


def test_a_block_that_nothing_proves_is_left_to_the_scan(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scanned: list[Path] = []
    monkeypatch.setattr(warehouse_file, "scan", scanned.append)
    warehouse_file.prove(shop)
    assert scanned == []
    monkeypatch.setattr(warehouse_blocks, "are_as_written", lambda *_: False)
    warehouse_file.prove(shop)
    assert scanned == [shop]


def test_a_copy_has_all_bytes_and_tells_how_many_first_blocks_are_as_written(shop: Path, tmp_path: Path) -> None:
    content, copy = shop.read_bytes(), tmp_path / "copy.duckdb"
    held, start = len(content) - warehouse_blocks.HEADER_BYTES, warehouse_blocks.HEADER_BYTES
    count = held // warehouse_blocks.USUAL_BYTES
    assert count > 5

    def copied() -> int:
        with shop.open("rb") as source:
            return warehouse_blocks.copied(source, copy)

    assert copied() == count
    assert copy.read_bytes() == content
    third = start + 3 * warehouse_blocks.USUAL_BYTES + 99
    for changed, told in (
        (content[:third] + bytes([content[third] ^ 1]) + content[third + 1 :], 3),
        (content[: third + 50], 3),
        (content[:start], 0),
        (content + b"more", count),
    ):
        shop.write_bytes(changed)
        assert copied() == told
        assert copy.read_bytes() == changed


def test_a_copy_is_not_looked_at_again_where_all_its_blocks_have_been(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[Path] = []
    monkeypatch.setattr(warehouse_blocks, "are_as_written", lambda path, *_: looked.append(path) or True)
    warehouse_file.prove(shop, looked_at=10_000)
    assert looked == []
    with closing(warehouse_file.bare_connection(shop, read_only=True)) as connection:
        used = warehouse_file._last_block(connection) + 1
    warehouse_file.prove(shop, looked_at=used)
    assert looked == []
    warehouse_file.prove(shop, looked_at=used - 1)
    assert looked == [shop]
