"""What Dagster's pages show of a training: its verdict, links to MLflow, plots, and the holdout's metrics."""

import base64
from typing import Any

import dagster as dg

from custana_pipeline.models.training import Training
from custana_pipeline.stores.tracking_records import LoggedAnalysis

DIGITS = 6
"""Significant digits of a metric; MLflow has all of them."""


def verdict_metadata(training: Training, logged: LoggedAnalysis) -> dict[str, Any]:
    """What came of it, why, where MLflow has it, and how many rows it was made from."""
    return {
        "state": training.state,
        "reason": training.reason,
        "mlflow_run": dg.MetadataValue.url(logged.url),
        **{f"rows_{use}": count for use, count in training.row_counts.items()},
    }


def training_metadata(training: Training, logged: LoggedAnalysis) -> dict[str, Any]:
    """The same of a training that has champions, with these, the comparison, the plots and the champions' metrics."""
    metadata = verdict_metadata(training, logged)
    for target, champion in training.champions.items():
        metadata[f"{target}/champion"] = champion.name
        if champion.reason != training.reason:
            metadata[f"{target}/gate"] = champion.reason
        if champion.level:
            metadata[f"{target}/level"] = champion.level
        if target in logged.registered:
            metadata[f"{target}/model"] = dg.MetadataValue.url(logged.registered[target].url)
    metadata["comparison"] = dg.MetadataValue.md(comparison_table(training))
    return metadata | plot_metadata(training) | _metrics(training)


def plot_metadata(training: Training) -> dict[str, dg.MarkdownMetadataValue]:
    """For each target the candidates beside the naive baselines, and the champion's telling figure, as images."""
    from custana_pipeline.models.figures import champion_figures, comparisons, over_origins

    figures = comparisons(training) | over_origins(training) | champion_figures(training)
    return {
        f"plot: {name.replace('_', ' ')}": dg.MetadataValue.md(
            f"![{name}](data:image/svg+xml;base64,{base64.b64encode(figure.svg().encode()).decode()})"
        )
        for name, figure in figures.items()
    }


def comparison_table(training: Training) -> str:
    """Candidates and baselines with their metrics, as a Markdown table for each target."""
    tables = []
    for target in training.champions:
        served, tried = training.judged_as(target), training.evaluated_for(target)
        names = [name for name in dict.fromkeys(name for each in tried for name in each.metrics) if _is_shown(name)]
        head = f"| {target} | role | " + " | ".join(name.removeprefix("holdout_") for name in names) + " |"
        rule = "|---" * (len(names) + 2) + "|"
        rows = [
            f"| {'**' + each.name + '**' if each.name == served else each.name} | {each.role} | "
            + " | ".join(f"{each.metrics[name]:.4g}" if name in each.metrics else "" for name in names)
            + " |"
            for each in tried
        ]
        tables.append("\n".join([head, rule, *rows]))
    return "\n\n".join(tables)


def _is_shown(metric: str) -> bool:
    """Means over the backtest and ends of intervals are left to MLflow: the page of an asset is read at a glance."""
    return not metric.startswith("backtest_") and not metric.endswith(("_lower", "_upper"))


def _metrics(training: Training) -> dict[str, float]:
    return {
        f"{target}/{name}": float(f"{value:.{DIGITS}g}")
        for target, champion in training.champions.items()
        for name, value in champion.metrics.items()
        if _is_shown(name)
    }
