"""Hostile settings: SQL in names, paths that lead out, files that are made to hurt the one who reads them."""

import os
from collections.abc import Callable
from pathlib import Path

from custana_pipeline.errors import BadFile, CustanaError
from custana_pipeline.selftest.security.attempts import (
    acting_on,
    expect_refused,
    measured,
    refusal_of,
    settings_of,
)
from custana_pipeline.selftest.shop import Shop
from custana_pipeline.selftest.trial import Trial, expect, trial
from custana_pipeline.stores.source_files import files_of

PACK = """source = "{source}"
{top}
[packs.{pack}]
input = "{input}"
calendar = {{ start = 2024-01-01 }}
{more}
[packs.{pack}.raw.{raw_set}]
files = ["{files}"]
columns = {{ {raw_name} = "{header}" }}
{last}
"""
USUAL = {
    **{"source": "shop", "top": "", "pack": "shop", "input": "files", "more": "", "raw_set": "orders", "last": ""},
    **{"files": "*.csv", "raw_name": "customer_id", "header": "Customer"},
}
INJECTIONS = (
    "x; drop table raw.orders",
    "x'; select 1; --",
    'x"; drop schema raw; --',
    "x from read_text('/etc/passwd')",
    "x, read_text('/etc/passwd') as y",
    "X",
    "x y",
    "1x",
    "x\\n",
    "ｘ",
    "x\\u0000",
    "x" * 64,
    "",
)
PATTERNS = ("../*.csv", "/etc/*", "~/*.csv", "a/../../*", "http://127.0.0.1/x.csv", "file:///etc/passwd", "",
            "a\\u0000b", "**/**/**/*.csv", "\\\\server\\x")  # fmt: skip
INPUTS = ("http://127.0.0.1/files", "s3://bucket/files", "/dev/stdin", "/dev/zero", "/proc/self/environ", "/proc/1",
          "/sys/kernel", "/dev/fd/0")  # fmt: skip
FOLDERS = ("http://127.0.0.1/x", "/", "/etc/custana", "/proc/x", "/dev/null", ".", "dbt_like_sql", "custana.toml")
ODD = (
    ("top", "threads = true"),
    ("top", "threads = 0"),
    ("top", "threads = 99999"),
    ("top", 'threads = "NO"'),
    ("top", "seed = -1"),
    ("top", "seed = 99999999999999999999"),
    ("top", "margin_share = nan"),
    ("top", "contact_cost = inf"),
    ("top", "contact_cost = 1e308"),
    ("top", 'memory_limit = "0GB"'),
    ("top", "unknown_setting = 1"),
    ("top", "threads = 1\nthreads = 2"),
    ("top", "packs = 3"),
    ("top", 'owner = "<script>"'),
    ("more", 'timezone = "../../etc/passwd"'),
    ("more", 'timezone = "localtime"'),
    ("more", 'timezone = "Europe/London\\u0000"'),
    ("more", 'timestamp_format = "%Y\'; select 1"'),
    ("more", 'timestamp_format = "%"'),
    ("more", 'timestamp_format = "%Q"'),
    ("more", 'date_format = "%H"'),
    ("more", 'date_format = "' + "%Y-%m-%d" * 100 + '"'),
    ("more", "horizon_days = true"),
    ("more", "horizon_days = 1e9"),
    ("more", 'currency = "€\\u202e"'),
    ("last", 'delimiter = "\\""'),
    ("last", 'delimiter = "\\n"'),
    ("last", 'delimiter = "\\u0000"'),
    ("last", 'delimiter = "€"'),
    ("last", 'delimiter = "ab"'),
    ("last", "header = 1"),
    ("last", "required = 'NO'"),
    ("raw_name", "select"),
    ("raw_name", "order"),
    ("raw_name", "source_file"),
    ("raw_set", "files"),
    ("top", 'password = "x"'),
    ("more", 'input_token = "x"'),
    ("top", 'alert_webhook = "https://hooks.example/x"'),
)


def _toml(**changes: str) -> str:
    return PACK.format(**(USUAL | changes))


def _written(folder: Path, toml: str) -> Path:
    (folder / "dbt_like_sql").mkdir(parents=True, exist_ok=True)
    (folder / "files").mkdir(exist_ok=True)
    (folder / "custana.toml").write_text(toml, encoding="utf-8")
    return folder


@trial("F2")
def sql_in_names(run: Trial) -> None:
    """Puts SQL, quotes, line ends and look-alikes into the names of packs, raw sets, columns and SQL files."""
    project = _written(run.scratch / "project", _toml())
    expect(refusal_of(project) is None, "the plain settings are refused")
    for name in INJECTIONS:
        for place in ("pack", "raw_set", "raw_name"):
            quoted = "'" + name + "'" if '"' in name else f'"{name}"'
            _written(project, _toml(**{place: quoted}))
            expect_refused(refusal_of(project), f"a {place} named {name[:30]!r}")
    _written(project, _toml())
    for name in INJECTIONS[:5]:
        expect_refused(_sql_file_refusal(project, name.replace("/", "_")), f"a SQL file named {name[:30]!r}")
    outside = _shop_of(run, _toml(raw_name='"x; drop table y"'))
    ended = outside.custana("run")
    expect(ended.code == 2 and ended.err.count("\n") == 1, f"the command ended with {ended.code}: {ended.err[:200]}")


