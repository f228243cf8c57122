from pathlib import Path

import pytest

from custana_pipeline.errors import BadFile, WrongUse
from custana_pipeline.stores.packs import Pack, RawSet
from custana_pipeline.stores.settings import Settings
from custana_pipeline.stores.source_files import files_of


def settings(folder: Path, given: str | None = None, **patterns: list[str]) -> Settings:
    """Settings of a pack whose raw sets have these file patterns, reading `folder` or the `given` input."""
    raw = {name: RawSet(files=tuple(files), columns=("customer_id",)) for name, files in patterns.items()}
    pack = Pack(input=str(folder), calendar={"start": "2024-01-01"}, raw=raw)  # type: ignore[arg-type]
    return Settings(project_dir=folder, data_dir=folder / "data", source="shop", input=given, packs={"shop": pack})


def written(folder: Path, *names: str) -> list[Path]:
    paths = [folder / name for name in names]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("customer_id\nc1\n")
    return paths


def test_files_come_sorted_and_once_whichever_patterns_they_fit(tmp_path: Path) -> None:
    second, first = written(tmp_path, "orders-2.csv", "orders-1.csv")
    written(tmp_path, "returns.csv")
    told = settings(tmp_path, orders=["orders*.csv", "*-1.csv", "orders-2*"])
    assert files_of(told, "orders") == [first, second]


def test_a_folder_named_like_a_file_is_not_passed_over_in_silence(tmp_path: Path) -> None:
    (tmp_path / "orders-old.csv").mkdir()
    with pytest.raises(BadFile, match=r"orders-old\.csv: it is a folder"):
        files_of(settings(tmp_path, orders=["orders*.csv"]), "orders")


def test_a_file_named_in_capitals_is_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / "ORDERS-2.CSV").touch()
    assert files_of(settings(tmp_path, orders=["orders*.csv"]), "orders") == [tmp_path / "ORDERS-2.CSV"]


def test_a_pattern_may_reach_into_folders(tmp_path: Path) -> None:
    (deep,) = written(tmp_path, "2024/07/orders.csv")
    assert files_of(settings(tmp_path, orders=["**/orders.csv"]), "orders") == [deep]


def test_the_given_input_goes_before_the_packs(tmp_path: Path) -> None:
    written(tmp_path, "orders.csv")
    (other,) = written(tmp_path / "other", "orders.csv")
    assert files_of(settings(tmp_path, str(tmp_path / "other"), orders=["*.csv"]), "orders") == [other]


def test_a_single_file_belongs_to_the_set_that_its_name_fits(tmp_path: Path) -> None:
    (file,) = written(tmp_path, "people-2024.csv")
    told = settings(tmp_path, str(file), orders=["orders*.csv"], people=["people*.csv"])
    assert files_of(told, "people") == [file]
    assert files_of(told, "orders") == []


def test_a_single_file_of_any_name_belongs_to_the_only_set(tmp_path: Path) -> None:
    (file,) = written(tmp_path, "export (3).txt")
    assert files_of(settings(tmp_path, str(file), orders=["orders*.csv"]), "orders") == [file]


def test_a_single_file_that_fits_none_of_several_sets_is_told_what_would_fit(tmp_path: Path) -> None:
    (file,) = written(tmp_path, "export.csv")
    told = settings(tmp_path, str(file), orders=["orders*.csv"], people=["people*.csv"])
    with pytest.raises(BadFile, match=r"export\.csv fits no .*orders\*\.csv, people\*\.csv\): rename it, or give"):
        files_of(told, "orders")


def test_an_input_that_is_not_there_is_wrong_use_with_the_mend(tmp_path: Path) -> None:
    told = settings(tmp_path, str(tmp_path / "nowhere"), orders=["orders*.csv"])
    with pytest.raises(WrongUse, match=r"nowhere of source 'shop' is not there: .*--input"):
        files_of(told, "orders")
