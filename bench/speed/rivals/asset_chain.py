"""The pandas steps as a chain of Dagster assets that hand frames on through the file system's IO manager."""

import sys
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd

from bench.speed.rivals import pandas_steps as steps

FILES, OUT = Path(sys.argv[1]), Path(sys.argv[2])


@dg.asset
def raw() -> Any:
    """All files."""
    return steps.read(FILES)


@dg.asset
def cleaned(raw: Any) -> Any:
    """What is left of them."""
    return steps.clean(raw)


@dg.asset
def models(cleaned: Any) -> Any:
    """The trained models."""
    return steps.train(cleaned)


@dg.asset
def scores(cleaned: Any, models: Any) -> pd.DataFrame:
    """Everybody's scores."""
    return steps.score(cleaned, models)


@dg.asset
def recommendations(cleaned: Any) -> pd.DataFrame:
    """Everybody's products."""
    return steps.recommend(cleaned)


@dg.asset
def lists(scores: pd.DataFrame, recommendations: pd.DataFrame) -> None:
    """The files for people."""
    scores.to_csv(OUT / "scores.csv")
    recommendations.to_csv(OUT / "recommendations.csv", index=False)


if __name__ == "__main__":
    chain: list[Any] = [raw, cleaned, models, scores, recommendations, lists]
    stored = {"io_manager": dg.FilesystemIOManager(base_dir=str(OUT / "handed"))}
    (OUT / "dagster").mkdir()
    with dg.DagsterInstance.local_temp(str(OUT / "dagster")) as instance:
        done = dg.materialize(chain, resources=stored, instance=instance)
    sys.exit(0 if done.success else 1)
