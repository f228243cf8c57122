"""The run without MLflow that tells what tracking costs keeps champions as the tracked one does, without any of it."""

import datetime as dt
import subprocess
import sys
from pathlib import Path

import pandas as pd
from sklearn.linear_model import LogisticRegression

from bench.speed.untracked import log_analysis
from custana_pipeline.models.persistence import TRUSTED_TYPES, load
from custana_pipeline.stores.tracking import Tracker
from custana_pipeline.stores.tracking_records import AnalysisRun, Origin, ServingModel

ROWS = pd.DataFrame({"recency_days": [1.0, 2.0, 30.0, 40.0]})


def test_a_champion_can_be_read_back(tmp_path: Path) -> None:
    model = LogisticRegression().fit(ROWS, [1, 1, 0, 0])
    run = AnalysisRun(
        source="shop",
        analysis="behavior",
        as_of=dt.date(2025, 1, 1),
        state="TRAINED",
        reason="",
        origin=Origin("data", "code", "run", "models/behavior", "2025-01-01"),
        column_types={"recency_days": "double"},
        champions=(
            ServingModel(
                "is_recommended", "logistic", "shop-is_recommended", "v1", model, ("recency_days",), {}, "", True, ""
            ),
        ),
    )
    logged = log_analysis(Tracker(tmp_path / "mlflow"), run, TRUSTED_TYPES)
    kept = logged.registered["is_recommended"]
    served = load(kept.file, kept.sha256).predict_proba(ROWS)
    assert served.tolist() == model.predict_proba(ROWS).tolist()


def test_mlflow_cannot_be_imported() -> None:
    code = "from bench.speed.untracked import switch_off; switch_off(); import mlflow"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "import of mlflow halted" in ended.stderr
