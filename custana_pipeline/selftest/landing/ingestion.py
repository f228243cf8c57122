"""Input files taken through the real landing and cleaning, in this process and in a warehouse of their own."""

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from custana_pipeline.errors import CustanaError
from custana_pipeline.orchestration.assets.cleaned import clean_table
from custana_pipeline.orchestration.assets.raw import land_raw_set
from custana_pipeline.orchestration.project import Project
from custana_pipeline.orchestration.watch import warnings_of
from custana_pipeline.stores.packs import Pack
from custana_pipeline.stores.settings import Settings, load_settings
from custana_pipeline.stores.source_files import files_of
from custana_pipeline.stores.sql_models import SqlModels

if TYPE_CHECKING:
    import pandas as pd

CANARY = "Wilhelmina"
"""Part of every customer's id, so that a message that quotes a line is found out."""
COLUMNS = ("order_id", "customer_id", "product_id", "ordered_at", "quantity", "unit_price")
CUSTOMER_COLUMNS = ("customer_id", "birth_year", "gender", "location", "signed_up_at")
HEADER = ",".join(COLUMNS)
GOOD_LINES = 100


def order_fields(number: int, **changes: str) -> list[str]:
    """The fields of an order line, with those changed that are given; every good one is worth 2.50."""
    fields = {
        "order_id": f"o{number}",
        "customer_id": f"{CANARY}{number:03d}",
        "product_id": f"p{number % 5}",
        "ordered_at": f"2024-{1 + number % 12:02d}-{1 + number % 28:02d} 10:00:00",
        "quantity": "1",
        "unit_price": "2.50",
    }
    return list({**fields, **changes}.values())


def order(number: int, **changes: str) -> str:
    """An order line as it stands in a file, nothing quoted."""
    return ",".join(order_fields(number, **changes))


def orders(*further: str, line_end: str = "\n", header: str = HEADER, good: int = GOOD_LINES) -> bytes:
    """A file of good order lines and then the further ones."""
    lines = [header, *(order(number) for number in range(1, good + 1)), *further]
    return (line_end.join(lines) + line_end).encode()


@cache
def _models(folder: Path) -> SqlModels:
    return SqlModels.read(folder, "sample")


@dataclass(frozen=True)
class Ingested:
    """What came of an ingestion: a refusal with its exit code, or the counts of order lines."""

    refusal: str = ""
    exit_code: int = 0
    kept: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    """Reason -> lines that are set aside or rejected, malformed ones among them."""

    def __str__(self) -> str:
        """The outcome on one line."""
        return f"refused: {self.refusal}" if self.refusal else f"kept {self.kept}, {dict(self.reasons)}"


@dataclass(frozen=True)
class Ingestion:
    """A folder of files of a source named `shop`, and the warehouse that they are taken into."""

    root: Path
    pack: Mapping[str, Any] = field(default_factory=dict)
    """Changes to the pack; `raw` changes the raw set of the order lines."""
    max_rejected_share: float = 0.05
    as_of: dt.date | None = None
    has_customers: bool = False

    @property
    def folder(self) -> Path:
        """Where the input files lie."""
        return self.root / "files"

    def put(self, files: Mapping[str, bytes]) -> "Ingestion":
        """Writes the files, whatever was there before under their names."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (self.folder / name).write_bytes(content)
        return self

    @property
    def settings(self) -> Settings:
        """The installed project's settings, for order lines alone and this folder."""
        changes = {"columns": {name: name for name in COLUMNS}, **self.pack.get("raw", {})}
        patterns = ("transactions*.csv", "transactions*.csv.gz", "transactions*.parquet")
        raw = {"transactions": {"files": patterns, **changes}}
        if self.has_customers:
            raw["customers"] = {"files": ("customers*.csv",), "columns": {name: name for name in CUSTOMER_COLUMNS}}
        others = {name: value for name, value in self.pack.items() if name != "raw"}
        told = {"input": str(self.folder), "calendar": {"start": dt.date(2024, 7, 1)}, "raw": raw, **others}
        pack = Pack.model_validate(told)
        given = load_settings(source="sample", data_dir=self.root / "data", input=str(self.folder))
        changes = {"packs": {"sample": pack}, "max_rejected_share": self.max_rejected_share}
        return given.model_copy(update=changes)

    @property
    def project(self) -> Project:
        """The project as the assets see it."""
        made = Project(self.settings)
        # parsing all models takes longer than everything else that a case does
        vars(made)["models"] = _models(made.settings.sql_dir)
        return made

    def run(self) -> Ingested:
        """Lands and cleans what is in the folder, as the assets do."""
        project = self.project
        try:
            for table in project.settings.pack.raw:
                files = files_of(project.settings, table)
                with project.warehouse.transaction(may_read=files) as session:
                    session.prepare()
                    land_raw_set(session, project, table, files)
            counts = self._clean(project, "transactions")
            if self.has_customers:
                self._clean(project, "customers")
        except CustanaError as error:
            return Ingested(refusal=str(error), exit_code=error.exit_code)
        reasons: Counter[str] = Counter()
        for line in counts.to_dict("records"):
            reasons[line["reason"] if line["status"] != "kept" else ""] += int(line["line_count"])
        return Ingested(kept=reasons.pop("", 0), reasons=dict(sorted(reasons.items())))

    def _clean(self, project: Project, table: str) -> "pd.DataFrame":
        with project.warehouse.transaction() as session:
            session.prepare()
            return clean_table(session, project, table, self.as_of).counts

    def rows(self, query: str) -> list[tuple]:
        """What the warehouse answers."""
        with self.project.warehouse.reading() as session:
            return session.rows(query)

    def warnings(self) -> list[str]:
        """What the last run noticed and let pass."""
        with self.project.warehouse.reading() as session:
            return warnings_of(session)
