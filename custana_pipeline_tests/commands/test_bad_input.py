"""What bad input gets: an exit code, a message with the mend, and yesterday's lists as they were."""

import datetime as dt
import gzip

import pytest

from custana_pipeline_tests.commands.shop_files import (
    HEADER,
    SECRET,
    Shop,
    Told,
    command,
    every,
    fingerprint,
    line,
    purchases,
)

DAYS = every(40, dt.date(2024, 1, 5), dt.date(2024, 12, 20))
GOOD = purchases(range(1, 12), DAYS)
BAD_DATA, WRONG_USE = 3, 2


def refused(shop: Shop, capsys: pytest.CaptureFixture[str], *arguments: str, as_of: str = "2025-01-01") -> Told:
    """Runs the command on a shop that it must refuse without touching what is published."""
    before = fingerprint(shop.data / "published")
    told = shop.run(capsys, *arguments, as_of=as_of)
    assert fingerprint(shop.data / "published") == before
    assert SECRET not in told.err + told.out
    assert told.err.count("\n") == 1
    assert told.err.startswith("custana: ")
    return told


def joined(*lines: str) -> str:
    return "\n".join([HEADER, *lines]) + "\n"


FILES = {
    "an empty file": (b"", "it is empty (0 bytes): export it again, or take it away"),
    "a header only": (f"{HEADER}\n", "it has a header and no line of data: export it again"),
    "a missing column": (joined(*GOOD).replace("quantity", "how_many"), "column quantity is missing: add it"),
    "a doubled column": (
        "\n".join([f"{HEADER},quantity", *(f"{good},1" for good in GOOD)]),
        "column quantity stands more than once in the header: keep one of each",
    ),
    "another delimiter": (joined(*GOOD).replace(",", ";"), "its delimiter looks like a semicolon: correct the delimit"),
    "another encoding": (joined(*GOOD, line(12, DAYS[0], product_id="Café")).encode("latin-1"), "UTF-8"),
}


@pytest.mark.parametrize(("content", "told"), FILES.values(), ids=FILES.keys())
def test_a_file_that_cannot_be_landed_is_named_with_the_mend(
    shop: Shop, capsys: pytest.CaptureFixture[str], content: str | bytes, told: str
) -> None:
    shop.write(GOOD).put("transactions.csv", content)
    answer = refused(shop, capsys)
    assert answer.exit_code == BAD_DATA
    assert answer.err.startswith("custana: raw/transactions: transactions.csv: ")
    assert told in answer.err


