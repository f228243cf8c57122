"""Server processes: each leads a process group, ends with whoever started it, and is started again when it dies.

Stopping the group leaves none of its children behind.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from custana_pipeline.errors import CustanaError

_TERM_SECONDS = 10.0
_LAST_LINES = 12
_MOST_DEATHS = 3
_DEATHS_WITHIN_SECONDS = 600.0
_MODULE = "custana_pipeline.stores.server_main"


@dataclass(frozen=True)
class ServerCommand:
    """How a server is started; its log is `<name>.log`."""

    name: str
    options: Mapping[str, Any]
    folder: Path
    environment: Mapping[str, str]
    log_folder: Path

    @property
    def log(self) -> Path:
        """Where it writes."""
        return self.log_folder / f"{self.name}.log"

    @property
    def arguments(self) -> list[str]:
        """The command line."""
        return [sys.executable, "-W", "ignore", "-m", _MODULE, self.name, json.dumps(dict(self.options))]


@dataclass
class Server:
    """A server that was started; `groups` are the process groups that it has had, the present one last."""

    command: ServerCommand
    process: "subprocess.Popen[bytes]"
    groups: list[int]
    deaths: list[float] = field(default_factory=list)
    """When it died, in seconds of the monotonic clock."""

    @property
    def name(self) -> str:
        """The server's name."""
        return self.command.name


def started(command: ServerCommand) -> Server:
    """Starts a server with an empty log."""
    command.log_folder.mkdir(parents=True, exist_ok=True)
    command.log.write_bytes(b"")
    process = _launch(command)
    return Server(command, process, [process.pid])


def refuse_dead(servers: Sequence[Server]) -> None:
    """Raises CustanaError with the last lines of its log where a server has ended by itself."""
    for server in servers:
        code = server.process.poll()
        if code is not None:
            raise CustanaError(f"{server.name} ended by itself (exit code {code}).\n{last_lines(server)}")


def revive(servers: Sequence[Server]) -> list[str]:
    """Starts the servers again that died, and returns their names; CustanaError for one that died again and again.

    What a dead server had started lives on until `stop`: a run that is under way is not lost with it.
    """
    revived = []
    for server in servers:
        if server.process.poll() is None:
            continue
        now = time.monotonic()
        server.deaths = [then for then in server.deaths if now - then < _DEATHS_WITHIN_SECONDS] + [now]
        if len(server.deaths) > _MOST_DEATHS:
            refuse_dead([server])
        server.process = _launch(server.command)
        server.groups.append(server.process.pid)
        revived.append(server.name)
    return revived


def stop(servers: Sequence[Server]) -> None:
    """Ends all servers and what they started: asked first, killed after ten seconds."""
    for server in servers:
        _signal(server, signal.SIGTERM)
    deadline = time.monotonic() + _TERM_SECONDS
    while time.monotonic() < deadline and any(_lives(server) for server in servers):
        time.sleep(0.05)
    for server in servers:
        _signal(server, signal.SIGKILL)
        server.process.wait()


def last_lines(server: Server) -> str:
    """The end of a server's log, for a message."""
    lines = server.command.log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LAST_LINES:]
    return "\n".join([f"The last lines of {server.command.log}:", *(f"  {line}" for line in lines)])


def _launch(command: ServerCommand) -> "subprocess.Popen[bytes]":
    with command.log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603 - our own module in our own environment
            command.arguments,
            cwd=command.folder,
            env=dict(command.environment),
            stdin=subprocess.PIPE,  # the kernel closes it when this process dies: the server then ends too
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _lives(server: Server) -> bool:
    server.process.poll()  # reaps the leader, which would count as living while it is a zombie
    return _signal(server, 0)


def _signal(server: Server, number: int) -> bool:
    """Signals all groups of a server; returns whether there was anybody."""
    is_there = False
    for group in server.groups:
        try:
            os.killpg(group, number)
            is_there = True
        except ProcessLookupError:
            continue
    return is_there
