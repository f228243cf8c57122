import ast
from pathlib import Path

import pytest

from custana_pipeline.stores.durable_files import replace_bytes, replacing

PACKAGE = Path(__file__).resolve().parents[2] / "custana_pipeline"
WRITING = {
    "to_csv",
    "to_parquet",
    "to_json",
    "to_excel",
    "to_pickle",
    "savefig",
    "write_text",
    "write_bytes",
    "write_table",
}
MAY_WRITE = {
    "stores/durable_files.py": "the one place that writes",
    "stores/list_files.py": "writes into the folder of a version that nothing names yet, and forces it to disk",
    "stores/databases.py": "writes the rows of a table aside before they are named",
    "stores/snapshots.py": "copies to the name that `replacing` gives",
    "stores/warehouse_blocks.py": "the same, called by snapshots",
    "stores/tracking.py": "beside a run that is RUNNING until all of it is there, and is removed whole if it never is",
    "stores/tracking_description.py": "beside a model that is not READY until all of it is there",
    "raw/simulator.py": "calls simulator_files",
    "raw/simulator_files.py": "a pure stage with a whole-or-not-at-all write of its own",
}
HARMLESS = {
    "commands/train.py": {"to_csv"},
    "stores/server_processes.py": {"write_bytes"},
}
"""Calls that give a text back, or open the log that a server writes to as it goes."""


def writes(path: Path) -> set[str]:
    """The names of the calls in a module that would write a file in place."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        given = [*node.args, *(keyword.value for keyword in node.keywords)]
        modes = [each.value for each in given if isinstance(each, ast.Constant) and isinstance(each.value, str)]
        if name in WRITING or (name == "open" and any(mode[:1] in "wx" and len(mode) <= 3 for mode in modes if mode)):
            found.add(name)
        if name == "dump" and len(node.args) > 1:
            found.add(name)
    return found


def test_every_file_is_written_by_the_one_atomic_write() -> None:
    strays = {}
    for path in PACKAGE.rglob("*.py"):
        name = path.relative_to(PACKAGE).as_posix()
        found = writes(path) - HARMLESS.get(name, set())
        if found and name not in MAY_WRITE and not name.startswith("selftest/"):
            strays[name] = found
    assert strays == {}


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    replace_bytes(tmp_path / "a.json", b"old")
    replace_bytes(tmp_path / "a.json", b"new")
    assert (tmp_path / "a.json").read_bytes() == b"new"
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    replace_bytes(tmp_path / "a.json", b"old")
    with pytest.raises(OSError, match="full"), replacing(tmp_path / "a.json") as aside:
        aside.write_bytes(b"half")
        raise OSError("full")
    assert (tmp_path / "a.json").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
