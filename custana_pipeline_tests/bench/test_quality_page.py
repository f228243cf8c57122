"""Truth from a raw file, goals from figures, and the page that shows them."""

import datetime as dt
from pathlib import Path

import pytest

from bench.quality.customers import BG_NBD, PRODUCT
from bench.quality.goals import all_goals, windows_of
from bench.quality.judges import ask
from bench.quality.page import page
from bench.quality.truth import Truth, master_layout
from bench.quality.windows import WINDOWS, Window


def window(as_of: str) -> Window:
    return Window("cdnow", dt.date.fromisoformat(as_of), 30, frozenset())


@pytest.fixture
def truth(tmp_path: Path) -> Truth:
    """One customer of CDNOW with four days, two lines on one of them and one line twice."""
    lines = ["00001 19970101 1 10.00", "00001 19970111 1 20.00", "00001 19970111 2 5.00", "00001 19970111 2 5.00"]
    lines += ["00001 19970201 1 40.00", "00001 19970220 1 80.00", "00002 19970201 1 7.00"]
    path = tmp_path / "master.txt"
    path.write_text("".join(f" {line}\r\n" for line in lines), encoding="ascii")
    return Truth("cdnow", path)


def test_a_purchase_on_the_day_itself_is_not_yet_known_but_happens(truth: Truth) -> None:
    (known,) = truth.customers(window("1997-02-01")).to_dict("records")
    assert (known["repeats"], known["span"], known["age"], known["recency"]) == (1, 10, 30, 21)
    assert (known["amount"], known["mean_repeat"]) == (35, 25)
    assert (known["orders"], known["spend"]) == (2, 120)


def test_the_window_ends_before_its_last_day(truth: Truth) -> None:
    (known,) = truth.customers(window("1997-01-21")).to_dict("records")
    assert known["orders"] == 1


def test_the_sample_of_cdnow_takes_the_layout_of_the_master(tmp_path: Path) -> None:
    sample = tmp_path / "sample.txt"
    sample.write_text(" 00004 0001 19970101  2   29.33\n 00021 0002 19970101  3   63.34\n", encoding="ascii")
    fields = [line.split() for line in master_layout(sample, tmp_path).read_text().splitlines()]
    assert fields == [["00004", "19970101", "2", "29.33"], ["00021", "19970101", "3", "63.34"]]


def test_judges_that_are_not_installed_are_not_run_with_the_reason(tmp_path: Path) -> None:
    answers = ask(("bg_nbd",), {}, python=tmp_path / "python")
    assert answers.get("bg_nbd", "purchases") is None
    assert answers.reasons == {"bg_nbd": "the judges are not installed"}


def test_a_goal_without_figures_is_not_run_and_a_missed_one_is_shown_as_missed() -> None:
    key = windows_of("weeks39")[0].key
    ratio = {"orders": {"ways": {PRODUCT: {"rmse": [1.7, 1.6, 1.8]}}, "ratio": {BG_NBD: {"rmse": [1.05, 1.0, 1.1]}}}}
    results = {"customers": {key: {"customers": 2357, **ratio}}}
    goals = all_goals(results)
    assert [goal.is_met for goal in goals][:2] == [False, None]
    assert "1.050 [1.000, 1.100] | **missed** |" in page(results)
    assert "not run" in page(results)


def test_every_window_has_a_key_and_a_seed_of_its_own() -> None:
    assert len({each.key for each in WINDOWS}) == len({each.seed for each in WINDOWS}) == len(WINDOWS)
