"""Hostile settings, statements and files, tried on a project folder from outside and within this process."""

import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from custana_pipeline.errors import CustanaError, WrongUse
from custana_pipeline.selftest.shop import Shop, command
from custana_pipeline.selftest.trial import expect
from custana_pipeline.stores.settings import Settings, load_settings

CANARY = "canary-7c1f"


@dataclass(frozen=True)
class Measured:
    """How a command ended, what it said, and what it took."""

    code: int
    err: str
    seconds: float
    peak_bytes: int


def measured(shop: Shop, *arguments: str) -> Measured:
    """Runs the installed command and waits for it, with its peak memory."""
    began = time.monotonic()
    process = subprocess.Popen(  # noqa: S603 - our own interpreter and command
        command(arguments),
        env=shop.environment,
        cwd=shop.project,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    said = process.stderr.read() if process.stderr else b""
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    kilobytes = used.ru_maxrss
    return Measured(process.returncode, said.decode(errors="replace"), time.monotonic() - began, kilobytes * 1024)


@contextmanager
def acting_on(project: Path, environment: Mapping[str, str] | None = None) -> Iterator[None]:
    """Has this process read the settings of `project`, and no CUSTANA_ variable but those given."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CUSTANA_")}
    told = {**kept, "CUSTANA_PROJECT_DIR": str(project), **(environment or {})}
    with mock.patch.dict(os.environ, told, clear=True):
        yield


def refusal_of(project: Path, **overrides: Any) -> CustanaError | None:
    """The error with which the settings and the input are refused; None where they are taken."""
    with acting_on(project):
        try:
            _ = load_settings(**overrides).input_path
        except CustanaError as error:
            return error
    return None


def settings_of(project: Path, **overrides: Any) -> Settings:
    """The settings of the project."""
    with acting_on(project):
        return load_settings(**overrides)


def expect_refused(error: CustanaError | None, what: str, kind: type[CustanaError] = WrongUse) -> None:
    """Fails unless it was refused by an error of the kind, in one short line that has no canary."""
    expect(error is not None, f"{what} is accepted")
    expect(isinstance(error, kind), f"{what} is refused as {type(error).__name__}")
    told = str(error)
    expect("\n" not in told and len(told) < 1200, f"{what}: the message has {len(told)} characters")
    expect(told.isprintable() and CANARY not in told, f"{what}: the message repeats what it refuses")
