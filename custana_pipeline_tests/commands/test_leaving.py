"""How the `custana` process ends: with the command's exit code, all that was told, and without taking itself apart."""

import subprocess
import sys

import pytest

from custana_pipeline.errors import WrongUse

BEFORE = """
import atexit, os, sys
from custana_pipeline import cli

class Held:
    write = staticmethod(os.write)
    def __del__(self):
        self.write(1, b"taken apart")

held = Held()
main = cli.main

def asking():
    atexit.register(lambda: print("asked at the end"))
    main()

cli.main = asking
"""

WARNING = """
import warnings

told = cli.main

def warning():
    try:
        told()
    finally:
        warnings.resetwarnings()  # as fits may leave it that run side by side
        warnings.warn("C0042 is no number")

cli.main = warning
cli.command()
"""


def ended(
    *arguments: str, after: str = "cli.command()", output: str = "/dev/stdout"
) -> subprocess.CompletedProcess[str]:
    program = f"{BEFORE}\nsys.argv = ['custana', *{list(arguments)!r}]\n{after}"
    shell = ["bash", "-c", f'exec "$@" > {output}', "-", sys.executable, "-c", program]
    return subprocess.run(shell, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("arguments", "code"), [(["--help"], 0), (["nonsense"], WrongUse.exit_code)])
def test_the_process_ends_with_the_commands_code_and_all_that_was_told(arguments: list[str], code: int) -> None:
    answer = ended(*arguments)
    assert answer.returncode == code
    assert "custana" in (answer.stderr if code else answer.stdout).lower()
    assert "asked at the end" in answer.stdout


def test_a_command_does_not_take_apart_what_the_process_holds() -> None:
    assert "taken apart" in ended(after="print('as Python ends')").stdout
    assert "taken apart" not in ended("--help").stdout


def test_a_fault_that_is_raised_ends_as_python_does() -> None:
    answer = ended(after="cli.main = lambda: 1 / 0\ncli.command()")
    assert answer.returncode == 1
    assert "ZeroDivisionError" in answer.stderr


def test_an_output_that_nobody_takes_is_no_quiet_success() -> None:
    assert ended("--help", output="/dev/full").returncode != 0


def test_a_command_judges_tables_without_what_only_tests_need() -> None:
    judging = "from pandera.strategies import base_strategies\nprint('found', base_strategies.HAS_HYPOTHESIS)"
    assert "found False" in ended(after=f"cli.main = lambda: None\ncli.command()\n{judging}").stdout
    assert "found True" in ended(after=judging).stdout


@pytest.mark.parametrize(("debug", "is_told"), [("", False), ("1", True)])
def test_what_a_library_warns_of_is_told_to_those_who_look_for_faults_only(
    debug: str, is_told: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUSTANA_DEBUG", debug)
    assert ("C0042" in ended("--help", after=WARNING).stderr) == is_told
