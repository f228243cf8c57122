"""What the champions of a day say of each customer: score frames for the lists."""

import datetime as dt

import pandas as pd

from custana_pipeline.errors import DataFault
from custana_pipeline.orchestration.champions import has_champion, serving_champion, snapshots
from custana_pipeline.orchestration.project import Project
from custana_pipeline.stores.session import Session


def customers_of(session: Session, analysis: str, as_of: dt.date) -> pd.DataFrame:
    """The feature rows of every customer as of the day; DataFault where there is none."""
    rows = snapshots(session, f"features.{analysis}", (as_of,))
    if rows.empty:
        raise DataFault(
            f"features.{analysis} has no customer as of {as_of}: materialize the features of that day first."
        )
    return rows


def behavior_scores(session: Session, project: Project, as_of: dt.date) -> tuple[pd.DataFrame, str]:
    """customer_id, p_buy and reasons of every customer, with the model's version."""
    from custana_pipeline.models.explanations import reasons

    champion = serving_champion(session, project, as_of, "is_recommended")
    rows = customers_of(session, "behavior", as_of)
    p_buy = champion.estimator.predict_proba(rows[list(champion.columns)])[:, 1]
    told = reasons(champion.estimator, rows, champion.columns, champion.reference)
    return pd.DataFrame({"customer_id": rows["customer_id"], "p_buy": p_buy, "reasons": told}), champion.model_version


def demand_scores(session: Session, project: Project, as_of: dt.date) -> tuple[pd.DataFrame, str]:
    """Expected purchases and amount with bounds of every customer, with the models' versions.

    Amounts are missing where the source has no money.
    """
    rows = customers_of(session, "demand", as_of)
    purchases = serving_champion(session, project, as_of, "future_purchase")
    expected = purchases.estimator.predict(rows[list(purchases.columns)])
    scores = pd.DataFrame({"customer_id": rows["customer_id"], "expected_purchases": expected})
    if not has_champion(session, as_of, "future_amount"):
        nothing = {name: float("nan") for name in ("expected_amount", "amount_lower", "amount_upper")}
        return scores.assign(**nothing), purchases.model_version
    amounts = serving_champion(session, project, as_of, "future_amount")
    amount = amounts.estimator.predict(rows[list(amounts.columns)])
    bounds = amounts.estimator.bounds(amount)
    scores = scores.assign(expected_amount=amount, amount_lower=bounds.lower, amount_upper=bounds.upper)
    return scores, " + ".join(dict.fromkeys([purchases.model_version, amounts.model_version]))


def segment_assignments(session: Session, project: Project, as_of: dt.date) -> tuple[pd.DataFrame, pd.DataFrame, str]:
    """customer_id and segment_id of every customer; the segments' names and meanings; the model's version."""
    from custana_pipeline.models.segment_names import name_segments
    from custana_pipeline.models.segment_profile import profile_segments

    champion = serving_champion(session, project, as_of, "segment")
    rows = customers_of(session, "segmentation", as_of)
    segment_ids = champion.estimator.predict(rows[list(champion.columns)])
    names = name_segments(profile_segments(rows, segment_ids), getattr(champion.estimator[-1], "names_by_id", {}))
    assignments = pd.DataFrame({"customer_id": rows["customer_id"], "segment_id": segment_ids})
    return assignments, names, champion.model_version
