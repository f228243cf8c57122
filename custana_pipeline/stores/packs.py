"""What custana.toml says of a source: its files, their columns, and the days that it can be asked about."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from custana_pipeline.stores.breaker_settings import Breakers
from custana_pipeline.stores.database_settings import COLUMN, TABLE
from custana_pipeline.stores.settings_rules import (
    MOST_COLUMNS,
    MOST_PATTERNS,
    OWN_RAW_SETS,
    Day,
    FieldMark,
    FilePattern,
    Identifier,
    OneLine,
    RawName,
    TimeFormat,
    Zone,
    no_booleans_for_numbers,
)


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _booleans_are_no_numbers(cls, given: Any) -> Any:
        return no_booleans_for_numbers(given, {name: field.annotation for name, field in cls.model_fields.items()})


class RawSet(_Frozen):
    """One set of source files that share a shape, or one table of a database, and the raw table they land in."""

    files: tuple[FilePattern, ...] = Field(
        (),
        max_length=MOST_PATTERNS,
        description="File name patterns, such as 'orders*.csv', below the pack's input folder.",
    )
    connection: str = Field("", description="Instead of files: the name of the database connection to read from.")
    table: str = Field("", description="The table or view of that database, such as 'public.order_lines'.")
    order_by: tuple[str, ...] = Field(
        (), description="Columns of its key: rows in this order are the same file each time that nothing changed."
    )
    format: Literal["csv", "blank_separated", "fixed_width"] = Field(
        "csv", description="How text files are laid out; .parquet and .gz are known by their names."
    )
    delimiter: FieldMark = Field(
        ",", min_length=1, max_length=1, description="The character between two fields of a csv."
    )
    header: bool = Field(True, strict=True, description="Whether the first line names the columns.")
    columns: dict[RawName, OneLine] | tuple[RawName, ...] = Field(
        min_length=1,
        max_length=MOST_COLUMNS,
        description="Raw name -> header of each column to load; without a header the raw names in file order; "
        "for fixed_width raw name -> first and last character, such as '1-5'.",
    )
    optional: tuple[str, ...] = Field((), description="Raw names whose header may be missing; they load as null.")
    required: bool = Field(True, strict=True, description="Whether a run without any such file is an error.")

    @field_validator("columns")
    @classmethod
    def _names_stand_once(cls, columns: Any) -> Any:
        if len(set(columns)) < len(columns):
            raise ValueError("a raw name stands more than once")
        return columns

    @model_validator(mode="after")
    def _is_files_or_a_table(self) -> "RawSet":
        if bool(self.files) == bool(self.connection) or bool(self.connection) != bool(self.table):
            raise ValueError("a raw set has either files, or a connection and a table")
        names = [*self.order_by, *(self.headers.values() if self.connection else ())]
        if (self.table and not TABLE.match(self.table)) or not all(COLUMN.match(name) for name in names):
            raise ValueError("tables and columns of a database are letters, digits and _, not a digit first")
        if self.connection and (self.format, self.header) != ("csv", True):
            raise ValueError("a table has neither format nor header = false")
        return self

    @property
    def headers(self) -> dict[str, str]:
        """Raw name -> header."""
        return dict(self.columns) if isinstance(self.columns, dict) else {name: name for name in self.columns}


class Calendar(_Frozen):
    """The days that a source can be asked about."""

    start: Day = Field(description="The first as_of day.")
    end: Day | None = Field(None, description="The last as_of day of a closed data set; none while data keeps coming.")

    @model_validator(mode="after")
    def _starts_before_it_ends(self) -> "Calendar":
        if self.end is not None and self.end < self.start:
            raise ValueError("the calendar ends before it starts")
        return self


class Pack(_Frozen):
    """A source pack: which files there are, how they are written, and which days they cover."""

    description: OneLine = Field("", description="One line on what the source is.")
    input: OneLine = Field(
        "", description="Folder or file that the source files are read from, relative to the project."
    )
    timezone: Zone = Field("UTC", description="IANA name of the zone that the source's local times are in.")
    horizon_days: int = Field(90, ge=1, le=730, description="Days ahead that the models foresee.")
    calendar: Calendar = Field(description="The as_of days.")
    timestamp_format: TimeFormat = Field(
        "%Y-%m-%d %H:%M:%S", description="strptime format of ordered_at and happened_at."
    )
    date_format: TimeFormat = Field("%Y-%m-%d", description="strptime format of dates such as signed_up_at.")
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
    currency: OneLine = Field(
        "", max_length=8, description="What amounts are counted in, as the report shows it: £, EUR, ..."
    )
    raw: dict[Identifier, RawSet] = Field(
        min_length=1, max_length=50, description="The raw sets by the name of their raw table."
    )

    @model_validator(mode="after")
    def _number_marks_differ(self) -> "Pack":
        if self.decimal_mark == self.thousands_mark:
            raise ValueError("decimal_mark and thousands_mark are the same")
        return self

    @field_validator("raw")
    @classmethod
    def _own_tables_stay_own(cls, raw: dict[str, RawSet]) -> dict[str, RawSet]:
        reserved = OWN_RAW_SETS & raw.keys()
        if reserved:
            raise ValueError(f"the names {', '.join(sorted(reserved))} are custana's own")
        return raw
