"""The project as the assets see it: settings, SQL models and warehouse of the active source, read once."""

import datetime as dt
import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from custana_pipeline.errors import DataFault
from custana_pipeline.features.windows import Origins, origins
from custana_pipeline.models.audience_value import AudienceValue
from custana_pipeline.orchestration.warming import wait_for_all
from custana_pipeline.stores.session import Session
from custana_pipeline.stores.settings import Settings
from custana_pipeline.stores.sql_models import SqlModels
from custana_pipeline.stores.tracking import Tracker
from custana_pipeline.stores.warehouse import Warehouse

STAGES_WITH_CODE = ("raw", "cleaned", "features", "models", "applications")
"""The folders whose code decides what comes out."""


@dataclass(frozen=True)
class Project:
    """What every asset needs; a plain object, so that it can be made without Dagster."""

    settings: Settings

    @cached_property
    def models(self) -> SqlModels:
        """The SQL models with the active pack's sources."""
        return SqlModels.read(self.settings.sql_dir, self.settings.source)

    @cached_property
    def warehouse(self) -> Warehouse:
        """The active source's DuckDB file."""
        return Warehouse(
            self.settings.warehouse_path,
            memory_limit=self.settings.duckdb_memory_limit,
            threads=self.settings.duckdb_threads,
            lock_wait_seconds=self.settings.warehouse_wait_seconds,
            timezone=self.settings.pack.timezone,
        )

    @cached_property
    def tracker(self) -> Tracker:
        """The MLflow store of all sources, once MLflow is imported where that happens on the side."""
        wait_for_all()
        return Tracker(self.settings.mlflow_dir, f"http://127.0.0.1:{self.settings.mlflow_port}")

    @property
    def raw_columns(self) -> dict[str, list[str]]:
        """The columns of each raw table as the pack declares them."""
        return {f"raw.{name}": list(raw_set.headers) for name, raw_set in self.settings.pack.raw.items()}

    @property
    def cleaning_parameters(self) -> dict[str, Any]:
        """What the cleaned models are told about how the source writes things."""
        pack = self.settings.pack
        return {
            "timestamp_format": pack.timestamp_format,
            "date_format": pack.date_format,
            "keep_identical_lines": pack.identical_lines == "keep",
        }

    @property
    def audience_value(self) -> AudienceValue:
        """What a contact costs and brings."""
        return AudienceValue(
            contact_cost=self.settings.contact_cost,
            margin_share=self.settings.margin_share,
            contact_effect=self.settings.contact_effect,
        )

    def origins(self, session: Session, as_of: dt.date) -> Origins:
        """The days that a run for `as_of` trains, judges and serves on."""
        # the first by order is found where it lies, and the least by reading all
        query = "select ordered_date from cleaned.numbered_transactions where not is_return order by 1 limit 1"
        first = next((row[0] for row in session.rows(query)), None)
        if first is None or first >= as_of:
            raise DataFault(
                f"No customer has a purchase before {as_of}: choose a later day, or load earlier transactions."
            )
        return origins(
            as_of,
            self.settings.horizon_days,
            step_days=self.settings.origin_step_days,
            count=self.settings.origin_count,
            first_day=first,
        )

    @cached_property
    def code_version(self) -> str:
        """A hash over all SQL models and the stages' Python, told with every training and publication."""
        digest = hashlib.sha256()
        for name in sorted(self.models.by_name):
            digest.update(self.models[name].code_version.encode())
        package = Path(__file__).resolve().parents[1]
        for stage in STAGES_WITH_CODE:
            for path in sorted((package / stage).rglob("*.py")):
                digest.update(path.read_bytes())
        return digest.hexdigest()[:12]
