import datetime as dt
import warnings
from pathlib import Path

import dagster as dg
import pytest

from custana_pipeline.errors import WrongUse
from custana_pipeline.orchestration.code_location import build_definitions
from custana_pipeline.orchestration.one_run import DagsterBooks
from custana_pipeline.orchestration.project import Project
from custana_pipeline.orchestration.run import STAGES, _Command, next_day, run_chain, step_counts
from custana_pipeline.stores.run_lock import Turn, holding_turn, read_holder
from custana_pipeline_tests.orchestration.packs import START, shipped, with_calendar

STEPS = {"raw": 4, "cleaned": 5, "features": 13, "models": 5, "applications": 11}


def heard(step: str, happening: str) -> None:
    raise AssertionError(f"{step} {happening}: nothing may begin")


def test_a_day_to_come_of_an_open_source_is_wrong_use_before_anything_begins(tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match=r"--as-of 2999-01-01 is no day of source 'sample' yet \(Europe/London\)"):
        run_chain(Project(with_calendar(tmp_path / "data", None)), dt.date(2999, 1, 1), heard)
    assert not (tmp_path / "data").exists()


def test_a_day_outside_a_closed_source_is_wrong_use_before_anything_begins(tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match="--as-of 2024-06-30"):
        run_chain(Project(with_calendar(tmp_path, dt.date(2024, 12, 31))), START - dt.timedelta(days=1), heard)


def test_the_steps_of_each_stage_are_counted_in_the_order_of_the_chain(tmp_path: Path) -> None:
    counts = step_counts(shipped("sample", tmp_path))
    assert tuple(counts) == STAGES
    assert counts == STEPS


def test_loading_the_definitions_says_nothing(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        build_definitions(with_calendar(tmp_path, None))


@pytest.mark.parametrize(
    ("days", "expected"),
    [(("2025-03-01", "2999-01-01"), "2025-03-02"), (("2999-01-01",), "2999-01-02")],
    ids=["a slip of the year", "nothing else"],
)
def test_a_line_of_a_day_to_come_does_not_choose_the_day_where_there_are_others(
    tmp_path: Path, days: tuple[str, ...], expected: str
) -> None:
    settings = with_calendar(tmp_path / "data", None)
    with Project(settings).warehouse.transaction() as session:
        session.prepare()
        listed = ", ".join(f"(date '{day}')" for day in days)
        session.connection.execute(
            f"create table cleaned.numbered_transactions as from (values {listed}) as t(ordered_date)"
        )
    assert next_day(settings) == dt.date.fromisoformat(expected)


def test_between_its_runs_a_command_is_asked_about_none_that_is_over(tmp_path: Path) -> None:
    seen: list[str] = []

    @dg.asset(key=["raw", "first"])
    def first() -> None:
        holder = read_holder(turn.path)
        seen.append(holder.run_id if holder else "nobody")

    settings = shipped("sample", tmp_path)
    definitions = dg.Definitions(assets=[first], jobs=[dg.define_asset_job("ingest")])
    with dg.DagsterInstance.ephemeral(tempdir=str(tmp_path)) as instance:
        turn = Turn(settings.warehouse_path, DagsterBooks(instance))
        with holding_turn(turn) as lease:
            outcome = _Command(Project(settings), definitions, instance, lambda *_: None, lease).execute("ingest", None)
            assert seen == [outcome.run_id]
            assert DagsterBooks(instance).is_over(outcome.run_id)
            assert read_holder(turn.path) == lease.holder
            assert lease.holder.run_id == ""
