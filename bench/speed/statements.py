"""`custana` that tells how long the statements took by which DuckDB makes the tables of each stage.

`python -m bench.speed.statements run ...` does what `custana run ...` does, and writes `statements.json` beside the
data: what is left of a stage when all around its SELECTs is taken away.
"""

import json
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from custana_pipeline.stores.session import Session
from custana_pipeline.stores.sql_models import SqlModel

FILE = "statements.json"


def told_in(data: Path) -> dict[str, float]:
    """Stage -> wall seconds of its statements, of the newest such run into a data folder."""
    return json.loads((data / FILE).read_text())


def listen(data: Path) -> None:
    """From now on the statements of this process are timed, and their sums kept in the data folder."""
    seconds: Counter[str] = Counter()
    plain = Session._run

    def run(session: Session, statement: str, model: SqlModel, parameters: Any) -> None:
        began = time.monotonic()
        plain(session, statement, model, parameters)
        seconds[model.stage] += time.monotonic() - began
        (data / FILE).write_text(json.dumps(seconds))

    Session._run = run  # type: ignore[method-assign]


if __name__ == "__main__":
    from custana_pipeline import cli

    listen(Path(sys.argv[sys.argv.index("--data-dir") + 1]))
    cli.command()
