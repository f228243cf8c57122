"""`custana ui`: Dagster (UI and daemon) and MLflow together on loopback."""

from custana_pipeline.commands.terminal import terminal
from custana_pipeline.stores.servers import ServerPlan, serve
from custana_pipeline.stores.settings import Settings


def serve_until_stopped(settings: Settings, *, is_read_only: bool = False) -> int:
    """Starts the servers for the active source, or its pages to look at only, and stays until Ctrl-C or SIGTERM."""
    console = terminal()
    _ = settings.pack  # an unknown source is told here, and not by a server's log
    plan = ServerPlan(
        workspace=settings.project_dir / "workspace.yaml",
        dagster_home=settings.dagster_home,
        mlflow_folder=settings.mlflow_dir,
        log_folder=settings.data_dir / "logs",
        dagster_port=settings.dagster_port,
        mlflow_port=settings.mlflow_port,
        environment=environment_of(settings),
        hosts=settings.ui_hosts,
        is_read_only=is_read_only,
    )
    serve(plan, console.print)
    return 0


def environment_of(settings: Settings) -> dict[str, str]:
    """The settings of the command line as the variables that the servers' own processes read."""
    told = {
        "CUSTANA_PROJECT_DIR": str(settings.project_dir),
        "CUSTANA_DATA_DIR": str(settings.data_dir),
        "CUSTANA_SOURCE": settings.source,
        "CUSTANA_DAGSTER_PORT": str(settings.dagster_port),
        "CUSTANA_MLFLOW_PORT": str(settings.mlflow_port),
    }
    if settings.input:
        told["CUSTANA_INPUT"] = settings.input
    if settings.horizon_days_override:
        told["CUSTANA_HORIZON_DAYS"] = str(settings.horizon_days_override)
    return told
