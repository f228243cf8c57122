"""A training told to MLflow: one run a day and analysis, one nested run for each candidate and each naive baseline.

Everything is written through one client straight into the store, in batches: no server has to be up, nothing global is
set, and a whole sample run costs about as much as importing MLflow does. One process writes at a time, so a run that is
found RUNNING was left behind by a process that died.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

from custana_pipeline.errors import CustanaError
from custana_pipeline.stores.file_locks import holding
from custana_pipeline.stores.run_profile import PROFILE
from custana_pipeline.stores.tracking_bulk import LONGEST_VALUE, NestedRun, artifact_uri, write_nested
from custana_pipeline.stores.tracking_models import ModelStore, SavedModel, registered, remove_run, sha256_of
from custana_pipeline.stores.tracking_records import (
    MODEL_TRAINING_VIEW,
    AnalysisRun,
    LoggedAnalysis,
    RegisteredModel,
    Trial,
    finite_metrics,
)
from custana_pipeline.stores.tracking_store import TrackingStore, client, initialise, translated
from custana_pipeline.stores.tracking_words import analysis_note, experiment_note

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import RunInfo

_EXPERIMENT_KIND = {"mlflow.experimentKind": "custom_model_development"}
_PARAMETERS_A_BATCH = 100


@dataclass(frozen=True)
class Tracker:
    """Writes trainings into the MLflow store of `folder`; `ui_url` is where people look at them."""

    folder: Path
    ui_url: str = "http://127.0.0.1:5000"

    def log_analysis(self, run: AnalysisRun, trusted_types: Sequence[str] = ()) -> LoggedAnalysis:
        """Logs a training whole, registers its champions, and returns where they are.

        `trusted_types` are the reviewed types that the pipelines may hold. A training that is NOT_TRAINABLE gets its
        run too, with the reason and no model. Raises Transient for a locked store, CustanaError for anything else; the
        run is FAILED then, and the alias stays where it was.
        """
        with PROFILE.within("tracking"), translated(self.store), self._writing():
            self._end_unfinished()
            experiment_id = self._experiment(run)
            models = ModelStore(self._client, experiment_id, trusted_types)
            with self._run(experiment_id, _run_name(run), _parent_tags(run)) as told:
                run_id = told.run_id
                PROFILE.told_in.append(_folder(str(told.artifact_uri)))
                trials = self._log_trials(run, told, models)
                versions = self._log_champions(run, run_id, models)
                self._log_batch(told, _parent_parameters(run), {0: _parent_metrics(run)})
                _keep(str(told.artifact_uri), _parent_files(run))
            return LoggedAnalysis(
                experiment_id=experiment_id,
                run_id=run_id,
                url=self._run_url(experiment_id, run_id),
                trial_urls={key: self._run_url(experiment_id, each) for key, (each, _) in trials.items()},
                trial_files={key: (saved.file, sha256_of(saved.file)) for key, (_, saved) in trials.items() if saved},
                registered={each.target: _promoted(each, models, run) for each in versions},
            )

    def reap_unfinished(self) -> int:
        """Ends what a process left RUNNING when it died; returns how many runs that were.

        A run with a registered model is ended as KILLED; any other is removed with its nested runs and files.
        """
        with translated(self.store), self._writing():
            return self._end_unfinished()

    @cached_property
    def store(self) -> TrackingStore:
        """The store, made on first use."""
        return initialise(self.folder)

    @cached_property
    def _client(self) -> "MlflowClient":
        return client(self.store)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with holding(self.store.folder / "writing.lock"):
            yield

    def _experiment(self, run: AnalysisRun) -> str:
        found = self._client.get_experiment_by_name(run.experiment)
        place = (self.store.artifacts / run.experiment).as_uri()
        if found is None:
            tags = {"custana.source": run.source, "custana.analysis": run.analysis, **_EXPERIMENT_KIND}
            tags["mlflow.note.content"] = experiment_note(run)
            return self._client.create_experiment(run.experiment, artifact_location=place, tags=tags)
        if found.artifact_location != place:
            raise CustanaError(
                f"The experiment {run.experiment} keeps its files in another folder than {self.store.artifacts}, since "
                f"{self.store.folder} was moved: move it back, or delete it and train again."
            )
        if found.lifecycle_stage == "deleted":
            self._client.restore_experiment(found.experiment_id)
        return found.experiment_id

    @contextmanager
    def _run(self, experiment_id: str, name: str, tags: Mapping[str, str]) -> Iterator["RunInfo"]:
        begun = self._client.create_run(experiment_id, run_name=name, tags=dict(tags)).info
        try:
            yield begun
        except BaseException:
            self._client.set_terminated(begun.run_id, "FAILED")
            raise
        self._client.set_terminated(begun.run_id, "FINISHED")

    def _log_trials(
        self, run: AnalysisRun, parent: "RunInfo", models: ModelStore
    ) -> dict[tuple[str, str], tuple[str, SavedModel | None]]:
        """The nested run of each trial and the model that is stored with it; those without one are written at once."""
        plain = {
            (each.target, each.name): NestedRun(
                run.name_of(each), _trial_tags(run, each), each.parameters, each.measured
            )
            for each in run.trials
            if each.estimator is None
        }
        write_nested(self._client, parent, list(plain.values()))
        logged = {}
        for trial in run.trials:
            key = (trial.target, trial.name)
            if key in plain:
                logged[key] = (plain[key].run_id, None)
                uri = artifact_uri(plain[key].run_id, parent)
                _keep(uri, _figure_files(trial.figures()))
            else:
                logged[key] = self._log_trial(run, trial, parent.run_id, models)
        return logged

    def _log_trial(
        self, run: AnalysisRun, trial: Trial, parent_id: str, models: ModelStore
    ) -> tuple[str, SavedModel | None]:
        tags = _trial_tags(run, trial) | {"mlflow.parentRunId": parent_id}
        with self._run(models.experiment_id, run.name_of(trial), tags) as told:
            saved = models.save(told.run_id, trial.name, trial.estimator, run.column_types)
            self._log_batch(told, trial.parameters, trial.measured, saved.model_id)
            _keep(str(told.artifact_uri), _figure_files(trial.figures()))
        return told.run_id, saved

    def _log_champions(self, run: AnalysisRun, run_id: str, models: ModelStore) -> list[RegisteredModel]:
        versions = []
        for model in run.champions:
            if model.kept_version:
                continue
            columns = {name: run.column_types[name] for name in model.columns}
            saved = models.save(run_id, model.candidate, model.estimator, columns)
            version = models.register(run, model, saved, run_id)
            url = f"{self.ui_url}/#/models/{model.registered_model}/versions/{version[0]}{MODEL_TRAINING_VIEW}"
            versions.append(registered(model, saved, version, url))
        return versions

    def _log_batch(
        self,
        run: "RunInfo",
        parameters: Mapping[str, object],
        measured: Mapping[int, Mapping[str, float]],
        model_id: str | None = None,
    ) -> None:
        """Logs parameters, and metrics by step; those of step 0 are the model's, where there is one."""
        from mlflow.entities import Metric, Param

        # The run's own start stamps the metrics, so that nothing here asks the clock.
        entries = [
            Metric(key, value, run.start_time, step, model_id=None if step else model_id, run_id=run.run_id)
            for step, key, value in finite_metrics(measured)
        ]
        told = [Param(key, str(value)[:LONGEST_VALUE]) for key, value in parameters.items()]
        self._client.log_batch(run.run_id, metrics=entries, params=told[:_PARAMETERS_A_BATCH])
        for begin in range(_PARAMETERS_A_BATCH, len(told), _PARAMETERS_A_BATCH):
            self._client.log_batch(run.run_id, params=told[begin : begin + _PARAMETERS_A_BATCH])

    def _end_unfinished(self) -> int:
        experiments = [each.experiment_id for each in self._client.search_experiments()]
        running = self._client.search_runs(experiments, "attributes.status = 'RUNNING'", max_results=1000)
        left = [each.info for each in running if "custana.source" in each.data.tags]
        for each in left:
            if self._client.search_model_versions(f"run_id = '{each.run_id}'", max_results=1):
                self._client.set_tag(each.run_id, "custana.reason", "the process that logged this run died")
                self._client.set_terminated(each.run_id, "KILLED")
            else:
                remove_run(self._client, each)
        return len(left)

    def _run_url(self, experiment_id: str, run_id: str) -> str:
        return f"{self.ui_url}/#/experiments/{experiment_id}/runs/{run_id}{MODEL_TRAINING_VIEW}"


