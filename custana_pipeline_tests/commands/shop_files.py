"""A tiny shop as files, and the command run on them inside the test's own process."""

import datetime as dt
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from custana_pipeline import cli

AS_OF = "2025-01-01"
SECRET = "Wilhelmina"
"""Part of every customer's id, so that a message that quotes a line is found out."""
HEADER = "order_id,customer_id,product_id,ordered_at,quantity,unit_price"


@dataclass(frozen=True)
class Told:
    """How a command ended and what it wrote."""

    exit_code: int
    out: str
    err: str


def customer(number: int) -> str:
    """The id of a customer."""
    return f"{SECRET}{number:03d}"


def line(number: int, day: dt.date | str, **changes: str) -> str:
    """An order line of customer `number`, with the fields changed that are given."""
    fields = {
        "order_id": f"o{number}-{day}",
        "customer_id": customer(number),
        "product_id": f"p{number % 5}",
        "ordered_at": f"{day} 10:00:00",
        "quantity": "1",
        "unit_price": f"{1 + number % 7}.50",
    }
    return ",".join({**fields, **changes}.values())


def purchases(customers: Iterable[int], days: Sequence[dt.date]) -> list[str]:
    """A line of every customer on every day."""
    return [line(number, day) for number in customers for day in days]


def every(days: int, first: dt.date, last: dt.date) -> list[dt.date]:
    """Every so many days from `first` to before `last`."""
    return [first + dt.timedelta(days=past) for past in range(0, (last - first).days, days)]


@dataclass(frozen=True)
class Shop:
    """The folder of a shop's files, and the data folder that the command writes to."""

    folder: Path
    data: Path

    def write(self, lines: Iterable[str], header: str = HEADER) -> "Shop":
        """Writes transactions.csv, and the customers and products that its lines name."""
        rows = list(lines)
        self.put("transactions.csv", "\n".join([header, *rows]) + "\n")
        people = [f"{customer(number)},1980,female,Halden,2023-01-01" for number in range(1, 121)]
        self.put("customers.csv", "\n".join(["customer_id,birth_year,gender,location,signed_up_at", *people]) + "\n")
        goods = [f"p{number},Thing {number},Things" for number in range(5)]
        self.put("products.csv", "\n".join(["product_id,name,category", *goods]) + "\n")
        return self

    def put(self, name: str, content: str | bytes) -> None:
        """Writes one file as it is given."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())

    def run(self, capsys: pytest.CaptureFixture[str], *arguments: str, as_of: str = AS_OF) -> Told:
        """`custana run` on the folder for a day; further arguments go last and so have the last word."""
        told = ["run", "--source", "sample", "--input", str(self.folder), "--data-dir", str(self.data)]
        return command(capsys, *told, "--as-of", as_of, *arguments)


def command(capsys: pytest.CaptureFixture[str], *arguments: str) -> Told:
    """Runs `custana` with the arguments in this process."""
    capsys.readouterr()
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as ended:
        patch.setattr("sys.argv", ["custana", *arguments])
        cli.main()
    captured = capsys.readouterr()
    assert isinstance(ended.value.code, int)
    return Told(ended.value.code, captured.out, captured.err)


def fingerprint(folder: Path) -> dict[str, str]:
    """Every file and link below a folder, with a hash of its bytes or where it points."""
    return {
        str(path.relative_to(folder)): str(path.readlink())
        if path.is_symlink()
        else hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or path.is_file()
    }
