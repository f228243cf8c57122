"""What a SQL model may say, judged on the tree of the very parser that runs it.

A model is one SELECT over stored tables and its own common table expressions. It reads no file, calls no table function
but those that make rows of their arguments, and asks nothing of the machine, the session, the clock or chance. DuckDB's
parser is asked, since any other might read the same text in another way; the connection (stores/hardened.py) is the
second line.
"""

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import duckdb

from custana_pipeline.stores.hardened import STARTING, harden

STORED = ("raw", "sources", "cleaned", "features", "models", "applications")
ROW_MAKERS = ("unnest", "generate_series", "range")
"""The table functions that a model may call."""
QUERIES = ("SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE")
FROM_PARTS = ("BASE_TABLE", "SUBQUERY", "JOIN", "TABLE_FUNCTION", "EXPRESSION_LIST", "EMPTY", "CTE")
LONGEST_TEXT = 200_000
"""Characters of a model."""
_FORBIDDEN_CALLS = re.compile(
    r"^(current_setting|getenv|getvariable|query|query_table|json_execute_.*|read_.*|glob|sniff_csv|parquet_.*|write_log"
    r"|which_secret|pragma_.*|duckdb_.*|pg_sleep|sleep.*|nextval|currval|setval|setseed|current_query.*"
    r"|.*_external_resource.*|load_.*|http.*|dlopen|system|shell.*"
    r"|now|today|current_.*|get_current_.*|transaction_timestamp|txid_current|random|uuid|uuidv.*|gen_random_uuid"
    r"|user|session_user|version|in_search_path|has_.*_privilege|sql_auto_complete)$"
)
_ASKING_WORDS = frozenset(
    ("current_date", "current_time", "current_timestamp", "localtime", "localtimestamp", "current_user", "session_user")
)
"""What DuckDB takes for a call where no column has that name."""
_PLAIN_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")


@cache
def why_unsafe(texts: tuple[str, ...]) -> list[str | None]:
    """For each text why it may not run as a model, in words that go after its file's name; None where it may."""
    with duckdb.connect(config=STARTING | {"threads": 1}) as connection:
        harden(connection)
        return [_why_unsafe(connection, text) for text in texts]


def _why_unsafe(connection: duckdb.DuckDBPyConnection, text: str) -> str | None:
    if len(text) > LONGEST_TEXT or "\0" in text:
        return f"a model is text of at most {LONGEST_TEXT:,} characters, without NUL"
    try:
        answer = connection.execute("select json_serialize_sql($text)", {"text": text}).fetchall()[0][0]
    except (duckdb.Error, UnicodeEncodeError):
        return "this is not SQL that DuckDB can read: check the SELECT"
    told = json.loads(answer)
    if told["error"] or len(told["statements"]) != 1:
        return "a model is exactly one SELECT, and nothing else"
    nodes = list(_nodes(told["statements"][0]["node"]))
    named = {entry["key"].lower() for node in nodes for entry in node.get("cte_map", {}).get("map", ())}
    odd = [name for name in named if not _PLAIN_NAME.fullmatch(name)]
    if odd:
        return "a common table expression is named by lower-case letters, digits and _"
    return next((why for node in nodes for why in (_why_not(node, named),) if why), None)


def _why_not(node: dict[str, Any], named: set[str]) -> str | None:
    kind = node.get("type")
    if "cte_map" in node and kind not in QUERIES:  # DuckDB lets a common table expression insert and delete
        return "a model is exactly one SELECT, and nothing else"
    if "sample" in node and "alias" in node and kind not in FROM_PARTS:
        return f"FROM may not hold {str(kind).replace('_', ' ').lower()}: name stored tables"
    if node.get("sample") and kind in (*QUERIES, *FROM_PARTS):
        return "a model draws no sample: the same rows have to yield the same ones every time"
    if kind == "BASE_TABLE":
        return _why_no_table(node, named)
    if kind == "TABLE_FUNCTION":
        call = str(node["function"].get("function_name", "")).lower()
        return None if call in ROW_MAKERS else _no_call(call)
    call = _call_of(node)
    return _no_call(call) if call in _ASKING_WORDS or _FORBIDDEN_CALLS.fullmatch(call) else None


def _call_of(node: dict[str, Any]) -> str:
    """The function that a node calls; empty for none."""
    words = [str(name).lower() for name in node.get("column_names") or ()]
    if len(words) == 1 and words[0] in _ASKING_WORDS:
        return words[0]
    return str(node.get("function_name", "")).lower()


def _why_no_table(node: dict[str, Any], named: set[str]) -> str | None:
    schema, table = str(node.get("schema_name", "")).lower(), str(node.get("table_name", "")).lower()
    if node.get("catalog_name") or node.get("at_clause"):
        return "a table is named by its schema and name only, as cleaned.transactions is"
    if schema in STORED or (not schema and table in named):
        return None
    told = schema or table
    shown = f" '{told}'" if _PLAIN_NAME.fullmatch(told) else ""
    return (
        f"FROM names what is no stored table{shown}: read tables of {', '.join(STORED)}, with the schema before the "
        "name; a model reads no file, address or system table"
    )


def _no_call(call: str) -> str:
    shown = f" {call}()" if _PLAIN_NAME.fullmatch(call) else ""
    return f"a model may not call{shown}: it computes from stored tables only ({', '.join(ROW_MAKERS)} may make rows)"


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Every object of the tree, without recursion, however deep it is."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting.extend(reversed(list(node.values())))
        elif isinstance(node, list):
            waiting.extend(reversed(node))
