"""The audience: who is likely to buy, in which tenth, and who is left out to measure the effect."""

import datetime as dt
import hashlib
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from custana_pipeline.applications.customer_frames import by_customer, day_column, text_column
from custana_pipeline.models.audience_value import AudienceValue, audience_curve, best_audience, require_scores


@dataclass(frozen=True)
class AudienceSettings:
    """How the audience and its control group are drawn."""

    audience_share: float = 0.3
    """Share of the customers that the audience aims at, best p_buy first; equal p_buy is in or out together."""
    minimum_p_buy: float | None = None
    """When given, the audience is everybody at or above this probability instead."""
    value: AudienceValue = field(default_factory=AudienceValue)
    """Where it has a contact cost and the amounts are known, the audience is that of the highest expected profit."""
    control_share: float = 0.05
    """Share of the audience that is drawn to be left out."""
    seed: int = 7
    """Another seed draws another control group."""


def recommended_customers(
    scores: pd.DataFrame, model_version: str, as_of: dt.date, settings: AudienceSettings | None = None
) -> pd.DataFrame:
    """The list `recommended_customers`, one row per row of `scores` (customer_id, p_buy, reasons), by customer_id.

    `scores` may have expected_amount as well; without it, or where one is missing, no profit is known.

    p_buy is rounded to six digits first, so that customers whose scores differ by less share tenth and audience.
    """
    chosen = settings or AudienceSettings()
    customers = by_customer(scores)
    p_buy = customers["p_buy"].to_numpy(dtype=float).clip(0, 1).round(6)
    is_recommended = _in_audience(p_buy, _amounts(customers), chosen)
    audience = customers["customer_id"].to_numpy()[is_recommended]
    is_control = np.zeros(len(customers), dtype=bool)
    is_control[is_recommended] = [_is_drawn(str(customer), as_of, chosen) for customer in audience]
    return pd.DataFrame(
        {
            "as_of": day_column(as_of, len(customers)),
            "customer_id": customers["customer_id"].astype(str),
            "p_buy": p_buy,
            "score_decile": score_deciles(p_buy),
            "is_recommended": is_recommended,
            "is_control": is_control,
            "reasons": customers["reasons"].fillna("").astype(str),
            "model_version": text_column(model_version, len(customers)),
        },
        copy=False,
    )


def score_deciles(scores: np.ndarray) -> np.ndarray:
    """The tenth of each score, 1 the best; equal scores share the tenth of their middle place.

    >>> score_deciles(np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0])).tolist()
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    >>> score_deciles(np.array([0.9, 0.1, 0.1, 0.1])).tolist()
    [2, 7, 7, 7]
    """
    return (10 * _doubled_places(scores)) // (2 * max(len(scores), 1)) + 1


def _amounts(customers: pd.DataFrame) -> np.ndarray:
    known = "expected_amount" in customers
    return customers["expected_amount"].to_numpy(dtype=float) if known else np.full(len(customers), np.nan)


def _in_audience(p_buy: np.ndarray, amounts: np.ndarray, settings: AudienceSettings) -> np.ndarray:
    if settings.minimum_p_buy is not None:
        return p_buy >= settings.minimum_p_buy
    scores = pd.DataFrame({"p_buy": p_buy, "expected_amount": amounts})
    require_scores(scores)
    has_cost = settings.value.contact_cost is not None
    best = best_audience(audience_curve(scores, settings.value)) if has_cost else None
    if best is not None:
        return p_buy >= best["threshold"]
    return _doubled_places(p_buy) < 2 * len(p_buy) * settings.audience_share - 1e-9


def _doubled_places(scores: np.ndarray) -> np.ndarray:
    """Twice the middle of each score's place, counted from 0: a whole number, so that no rounding moves a border."""
    ranks = pd.Series(scores).rank(method="average", ascending=False).to_numpy()
    return (2 * ranks).astype(np.int64) - 1


def _is_drawn(customer_id: str, as_of: dt.date, settings: AudienceSettings) -> bool:
    """Whether the draw of this customer and day falls below the control share; the same on every machine."""
    digest = hashlib.sha256(f"{settings.seed}|{as_of.isoformat()}|{customer_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < settings.control_share * 2**64
