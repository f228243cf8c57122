"""`custana ui` of a trial's shop, asked and watched from outside: by its page, its processes and its sockets."""

import json
import os
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from custana_pipeline.selftest.shop import Shop
from custana_pipeline.selftest.trial import Unmet

START_SECONDS = 120.0
_LAUNCH = """mutation($params: ExecutionParams!) { launchRun(executionParams: $params) {
  __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
_STATUS = "query($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"
_TERMINATE = "mutation($id: String!) { terminateRun(runId: $id) { __typename } }"


@dataclass(frozen=True)
class Answer:
    """What a page answered."""

    status: int
    body: str
    headers: Mapping[str, str]


@dataclass
class Pages:
    """The servers of one shop on free ports."""

    shop: Shop
    environment: dict[str, str] = field(default_factory=dict)
    dagster_port: int = field(default_factory=lambda: free_port())
    mlflow_port: int = field(default_factory=lambda: free_port())

    @property
    def home(self) -> Path:
        """Dagster's home."""
        return self.shop.data / "dagster"

    @property
    def url(self) -> str:
        """Dagster's page."""
        return f"http://127.0.0.1:{self.dagster_port}"

    @property
    def arguments(self) -> tuple[str, ...]:
        """How `custana ui` is called."""
        return "ui", "--dagster-port", str(self.dagster_port), "--mlflow-port", str(self.mlflow_port)

    def start(self) -> "subprocess.Popen[bytes]":
        """Starts `custana ui` and waits until its daemon is started too; Unmet where it ends instead."""
        process = self.shop.start(*self.arguments, env=self.environment)
        log = self.data_log("dagster-daemon")
        log.unlink(missing_ok=True)
        wait_for(
            lambda: process.poll() is not None or log.exists(), "custana ui did not start its daemon", START_SECONDS
        )
        if process.poll() is not None:
            raise Unmet(f"custana ui ended with {process.returncode} instead of serving")
        return process

    def data_log(self, name: str) -> Path:
        """The log of a server."""
        return self.shop.data / "logs" / f"{name}.log"

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """Asks Dagster's GraphQL as its page does."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        origin = {"Origin": self.url, "Content-Type": "application/json"}
        told = json.loads(request(f"{self.url}/graphql", "POST", body, origin).body)
        if told.get("errors"):
            raise Unmet(f"GraphQL: {told['errors'][0].get('message')}")
        return told["data"]

    def launch(self, job: str) -> str:
        """Launches a job as the page does, and returns the run's id."""
        selector = {
            "repositoryLocationName": "custana_pipeline",
            "repositoryName": "__repository__",
            "jobName": job,
        }
        told = self.ask(_LAUNCH, params={"selector": selector, "runConfigData": {}})["launchRun"]
        if "run" not in told:
            raise Unmet(f"the page did not launch {job}: {told}")
        return told["run"]["runId"]

    def status(self, run_id: str) -> str:
        """How a run stands."""
        return self.ask(_STATUS, id=run_id)["runOrError"].get("status", "none")

    def terminate(self, run_id: str) -> None:
        """Presses Terminate."""
        self.ask(_TERMINATE, id=run_id)

    def ended(self, run_id: str, seconds: float) -> str:
        """The status of a run that ends within `seconds`; Unmet where it does not."""
        over = ("SUCCESS", "FAILURE", "CANCELED")
        wait_for(lambda: self.status(run_id) in over, f"the run did not end within {seconds:.0f} s", seconds)
        return self.status(run_id)

    def worker(self, run_id: str, seconds: float = 90.0) -> int:
        """The process that carries out a run, once it does."""
        file = self.home / "workers" / run_id
        wait_for(file.exists, "no process took the run up", seconds)
        return int(json.loads(file.read_text(encoding="utf-8"))["pid"])

    def processes(self) -> list[int]:
        """All processes of this shop but the trial's own."""
        told = f"CUSTANA_DATA_DIR={self.shop.data}".encode()
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                if told in (entry / "environ").read_bytes().split(b"\0") and int(entry.name) != os.getpid():
                    found.append(int(entry.name))
            except OSError:
                continue
        return found

    def kill_all(self) -> None:
        """What the loss of the machine does: every process is gone, and none was asked."""
        while found := self.processes():
            for pid in found:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            time.sleep(0.02)


@dataclass
class Receiver:
    """A webhook on loopback that keeps the alerts that it is given."""

    port: int = 0
    got: list[dict[str, Any]] = field(default_factory=list)

    @property
    def address(self) -> str:
        """What CUSTANA_ALERT_WEBHOOK is set to."""
        return f"http://127.0.0.1:{self.port}/hook"

    def of_run(self, run_id: str, seconds: float) -> dict[str, Any]:
        """The alert about a run, which comes within `seconds`; Unmet where it does not."""
        wait_for(lambda: self._found(run_id), f"no alert came within {seconds:.0f} s", seconds)
        return self._found(run_id)[0]

    def _found(self, run_id: str) -> list[dict[str, Any]]:
        return [told for told in self.got if told.get("run_id") == run_id]


@contextmanager
def receiver() -> Iterator[Receiver]:
    """A webhook that listens for the block."""
    kept = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            kept.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        kept.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield kept
        finally:
            server.shutdown()


def request(
    url: str, method: str = "GET", body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """Asks a page, whatever it answers."""
    asked = urllib.request.Request(url, data=body, method=method, headers=dict(headers or {}))  # noqa: S310 - loopback
    try:
        with urllib.request.urlopen(asked, timeout=30) as reply:  # noqa: S310 - loopback
            return Answer(reply.status, reply.read().decode(errors="replace"), dict(reply.headers))
    except urllib.error.HTTPError as refused:
        return Answer(refused.code, refused.read().decode(errors="replace"), dict(refused.headers))


def wait_for(holds: Callable[[], object], otherwise: str, seconds: float, look_seconds: float = 0.1) -> float:
    """Waits until `holds`, looked at every `look_seconds`, and returns how long that took; Unmet after `seconds`."""
    began = time.monotonic()
    while not holds():
        if time.monotonic() - began > seconds:
            raise Unmet(otherwise)
        time.sleep(look_seconds)
    return time.monotonic() - began


def free_port() -> int:
    """A port of loopback that nobody listens at."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
