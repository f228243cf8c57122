"""The documentation says what is so: generated pages, links, commands, targets, columns and names."""

import re
from pathlib import Path
from typing import get_args

import pytest

from custana_pipeline.commands.docs import write_reference
from custana_pipeline_tests.conftest import REPOSITORY

PAGES = sorted(
    path
    for folder in (REPOSITORY, *(REPOSITORY / name for name in ("docs", "bench", "data", "dbt_like_sql")))
    for path in folder.glob("*.md" if folder == REPOSITORY else "**/*.md")
)
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
LINK = re.compile(r"\]\((?!https?://)([^)\s]+)\)")


def test_the_reference_pages_are_what_the_code_gives_today(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUSTANA_PROJECT_DIR", str(REPOSITORY))
    written = write_reference(tmp_path)
    committed = REPOSITORY / "docs" / "reference"
    stale = [path.name for path in written if path.read_bytes() != (committed / path.name).read_bytes()]
    assert not stale, f"run `make docs` and commit {', '.join(stale)}"
    assert write_reference(tmp_path) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    missing = [
        link
        for link in LINK.findall(page.read_text(encoding="utf-8"))
        if not _target(page, link).exists() or not _has_heading(_target(page, link), link)
    ]
    assert not missing


def _target(page: Path, link: str) -> Path:
    name = link.split("#")[0]
    return page.parent / name if name else page


def _has_heading(page: Path, link: str) -> bool:
    if "#" not in link:
        return True
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return link.split("#")[1] in {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


def test_the_readme_names_commands_options_and_targets_that_exist() -> None:
    from custana_pipeline.cli import app

    commands = {each.name or str(each.callback.__name__): each.callback for each in app.registered_commands}
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, flags=re.MULTILINE))
    listed = re.search(r"lists the targets: (.+)\.", README)
    assert listed is not None
    assert {
        *re.findall(r"(?:^|`)make ([a-z]+)", README, flags=re.MULTILINE),
        *re.findall(r"`(\w+)`", listed[1]),
    } <= targets
    assert set(re.findall(r"(?:bin/|`)custana ([a-z]+)", README)) <= set(commands)
    for name, options in re.findall(r"^\.venv/bin/custana (\w+)(.*)$", README, flags=re.MULTILINE):
        asked = {option.replace("-", "_") for option in re.findall(r"--([a-z-]+)", options)}
        taken = {given.removesuffix("_path") for given in commands[name].__annotations__}
        assert asked <= taken, name


def test_the_readme_names_settings_that_exist() -> None:
    from custana_pipeline.stores.settings import Settings

    named = {name.lower() for name in re.findall(r"CUSTANA_([A-Z_]*[A-Z])", README)} - {"datasets"}
    assert named <= set(Settings.model_fields)


def test_the_readme_tells_the_columns_of_every_published_list() -> None:
    from custana_pipeline.applications.contracts import CONTRACTS

    for name, contract in CONTRACTS.items():
        row = re.search(rf"^\| `{name}` \| .+? \| (.+) \|$", README, flags=re.MULTILINE)
        assert row is not None, name
        assert set(row[1].split(", ")) == set(contract.to_schema().columns), name


def test_the_metrics_page_tells_every_metric_candidate_and_naive_rule() -> None:
    from custana_pipeline.models import evaluation, segmentation, supervised, task
    from custana_pipeline.models.naive_rules import behavior_rules, demand_rules
    from custana_pipeline.models.training import SO_FAR, State

    page = (REPOSITORY / "docs" / "metrics.md").read_text(encoding="utf-8")
    names = {f"holdout_{name}" for name in (*evaluation.BEHAVIOR_METRICS, *evaluation.DEMAND_METRICS)}
    names |= {"cluster_count", "smallest_share", "largest_share", "noise_share", "stability", "eta2_log_spend"}
    names |= {"silhouette", "davies_bouldin", "calinski_harabasz", segmentation.BASELINE, "kmeans", "dbscan"}
    columns = ["recency_days", "purchase_frequency", "purchase_days_90d", "purchase_days_365d"]
    columns += ["purchase_days_year_ago", "btyd_p_buy", "btyd_purchases"]
    names |= {*behavior_rules(columns, 90), *demand_rules(columns, "purchase_days", 90)}
    names |= {supervised.BLEND, task.LEVELLED, SO_FAR, *get_args(State)}
    names |= {f"gate_{name}_gain" for name in ("over_naive", "over_champion", "naive_over_champion")}
    assert not sorted(name for name in names if f"`{name}`" not in page)


def test_every_reason_of_the_reference_has_a_meaning_and_a_status() -> None:
    page = (REPOSITORY / "docs" / "reference" / "reasons.md").read_text(encoding="utf-8")
    rows = [row.strip("| ").split(" | ") for row in page.splitlines() if row.startswith("| ")][1:]
    assert rows
    assert all(len(row) == 4 and row[2] in ("set aside", "rejected") and row[3] for row in rows)


def test_the_pictures_are_small_enough_to_be_cloned_by_everybody() -> None:
    pictures = list((REPOSITORY / "docs" / "images").iterdir())
    assert pictures
    assert all(picture.stat().st_size < 250_000 for picture in pictures)
