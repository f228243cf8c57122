"""How a training is told in words on its MLflow page: Markdown, with the champion beside the best naive rule."""

from collections.abc import Mapping

from custana_pipeline.stores.tracking_records import AnalysisRun, ServingModel


def experiment_note(run: AnalysisRun) -> str:
    """The description of the experiment."""
    return (
        f"How {run.analysis} of source {run.source} was trained: one run a day, and below it one nested run for each "
        "candidate and each naive baseline, all judged at the same past days, none of which they were trained on: "
        "metrics `holdout_` are those of the newest complete window, `backtest_` means over all of these days, and "
        "`origin_` those of each, at the step that counts its days before as_of. "
        "Open a run's [+], choose its nested runs, and press Compare: parameters, metrics and figures side by side. "
        "Tags to filter by: custana.role, custana.target, custana.is_champion."
    )


def analysis_note(run: AnalysisRun) -> str:
    """The description of the parent run."""
    when = f" as of **{run.day}**" if run.day else ""
    lines = [f"**{run.analysis}** of source **{run.source}**{when}: {run.state}.", ""]
    if run.reason and run.reason not in {model.reason for model in run.champions}:
        lines += [run.reason, ""]
    for model in run.champions:
        lines += [*_champion_lines(run, model), ""]
    if run.trials:
        lines += [_tried(run), ""]
    if run.row_counts:
        rows = ", ".join(f"{name} {count:,}" for name, count in run.row_counts.items())
        lines += [f"Rows (customer x day): {rows}.", ""]
    if run.dropped_columns:
        lines += [
            f"Columns that were not used, with the reason: {len(run.dropped_columns)}, in dropped_columns.json.",
            "",
        ]
    lines.append(_repeat(run))
    return "\n".join(lines)


def version_note(run: AnalysisRun, model: ServingModel) -> str:
    """The description of the registered version."""
    when = f" as of {run.day}" if run.day else ""
    return "\n".join(
        [
            f"**{model.candidate}** for `{model.target}`, trained{when}; version `{model.model_version}`.",
            "",
            *_champion_lines(run, model),
        ]
    )


def _champion_lines(run: AnalysisRun, model: ServingModel) -> list[str]:
    naive = run.trial_of(model.target, model.best_naive)
    return [
        f"### {model.target}: {model.candidate}",
        _reason(model),
        *([f"Level: {model.level}."] if model.level else []),
        "",
        *_metric_table(model, naive.metrics if naive else {}),
    ]


def _reason(model: ServingModel) -> str:
    if model.reason:
        return model.reason
    verdict = "beats" if model.beats_naive else "does not beat"
    return f"It {verdict} the best naive rule, {model.best_naive}."


def _metric_table(model: ServingModel, naive: Mapping[str, float]) -> list[str]:
    if model.candidate == model.best_naive:
        rows = [f"| {name} | {value:.4g} |" for name, value in model.metrics.items()]
        return [f"| metric | {model.candidate} |", "|---|---:|", *rows]
    rows = [
        f"| {name} | {value:.4g} | {format(naive[name], '.4g') if name in naive else ''} |"
        for name, value in model.metrics.items()
    ]
    return [f"| metric | {model.candidate} | {model.best_naive} (naive) |", "|---|---:|---:|", *rows]


def _tried(run: AnalysisRun) -> str:
    roles = [trial.role for trial in run.trials]
    candidates, baselines = roles.count("candidate"), roles.count("baseline")
    return f"Tried: {candidates} candidates and {baselines} naive baselines, one nested run each, on the same rows."


def _repeat(run: AnalysisRun) -> str:
    return f"Data version `{run.origin.data_version}`, code version `{run.origin.code_version}`."
