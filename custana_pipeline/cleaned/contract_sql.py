"""A pandera contract as one SQL aggregate, so that a large table is judged whole without leaving the database.

pandera stays the judge: it looks at an even sample of the same table with all its rules, and `counting_query` says the
same rules in SQL (`conditions`). A contract with a rule that has no words in SQL is judged by pandera alone.
"""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from custana_pipeline.cleaned.gate import Breach, Verdict

if TYPE_CHECKING:
    import pandera.pandas as pa

Place = tuple[str, str]
"""The column and the check, as pandera names them; the column is empty for a check of the whole row."""
Words = Mapping[str, "str | tuple[str]"]
"""Check -> what a row has to be, or, in a tuple, what each of its floats has to be, which are called {column}."""
Rules = Mapping[Place, tuple[str, ...]]
"""Rule -> what a row has to be for each part of it, in SQL; where one is null nothing is broken, as with pandera."""
NOT_NULL = "not_nullable"

ROW_RULES: Words = {
    "numbers_are_finite": "not (isinf(cast(coalesce(quantity, 0) as double)) "
    "or isinf(cast(coalesce(unit_price, 0) as double)) or isinf(cast(coalesce(amount, 0) as double)))",
    "a_return_has_a_negative_quantity": "coalesce(quantity < 0, false) = is_return",
    "a_return_has_a_negative_amount": "case when is_return then coalesce(amount, 0) <= 0 "
    "else coalesce(amount, 0) >= 0 end",
    "ordered_date_is_the_day_of_ordered_at": "coalesce(cast(ordered_at as date) = ordered_date, false)",
    "happened_date_is_the_day_of_happened_at": "coalesce(cast(happened_at as date) = happened_date, false)",
    "is_tidy": r"not regexp_matches(location, '^ | $|  ')",
}
"""The words of the checks of cleaned tables."""


def conditions(contract: "type[pa.DataFrameModel]", words: Words = ROW_RULES) -> Rules | None:
    """The rules of a contract, whose own checks have `words`; None where one has none."""
    schema = contract.to_schema()
    found: dict[Place, tuple[str, ...]] = {}
    checks = [(name, check) for name, column in schema.columns.items() for check in column.checks]
    for name, check in [*checks, *(("", check) for check in schema.checks or ())]:
        kept = _row_rule(words[check.name], schema) if check.name in words else _kept(name, check)
        if kept is None:
            return None
        found[name, str(check.error or check.name)] = (kept,) if isinstance(kept, str) else kept
    for name, column in schema.columns.items():
        if not column.nullable:
            found[name, NOT_NULL] = (f"{name} is not null",)
    return found


def counting_query(
    contract: "type[pa.DataFrameModel]", table: str, rules: Rules, *, is_unique: bool = False
) -> tuple[str, list[Place]]:
    """A SELECT of one row with how many rows of `table` break each of the rules, and the rules in order.

    With `is_unique` no two rows have the same key (see `rising_query`), which then need not be counted.
    """
    counts = {place: _count(place, kept) for place, kept in rules.items()}
    key = ", ".join(_unique(contract.to_schema()))
    if key:
        counts[key, "unique"] = "0" if is_unique else f"count(*) - count(distinct row({key}))"
    return f"select {', '.join(['count(*)', *counts.values()])} from {table}", list(counts)


def columns_named(contract: "type[pa.DataFrameModel]", rules: Rules) -> set[str]:
    """The columns of the contract that the rules speak of."""
    words = {word for kept in rules.values() for each in kept for word in re.findall(r"\w+", each)}
    return (words | {column for column, _ in rules}) & set(contract.to_schema().columns)


def rising_query(contract: "type[pa.DataFrameModel]", table: str) -> str:
    """A SELECT of whether every row, as they lie, has a larger key than the one before: then no key is there twice.

    False says nothing, as it does where there is no row or no such key. It looks at one row after the other, where
    counting different keys keeps them all.
    """
    key = _unique(contract.to_schema())
    before = ", ".join(f"lag({name}) over () as before_{name}" for name in key)
    larger = "false"
    for name in reversed(key):
        larger = f"({name} > before_{name} or ({name} = before_{name} and {larger}))"
    rises = f"select {larger} as is_larger from (select {', '.join(key)}, {before} from {table})"
    return f"select count(*) filter (where is_larger) + 1 = count(*) from ({rises})" if key else "select false"


def with_counts(sampled: Verdict, rules: Sequence[Place], counts: Sequence[int]) -> Verdict:
    """What pandera says of a sample, with the numbers of the whole table; `counts` is the row of `counting_query`."""
    found = {(breach.column, breach.check): breach.row_count for breach in sampled.breaches}
    found |= {rule: count for rule, count in zip(rules, counts[1:], strict=True) if count}
    ordered = sorted(found.items(), key=lambda item: -item[1])
    breaches = tuple(Breach(column, check, count) for (column, check), count in ordered)
    return Verdict(sampled.contract, counts[0], breaches)


def _unique(schema: Any) -> list[str]:
    """The columns that together identify a row."""
    return [schema.unique] if isinstance(schema.unique, str) else list(schema.unique or ())


def _count(place: Place, kept: Sequence[str]) -> str:
    """How many rows break the rule; counting where a condition is false takes a fifth of the time of a filter."""
    return (
        f"count(*) - count({place[0]})" if place[1] == NOT_NULL else f"count_if(not ({' and '.join(kept) or 'true'}))"
    )


def _row_rule(words: "str | tuple[str]", schema: Any) -> tuple[str, ...]:
    """The conditions of a check that has words of its own: one, or one a column of floats."""
    if isinstance(words, str):
        return (words,)
    floats = [name for name, column in schema.columns.items() if str(column.dtype).startswith("float")]
    return tuple(words[0].format(column=name) for name in floats)


def _kept(column: str, check: Any) -> str | None:
    """The condition of a row that keeps a check that pandera knows by itself."""
    told = check.statistics or {}
    if check.name == "str_length":
        bounds = {">=": told.get("min_value"), "<=": told.get("max_value")}
        return " and ".join(f"length({column}) {sign} {value}" for sign, value in bounds.items() if value is not None)
    signs = {"greater_than_or_equal_to": (">=", "min_value"), "less_than_or_equal_to": ("<=", "max_value")}
    if check.name in signs:
        sign, name = signs[check.name]
        return f"{column} {sign} {_literal(told[name])}"
    return {
        "not_equal_to": lambda: f"{column} <> {_literal(told['value'])}",
        "in_range": lambda: f"{column} between {_literal(told['min_value'])} and {_literal(told['max_value'])}",
        "isin": lambda: f"{column} in ({', '.join(map(_literal, told['allowed_values']))})",
        "str_matches": lambda: _matches(column, _literal(_from_start(told["pattern"]))),
    }.get(check.name, lambda: None)()


def _matches(column: str, pattern: str) -> str:
    """Whether the text matches: DuckDB extracts from each different text once, and asks of each row whether it matches.

    Rows are asked only where nothing is extracted, since a pattern may match the empty text; `or` would ask them all.
    """
    found = f"regexp_extract({column}, {pattern}) <> ''"
    return f"case when {found} then true else regexp_matches({column}, {pattern}) end"


def _from_start(pattern: Any) -> str:
    """The pattern as pandera means it: from the first character on."""
    return f"^(?:{pattern.pattern if isinstance(pattern, re.Pattern) else pattern})"


def _literal(value: Any) -> str:
    if hasattr(value, "isoformat"):
        return f"timestamp '{value}'"
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value)
