"""`custana` without MLflow in its process: what is left of a run tells what tracking costs.

`python -m bench.speed.untracked run ...`: MLflow cannot be imported at all, no candidate is kept, no figure drawn for
its page; the champions are written as skops files, since lists are made by what was read back from them.
"""

import sys
from collections.abc import Sequence

from custana_pipeline.stores.durable_files import replace_bytes
from custana_pipeline.stores.skops_archives import archive_of
from custana_pipeline.stores.tracking import Tracker
from custana_pipeline.stores.tracking_models import sha256_of
from custana_pipeline.stores.tracking_records import AnalysisRun, LoggedAnalysis, RegisteredModel, ServingModel


def log_analysis(tracker: Tracker, run: AnalysisRun, trusted_types: Sequence[str] = ()) -> LoggedAnalysis:
    """Stands in for Tracker.log_analysis: keeps the champions and tells nobody."""

    def kept(model: ServingModel) -> RegisteredModel:
        file = tracker.folder / f"{model.registered_model}-{run.day}.skops"
        replace_bytes(file, archive_of(model.estimator, model.candidate, trusted_types))
        return RegisteredModel(model.target, model.registered_model, 1, "", file, sha256_of(file), True)

    tracker.folder.mkdir(parents=True, exist_ok=True)
    registered = {each.target: kept(each) for each in run.champions if not each.kept_version}
    return LoggedAnalysis("", "", "", {}, registered)


def switch_off() -> None:
    """Takes MLflow out of this process, so that importing any of it is an error."""
    sys.modules["mlflow"] = None  # type: ignore[assignment]
    Tracker.log_analysis = log_analysis  # type: ignore[method-assign]
    Tracker.reap_unfinished = lambda _: 0  # type: ignore[method-assign]


if __name__ == "__main__":
    from custana_pipeline import cli

    switch_off()
    cli.command()
