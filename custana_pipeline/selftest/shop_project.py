"""The project folder of the small shop: its own custana.toml, and the installed project's SQL."""

import shutil
from pathlib import Path

from custana_pipeline.stores.settings import project_dir

SETTINGS = """source = "shop"

[packs.shop]
description = "The small shop of the selftest: simulated"
input = "files"
timezone = "UTC"
calendar = { start = 2024-07-01, end = 2025-02-24 }
horizon_days = 90
currency = "€"

[packs.shop.raw.transactions]
files = ["transactions*.csv", "transactions*.csv.gz", "transactions*.parquet"]
columns = { order_id = "order_id", customer_id = "customer_id", product_id = "product_id", ordered_at = "ordered_at", quantity = "quantity", unit_price = "unit_price" }

[packs.shop.raw.customers]
files = ["customers*.csv"]
columns = { customer_id = "customer_id", birth_year = "birth_year", gender = "gender", location = "location", signed_up_at = "signed_up_at" }

[packs.shop.raw.products]
files = ["products*.csv"]
columns = { product_id = "product_id", name = "name", category = "category" }

[packs.shop.raw.events]
files = ["events*.csv"]
columns = { customer_id = "customer_id", product_id = "product_id", event_type = "event_type", happened_at = "happened_at" }
required = false
"""


def write_project(folder: Path) -> None:
    """Writes custana.toml, workspace.yaml and dbt_like_sql, with the sample's source views as those of the shop."""
    installed = project_dir()
    folder.mkdir(parents=True)
    (folder / "custana.toml").write_text(SETTINGS, encoding="utf-8")
    shutil.copy2(installed / "workspace.yaml", folder / "workspace.yaml")
    shutil.copytree(installed / "dbt_like_sql", folder / "dbt_like_sql", ignore=shutil.ignore_patterns("sources"))
    shutil.copytree(installed / "dbt_like_sql" / "sources" / "sample", folder / "dbt_like_sql" / "sources" / "shop")
