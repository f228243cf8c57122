"""An empty MLflow store to copy: laying one out takes seconds, copying it hundredths."""

import os
import shutil
import tempfile
from pathlib import Path

from custana_pipeline.stores import tracking_store


def copy_of_empty_store(folder: Path) -> Path:
    """Makes `folder` an initialised store and returns it; the template outlives the test session."""
    template = tracking_store.initialise(Path(tempfile.gettempdir()) / f"custana-mlflow-template-{os.getuid()}").folder
    folder.mkdir(parents=True, exist_ok=True)
    tracking_store.copy_database(template / "mlflow.db", folder / "mlflow.db")
    shutil.copy2(template / "prepared-by", folder / "prepared-by")
    return folder
