"""Figures: named, drawn from the holdout frame, and there for awkward rows too."""

import datetime as dt
import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from custana_pipeline.models.drawing import Drawing
from custana_pipeline.models.figures import comparison, figures_of, over_origins
from custana_pipeline.models.segmentation import SegmentationSettings, train_segmentation
from custana_pipeline.models.training import Champion, Evaluated, Role, Training
from custana_pipeline_tests.models.customers import customers

BEHAVIOR = {"roc", "precision_recall", "gains_and_lift", "calibration", "confusion"}
DEMAND = {"predicted_against_actual", "residuals_by_decile"}


def evaluated(
    target: str, actual: object, predicted: object, *, name: str = "ridge", role: Role = "candidate", **metrics: float
) -> Evaluated:
    holdout = pd.DataFrame({"actual": actual, "predicted": predicted})
    return Evaluated(name, role, target, {}, metrics, None, holdout)


def is_drawn(figure: Drawing) -> bool:
    """Whether it is a whole SVG file with marks, none of which lies nowhere."""
    svg = figure.svg()
    return ET.fromstring(svg).tag.endswith("svg") and "nan" not in svg and "inf" not in svg


def behavior(probability: np.ndarray) -> Evaluated:
    bought = np.random.default_rng(0).random(len(probability)) < 0.3
    return evaluated("is_recommended", bought.astype(int), probability)


def test_a_behavior_model_has_its_five_figures() -> None:
    figures = figures_of(behavior(np.random.default_rng(1).random(300)), "behavior")
    assert set(figures) == BEHAVIOR
    assert all(is_drawn(figure) for figure in figures.values())


def test_the_title_of_the_roc_curve_tells_the_area() -> None:
    perfect = evaluated("is_recommended", [0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9])
    assert figures_of(perfect, "behavior")["roc"].title == "ridge: told apart, AUC 1.000"


def test_a_rule_that_says_the_same_of_everybody_has_all_figures() -> None:
    assert set(figures_of(behavior(np.full(200, 0.3)), "behavior")) == BEHAVIOR


def test_one_class_has_no_figures() -> None:
    assert figures_of(evaluated("is_recommended", [0, 0, 0], [0.1, 0.2, 0.3]), "behavior") == {}


def test_no_rows_have_no_figures() -> None:
    assert figures_of(evaluated("future_purchase", [], []), "demand") == {}


@pytest.mark.parametrize("target", ["future_purchase", "future_amount"])
def test_a_demand_model_has_its_two_figures(target: str) -> None:
    random = np.random.default_rng(0)
    predicted = random.gamma(1.0, 10.0, 400)
    figures = figures_of(evaluated(target, predicted * random.gamma(2.0, 0.5, 400), predicted), "demand")
    assert set(figures) == DEMAND
    assert all(is_drawn(figure) for figure in figures.values())


@pytest.mark.parametrize(
    ("actual", "predicted"),
    [
        pytest.param(np.zeros(60), np.zeros(60), id="nothing bought, nothing foreseen"),
        pytest.param(np.zeros(60), np.ones(60), id="nothing bought"),
        pytest.param(np.ones(60), np.zeros(60), id="nothing foreseen"),
        pytest.param(np.arange(60.0), np.full(60, 2.0), id="the same for everybody"),
        pytest.param(np.array([1.0]), np.array([3.0]), id="one customer"),
    ],
)
def test_awkward_demand_is_drawn(actual: np.ndarray, predicted: np.ndarray) -> None:
    for figure in figures_of(evaluated("future_amount", actual, predicted), "demand").values():
        assert is_drawn(figure)


def test_a_segmentation_shows_its_segments_by_name() -> None:
    training = train_segmentation(customers(), None, SegmentationSettings(cluster_counts=(4,), stability_refits=1))
    figures = figures_of(training.evaluated[0], "segmentation")
    assert set(figures) == {"segment_profiles", "silhouettes"}
    rows = [name for _, name in figures["segment_profiles"].y.marks()]
    assert "Champions" in rows
    assert all(is_drawn(figure) for figure in figures.values())


def test_a_single_group_has_no_silhouettes_to_show() -> None:
    rows = customers(60).assign(predicted=1, silhouette=np.nan, actual=np.nan)
    figures = figures_of(Evaluated("dbscan", "candidate", "segment", {}, {}, None, rows), "segmentation")
    assert figures["silhouettes"].title == "dbscan: no silhouette"
    assert is_drawn(figures["silhouettes"])


def test_the_comparison_says_whether_a_candidate_beats_the_naive() -> None:
    naive = evaluated("future_amount", [], [], name="last_window", role="baseline", holdout_mae=10.0)
    worse = evaluated("future_amount", [], [], name="svr", holdout_mae=12.0)
    better = evaluated("future_amount", [], [], name="ridge", holdout_mae=9.0)
    assert comparison([naive, worse], "future_amount").title == "svr is no better than the best naive (grey)"
    assert comparison([naive, worse, better], "future_amount").title == "ridge is better than the best naive (grey)"


def test_the_comparison_lists_the_best_on_top() -> None:
    naive = evaluated("segment", [], [], name="rfm_quantiles", role="baseline", silhouette=0.2)
    kmeans = evaluated("segment", [], [], name="kmeans", silhouette=0.4)
    labels = [name for _, name in comparison([kmeans, naive], "segment").y.marks()]
    assert labels[-1] == "kmeans"


def over_two_days(name: str, role: Role, *errors: float) -> Evaluated:
    days = [dt.date(2025, 10, 3), dt.date(2025, 8, 19)][: len(errors)]
    return replace(
        evaluated("is_recommended", [0, 1], [0.1, 0.9], name=name, role=role),
        by_origin=pd.DataFrame({"origin": days, "log_loss": errors}),
    )


def test_past_days_show_what_serves_beside_the_best_naive_rule_and_cut_off_what_is_far_worse() -> None:
    tried = (
        over_two_days("blend", "candidate", 0.4, 0.5),
        over_two_days("bg_nbd", "baseline", 0.5, 0.6),
        over_two_days("two_column_forest", "baseline", 2.0, 3.0),
        over_two_days("champion_so_far", "champion", 0.45),
    )
    champion = Champion("is_recommended", "blend", None, (), {}, True, "", "bg_nbd")
    figures = over_origins(Training("behavior", "TRAINED", "", tried, {"is_recommended": champion}))
    figure = figures["over_origins_is_recommended"]
    assert figure.title == "blend (blue); naive rules dashed, bg nbd dark"
    assert figure.y.limits()[1] == pytest.approx(0.69)
    assert is_drawn(figure)
