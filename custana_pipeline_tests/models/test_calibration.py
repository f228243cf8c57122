"""Calibration by origin: tables that can be added up by hand, and figures that show them."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import calibration_curve

from custana_pipeline.errors import ContractBroken
from custana_pipeline.models.calibration import calibration_errors, decile_totals, reliability, wilson_interval
from custana_pipeline.models.calibration_figures import decile_totals_figure, reliability_figure
from custana_pipeline.models.evaluation import expected_calibration_error

ORIGINS = (dt.date(2025, 1, 1), dt.date(2025, 4, 1))


@pytest.fixture
def foreseen() -> pd.DataFrame:
    """Two origins: the first as foreseen, the second with half as many buyers as foreseen."""
    random = np.random.default_rng(0)
    probability = random.uniform(0, 1, 2000)
    frames = [
        pd.DataFrame({"origin": origin, "predicted": probability, "actual": random.random(2000) < factor * probability})
        for origin, factor in zip(ORIGINS, (1.0, 0.5), strict=True)
    ]
    return pd.concat(frames, ignore_index=True)


def test_reliability_is_that_of_scikit_learn_with_an_interval_that_holds_the_rate(foreseen: pd.DataFrame) -> None:
    table = reliability(foreseen, "equal_width")
    first = table[table["origin"] == ORIGINS[0]]
    own = foreseen[foreseen["origin"] == ORIGINS[0]]
    observed, predicted = calibration_curve(own["actual"], own["predicted"], n_bins=10)
    assert np.allclose(first["observed"], observed)
    assert np.allclose(first["predicted"], predicted)
    assert ((first["lower"] < first["observed"]) & (first["observed"] < first["upper"])).all()
    assert first["rows"].sum() == 2000


def test_bins_of_equal_count_hold_equally_many(foreseen: pd.DataFrame) -> None:
    assert set(reliability(foreseen)["rows"]) == {200}


def test_errors_tell_the_origin_that_came_out_as_foreseen_from_the_one_that_did_not(foreseen: pd.DataFrame) -> None:
    errors = calibration_errors(foreseen).set_index("origin")
    assert errors.loc[ORIGINS[0], "ece_equal_count"] < 0.04
    assert errors.loc[ORIGINS[1], "ece_equal_count"] == pytest.approx(0.25, abs=0.03)
    assert errors.loc[ORIGINS[1], "predicted_over_actual"] == pytest.approx(2.0, abs=0.2)
    own = foreseen[foreseen["origin"] == ORIGINS[0]]
    expected = expected_calibration_error(own["actual"].to_numpy(), own["predicted"].to_numpy())
    assert errors.loc[ORIGINS[0], "ece_equal_width"] == pytest.approx(expected)


def test_wilson_interval_is_the_published_one() -> None:
    lower, upper = wilson_interval(np.array([15]), np.array([148]))
    assert (round(float(lower[0]), 4), round(float(upper[0]), 4)) == (0.0624, 0.1605)


def test_totals_of_the_tenths_add_up_and_equal_scores_share_one() -> None:
    frame = pd.DataFrame({"origin": "2025-01-01", "predicted": [8.0] * 5 + [1.0] * 5, "actual": [4.0] * 5 + [0.0] * 5})
    table = decile_totals(frame)
    assert table["rows"].tolist() == [5, 5]
    assert table["predicted"].tolist() == [40.0, 5.0]
    assert table["ratio"].tolist()[0] == 2.0
    assert np.isnan(table["ratio"].tolist()[1])
    assert table["decile"].is_monotonic_increasing


@pytest.mark.parametrize("count", [0, 1, 2, 10, 49])
def test_few_customers_give_small_tables_and_figures(count: int, foreseen: pd.DataFrame) -> None:
    few = foreseen.head(count)
    assert reliability(few)["rows"].sum() == count
    assert decile_totals(few)["rows"].sum() == count
    assert len(calibration_errors(few)) == min(count, 1)
    for figure in (reliability_figure(few, "blend"), decile_totals_figure(few, "blend", "buyers")):
        assert "nan" not in figure.svg()


def test_equal_scores_are_one_bin() -> None:
    table = reliability(pd.DataFrame({"origin": "2025-01-01", "predicted": [0.3] * 20, "actual": [0, 1] * 10}))
    assert (len(table), table.loc[0, "observed"]) == (1, 0.5)


def test_figures_draw_every_origin(foreseen: pd.DataFrame) -> None:
    curves = reliability_figure(foreseen, "blend")
    assert curves.svg().count("<polyline") == 1 + len(ORIGINS)
    assert "ECE up to 0.2" in curves.title
    tiles = decile_totals_figure(foreseen, "blend", "buyers").svg().split("<rect")[3:]
    assert len(tiles) == 20


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("predicted", np.nan, "1 predictions or outcomes are no finite numbers"),
        ("predicted", np.inf, "1 predictions or outcomes are no finite numbers"),
        ("predicted", 1.4, "1 rows are no probability"),
        ("actual", 3.0, "1 rows are no probability"),
    ],
)
def test_what_is_no_probability_with_an_outcome_is_refused(
    column: str, value: float, words: str, foreseen: pd.DataFrame
) -> None:
    odd = foreseen.astype({"actual": "float64"})
    odd.loc[3, column] = value
    with pytest.raises(ContractBroken, match=words):
        reliability(odd)


def test_a_frame_without_origins_is_refused(foreseen: pd.DataFrame) -> None:
    with pytest.raises(ContractBroken, match="lack origin"):
        decile_totals(foreseen.drop(columns="origin"))
