"""What is published, and what the terminal says of it."""

import csv
import datetime as dt
import hashlib
import json
from pathlib import Path

import duckdb

from custana_pipeline_tests.whole_chain.nights import AS_OF, PROMISED

A_ROW_A_CUSTOMER = ("recommended_customers", "demand_forecast", "customer_value", "customer_segments")


def rows(version: Path, query: str) -> list[tuple]:
    """The rows of a query in which {name} stands for the Parquet file of a list."""
    with duckdb.connect() as connection:
        return connection.execute(query.format(**{name: f"'{version / name}.parquet'" for name in PROMISED})).fetchall()


def test_the_lists_have_the_columns_that_other_programs_read(version: Path) -> None:
    for name, promised in PROMISED.items():
        columns = [column for column, *_ in rows(version, f"describe from {{{name}}}")]
        assert [column for column in promised.split() if column not in columns] == []
        with (version / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            assert next(csv.reader(file)) == columns


def test_every_list_is_of_the_day_and_has_the_rows_of_its_csv(version: Path) -> None:
    for name in PROMISED:
        # nothing was listed before the first day of a warehouse
        days = [] if name == "segment_migrations" else [(dt.date.fromisoformat(AS_OF),)]
        assert rows(version, f"select distinct as_of from {{{name}}}") == days
        with (version / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            assert rows(version, f"select count(*) from {{{name}}}") == [(sum(1 for _ in csv.reader(file)) - 1,)]


def known_customers(shop: Path) -> set[str]:
    """Customers with a purchase before as_of, from the files alone."""
    query = """select distinct trim(customer_id) from read_csv(?, all_varchar = true, ignore_errors = true)
        where lower(trim(customer_id)) not in ('null', 'nan', 'none', 'n/a', 'unknown', '')
        and try_strptime(trim(ordered_at), '%Y-%m-%d %H:%M:%S') between '1990-01-01' and '2025-01-31 23:59:59'
        and try_cast(quantity as double) > 0 and try_cast(unit_price as decimal(18, 4)) >= 0"""
    with duckdb.connect() as connection:
        found = connection.execute(query, [str(shop / "files" / "transactions.csv")]).fetchall()
    return {customer for (customer,) in found}


def test_every_customer_with_a_purchase_before_the_day_is_in_every_list(shop: Path, version: Path) -> None:
    known = known_customers(shop)
    assert len(known) > 250
    for name in (*A_ROW_A_CUSTOMER, "product_recommendations"):
        assert {customer for (customer,) in rows(version, f"select distinct customer_id from {{{name}}}")} == known
    for name in A_ROW_A_CUSTOMER:
        assert rows(version, f"select count(*) from {{{name}}}") == [(len(known),)]


def test_scores_are_what_they_are_called(version: Path) -> None:
    wrong = {
        "recommended_customers": "p_buy not between 0 and 1 or score_decile not between 1 and 10 or reasons is null",
        "demand_forecast": "expected_purchases < 0 or expected_amount < 0 or lower_amount > upper_amount",
        "customer_value": "horizon_value < 0 or year_value < horizon_value or year_value > year_upper",
        "product_recommendations": "list not in ('buy_again', 'discover') or rank not between 1 and 10",
        "customer_segments": "segment_name is null or segment_name = ''",
    }
    for name, condition in wrong.items():
        assert rows(version, f"select count(*) from {{{name}}} where {condition}") == [(0,)]
    better = "select count(*) from {recommended_customers} one join {recommended_customers} other"
    assert rows(version, f"{better} on one.score_decile < other.score_decile and one.p_buy < other.p_buy") == [(0,)]


def test_the_manifest_names_the_bytes_of_every_file_and_current_names_the_version(shop: Path, version: Path) -> None:
    manifest = json.loads((version / "manifest.json").read_text())
    files = {path.name for path in version.iterdir()} - {"manifest.json", "run.json"}
    assert files == manifest["files"].keys()
    for name, facts in manifest["files"].items():
        content = (version / name).read_bytes()
        assert (facts["sha256"], facts["bytes"]) == (hashlib.sha256(content).hexdigest(), len(content))
    digest = hashlib.sha256((version / "manifest.json").read_bytes()).hexdigest()
    assert version.name == f"{AS_OF}-{digest[:8]}"
    assert (shop / "data" / "published" / AS_OF).resolve() == version.resolve()


def test_the_report_needs_nothing_from_elsewhere(version: Path) -> None:
    report = (version / "report.html").read_text(encoding="utf-8")
    assert AS_OF in report
    for fetched in ('src="http', 'href="http', "@import", "url(http"):
        assert fetched not in report


def test_the_lines_that_the_terminal_counts_add_up(shop: Path) -> None:
    told = {words[0]: words[1:] for words in (row.split() for row in (shop / "made").read_text().splitlines()) if words}
    for table in ("transactions", "customers", "products", "events"):
        read, *parts = (int(number.replace(",", "")) for number in told[table])
        assert read == sum(parts)
