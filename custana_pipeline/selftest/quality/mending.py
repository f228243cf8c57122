"""D8: lines go into quarantine, are mended, and come back, once."""

import csv
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from custana_pipeline.errors import DataFault
from custana_pipeline.orchestration.assets.cleaned import clean_table
from custana_pipeline.orchestration.assets.raw import land_raw_set
from custana_pipeline.orchestration.project import Project
from custana_pipeline.orchestration.replaying import replay
from custana_pipeline.selftest.landing.ingestion import CANARY
from custana_pipeline.selftest.shop import Outcome, Shop
from custana_pipeline.selftest.trial import Trial, expect, trial
from custana_pipeline.stores.session import Session
from custana_pipeline.stores.settings import load_settings
from custana_pipeline.stores.source_files import files_of
from custana_pipeline.stores.warehouse import Warehouse

FILE = "transactions_night.csv"
LAWS = """
    select (select sum(record_count + malformed_line_count) from raw.files where raw_set = 'transactions'),
        (select count(*) from cleaned.transactions_lines)
            + (select count(*) from raw.malformed_lines where raw_set = 'transactions'),
        (select count(*) from cleaned.transactions_lines where source_file = $file and status = 'kept'),
        (select sum(amount) from cleaned.transactions_lines where source_file = $file and status = 'kept')"""


def _line(number: int, price: str) -> str:
    return f"m{number},{CANARY}{number},p1,2025-01-10 10:00:0{number % 10},1,{price}"


@trial("D8")
def mended_lines_come_back_once(run: Trial) -> None:
    """Five lines rejected and two malformed: exported, mended in part, replayed twice, and superseded by a new file."""
    shop = run.shop(has_run=True)
    header = "order_id,customer_id,product_id,ordered_at,quantity,unit_price"
    good, bad = [_line(number, "2.00") for number in range(10)], [_line(number, "a lot") for number in range(10, 15)]
    (shop.folder / FILE).write_text("\n".join([header, *good, *bad, "short", "shorter"]) + "\n", encoding="utf-8")
    _land(shop)
    export = run.scratch / "mend.csv"
    told = shop.custana("quarantine", "--table", "transactions", "--export", str(export))
    _expect_listed(told)
    expect(stat.S_IMODE(export.stat().st_mode) == 0o600, f"the export has mode {export.stat().st_mode:o}")
    before = _laws(shop)
    _mend(export)
    first = shop.custana("replay", str(export))
    expect(first.code == 0, f"the replay ends with {first.code}: {first.err}")
    expect("7 mended lines are in, 5 of them kept, others not (unparsable_price 2)" in first.out, f"told: {first.out}")
    after = _laws(shop)
    expect(after[0] == after[1] == before[0], f"lines: {before} before, {after} after")
    expect((after[2] - before[2], after[3] - before[3]) == (5, 15), f"kept and money: {before} before, {after} after")
    again = shop.custana("replay", str(export))
    expect(
        "0 mended lines are in" in again.out and _laws(shop) == after, f"a second replay: {again.out}, {_laws(shop)}"
    )
    _expect_strangers_refused(shop, export, after)
    if run.is_full:
        _land(shop)
        expect(_laws(shop) == after, "another run changes what was mended")
    (shop.folder / FILE).write_text("\n".join([header, *good]) + "\n", encoding="utf-8")
    _land(shop)
    expect(_laws(shop)[2] == 10, f"after a corrected file {_laws(shop)[2]} lines are kept, wanted 10")
    _expect_refused(lambda: replay(_project(shop), export), "an export of the old file")


def _project(shop: Shop) -> Project:
    """The shop's project in this process; a command for each look would take longer and show nothing else."""
    with _project_folder(shop.project):
        made = Project(load_settings(source="shop", data_dir=shop.data, input=str(shop.folder)))
        vars(made)["models"] = made.models
    return made


@contextmanager
def _project_folder(folder: Path) -> Iterator[None]:
    before = os.environ.get("CUSTANA_PROJECT_DIR")
    os.environ["CUSTANA_PROJECT_DIR"] = str(folder)
    try:
        yield
    finally:
        os.environ.pop("CUSTANA_PROJECT_DIR")
        if before is not None:
            os.environ["CUSTANA_PROJECT_DIR"] = before


def _land(shop: Shop) -> None:
    """Lands and cleans the order lines."""
    project = _project(shop)
    files = files_of(project.settings, "transactions")
    with project.warehouse.transaction(may_read=files) as session:
        land_raw_set(session, project, "transactions", files)
    with project.warehouse.transaction() as session:
        clean_table(session, project, "transactions")


def _expect_refused(act: Callable[[], object], what: str) -> None:
    try:
        act()
    except DataFault as told:
        expect("not in quarantine" in str(told), f"{what}: {told}")
    else:
        expect(False, f"{what} is taken in")


def _expect_listed(listed: Outcome) -> None:
    expect(listed.code == 0, f"the list ends with {listed.code}: {listed.err}")
    expect(CANARY not in listed.out + listed.err, "the list prints values")
    places = f"{FILE}:12, {FILE}:13, {FILE}:14, {FILE}:15, {FILE}:16"
    expect("unparsable_price" in listed.out and places in listed.out, f"the list is: {listed.out}")


def _mend(export: Path) -> None:
    """Keeps the lines of the night's file: mends three prices, leaves two wrong, fills two malformed lines in."""
    with export.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["quarantine_file"] == FILE]
    expect(len(rows) == 7, f"{len(rows)} lines of the night's file are exported, wanted 7")
    for place, row in enumerate(row for row in rows if row["quarantine_reason"] == "unparsable_price"):
        row["unit_price"] = "3.00" if place < 3 else "still wrong"
    for place, row in enumerate(row for row in rows if row["quarantine_reason"] == "too_few_fields"):
        expect(row["quarantine_raw_line"].startswith("short"), "the text of a malformed line is not exported")
        cells = _line(20 + place, "3.00").split(",")
        row.update(zip(list(row)[5:11], cells, strict=True))
    with export.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _expect_strangers_refused(shop: Shop, export: Path, laws: tuple) -> None:
    strange = export.with_name("strange.csv")
    lines = export.read_text(encoding="utf-8").splitlines()
    strange.write_text("\n".join([lines[0], lines[1].replace(",12,", ",2,", 1)]) + "\n", encoding="utf-8")
    _expect_refused(lambda: replay(_project(shop), strange), "a line that is in order")
    expect(_laws(shop) == laws, "a refused replay changed something")


def _laws(shop: Shop) -> tuple:
    with Warehouse(shop.data / "warehouse" / "shop.duckdb").reading() as session:
        return _asked(session)


def _asked(session: Session) -> tuple:
    return session.rows(LAWS, {"file": FILE})[0]
