"""`custana train`: one analysis on a flat file without dates, through the same six steps and into the same MLflow."""

from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
from rich.console import Console

from custana_pipeline.commands.terminal import plain_table, terminal
from custana_pipeline.errors import NotTrainable, WrongUse
from custana_pipeline.models.learning import digest_of
from custana_pipeline.models.seed_files import TARGETS, FlatTraining, apply_flat, train_flat
from custana_pipeline.models.seed_frames import read_flat
from custana_pipeline.orchestration.project import Project
from custana_pipeline.orchestration.training_log import TrainingFacts, log_training
from custana_pipeline.stores.durable_files import replace_bytes
from custana_pipeline.stores.list_files import csv_bytes
from custana_pipeline.stores.places import output_file
from custana_pipeline.stores.settings import Settings
from custana_pipeline.stores.tracking_records import LoggedAnalysis, Origin

if TYPE_CHECKING:
    import pandas as pd

SOURCE = "flat-file"
SHOWN = {
    "behavior": ("holdout_accuracy", "holdout_precision", "holdout_recall", "holdout_roc_auc", "holdout_log_loss"),
    "demand": ("holdout_mse", "holdout_mae", "holdout_r2", "holdout_total_ratio"),
    "segmentation": ("cluster_count", "smallest_share", "silhouette", "davies_bouldin", "calinski_harabasz"),
}
"""The metrics that the terminal shows; MLflow has them all."""


def train_and_predict(
    settings: Settings, analysis: str, file: Path, *, apply_to: Path | None = None, out: Path | None = None
) -> int:
    """Trains on `file`, logs it, and writes predictions for its rows or for those of `apply_to`.

    Raises NotTrainable, after MLflow has been told, where there is too little to learn from.
    """
    if analysis not in TARGETS:
        raise WrongUse(f"ANALYSIS is one of {', '.join(TARGETS)}.")
    target = out or Path(f"{(apply_to or file).name.split('.')[0]}_predictions.csv")
    written = output_file(target, [file, *([apply_to] if apply_to else [])])
    console = terminal()
    console.print(f"custana: training {analysis} on {file.name}")
    rows = read_flat(file)
    others = read_flat(apply_to) if apply_to else rows
    flat: FlatTraining = train_flat(analysis, rows)  # type: ignore[arg-type]
    logged = _log(Project(settings), flat, rows)
    if not flat.training.is_trained:
        raise NotTrainable(f"{analysis} is NOT_TRAINABLE on {file.name}: {flat.training.reason} MLflow: {logged.url}")
    predictions = apply_flat(flat, others)
    replace_bytes(written, csv_bytes(pa.Table.from_pandas(predictions, preserve_index=False)))
    _show(console, flat)
    console.print()
    console.print(f"Rows         {len(rows):,}; {flat.split}")
    console.print(f"Predictions  {target} ({len(predictions):,} rows: {', '.join(predictions.columns)})")
    console.print(f"MLflow       {logged.url} (`custana ui` starts it)")
    return 0


def _log(project: Project, flat: FlatTraining, rows: "pd.DataFrame") -> LoggedAnalysis:
    origin = Origin(data_version=digest_of(rows), code_version=project.code_version)
    champions = flat.training.champions.values()
    dtypes = {name: "double" if name in flat.numeric else "string" for each in champions for name in each.columns}
    return log_training(project.tracker, flat.training, TrainingFacts(SOURCE, None, origin, dtypes))


def _show(console: Console, flat: FlatTraining) -> None:
    training = flat.training
    names = SHOWN[training.analysis]
    for target, champion in training.champions.items():
        table = plain_table("", ("model", "role", *(name.removeprefix("holdout_") for name in names)), numbers_from=2)
        for each in training.evaluated_for(target):
            marked = f"{each.name} *" if each.name == champion.name else each.name
            table.add_row(marked, each.role, *(f"{each.metrics.get(name, float('nan')):.4g}" for name in names))
        console.print()
        console.print(f"{target}: {champion.reason}")
        console.print(table)
    if flat.segments is not None:
        console.print()
        for row in flat.segments.to_dict("records"):
            console.print(f"{row['segment_name']}: {row['customer_count']:,} customers. {row['description']}")
