"""A guard for whole runs: every connection and name lookup of Python beyond this machine is refused and written down.

It is put into the processes of a run as `sitecustomize`, which Python imports before anything else.
"""

from pathlib import Path

GUARD = '''"""Refuses and records connections beyond loopback."""
import os
import sys


def _is_own(host):
    return host in ("", "localhost", "::1", "0.0.0.0", None) or str(host).startswith("127.")


def _hook(event, args):
    if event == "socket.getaddrinfo":
        host = args[0].decode() if isinstance(args[0], bytes) else args[0]
    elif event in ("socket.connect", "socket.sendto") and isinstance(args[1], tuple):
        host = args[1][0]
    else:
        return
    if not _is_own(host):
        with open(os.environ["OUTLET_RECORD"], "a", encoding="utf-8") as record:
            record.write(f"{event} {host}\\n")
        raise OSError("no way out")


sys.addaudithook(_hook)
'''


def guarded_environment(folder: Path) -> dict[str, str]:
    """Writes the guard into `folder` and returns the variables that put it into every Python process."""
    folder.mkdir(parents=True)
    (folder / "sitecustomize.py").write_text(GUARD, encoding="utf-8")
    return {"PYTHONPATH": str(folder), "OUTLET_RECORD": str(folder / "attempts.txt")}


def attempts(folder: Path) -> list[str]:
    """What was refused, one line each."""
    record = folder / "attempts.txt"
    return sorted(set(record.read_text(encoding="utf-8").splitlines())) if record.is_file() else []
