"""Tables of a PostgreSQL server: streamed as text out of one read-only snapshot, with bounded memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

from custana_pipeline.errors import CustanaError, Transient, WrongUse
from custana_pipeline.stores.databases import ROWS_PER_BATCH, DatabaseTable, OpenTable, Row
from custana_pipeline.stores.secrets import secret

CONNECT_SECONDS = 10
_ZONED = "timestamp with time zone"
_SESSION = {"datestyle": "ISO, YMD", "timezone": "UTC", "client_encoding": "UTF8", "lock_timeout": "60s"}
_PASSING = ("53", "55", "57P01", "57P02", "57P03", "40", "08", "57014")
"""SQLSTATE classes and codes of what passes: resources, locks, shutdowns, conflicts, connections, timeouts."""
_REFUSED = ("28", "3D000", "42501")
"""Those of a server that does not know the user, the password or the database."""


@contextmanager
def opened(table: DatabaseTable) -> Iterator[OpenTable]:
    """A table or view in a repeatable-read, read-only transaction.

    Raises WrongUse where the server, the table, a column or the right to read it is not as declared, and Transient for
    a server that cannot be reached, is shutting down, or goes away while it is read.
    """
    import psycopg
    from psycopg import sql

    try:
        with _connected(table) as connection, connection.transaction():
            columns = _columns(connection, table)
            count = _rows(connection, sql.SQL("select count(*) from {}").format(_identifier(table.name)))[0][0]
            yield OpenTable(columns=list(columns), row_count=count, batches=_batches(connection, table, columns))
    except psycopg.Error as fault:
        raise _told(fault, table) from None


@contextmanager
def _connected(table: DatabaseTable) -> Iterator[Any]:
    import psycopg

    declared = table.connection
    use = f"connection {table.connection_name}"
    password = secret(declared.password_from, use).get_secret_value() if declared.password_from else ""
    verifies = declared.tls_mode.startswith("verify")
    with psycopg.connect(
        host=declared.host,
        port=declared.port,
        dbname=declared.database,
        user=declared.user,
        password=password,
        sslmode=declared.tls_mode,
        sslrootcert=declared.root_certificate if verifies else "",
        connect_timeout=CONNECT_SECONDS,
        application_name="custana",
        keepalives_idle=30,
        autocommit=True,
    ) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        timeout = {"statement_timeout": f"{declared.timeout_seconds}s"}
        for setting, value in (_SESSION | timeout).items():
            connection.execute("select set_config(%s, %s, false)", (setting, value))
        connection.autocommit = False
        yield connection


def _rows(connection: Any, query: Any, parameters: tuple = ()) -> list[tuple]:
    return connection.execute(query, parameters).fetchall()


def _identifier(name: str) -> Any:
    from psycopg import sql

    return sql.Identifier(*name.split("."))


def _columns(connection: Any, table: DatabaseTable) -> dict[str, str]:
    """Column -> type of those that are wanted and there; WrongUse for a missing table or column, or a binary one."""
    name = _identifier(table.name).as_string(connection)
    found = dict(
        _rows(
            connection,
            "select attname::text, format_type(atttypid, null) from pg_catalog.pg_attribute "
            "where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped order by attnum",
            (name,),
        )
    )
    if not found:
        raise WrongUse(
            f"{table.label}: there is no such table or view for user {table.connection.user} in that database: "
            "correct `table` in custana.toml (schema.table), or grant usage of its schema."
        )
    wanted = {column: found[column] for column in table.present(list(found))}
    if binary := [column for column, kind in wanted.items() if kind == "bytea"]:
        raise WrongUse(
            f"{table.label}: column {', '.join(binary)} is binary (bytea) and cannot be text: leave it out, or read a "
            "view that encodes it."
        )
    return wanted


def _batches(connection: Any, table: DatabaseTable, columns: dict[str, str]) -> Iterator[list[Row]]:
    with connection.cursor() as cursor, cursor.copy(_copy(table, columns)) as copy:
        copy.set_types(["text"] * len(columns))
        rows = copy.rows()
        while batch := list(islice(rows, ROWS_PER_BATCH)):
            yield batch


def _copy(table: DatabaseTable, columns: dict[str, str]) -> Any:
    """The COPY of the columns as text; moments with a zone are told in the local time of the source."""
    from psycopg import sql

    zoned = sql.SQL("({} at time zone {})::text")
    shown = [
        zoned.format(sql.Identifier(name), sql.Literal(table.timezone))
        if kind == _ZONED
        else sql.SQL("{}::text").format(sql.Identifier(name))
        for name, kind in columns.items()
    ]
    order = sql.SQL(" order by ") + sql.SQL(", ").join(map(sql.Identifier, table.order_by))
    return sql.SQL("copy (select {} from {}{}) to stdout").format(
        sql.SQL(", ").join(shown), _identifier(table.name), order if table.order_by else sql.SQL("")
    )


def _told(fault: Any, table: DatabaseTable) -> CustanaError:
    """The error in our words: the server's own text may hold the password's user, values or statements."""
    declared, state = table.connection, fault.sqlstate or ""
    at = f"connection {table.connection_name} (PostgreSQL at {declared.host}, port {declared.port})"
    if state.startswith("42501"):
        return WrongUse(f"{table.label}: user {declared.user} may not read it: grant select on it.")
    if state.startswith(_REFUSED) or (not state and _is_refusal(str(fault))):
        return WrongUse(
            f"{at}: it refuses user {declared.user} or does not know database {declared.database}: check user, "
            "database and the password's variable (password_from)."
        )
    if not state and "SSL" in str(fault).upper().replace("CERTIFICATE", "SSL"):
        return WrongUse(
            f"{at}: no connection by TLS ({declared.tls_mode}): give the server a certificate, say which to trust with "
            "root_certificate, or choose another tls."
        )
    if state == "57014":
        return Transient(f"{table.label}: reading took longer than timeout_seconds = {declared.timeout_seconds}.")
    if not state or state.startswith(_PASSING):
        told = f" (SQLSTATE {state})" if state else ""
        return Transient(
            f"{at}: it cannot be reached, or went away while {table.name} was read{told}: see whether it runs."
        )
    return CustanaError(f"{at}: {table.name} cannot be read (SQLSTATE {state}): look it up in the server's log.")


def _is_refusal(text: str) -> bool:
    """Whether a server has answered a connection with a no; that it is starting or full is none."""
    passing = ("starting up", "shutting down", "too many", "remaining connection slots", "recovery")
    return "FATAL" in text and not any(each in text for each in passing)
