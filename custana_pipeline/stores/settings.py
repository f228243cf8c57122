"""Settings: custana.toml, overridden by CUSTANA_* variables of the environment, overridden by the command line.

Secrets never stand in custana.toml. Every field says its unit and what it does; unknown fields are refused.
"""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import AliasChoices, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from custana_pipeline.errors import WrongUse, shown
from custana_pipeline.stores.alert_settings import AlertSettings, Names
from custana_pipeline.stores.database_settings import DatabaseConnection
from custana_pipeline.stores.machine import bytes_of, this_machine
from custana_pipeline.stores.packs import Pack
from custana_pipeline.stores.places import absolute, data_folder, input_place
from custana_pipeline.stores.settings_file import SettingsFileSource
from custana_pipeline.stores.settings_rules import Identifier, Memory, Owner, no_booleans_for_numbers

SETTINGS_FILE = "custana.toml"
MOST_PACKS = 200
MOST_FAULTS_TOLD = 5


class Settings(AlertSettings):
    """Everything that a run is told; see the fields of Pack for what belongs to a source."""

    model_config = SettingsConfigDict(env_prefix="CUSTANA_", frozen=True, extra="forbid", allow_inf_nan=False)

    project_dir: Path = Field(description="The folder of custana.toml, dbt_like_sql and workspace.yaml.")
    data_dir: Path = Field(Path("data"), description="Where everything that custana writes goes.")
    source: str = Field("sample", description="The active source pack.")
    input: str | None = Field(None, description="Folder or file to read instead of the pack's input.")
    horizon_days_override: int | None = Field(
        None,
        ge=1,
        le=730,
        validation_alias=AliasChoices("horizon_days_override", "CUSTANA_HORIZON_DAYS"),
        description="Horizon instead of the pack's, in days (CUSTANA_HORIZON_DAYS).",
    )
    memory_limit: Memory = Field(
        "",
        description="DuckDB's memory limit, such as '4GB'; when empty, two fifths of what the machine, its container "
        "and ulimit allow.",
    )
    threads: int | None = Field(
        None,
        ge=1,
        le=256,
        description="Threads of DuckDB; when empty, one for each processor that the process may use, 8 at most.",
    )
    seed: int = Field(7, ge=0, le=2**32 - 1, description="Seed of everything that is drawn.")
    origin_step_days: int = Field(45, ge=1, le=730, description="Days between two training origins.")
    origin_count: int = Field(4, ge=1, le=24, description="Training origins that are stacked.")
    audience_share: float = Field(0.3, gt=0, le=1, description="Share of the customers that the audience aims at.")
    control_share: float = Field(0.05, ge=0, le=0.5, description="Share of the audience kept out as the control group.")
    contact_cost: float | None = Field(
        None,
        ge=0,
        le=1e9,
        description="Money that contacting one customer costs; when given, the audience is the one of the highest "
        "expected profit instead of audience_share.",
    )
    margin_share: float = Field(0.3, gt=0, le=1, description="Share of revenue that is left after the goods are paid.")
    contact_effect: float = Field(
        0.1,
        gt=0,
        le=1,
        description="Share of the expected purchases of the contacted that contacting adds; the rest would come "
        "without it.",
    )
    max_rejected_share: float = Field(
        0.05, ge=0, le=1, description="Share of rejected lines above which nothing is published."
    )
    warehouse_days: int = Field(
        40, ge=1, le=36500, description="Days run last whose features and lists the warehouse keeps."
    )
    max_runtime_seconds: int = Field(
        14400,
        ge=1,
        le=604800,
        description="Seconds after which a run that has not ended is taken for hung, and ended as failed.",
    )
    snapshots: int = Field(
        1,
        ge=0,
        le=1000,
        description="Copies of the warehouse that `custana verify --repair` restores from; 0 for none.",
    )
    run_wait_seconds: float = Field(
        3600, ge=0, le=604800, description="How long a run waits for another run of the same source before it gives up."
    )
    warehouse_wait_seconds: float = Field(
        120,
        ge=0,
        le=604800,
        description="How long a change waits for a reader that has the warehouse open before it gives up.",
    )
    nightly_hour: int = Field(3, ge=0, le=23, description="Local hour of the nightly retraining; ingest is one before.")
    dagster_port: int = Field(3000, ge=1, le=65535, description="Loopback port of the Dagster UI.")
    mlflow_port: int = Field(5000, ge=1, le=65535, description="Loopback port of the MLflow UI.")
    ui_hosts: Names = Field(
        (), description="Names by which a reverse proxy passes requests on to the two pages, such as 'shop.example'."
    )
    owner: Owner = Field("team:analytics", description="Owner of the assets: an e-mail address, or team:<name>.")
    connections: dict[Identifier, DatabaseConnection] = Field(
        default_factory=dict, max_length=MOST_PACKS, description="The databases that raw sets are read from, by name."
    )
    packs: dict[Identifier, Pack] = Field(
        default_factory=dict, max_length=MOST_PACKS, description="The source packs by name."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the name is pydantic's
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the name is pydantic's
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Command line first, then the environment, then custana.toml."""
        file = project_dir() / SETTINGS_FILE
        return init_settings, env_settings, SettingsFileSource(settings_cls, toml_file=file)

    @model_validator(mode="before")
    @classmethod
    def _booleans_are_no_numbers(cls, given: Any) -> Any:
        return no_booleans_for_numbers(given, {name: field.annotation for name, field in cls.model_fields.items()})

    @property
    def pack(self) -> Pack:
        """The active source pack; WrongUse where custana.toml does not declare it."""
        if self.source not in self.packs:
            known = ", ".join(sorted(self.packs)) or "none"
            raise WrongUse(
                f"There is no source pack '{_printable(self.source)}' in {SETTINGS_FILE} (known: {known}): "
                "choose one of these, or add one (CONTRIBUTING.md, 'How to add a source')."
            )
        return self.packs[self.source]

    @property
    def horizon_days(self) -> int:
        """Days ahead that the models foresee."""
        return self.horizon_days_override or self.pack.horizon_days

    @property
    def sql_dir(self) -> Path:
        """The folder of the SQL models."""
        return self.project_dir / "dbt_like_sql"

    @property
    def warehouse_path(self) -> Path:
        """The DuckDB file of the active source."""
        _ = self.pack  # a source that is none would be a path of its own
        return self.data_dir / "warehouse" / f"{self.source}.duckdb"

    @property
    def published_dir(self) -> Path:
        """Where the published versions and CURRENT are."""
        return self.data_dir / "published"

    @property
    def mlflow_dir(self) -> Path:
        """MLflow's database and artifacts."""
        return self.data_dir / "mlflow"

    @property
    def dagster_home(self) -> Path:
        """Dagster's home: runs, events and dagster.yaml."""
        return self.data_dir / "dagster"

    @property
    def input_path(self) -> Path:
        """The folder or file that the source files are read from, absolute."""
        return input_place(self.input or self.pack.input, self.project_dir)

    @property
    def duckdb_memory_limit(self) -> str:
        """The stated limit, or DuckDB's part of what this process may have."""
        return self.memory_limit or f"{this_machine().duckdb_bytes // 1024**2}MiB"

    @property
    def duckdb_threads(self) -> int:
        """The stated threads, or what processors and memory bear."""
        return self.threads or this_machine().threads(bytes_of(self.duckdb_memory_limit))


def project_dir() -> Path:
    """The project's folder: CUSTANA_PROJECT_DIR, or the nearest one above the working directory, or the package's."""
    if os.environ.get("CUSTANA_PROJECT_DIR"):
        return absolute(os.environ["CUSTANA_PROJECT_DIR"], "CUSTANA_PROJECT_DIR")
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / SETTINGS_FILE).is_file() and (folder / "dbt_like_sql").is_dir():
            return folder
    return Path(__file__).resolve().parents[2]


