"""The reference pages of docs/reference, written from the code: definitions, contracts, settings and SQL models."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from custana_pipeline.commands.docs_reasons import reason_rows
from custana_pipeline.stores.breaker_settings import Breakers
from custana_pipeline.stores.database_settings import DatabaseConnection
from custana_pipeline.stores.durable_files import replace_text
from custana_pipeline.stores.packs import Calendar, Pack, RawSet
from custana_pipeline.stores.settings import Settings, load_settings, project_dir

MARK = "<!-- Written by `make docs` from the code: change it there. -->"
PLAIN_TYPES = {"bool": "boolean", "boolean": "boolean", "float64": "double", "int64": "bigint", "str": "varchar"}
ROW_KEYS = ("as_of", "customer_id")
FOUND = {
    "project_dir": "the nearest folder above the working directory that holds `custana.toml`",
    "data_dir": "`data` in the project",
}
"""Settings whose default depends on the machine, in words."""
FEATURE_TABLES = ("behavior", "demand", "segmentation")


def write_reference(folder: Path) -> list[Path]:
    """Writes the reference pages into `folder`, and returns those whose text has changed.

    The pages tell of the source pack `sample` and of custana.toml as it stands; the same code gives the same bytes.
    """
    settings = load_settings(source="sample")
    pages: Mapping[str, Callable[[], str]] = {
        "assets.md": lambda: assets_page(settings),
        "columns.md": columns_page,
        "reasons.md": lambda: reasons_page(settings),
        "settings.md": settings_page,
    }
    changed = []
    for name, page in pages.items():
        path, text = folder / name, page()
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            replace_text(path, text)
            changed.append(path)
    return changed


def write_and_tell() -> int:
    """Writes docs/reference of the project and prints what has changed."""
    from rich.console import Console

    folder = project_dir()
    changed = write_reference(folder / "docs" / "reference")
    names = ", ".join(str(path.relative_to(folder)) for path in changed)
    Console(soft_wrap=True).print(f"Changed: {names}" if changed else "docs/reference is as the code says.")
    return 0


def assets_page(settings: Settings) -> str:
    """Every asset of the sample by stage, then jobs, schedules and sensors."""
    from custana_pipeline.orchestration.code_location import build_definitions
    from custana_pipeline.orchestration.run import STAGES

    definitions = build_definitions(settings)
    specs = sorted(definitions.resolve_all_asset_specs(), key=lambda spec: spec.key.to_user_string())
    checks = sorted((*key.asset_key.path, key.name) for key in definitions.resolve_asset_graph().asset_check_keys)
    parts = [
        "# Assets",
        MARK,
        "What Dagster shows for the source `sample`. A source with other files has other assets in `raw`, and the same "
        "ones after it. Assets of `features` (the histories aside), `models` and `applications` have one partition "
        "a day of the source's calendar: its `as_of`.",
    ]
    for stage in STAGES:
        rows = [_asset_row(spec, checks) for spec in specs if spec.group_name == stage]
        parts += [f"## {stage}", table(("asset", "what it is", "made from", "partitions", "checks"), rows)]
    parts += ["## Jobs, schedules and sensors", table(("name", "what it does", "when"), _automation_rows(definitions))]
    return _page(parts)


def _asset_row(spec: Any, checks: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    own = [f"`{check[-1]}`" for check in checks if list(check[:-1]) == list(spec.key.path)]
    return (
        f"`{spec.key.to_user_string()}`",
        (spec.description or "").split("\n")[0],
        ", ".join(sorted(f"`{dep.asset_key.to_user_string()}`" for dep in spec.deps)) or "files",
        "daily" if spec.partitions_def else "",
        ", ".join(own),
    )


def _automation_rows(definitions: Any) -> list[tuple[str, ...]]:
    jobs = [(f"`{job.name}`", "job", job.description or "", "") for job in definitions.jobs or ()]
    schedules = [
        (f"`{each.name}`", "schedule", each.description or "", f"`{each.cron_schedule}` {each.execution_timezone}")
        for each in definitions.schedules or ()
    ]
    sensors = [(f"`{each.name}`", "sensor", each.description or "", "") for each in definitions.sensors or ()]
    found = sorted([*jobs, *schedules, *sensors], key=lambda row: row[0].strip("`"))
    return [(name, f"{kind}: {told}", when) for name, kind, told, when in found]


def columns_page() -> str:
    """The columns of cleaned tables, feature tables and published lists, with type and meaning."""
    from custana_pipeline.applications.contracts import CONTRACTS as LISTS
    from custana_pipeline.cleaned.contracts import CONTRACTS as CLEANED

    parts = [
        "# Columns",
        MARK,
        "Types are those that the contracts judge: a whole number that may be missing is a double, a day a timestamp "
        "at midnight; the cleaned tables themselves hold quantities and money as decimals. Columns may be null "
        "only where `null` is marked.",
        "## Cleaned tables",
    ]
    for name, contract in CLEANED.items():
        parts += [f"### {name}", _first_line(contract), _contract_table(contract)]
    parts += ["## Feature tables", *_feature_parts(), "## Published lists"]
    for name, contract in LISTS.items():
        parts += [f"### {name}", _first_line(contract), _contract_table(contract)]
    return _page(parts)


def _feature_parts() -> list[str]:
    from custana_pipeline.features import contracts

    schemas = {name: getattr(contracts, f"{name.title()}Features").to_schema().columns for name in FEATURE_TABLES}
    every: dict[str, Any] = {column: told for columns in schemas.values() for column, told in columns.items()}
    rows = [
        (*_column_row(column, told), *("x" if column in columns else "" for columns in schemas.values()))
        for column, told in sorted(every.items(), key=lambda item: (item[0] not in ROW_KEYS, item[0]))
    ]
    return [
        "One row per `as_of` and customer with a purchase before it. All columns are features but `as_of`, "
        "`customer_id` and the three outcomes.",
        table(("column", "type", "", "meaning", *FEATURE_TABLES), rows),
    ]


def _contract_table(contract: Any) -> str:
    columns = contract.to_schema().columns
    rows = [_column_row(name, told) for name, told in columns.items()]
    return table(("column", "type", "", "meaning"), rows)


def _column_row(name: str, column: Any) -> tuple[str, str, str, str]:
    return f"`{name}`", _type(column), "null" if column.nullable else "", str(column.description or "")


def _type(column: Any) -> str:
    name = str(column.dtype).lower()
    if name.startswith(("string", "datetime64")):
        return "varchar" if name.startswith("string") else "timestamp"
    return PLAIN_TYPES.get(name, name)


def _first_line(contract: Any) -> str:
    return (contract.__doc__ or "").strip().split("\n")[0]


def reasons_page(settings: Settings) -> str:
    """Every reason by which a line is not kept, with its status."""
    parts = [
        "# Reasons",
        MARK,
        "Every line that is read ends up once in `cleaned.<table>_lines`: kept, set aside or rejected. What is set "
        "aside is sound, but not for this use; what is rejected cannot be read. Where several reasons fit, "
        "the first one of the table is told; a source's own reasons follow right after `exact_duplicate`. Lines that "
        "cannot be split into fields are in `raw.malformed_lines`.",
        table(("table", "reason", "status", "meaning"), reason_rows(settings.sql_dir, sorted(settings.packs))),
    ]
    return _page(parts)


def settings_page() -> str:
    """Every setting with its variable, default and meaning."""
    parts = [
        "# Settings",
        MARK,
        "A setting is taken from the command line, else from the environment, else from `custana.toml`, else it has "
        "its default. An unknown name is refused.",
        "## custana.toml and environment",
        table(("setting", "variable", "default", "meaning"), _setting_rows(Settings, "CUSTANA_")),
    ]
    nested: tuple[tuple[str, type, str], ...] = (
        ("A source: `[packs.<name>]`", Pack, "These stand in `custana.toml` only."),
        ("Its days: `calendar = { ... }`", Calendar, ""),
        ("Its circuit breakers: `[packs.<name>.breakers]`", Breakers, ""),
        ("One set of its files: `[packs.<name>.raw.<set>]`", RawSet, "`<set>` names the table `raw.<set>`."),
        ("A database: `[connections.<name>]`", DatabaseConnection, "These stand in `custana.toml` only."),
    )
    for title, model, told in nested:
        rows = [(name, default, meaning) for name, _, default, meaning in _setting_rows(model, "")]
        parts += [f"## {title}", told, table(("setting", "default", "meaning"), rows)]
    return _page(parts)


def _setting_rows(model: Any, prefix: str) -> list[tuple[str, ...]]:
    rows = []
    for name, field in model.model_fields.items():
        if name in ("packs", "connections"):
            continue
        default = FOUND.get(name, "required") if field.is_required() else _shown(field.get_default())
        rows.append((f"`{name}`", f"`{prefix}{name.upper()}`", default, field.description or ""))
    return rows


def _shown(value: Any) -> str:
    if value in (None, "", (), {}):
        return "none"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; bars within cells are escaped.

    >>> table(("a", "b"), [("1", "x | y")])
    '| a | b |\\n|---|---|\\n| 1 | x \\\\| y |'
    """
    lines = [headings, *rows]
    told = ["| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in line) + " |" for line in lines]
    return "\n".join([told[0], "|---" * len(headings) + "|", *told[1:]])


def _page(parts: Sequence[str]) -> str:
    return "\n\n".join(part for part in parts if part) + "\n"
