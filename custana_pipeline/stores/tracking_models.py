"""Fitted pipelines in MLflow: saved as skops beside their run, registered, and the alias moved forward in time only."""

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from custana_pipeline.stores.durable_files import replace_bytes
from custana_pipeline.stores.skops_archives import archive_of
from custana_pipeline.stores.tracking_description import MODEL_FILE, described, write_description
from custana_pipeline.stores.tracking_records import AnalysisRun, RegisteredModel, ServingModel
from custana_pipeline.stores.tracking_words import version_note

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import RunInfo

ALIAS = "champion"


@dataclass(frozen=True)
class SavedModel:
    """A model of MLflow's, and where its file is."""

    model_id: str
    folder: Path

    @property
    def file(self) -> Path:
        """The pipeline itself."""
        return self.folder / MODEL_FILE


@dataclass(frozen=True)
class ModelStore:
    """Saves and registers the models of one experiment."""

    client: "MlflowClient"
    experiment_id: str
    trusted_types: Sequence[str]

    def save(self, run_id: str, name: str, estimator: object, columns: Mapping[str, str]) -> SavedModel:
        """Stores a fitted pipeline as an output of the run, with its signature and fixed requirements.

        Raises CustanaError when the pipeline holds a type that is not trusted.
        """
        from mlflow.entities import LoggedModelOutput, LoggedModelStatus
        from mlflow.utils.file_utils import local_file_uri_to_path

        logged = self.client.create_logged_model(self.experiment_id, name=name, source_run_id=run_id)
        folder = Path(local_file_uri_to_path(logged.artifact_location))
        try:
            archive = archive_of(estimator, name, self.trusted_types)
            folder.mkdir(parents=True, exist_ok=True)
            replace_bytes(folder / MODEL_FILE, archive)
            write_description(folder, described(logged, run_id, columns, self.trusted_types, len(archive)))
        except Exception:
            self.client.finalize_logged_model(logged.model_id, LoggedModelStatus.FAILED)
            raise
        self.client.finalize_logged_model(logged.model_id, LoggedModelStatus.READY)
        self.client.log_outputs(run_id, [LoggedModelOutput(logged.model_id, step=0)])
        return SavedModel(logged.model_id, folder)

    def register(self, run: AnalysisRun, model: ServingModel, saved: SavedModel, run_id: str) -> tuple[int, str]:
        """Makes a version of the registered model; returns its number and the sha256 of its file."""
        self._ensure_registered(run, model)
        digest = sha256_of(saved.file)
        version = self.client.create_model_version(
            model.registered_model,
            source=saved.folder.as_uri(),
            run_id=run_id,
            model_id=saved.model_id,
            description=version_note(run, model),
            tags={
                "as_of": run.day,
                "candidate": model.candidate,
                "target": model.target,
                "model_version": model.model_version,
                "beats_naive": str(model.beats_naive).lower(),
                "best_naive": model.best_naive,
                "sha256": digest,
                "dagster_run_id": run.origin.dagster_run_id,
            },
        )
        return int(version.version), digest

    def move_alias(self, name: str, version: int, as_of: str) -> bool:
        """Points the alias at the version unless it already points at a later day; returns whether it does now."""
        current = self.client.get_registered_model(name).aliases.get(ALIAS)
        if current is not None:
            day = self.client.get_model_version(name, str(current)).tags.get("as_of", "")
            if day > as_of:
                return False
        self.client.set_registered_model_alias(name, ALIAS, str(version))
        return True

    def _ensure_registered(self, run: AnalysisRun, model: ServingModel) -> None:
        from mlflow.exceptions import MlflowException

        try:
            self.client.get_registered_model(model.registered_model)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            told = f"Serves `{model.target}` for the customers of {run.source}: the version that {ALIAS} points to."
            tags = {"custana.source": run.source, "custana.analysis": run.analysis}
            self.client.create_registered_model(model.registered_model, tags=tags, description=told)


def registered(model: ServingModel, saved: SavedModel, version: tuple[int, str], url: str) -> RegisteredModel:
    """The record of a registered champion, before its alias is moved."""
    number, digest = version
    return RegisteredModel(
        target=model.target,
        name=model.registered_model,
        version=number,
        url=url,
        file=saved.file,
        sha256=digest,
        is_champion=False,
    )


def remove_run(client: "MlflowClient", run: "RunInfo") -> None:
    """Removes a run that no registered model refers to, for good: its nested runs, stored models and files with it.

    It goes last, so that whoever is killed meanwhile leaves it to be found and removed again.
    """
    from mlflow.utils.file_utils import local_file_uri_to_path

    found: Any = client
    store = found._tracking_client.store  # the client itself only hides runs and models, and keeps their files
    for nested in client.search_runs([run.experiment_id], f"tags.`mlflow.parentRunId` = '{run.run_id}'"):
        remove_run(client, nested.info)
    for model in client.search_logged_models([run.experiment_id], f"source_run_id = '{run.run_id}'"):
        shutil.rmtree(local_file_uri_to_path(model.artifact_location), ignore_errors=True)
        store._hard_delete_logged_model(model.model_id)
    shutil.rmtree(local_file_uri_to_path(str(run.artifact_uri)), ignore_errors=True)
    store._hard_delete_run(run.run_id)


def sha256_of(path: Path) -> str:
    """The hex digest of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