def _sql_file_refusal(project: Path, name: str) -> CustanaError | None:
    from custana_pipeline.stores.sql_models import SqlModels

    folder = project / "dbt_like_sql" / "features"
    folder.mkdir(exist_ok=True)
    file = folder / f"{name}.sql"
    file.write_text("select 1 as one", encoding="utf-8")
    try:
        SqlModels.read(project / "dbt_like_sql", "shop")
    except CustanaError as error:
        return error
    finally:
        file.unlink()
    return None


def _shop_of(run: Trial, toml: str) -> Shop:
    shop = run.shop()
    (shop.project / "custana.toml").write_text(toml, encoding="utf-8")
    return shop


@trial("F3")
def paths_that_lead_elsewhere(run: Trial) -> None:
    """Points patterns, inputs and the data folder at what is outside, at addresses, devices, pipes and links."""
    project = _written(run.scratch / "project", _toml())
    for pattern in PATTERNS:
        _written(project, _toml(files=pattern))
        expect_refused(refusal_of(project), f"the pattern {pattern!r}")
    _written(project, _toml())
    for place in INPUTS:
        expect_refused(refusal_of(project, input=place), f"the input {place}")
        _written(project, _toml(input=place))
        expect_refused(refusal_of(project), f"the pack's input {place}")
    _written(project, _toml())
    os.mkfifo(project / "pipe")
    expect_refused(refusal_of(project, input=str(project / "pipe")), "a pipe as the input")
    for place in FOLDERS:
        expect_refused(refusal_of(project, data_dir=place), f"the data folder {place}")
    _expect_no_way_out(project, run.scratch)
    shop = run.shop()
    options = (("--input", "http://127.0.0.1/x"), ("--data-dir", "/dev/null/x"))
    for option, value in options[: run.times(quick=1, full=2)]:
        ended = shop.custana("run", option, value)
        expect(ended.code == 2, f"{option} {value} ended with exit code {ended.code}")
        expect(ended.err.count("\n") == 1, f"{option} {value}: {ended.err[:200]}")


def _expect_no_way_out(project: Path, scratch: Path) -> None:
    outside = scratch / "outside"
    outside.mkdir()
    (outside / "secret.csv").write_text("Customer\nc1\n", encoding="utf-8")
    settings = settings_of(project)
    place = project / "files" / "orders.csv"
    traps: dict[str, Callable[[], None]] = {
        "a link to a file outside": lambda: place.symlink_to(outside / "secret.csv"),
        "a link to /proc/self/environ": lambda: place.symlink_to("/proc/self/environ"),
        "a link to nothing": lambda: place.symlink_to("nowhere"),
        "a link to itself": lambda: place.symlink_to(place),
        "a link to a device": lambda: place.symlink_to("/dev/zero"),
        "a pipe": lambda: os.mkfifo(place),
    }
    for name, lay in traps.items():
        lay()
        expect_refused(_files_refusal(settings), name, BadFile)
        place.unlink()
    (project / "files" / "orders\x1b[31m\n.csv").write_text("Customer\nc1\n", encoding="utf-8")
    expect_refused(_files_refusal(settings), "a file name with control characters", BadFile)
    (project / "files" / "orders\x1b[31m\n.csv").unlink()
    _written(project, _toml(files="*/*.csv"))
    (project / "files" / "archive").symlink_to(outside)
    expect_refused(_files_refusal(settings_of(project)), "a folder that is a link to outside", BadFile)


def _files_refusal(settings) -> CustanaError | None:
    try:
        files_of(settings, "orders")
    except CustanaError as error:
        return error
    return None


@trial("F4")
def files_made_to_hurt(run: Trial) -> None:
    """Writes settings of wrong types and sizes: odd numbers, doubled keys, deep and huge files, thousands of packs."""
    project = _written(run.scratch / "project", _toml())
    for place, text in ODD:
        _written(project, _toml(**{place: text}))
        expect_refused(refusal_of(project), f"{place}: {text[:50]!r}")
    shop = run.shop()
    base = measured(shop, "status", "--source", "nowhere")
    expect(base.code == 2, f"an unknown source ended with {base.code}")
    hostile = {
        "10,000 packs": "".join(_toml(pack=f"p{n}", top="").split("\n", 1)[1] for n in range(10_000)),
        "deep arrays": "x = " + "[" * 90_000 + "]" * 90_000,
        "a key of 60,000 parts": ".".join("a" * 60_000) + " = 1",
        "20,000 tables": "".join(f"[t{n}]\n" for n in range(20_000)),
        "40 MB of text": 'x = "' + "a" * 40_000_000 + '"',
        "a number of 200,000 digits": "threads = " + "9" * 200_000,
    }
    for name, text in list(hostile.items())[: run.times(quick=3, full=6)]:
        (shop.project / "custana.toml").write_text(text, encoding="utf-8")
        ended = measured(shop, "status")
        expect(ended.code == 2 and ended.err.count("\n") == 1, f"{name}: exit code {ended.code}, {ended.err[-200:]!r}")
        expect(ended.seconds < base.seconds + 1.0, f"{name}: {ended.seconds - base.seconds:.1f} s longer than usual")
        more = (ended.peak_bytes - base.peak_bytes) / 1e6
        expect(more < 100, f"{name}: {more:.0f} MB more than usual")
    with acting_on(project, {"CUSTANA_PACKS": "{" * 50_000}):
        expect_refused(_files_refusal_of_environment(), "a broken CUSTANA_PACKS")


def _files_refusal_of_environment() -> CustanaError | None:
    from custana_pipeline.stores.settings import load_settings

    try:
        load_settings()
    except CustanaError as error:
        return error
    return None
