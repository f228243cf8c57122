"""What the lock files promise, and what an audit of them has to say before it counts."""

import json
import re
from pathlib import Path

from custana_pipeline.errors import DataFault

_PINNED = re.compile(r"^[A-Za-z0-9._-]+(\[[A-Za-z0-9,._-]+\])?==\S+")
_HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}(\s|$)")


def unpinned(lock: Path) -> list[str]:
    """The requirements of a lock that are not one exact version with a sha256, or that name an address."""
    whole = re.sub(r"\\\n", " ", lock.read_text(encoding="utf-8"))
    lines = [line.strip() for line in whole.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return [
        line.split()[0]
        for line in lines
        if not (_PINNED.match(line) and _HASH.search(line)) or "://" in line or line.startswith("-")
    ]


def judge_audit(report: str) -> int:
    """How many packages pip-audit (--format json) has looked at and found no known weakness in.

    Raises DataFault where it looked at none, skipped any, or found a weakness: an audit that could reach no source of
    advisories says that all is well.
    """
    try:
        packages = json.loads(report)["dependencies"]
        skipped = [each["name"] for each in packages if "skip_reason" in each]
        weak = {each["name"]: [known["id"] for known in each["vulns"]] for each in packages if each.get("vulns")}
    except (ValueError, KeyError, TypeError):
        raise DataFault("The audit left no report: its source of advisories could not be reached; try again.") from None
    if skipped or not packages:
        raise DataFault(
            f"The audit looked at {len(packages) - len(skipped)} packages and skipped {len(skipped)}: it counts only "
            "when none is skipped; its source of advisories was not reached."
        )
    if weak:
        told = "; ".join(f"{name}: {', '.join(ids)}" for name, ids in sorted(weak.items()))
        raise DataFault(f"Known weaknesses ({told}): raise those packages and resolve the locks anew (`make lock`).")
    return len(packages)
