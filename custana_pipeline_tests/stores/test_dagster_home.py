import warnings
from pathlib import Path

import dagster as dg
import pytest

from custana_pipeline.errors import WrongUse
from custana_pipeline.stores import dagster_home


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with warnings.catch_warnings():
        warnings.filterwarnings("error", module="dagster")
        return dagster_home.prepare(tmp_path_factory.mktemp("data") / "dagster")


def test_dagster_takes_every_setting_of_the_template(home: Path) -> None:
    with dagster_home.opened(home) as instance:
        assert not instance.telemetry_enabled
        assert instance.run_monitoring_enabled
        assert instance.get_settings("run_monitoring")["free_slots_after_run_end_seconds"] == 60
        assert instance.run_monitoring_max_runtime_seconds == 14400
        assert instance.get_settings("run_retries") == {
            "enabled": True,
            "max_retries": 1,
            "retry_on_asset_or_op_failure": False,
        }
        assert instance.global_op_concurrency_default_limit == 1
        queue = instance.get_concurrency_config().run_queue_config
        assert queue is not None
        assert queue.max_concurrent_runs == 1


def test_the_databases_are_there_before_any_server_starts(home: Path) -> None:
    databases = {path.relative_to(home).as_posix() for path in home.rglob("*.db")}
    assert databases == {"history/runs.db", "history/runs/index.db", "schedules/schedules.db"}


def test_settings_that_somebody_edited_stay(home: Path) -> None:
    file = home / "dagster.yaml"
    file.write_text(file.read_text().replace("max_runtime_seconds: 14400", "max_runtime_seconds: 60"))
    (home / "prepared-by").unlink()
    dagster_home.prepare(home)
    with dagster_home.opened(home) as instance:
        assert instance.run_monitoring_max_runtime_seconds == 60


def test_a_setting_that_dagster_does_not_know_is_named(tmp_path: Path) -> None:
    (tmp_path / "dagster.yaml").write_text("run_monitorin: {enabled: true}\n")
    with pytest.raises(WrongUse, match='unexpected config entry "run_monitorin"') as told:
        dagster_home.prepare(tmp_path)
    assert len(str(told.value)) < 400


def test_a_run_inside_keeps_its_standard_streams(home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    @dg.asset
    def telling() -> None:
        print("a progress bar")  # noqa: T201

    with dagster_home.opened(home) as instance:
        dg.materialize([telling], instance=instance)
    assert "a progress bar" in capfd.readouterr().out
