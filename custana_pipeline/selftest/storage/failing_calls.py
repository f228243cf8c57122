"""Failing the n-th call that writes, of a program of trials: by strace where it may trace, else by Python's audit hook.

strace fails any write, flush, cut or rename of the process, in whichever library. The hook fails the calls that Python
itself makes: opening a file to write, renaming, linking, making a folder and flushing.
"""

import errno
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from custana_pipeline.selftest.storage.processes import ended

FAIL_AT = "CUSTANA_TRIAL_FAIL_AT"
"""Variable that a program reads: which of the calls fails; beyond the last one, none does."""
COUNT_INTO = "CUSTANA_TRIAL_COUNT_INTO"
"""Variable that a program reads: the file that it writes a line to for each call."""
CALLS = "write,pwrite64,fsync,fdatasync,ftruncate,/^rename.*"
_HOOKED = {"os.rename", "os.symlink", "os.link", "os.mkdir", "os.truncate"}
_NONE_FAILS = 10**9


@dataclass(frozen=True)
class Injector:
    """How the n-th call is failed."""

    scratch: Path
    traces: bool

    def calls_of(self, command: Sequence[str]) -> int:
        """Runs the command unharmed and counts its calls."""
        told = self.scratch / "calls"
        if self.traces:
            ended(traced(f"-o {told} -e trace={CALLS}", command))
        else:
            ended(["env", f"{FAIL_AT}={_NONE_FAILS}", f"{COUNT_INTO}={told}", *command])
        return len(told.read_text(encoding="utf-8", errors="replace").splitlines())

    def failing(self, command: Sequence[str], number: int) -> list[str]:
        """The command with its call of that number failing as on a full disk."""
        if self.traces:
            fault = f"-e trace={CALLS} -e inject={CALLS}:error=ENOSPC:when={number}"
            return traced(f"-o {self.scratch / 'trace'} {fault}", command)
        return ["env", f"{FAIL_AT}={number}", *command]


def injector(scratch: Path) -> Injector:
    """strace's where it is there and may trace, else the hook's."""
    return Injector(scratch, may_trace(scratch))


def may_trace(scratch: Path) -> bool:
    """Whether strace is there and may trace."""
    return shutil.which("strace") is not None and not ended(["strace", "-o", str(scratch / "t"), "true"]).returncode


def traced(options: str, command: Sequence[str]) -> list[str]:
    """The command line under strace."""
    return ["strace", "-f", "-qq", "--seccomp-bpf", *options.split(), *command]


def fail_as_told() -> None:
    """Fails the call of this process that the variable names; does nothing where there is none."""
    if FAIL_AT in os.environ:
        _install(int(os.environ[FAIL_AT]), os.environ.get(COUNT_INTO, ""))


def _install(number: int, count_into: str) -> None:
    lines = os.open(count_into, os.O_CREAT | os.O_WRONLY) if count_into else -1
    seen = 0

    def count() -> None:
        nonlocal seen
        seen += 1
        if lines >= 0:
            os.write(lines, b"call\n")
        if seen == number:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in _HOOKED or (event == "open" and isinstance(arguments[2], int) and arguments[2] & os.O_WRONLY):
            count()

    sys.addaudithook(hook)
    os.fsync = _counted(os.fsync, count)  # type: ignore[assignment]


def _counted(call: Callable[[int], None], count: Callable[[], None]) -> Callable[[int], None]:
    def counted(descriptor: int) -> None:
        count()
        call(descriptor)

    return counted
