"""What the texts in custana.toml may say."""

from pathlib import Path

import pytest

from custana_pipeline.errors import WrongUse
from custana_pipeline.stores import settings_rules as rules
from custana_pipeline.stores.places import absolute, data_folder, input_place, output_file
from custana_pipeline.stores.settings_file import MOST_BYTES, read_settings_file, refuse_secrets


@pytest.mark.parametrize("name", ["a", "orders_2024", "x" * 63])
def test_a_plain_name_is_taken(name: str) -> None:
    assert rules.raw_name(name) == name


@pytest.mark.parametrize("name", ["", "A", "1a", "a\n", "a b", "a;", "ａ", "x" * 64, "select", "source_line", "rowid"])
def test_any_other_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"name is|word of SQL|own column"):
        rules.raw_name(name)


@pytest.mark.parametrize("pattern", ["orders*.csv", "2024/*.csv", "**/orders.csv", "export (3)[1].txt", "ordres é.csv"])
def test_a_pattern_below_the_folder_is_taken(pattern: str) -> None:
    assert rules.file_pattern(pattern) == pattern


@pytest.mark.parametrize("pattern", ["", "/a", "~/a", "../a", "a/../../b", "http://x/a", "a\\b", "a\0", "**/**/a"])
def test_a_pattern_that_could_lead_out_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"pattern|visible"):
        rules.file_pattern(pattern)


@pytest.mark.parametrize("text", ["%Y-%m-%d %H:%M:%S", "%d.%m.%y", "%Y%m%d", "%-d/%-m/%Y", "%d %b %Y 100%%", "%x"])
def test_a_time_format_of_a_day_is_taken(text: str) -> None:
    assert rules.strptime_format(text) == text


@pytest.mark.parametrize("text", ["", "%", "%Q", "%H:%M", "%Y-%m", "%Y-%m-%d\0", "Y-m-d", "%-Y-%d", "%Y-%m-%d" * 9])
def test_a_time_format_that_names_no_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="time format"):
        rules.strptime_format(text)


@pytest.mark.parametrize("mark", [",", ";", "\t", "|", " ", "'", "\x1f"])
def test_a_field_mark_is_one_sign(mark: str) -> None:
    assert rules.field_mark(mark) == mark


@pytest.mark.parametrize("mark", ['"', "\n", "\r", "\0", "a", "1", "€"])
def test_a_field_mark_that_is_part_of_data_is_refused(mark: str) -> None:
    with pytest.raises(ValueError, match="delimiter"):
        rules.field_mark(mark)


@pytest.mark.parametrize("text", ["0GB", "63MB", "999999TB", "4 bananas", "4GB\n", "-1GB", "٤GB", "4\u2003GB"])
def test_memory_that_no_machine_has_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="memory"):
        rules.memory(text)


@pytest.mark.parametrize("given", ["http://shop/x", "s3://b/x", "file:///x", "", "a\0b", "~nobody-here/x", "a\nb"])
def test_what_is_no_path_of_this_machine_is_refused(given: str) -> None:
    with pytest.raises(WrongUse, match="--input"):
        absolute(given, "--input")


@pytest.mark.parametrize("given", ["/dev/zero", "/proc/self/environ", "/dev/stdin", "/sys"])
def test_the_machines_own_files_are_no_input(given: str, tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match=r"machine's own|neither a folder"):
        input_place(given, tmp_path)


def test_data_go_to_a_folder_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert data_folder(Path("data"), tmp_path) == tmp_path / "data"
    for given in ("file", ".", "dbt_like_sql/x", "/", "/etc/x", "/proc/x"):
        with pytest.raises(WrongUse, match="The data folder"):
            data_folder(Path(given), tmp_path)


def test_predictions_go_to_a_file_that_is_not_the_one_read(tmp_path: Path) -> None:
    source, link = tmp_path / "in.csv", tmp_path / "link.csv"
    source.touch()
    link.symlink_to(source)
    assert output_file(tmp_path / "out.csv", [source]) == tmp_path / "out.csv"
    for given in (source, link, tmp_path, tmp_path / "nowhere" / "out.csv", Path("/dev/null")):
        with pytest.raises(WrongUse, match="--out"):
            output_file(given, [source])


@pytest.mark.parametrize(
    "told",
    [
        {"alert_webhook": "https://x"},
        {"packs": {"shop": {"password": "x"}}},
        {"packs": {"shop": {"input": "postgresql://shop:hunter2@db/shop"}}},
        {"packs": {"shop": {"database": "host=db password=hunter2"}}},
        {"x": [{"api_key": "hunter2"}]},
    ],
)
def test_a_secret_in_the_file_is_refused_without_its_value(told: dict) -> None:
    with pytest.raises(WrongUse, match="holds a secret") as caught:
        refuse_secrets({"first": "plain", **told}, frozenset({"alert_webhook"}))
    assert "hunter2" not in str(caught.value)


def test_a_text_as_long_as_the_file_may_be_is_looked_through_at_once() -> None:
    for text in ("a" * MOST_BYTES, "a." * (MOST_BYTES // 2), "a://" * (MOST_BYTES // 4)):
        refuse_secrets({"description": text}, frozenset())


def test_a_column_may_be_named_like_a_secret() -> None:
    refuse_secrets(
        {"packs": {"s": {"raw": {"o": {"columns": {"token": "Token", "order_password": "x"}}}}}}, frozenset()
    )


@pytest.mark.parametrize(
    "text", ["x = " + "[" * 50_000, ".".join("a" * 50_000) + " = 1", "x = 1\nx = 2", "x = " + "9" * 9_000]
)
def test_a_file_made_to_hurt_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "custana.toml"
    file.write_text(text)
    with pytest.raises(WrongUse, match=r"custana\.toml"):
        read_settings_file(file)


def test_a_large_file_is_refused_unread(tmp_path: Path) -> None:
    (tmp_path / "custana.toml").write_text("#" * 300_000)
    with pytest.raises(WrongUse, match="larger than 262,144 bytes"):
        read_settings_file(tmp_path / "custana.toml")
