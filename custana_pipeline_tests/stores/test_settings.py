from pathlib import Path

import pytest

from custana_pipeline.errors import WrongUse
from custana_pipeline.stores.machine import Machine
from custana_pipeline.stores.settings import Settings, load_settings, project_dir

TOML = """source = "shop"
nightly_hour = 4

[packs.shop]
input = "orders"
calendar = { start = 2024-01-01, end = 2025-01-01 }
horizon_days = 60

[packs.shop.raw.orders]
files = ["orders*.csv"]
columns = { customer_id = "Customer ID" }
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder that is the active one, with nothing of the outer environment."""
    for name in ("SOURCE", "INPUT", "DATA_DIR", "THREADS", "NIGHTLY_HOUR", "HORIZON_DAYS_OVERRIDE", "MEMORY_LIMIT"):
        monkeypatch.delenv(f"CUSTANA_{name}", raising=False)
    monkeypatch.setenv("CUSTANA_PROJECT_DIR", str(tmp_path))
    (tmp_path / "custana.toml").write_text(TOML)
    return tmp_path


def rewritten(project: Path, old: str, new: str) -> None:
    assert TOML.count(old) == 1
    (project / "custana.toml").write_text(TOML.replace(old, new))


def test_the_file_is_what_counts_where_nothing_else_is_said(project: Path) -> None:
    settings = load_settings()
    assert (settings.source, settings.nightly_hour, settings.horizon_days) == ("shop", 4, 60)
    assert settings.input_path == project / "orders"
    assert settings.data_dir == project / "data"
    assert settings.warehouse_path == project / "data" / "warehouse" / "shop.duckdb"


def test_the_environment_goes_before_the_file(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUSTANA_NIGHTLY_HOUR", "5")
    monkeypatch.setenv("CUSTANA_DATA_DIR", str(project / "elsewhere"))
    settings = load_settings()
    assert (settings.nightly_hour, settings.data_dir) == (5, project / "elsewhere")


def test_the_command_line_goes_before_the_environment(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUSTANA_HORIZON_DAYS_OVERRIDE", "30")
    monkeypatch.setenv("CUSTANA_DATA_DIR", str(project / "elsewhere"))
    settings = load_settings(horizon_days_override=14, data_dir=project / "here", source=None)
    assert (settings.horizon_days, settings.data_dir, settings.source) == (14, project / "here", "shop")


def test_a_data_folder_is_absolute_whatever_was_said(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    assert load_settings(data_dir=Path("written")).data_dir == project / "written"


def test_the_project_is_the_nearest_folder_above_that_is_one(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUSTANA_PROJECT_DIR")
    deep = project / "dbt_like_sql" / "sources"
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)
    assert project_dir() == project


def test_settings_cannot_be_changed_once_read(project: Path) -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_settings().threads = 8


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("nightly_hour = 4", "nigthly_hour = 4", "nigthly_hour: Extra inputs are not permitted"),
        ("horizon_days = 60", "horizon = 60", r"packs\.shop\.horizon: Extra inputs"),
        ('files = ["orders*.csv"]', "", r"packs\.shop\.raw\.orders: .*either files, or a connection"),
        ("horizon_days = 60", "horizon_days = 0", r"packs\.shop\.horizon_days: .*greater than or equal to 1"),
        ("[packs.shop.raw.orders]", "[packs.shop.raw.files]", "files are custana's own"),
        ("[packs.shop.raw.orders]", '[packs.shop.raw."x; drop table y"]', "a name is lower-case letters"),
        ("{ customer_id =", '{ "customer id" =', "a name is lower-case letters"),
        ("input =", 'timezone = "Mars/Olympus_Mons"\ninput =', r"packs\.shop\.timezone: .*IANA"),
        ("end = 2025-01-01", "end = 2023-01-01", r"packs\.shop\.calendar: .*ends before it starts"),
        ("nightly_hour = 4", 'memory_limit = "plenty"', "memory_limit: "),
    ],
)
def test_a_wrong_field_is_named_with_its_place(project: Path, old: str, new: str, told: str) -> None:
    rewritten(project, old, new)
    with pytest.raises(WrongUse, match=rf"The settings are wrong: .*{told}.*: mend custana\.toml"):
        load_settings()


@pytest.mark.parametrize("name", ["../shop", "Shop", "1shop", "shop-1", "shop; drop", "s" * 64])
def test_a_pack_whose_name_is_no_identifier_is_refused(project: Path, name: str) -> None:
    (project / "custana.toml").write_text(TOML.replace("packs.shop", f'packs."{name}"'))
    with pytest.raises(WrongUse, match="a name is lower-case letters"):
        load_settings()


def test_a_wrong_value_is_not_repeated(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUSTANA_THREADS", "hunter2")
    with pytest.raises(WrongUse, match="threads: ") as caught:
        load_settings()
    assert "hunter2" not in str(caught.value)


def test_a_file_that_is_no_toml_is_told_with_the_line(project: Path) -> None:
    (project / "custana.toml").write_text('source = "shop"\nnightly_hour = = 4\n')
    with pytest.raises(WrongUse, match=r"custana\.toml cannot be read as TOML .*line 2"):
        load_settings()


@pytest.mark.parametrize("asked", ["warehouse", "../../etc/passwd", "shop\x1b[31m", "x" * 500])
def test_an_unknown_pack_is_wrong_use_and_the_known_ones_are_named(project: Path, asked: str) -> None:
    with pytest.raises(WrongUse, match=r"known: shop\): choose one of these, or add one") as caught:
        _ = load_settings(source=asked).pack
    assert caught.value.exit_code == 2
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_columns_without_a_header_are_in_file_order(project: Path) -> None:
    rewritten(project, 'columns = { customer_id = "Customer ID" }', 'header = false\ncolumns = ["customer_id", "day"]')
    assert load_settings().pack.raw["orders"].headers == {"customer_id": "customer_id", "day": "day"}


def test_memory_and_threads_are_what_the_machine_allows_unless_said(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("custana_pipeline.stores.settings.this_machine", lambda: Machine(10 * 1024**3, 3))
    assert (load_settings().duckdb_memory_limit, load_settings().duckdb_threads) == ("4096MiB", 3)
    said = load_settings(memory_limit="1500MB", threads=5)
    assert (said.duckdb_memory_limit, said.duckdb_threads) == ("1500MB", 5)
    assert load_settings(memory_limit="300MB").duckdb_threads == 2


def test_every_field_says_what_it_is() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_the_packs_that_are_shipped_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUSTANA_PROJECT_DIR", str(Path(__file__).resolve().parents[2]))
    assert {"sample", "online_retail_ii", "cdnow"} <= load_settings().packs.keys()