def test_a_gzip_that_is_cut_off_is_named_with_the_mend(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    shop.write(GOOD).put("transactions-2.csv.gz", gzip.compress(joined(*GOOD).encode())[:-20])
    answer = refused(shop, capsys)
    assert answer.exit_code == BAD_DATA
    assert "transactions-2.csv.gz: the gzip is cut off before its end: fetch it again" in answer.err


def test_one_bad_file_of_several_keeps_the_good_ones_out_too(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    shop.write(GOOD).put("transactions-2.csv", f"{HEADER}\n")
    assert refused(shop, capsys).exit_code == BAD_DATA
    shop.put("transactions-2.csv", "")
    assert "transactions-2.csv: it is empty" in refused(shop, capsys).err


SPOILT = {
    "every day unparsable": ([line(1, "5/1/2024"), line(2, "tomorrow")] * 30, "unparsable_date"),
    "every quantity unparsable": ([line(n, DAYS[0], quantity="a few") for n in range(1, 60)], "unparsable_quantity"),
    "six of a hundred lines rejected": (
        [line(n, DAYS[0], quantity="a few" if n <= 6 else "1") for n in range(1, 101)],
        "6.0% of 100 lines are rejected, 5.0% is the limit (unparsable_quantity 6): correct the file",
    ),
}


@pytest.mark.parametrize(("lines", "told"), SPOILT.values(), ids=SPOILT.keys())
def test_a_file_of_spoilt_lines_is_told_with_the_reasons_counted(
    shop: Shop, capsys: pytest.CaptureFixture[str], lines: list[str], told: str
) -> None:
    answer = refused(shop.write(lines), capsys)
    assert answer.exit_code == BAD_DATA
    assert answer.err.startswith("custana: cleaned/transactions: ")
    assert told in answer.err


def test_a_file_whose_every_line_is_ragged_is_told_as_such(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    answer = refused(shop.write([good + ",more" for good in GOOD]), capsys)
    assert answer.exit_code == BAD_DATA
    assert f"every line for raw.transactions is malformed (too_many_fields {len(GOOD)}): correct" in answer.err


def test_a_folder_without_order_lines_is_no_data(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    shop.write(GOOD)
    (shop.folder / "transactions.csv").unlink()
    answer = refused(shop, capsys)
    assert answer.exit_code == BAD_DATA
    assert "NO_DATA: there is no line for raw.transactions" in answer.err
    assert "--input" in answer.err
    assert "required" not in answer.err


def test_a_day_before_the_first_purchase_is_told(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    answer = refused(shop.write(purchases(range(1, 12), [dt.date(2024, 12, 20)])), capsys, as_of="2024-12-20")
    assert answer.exit_code == BAD_DATA
    assert "No customer has a purchase before 2024-12-20: choose a later day, or load earlier" in answer.err


def test_returns_alone_make_no_customer(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    answer = refused(shop.write([line(n, DAYS[0], quantity="-1") for n in range(1, 60)]), capsys)
    assert answer.exit_code == BAD_DATA
    assert "No customer has a purchase before 2025-01-01" in answer.err


WRONG = {
    "an unknown pack": (["--source", "warehouse"], "There is no source pack 'warehouse' in custana.toml (known: "),
    "a pack outside the project": (["--source", "../../etc"], "There is no source pack"),
    "a day that is none": (["--as-of", "2025-02-30"], "--as-of is a day such as 2011-09-10"),
    "a day that is no day": (["--as-of", "yesterday"], "--as-of is a day such as 2011-09-10"),
    "a day after the calendar": (["--as-of", "2026-01-02"], "outside the source's calendar, 2024-07-01 to 2026-01-01"),
    "a day before the calendar": (["--as-of", "2024-06-30"], "outside the source's calendar, 2024-07-01 to 2026-01-01"),
    "an input that is not there": (["--input", "nowhere"], "nowhere of source 'sample' is not there: put its files"),
}


@pytest.mark.parametrize(("arguments", "told"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_command_is_told_what_would_be_right(
    shop: Shop, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    answer = refused(shop.write(GOOD), capsys, *arguments)
    assert answer.exit_code == WRONG_USE
    assert told in answer.err


@pytest.mark.parametrize(
    "arguments",
    [["--horizon-days", "0"], ["--horizon-days", "a month"], ["--as_of", "2025-01-01"], ["--as-of"], ["to", "Rome"]],
)
def test_an_argument_that_the_command_does_not_take_is_wrong_use(
    shop: Shop, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    told = shop.run(capsys, *arguments)
    assert told.exit_code == WRONG_USE
    assert "Error: " in told.err
    assert "Traceback" not in told.err


def test_an_unknown_command_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    told = command(capsys, "rnu")
    assert told.exit_code == WRONG_USE
    assert "No such command 'rnu'" in told.err


def test_the_failed_run_is_in_dagsters_history_without_any_value(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    import dagster as dg

    refused(shop.write([line(1, "5/1/2024")] * 30), capsys)
    with dg.DagsterInstance.from_config(str(shop.data / "dagster")) as instance:
        (run,) = instance.get_runs()
        told = "".join(entry.to_json() for entry in instance.all_logs(run.run_id))
    assert run.status == dg.DagsterRunStatus.FAILURE
    assert "unparsable_date" in told
    assert SECRET not in told


def test_a_warehouse_that_was_broken_is_told_with_the_mend(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    shop.write(GOOD)
    (shop.data / "warehouse").mkdir()
    (shop.data / "warehouse" / "sample.duckdb").write_bytes(b"no database" * 1000)
    answer = refused(shop, capsys)
    assert answer.exit_code == BAD_DATA
    assert "The database sample.duckdb is damaged" in answer.err
    assert "`custana verify --repair` moves it aside and restores the last snapshot" in answer.err
