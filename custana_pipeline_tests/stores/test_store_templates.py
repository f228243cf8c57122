from pathlib import Path

import pytest

from custana_pipeline.stores import store_templates

NAMES = ("a.db", "inner/b.db")


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the installation's templates."""
    monkeypatch.setattr(store_templates, "FOLDER", tmp_path / "share")
    return tmp_path / "share"


def lay_out(folder: Path) -> None:
    """An empty store of two files."""
    (folder / "inner").mkdir(parents=True)
    for name in NAMES:
        (folder / name).write_text(f"empty {name}")


def test_a_store_that_was_kept_is_copied_file_by_file(tmp_path: Path) -> None:
    store_templates.keep("kind", "1", NAMES, lay_out)
    assert store_templates.place("kind", "1", NAMES, tmp_path / "home")
    assert [(tmp_path / "home" / name).read_text() for name in NAMES] == ["empty a.db", "empty inner/b.db"]


def test_another_version_is_laid_out_anew(tmp_path: Path) -> None:
    store_templates.keep("kind", "1", NAMES, lay_out)
    assert not store_templates.place("kind", "2", NAMES, tmp_path / "home")
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("name", [*NAMES, "whole.json"])
def test_a_damaged_template_is_never_copied_and_is_made_again(name: str, kept: Path, tmp_path: Path) -> None:
    store_templates.keep("kind", "1", NAMES, lay_out)
    (kept / "kind-1" / name).write_text("damaged")
    assert not store_templates.place("kind", "1", NAMES, tmp_path / "home")
    store_templates.keep("kind", "1", NAMES, lay_out)
    assert store_templates.place("kind", "1", NAMES, tmp_path / "home")


def test_an_installation_that_cannot_be_written_to_goes_without(kept: Path, tmp_path: Path) -> None:
    kept.write_text("no folder")
    store_templates.keep("kind", "1", NAMES, lay_out)
    assert not store_templates.place("kind", "1", NAMES, tmp_path / "home")


def test_one_file_of_a_store_is_copied_under_another_name(tmp_path: Path) -> None:
    target = tmp_path / "home" / "run.db"
    assert not store_templates.place_one("kind", "1", NAMES[1], target)
    store_templates.keep("kind", "1", NAMES, lay_out)
    assert store_templates.place_one("kind", "1", NAMES[1], target)
    assert target.read_text() == "empty inner/b.db"
