"""Reads simulated CSV files without any code of the simulator: an independent judge of what was planted."""

import csv
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cache
from pathlib import Path

PLACEHOLDERS = {"", "null", "nan", "none", "n/a", "unknown"}


def physical_lines(path: Path) -> list[str]:
    """The lines of a file without their ends, the header first."""
    text = path.read_text(encoding="utf-8")
    assert text.endswith("\n")
    return text.removesuffix("\n").split("\n")


def records(path: Path) -> list[dict[str, str]]:
    """The lines with as many fields as the header."""
    header, *rows = [next(csv.reader([line]), []) for line in physical_lines(path)]
    return [dict(zip(header, row, strict=True)) for row in rows if len(row) == len(header)]


@dataclass
class Judged:
    """What an independent reader finds in one table: kept records, and how many lines went elsewhere and why."""

    kept: list[dict[str, str]] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)

    def shape(self, path: Path) -> list[dict[str, str]]:
        """Count blank and ragged lines, and return the records that are no repeat of an earlier one."""
        header, *lines = physical_lines(path)
        width = len(header.split(","))
        for line in lines:
            fields = len(next(csv.reader([line]), []))
            ragged = "blank_line" if not line else "too_few_fields" if fields < width else "too_many_fields"
            self.reasons[ragged] += not line or fields != width
        rows = records(path)
        distinct = list({tuple(row.values()): row for row in rows}.values())
        self.reasons["exact_duplicate"] += len(rows) - len(distinct)
        return distinct


@cache
def judged(folder: Path, table: str) -> Judged:
    """Judge one table; the events need the customers beside them."""
    known = {row["customer_id"].strip() for row in records(folder / "customers.csv")} - {""}
    result = Judged()
    rows = result.shape(folder / f"{table}.csv")
    for row, is_last in zip(rows, last_of_id(rows, table), strict=True):
        if table == "transactions":
            reason = transaction_reason(row)
        else:
            reason = event_reason(row, known) if table == "events" else record_reason(row, is_last=is_last)
        result.reasons[reason] += 1
        if reason == "":
            result.kept.append(row)
    return result


def last_of_id(rows: list[dict[str, str]], table: str) -> list[bool]:
    """Whether each record is the last of its id, by sign-up and then by place in the file."""
    winners: dict[str, int] = {}
    key = f"{table.removesuffix('s')}_id"
    for place in sorted(range(len(rows)), key=lambda place: rows[place].get("signed_up_at", "")):
        winners[rows[place].get(key, "")] = place
    return [winners.get(row.get(key, "")) == place for place, row in enumerate(rows)]


def transaction_reason(row: dict[str, str]) -> str:
    """The reason code of an order line, or nothing where it is kept."""
    quantity, price = number(row["quantity"]), number(row["unit_price"])
    found = {
        time_reason(row["ordered_at"]): True,
        "missing_quantity": not row["quantity"].strip(),
        "unparsable_quantity": quantity is None,
        "zero_quantity": quantity == 0,
        "missing_amount": not row["unit_price"].strip(),
        "unparsable_price": price is None,
        "negative_price": bool(price and quantity and price < 0 < quantity),
        "no_customer": row["customer_id"].strip().lower() in PLACEHOLDERS,
    }
    return next((reason for reason, applies in found.items() if reason and applies), "")


def event_reason(row: dict[str, str], known: set[str]) -> str:
    """The reason code of an event, or nothing where it is kept."""
    found = {
        time_reason(row["happened_at"]): True,
        "missing_event_type": not row["event_type"].strip(),
        "no_customer": row["customer_id"].strip().lower() in PLACEHOLDERS,
        "unknown_customer": row["customer_id"].strip() not in known,
    }
    return next((reason for reason, applies in found.items() if reason and applies), "")


def record_reason(row: dict[str, str], *, is_last: bool) -> str:
    """The reason code of a customer or product, or nothing where it is kept."""
    if not next(iter(row.values())).strip():
        return "missing_id"
    return "" if is_last else "superseded"


def time_reason(text: str) -> str:
    """Why a timestamp cannot be used, or nothing."""
    try:
        moment = datetime.strptime(text, "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007 - the files are in the shop's own time
    except ValueError:
        return "unparsable_date"
    return "" if 1990 <= moment.year < 2100 else "date_out_of_range"


def number(text: str) -> Decimal | None:
    """A plain decimal below ten to the fifteenth, or nothing."""
    if not re.fullmatch(r"\s*-?\d{1,14}(\.\d+)?\s*", text):
        return None
    return Decimal(text.strip())
