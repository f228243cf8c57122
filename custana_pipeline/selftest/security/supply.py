"""What is installed: locks without hashes, and audits that looked at nothing."""

import json

from custana_pipeline.errors import DataFault
from custana_pipeline.selftest.trial import NotRun, Trial, expect, trial
from custana_pipeline.stores.settings import project_dir
from custana_pipeline.stores.supply_chain import judge_audit, unpinned

LOCKS = ("requirements.lock", "requirements-uv.lock", "bench/quality/judges.lock", "requirements-audit.lock")
GOOD = {"name": "duckdb", "version": "2.0.0", "vulns": []}
AUDITS = {
    "nothing looked at": {"dependencies": []},
    "all skipped": {"dependencies": [{"name": "duckdb", "skip_reason": "connection refused"}] * 145},
    "one skipped": {"dependencies": [GOOD, {"name": "numpy", "skip_reason": "not found"}]},
    "a weakness": {
        "dependencies": [GOOD, {"name": "x", "version": "1", "vulns": [{"id": "GHSA-1", "fix_versions": []}]}]
    },
    "no such list": {},
}


@trial("F8")
def locks_and_audits(run: Trial) -> None:
    """Looks for requirements without a hash in the locks, and shows the judge of audits reports that prove nothing."""
    folder = project_dir()
    present = [folder / name for name in LOCKS if (folder / name).is_file()]
    if not present:
        raise NotRun("the installed project has no lock files beside it")
    for lock in present:
        expect(not unpinned(lock), f"{lock.name}: {', '.join(unpinned(lock)[:5])} without an exact version and hash")
    made = (folder / "Makefile").read_text(encoding="utf-8")
    installs = [line for line in made.splitlines() if "pip install" in line or "pip sync" in line]
    open_ones = [line.strip() for line in installs if "--require-hashes" not in line and "--no-index" not in line]
    expect(not open_ones, f"the Makefile installs without hashes: {open_ones[:1]}")
    broken = run.scratch / "broken.lock"
    for line in ("duckdb>=2", "duckdb==2.0.0", "duckdb @ https://example.org/x.whl", "--index-url https://example.org"):
        broken.write_text(f"{line}\n", encoding="utf-8")
        expect(unpinned(broken), f"{line!r} passes for pinned")
    for name, report in AUDITS.items():
        expect(_is_refused(json.dumps(report)), f"an audit with {name} counts")
    expect(_is_refused("") and _is_refused("Traceback ..."), "an audit without a report counts")
    expect(judge_audit(json.dumps({"dependencies": [GOOD]})) == 1, "a good audit does not count")


def _is_refused(report: str) -> bool:
    try:
        judge_audit(report)
    except DataFault:
        return True
    return False
