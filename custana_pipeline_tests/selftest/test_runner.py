"""How trials are judged, told and written down."""

from pathlib import Path

import pytest

from custana_pipeline.commands import selftest as command
from custana_pipeline.errors import WrongUse
from custana_pipeline.selftest.catalogue import CATALOGUE
from custana_pipeline.selftest.page import Occasion, render, summary
from custana_pipeline.selftest.trial import NotRun, Trial, Verdict, all_trials, expect


def tried(folder: Path, *ids: str) -> Trial:
    return Trial(scratch=folder, shared=folder, ids=ids)


def judged(trial: Trial, act) -> dict[str, str]:
    return {verdict.id: verdict.state for verdict in trial.judge(act)}


def test_a_trial_that_returns_has_passed(tmp_path: Path) -> None:
    assert judged(tried(tmp_path, "A1"), lambda run: None) == {"A1": "pass"}


def test_an_unmet_condition_is_told_as_it_was_found(tmp_path: Path) -> None:
    (verdict,) = tried(tmp_path, "A1").judge(lambda run: expect(False, "3 rows were lost"))
    assert (verdict.state, verdict.told) == ("fail", "3 rows were lost")


def test_an_error_within_a_trial_is_a_failure(tmp_path: Path) -> None:
    def broken(run: Trial) -> None:
        raise ZeroDivisionError("by nothing")

    (verdict,) = tried(tmp_path, "A1").judge(broken)
    assert (verdict.state, verdict.told) == ("fail", "ZeroDivisionError: by nothing")


def test_entries_that_share_an_injection_are_judged_each(tmp_path: Path) -> None:
    def both(run: Trial) -> None:
        with run.case("B3"):
            expect(True, "")
        with run.case("B6"):
            raise NotRun("no server here")

    assert judged(tried(tmp_path, "B3", "B6"), both) == {"B3": "pass", "B6": "not run"}


def test_entries_that_share_a_verdict_fail_together(tmp_path: Path) -> None:
    def both(run: Trial) -> None:
        with run.case("A1", "A4"):
            expect(False, "torn")

    assert judged(tried(tmp_path, "A1", "A4"), both) == {"A1": "fail", "A4": "fail"}


def test_an_entry_that_its_trial_never_judged_has_failed(tmp_path: Path) -> None:
    def half(run: Trial) -> None:
        with run.case("B3"):
            expect(True, "")

    assert judged(tried(tmp_path, "B3", "B6"), half) == {"B3": "pass", "B6": "fail"}


def test_an_entry_judged_twice_keeps_the_worse_verdict(tmp_path: Path) -> None:
    def twice(run: Trial) -> None:
        for holds in (False, True):
            with run.case("B3"):
                expect(holds, "once it did not")
        with run.case("B6"):
            expect(True, "")

    assert judged(tried(tmp_path, "B3", "B6"), twice) == {"B3": "fail", "B6": "pass"}


def test_every_entry_that_gates_has_a_trial() -> None:
    assert [entry.id for entry in CATALOGUE if entry.priority < 2 and entry.id not in all_trials()] == []


def test_the_page_shows_each_fault_with_the_naive_way_beside_it() -> None:
    verdicts = [Verdict("A1", "pass", "", 1.25), Verdict("B1", "fail", "a | b", 2.0)]
    page = render(verdicts, Occasion("quick", "abc", "2 cores", 3.0, 2))
    assert "| A1 | 0 | kill -9 at any moment of a run |" in page
    assert "| fails (24 of 25) | pass | 1.2 |" in page
    assert "**fail**: a \\| b" in page
    assert summary(verdicts) == "P0: 1 of 2 pass, 1 fail"


def test_a_fault_that_is_not_in_the_catalogue_is_refused() -> None:
    assert command._chosen(["f2", "E1"]) == ("E1", "F2")
    assert len(command._chosen(["E"])) == 10
    with pytest.raises(WrongUse, match="Z9"):
        command._chosen(["Z9"])
