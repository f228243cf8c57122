"""Dagster's home: its settings file and its databases, made once, before anything else touches them.

The web server and the daemon race for the schema of an empty home, and the loser's thread dies unseen; so the schema is
laid out here, by one process, under a lock.
"""

import importlib.metadata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from custana_pipeline.errors import CustanaError, WrongUse
from custana_pipeline.stores import store_templates
from custana_pipeline.stores.durable_files import replace_text
from custana_pipeline.stores.file_locks import holding

if TYPE_CHECKING:
    from dagster import DagsterInstance

SETTINGS_FILE = "dagster.yaml"
_EVENTS = "custana_pipeline.stores.dagster_events"
_PREPARED_BY = "prepared-by"
_DATABASES = ("history/runs.db", "history/runs/index.db", "schedules/schedules.db")
# The command writes its own progress: with the default manager its standard streams would end in files.
_NO_CAPTURE = {
    "compute_logs": {
        "module": "dagster._core.storage.noop_compute_log_manager",
        "class": "NoOpComputeLogManager",
        "config": {},
    }
}


def prepare(home: Path) -> Path:
    """Makes the home usable and returns its absolute path; does nothing where this version has prepared it before.

    A dagster.yaml that is already there stays as it is. Raises WrongUse when that file has a fault.
    """
    home = home.expanduser().resolve()
    marker, version = home / _PREPARED_BY, importlib.metadata.version("dagster")
    if _is_prepared(home, marker, version):
        return home
    with holding(home / "preparing.lock"):
        if not _is_prepared(home, marker, version):
            has_own_settings = (home / SETTINGS_FILE).exists()
            _place_settings(home)
            if has_own_settings or not _copy_schema(home):
                _lay_out_schema(home, is_older=marker.exists())
            replace_text(marker, version)
    return home


@contextmanager
def opened(home: Path, *, captures_output: bool = False) -> Iterator["DagsterInstance"]:
    """Dagster's instance over a prepared home; runs inside the block keep their standard streams unless captured."""
    instance = _open(home, captures_output)
    try:
        yield instance
    finally:
        instance.dispose()


def _is_prepared(home: Path, marker: Path, version: str) -> bool:
    has_files = (home / SETTINGS_FILE).is_file() and (home / "history" / "runs.db").is_file()
    return has_files and marker.is_file() and marker.read_text() == version


def _place_settings(home: Path) -> None:
    target = home / SETTINGS_FILE
    if not target.exists():
        template = resources.files("custana_pipeline.stores").joinpath(SETTINGS_FILE)
        replace_text(target, template.read_text(encoding="utf-8"))


def keep_template() -> None:
    """Keeps an empty home's databases, from which new homes are copied."""
    store_templates.keep("dagster", importlib.metadata.version("dagster"), _DATABASES, prepare)


def _copy_schema(home: Path) -> bool:
    """Copies empty databases, where they are kept and the home has none."""
    is_empty = not any((home / name).exists() for name in _DATABASES)
    return is_empty and store_templates.place("dagster", importlib.metadata.version("dagster"), _DATABASES, home)


def _lay_out_schema(home: Path, *, is_older: bool) -> None:
    with opened(home) as instance:  # opening an empty home creates its databases
        if is_older:
            instance.upgrade(print_fn=None)


def _open(home: Path, captures_output: bool) -> "DagsterInstance":
    from dagster import DagsterInstance, DagsterInvalidConfigError
    from dagster._core.instance.ref import InstanceRef

    overrides = {} if captures_output else {**_NO_CAPTURE, **_kept_events(home)}
    try:
        return DagsterInstance.from_ref(InstanceRef.from_dir(str(home), overrides=overrides))
    except DagsterInvalidConfigError as error:
        raise WrongUse(
            f"{home / SETTINGS_FILE} has settings that Dagster does not take ({_faults(error)}): mend them, "
            "or delete the file and custana puts its own there."
        ) from None
    except OSError as error:
        raise CustanaError(f"Dagster's home {home} cannot be used ({error.strerror}): check its rights.") from None


def _kept_events(home: Path) -> dict[str, Any]:
    """The command's own way to write events; none where the home keeps them elsewhere."""
    with suppress(OSError, yaml.YAMLError):
        told = yaml.safe_load((home / SETTINGS_FILE).read_text(encoding="utf-8")) or {}
        if not {"storage", "event_log_storage"} & set(told):
            place = {"base_dir": str(home / "history" / "runs")}
            return {"event_log_storage": {"module": _EVENTS, "class": "KeptEventLog", "config": place}}
    return {}


def _faults(error: Exception) -> str:
    # A fault's text goes on with the whole schema, three screens long.
    found = [str(fault.message).split(" Expected: ")[0] for fault in getattr(error, "errors", None) or []]
    return "; ".join(found) or type(error).__name__
