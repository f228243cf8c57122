"""One whole run of a shop whose texts are formulas and scripts, amid secrets and with no way out of the machine."""

import base64
import csv
import json
import re
import urllib.parse
import zipfile
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

from custana_pipeline.selftest.security.outlet import attempts, guarded_environment
from custana_pipeline.selftest.shop import Outcome, Shop
from custana_pipeline.selftest.trial import Trial, expect, trial
from custana_pipeline.stores.list_files import restored

SECRET = "hunter2-XyZ/4711+secret"  # noqa: S105 - a canary
SECRETS = {
    "CUSTANA_ALERT_WEBHOOK": f"http://127.0.0.1:9/{SECRET}",
    "CUSTANA_ALERT_SMTP_PASSWORD": SECRET,
    "AWS_SECRET_ACCESS_KEY": SECRET,
    "SHOP_DATABASE_PASSWORD": SECRET,
    "HF_TOKEN": SECRET,
}
EVIL_NAMES = (
    "=cmd|'/c calc'!A1",
    "+1+1",
    "-2+3",
    "@SUM(1+1)",
    "＝1+1",
    '"=1+1',
    " =1+1",
    "'=quoted",
    "<script src=http://evil.example/x.js></script>",
    "<img src=http://evil.example/x onerror=alert(1)>",
    "{{ 7 * 7 }}",
    "javascript:alert(1)",
)
FORMULA = re.compile(r"^[\s'\"]*[=+\-@＝＋－＠]|^[\t\r\n]")
NUMBER = re.compile(r"^-?\d+(\.\d+)?([eE][-+]?\d+)?$")


@trial("F5", "F7", "F9")
def a_shop_of_formulas_and_secrets(run: Trial) -> None:
    """Runs a shop whose names are formulas and scripts, with canaries as secrets and every way out refused."""
    shop, guard = run.shop(), run.scratch / "guard"
    environment = guarded_environment(guard) | SECRETS
    began = (shop.project / "custana.toml").stat().st_mtime
    _spoil(shop)
    good = shop.run(env=environment)
    published = shop.published()
    (shop.folder / "customers-late.csv").write_text("customer_id\nc1\n", encoding="utf-8")
    bad = shop.run(env=environment)
    with run.case("F5"):
        expect(good.code == 0 and published is not None, f"the run ended with {good.code}: {good.err[-300:]}")
        _expect_no_formula(published or shop.data)
        _expect_no_script((published or shop.data) / "report.html")
    with run.case("F7"):
        expect(bad.code == 3, f"the run on a bad file ended with {bad.code}")
        _expect_no_secret(shop, good, bad)
        _expect_refused_in_the_file(shop)
    with run.case("F9"):
        expect(good.code == 0, f"the run ended with {good.code}")
        expect(not attempts(guard), f"it tried to leave the machine: {', '.join(attempts(guard)[:5])}")
        extensions = [path for path in Path.home().glob(".duckdb/extensions/**/*") if path.stat().st_mtime > began]
        expect(not extensions, f"{len(extensions)} extensions were loaded down")


def _spoil(shop: Shop) -> None:
    """Gives products, places and some customers names that a spreadsheet or a browser would run."""
    _rewrite(shop.folder, "products*.csv", "name", lambda number, _: f"{EVIL_NAMES[number % len(EVIL_NAMES)]} {number}")
    _rewrite(shop.folder, "customers*.csv", "location", lambda number, _: EVIL_NAMES[number % 6])
    for pattern in ("transactions*.csv", "customers*.csv", "events*.csv"):
        _rewrite(shop.folder, pattern, "customer_id", lambda _, given: f"={given}" if given.endswith("7") else given)


def _rewrite(folder: Path, pattern: str, column: str, change) -> None:
    for path in folder.glob(pattern):
        with path.open(newline="", encoding="utf-8") as file:
            header, *rows = list(csv.reader(file))
        place = header.index(column)
        for number, row in enumerate(rows):
            if len(row) == len(header):
                row[place] = change(number, row[place])
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows([header, *rows])


def _expect_no_formula(version: Path) -> None:
    marked = 0
    for path in sorted(version.glob("*.csv")):
        with path.open(newline="", encoding="utf-8") as file:
            cells = [cell for row in csv.reader(file) for cell in row]
        risky = [cell for cell in cells if FORMULA.match(cell) and not NUMBER.match(cell) and not cell.startswith("'")]
        expect(not risky, f"{path.name} has {len(risky)} cells that a spreadsheet calculates")
        marked += sum(cell.startswith("'") and FORMULA.match(restored(cell)) is not None for cell in cells)
    expect(marked > 0, "no formula has reached the lists, so nothing was tried")
    told = json.loads((version / "manifest.json").read_text(encoding="utf-8"))
    expect("apostrophe" in told.get("csv_rule", ""), "the manifest does not tell the rule")


class _Tags(HTMLParser):
    """The tags of a page, and those of their attributes that load or run something."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.leading: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Notes one tag."""
        self.names.add(tag)
        for name, value in attrs:
            leads = name in ("src", "href", "action", "data", "srcset", "xlink:href") and not (value or "").startswith(
                "#"
            )
            if leads or name.startswith("on") or "url(" in (value or "").lower():
                self.leading.add(f"{tag} {name}")


def _expect_no_script(report: Path) -> None:
    page, tags = report.read_text(encoding="utf-8"), _Tags()
    tags.feed(page)
    expect("default-src 'none'" in page, "the report has no content security policy")
    expect(
        not tags.names & {"script", "img", "iframe", "link", "object", "embed", "base", "form"}, "a tag loads or runs"
    )
    expect(not tags.leading, f"attributes lead outside or run: {', '.join(sorted(tags.leading))}")
    expect("url(" not in page.split("</style>")[0], "the style loads something")
    expect("&lt;script" in page or "&lt;img" in page, "no script has reached the report, so nothing was tried")


def _expect_no_secret(shop: Shop, *outcomes: Outcome) -> None:
    forms = [form.encode() for form in _forms(SECRET)]
    for outcome in outcomes:
        said = (outcome.out + outcome.err).encode()
        expect(not any(form in said for form in forms), "a secret stands in what the command says")
    for path, content in _contents(shop.data, shop.project):
        expect(not any(form in content for form in forms), f"a secret stands in {path.name}")


def _forms(secret: str) -> Iterator[str]:
    yield from (secret, secret.upper(), secret.encode().hex(), urllib.parse.quote(secret, safe=""), secret[8:])
    # the middle of its base64, wherever it begins
    yield from (base64.b64encode(b"x" * shift + secret.encode()).decode()[4:-4] for shift in range(3))


def _contents(*folders: Path) -> Iterator[tuple[Path, bytes]]:
    """Every file, databases and their logs among them, and the members of archives."""
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if not path.is_file() or path.is_symlink():
                continue
            yield path, path.read_bytes()
            if zipfile.is_zipfile(path):
                with zipfile.ZipFile(path) as archive:
                    yield from ((path, archive.read(name)) for name in archive.namelist())


def _expect_refused_in_the_file(shop: Shop) -> None:
    settings = shop.project / "custana.toml"
    plain = settings.read_text(encoding="utf-8")
    settings.write_text(f'alert_webhook = "https://hooks.example/{SECRET}"\n{plain}', encoding="utf-8")
    ended = shop.custana("status")
    expect(ended.code == 2 and SECRET not in ended.err, f"a secret in custana.toml: exit code {ended.code}")
