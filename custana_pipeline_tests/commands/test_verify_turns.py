from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from custana_pipeline.commands import verify
from custana_pipeline.stores.run_lock import Turn
from custana_pipeline_tests.orchestration.packs import shipped


def test_turns_are_taken_in_one_order_so_that_two_never_wait_for_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[str] = []

    @contextmanager
    def take(turn: Turn) -> Iterator[None]:
        taken.append(turn.warehouse.stem)
        yield

    monkeypatch.setattr(verify, "holding_turn", take)
    monkeypatch.setattr(verify, "_look", lambda *_: [])
    (tmp_path / "warehouse").mkdir()
    for name in "abcdefghijkl":
        (tmp_path / "warehouse" / f"{name}.duckdb").touch()
    assert verify.verify_and_tell(shipped("sample", tmp_path), repairs=False) == 0
    assert taken == [*"abcdefghijkl", "sample"]
