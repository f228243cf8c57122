"""Settings: custana.toml, overridden by CUSTANA_* variables of the environment, overridden by the command line.

Secrets never stand in custana.toml. Every field says its unit and what it does; unknown fields are refused.
"""

import datetime as dt
import os
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from custana_pipeline.errors import WrongUse
from custana_pipeline.stores.alert_settings import SECRETS, AlertSettings, Names
from custana_pipeline.stores.breaker_settings import Breakers

IDENTIFIER = re.compile(r"^[a-z][a-z0-9_]{0,62}$")
SETTINGS_FILE = "custana.toml"


def _identifier(name: str) -> str:
    if not IDENTIFIER.match(name):
        raise ValueError("a name is lower-case letters, digits and _, begins with a letter, and has at most 63 of them")
    return name


Identifier = Annotated[str, Field(min_length=1)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RawSet(_Frozen):
    """One set of source files that share a shape, and the raw table they land in."""

    files: tuple[str, ...] = Field(
        description="File name patterns, such as 'orders*.csv', below the pack's input folder."
    )
    format: Literal["csv", "blank_separated", "fixed_width"] = Field(
        "csv", description="How text files are laid out; .parquet and .gz are known by their names."
    )
    delimiter: str = Field(",", min_length=1, max_length=1, description="The character between two fields of a csv.")
    header: bool = Field(True, description="Whether the first line names the columns.")
    columns: dict[str, str] | tuple[str, ...] = Field(
        description="Raw name -> header of each column to load; without a header the raw names in file order; "
        "for fixed_width raw name -> first and last character, such as '1-5'."
    )
    optional: tuple[str, ...] = Field((), description="Raw names whose header may be missing; they load as null.")
    required: bool = Field(True, description="Whether a run without any such file is an error.")

    @field_validator("columns")
    @classmethod
    def _raw_names_are_identifiers(cls, columns: Any) -> Any:
        for name in columns:
            _identifier(name)
        return columns

    @property
    def headers(self) -> dict[str, str]:
        """Raw name -> header."""
        return dict(self.columns) if isinstance(self.columns, dict) else {name: name for name in self.columns}


class Calendar(_Frozen):
    """The days that a source can be asked about."""

    start: dt.date = Field(description="The first as_of day.")
    end: dt.date | None = Field(
        None, description="The last as_of day of a closed data set; none while data keeps coming."
    )

    @model_validator(mode="after")
    def _starts_before_it_ends(self) -> "Calendar":
        if self.end is not None and self.end < self.start:
            raise ValueError("the calendar ends before it starts")
        return self


class Pack(_Frozen):
    """A source pack: which files there are, how they are written, and which days they cover."""

    description: str = Field("", description="One line on what the source is.")
    input: str = Field("", description="Folder or file that the source files are read from, relative to the project.")
    timezone: str = Field("UTC", description="IANA name of the zone that the source's local times are in.")
    horizon_days: int = Field(90, ge=1, le=730, description="Days ahead that the models foresee.")
    calendar: Calendar = Field(description="The as_of days.")
    timestamp_format: str = Field("%Y-%m-%d %H:%M:%S", description="strptime format of ordered_at and happened_at.")
    date_format: str = Field("%Y-%m-%d", description="strptime format of dates such as signed_up_at.")
    decimal_mark: Literal[".", ","] = Field(".", description="What stands before the decimals of a number.")
    thousands_mark: Literal["", ",", ".", " ", "'"] = Field(
        "", description="What stands between thousands; without one, a number with such a mark is rejected."
    )
    breakers: Breakers = Field(
        default=Breakers(), description="When days that look wrong warn, and when they stop a run."
    )
    identical_lines: Literal["duplicate", "keep"] = Field(
        "duplicate",
        description="Whether a line equal to another in every field is a duplicate, or a purchase of its own.",
    )
    currency: str = Field("", description="What amounts are counted in, as the report shows it: £, EUR, ...")
    raw: dict[str, RawSet] = Field(min_length=1, description="The raw sets by the name of their raw table.")

    @field_validator("timezone")
    @classmethod
    def _timezone_is_known(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("there is no such IANA time zone, as 'Europe/London' is one") from None
        return name

    @model_validator(mode="after")
    def _number_marks_differ(self) -> "Pack":
        if self.decimal_mark == self.thousands_mark:
            raise ValueError("decimal_mark and thousands_mark are the same")
        return self

    @field_validator("raw")
    @classmethod
    def _raw_sets_are_identifiers(cls, raw: dict[str, RawSet]) -> dict[str, RawSet]:
        for name in raw:
            _identifier(name)
        reserved = {"files", "file_stamps", "inputs", "malformed_lines"} & raw.keys()
        if reserved:
            raise ValueError(f"the names {', '.join(sorted(reserved))} are custana's own")
        return raw


class Settings(AlertSettings):
    """Everything that a run is told; see the fields of Pack for what belongs to a source."""

    model_config = SettingsConfigDict(env_prefix="CUSTANA_", frozen=True, extra="forbid")

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
    memory_limit: str = Field(
        "",
        pattern=r"^(\d+(\.\d+)?\s*[KMGT]i?B)?$",
        description="DuckDB's memory limit, such as '4GB'; half of the machine's when empty.",
    )
    threads: int = Field(2, ge=1, description="Threads of DuckDB and of the numeric libraries.")
    seed: int = Field(7, ge=0, description="Seed of everything that is drawn.")
    origin_step_days: int = Field(45, ge=1, description="Days between two training origins.")
    origin_count: int = Field(4, ge=1, le=24, description="Training origins that are stacked.")
    audience_share: float = Field(0.3, gt=0, le=1, description="Share of the customers that the audience aims at.")
    control_share: float = Field(0.05, ge=0, le=0.5, description="Share of the audience kept out as the control group.")
    contact_cost: float | None = Field(
        None,
        ge=0,
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
    warehouse_days: int = Field(40, ge=1, description="Days run last whose features and lists the warehouse keeps.")
    max_runtime_seconds: int = Field(
        14400, ge=1, description="Seconds after which a run that has not ended is taken for hung, and ended as failed."
    )
    snapshots: int = Field(
        1,
        ge=0,
        le=1000,
        description="Copies of the warehouse that `custana verify --repair` restores from; 0 for none.",
    )
    run_wait_seconds: float = Field(
        3600, ge=0, description="How long a run waits for another run of the same source before it gives up."
    )
    warehouse_wait_seconds: float = Field(
        120, ge=0, description="How long a change waits for a reader that has the warehouse open before it gives up."
    )
    nightly_hour: int = Field(3, ge=0, le=23, description="Local hour of the nightly retraining; ingest is one before.")
    dagster_port: int = Field(3000, ge=1, le=65535, description="Loopback port of the Dagster UI.")
    mlflow_port: int = Field(5000, ge=1, le=65535, description="Loopback port of the MLflow UI.")
    ui_hosts: Names = Field(
        (), description="Names by which a reverse proxy passes requests on to the two pages, such as 'shop.example'."
    )
    owner: str = Field("team:analytics", description="Owner of the assets: an e-mail address, or team:<name>.")
    packs: dict[str, Pack] = Field(default_factory=dict, description="The source packs by name.")

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
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=file)

    @model_validator(mode="after")
    def _pack_names_are_identifiers(self) -> "Settings":
        for name in self.packs:
            _identifier(name)
        return self

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
        given = Path(self.input) if self.input else self.project_dir / self.pack.input
        return given.expanduser().resolve()

    @property
    def duckdb_memory_limit(self) -> str:
        """The stated limit, or half of the machine's memory, at least 1 GB."""
        return self.memory_limit or f"{max(1, _machine_memory_bytes() // 2 // 1024**3)}GB"


def project_dir() -> Path:
    """The project's folder: CUSTANA_PROJECT_DIR, or the nearest one above the working directory, or the package's."""
    if os.environ.get("CUSTANA_PROJECT_DIR"):
        return Path(os.environ["CUSTANA_PROJECT_DIR"]).expanduser().resolve()
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
    if "CUSTANA_DATA_DIR" in os.environ:
        given.setdefault("data_dir", Path(os.environ["CUSTANA_DATA_DIR"]).expanduser().absolute())
    try:
        settings = Settings(**given)
    except ValidationError as error:
        faults = "; ".join(_fault(fault) for fault in error.errors(include_input=False, include_url=False))
        raise WrongUse(f"The settings are wrong: {faults}: mend {SETTINGS_FILE} or the CUSTANA_ variable.") from None
    except ValueError as error:
        raise WrongUse(f"{SETTINGS_FILE} cannot be read as TOML ({error}): mend that line.") from None
    _refuse_secrets_in(folder / SETTINGS_FILE)
    # a relative folder is the project's, wherever the command is typed
    return settings.model_copy(update={"data_dir": (folder / settings.data_dir.expanduser()).resolve()})


def _refuse_secrets_in(file: Path) -> None:
    told = tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    for name in SECRETS:
        if name in told:
            raise WrongUse(
                f"{name} is a secret: take it out of {SETTINGS_FILE}, and set CUSTANA_{name.upper()} instead."
            )


def _fault(fault: Any) -> str:
    return f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}"


def _printable(name: str) -> str:
    return re.sub(r"[^\w.-]", "?", name)[:63]


def _machine_memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
