"""What the processes of `custana ui` run: `python -m custana_pipeline.stores.server_main NAME OPTIONS_AS_JSON`.

Each ends together with the process that started it, however that ends: its standard input is a pipe that nobody writes
to, and that the kernel closes with the other side.
"""

import json
import os
import signal
import sys
import threading
import time
from typing import Any

from custana_pipeline.stores.page_guard import PageGuard, allowed_hosts

LOOPBACK = "127.0.0.1"
_TERM_SECONDS = 10.0


def main() -> None:
    """Runs the server that the command line names until it is signalled."""
    name, told = sys.argv[1], json.loads(sys.argv[2])
    threading.Thread(target=_end_with_parent, daemon=True, name="ends-with-parent").start()
    {"dagster-webserver": _webserver, "dagster-daemon": _daemon, "mlflow": _mlflow}[name](told)


def _end_with_parent() -> None:
    while os.read(0, 1024):
        pass
    os.killpg(os.getpgrp(), signal.SIGTERM)
    time.sleep(_TERM_SECONDS)
    os.killpg(os.getpgrp(), signal.SIGKILL)


def _webserver(told: dict[str, Any]) -> None:
    from dagster import DagsterInstance
    from dagster._core.workspace.context import WorkspaceProcessContext
    from dagster._core.workspace.load_target import WorkspaceFileTarget
    from dagster._utils.interrupts import setup_interrupt_handlers
    from dagster._utils.log import configure_loggers
    from dagster_webserver.app import create_app_from_workspace_process_context
    from dagster_webserver.version import __version__

    configure_loggers(formatter="json", log_level="INFO")
    setup_interrupt_handlers()
    with (
        DagsterInstance.get() as instance,
        WorkspaceProcessContext(
            instance,
            version=__version__,
            read_only=told["read_only"],
            workspace_load_target=WorkspaceFileTarget(paths=[told["workspace"]]),
        ) as context,
    ):
        instance.optimize_for_webserver(statement_timeout=15000, pool_recycle=3600, max_overflow=20)
        # Dagster itself refuses mutations when its page is read-only
        _serve(create_app_from_workspace_process_context(context, ""), {**told, "read_only": False})


def _daemon(told: dict[str, Any]) -> None:
    from dagster._daemon.cli import run_command

    run_command(["--workspace", told["workspace"]])


def _mlflow(told: dict[str, Any]) -> None:
    # What `mlflow server` itself starts as its one worker: without that parent the page is there in half the time.
    from mlflow.server.fastapi_app import app

    _serve(app, told)


def _serve(application: Any, told: dict[str, Any]) -> None:
    import uvicorn

    guard = PageGuard(application, allowed_hosts(told["port"], told["hosts"]), told["read_only"])
    uvicorn.run(guard, host=LOOPBACK, port=told["port"], log_level="warning", proxy_headers=False)


if __name__ == "__main__":
    main()
