"""What a case of bad input is, and how it is tried: whole files, or single values in a file that is sound otherwise."""

import csv
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from custana_pipeline.selftest.landing.ingestion import (
    CANARY,
    COLUMNS,
    GOOD_LINES,
    Ingested,
    Ingestion,
    order_fields,
)
from custana_pipeline.selftest.trial import Trial, expect

KEPT = "kept"
MANY_GOOD_LINES = 1000
_ENDS = (
    "mend",
    "export",
    "write",
    "rename",
    "save",
    "correct",
    "add",
    "keep",
    "fetch",
    "check",
    "split",
    "look",
    "put",
)
_MENDS = re.compile("|".join((*_ENDS, "has to be", "take it away", "unpack", "wait", "give")), re.IGNORECASE)


@dataclass(frozen=True)
class FileCase:
    """Input files with what has to come of them: a refusal whose text fits `told`, or so many lines kept and not."""

    name: str
    content: bytes | Mapping[str, bytes]
    told: str = ""
    kept: int = GOOD_LINES
    reasons: Mapping[str, int] = field(default_factory=dict)
    pack: Mapping[str, Any] = field(default_factory=dict)

    @property
    def files(self) -> Mapping[str, bytes]:
        """File name -> bytes; one content alone is transactions.csv."""
        return {"transactions.csv": self.content} if isinstance(self.content, bytes) else self.content

    def wrong(self, found: Ingested) -> str:
        """What differs from the pass condition; nothing where it holds."""
        if CANARY in found.refusal:
            return f"{self.name}: the message holds a customer's value"
        if not self.told:
            is_right = not found.refusal and (found.kept, dict(found.reasons)) == (self.kept, dict(self.reasons))
            return "" if is_right else f"{self.name}: {found}, wanted kept {self.kept}, {dict(self.reasons)}"
        if not re.search(self.told, found.refusal):
            return f"{self.name}: {found}, wanted a refusal like '{self.told}'"
        return "" if _MENDS.search(found.refusal) else f"{self.name}: the message tells no mend: {found.refusal}"


def try_files(run: Trial, cases: Iterable[FileCase]) -> None:
    """Ingests every case in a folder of its own, and fails with all that differ."""
    wrong = []
    for case in cases:
        root = run.scratch / f"case-{len(list(run.scratch.iterdir()))}"
        found = Ingestion(root, case.pack).put(case.files).run()
        wrong.append(case.wrong(found))
    _expect_none(wrong)


def try_values(run: Trial, column: str, verdicts: Mapping[str, str], pack: Mapping[str, Any] | None = None) -> None:
    """Ingests one file with an order line for each value of `column`, and compares what became of each line.

    `verdicts` maps a value to `KEPT`, to the reason why its line is not, or after an equals sign to what it is kept as.
    """
    folder = run.scratch / f"values-{column}-{len(list(run.scratch.iterdir()))}"
    ingestion = Ingestion(folder, pack or {}, max_rejected_share=1.0)
    content = _written(column, list(verdicts), (pack or {}).get("raw", {}).get("delimiter", ","))
    found = ingestion.put({"transactions.csv": content}).run()
    expect(not found.refusal, f"{column}: {found.refusal}")
    _expect_none(_compared(ingestion, column, verdicts))


def _written(column: str, values: Iterable[str], delimiter: str) -> bytes:
    """Good order lines, and then one for each value, quoted where that is needed."""
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=delimiter, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(order_fields(number) for number in range(1, MANY_GOOD_LINES + 1))
    writer.writerows(order_fields(2000 + place, **{column: value}) for place, value in enumerate(values))
    return stream.getvalue().encode()


def _compared(ingestion: Ingestion, column: str, verdicts: Mapping[str, str]) -> list[str]:
    query = f"""select source_line, coalesce(reason, 'kept'), cast({column} as varchar) from cleaned.transactions_lines
        left join cleaned.customer_numbers using (customer_number)
        left join cleaned.product_numbers using (product_number)
        where source_line >= $first order by source_line"""
    first_line = 2 + MANY_GOOD_LINES
    with ingestion.project.warehouse.reading() as session:
        rows = {line: (reason, value) for line, reason, value in session.rows(query, {"first": first_line})}
    wrong = []
    for place, (value, wanted) in enumerate(verdicts.items()):
        reason, stored = rows.get(first_line + place, ("no line of the table", None))
        told = f"={stored}" if wanted.startswith("=") and reason == KEPT else reason
        wrong.append("" if told == wanted else f"{column} {value[:30]!a}: {told}, wanted {wanted}")
    return wrong


def _expect_none(wrong: Iterable[str]) -> None:
    found = [each for each in wrong if each]
    expect(not found, f"{len(found)} cases: {'; '.join(found)}")
