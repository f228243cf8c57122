"""Fitting and judging: every candidate and naive rule at every origin of the backtest, in the same way."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from custana_pipeline.models.at_once import at_once, one_thread
from custana_pipeline.models.blend import MeanOfLogits, MeanOfModels, refitted
from custana_pipeline.models.code_bins import fit_on_codes
from custana_pipeline.models.encoding import as_numbers
from custana_pipeline.models.evaluation import Loss, row_losses
from custana_pipeline.models.own_pace import OwnPaceModel
from custana_pipeline.models.panel import FoldRows, Panel
from custana_pipeline.models.readings import encoding_of, foresee, predict
from custana_pipeline.models.resampling import auc_interval, draws, mean_interval, thinned
from custana_pipeline.models.training import Evaluated, Role

LOSS_WORDS: dict[Loss, str] = {"log_loss": "log loss", "poisson": "Poisson deviance", "tweedie": "Tweedie deviance"}


def fit(estimator: Any, rows: pd.DataFrame, target: str, weights: np.ndarray | None = None) -> Any:
    """A fitted copy of the estimator; one thread, so that sums are added in the same order every time."""
    with one_thread():
        return refitted(estimator, rows, _outcome(rows, target), weights)


def fit_on(fold: FoldRows, estimator: Any, target: str) -> Any:
    """A copy fitted on the fold's training rows; the members of a mean share the rows as they read them."""
    if isinstance(estimator, MeanOfModels | MeanOfLogits):
        members = at_once(lambda member: fit_on(fold, member, target), estimator.members)
        return type(estimator).of_fitted(members, estimator.weights)
    encoding = encoding_of(estimator)
    if encoding is None:
        return fit(estimator, fold.training, target, fold.weights)
    known = fold.encoded(encoding)
    outcome = _outcome(fold.training, target)
    if isinstance(estimator, OwnPaceModel):
        unfitted: Any = clone(estimator)
        return unfitted.fit_encoded(fold.training, known.training, (outcome, fold.weights), known.encoding)
    model = fit_on_codes(clone(estimator[-1]), known.training, outcome, fold.weights)
    return Pipeline([*known.encoding.steps, ("model", model)])


@dataclass(frozen=True)
class Judge:
    """Fits on each fold's training rows only and measures on its holdout, the same way for all."""

    panel: Panel
    target: str
    metrics: Callable[..., dict[str, float]]

    def fitted(self, estimator: Any, fold: FoldRows) -> tuple[Any, np.ndarray]:
        """A copy fitted on the fold's training rows, and its forecasts for the holdout."""
        fitted = fit_on(fold, estimator, self.target)
        return fitted, foresee(fitted, fold)

    def measure(
        self, fitted: Sequence[Any], name: str, role: Role, forecasts: Sequence[np.ndarray] | None = None
    ) -> Evaluated:
        """Judges estimators that are fitted already, one a fold and in their order, on training rows alone.

        `forecasts` are their predictions for each fold's holdout, where those are known.
        """
        foreseen = forecasts or [
            predict(each, fold.holdout) for fold, each in zip(self.panel.folds, fitted, strict=True)
        ]
        frames = [self._evidence(fold, each) for fold, each in zip(self.panel.folds, foreseen, strict=True)]
        by_origin = [self.metrics(frame["actual"].to_numpy(), frame["predicted"].to_numpy(), "") for frame in frames]
        metrics = {f"holdout_{key}": value for key, value in by_origin[0].items()} | self._intervals(frames[0])
        told = pd.DataFrame(by_origin).assign(origin=[fold.origin for fold in self.panel.folds])
        means = told.drop(columns="origin").mean().dropna()
        return Evaluated(
            name=name,
            role=role,
            target=self.target,
            parameters=plain_parameters(fitted[0]),
            metrics=metrics | {f"backtest_{key}": float(value) for key, value in means.items()},
            estimator=fitted[0],
            holdout=frames[0].drop(columns="origin"),
            fitted=tuple(fitted),
            backtest=pd.concat(frames, ignore_index=True),
            by_origin=told,
        )

    def _evidence(self, fold: FoldRows, forecast: np.ndarray) -> pd.DataFrame:
        """origin, customer_id, actual, predicted: one row per customer of the fold's holdout."""
        rows = fold.holdout
        told = {"customer_id": rows["customer_id"], "actual": _outcome(rows, self.target)}
        return pd.DataFrame({"origin": fold.origin, **told, "predicted": forecast})

    @cached_property
    def _draws(self) -> tuple[np.ndarray, np.ndarray]:
        kept = thinned(len(self.panel.holdout))
        return kept, draws(len(kept))

    def _intervals(self, holdout: pd.DataFrame) -> dict[str, float]:
        """The 95 % bootstrap intervals of the telling metrics, `<metric>_lower` and `<metric>_upper`."""
        kept, counts = self._draws
        actual, predicted = (holdout[name].to_numpy()[kept] for name in ("actual", "predicted"))
        if self.target == "is_recommended":
            spans = {
                "log_loss": mean_interval(row_losses(actual, predicted, "log_loss"), counts),
                "roc_auc": auc_interval(actual, predicted, counts),
            }
        else:
            squares = mean_interval((predicted - actual) ** 2, counts)
            spans = {
                "rmse": (float(np.sqrt(squares[0])), float(np.sqrt(squares[1]))),
                "mae": mean_interval(np.abs(predicted - actual), counts),
            }
        return {
            f"holdout_{name}_{end}": value
            for name, span in spans.items()
            for end, value in zip(("lower", "upper"), span, strict=True)
        }


