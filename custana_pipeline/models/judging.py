"""Fitting on the training origins, judging on the holdout, and the choice between candidates and naive rules."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from custana_pipeline.models.encoding import as_numbers
from custana_pipeline.models.evaluation import Loss, relative_gain_interval, row_losses
from custana_pipeline.models.panel import Panel
from custana_pipeline.models.training import Evaluated, Role

LOSS_WORDS: dict[Loss, str] = {"log_loss": "log loss", "squared": "squared error", "spend": "error of spend"}


@dataclass(frozen=True)
class Choice:
    """Who serves, and why in words."""

    winner: Evaluated
    beats_naive: bool
    best_naive: str
    reason: str


def fit(estimator: Any, rows: pd.DataFrame, target: str, half_life_days: float | None = None) -> Any:
    """A fitted copy of the estimator; one thread, so that sums are added in the same order every time.

    With a half-life, a row counts half as much for each such time that its origin lies before the newest one.
    """
    name = "model__sample_weight" if isinstance(estimator, Pipeline) else "sample_weight"
    weights = {} if half_life_days is None else {name: origin_weights(rows["as_of"], half_life_days)}
    unfitted: Any = clone(estimator)
    with threadpool_limits(limits=1):
        return unfitted.fit(rows, _outcome(rows, target), **weights)


def origin_weights(days: Any, half_life_days: float) -> np.ndarray:
    """1 for rows of the newest origin, 1/2 for those `half_life_days` older, and so on; their mean is 1."""
    weights = 0.5 ** ((days.max() - days).dt.days.to_numpy(dtype="float64") / half_life_days)
    return weights / weights.mean()


def predict(estimator: Any, rows: pd.DataFrame) -> np.ndarray:
    """The probability of the second class where there are classes, else the predicted number; one thread."""
    with threadpool_limits(limits=1):
        if hasattr(estimator, "predict_proba"):
            return np.asarray(estimator.predict_proba(rows))[:, 1]
        return np.asarray(estimator.predict(rows), dtype="float64")


@dataclass(frozen=True)
class Judge:
    """Fits on panel.training only and measures on panel.holdout, the same way for candidates and naive rules."""

    panel: Panel
    target: str
    metrics: Callable[[np.ndarray, np.ndarray], dict[str, float]]
    half_life_days: float | None = None

    def evaluate(self, estimator: Any, name: str, role: Role) -> Evaluated:
        """Fits a copy of the estimator and judges it."""
        return self.measure(fit(estimator, self.panel.training, self.target, self.half_life_days), name, role)

    def measure(self, fitted: Any, name: str, role: Role) -> Evaluated:
        """Judges an estimator that is fitted already, on training rows alone."""
        rows = self.panel.holdout
        actual, predicted = _outcome(rows, self.target), predict(fitted, rows)
        evidence = pd.DataFrame({"customer_id": rows["customer_id"], "actual": actual, "predicted": predicted})
        metrics = self.metrics(actual, predicted)
        return Evaluated(name, role, self.target, plain_parameters(fitted), metrics, fitted, evidence)


def _outcome(rows: pd.DataFrame, target: str) -> np.ndarray:
    values = as_numbers(rows[target]).to_numpy()
    return values.astype("int64") if target == "is_recommended" else values


def plain_parameters(estimator: Any) -> dict[str, Any]:
    """The settings of the last step that are numbers, text or yes/no: what a comparison of runs needs."""
    inner = getattr(estimator, "pipeline", estimator)
    last = inner.steps[-1][1] if isinstance(inner, Pipeline) else inner
    return {
        name: value
        for name, value in last.get_params(deep=True).items()
        if isinstance(value, int | float | str | bool) and name != "verbose" and value != "deprecated"
    }


def choose(
    evaluated: Sequence[Evaluated],
    loss: Loss,
    margin: float,
    is_eligible: Callable[[Evaluated, Evaluated], bool] | None = None,
) -> Choice:
    """The candidate with the least mean loss on the holdout, if it beats the best naive rule; else that rule.

    To beat means: the mean loss is lower by at least `margin` (relative), and the paired 90 % bootstrap interval of
    the gain over the same customers lies above zero. `is_eligible(candidate, best_naive)` may rule candidates out.
    """
    naive = _best([each for each in evaluated if each.role == "baseline"], loss)
    eligible = [each for each in evaluated if each.role == "candidate"]
    eligible = [each for each in eligible if is_eligible is None or is_eligible(each, naive)]
    if not eligible:
        return Choice(naive, False, naive.name, f"No candidate is eligible beside {naive.name}, which serves.")
    best = _best(eligible, loss)
    gain, lower, upper = relative_gain_interval(_losses(best, loss), _losses(naive, loss))
    beats_naive = gain >= margin and lower > 0
    figures = (
        f"{LOSS_WORDS[loss]} {abs(gain):.1%} {'lower' if gain >= 0 else 'higher'} than the best naive rule, "
        f"{naive.name} (90 % interval of the gain {lower:+.1%} to {upper:+.1%}, needed {margin:.1%} and above zero)"
    )
    if beats_naive:
        return Choice(best, True, naive.name, f"{best.name} serves: {figures}.")
    return Choice(naive, False, naive.name, f"{naive.name} serves, no candidate beats it: {best.name} has {figures}.")


def _best(evaluated: Sequence[Evaluated], loss: Loss) -> Evaluated:
    return min(evaluated, key=lambda each: float(_losses(each, loss).mean()))


def _losses(evaluated: Evaluated, loss: Loss) -> np.ndarray:
    evidence = evaluated.holdout
    return row_losses(evidence["actual"].to_numpy(), evidence["predicted"].to_numpy(), loss)
