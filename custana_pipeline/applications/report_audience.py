"""The audience's worth for the report, from the lists and from what the holdout has shown."""

import numpy as np
import pandas as pd

from custana_pipeline.applications.customer_frames import beside
from custana_pipeline.applications.report_facts import AudienceFacts
from custana_pipeline.models.audience_value import AudienceValue, audience_curve, best_audience, realised_curve

POINT_COUNT = 60


def audience_facts(
    recommended: pd.DataFrame, forecast: pd.DataFrame, value: AudienceValue, holdout: pd.DataFrame | None
) -> AudienceFacts | None:
    """The curve of the two lists with the audience that was chosen; None where amounts are not known.

    `holdout` has p_buy, expected_amount, bought and amount of the last completed window, or is None.
    """
    scores = beside(recommended, forecast.filter(["customer_id", "expected_amount"]))
    if scores.empty or np.isnan(scores["expected_amount"].to_numpy(dtype=float)).any():
        return None
    curve = audience_curve(scores, value)
    best = best_audience(curve)
    kind = "revenue" if best is None else "profit"
    audience = int(recommended["is_recommended"].to_numpy(dtype=bool).sum())
    share = audience / len(scores)
    chosen = (share, _at(curve, f"expected_{kind}", share))
    return AudienceFacts(
        kind=kind,
        points=_thinned(curve, f"expected_{kind}"),
        chosen=chosen,
        is_best=best is not None and int(best["customers"]) == audience,
        caveat=value.caveat,
        tested=_tested(holdout, value, kind, share),
    )


def holdout_of(holdouts: pd.DataFrame) -> pd.DataFrame | None:
    """p_buy, expected_amount, bought and amount of the holdout's customers; None where they cannot be matched.

    `holdouts` has target, customer_id, actual and predicted of the champions.
    """
    if "customer_id" not in holdouts:
        return None
    by_target = {target: rows.set_index("customer_id") for target, rows in holdouts.groupby("target")}
    if not {"is_recommended", "future_amount"} <= by_target.keys():
        return None
    buys, amounts = by_target["is_recommended"], by_target["future_amount"]
    both = buys.join(amounts, how="inner", suffixes=("_buys", "_amount")).sort_index()
    return pd.DataFrame(
        {
            "p_buy": both["predicted_buys"].clip(0, 1),
            "expected_amount": both["predicted_amount"],
            "bought": both["actual_buys"],
            "amount": both["actual_amount"],
        }
    )


def _tested(holdout: pd.DataFrame | None, value: AudienceValue, kind: str, share: float) -> tuple[float, float] | None:
    if holdout is None or holdout.empty:
        return None
    curve = realised_curve(holdout, value)
    return _at(curve, f"expected_{kind}", share), _at(curve, f"realised_{kind}", share)


def _at(curve: pd.DataFrame, column: str, share: float) -> float:
    return float(np.interp(share, curve["share"].to_numpy(dtype=float), curve[column].to_numpy(dtype=float)))


def _thinned(curve: pd.DataFrame, column: str) -> tuple[tuple[float, float], ...]:
    places = np.unique(np.linspace(0, len(curve) - 1, min(POINT_COUNT, len(curve))).astype(int))
    rows = curve.iloc[places]
    return tuple((float(share), float(money)) for share, money in rows[["share", column]].to_numpy(dtype=float))
