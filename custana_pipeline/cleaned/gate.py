"""The gate between a built table and the one that is used: contracts, conservation of lines, and the circuit breaker.

judge           does a table, fetched in batches, keep its pandera contract?  counts by (column, check), no values
conservation    is every record of every file in exactly one of kept, set aside, rejected?
rejected_share  are so many lines rejected that the file is at fault rather than its lines?
"""

from collections import Counter
from collections.abc import Hashable, Iterable
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from custana_pipeline.errors import WrongUse

if TYPE_CHECKING:
    import pandera.pandas as pa
    from pandera.errors import SchemaErrors

Contract = type["pa.DataFrameModel"]
TOP_REASONS = 3
LEAST_REJECTED = 5
"""Fewer rejected lines than these never stop a table: in a tiny file one line is already a large share."""


@dataclass(frozen=True)
class Breach:
    """How many rows break one check; `column` is empty for a check across columns."""

    column: str
    check: str
    row_count: int


@dataclass(frozen=True)
class Verdict:
    """What judging a table found: `breaches` with the most frequent first."""

    contract: str
    row_count: int
    breaches: tuple[Breach, ...]

    @property
    def passed(self) -> bool:
        """Whether the table keeps its contract."""
        return not self.breaches


def judge(contract: Contract, batches: Iterable[pd.DataFrame]) -> Verdict:
    """Judge a table that comes in batches against a DataFrameModel; columns that have to be unique are so over all.

    Raises WrongUse where pandera's checks are switched off. Uniqueness over several batches is by 64-bit hashes.
    """
    refuse_disabled_checks()
    schema = copy(contract.to_schema())  # pandera keeps one schema a class
    unique = [schema.unique] if isinstance(schema.unique, str) else list(schema.unique or ())
    schema.unique = None
    found: Counter[tuple[str, str]] = Counter()
    keys, row_count = [], 0
    for batch in batches:
        found.update(_breaches(schema, batch))
        row_count += len(batch)
        if unique and set(unique) <= set(batch.columns):
            keys.append(_row_hashes(batch.filter(unique)))
    if repeated := row_count - _distinct(keys) if keys else 0:
        found[", ".join(unique), "unique"] += repeated
    breaches = tuple(Breach(column, check, count) for (column, check), count in found.most_common())
    return Verdict(contract.__name__, row_count, breaches)


def describe(verdict: Verdict) -> str:
    """The breaches in words, without any value of a row."""
    if verdict.passed:
        return f"{verdict.row_count:,} rows keep {verdict.contract}"
    told = (f"{breach.column or 'row'}: {breach.check} ({breach.row_count:,} rows)" for breach in verdict.breaches)
    return "; ".join(told)


def judging_query(contract: Contract, table: str) -> str:
    """The SELECT that fetches `table` as the contract sees it: decimals as double, days as timestamps."""
    columns = []
    for name, column in contract.to_schema().columns.items():
        kind = str(column.dtype)
        target = "double" if kind.startswith("float") else "timestamp" if kind.startswith("datetime64") else None
        columns.append(f"cast({name} as {target}) as {name}" if target else name)
    return f"select {', '.join(columns)} from {table}"


def refuse_disabled_checks() -> None:
    """Raise WrongUse where the environment switches pandera off, in whole or in part."""
    from pandera.config import ValidationDepth, get_config_context

    config = get_config_context()
    if not config.validation_enabled or config.validation_depth not in (None, ValidationDepth.SCHEMA_AND_DATA):
        raise WrongUse(
            "pandera's checks are switched off (PANDERA_VALIDATION_ENABLED or PANDERA_VALIDATION_DEPTH in the "
            "environment): unset both, since nothing is published unjudged."
        )


def _distinct(hashes: list[np.ndarray]) -> int:
    """How many different ones; sorting takes an eighth of the time of np.unique."""
    ordered = np.concatenate(hashes)
    ordered.sort()
    return int((ordered[1:] != ordered[:-1]).sum()) + min(len(ordered), 1)


def _row_hashes(rows: pd.DataFrame) -> np.ndarray:
    from pandas.core.util.hashing import hash_pandas_object

    return hash_pandas_object(rows, index=False).to_numpy()


def _breaches(schema: "pa.DataFrameSchema", batch: pd.DataFrame) -> Counter[tuple[str, str]]:
    from pandera.errors import SchemaErrors

    try:
        schema.validate(batch, lazy=True)
    except SchemaErrors as errors:
        return _counted(errors)
    return Counter()


def _counted(errors: "SchemaErrors") -> Counter[tuple[str, str]]:
    """Rows per (column, check); a check of the table as a whole, such as a missing column, counts once."""
    rows: dict[tuple[str, str], set[object]] = {}
    for case in errors.failure_cases.to_dict("records"):
        across, row = case["schema_context"] == "DataFrameSchema", case["index"]
        # a check across columns lists every column of a failing row; a missing or strange column stands as the case
        column = case["column"] if not across else case["failure_case"] if pd.isna(row) else ""
        rows.setdefault((str(column), str(case["check"])), set()).add(row)
    return Counter({place: len(found) for place, found in rows.items()})


def conservation(line_counts: pd.DataFrame, files: pd.DataFrame) -> list[str]:
    """Faults where kept + set aside + rejected is not what a file holds; none when all is well.

    `line_counts` is cleaned.line_counts and `files` is raw.files. Each table that reads a file has each of its records
    once; its malformed lines are in one of these tables. Raw sets that no table reads line by line are lookups and not
    counted, and so are derived lines.
    """
    totals: dict[str, Counter[str]] = {}
    for count in _own_lines(line_counts):
        totals.setdefault(count["source_file"], Counter())[count["table_name"]] += int(count["line_count"])
    landed = files.to_dict("records")
    read_sets = {file["raw_set"] for file in landed if file["source_file"] in totals}
    faults = []
    for file in (file for file in landed if file["raw_set"] in read_sets):
        name = file["source_file"]
        found = totals.get(name, Counter({file["raw_set"]: 0}))
        for table, count in found.items():
            malformed = file["malformed_line_count"] if table == max(found) else 0
            expected = int(file["record_count"] + malformed)
            if count != expected:
                faults.append(f"{name}: {expected:,} lines were read, {count:,} are accounted for in {table}")
    return faults


def rejected_share(line_counts: pd.DataFrame, limit: float = 0.05) -> list[str]:
    """For each table with more than `limit` of its lines, and 5 at least, rejected: the share and the top reasons."""
    totals: Counter[str] = Counter()
    rejected: dict[str, Counter[str]] = {}
    for count in _own_lines(line_counts):
        totals[count["table_name"]] += int(count["line_count"])
        if count["status"] == "rejected":
            rejected.setdefault(count["table_name"], Counter())[count["reason"]] += int(count["line_count"])
    faults = []
    for table, reasons in sorted(rejected.items()):
        share = reasons.total() / totals[table]
        if share > limit and reasons.total() >= LEAST_REJECTED:
            top = ", ".join(f"{reason} {count:,}" for reason, count in reasons.most_common(TOP_REASONS))
            faults.append(
                f"{table}: {share:.1%} of {totals[table]:,} lines are rejected, {limit:.1%} is the limit ({top}): "
                "correct the file or the formats of its pack, or raise max_rejected_share"
            )
    return faults


def _own_lines(line_counts: pd.DataFrame) -> list[dict[Hashable, Any]]:
    """The counts of lines that are lines of their file, and not derived from those of another table."""
    return [count for count in line_counts.to_dict("records") if not count["is_derived"]]
