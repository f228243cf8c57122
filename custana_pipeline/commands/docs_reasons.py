"""The reason codes of the cleaned stage and their status, read from the SQL models themselves."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb
from sqlglot import exp

from custana_pipeline.applications.report_words import REASON_WORDS
from custana_pipeline.stores.sql_models import DIALECT, SqlModels

CLEANED_TABLES = ("transactions", "customers", "products", "events")
FURTHER_WORDS = {
    "bad_debt_adjustment": "an entry that corrects bad debt, and no trade",
    "zero_price": "a line without a price: nothing was sold",
    "too_few_fields": "fewer fields than the header has",
    "too_many_fields": "more fields than the header has",
    "unquoted_value": "quotes that do not enclose a whole field",
    "too_long_field": "a field of more than 2 MB",
    "repeated_header": "the header once more",
}
"""Reasons that the report's words do not tell: those of single source packs, and those of malformed lines."""


def reason_rows(sql_dir: Path, packs: Sequence[str]) -> list[tuple[str, str, str, str]]:
    """(table, reason, status, meaning) of every reason, in the order in which they are tried; packs' own ones after."""
    models = SqlModels.read(sql_dir, packs[0])
    rows = []
    for table in CLEANED_TABLES:
        tree = models[f"cleaned.{table}_lines"].tree
        rows += [(table, reason, _status(tree, reason), _words(reason)) for reason in _results(tree, "reason")]
    tree = models["cleaned.transactions_lines"].tree
    for pack in packs:
        source = SqlModels.read(sql_dir, pack).sources["sources.transactions"].tree
        rows += [
            (f"transactions of {pack}", reason, _status(tree, reason, reason), _words(reason))
            for reason in _results(source, "set_aside_reason")
        ]
    return rows + [("all", reason, "rejected", _words(reason)) for reason in _malformed()]


def _results(tree: exp.Query, column: str) -> Iterator[str]:
    """The texts that the CASE behind `column` may give, in order."""
    for alias in tree.find_all(exp.Alias):
        if alias.alias == column and isinstance(alias.this, exp.Case):
            texts = (branch.args["true"] for branch in alias.this.args["ifs"])
            yield from (text.this for text in texts if isinstance(text, exp.Literal) and text.is_string)


def _status(tree: exp.Query, reason: str, set_aside_reason: str | None = None) -> str:
    """What the model's own status CASE says of the reason."""
    cases = [alias.this for alias in tree.find_all(exp.Alias) if alias.alias == "status"]
    judged = "(select $reason as reason, $own::varchar as set_aside_reason) as judged"
    query = f"select {cases[0].sql(DIALECT)} from {judged}"
    with duckdb.connect() as connection:
        found = connection.execute(query, {"reason": reason, "own": set_aside_reason}).fetchone()
    return str(found[0]).replace("_", " ") if found else ""


def _malformed() -> list[str]:
    return [reason for reason in FURTHER_WORDS if reason.startswith(("too_", "unquoted", "repeated"))]


def _words(reason: str) -> str:
    return REASON_WORDS.get(reason) or FURTHER_WORDS.get(reason, "")
