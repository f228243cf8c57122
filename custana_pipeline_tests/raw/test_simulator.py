"""The simulator writes the same bytes for the same plan, in bounded blocks, and never over somebody's files."""

from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from custana_pipeline.errors import WrongUse
from custana_pipeline.raw.simulator import SimulationPlan, simulate
from custana_pipeline_tests.raw.simulated_files import records

SAMPLE = Path(__file__).parents[2] / "data" / "sample"
SMALL = SimulationPlan(customers=120, days=200)
TABLES = ("transactions", "customers", "products", "events")


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_the_committed_sample_is_what_the_simulator_writes_now(tmp_path: Path) -> None:
    simulate(SimulationPlan(), tmp_path)
    assert bytes_of(tmp_path) == bytes_of(SAMPLE)


def test_the_sample_is_small_enough_to_commit() -> None:
    assert sum(len(content) for content in bytes_of(SAMPLE).values()) <= 4_000_000


def test_the_same_plan_gives_the_same_bytes(tmp_path: Path) -> None:
    simulate(SMALL, tmp_path / "one")
    simulate(SMALL, tmp_path / "two")
    assert bytes_of(tmp_path / "one") == bytes_of(tmp_path / "two")


def test_another_seed_gives_other_customers_and_orders(tmp_path: Path) -> None:
    simulate(SMALL, tmp_path / "one")
    simulate(replace(SMALL, seed=8), tmp_path / "two")
    one, two = bytes_of(tmp_path / "one"), bytes_of(tmp_path / "two")
    assert all(one[f"{table}.csv"] != two[f"{table}.csv"] for table in TABLES)


def test_the_first_block_of_a_large_simulation_equals_a_small_one(tmp_path: Path) -> None:
    simulate(replace(SMALL, block_customers=120), tmp_path / "one")
    simulate(replace(SMALL, customers=300, block_customers=120), tmp_path / "three")
    for table in ("transactions", "customers", "events"):
        small = (tmp_path / "one" / f"{table}.csv").read_bytes()
        assert (tmp_path / "three" / f"{table}-0001.csv").read_bytes() == small


def test_blocks_share_no_customer_and_no_order(tmp_path: Path) -> None:
    planted = simulate(replace(SMALL, block_customers=50, dirt=0.0), tmp_path)
    assert planted.tables["transactions"].files == tuple(f"transactions-000{part}.csv" for part in (1, 2, 3))
    for column in ("order_id", "customer_id"):
        parts = [{row[column] for row in records(tmp_path / name)} for name in planted.tables["transactions"].files]
        assert sum(len(part) for part in parts) == len(set.union(*parts))


def test_parquet_and_csv_carry_the_same_rows(tmp_path: Path) -> None:
    simulate(SMALL, tmp_path / "csv")
    simulate(replace(SMALL, format="parquet"), tmp_path / "parquet")
    for table in TABLES:
        rows = pq.read_table(tmp_path / "parquet" / f"{table}.parquet").to_pylist()
        assert rows == records(tmp_path / "csv" / f"{table}.csv")


def test_parquet_has_neither_header_nor_ragged_lines(tmp_path: Path) -> None:
    totals = simulate(replace(SMALL, format="parquet"), tmp_path).tables["transactions"].totals
    assert totals["line_count"] == totals["records"]


def test_progress_counts_customers_block_by_block(tmp_path: Path) -> None:
    heard: list[tuple[int, int]] = []
    simulate(replace(SMALL, block_customers=50), tmp_path, lambda done, total: heard.append((done, total)))
    assert heard == [(50, 120), (100, 120), (120, 120)]


def test_a_new_simulation_replaces_all_files_of_the_earlier_one(tmp_path: Path) -> None:
    simulate(replace(SMALL, block_customers=50), tmp_path)
    simulate(SMALL, tmp_path)
    assert sorted(bytes_of(tmp_path)) == sorted([*(f"{table}.csv" for table in TABLES), "planted.json"])


def test_tables_that_no_simulation_wrote_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "transactions.csv").write_text("mine\n")
    with pytest.raises(WrongUse, match="choose an empty folder"):
        simulate(SMALL, tmp_path)
    assert bytes_of(tmp_path) == {"transactions.csv": b"mine\n"}


@pytest.mark.parametrize("text", ["", "[]", '{"transactions": {}}', '{"transactions": {"files": [3]}}'])
def test_a_planted_json_of_somebody_else_stops_the_simulation(tmp_path: Path, text: str) -> None:
    (tmp_path / "planted.json").write_text(text)
    with pytest.raises(WrongUse, match=r"planted\.json was not written by the simulator"):
        simulate(SMALL, tmp_path)
    assert bytes_of(tmp_path) == {"planted.json": text.encode()}


def test_files_outside_the_folder_are_never_removed(tmp_path: Path) -> None:
    out = tmp_path / "out"
    simulate(SMALL, out)
    (tmp_path / "transactions.csv").write_text("mine\n")
    planted = out / "planted.json"
    planted.write_text(planted.read_text().replace('"transactions.csv"', '"../transactions.csv"'))
    simulate(SMALL, out)
    assert (tmp_path / "transactions.csv").read_text() == "mine\n"


def test_a_file_in_place_of_the_folder_is_wrong_use(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(WrongUse, match="is a file: name a folder"):
        simulate(SMALL, tmp_path / "out")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"customers": 0}, "customers must be at least 1"),
        ({"days": 0}, "days must be between"),
        ({"format": "xlsx"}, "format must be one of csv, parquet"),
        ({"dirt": 0.5}, "dirt must be between 0 and 0.2"),
        ({"dirt": float("nan")}, "dirt must be between 0 and 0.2"),
        ({"block_customers": 0}, "block_customers must be between"),
        ({"seed": -1}, "seed must not be negative"),
    ],
)
def test_a_plan_that_cannot_be_is_wrong_use(changes: dict, message: str) -> None:
    with pytest.raises(WrongUse, match=message):
        replace(SMALL, **changes)


@pytest.mark.parametrize(("customers", "days"), [(1, 1), (1, 730), (3, 30), (40, 1)])
def test_tiny_simulations_have_all_files_with_a_header(tmp_path: Path, customers: int, days: int) -> None:
    simulate(SimulationPlan(customers=customers, days=days), tmp_path)
    headers = {table: (tmp_path / f"{table}.csv").read_text(encoding="utf-8").splitlines()[0] for table in TABLES}
    assert headers == {
        "transactions": "order_id,customer_id,product_id,ordered_at,quantity,unit_price",
        "customers": "customer_id,birth_year,gender,location,signed_up_at",
        "products": "product_id,name,category",
        "events": "customer_id,product_id,event_type,happened_at",
    }
