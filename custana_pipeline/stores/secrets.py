"""Secrets: read from the environment alone, told of by the name of their variable, never shown.

custana.toml may name a variable (a field of the type `SecretName`); the secret itself never stands in a file, and
`secret` is what turns the name into its value, at the moment of use. What `secret` has handed out in this process,
`without_secrets` takes out of a text, such as the message of a library that quotes its connection string.
"""

import os
from collections.abc import Mapping
from typing import Annotated
from urllib.parse import quote, quote_plus

from pydantic import Field, SecretStr

from custana_pipeline.errors import WrongUse

SecretName = Annotated[
    str,
    Field(pattern=r"^[A-Z][A-Z0-9_]{2,62}$", description="Name of the environment variable that holds a secret."),
]
LEAST_HIDDEN = 4
"""Shorter secrets are not taken out of texts: they would blacken ordinary words."""
_handed_out: set[str] = set()


def secret(variable: str, use: str, environment: Mapping[str, str] | None = None) -> SecretStr:
    """The value of a variable of the environment, that hides itself in every repr.

    Raises WrongUse that names the variable and the `use`, such as 'the database of source shop', where it is not set or
    empty: there is no default for a secret.
    """
    value = (os.environ if environment is None else environment).get(variable, "")
    if not value.strip():
        raise WrongUse(
            f"The variable {variable} is not set, and {use} needs it: set it in the environment of the command or the "
            "service, never in custana.toml."
        )
    keep_secret(value)
    return SecretStr(value)


def keep_secret(value: str) -> None:
    """Has `without_secrets` take this value out of texts from now on."""
    if len(value) >= LEAST_HIDDEN:
        _handed_out.update({value, quote(value), quote(value, safe=""), quote_plus(value), repr(value)[1:-1]})


def without_secrets(text: str) -> str:
    """The text with every secret that was handed out in this process, plain or as in a URL, replaced by ***."""
    for value in sorted(_handed_out, key=lambda each: (-len(each), each)):
        text = text.replace(value, "***")
    return text
