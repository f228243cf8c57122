"""The custana command. Exit codes: 0 done, 1 failed, 2 wrong use, 3 bad data."""

import atexit
import contextlib
import logging
import os
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from custana_pipeline.commands.process import settle
from custana_pipeline.errors import CustanaError, WrongUse

app = typer.Typer(
    name="custana",
    help="Customer analytics that a company can run every night and believe.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
# typer may carry a click of its own, and does not export the base class of its errors
UsageFault: type[Exception] = typer.BadParameter.__mro__[2]

STOPPED_CODE = 130
FOR_TESTS_ONLY = ("hypothesis", "pytest")
"""What pandera and scikit-learn import beside themselves where it is installed, for what no command does: .12 s."""

Source = Annotated[str | None, typer.Option("--source", help="Source pack; custana.toml names the default.")]
Input = Annotated[str | None, typer.Option("--input", help="Folder or file to read instead of the pack's input.")]
DataDir = Annotated[Path | None, typer.Option("--data-dir", help="Folder for everything that custana writes.")]
AsOf = Annotated[str | None, typer.Option("--as-of", metavar="YYYY-MM-DD", help="The day to look ahead from.")]
HorizonDays = Annotated[
    int | None, typer.Option("--horizon-days", min=1, max=730, help="Days ahead, instead of the pack's.")
]

_settled: dict[str, Path] = {}
"""Where this process's command writes; what is told of a full disk says how much is free there."""


def command() -> None:
    """What `custana` is in a terminal: `main`, and an end without taking every object of the process apart first.

    After a run there are 600,000 of them; Python's own end takes 1.8 s for these, and nothing is written by it.
    """
    for name in FOR_TESTS_ONLY:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]
    codes: list[int] = []
    atexit.register(_end_at_once, codes)  # the first one registered is the last one called
    try:
        main()
    except SystemExit as ended:
        codes.append(ended.code if isinstance(ended.code, int) else 0)
        raise


def _end_at_once(codes: list[int]) -> None:
    """Ends the process with the command's exit code, where there is one and what was told has been written."""
    if not codes:
        return
    logging.shutdown()
    with contextlib.suppress(OSError, ValueError):  # a closed pipe: Python's own end knows what to say
        for stream in filter(None, (sys.stdout, sys.stderr)):
            stream.flush()
        os._exit(codes[0])


def main() -> None:
    """Runs the command line; every expected error is one line on stderr and its exit code."""
    settle()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # stopping is stopping: what is open is closed first
    try:
        code = app(standalone_mode=False)
    except UsageFault as error:
        error.show()  # type: ignore[attr-defined]
        sys.exit(WrongUse.exit_code)
    except (typer.Abort, KeyboardInterrupt):
        code = STOPPED_CODE
    except CustanaError as error:
        _complain(str(error))
        sys.exit(error.exit_code)
    except Exception as error:
        if os.environ.get("CUSTANA_DEBUG"):
            raise
        from custana_pipeline.stores import faults

        own = faults.told(error, _settled.get("data_dir")) or faults.defect(error)
        _complain(str(own))
        sys.exit(own.exit_code)
    if code == STOPPED_CODE:  # typer may have caught the interruption itself
        _complain("stopped; what was published before is untouched.")
    sys.exit(code if isinstance(code, int) else 0)


def _complain(told: str) -> None:
    """One line on stderr; a log on a full disk takes none, and the exit code then tells all."""
    with contextlib.suppress(OSError):
        print(f"custana: {told}", file=sys.stderr, flush=True)  # noqa: T201


@app.command()
def run(
    source: Source = None,
    input_path: Input = None,
    as_of: AsOf = None,
    horizon_days: HorizonDays = None,
    data_dir: DataDir = None,
    again: Annotated[bool, typer.Option("--again", help="Run also where nothing has changed since.")] = False,
) -> int:
    """Run the whole chain for one day: from files to published lists and report."""
    settings = _settings(source, input_path, data_dir, horizon_days)
    _ = settings.input_path  # a source or an input that is none is told before anything starts
    from custana_pipeline.commands.nothing_new import tell_what_stands

    if not again and tell_what_stands(settings, as_of):
        return 0
    from custana_pipeline.stores import look_ahead

    look_ahead.begin(settings)
    from custana_pipeline.commands.run import run_and_tell

    return run_and_tell(settings, as_of)


@app.command()
def ui(
    source: Source = None,
    input_path: Input = None,
    data_dir: DataDir = None,
    dagster_port: Annotated[int | None, typer.Option(help="Loopback port of the Dagster UI.")] = None,
    mlflow_port: Annotated[int | None, typer.Option(help="Loopback port of the MLflow UI.")] = None,
    read_only: Annotated[bool, typer.Option("--read-only", help="Pages to look at only; no schedules run.")] = False,
) -> int:
    """Start Dagster (UI and daemon) and MLflow together on loopback, until Ctrl-C."""
    settings = _settings(source, input_path, data_dir, None, dagster_port=dagster_port, mlflow_port=mlflow_port)
    from custana_pipeline.commands.ui import serve_until_stopped

    return serve_until_stopped(settings, is_read_only=read_only)


@app.command()
def train(
    analysis: Annotated[str, typer.Argument(help="behavior, demand or segmentation")],
    file: Annotated[Path, typer.Argument(help="A flat CSV file, one row a customer.")],
    apply: Annotated[Path | None, typer.Option("--apply", help="Predict for these rows instead of the file's.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Where the predictions go (CSV).")] = None,
    data_dir: DataDir = None,
) -> int:
    """Train one analysis on a flat file, log it to MLflow, and write predictions."""
    settings = _settings(None, None, data_dir, None)
    from custana_pipeline.commands.train import train_and_predict

    return train_and_predict(settings, analysis, file, apply_to=apply, out=out)


