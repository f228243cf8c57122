"""The hashes that several lines of a table share, found before the lines are judged: only such lines are compared.

Sorting takes half of what numbering the lines of each hash in SQL does, and memory of eight bytes a line.
"""

import math
from typing import TYPE_CHECKING

from custana_pipeline.orchestration.project import Project
from custana_pipeline.stores.session import Session

if TYPE_CHECKING:
    import numpy as np

SHARED_TABLE = "cleaned.shared_hashes"
"""The hashes of the lines that are being judged; it is gone once they are."""
SORTED_SHARE = 0.2
"""Of DuckDB's memory limit, what the hashes that are sorted at once may take besides; more are read in turns."""
_HASH_BYTES = 8


def is_compared(project: Project, table: str) -> bool:
    """Whether equal lines of a table are duplicates of each other."""
    return table == "events" or (table == "transactions" and not project.cleaning_parameters["keep_identical_lines"])


def find_shared(session: Session, table: str, *, compared: bool = True) -> None:
    """Fills SHARED_TABLE with the hashes of texts of `sources.<table>` that several lines may have; with none else."""
    import pyarrow as pa

    session.connection.execute(f"create or replace table {SHARED_TABLE} (text_hash ubigint)")
    count = session.rows(f"select count(*) from sources.{table}")[0][0] if compared else 0
    turns = math.ceil(count * _HASH_BYTES / (SORTED_SHARE * session.memory_limit_bytes))
    for turn in range(turns):
        query = f"""select hash(line_text) as text_hash from sources.{table}
            where line_text is not null{f" and text_hash % {turns} = {turn}" if turns > 1 else ""}"""
        session.append(SHARED_TABLE, pa.table({"text_hash": repeated(_read(session, query, count))}))


def drop_shared(session: Session) -> None:
    """Takes SHARED_TABLE away."""
    session.connection.execute(f"drop table if exists {SHARED_TABLE}")


def repeated(hashes: "np.ndarray") -> "np.ndarray":
    """Each of the values that is there more than once; sorts the array itself.

    >>> import numpy as np
    >>> repeated(np.array([3, 1, 3, 2, 1, 3])).tolist()
    [1, 3]
    """
    hashes.sort()
    again = hashes[1:][hashes[1:] == hashes[:-1]]
    is_first = again[1:] != again[:-1]
    return again[: len(is_first) + 1][[True, *is_first]] if len(again) else again


def _read(session: Session, query: str, most: int) -> "np.ndarray":
    """The one column of a result of at most so many rows."""
    import numpy as np

    found, end = np.empty(most, dtype=np.uint64), 0
    for part in session.parts(query, 1_000_000):
        found[end : end + len(part)] = part.column(0).to_numpy()
        end += len(part)
    return found[:end]
