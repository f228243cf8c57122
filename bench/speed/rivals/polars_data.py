"""Landing, cleaning and features as a lazy Polars pipeline: `python polars_data.py FILES OUT`."""

import json
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

END = datetime(2025, 1, 1)  # noqa: DTZ001 - local time, as in the files
DAYS = (END - timedelta(days=180), END - timedelta(days=90), END)
WINDOWS = (7, 30, 90, 365)


def cleaned_lines(files: Path) -> pl.LazyFrame:
    """Order lines that can be used, the latest version of each."""
    text = pl.scan_csv(files / "order_lines" / "*.csv", infer_schema=False)
    typed = text.with_columns(
        pl.col("ts").str.to_datetime("%Y-%m-%d %H:%M:%S", strict=False),
        pl.col("customer_id", "product_id", "order_id", "qty").cast(pl.Int64, strict=False),
        pl.col("line_no").cast(pl.Int16, strict=False),
        pl.col("unit_price").cast(pl.Float64, strict=False),
    )
    customers = pl.scan_csv(files / "customers.csv").select("customer_id").unique()
    good = typed.drop_nulls().filter(pl.col("qty") > 0, pl.col("unit_price") > 0, pl.col("ts") < END)
    newest = good.sort("ts").unique(["order_id", "line_no"], keep="last", maintain_order=False)
    return newest.join(customers, on="customer_id", how="semi").with_columns(
        (pl.col("qty") * pl.col("unit_price")).alias("amount")
    )


def cleaned_events(files: Path) -> pl.LazyFrame:
    """Events of somebody, each once."""
    text = pl.scan_csv(files / "events" / "*.csv", infer_schema=False)
    typed = text.with_columns(
        pl.col("ts").str.to_datetime("%Y-%m-%d %H:%M:%S", strict=False),
        pl.col("customer_id", "product_id", "event_id").cast(pl.Int64, strict=False),
    )
    return typed.drop_nulls(["customer_id", "ts"]).unique("event_id", keep="any", maintain_order=False)


def features(lines: pl.LazyFrame, events: pl.LazyFrame, products: pl.LazyFrame, day: datetime) -> pl.LazyFrame:
    """One row a customer with a purchase before the day."""
    orders = (
        lines.filter(pl.col("ts") < day)
        .group_by("customer_id", "order_id")
        .agg(pl.col("ts").max(), pl.col("amount").sum(), pl.col("qty").sum(), pl.len().alias("lines"))
    )
    age = (pl.lit(day) - pl.col("ts")).dt.total_seconds() / 86400
    gaps = pl.col("ts").sort().diff().dt.total_seconds() / 86400
    trade = orders.group_by("customer_id").agg(
        age.min().alias("recency"),
        age.max().alias("tenure"),
        gaps.mean().alias("gap_mean"),
        gaps.std().alias("gap_std"),
        pl.col("amount").sum().alias("amount_all"),
        *[(age <= days).sum().alias(f"orders_{days}") for days in WINDOWS],
        *[pl.col("amount").filter(age <= days).sum().alias(f"amount_{days}") for days in WINDOWS],
        *[pl.col("qty").filter(age <= days).sum().alias(f"qty_{days}") for days in WINDOWS],
    )
    seen = (
        events.filter(pl.col("ts") < day)
        .group_by("customer_id")
        .agg(
            age.min().alias("event_recency"),
            *[
                ((age <= days) & (pl.col("event_type") == kind)).sum().alias(f"{kind}_{days}")
                for kind in ("view", "cart", "purchase")
                for days in WINDOWS
            ],
        )
    )
    kinds = products.select("product_id", "category").unique("product_id")
    spent = (
        lines.filter(pl.col("ts") < day)
        .join(kinds, on="product_id")
        .group_by("customer_id")
        .agg(
            pl.col("category").n_unique().alias("categories"),
            *[
                pl.col("amount").filter(pl.col("category") == name).sum().alias(f"spent_{name}")
                for name in kinds.select("category").unique().collect()["category"].sort()
            ],
        )
    )
    return trade.join(seen, on="customer_id", how="left").join(spent, on="customer_id", how="left")


def main() -> None:
    """Runs the data part and leaves Parquet files and seconds in the folder."""
    files, out, began = Path(sys.argv[1]), Path(sys.argv[2]), time.monotonic()
    products = pl.scan_csv(files / "products.csv")
    for name, frame in (("lines", cleaned_lines(files)), ("events", cleaned_events(files))):
        frame.collect(engine="streaming").write_parquet(out / f"{name}.parquet")
    lines, events = (pl.scan_parquet(out / f"{name}.parquet") for name in ("lines", "events"))
    for day in DAYS:
        features(lines, events, products, day).collect(engine="streaming").write_parquet(
            out / f"features-{day:%Y%m%d}.parquet"
        )
    (out / "told.json").write_text(json.dumps({"stages": {"data": time.monotonic() - began}}))


if __name__ == "__main__":
    main()
