"""Dagster's page, its daemon and MLflow's page, started together on loopback and stopped together.

The stores are laid out first, one after the other, since the servers race for them. The daemon follows when both pages
answer: it takes seconds of processor that the pages need first.
"""

import os
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

from custana_pipeline.errors import CustanaError, WrongUse
from custana_pipeline.stores import dagster_home, dead_runs, tracking_store
from custana_pipeline.stores.server_processes import (
    Server,
    ServerCommand,
    last_lines,
    refuse_dead,
    revive,
    started,
    stop,
)
from custana_pipeline.stores.tracking_records import MODEL_TRAINING_VIEW
from custana_pipeline.stores.tracking_store import QUIET_ENVIRONMENT, TrackingStore

LOOPBACK = "127.0.0.1"
_ANSWER_SECONDS = 90.0
_POLL_SECONDS = 0.25
_LOOK_SECONDS = 2.0


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
    hosts: tuple[str, ...] = ()
    """What a reverse proxy before the pages is known by, besides loopback's own names."""
    is_read_only: bool = False
    """Pages to look at only, without a daemon; they may stand beside others that serve the same home."""

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


def serve(plan: ServerPlan, announce: Callable[[str], None] = print) -> None:
    """Starts everything, says where the pages are, and stays until Ctrl-C or SIGTERM; then nothing is left running.

    Raises WrongUse for a busy port or a home that is served already, and CustanaError with the last lines of its log
    when a server does not answer within 90 seconds, or dies again and again; the others are stopped then too. Call it
    from the main thread.
    """
    with _stop_signals() as asked:
        home = plan.dagster_home.expanduser().resolve()
        with nullcontext() if plan.is_read_only else dead_runs.serving(home):
            _refuse_busy_ports(plan)
            announce("Preparing the stores of Dagster and MLflow ...")
            dagster_home.prepare(home)
            store = tracking_store.initialise(plan.mlflow_folder)
            with _stopping() as servers:
                servers.extend(started(command) for command in (mlflow_server(plan, store), dagster_page(plan)))
                announce("Starting; this takes 10 to 40 seconds ...")
                if not _wait_for_pages(
                    servers, (f"{plan.dagster_url}/server_info", f"{plan.mlflow_url}/health"), asked
                ):
                    return
                _tend(plan, servers, asked, announce)


def _tend(plan: ServerPlan, servers: list[Server], asked: Event, announce: Callable[[str], None]) -> None:
    with dagster_home.opened(plan.dagster_home) as instance:
        if not plan.is_read_only:
            dead_runs.end_dead_runs(instance, plan.dagster_home, of_servers=True)
            servers.append(started(dagster_daemon(plan)))
        announce(f"Dagster  {plan.dagster_url}   (assets, runs, schedules)")
        announce(f"MLflow   {plan.mlflow_page}   (models, and how they were judged)")
        announce(f"Logs     {plan.log_folder}; Ctrl-C stops them all.")
        watch = None if plan.is_read_only else dead_runs.RunWatch(instance, plan.dagster_home)
        while not asked.wait(_LOOK_SECONDS):
            for name in revive(servers):
                announce(f"{name} had ended by itself and was started again; {plan.log_folder / name}.log says why.")
            if watch is not None:
                _look(watch, announce)


def _look(watch: dead_runs.RunWatch, announce: Callable[[str], None]) -> None:
    try:
        watch.look()
    except Exception as error:  # a busy database is no reason to stop the pages
        announce(f"Could not look for dead runs ({type(error).__name__}); trying again.")


@contextmanager
def _stop_signals() -> Iterator[Event]:
    asked = Event()
    before = {number: signal.signal(number, lambda *_: asked.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _stopping() -> Iterator[list[Server]]:
    servers: list[Server] = []
    try:
        yield servers
    finally:
        stop(servers)


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


def mlflow_server(plan: ServerPlan, store: TrackingStore) -> ServerCommand:
    """MLflow's page over the store."""
    told = {
        "_MLFLOW_SERVER_FILE_STORE": store.uri,
        "_MLFLOW_SERVER_REGISTRY_STORE": store.uri,
        "_MLFLOW_SERVER_ARTIFACT_ROOT": store.artifacts.as_uri(),
        "_MLFLOW_SGI_NAME": "uvicorn",
        "MLFLOW_TRACKING_URI": store.uri,
        "MLFLOW_REGISTRY_URI": store.uri,
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_ENABLE_AI_GATEWAY": "false",
    }
    if plan.hosts:
        told["MLFLOW_SERVER_ALLOWED_HOSTS"] = ",".join((*plan.hosts, f"{LOOPBACK}:*", "localhost:*"))
        told["MLFLOW_SERVER_CORS_ALLOWED_ORIGINS"] = ",".join(f"https://{host}" for host in plan.hosts)
    options = {"port": plan.mlflow_port, "hosts": plan.hosts, "read_only": plan.is_read_only}
    return _command("mlflow", options, plan, told)


def dagster_page(plan: ServerPlan) -> ServerCommand:
    """Dagster's page; it starts a code server of its own."""
    options = {"port": plan.dagster_port, "hosts": plan.hosts, "read_only": plan.is_read_only}
    return _command("dagster-webserver", {**options, "workspace": str(plan.workspace)}, plan, {})


def dagster_daemon(plan: ServerPlan) -> ServerCommand:
    """Dagster's daemon: schedules, sensors, the queue of runs; it starts a code server of its own."""
    return _command("dagster-daemon", {"workspace": str(plan.workspace)}, plan, {})


def _command(name: str, options: Mapping[str, object], plan: ServerPlan, extra: Mapping[str, str]) -> ServerCommand:
    return ServerCommand(name, options, plan.workspace.parent, {**_environment(plan), **extra}, plan.log_folder)


def _environment(plan: ServerPlan) -> dict[str, str]:
    scripts = str(Path(sys.executable).parent)
    threads = str(plan.threads)
    return {
        **os.environ,
        **QUIET_ENVIRONMENT,
        "PATH": os.pathsep.join([scripts, os.environ.get("PATH", os.defpath)]),
        "PYTHONWARNINGS": "ignore",
        "DAGSTER_HOME": str(plan.dagster_home),
        "OMP_NUM_THREADS": threads,
        "OPENBLAS_NUM_THREADS": threads,
        "OMP_WAIT_POLICY": "PASSIVE",
        **plan.environment,
    }


def _wait_for_pages(servers: Sequence[Server], urls: Sequence[str], asked: Event) -> bool:
    """Whether all pages answer; False when asked to stop before."""
    deadline = time.monotonic() + _ANSWER_SECONDS
    waiting = list(urls)
    while waiting:
        refuse_dead(servers)
        waiting = [url for url in waiting if not _answers(url)]
        if waiting and time.monotonic() > deadline:
            told = "\n".join(last_lines(server) for server in servers)
            raise CustanaError(f"{', '.join(waiting)} did not answer within {_ANSWER_SECONDS:.0f} seconds.\n{told}")
        if waiting and asked.wait(_POLL_SECONDS):
            return False
    return True


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as reply:  # noqa: S310 - loopback, built here
            return reply.status == 200
    except (urllib.error.URLError, OSError):
        return False
