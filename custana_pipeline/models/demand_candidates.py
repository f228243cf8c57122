"""The unfitted demand candidates: each foresees a multiple of the customer's own pace."""

from typing import Any

from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline
from sklearn.tree import DecisionTreeRegressor

from custana_pipeline.models.encoding import BIN_COUNT, SPLIT_FEATURES, Kind, encoding
from custana_pipeline.models.naive_rules import PURCHASES, YEAR_DAYS, windows_of
from custana_pipeline.models.own_pace import OwnPaceModel
from custana_pipeline.models.sampled_svr import SampledSVR
from custana_pipeline.models.trainable import UsableColumns

BOOSTING: dict[str, Any] = {
    "max_leaf_nodes": 8,
    "l2_regularization": 5.0,
    "max_features": 0.5,
    "max_bins": BIN_COUNT,
    "early_stopping": False,
}


def candidates(
    columns: UsableColumns, target: str, *, horizon_days: int, row_count: int, seed: int
) -> dict[str, OwnPaceModel]:
    """Ridge, regression tree, SVR and histogram gradient boosting by name, for one target."""
    leaf = max(20, row_count // 400)
    counts = target == "future_purchase"
    models: dict[str, Any] = {
        "ridge": Ridge(alpha=300.0),
        "regression_tree": DecisionTreeRegressor(
            max_depth=6, max_features=SPLIT_FEATURES, min_samples_leaf=leaf, random_state=seed
        ),
        "svr": SampledSVR(seed=seed),
        "gradient_boosting": HistGradientBoostingRegressor(
            loss="poisson", max_iter=50, learning_rate=0.12, min_samples_leaf=leaf, random_state=seed, **BOOSTING
        ),
    }
    kinds: dict[str, Kind] = {"ridge": "linear", "svr": "linear", "gradient_boosting": "histogram"}
    pace = windows_of(columns.names, PURCHASES).get(YEAR_DAYS)
    tried = {}
    for name, model in models.items():
        steps = encoding(kinds.get(name, "tree"), columns.numeric, columns.text).steps
        pipeline = Pipeline([*steps, ("model", model)])
        tried[name] = OwnPaceModel(pipeline, pace, YEAR_DAYS, horizon_days, is_amount=not counts)
    return tried
