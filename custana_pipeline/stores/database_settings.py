"""How custana.toml declares a database that raw sets are read from, and a table in it."""

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from custana_pipeline.stores.secrets import SecretName
from custana_pipeline.stores.settings_rules import OneLine

TABLE = re.compile(r"^[A-Za-z_][A-Za-z0-9_]{0,62}(\.[A-Za-z_][A-Za-z0-9_]{0,62})?\Z")
COLUMN = re.compile(r"^[A-Za-z_][A-Za-z0-9_]{0,62}\Z")
LOOPBACK = ("localhost", "127.0.0.1", "::1")

Tls = Literal["verify-full", "verify-ca", "require", "prefer", "disable"]


class DatabaseConnection(BaseModel):
    """A database that tables are read from; a secret is named by its environment variable and stands nowhere else."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["postgres", "duckdb", "sqlite"] = Field(description="What the database is.")
    database: OneLine = Field(
        min_length=1,
        description="Name of the database; for duckdb and sqlite the path of its file, relative to the project.",
    )
    host: str = Field(
        "127.0.0.1",
        pattern=r"^[A-Za-z0-9_./:-]+$",
        description="Host of a server, or the absolute folder of its Unix socket.",
    )
    port: int = Field(5432, ge=1, le=65535, description="Port of a server.")
    user: OneLine = Field("", description="Who custana is to a server; reading rights suffice.")
    password_from: SecretName | None = Field(None, description="Environment variable that holds the password.")
    tls: Tls | None = Field(
        None, description="libpq's sslmode; when empty, prefer on this machine and verify-full for any other host."
    )
    root_certificate: OneLine = Field(
        "system", description="File of the certificates that verify-full and verify-ca trust, or 'system'."
    )
    timeout_seconds: int = Field(1800, ge=1, description="Longest time that one statement of a server may take.")

    @model_validator(mode="after")
    def _a_server_has_a_user(self) -> "DatabaseConnection":
        if self.kind == "postgres" and not self.user:
            raise ValueError("a postgres connection needs a user")
        if self.kind != "postgres" and (self.user or self.password_from):
            raise ValueError(f"a {self.kind} file has neither user nor password")
        return self

    @property
    def tls_mode(self) -> str:
        """The stated mode, or the safe one for where the host is."""
        is_here = self.host in LOOPBACK or self.host.startswith("/")
        return self.tls or ("prefer" if is_here else "verify-full")

    @property
    def place(self) -> str:
        """Which database it is, without who reads it."""
        return f"{self.kind}:{self.host}:{self.port}/{self.database}" if self.kind == "postgres" else self.database