def evaluate_all(tried: Sequence[tuple[Judge, Mapping[str, tuple[Any, Role]]]]) -> list[list[Evaluated]]:
    """Fits a copy of each judge's estimators for each fold and judges it, in the order given; two fits at a time.

    All targets are fitted in one go, so that nothing waits for the last fit of one of them.
    """
    asked = [(judge, name, *each) for judge, named in tried for name, each in named.items()]
    encodings = [(judge, encoding_of(estimator)) for judge, _, estimator, _ in asked]
    at_once(
        lambda job: job[0].encoded(job[1]),
        [(fold, each) for judge, each in encodings if each is not None for fold in judge.panel.folds],
    )
    jobs = [(judge, estimator, fold) for judge, _, estimator, _ in asked for fold in judge.panel.folds]
    # rules come first and boosting last: the other way round, no long fit is left alone at the end
    done = iter(at_once(lambda job: job[0].fitted(*job[1:]), jobs[::-1])[::-1])
    found = [[next(done) for _ in judge.panel.folds] for judge, *_ in asked]

    def judged(place: int) -> Evaluated:
        judge, name, _, role = asked[place]
        fitted, forecasts = zip(*found[place], strict=True)
        return judge.measure(fitted, name, role, list(forecasts))

    evaluated = iter(at_once(judged, range(len(asked))))
    return [[next(evaluated) for _ in named] for _, named in tried]


def _outcome(rows: pd.DataFrame, target: str) -> np.ndarray:
    values = as_numbers(rows[target]).to_numpy()
    return values.astype("int64") if target == "is_recommended" else values


def forecasts_of(evaluated: Evaluated) -> list[np.ndarray]:
    """The predictions at each origin, newest first."""
    origins = list(evaluated.by_origin["origin"])
    frame = evaluated.backtest
    return [frame.loc[(frame["origin"] == origin).to_numpy(), "predicted"].to_numpy() for origin in origins]


def plain_parameters(estimator: Any) -> dict[str, Any]:
    """The settings of the last step that are numbers, text or yes/no: what a comparison of runs needs."""
    inner = getattr(estimator, "pipeline", estimator)
    last = inner.steps[-1][1] if isinstance(inner, Pipeline) else inner
    return {
        name: value
        for name, value in last.get_params(deep=False).items()
        if isinstance(value, int | float | str | bool) and name != "verbose" and value != "deprecated"
    }


def losses_of(evaluated: Evaluated, loss: Loss) -> np.ndarray:
    """The loss of each customer of the newest complete window."""
    evidence = evaluated.holdout
    return row_losses(evidence["actual"].to_numpy(), evidence["predicted"].to_numpy(), loss)


def best_naive(evaluated: Sequence[Evaluated], loss: Loss) -> Evaluated:
    """The baseline with the least mean loss on the newest complete window."""
    baselines = [each for each in evaluated if each.role == "baseline"]
    return min(baselines, key=lambda each: float(losses_of(each, loss).mean()))


def challenger(evaluated: Sequence[Evaluated], loss: Loss) -> Evaluated:
    """The candidate that did best at the origins before the newest one; where there is one origin only, on that.

    An origin's losses are told relative to those of the first baseline, so that each origin counts the same.
    """
    yardstick = _losses_by_origin(evaluated[0], loss)
    candidates = [each for each in evaluated if each.role == "candidate"]
    return min(candidates, key=lambda each: float(np.mean(_losses_by_origin(each, loss) / yardstick)))


def _losses_by_origin(evaluated: Evaluated, loss: Loss) -> np.ndarray:
    newest = evaluated.backtest["origin"].max()
    means = {}
    for origin, frame in evaluated.backtest.groupby("origin"):
        losses = row_losses(frame["actual"].to_numpy(), frame["predicted"].to_numpy(), loss)
        means[origin] = max(float(losses.mean()), 1e-12)
    earlier = [mean for origin, mean in means.items() if origin != newest]
    return np.array(earlier or list(means.values()))
