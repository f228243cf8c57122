"""The counts in planted.json are what an independent reader finds in the files."""

import json
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from custana_pipeline.raw.simulator import SimulationPlan, simulate
from custana_pipeline.raw.simulator_dirt import Kind
from custana_pipeline.raw.simulator_planting import _broken
from custana_pipeline_tests.raw.simulated_files import judged, physical_lines, records, transaction_reason

SAMPLE = Path(__file__).parents[2] / "data" / "sample"
TABLES = ("transactions", "customers", "products", "events")


@pytest.fixture(scope="module", params=["sample", "dirtier", "tiny"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    if request.param == "sample":
        return SAMPLE
    out = tmp_path_factory.mktemp(request.param)
    customers, dirt = {"dirtier": (600, 0.15), "tiny": (30, 0.01)}[request.param]
    simulate(SimulationPlan(customers=customers, dirt=dirt, seed=11), out)
    return out


def planted(folder: Path, table: str) -> dict:
    return json.loads((folder / "planted.json").read_text(encoding="utf-8"))[table]


@pytest.mark.parametrize("table", TABLES)
def test_every_line_that_is_not_kept_was_planted_with_its_reason(folder: Path, table: str) -> None:
    truth = {
        name: kind["line_count"] for name, kind in planted(folder, table)["kinds"].items() if kind["status"] != "kept"
    }
    found = judged(folder, table).reasons
    assert {reason: count for reason, count in found.items() if reason and count} == truth


@pytest.mark.parametrize("table", TABLES)
def test_every_physical_line_is_accounted_for_once(folder: Path, table: str) -> None:
    totals = planted(folder, table)["totals"]
    assert totals["line_count"] == len(physical_lines(folder / f"{table}.csv"))
    assert totals["line_count"] == sum(
        totals[name] for name in ("header_lines", "blank_lines", "malformed_lines", "records")
    )
    assert totals["records"] == sum(totals[name] for name in ("kept_lines", "set_aside_lines", "rejected_lines"))
    assert totals["kept_lines"] == len(judged(folder, table).kept)


def test_the_money_and_the_buyers_of_kept_lines_are_true_to_the_cent(folder: Path) -> None:
    totals = planted(folder, "transactions")["totals"]
    kept = judged(folder, "transactions").kept
    amounts = [Decimal(row["quantity"]) * Decimal(row["unit_price"]) for row in kept]
    buyers = {row["customer_id"].strip() for row, amount in zip(kept, amounts, strict=True) if amount > 0}
    assert Decimal(totals["gross_amount"]) == sum(amount for amount in amounts if amount > 0)
    assert Decimal(totals["return_amount"]) == -sum(amount for amount in amounts if amount < 0)
    assert totals["customers_with_a_purchase"] == len(buyers)
    assert totals["kept_sale_lines"] == sum(amount > 0 for amount in amounts)
    assert totals["kept_return_lines"] == sum(amount < 0 for amount in amounts)


@pytest.mark.parametrize(
    ("table", "kind", "column"),
    [
        ("transactions", "missing_product", "product_id"),
        ("transactions", "missing_order_id", "order_id"),
        ("customers", "missing_birth_year", "birth_year"),
        ("customers", "missing_gender", "gender"),
        ("customers", "missing_location", "location"),
        ("customers", "missing_sign_up", "signed_up_at"),
        ("products", "missing_category", "category"),
        ("products", "missing_name", "name"),
        ("events", "missing_product", "product_id"),
    ],
)
def test_missing_values_of_kept_lines_were_planted(folder: Path, table: str, kind: str, column: str) -> None:
    missing = sum(not row[column].strip() for row in judged(folder, table).kept)
    assert missing == planted(folder, table)["kinds"][kind]["line_count"]


@pytest.mark.parametrize("column", ["customer_id", "product_id"])
def test_stray_blanks_around_ids_were_planted(folder: Path, column: str) -> None:
    padded = sum(row[column] != row[column].strip() for row in judged(folder, "transactions").kept)
    assert padded == planted(folder, "transactions")["kinds"][f"stray_blanks_{column}"]["line_count"]


def test_odd_spellings_of_customers_fall_back_on_the_true_values(folder: Path) -> None:
    truth = planted(folder, "customers")
    kept = judged(folder, "customers").kept
    letters = {"f": "female", "w": "female", "m": "male", "o": "other"}
    genders = Counter(letters[row["gender"].strip().lower()[0]] for row in kept if row["gender"].strip())
    towns = Counter(" ".join(row["location"].split()).title() for row in kept if row["location"])
    assert genders == truth["values"]["gender"]
    assert towns == truth["values"]["location"]
    odd_genders = sum(row["gender"].strip() != "" and row["gender"] not in ("female", "male", "other") for row in kept)
    assert odd_genders == truth["kinds"]["gender_spelling"]["line_count"]
    odd_towns = sum(row["location"] not in ("", *truth["values"]["location"]) for row in kept)
    assert odd_towns == truth["kinds"]["location_spelling"]["line_count"]


def test_impossible_birth_years_were_planted(folder: Path) -> None:
    years = [row["birth_year"] for row in judged(folder, "customers").kept]
    impossible = sum(year != "" and not (year.isdigit() and 1930 <= int(year) <= 2010) for year in years)
    assert impossible == planted(folder, "customers")["kinds"]["impossible_birth_year"]["line_count"]


def test_the_default_dirt_stays_far_below_the_circuit_breaker() -> None:
    totals = planted(SAMPLE, "transactions")["totals"]
    assert (totals["rejected_lines"] + totals["malformed_lines"]) / totals["line_count"] < 0.02


def test_without_dirt_every_line_is_kept_and_complete(tmp_path: Path) -> None:
    simulate(SimulationPlan(customers=200, dirt=0.0), tmp_path)
    for table in TABLES:
        rows = records(tmp_path / f"{table}.csv")
        assert len(judged(tmp_path, table).kept) == len(rows) == len(physical_lines(tmp_path / f"{table}.csv")) - 1
        assert all(value and value == value.strip() for row in rows for value in row.values())
        assert sum(kind["line_count"] for kind in planted(tmp_path, table)["kinds"].values()) == 0


def test_dirt_changes_no_line_but_the_dirty_ones(tmp_path: Path) -> None:
    simulate(SimulationPlan(customers=200, dirt=0.0), tmp_path / "clean")
    simulate(SimulationPlan(customers=200, dirt=0.05), tmp_path / "dirty")
    clean = set(physical_lines(tmp_path / "clean" / "transactions.csv"))
    kinds = planted(tmp_path / "dirty", "transactions")["kinds"]
    changed = [row for row in records(tmp_path / "dirty" / "transactions.csv") if ",".join(row.values()) not in clean]
    repaired = sum(kind["line_count"] for kind in kinds.values() if kind["status"] == "kept")
    assert sum(transaction_reason(row) == "" for row in changed) == repaired


def test_a_line_that_lacks_its_last_field_lacks_all_of_it_where_it_is_quoted():
    cut_off = Kind("too_few_fields", "malformed", 0.03)
    assert _broken(cut_off, 'O1,C1,1,"1,234.56"\n') == "O1,C1,1\n"
    assert _broken(cut_off, "O1,C1,1,5.65\n") == "O1,C1,1\n"
    assert _broken(cut_off, "O1,C1,1,\n") == "O1,C1,1\n"
