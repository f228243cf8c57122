"""Dagster's page, its daemon and MLflow's page, started together on loopback and stopped together.

The stores are laid out first, one after the other, since the servers race for them. The daemon follows when both pages
answer: it takes seconds of processor that the pages need first. Each server leads a process group of its own, so that
stopping the group leaves none of its children behind.
"""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

from custana_pipeline.errors import CustanaError, WrongUse
from custana_pipeline.stores import dagster_home, dead_runs, tracking_store
from custana_pipeline.stores.tracking_records import MODEL_TRAINING_VIEW
from custana_pipeline.stores.tracking_store import QUIET_ENVIRONMENT, TrackingStore

LOOPBACK = "127.0.0.1"
_ANSWER_SECONDS = 90.0
_POLL_SECONDS = 0.25
_TERM_SECONDS = 10.0
_LAST_LINES = 12
_DEAD_RUNS_SECONDS = 20.0


@dataclass(frozen=True)
class ServerPlan:
    """What to start, and where; paths are absolute."""

    workspace: Path
    """workspace.yaml; the servers work in its folder."""
    dagster_home: Path
    mlflow_folder: Path
    log_folder: Path
    dagster_port: int = 3000
    mlflow_port: int = 5000
    environment: Mapping[str, str] = field(default_factory=dict)
    """Passed to all of them, on top of this process's."""
    threads: int = 1
    """Numeric threads of each server's process."""

    @property
    def dagster_url(self) -> str:
        """Where Dagster's page answers."""
        return f"http://{LOOPBACK}:{self.dagster_port}"

    @property
    def mlflow_url(self) -> str:
        """Where MLflow answers."""
        return f"http://{LOOPBACK}:{self.mlflow_port}"

    @property
    def mlflow_page(self) -> str:
        """The page to open: MLflow's list of experiments."""
        return f"{self.mlflow_url}/#/experiments{MODEL_TRAINING_VIEW}"


@dataclass(frozen=True)
class _Server:
    name: str
    process: subprocess.Popen[bytes]
    log: Path


def serve(plan: ServerPlan, announce: Callable[[str], None] = print) -> None:
    """Starts everything, says where the pages are, and stays until Ctrl-C or SIGTERM; then nothing is left running.

    Raises WrongUse for a busy port, and CustanaError with the last lines of its log when a server dies or does not
    answer within 90 seconds; the others are stopped then too. Call it from the main thread.
    """
    _refuse_busy_ports(plan)
    with _stop_signals() as stop:
        announce("Preparing the stores of Dagster and MLflow ...")
        home = dagster_home.prepare(plan.dagster_home)
        store = tracking_store.initialise(plan.mlflow_folder)
        with dead_runs.serving(home), _stopping() as servers:
            servers.append(_start("mlflow", _mlflow_command(plan), plan, _mlflow_environment(store)))
            servers.append(_start("dagster-webserver", _dagster_command(plan), plan))
            announce("Starting; this takes 10 to 40 seconds ...")
            if not _wait_for_pages(servers, (plan.dagster_url, f"{plan.mlflow_url}/health"), stop):
                return
            dagster_home.end_dead_runs(home, of_servers=True)
            servers.append(_start("dagster-daemon", _daemon_command(plan), plan))
            announce(f"Dagster  {plan.dagster_url}   (assets, runs, schedules)")
            announce(f"MLflow   {plan.mlflow_page}   (models, and how they were judged)")
            announce(f"Logs     {plan.log_folder}; Ctrl-C stops them all.")
            _watch(servers, home, stop, announce)


def _watch(servers: Sequence[_Server], home: Path, stop: Event, announce: Callable[[str], None]) -> None:
    next_look = time.monotonic() + _DEAD_RUNS_SECONDS
    while not stop.wait(1.0):
        _refuse_dead(servers)
        if time.monotonic() > next_look:
            next_look = time.monotonic() + _DEAD_RUNS_SECONDS
            try:
                dagster_home.end_dead_runs(home)
            except Exception as error:  # a busy database is no reason to stop the pages
                announce(f"Could not look for dead runs ({type(error).__name__}); trying again.")


@contextmanager
def _stop_signals() -> Iterator[Event]:
    stop = Event()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _stopping() -> Iterator[list[_Server]]:
    servers: list[_Server] = []
    try:
        yield servers
    finally:
        _stop(servers)


def _refuse_busy_ports(plan: ServerPlan) -> None:
    for port, option in ((plan.dagster_port, "--dagster-port"), (plan.mlflow_port, "--mlflow-port")):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                raise WrongUse(
                    f"Port {port} of {LOOPBACK} is in use: stop what listens there, or choose another with {option}."
                ) from None


