"""Days that are made up for from the page, while somebody reads the lists."""

import threading
from pathlib import Path

import duckdb

from custana_pipeline.selftest.orchestration.pages import Pages, wait_for
from custana_pipeline.selftest.trial import expect

_BACKFILL = """mutation($params: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $params) {
  __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }"""
_ASSETS = "{ assetNodes { assetKey { path } isPartitioned } }"
_STATUS = """query($id: String!) { partitionBackfillOrError(backfillId: $id) {
  ... on PartitionBackfill { status partitionStatusCounts { runStatus count } } } }"""


def backfill(pages: Pages, days: list[str]) -> str:
    """Launches a backfill of everything that has days, as the page does, and returns its id."""
    keys = [node["assetKey"] for node in pages.ask(_ASSETS)["assetNodes"] if node["isPartitioned"]]
    selection = [{"path": key["path"]} for key in keys]
    told = pages.ask(_BACKFILL, params={"assetSelection": selection, "partitionNames": days})["launchPartitionBackfill"]
    expect("backfillId" in told, f"the page did not launch the backfill: {told}")
    return told["backfillId"]


def wait_for_backfill(pages: Pages, backfill_id: str, seconds: float) -> None:
    """Waits until all its runs ended well; Unmet where one did not."""

    def status() -> str:
        return pages.ask(_STATUS, id=backfill_id)["partitionBackfillOrError"]["status"]

    over = ("COMPLETED_SUCCESS", "COMPLETED", "COMPLETED_FAILED", "FAILED", "CANCELED")
    wait_for(lambda: status() in over, "the backfill did not end", seconds)
    expect(status() in ("COMPLETED_SUCCESS", "COMPLETED"), f"the backfill ended as {status()}")


class Reader:
    """Reads every Parquet list of the published version over and over, as a notebook does."""

    def __init__(self, published: Path) -> None:
        self.published = published
        self.reads, self.faults, self.versions = 0, [], set()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> "Reader":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _read(self) -> None:
        while not self._over.wait(0.05):
            try:
                version = self.published / (self.published / "CURRENT").read_text(encoding="utf-8").strip()
                days = {day for file in sorted(version.glob("*.parquet")) for day in _days(file)}
            except (OSError, duckdb.Error) as fault:
                self.faults.append(f"{type(fault).__name__}: {fault}"[:200])
                continue
            self.reads += 1
            self.versions.add(version.name)
            if len(days) > 1:
                self.faults.append(f"{version.name} holds {sorted(days)}")


def _days(file: Path) -> list[str]:
    with duckdb.connect() as connection:
        rows = connection.execute("select distinct as_of::varchar from read_parquet(?)", [str(file)]).fetchall()
    return [str(day) for (day,) in rows]
