"""The simulated shop behaves as a shop does: people browse, buy again, leave, and send things back."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from custana_pipeline.raw.simulator import SimulationPlan, simulate

AS_OF = pd.Timestamp("2025-07-01")
HORIZON = pd.Timedelta(days=90)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pd.DataFrame]:
    out: Path = tmp_path_factory.mktemp("shop")
    simulate(SimulationPlan(customers=3_000, dirt=0.0, seed=3), out)
    dates = {"transactions": ["ordered_at"], "events": ["happened_at"], "customers": ["signed_up_at"], "products": []}
    return {table: pd.read_csv(out / f"{table}.csv", parse_dates=columns) for table, columns in dates.items()}


@pytest.fixture(scope="module")
def sales(shop: dict[str, pd.DataFrame]) -> pd.DataFrame:
    return shop["transactions"].query("quantity > 0")


@pytest.fixture(scope="module")
def outcomes(shop: dict[str, pd.DataFrame], sales: pd.DataFrame) -> pd.DataFrame:
    """Per customer with a purchase before the day: days since the last purchase and view, and whether one follows."""
    before = sales[sales.ordered_at < AS_OF].groupby("customer_id").ordered_at.max()
    views = shop["events"].query("happened_at < @AS_OF").groupby("customer_id").happened_at
    after = sales[(sales.ordered_at >= AS_OF) & (sales.ordered_at < AS_OF + HORIZON)]
    moments = shop["events"].happened_at
    recent = shop["events"][(moments < AS_OF) & (moments >= AS_OF - HORIZON)]
    return pd.DataFrame(
        {
            "recency": (AS_OF - before).dt.days,
            "view_recency": (AS_OF - views.max().reindex(before.index)).dt.days.fillna(999),
            "recent_views": recent.groupby("customer_id").size().reindex(before.index).fillna(0),
            "buys": before.index.isin(after.customer_id),
        }
    )


def auc(score: pd.Series, label: pd.Series) -> float:
    ranks = score.rank()
    positives = int(label.sum())
    return float((ranks[label].sum() - positives * (positives + 1) / 2) / (positives * (len(label) - positives)))


def test_a_fair_share_of_customers_buys_within_the_horizon(outcomes: pd.DataFrame) -> None:
    assert 0.25 <= outcomes.buys.mean() <= 0.45


def test_recency_tells_something_but_not_all(outcomes: pd.DataFrame) -> None:
    assert 0.68 <= auc(-outcomes.recency, outcomes.buys) <= 0.80


def test_recent_browsing_tells_more_than_the_last_purchase_alone(outcomes: pd.DataFrame) -> None:
    both = -np.log1p(outcomes.recency) - np.log1p(outcomes.view_recency) + np.log1p(outcomes.recent_views)
    assert auc(both, outcomes.buys) >= auc(-outcomes.recency, outcomes.buys) + 0.01


def test_browsing_precedes_buying(shop: dict[str, pd.DataFrame], sales: pd.DataFrame) -> None:
    bought = sales[["customer_id", "product_id", "ordered_at"]]
    pairs = shop["events"].merge(bought, on=["customer_id", "product_id"])
    lead = (pairs.ordered_at - pairs.happened_at).dt.total_seconds()
    week = 7 * 86_400
    within_week_before, within_week_after = (lead > 0) & (lead < week), (lead < 0) & (lead > -week)
    assert within_week_before.sum() > 8 * within_week_after.sum()
    assert 0.3 <= within_week_before.sum() / len(sales) <= 0.9


def test_nobody_orders_or_browses_before_signing_up(shop: dict[str, pd.DataFrame]) -> None:
    for table, moment in (("transactions", "ordered_at"), ("events", "happened_at")):
        joined = shop[table].merge(shop["customers"], on="customer_id")
        assert len(joined) == len(shop[table])
        assert (joined[moment] >= joined.signed_up_at).all()


def test_customers_sign_up_through_both_years(shop: dict[str, pd.DataFrame]) -> None:
    quarters = shop["customers"].signed_up_at.dt.to_period("Q").value_counts()
    assert quarters.reindex(pd.period_range("2024Q1", "2025Q4", freq="Q")).min() >= 100


def test_returns_follow_their_purchase_at_its_price(shop: dict[str, pd.DataFrame], sales: pd.DataFrame) -> None:
    returns = shop["transactions"].query("quantity < 0")
    assert 0.04 <= len(returns) / len(sales) <= 0.06
    assert returns.order_id.str.startswith("R").all()
    pairs = returns.merge(sales, on=["customer_id", "product_id", "unit_price"], suffixes=("", "_bought"))
    fits = (pairs.ordered_at_bought < pairs.ordered_at) & (pairs.quantity_bought >= -pairs.quantity)
    assert pairs[fits].order_id.nunique() == len(returns)


def test_taste_follows_age_and_persists_in_what_is_bought(shop: dict[str, pd.DataFrame], sales: pd.DataFrame) -> None:
    joined = sales.merge(shop["customers"], on="customer_id").merge(shop["products"], on="product_id")
    is_old = joined.birth_year < 1964
    is_garden, is_toy = joined.category == "Garden", joined.category == "Toys"
    assert is_garden[is_old].mean() > 1.3 * is_garden[~is_old].mean()
    assert is_toy[~is_old].mean() > 1.3 * is_toy[is_old].mean()
    repeats = sales.groupby(["customer_id", "product_id"]).size()
    assert np.mean(repeats >= 2) > 0.10


def test_late_autumn_sells_more_than_high_summer(sales: pd.DataFrame) -> None:
    months = sales.ordered_at[sales.ordered_at >= "2025-01-01"].dt.month
    assert np.isin(months, [11, 12]).sum() > 1.15 * np.isin(months, [7, 8]).sum()


def test_one_order_has_one_customer_one_moment_and_no_product_twice(shop: dict[str, pd.DataFrame]) -> None:
    orders = shop["transactions"].groupby("order_id")
    assert orders[["customer_id", "ordered_at"]].nunique().to_numpy().max() == 1
    assert not shop["transactions"].duplicated(["order_id", "product_id"]).any()
    assert shop["transactions"].ordered_at.is_monotonic_increasing
