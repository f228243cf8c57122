"""Alerts: written to a log at once, and waiting in files until every channel has taken them.

    data/logs/alerts.log               one line of JSON for each alert, delivery and failed delivery
    data/alerts/<alert>.<channel>      an alert that a channel has not taken yet
    data/alerts/<channel>.later        when a channel that failed is asked again

An alert is delivered at least once: a process that dies between handing it over and taking its file away lets it be
sent again. A channel that fails holds up neither the run nor the others.
"""

import datetime as dt
import fcntl
import json
import os
import re
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from custana_pipeline.stores.alert_channels import Channel, Undelivered
from custana_pipeline.stores.durable_files import replace_text
from custana_pipeline.stores.file_locks import opened_lock, taken

FIRST_WAIT_SECONDS = 15.0
LONGEST_WAIT_SECONDS = 900.0
KEPT_SECONDS = 7 * 24 * 3600
"""An alert that no channel takes for a week is given up; the log keeps it."""
_LONGEST_MESSAGE = 1000


@dataclass(frozen=True)
class Alert:
    """What is told of a run that failed, or that published nothing."""

    code: str
    """The reason in one word: NO_DATA, DIED, TOO_LONG, DEFECT, NOT_TRAINABLE ..."""
    kind: str
    """The kind of error: DataFault, Transient, Defect, Died ..."""
    message: str
    """Our own words only, never a library's."""
    run_id: str = ""
    job: str = ""
    source: str = ""
    partition: str = ""
    assets: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """One line for people."""
        of_run = f" run {self.run_id[:8]} of {self.job}" if self.run_id else " a command"
        day = f" for {self.partition}" if self.partition else ""
        where = f" at {', '.join(self.assets)}" if self.assets else ""
        return f"custana ({self.source}):{of_run}{day}: {self.code}{where}. {self.message}".strip()

    def told(self) -> dict[str, Any]:
        """What channels get."""
        fields = {**asdict(self), "assets": list(self.assets), "message": self.message[:_LONGEST_MESSAGE]}
        return {**fields, "text": self.text[: _LONGEST_MESSAGE + 200]}


@dataclass(frozen=True)
class AlertDesk:
    """Where alerts of one data folder are written, and the channels that they go to."""

    data_dir: Path
    channels: Sequence[Channel] = ()

    @property
    def log(self) -> Path:
        """The file of all alerts."""
        return self.data_dir / "logs" / "alerts.log"

    @property
    def folder(self) -> Path:
        """The alerts that wait."""
        return self.data_dir / "alerts"

    def tell(self, alert: Alert) -> None:
        """Writes an alert down for every channel; nothing is sent yet."""
        told = alert.told()
        self._note({"event": "alert", **told})
        if self.channels:
            self.folder.mkdir(parents=True, exist_ok=True)
        for channel in self.channels:
            name = re.sub(r"[^\w-]", "_", alert.run_id or f"{alert.code}-{time.time_ns()}")
            replace_text(self.folder / f"{name}.{channel.name}", json.dumps(told))

    def deliver(self, budget_seconds: float = 20.0) -> int:
        """Hands over what waits, oldest first, for at most about `budget_seconds`; returns how many still wait.

        Where another process is at it already, that one goes on alone.
        """
        if not self.folder.is_dir():
            return 0
        give_up = time.monotonic() + budget_seconds
        with opened_lock(self.folder / "delivering.lock") as file:
            if taken(file):
                for channel in self.channels:
                    self._deliver_to(channel, give_up)
        return sum(len(self._waiting(channel)) for channel in self.channels)

    def _deliver_to(self, channel: Channel, give_up: float) -> None:
        later = self.folder / f"{channel.name}.later"
        failures, next_try = _read_later(later)
        if time.time() < next_try:
            return
        for path in self._waiting(channel):
            if time.monotonic() > give_up:
                return
            try:
                channel.send(json.loads(path.read_text(encoding="utf-8")))
            except Undelivered as fault:
                failures += 1
                wait = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2 ** min(failures - 1, 10))
                replace_text(later, json.dumps([failures, time.time() + wait]))
                self._note({"event": "not delivered", "alert": path.stem, "channel": channel.name, "why": str(fault)})
                self._give_up_on_old(path, channel)
                if not fault.is_refusal:
                    return
            else:
                path.unlink(missing_ok=True)
                self._note({"event": "delivered", "alert": path.stem, "channel": channel.name})
        if not self._waiting(channel):
            later.unlink(missing_ok=True)

    def _give_up_on_old(self, path: Path, channel: Channel) -> None:
        if time.time() - path.stat().st_mtime > KEPT_SECONDS:
            path.unlink(missing_ok=True)
            self._note({"event": "given up", "alert": path.stem, "channel": channel.name})

    def _waiting(self, channel: Channel) -> list[Path]:
        found = [path for path in self.folder.glob(f"[!.]*.{channel.name}") if path.is_file()]
        return sorted(found, key=lambda path: (path.stat().st_mtime, path.name))

    def _note(self, told: dict[str, Any]) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        with self.log.open("a", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.write(json.dumps({"at": now, **told}, ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())


def _read_later(path: Path) -> tuple[int, float]:
    try:
        failures, next_try = json.loads(path.read_text(encoding="utf-8"))
        return int(failures), float(next_try)
    except (OSError, ValueError, TypeError):
        return 0, 0.0