def _start(name: str, command: Sequence[str], plan: ServerPlan, extra: Mapping[str, str] | None = None) -> _Server:
    plan.log_folder.mkdir(parents=True, exist_ok=True)
    log = plan.log_folder / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - the scripts of our own environment
            command,
            cwd=plan.workspace.parent,
            env={**_environment(plan), **(extra or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return _Server(name, process, log)


def _environment(plan: ServerPlan) -> dict[str, str]:
    scripts = str(Path(sys.executable).parent)
    threads = str(plan.threads)
    return {
        **os.environ,
        **QUIET_ENVIRONMENT,
        "PATH": os.pathsep.join([scripts, os.environ.get("PATH", os.defpath)]),
        "DAGSTER_HOME": str(plan.dagster_home),
        "DAGSTER_RUN_STATUS_SENSOR_PROCESS_LIMIT": "50",
        "OMP_NUM_THREADS": threads,
        "OPENBLAS_NUM_THREADS": threads,
        "OMP_WAIT_POLICY": "PASSIVE",
        **plan.environment,
    }


def _dagster_command(plan: ServerPlan) -> list[str]:
    module = [sys.executable, "-m", "dagster_webserver", "--suppress-warnings", "--log-format", "json"]
    return [*module, "-h", LOOPBACK, "-p", str(plan.dagster_port), "-w", str(plan.workspace)]


def _daemon_command(plan: ServerPlan) -> list[str]:
    return [sys.executable, "-W", "ignore", "-m", "dagster._daemon", "run", "-w", str(plan.workspace)]


def _mlflow_command(plan: ServerPlan) -> list[str]:
    # What `mlflow server` itself starts as its one worker: without that parent the page is there in half the time.
    place = ["--host", LOOPBACK, "--port", str(plan.mlflow_port), "--workers", "1", "--log-level", "warning"]
    return [sys.executable, "-W", "ignore", "-m", "uvicorn", *place, "mlflow.server.fastapi_app:app"]


def _mlflow_environment(store: TrackingStore) -> dict[str, str]:
    return {
        "_MLFLOW_SERVER_FILE_STORE": store.uri,
        "_MLFLOW_SERVER_REGISTRY_STORE": store.uri,
        "_MLFLOW_SERVER_ARTIFACT_ROOT": store.artifacts.as_uri(),
        "_MLFLOW_SGI_NAME": "uvicorn",
        "MLFLOW_TRACKING_URI": store.uri,
        "MLFLOW_REGISTRY_URI": store.uri,
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_ENABLE_AI_GATEWAY": "false",
    }


def _wait_for_pages(servers: Sequence[_Server], urls: Sequence[str], stop: Event) -> bool:
    """Whether all pages answer; False when asked to stop before."""
    deadline = time.monotonic() + _ANSWER_SECONDS
    waiting = list(urls)
    while waiting:
        _refuse_dead(servers)
        waiting = [url for url in waiting if not _answers(url)]
        if waiting and time.monotonic() > deadline:
            told = "\n".join(_last_lines(server) for server in servers)
            raise CustanaError(f"{', '.join(waiting)} did not answer within {_ANSWER_SECONDS:.0f} seconds.\n{told}")
        if waiting and stop.wait(_POLL_SECONDS):
            return False
    return True


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as reply:  # noqa: S310 - loopback, built here
            return reply.status == 200
    except (urllib.error.URLError, OSError):
        return False


def _refuse_dead(servers: Sequence[_Server]) -> None:
    for server in servers:
        code = server.process.poll()
        if code is not None:
            raise CustanaError(f"{server.name} ended by itself (exit code {code}).\n{_last_lines(server)}")


def _last_lines(server: _Server) -> str:
    lines = server.log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LAST_LINES:]
    return "\n".join([f"The last lines of {server.log}:", *(f"  {line}" for line in lines)])


def _stop(servers: Sequence[_Server]) -> None:
    for server in servers:
        _signal_group(server, signal.SIGTERM)
    deadline = time.monotonic() + _TERM_SECONDS
    while time.monotonic() < deadline and any(_lives(server) for server in servers):
        time.sleep(0.05)
    for server in servers:
        _signal_group(server, signal.SIGKILL)
        server.process.wait()


def _lives(server: _Server) -> bool:
    server.process.poll()  # reaps the leader, which would count as living while it is a zombie
    return _signal_group(server, 0)


def _signal_group(server: _Server, number: int) -> bool:
    try:
        os.killpg(server.process.pid, number)
    except ProcessLookupError:
        return False
    return True
