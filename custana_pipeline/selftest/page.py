"""bench/trust.md: what each fault did to custana, beside what it did to a plain pipeline of the same packages."""

from collections.abc import Sequence
from dataclasses import dataclass

from custana_pipeline.selftest.catalogue import CATALOGUE, GROUPS, Entry
from custana_pipeline.selftest.trial import Verdict, all_trials

INTRODUCTION = """# Faults, and what they do

Each line is a fault that was injected on the installed project, in a scratch folder: `custana selftest` runs them all
(`--full` with 50 kills and every n-th write failing; an id runs that one alone). P0 gates a release, P1 comes before
1.0, P2 is extra. *Naive* is what a plain pipeline of the same packages did; "(read)" where its documentation says so
and it was not run. The seconds are wall time; entries that share one injection share its time.
"""


@dataclass(frozen=True)
class Occasion:
    """When and on what the verdicts were found."""

    form: str
    """quick or full"""
    code: str
    """The version of the code."""
    machine: str
    """Cores, memory and Python."""
    seconds: float
    """Wall time of the whole selftest."""
    processes: int
    """Trials at the same time."""


def render(verdicts: Sequence[Verdict], occasion: Occasion) -> str:
    """The page as Markdown."""
    counted = summary(verdicts)
    head = f"""{INTRODUCTION}
**{counted}** ({occasion.form} form, {occasion.processes} at a time, {occasion.seconds:.0f} s, code `{occasion.code}`,
{occasion.machine}).
Command: `custana selftest --{occasion.form}`
"""
    return "\n".join([head, *(_group(letter, verdicts) for letter in GROUPS)])


def summary(verdicts: Sequence[Verdict]) -> str:
    """How many passed, failed and were not run, by priority.

    >>> summary([Verdict("A1", "pass", "", 1.0), Verdict("A3", "not run", "no time", 0.0)])
    'P0: 1 of 1 pass; P1: 0 of 1 pass, 1 not run'
    """
    priorities = {entry.id: entry.priority for entry in CATALOGUE}
    told = []
    for priority in sorted({priorities[verdict.id] for verdict in verdicts}):
        states = [verdict.state for verdict in verdicts if priorities[verdict.id] == priority]
        others = "".join(f", {states.count(state)} {word}" for state, word in _OTHERS.items() if state in states)
        told.append(f"P{priority}: {states.count('pass')} of {len(states)} pass{others}")
    return "; ".join(told)


_OTHERS = {"fail": "fail", "not run": "not run"}


def _group(letter: str, verdicts: Sequence[Verdict]) -> str:
    found = {verdict.id: verdict for verdict in verdicts}
    rows = [_row(entry, found[entry.id]) for entry in CATALOGUE if entry.group == letter and entry.id in found]
    head = "| id | P | fault | what is done | naive | custana | seconds |\n|---|---|---|---|---|---|---|"
    return "\n".join([f"## {letter}. {GROUPS[letter]}\n", head, *rows, ""])


def _row(entry: Entry, verdict: Verdict) -> str:
    known = all_trials()
    injection = known[entry.id].injection if entry.id in known else ""
    state = verdict.state if verdict.state == "pass" else f"**{verdict.state}**: {verdict.told}"
    cells = (entry.id, f"{entry.priority}", entry.fault, injection, entry.naive, state, f"{verdict.seconds:.1f}")
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
