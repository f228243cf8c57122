"""Runs inside .venv-judges: libraries that know nothing of custana, on arrays from an .npz, answers into another.

    python judge_side.py IN.npz OUT.npz JUDGE...

OUT has an array (or several) for each judge that ran, and `<judge>_error`, a text, for each that did not. Imports
nothing of custana.
"""

import sys
import warnings

import numpy as np

warnings.filterwarnings("ignore")
WEEK = 7.0


def lifetimes_purchases(given: dict, fitter: object) -> dict:
    """Expected purchases, probability to buy where it has a closed form, and parameters; in weeks."""
    x, t_x, age = given["repeats"], given["span"] / WEEK, given["age"] / WEEK
    horizon = float(given["horizon"]) / WEEK
    fitter.fit(x, t_x, age)
    found = fitter.conditional_expected_number_of_purchases_up_to_time(horizon, x, t_x, age)
    out = {"purchases": np.asarray(found), "parameters": np.asarray(list(fitter.params_), dtype="float64")}
    if "a" in fitter.params_.index:
        r, alpha = fitter.params_["r"], fitter.params_["alpha"]
        alive = np.asarray(fitter.conditional_probability_alive(x, t_x, age))
        out["p_buy"] = alive * (1 - ((alpha + age) / (alpha + age + horizon)) ** (r + x))
    return out


def bg_nbd(given: dict) -> dict:
    import lifetimes

    return lifetimes_purchases(given, lifetimes.BetaGeoFitter())


def pareto_nbd(given: dict) -> dict:
    import lifetimes

    return lifetimes_purchases(given, lifetimes.ParetoNBDFitter())


def gamma_gamma(given: dict) -> dict:
    import lifetimes

    x, mean = given["repeats"], np.nan_to_num(given["mean_repeat"])
    known = (x > 0) & (mean > 0)
    fitter = lifetimes.GammaGammaFitter()
    fitter.fit(x[known], mean[known])
    parameters = np.asarray(list(fitter.params_), dtype="float64")
    if fitter.params_["q"] <= 1:
        raise ValueError("q <= 1: the mean spend does not exist")
    value = np.asarray(fitter.conditional_expected_average_profit(np.where(known, x, 0), np.where(known, mean, 0.0)))
    return {"value": value, "parameters": parameters}


def pymc(given: dict) -> dict:
    import pandas as pd
    from pymc_marketing.clv import BetaGeoModel, GammaGammaModel

    frame = pd.DataFrame(
        {
            "customer_id": np.arange(len(given["repeats"])),
            "frequency": given["repeats"],
            "recency": given["span"] / WEEK,
            "T": given["age"] / WEEK,
            "monetary_value": np.nan_to_num(given["mean_repeat"]),
        }
    )
    purchases = BetaGeoModel(frame)
    purchases.fit(method="map")
    repeaters = frame[(frame["frequency"] > 0) & (frame["monetary_value"] > 0)]
    spend = GammaGammaModel(repeaters)
    spend.fit(method="map")
    expected = purchases.expected_purchases(data=frame, future_t=float(given["horizon"]) / WEEK)
    value = spend.expected_customer_spend(data=frame)
    return {"purchases": np.asarray(expected).reshape(-1), "value": np.asarray(value).reshape(-1)}


def recommended(given: dict, model: object) -> dict:
    """The ten best products (indices) of each user that is asked for: repeats allowed, and new ones only."""
    from scipy.sparse import csr_matrix

    shape = int(given["user"].max()) + 1, int(given["item"].max()) + 1
    bought = csr_matrix((given["count"].astype("float32"), (given["user"], given["item"])), shape=shape)
    model.fit(bought, show_progress=False)
    users = given["asked"]
    out = {}
    for name, only_new in (("all", False), ("new", True)):
        ids, scores = model.recommend(users, bought[users], N=10, filter_already_liked_items=only_new)
        out[name] = np.where(np.isfinite(scores) & (scores > -1e30), ids, -1)
    return out


def als(given: dict) -> dict:
    import implicit

    return recommended(given, implicit.als.AlternatingLeastSquares(factors=64, random_state=0, num_threads=1))


def bm25(given: dict) -> dict:
    import implicit

    return recommended(given, implicit.nearest_neighbours.BM25Recommender(num_threads=1))


JUDGES = {each.__name__: each for each in (bg_nbd, pareto_nbd, gamma_gamma, pymc, als, bm25)}


def main() -> None:
    """Every judge that is asked for; one that fails leaves its reason."""
    source, target, *names = sys.argv[1:]
    with np.load(source) as archive:
        given = {name: archive[name] for name in archive.files}
    answers = {}
    for name in names:
        try:
            answers |= {f"{name}_{part}": values for part, values in JUDGES[name](given).items()}
        except Exception as error:
            answers[f"{name}_error"] = np.array(f"{type(error).__name__}: {str(error)[:200]}")
    np.savez(target, **answers)


if __name__ == "__main__":
    main()