def load_settings(**overrides: Any) -> Settings:
    """The settings of this process; `overrides` that are None are left to the environment and custana.toml.

    Raises WrongUse that names each wrong field and where it stands, without its value.
    """
    folder = project_dir()
    given = {name: value for name, value in overrides.items() if value is not None}
    given.setdefault("project_dir", folder)
    if os.environ.get("CUSTANA_DATA_DIR"):
        given.setdefault("data_dir", absolute(os.environ["CUSTANA_DATA_DIR"], "CUSTANA_DATA_DIR"))
    try:
        settings = Settings(**given)
    except ValidationError as error:
        raise WrongUse(
            f"The settings are wrong: {_faults(error)}: mend {SETTINGS_FILE} or the CUSTANA_ variable."
        ) from None
    except SettingsError:
        raise WrongUse(
            "A CUSTANA_ variable of the environment is not the JSON that it has to be: mend or unset it."
        ) from None
    # a relative folder is the project's, wherever the command is typed
    return settings.model_copy(update={"data_dir": data_folder(settings.data_dir, folder)})


def _faults(error: ValidationError) -> str:
    faults = error.errors(include_input=False, include_url=False, include_context=False)
    told = [f"{_place(fault['loc'])}: {fault['msg']}" for fault in faults[:MOST_FAULTS_TOLD]]
    more = len(faults) - MOST_FAULTS_TOLD
    return "; ".join(told) + (f"; and {more} more" if more > 0 else "")


def _place(parts: Sequence[Any]) -> str:
    return ".".join(_printable(str(part)) for part in parts)


def _printable(name: str) -> str:
    return shown(re.sub(r"[^\w.\[\]-]", "?", name), 63)