def _folder(uri: str) -> Path:
    return Path(url2pathname(urlsplit(uri).path))


def _keep(uri: str, files: Mapping[str, str]) -> None:
    """Lays files into a run's own folder, at its root, since Compare shows only what lies there."""
    folder = _folder(uri)
    if files:
        folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8")


def _figure_files(figures: Mapping[str, str]) -> dict[str, str]:
    return {f"{name}.svg": figure for name, figure in figures.items()}


def _promoted(version: RegisteredModel, models: ModelStore, run: AnalysisRun) -> RegisteredModel:
    return replace(version, is_champion=models.move_alias(version.name, version.version, run.day))


def _run_name(run: AnalysisRun) -> str:
    state = "" if run.state == "TRAINED" else f" · {run.state}"
    return f"{run.analysis} {run.day}{state}".replace("  ", " ").strip()


def _shared_tags(run: AnalysisRun) -> dict[str, str]:
    return {
        "custana.source": run.source,
        "custana.analysis": run.analysis,
        "custana.as_of": run.day,
        "mlflow.source.name": "custana",
        "mlflow.source.type": "LOCAL",
    }


def _parent_tags(run: AnalysisRun) -> dict[str, str]:
    champions = {}
    for model in run.champions:
        target = f".{model.target}" if len(run.champions) > 1 else ""
        champions[f"champion{target}"] = model.candidate
        champions[f"best_naive{target}"] = model.best_naive
        champions[f"beats_naive{target}"] = str(model.beats_naive).lower()
        champions[f"gate{target}"] = "kept" if model.kept_version else "promoted" if model.beats_naive else "naive"
    return _shared_tags(run) | {
        "mlflow.note.content": analysis_note(run),
        "custana.state": run.state,
        "custana.reason": run.reason,
        "custana.data_version": run.origin.data_version,
        "custana.code_version": run.origin.code_version,
        "dagster.run_id": run.origin.dagster_run_id,
        "dagster.asset": run.origin.dagster_asset,
        "dagster.partition": run.origin.dagster_partition,
        **champions,
    }


