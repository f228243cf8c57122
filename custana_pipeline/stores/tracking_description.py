"""The files that stand beside a stored pipeline, so that MLflow knows it, shows it and could load it.

They are those of `mlflow.sklearn.save_model`, which cannot be had without its other deeds: it reads each model back,
and compares what is installed with what is required, for seconds of every night.
"""

import importlib.metadata
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow.entities import LoggedModel
    from mlflow.models import Model, ModelSignature

MODEL_FILE = "model.skops"
_REQUIRED = ("mlflow", "scikit-learn", "numpy", "pandas", "scipy", "skops")
_PYTHON_ENV = "python_env.yaml"


def described(
    logged: "LoggedModel", run_id: str, columns: Mapping[str, str], trusted_types: Sequence[str], size: int
) -> "Model":
    """What MLmodel says: which library reads the file, which types it may hold, and which columns it takes."""
    import sklearn
    from mlflow.models import Model

    model = Model(
        run_id=run_id,
        model_id=logged.model_id,
        artifact_path=logged.artifact_location,
        signature=_signature(columns),
        model_size_bytes=size,
    )
    model.add_flavor(
        "python_function",
        loader_module="mlflow.sklearn",
        model_path=MODEL_FILE,
        predict_fn="predict",
        python_version=platform.python_version(),
        env={"virtualenv": _PYTHON_ENV},
    )
    return model.add_flavor(
        "sklearn",
        pickled_model=MODEL_FILE,
        serialization_format="skops",
        sklearn_version=sklearn.__version__,
        skops_trusted_types=list(trusted_types),
        code=None,
    )


def write_description(folder: Path, model: "Model") -> None:
    """Writes MLmodel and what has to be installed to load the pipeline, in the versions that it was fitted with."""
    model.save(str(folder / "MLmodel"))
    required = "\n".join(f"{name}=={importlib.metadata.version(name)}" for name in _REQUIRED)
    (folder / "requirements.txt").write_text(required + "\n", encoding="utf-8")
    environment = f"python: {platform.python_version()}\ndependencies:\n- -r requirements.txt\n"
    (folder / _PYTHON_ENV).write_text(environment, encoding="utf-8")


def _signature(columns: Mapping[str, str]) -> "ModelSignature":
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    # A model without inputs is refused, so a model without features (a naive rule) stands on the customer's id.
    named = columns or {"customer_id": "string"}
    inputs = Schema([ColSpec(type=kind, name=name, required=False) for name, kind in named.items()])
    return ModelSignature(inputs=inputs, outputs=Schema([ColSpec(type="double")]))
