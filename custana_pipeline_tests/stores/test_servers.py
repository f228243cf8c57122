import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from custana_pipeline.errors import CustanaError, WrongUse
from custana_pipeline.stores import server_processes, servers
from custana_pipeline.stores.server_processes import Server, ServerCommand
from custana_pipeline.stores.servers import ServerPlan
from custana_pipeline.stores.tracking_store import TrackingStore, client
from custana_pipeline_tests.stores.tracking_template import copy_of_empty_store

DEFINITIONS = """
import dagster as dg

@dg.asset
def orders() -> None: ...

defs = dg.Definitions(assets=[orders])
"""
WORKSPACE = "load_from:\n  - python_file: {relative_path: definitions.py, location_name: trial}\n"
SERVE = """
import json, sys
from pathlib import Path
from custana_pipeline.stores.servers import ServerPlan, serve
told = json.loads(sys.argv[1])
folder = Path(told["folder"])
serve(
    ServerPlan(folder / "workspace.yaml", folder / "dagster", folder / "mlflow", folder / "logs", *told["ports"]),
    lambda line: print(line, flush=True),
)
"""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def plan(tmp_path: Path) -> ServerPlan:
    (tmp_path / "definitions.py").write_text(DEFINITIONS)
    (tmp_path / "workspace.yaml").write_text(WORKSPACE)
    folders = (tmp_path / name for name in ("workspace.yaml", "dagster", "mlflow", "logs"))
    return ServerPlan(*folders, dagster_port=_free_port(), mlflow_port=_free_port())


class Scripted(ServerCommand):
    """A server that runs the code of its options instead of our module."""

    @property
    def arguments(self) -> list[str]:
        return [sys.executable, "-c", self.options["code"]]


def _started(plan: ServerPlan, code: str) -> Server:
    return server_processes.started(
        Scripted("trial", {"code": code}, plan.workspace.parent, dict(os.environ), plan.log_folder)
    )


def _of_folder(folder: Path) -> list[int]:
    """The processes whose environment or command names the folder."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            told = (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if entry.name.isdigit() and int(entry.name) != os.getpid() and os.fsencode(folder) in told:
            found.append(int(entry.name))
    return found


def _all_end(folder: Path) -> bool:
    """Whether no process of the folder is left; the kernel may take a moment to end what was killed."""
    deadline = time.monotonic() + 10
    while _of_folder(folder) and time.monotonic() < deadline:
        os.sched_yield()
    return not _of_folder(folder)


def test_a_busy_port_is_named_with_its_option(plan: ServerPlan) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", plan.mlflow_port))
        other.listen()
        with pytest.raises(WrongUse, match=rf"Port {plan.mlflow_port} .* --mlflow-port"):
            servers.serve(plan)
    assert not (plan.dagster_home / "history").exists()


def test_a_server_that_dies_is_named_with_its_last_lines(plan: ServerPlan) -> None:
    server = _started(plan, "print('no such table'); raise SystemExit(3)")
    server.process.wait()
    with pytest.raises(CustanaError, match=r"(?s)trial ended by itself \(exit code 3\).*no such table"):
        server_processes.refuse_dead([server])


def test_stopping_leaves_no_child_of_a_server_even_if_it_will_not_listen(
    plan: ServerPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_processes, "_TERM_SECONDS", 0.3)
    stubborn = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); signal.pause()"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {stubborn!r}])"
    server = _started(plan, parent)
    while b"up" not in server.command.log.read_bytes():
        assert server.process.poll() is None
    server_processes.stop([server])
    assert _all_end(plan.workspace.parent)


def test_a_server_that_dies_is_started_again_but_not_for_ever(plan: ServerPlan) -> None:
    server = _started(plan, "print('no such table'); raise SystemExit(3)")
    for _ in range(3):
        server.process.wait()
        assert server_processes.revive([server]) == ["trial"]
    server.process.wait()
    with pytest.raises(CustanaError, match=r"(?s)trial ended by itself \(exit code 3\).*no such table"):
        server_processes.revive([server])
    assert server.command.log.read_text().count("no such table") == 4


def test_a_living_server_is_left_alone(plan: ServerPlan) -> None:
    server = _started(plan, "import signal; signal.pause()")
    assert server_processes.revive([server]) == []
    server_processes.stop([server])


def test_a_server_ends_with_the_process_that_started_it(plan: ServerPlan) -> None:
    code = """
from custana_pipeline.stores import server_main
import threading, signal
threading.Thread(target=server_main._end_with_parent, daemon=True).start()
print('up', flush=True)
signal.pause()
"""
    server = _started(plan, code)
    while b"up" not in server.command.log.read_bytes():
        assert server.process.poll() is None
    assert server.process.stdin
    server.process.stdin.close()  # what the kernel does for a process that dies
    assert server.process.wait(timeout=30) in (-signal.SIGTERM, -signal.SIGKILL)


def test_mlflow_is_told_where_its_store_is(plan: ServerPlan) -> None:
    store = TrackingStore(plan.mlflow_folder)
    command = servers.mlflow_server(plan, store)
    assert str(store.database) in command.environment["_MLFLOW_SERVER_FILE_STORE"]


@pytest.fixture
def serving(plan: ServerPlan) -> Iterator["subprocess.Popen[str]"]:
    told = json.dumps({"folder": str(plan.workspace.parent), "ports": [plan.dagster_port, plan.mlflow_port]})
    process = subprocess.Popen([sys.executable, "-c", SERVE, told], stdout=subprocess.PIPE, text=True)
    yield process
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=60)


@pytest.mark.servers
def test_both_pages_answer_and_a_signal_stops_everything(plan: ServerPlan, serving: "subprocess.Popen[str]") -> None:
    store = client(TrackingStore(copy_of_empty_store(plan.mlflow_folder)))
    store.create_experiment("shop-behavior")
    assert serving.stdout
    for line in serving.stdout:
        if line.startswith("Logs"):
            break
    with urllib.request.urlopen(f"{plan.dagster_url}/server_info", timeout=10) as reply:
        assert "dagster_version" in json.load(reply)
    with urllib.request.urlopen(
        f"{plan.mlflow_url}/api/2.0/mlflow/experiments/get-by-name?experiment_name=shop-behavior", timeout=10
    ) as reply:
        assert json.load(reply)["experiment"]["name"] == "shop-behavior"
    serving.send_signal(signal.SIGTERM)
    assert serving.wait(timeout=60) == 0
    assert _all_end(plan.workspace.parent)
    servers._refuse_busy_ports(plan)