def _trial_tags(run: AnalysisRun, trial: Trial) -> dict[str, str]:
    serving = any(model.target == trial.target and model.candidate == trial.name for model in run.champions)
    return _shared_tags(run) | {
        "custana.role": trial.role,
        "custana.target": trial.target,
        "custana.candidate": trial.name,
        "custana.is_champion": str(serving).lower(),
    }


def _parent_files(run: AnalysisRun) -> dict[str, str]:
    files = _figure_files(run.figures())
    files |= {f"{name}.csv": table.to_csv(index=False) for name, table in run.tables.items()}
    if run.dropped_columns:
        files["dropped_columns.json"] = json.dumps(dict(run.dropped_columns), indent=2)
    return files


def _parent_parameters(run: AnalysisRun) -> dict[str, object]:
    return {**run.settings, **{f"rows_{use}": count for use, count in run.row_counts.items()}}


def _parent_metrics(run: AnalysisRun) -> dict[str, float]:
    metrics = {}
    for model in run.champions:
        prefix = f"{model.target}/" if len(run.champions) > 1 else ""
        naive = run.trial_of(model.target, model.best_naive)
        metrics |= {f"{prefix}{key}": value for key, value in model.metrics.items()}
        metrics |= {f"{prefix}gate_{key}": value for key, value in model.figures.items()}
        if naive is not None:
            metrics |= {f"{prefix}naive_{key.removeprefix('holdout_')}": v for key, v in naive.metrics.items()}
    return metrics