@app.command()
def simulate(
    customers: Annotated[int, typer.Option(min=1, help="How many customers.")] = 2000,
    days: Annotated[int, typer.Option(min=30, help="How many days of history.")] = 730,
    out: Annotated[Path, typer.Option(help="The folder to write to.")] = Path("simulated"),
    format: Annotated[str, typer.Option(help="csv or parquet")] = "csv",
    dirt: Annotated[float, typer.Option(min=0.0, max=0.5, help="Share of the lines that are spoilt.")] = 0.02,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, another shop.")] = 7,
) -> int:
    """Write a simulated shop of any size, with planted dirt and its true counts."""
    from custana_pipeline.commands.simulate import simulate_and_tell

    return simulate_and_tell(out, customers=customers, days=days, format=format, dirt=dirt, seed=seed)


@app.command()
def selftest(
    ids: Annotated[
        list[str] | None, typer.Argument(help="Faults such as A1, or groups such as A; all if none.")
    ] = None,
    full: Annotated[bool, typer.Option("--full/--quick", help="With 50 kills and every n-th write failing.")] = False,
    processes: Annotated[
        int, typer.Option(min=1, help="Trials at the same time; many of them wait more than they compute.")
    ] = 3,
    out: Annotated[Path | None, typer.Option(help="Where the page goes instead of bench/trust.md.")] = None,
) -> int:
    """Try the faults of the catalogue on this installation, in a scratch folder."""
    from custana_pipeline.commands.selftest import selftest as try_faults

    return try_faults(_settings(None, None, None, None), ids or [], is_full=full, processes=processes, out=out)


@app.command(hidden=True)
def prepare(data_dir: DataDir = None) -> int:
    """Make the stores of Dagster and MLflow, and compile the package; `make setup` calls it once."""
    import compileall

    from custana_pipeline.stores import dagster_home, tracking_store

    settings = _settings(None, None, data_dir, None)
    dagster_home.prepare(settings.dagster_home)
    tracking_store.initialise(settings.mlflow_dir)
    dagster_home.keep_template()
    tracking_store.keep_template()
    compileall.compile_dir(Path(__file__).parent, quiet=2)  # where it cannot be written to, each start does so anew
    return 0


@app.command(hidden=True)
def docs() -> int:
    """Write docs/reference from the code."""
    from custana_pipeline.commands.docs import write_and_tell

    return write_and_tell()


@app.command(hidden=True)
def audit(report: Annotated[Path, typer.Argument(help="What pip-audit --format json has written.")]) -> int:
    """Say whether an audit of the installed packages counts; `make audit` calls it."""
    from custana_pipeline.stores.supply_chain import judge_audit

    looked_at = judge_audit(report.read_text(encoding="utf-8") if report.is_file() else "")
    print(f"{looked_at} packages audited, none skipped, no known weakness.")  # noqa: T201
    return 0


@app.command()
def status(source: Source = None, data_dir: DataDir = None) -> int:
    """Show what is published, what has been landed, and which models serve."""
    from custana_pipeline.commands.status import show_status

    return show_status(_settings(source, None, data_dir, None))


@app.command()
def verify(
    source: Source = None,
    data_dir: DataDir = None,
    repair: Annotated[
        bool, typer.Option("--repair", help="Move what is damaged aside and restore what can be.")
    ] = False,
) -> int:
    """Read everything that custana has written, and say what is damaged; mend it with --repair."""
    from custana_pipeline.commands.verify import verify_and_tell

    return verify_and_tell(_settings(source, None, data_dir, None), repairs=repair)


@app.command()
def quarantine(
    source: Source = None,
    data_dir: DataDir = None,
    reason: Annotated[str | None, typer.Option("--reason", help="Only the lines with this reason.")] = None,
    table: Annotated[str | None, typer.Option("--table", help="Only the lines for this cleaned table.")] = None,
    export: Annotated[Path | None, typer.Option("--export", help="A new CSV file to mend the lines in.")] = None,
) -> int:
    """List the lines that could not be used, by reason; export them to be mended."""
    from custana_pipeline.commands.quarantine import show_quarantine

    return show_quarantine(_settings(source, None, data_dir, None), reason, table, export)


@app.command()
def replay(
    file: Annotated[Path, typer.Argument(help="An export of the quarantine with its cells corrected.")],
    source: Source = None,
    data_dir: DataDir = None,
) -> int:
    """Take mended lines back in, each in the place of the one that it was."""
    from custana_pipeline.commands.replay import replay_and_tell

    return replay_and_tell(_settings(source, None, data_dir, None), file)


def _settings(
    source: str | None, input_path: str | None, data_dir: Path | None, horizon_days: int | None, **more: int | None
):
    """The settings, read before anything heavy is imported, so that what is wrong with them is told at once."""
    from custana_pipeline.stores.places import absolute
    from custana_pipeline.stores.settings import load_settings

    settings = load_settings(
        source=source,
        input=None if input_path is None else str(absolute(input_path, "--input")),
        data_dir=None if data_dir is None else absolute(data_dir, "--data-dir"),
        horizon_days_override=horizon_days,
        **more,
    )
    _settled["data_dir"] = settings.data_dir
    return settings
