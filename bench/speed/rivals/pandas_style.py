"""The pandas steps, one after the other: `python pandas_style.py FILES OUT`."""

import json
import sys
import time
from pathlib import Path

from bench.speed.rivals import pandas_steps as steps


def main() -> None:
    """Runs the job and leaves its lists and seconds a step in the folder."""
    files, out = Path(sys.argv[1]), Path(sys.argv[2])
    seconds, began = {}, time.monotonic()

    def done(name: str) -> None:
        seconds[name] = time.monotonic() - began - sum(seconds.values())

    raw = steps.read(files)
    done("land")
    tables = steps.clean(raw)
    done("clean")
    models = steps.train(tables)
    done("features, train")
    steps.score(tables, models).to_csv(out / "scores.csv")
    done("features, score")
    steps.recommend(tables).to_csv(out / "recommendations.csv", index=False)
    done("recommend")
    (out / "told.json").write_text(json.dumps({"stages": seconds, "told": models["told"]}))


if __name__ == "__main__":
    main()
