"""The reading of custana.toml: a small, plain file of TOML in which no secret stands."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic_settings import BaseSettings, TomlConfigSettingsSource

from custana_pipeline.errors import WrongUse, shown
from custana_pipeline.raw.plain_files import read_text

MOST_BYTES = 256 * 1024
_LONG_KEY = re.compile(
    r"""(?<![\w-])(?:(?:[\w-]{1,100}|"[^"\n]{0,100}"|'[^'\n]{0,100}')\s{0,5}\.\s{0,5}){16}""", re.ASCII
)
"""A key of so many parts; Python's reader takes the square of their number in time and memory."""
_SECRET_NAME = re.compile(
    r"(password|passwd|passphrase|pwd|secret|token|api_?key|access_?key|private_?key|credentials?)$", re.IGNORECASE
)
_SECRET_VALUE = re.compile(
    r"[a-z][a-z0-9+.-]{0,30}://[^/@\s:]*:[^/@\s]+@|\b(password|passwd|pwd|secret|token|api_?key)\s*=\s*\S",
    re.IGNORECASE,
)
"""Names of kinds of addresses are short; without a bound a long text would take the square of its length."""


class SettingsFileSource(TomlConfigSettingsSource):
    """custana.toml as pydantic reads it, with secrets refused."""

    def __init__(self, settings_cls: type[BaseSettings], toml_file: Path) -> None:
        self._secrets = secret_fields(settings_cls)
        super().__init__(settings_cls, toml_file)  # reads

    def _read_file(self, file_path: Path) -> dict[str, Any]:
        told = read_settings_file(file_path)
        refuse_secrets(told, self._secrets)
        return told


def read_settings_file(path: Path) -> dict[str, Any]:
    """What the file says; WrongUse, with the line, where it is no TOML, or larger than any settings are."""
    text = read_text(path, MOST_BYTES)
    if _LONG_KEY.search(text):
        raise WrongUse(f"{path.name} has a key of more than 16 parts: no setting is nested as deep.")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise WrongUse(f"{path.name} cannot be read as TOML ({shown(str(error), 200)}): mend that line.") from None
    except (ValueError, RecursionError):
        raise WrongUse(f"{path.name} cannot be read: it is nested too deep, or holds a number that is none.") from None


def secret_fields(settings: type[BaseSettings]) -> frozenset[str]:
    """The fields whose values are secrets, by their type."""
    return frozenset(name for name, field in settings.model_fields.items() if "SecretStr" in str(field.annotation))


def refuse_secrets(told: dict[str, Any], fields: frozenset[str]) -> None:
    """Raises WrongUse, without the value, where a secret, or what is named like one, stands in the file."""
    for place, value in _texts(told):
        name = place[-1]
        if name in fields or _SECRET_NAME.search(name) or _SECRET_VALUE.search(value):
            where = shown(".".join(place), 200)
            variable = f"CUSTANA_{name.upper()}" if name in fields else "a variable of the environment"
            raise WrongUse(
                f"custana.toml holds a secret at {where}: take it out, change it where it is used, and set {variable} "
                "instead."
            )


def _texts(told: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every text with its place; the names of columns are the data's own words."""
    waiting: list[tuple[tuple[str, ...], Any]] = [((name,), value) for name, value in told.items()]
    while waiting:
        place, value = waiting.pop()
        if isinstance(value, dict) and place[-1] != "columns":
            waiting.extend(((*place, name), each) for name, each in value.items())
        elif isinstance(value, list):
            waiting.extend((place, each) for each in value)
        elif isinstance(value, str):
            yield place, value
