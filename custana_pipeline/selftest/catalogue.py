"""The faults that custana is tried on: what happens, and what the same packages do about it as they come.

`naive` is what a plain pipeline of the same packages did when the fault was tried on it: "fails", "passes", or "fails
(read)" where its documentation or source says so and it was not run. P0 gates a release, P1 comes before 1.0, P2 is
extra.
"""

from dataclasses import dataclass

GROUPS = {
    "A": "Crash, storage, publication",
    "B": "Runs, schedules, alerts",
    "C": "Bad input",
    "D": "Data quality",
    "E": "Models",
    "F": "Security",
}


@dataclass(frozen=True)
class Entry:
    """One fault of the catalogue."""

    id: str
    priority: int
    fault: str
    naive: str

    @property
    def group(self) -> str:
        """The letter of its group."""
        return self.id[0]


def _entries(*rows: tuple[str, int, str, str]) -> tuple[Entry, ...]:
    return tuple(Entry(*row) for row in rows)


CATALOGUE = _entries(
    ("A1", 0, "kill -9 at any moment of a run", "fails (24 of 25)"),
    ("A2", 0, "kill -9 inside a checkpoint", "passes"),
    ("A3", 1, "kill -9 while the log is replayed", "passes"),
    ("A4", 0, "kill -9 between two assets", "fails (42 of 50)"),
    ("A5", 0, "a reader while lists are published", "fails (125 of 220 reads)"),
    ("A6", 0, "kill -9 while a file is written", "fails (38 of 48)"),
    ("A7", 0, "an open reader holds the warehouse", "fails"),
    ("A8", 0, "two runs at once", "fails"),
    ("A9", 0, "the disk is full", "fails (stays bloated)"),
    ("A10", 1, "the n-th write fails, for every n", "fails (read)"),
    ("A11", 1, "less memory than the work needs", "passes"),
    ("A12", 0, "bits flip in the warehouse, or its end is gone", "fails (opens 39 of 40)"),
    ("A13", 0, "the write-ahead log is damaged or foreign", "fails (never opens again)"),
    ("A14", 1, "the same day is run again", "fails (read)"),
    ("A15", 1, "leftovers of killed runs", "fails"),
    ("A16", 2, "power loss: what is forced to disk before the pointer moves", "fails (nothing)"),
    ("B1", 0, "the run's worker is killed", "fails"),
    ("B2", 0, "a zombie commits after its run has failed", "fails"),
    ("B3", 0, "the whole host dies during a run", "fails (> 100 s)"),
    ("B4", 0, "SIGTERM", "passes"),
    ("B5", 0, "everything starts at once on an empty home", "fails"),
    ("B6", 0, "a dead run holds the slot", "fails"),
    ("B7", 1, "a step hangs", "fails (off as shipped)"),
    ("B8", 1, "the daemon is down over three ticks", "fails (read)"),
    ("B9", 0, "an asset fails and nobody hears of it", "fails (read)"),
    ("B10", 1, "fifty failures at once", "fails (read)"),
    ("B11", 0, "bad data is tried again, a passing lock is not", "fails (read)"),
    ("B12", 1, "MLflow is down, or killed while a run logs", "fails"),
    ("B13", 2, "the nights that the clock changes", "not tried"),
    ("C1", 0, "columns in another order", "fails (silent swap)"),
    ("C2", 0, "a required column is missing", "fails"),
    ("C3", 0, "a column too many", "fails (dropped in silence)"),
    ("C4", 0, "a header that stands twice", "fails"),
    ("C5", 0, "no header, or a title above it", "fails (first row lost)"),
    ("C6", 0, "short and long rows", "fails (one column)"),
    ("C7", 0, "a quote that is never closed", "fails"),
    ("C8", 0, "line breaks and quotes inside fields, blank lines", "passes"),
    ("C9", 0, "an empty file, a header only", "fails (a success)"),
    ("C10", 0, "UTF-16, latin-1, NUL, byte order mark", "fails (NUL kept)"),
    ("C11", 0, "gzip: flipped bits, cut off, wrong name, members, bomb", "fails (9 of 30 silent)"),
    ("C12", 0, "CR-only and mixed line ends", "fails (0 rows)"),
    ("C13", 0, "numbers in other formats, huge, NaN, inf, text", "fails"),
    ("C14", 0, "dates in other formats, impossible, infinite", "fails"),
    ("C15", 1, "time zones mixed, or the machine's own", "fails"),
    ("C16", 0, "ids: leading zeros, long, placeholders, footers", "fails (load ends)"),
    ("C17", 1, "invisible characters, spellings of one id", "fails (6 customers)"),
    ("C18", 1, "a field of 3 MB, 10,000 columns", "fails (error)"),
    ("C19", 0, "the country NA", "fails (pandas)"),
    ("C20", 1, "a file that is still being written, or replaced", "fails (read)"),
    ("C21", 1, "the same file twice, a late one, a corrected one", "fails (read)"),
    ("D1", 0, "lines, rows and money that do not add up", "fails (5 -> 2)"),
    ("D2", 0, "six lines of a hundred are bad", "fails (read)"),
    ("D3", 0, "half, double or none of the usual lines", "fails (read)"),
    ("D4", 0, "the feed has stopped", "fails (read)"),
    ("D5", 1, "a new code or column appears", "fails (read)"),
    ("D6", 0, "a doubled customer, orders without one", "fails (read)"),
    ("D7", 0, "checks switched off by the environment", "fails"),
    ("D8", 1, "mended lines come back", "fails (read)"),
    ("E1", 0, "labels of one class, or one positive", "fails (accuracy 1.0)"),
    ("E2", 0, "0, 1, 2 or 10 customers", "fails"),
    ("E3", 0, "a column constant, missing, or missing at scoring", "fails"),
    ("E4", 0, "unseen category, columns in another order at scoring", "fails (accuracy .455)"),
    ("E5", 0, "NaN, inf or 1e308 in a feature", "fails"),
    ("E6", 0, "a feature that knows the label", "fails (R2 .998)"),
    ("E7", 0, "labels shuffled: worse than the naive rule", "fails (read)"),
    ("E8", 0, "one cluster, all noise, a cluster of one", "fails"),
    ("E9", 1, "a feature shifts, or nothing does", "fails (read)"),
    ("E10", 1, "the same input and seed again", "fails (read)"),
    ("F1", 0, "a model file that was tampered with", "fails (ran code)"),
    ("F2", 0, "SQL in names of the configuration", "fails"),
    ("F3", 0, "paths that lead out: .., links, URLs, devices", "fails"),
    ("F4", 1, "configuration with doubled keys, wrong types, bombs", "fails (doubles)"),
    ("F5", 0, "formulas in exported cells", "fails"),
    ("F6", 0, "other hosts, state-changing GET, cross-origin POST", "fails (Dagster)"),
    ("F7", 0, "secrets in outputs", "fails (read)"),
    ("F8", 1, "unpinned packages, an audit that audits nothing", "fails (green at 0)"),
    ("F9", 1, "calls out of the machine", "fails (read)"),
    ("F10", 1, "a hostile query in dbt_like_sql", "fails"),
)
