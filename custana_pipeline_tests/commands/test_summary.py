"""What `custana run` shows at its end."""

import datetime as dt

from rich.console import Console

from custana_pipeline.commands.run import show
from custana_pipeline.commands.terminal import terminal
from custana_pipeline.orchestration.run import RunOutcome
from custana_pipeline.orchestration.summary import RunSummary
from custana_pipeline.stores.settings import load_settings
from custana_pipeline_tests.conftest import REPOSITORY

WARNING = "transactions: the newest order line is of [2024-12-27]"


def test_a_warning_is_shown_in_words_alone_where_there_are_no_colours(capsys) -> None:
    show_warning(terminal())
    assert f"warning    {WARNING}\n" in capsys.readouterr().out


def test_a_warning_is_yellow_on_a_terminal(capsys) -> None:
    show_warning(Console(soft_wrap=True, highlight=False, markup=False, force_terminal=True, color_system="standard"))
    assert f"\x1b[33mwarning\x1b[0m    {WARNING}\n" in capsys.readouterr().out


def show_warning(console: Console) -> None:
    summary = RunSummary((), 0, (), {}, (), (WARNING,), {})
    show(console, load_settings(project_dir=REPOSITORY), summary, RunOutcome("run", dt.date(2025, 1, 1), ()), 1.0)
