"""Too little to learn from is a state with a reason, and no green run: nothing is published, and what was stays."""

import datetime as dt

import pytest
from mlflow import MlflowClient

from custana_pipeline.models import supervised
from custana_pipeline_tests.commands.shop_files import SECRET, Shop, customer, every, fingerprint, line, purchases

FIRST, AS_OF = dt.date(2024, 1, 5), dt.date(2025, 1, 1)
OFTEN = every(20, FIRST, AS_OF)
TOO_LITTLE = {
    "fewer than 50 customers": (purchases(range(1, 40), OFTEN), "39 customers with a known outcome"),
    "nobody buys in the horizon": (
        purchases(range(1, 61), every(20, FIRST, AS_OF - dt.timedelta(days=100))),
        "0 customers bought within the horizon on the holdout days, 10 needed",
    ),
    "everybody buys in the horizon": (purchases(range(1, 61), OFTEN), "0 customers did not buy within the horizon"),
}


@pytest.mark.parametrize(("lines", "told"), TOO_LITTLE.values(), ids=TOO_LITTLE.keys())
def test_what_cannot_be_learnt_is_told_and_nothing_is_published(
    shop: Shop,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    lines: list[str],
    told: str,
) -> None:
    before = fingerprint(shop.data / "published")
    # ragged lines and strangers beside the good ones are counted, and end nothing
    shop.write([*lines, line(1, "2024-02-01") + ",more"])
    strangers = [f"stranger{number},p1,view,2024-06-01 10:00:00" for number in range(3)]
    known = f"{customer(1)},p1,view,2024-06-01 10:00:00"
    shop.put("events.csv", "\n".join(["customer_id,product_id,event_type,happened_at", known, *strangers]) + "\n")
    answer = shop.run(capsys)
    assert answer.exit_code == 3
    assert answer.err.startswith("custana: NOT_TRAINABLE, so nothing was published and what was stays. ")
    assert told in answer.err
    assert SECRET not in answer.err + answer.out
    assert "without gating" not in caplog.text
    assert fingerprint(shop.data / "published") == before
    states = _states(shop)
    assert states["behavior"][0] == "NOT_TRAINABLE"
    assert told in states["behavior"][1]
    counted = {words[0]: words[1:] for words in (row.split() for row in answer.out.splitlines()) if words}
    assert counted["transactions"] == [f"{len(lines) + 1:,}", f"{len(lines):,}", "0", "1"]
    assert counted["events"] == ["4", "1", "3", "0"]


def test_a_feature_that_gives_the_outcome_away_stops_the_run(
    shop: Shop, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervised, "leaked_features", lambda rows, columns, target: {"came_again": 1.0})
    before = fingerprint(shop.data / "published")
    often, seldom = every(20, FIRST, AS_OF), every(150, FIRST, AS_OF - dt.timedelta(days=60))
    shop.write([*purchases(range(1, 61), often), *purchases(range(61, 121), seldom)])
    answer = shop.run(capsys)
    assert answer.exit_code == 3
    assert (
        "models/demand: A single feature foretells future_purchase nearly without fault (R2: came_again" in answer.err
    )
    assert "Nothing was published, and what was stays." in answer.err
    assert fingerprint(shop.data / "published") == before
    assert _states(shop)["demand"][0] == "LEAKED_FEATURE"


def _states(shop: Shop) -> dict[str, tuple[str, str]]:
    """What MLflow says of each analysis: its state and the reason."""
    client = MlflowClient(tracking_uri=f"sqlite:///{shop.data}/mlflow/mlflow.db")
    experiments = [each.experiment_id for each in client.search_experiments()]
    runs = client.search_runs(experiments, "tags.`custana.state` != ''")
    return {
        run.data.tags["custana.analysis"]: (run.data.tags["custana.state"], run.data.tags.get("custana.reason", ""))
        for run in runs
    }
