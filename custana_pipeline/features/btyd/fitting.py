"""Maximum likelihood over positive parameters: L-BFGS-B on their logarithms, with analytic gradients."""

from collections.abc import Callable, Sequence

import numpy as np
from scipy.optimize import minimize

from custana_pipeline.errors import NotConverged

LogLikelihood = Callable[[np.ndarray], tuple[float, np.ndarray]]
"""Positive parameters -> summed log likelihood and its gradient by the parameters (not by their logarithms)."""

SERVING_PENALTY = 0.05
"""As a normal prior on each log parameter with a standard deviation of about 3, around 1 in the data's own scale.

A thousand customers do not feel it; it holds the parameters where ten customers say nothing about them.
"""
_LIMIT = 10.0
"""Log parameters stay within +- this, in the data's own scale."""
_STEEP = 1e-4


def maximise(
    log_likelihood: LogLikelihood, starts: Sequence[Sequence[float]], weight: float, penalty: float
) -> np.ndarray:
    """The parameters with the largest log likelihood less penalty * sum(log parameter ** 2).

    `weight` is the number of customers, by which the objective is scaled; starts are tried in turn.
    Raises NotConverged when no start ends on flat ground.
    """

    def loss(logs: np.ndarray) -> tuple[float, np.ndarray]:
        parameters = np.exp(logs)
        value, gradient = log_likelihood(parameters)
        return (
            (penalty * float(logs @ logs) - value) / weight,
            (2 * penalty * logs - gradient * parameters) / weight,
        )

    for start in starts:
        logs = np.log(np.asarray(start, dtype="float64"))
        bounds = [(-_LIMIT, _LIMIT)] * len(logs)
        options = {"maxiter": 500, "ftol": 1e-13, "gtol": 1e-7}
        found = minimize(loss, logs, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
        if np.isfinite(found.fun) and _is_flat(loss(found.x)[1], found.x):
            return np.exp(found.x)
    raise NotConverged(
        "The likelihood of the purchase histories has no maximum that can be found: give it a penalty, "
        "or load earlier transactions."
    )


def _is_flat(gradient: np.ndarray, logs: np.ndarray) -> bool:
    inside = np.abs(logs) < _LIMIT - 1e-9
    return bool(np.isfinite(gradient).all() and (np.abs(gradient[inside]) < _STEEP).all())
