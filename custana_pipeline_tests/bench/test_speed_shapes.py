"""The awkward shapes of the speed bench: as many lines as the plain one, and the condition that each is named for."""

from pathlib import Path

import duckdb
import pytest

from bench.speed.shops import SHAPES, reshaped

ORDERS, CUSTOMERS = 2000, 50


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A generated shop of 2,000 orders with two lines each."""
    folder = tmp_path / "made"
    lines = ["order_id,line_no,customer_id,product_id,ts,quantity"]
    for order in range(1, ORDERS + 1):
        day = f"2024-{order % 12 + 1:02d}-{order % 28 + 1:02d} 10:00:00"
        lines += [f"{order},{line},{order % CUSTOMERS + 1},{2 + order % 9},{day},1" for line in (1, 2)]
    people = ["customer_id,age,gender,city,country,signup_date"]
    people += [f"{number},40,F,City,DE,2023-01-01" for number in range(1, CUSTOMERS + 1)]
    for name, rows in {
        "order_lines/part-0.csv": lines,
        "customers.csv": people,
        "products.csv": ["product_id"],
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("\n".join(rows) + "\n")
    (folder / "events").mkdir()
    return folder


def of_lines(folder: Path, query: str) -> list[tuple]:
    with duckdb.connect() as connection:
        lines = f"read_csv('{folder}/order_lines/*.csv', all_varchar = true)"
        return connection.execute(query.format(lines=lines, folder=folder)).fetchall()


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_has_the_lines_of_the_plain_one(made: Path, tmp_path: Path, shape: str) -> None:
    found = reshaped(made, shape, tmp_path / shape)
    assert of_lines(found, "select count(*) from {lines}") == [(2 * ORDERS,)]
    assert of_lines(made, "select count(*) from {lines}") == [(2 * ORDERS,)]


def test_of_the_one_time_buyers_one_order_in_five_is_by_somebody_who_comes_again(made: Path, tmp_path: Path) -> None:
    found = reshaped(made, "one_time_buyers", tmp_path / "shape")
    buyers = "select count(distinct order_id) as orders from {lines} group by customer_id"
    ((once, again),) = of_lines(
        found, f"select count(*) filter (orders = 1), sum(orders) filter (orders > 1) from ({buyers})"
    )
    assert once > 0.7 * ORDERS
    assert again > 0.1 * ORDERS


def test_every_one_time_buyer_has_a_customer_record(made: Path, tmp_path: Path) -> None:
    found = reshaped(made, "one_time_buyers", tmp_path / "shape")
    people = "select customer_id from read_csv('{folder}/customers.csv', all_varchar = true)"
    assert of_lines(found, f"select count(*) from {{lines}} where customer_id not in ({people})") == [(0,)]


def test_the_hub_product_is_in_every_order_and_the_hub_customer_has_a_tenth(made: Path, tmp_path: Path) -> None:
    product = reshaped(made, "hub_product", tmp_path / "product")
    assert of_lines(product, "select count(distinct order_id) from {lines} where product_id = '1'") == [(ORDERS,)]
    customer = reshaped(made, "hub_customer", tmp_path / "customer")
    ((share,),) = of_lines(customer, "select avg((customer_id = '1')::int) from {lines}")
    assert 0.08 < share < 0.16


def test_daily_files_hold_the_lines_in_their_order(made: Path, tmp_path: Path) -> None:
    files = sorted((reshaped(made, "daily_files", tmp_path / "shape") / "order_lines").glob("*.csv"))
    assert len(files) > 600
    header, *lines = (made / "order_lines" / "part-0.csv").read_text().splitlines()
    texts = [file.read_text().splitlines() for file in files]
    assert {text[0] for text in texts} == {header}
    assert [line for text in texts for line in text[1:]] == lines
