"""What is asked of the rows of feature tables and of the views over them before anybody sees them."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from custana_pipeline.errors import ContractBroken
from custana_pipeline.orchestration.customer_keys import have_same_customers, refuse_other_customers
from custana_pipeline.orchestration.day_judging import judged_day, judged_view
from custana_pipeline.orchestration.money import refuse_lost_in_customers
from custana_pipeline.orchestration.unreal_values import real, refuse_unreal
from custana_pipeline.stores.plain_views import plain_view, without_joins
from custana_pipeline.stores.session import Session
from custana_pipeline.stores.sql_models import SqlModel

ONE_ROW_A_CUSTOMER = ("assortment", "browsing", "demographics", "behavior", "demand", "segmentation")
CONTRACTS = {
    "activity": "ActivityFeatures",
    "assortment": "AssortmentFeatures",
    "browsing": "BrowsingFeatures",
    "btyd": "BtydFeatures",
    "demographics": "DemographicFeatures",
    "outcomes": "Outcomes",
    "behavior": "BehaviorFeatures",
    "demand": "DemandFeatures",
    "segmentation": "SegmentationFeatures",
}


def contract_of(table: str) -> Any:
    """The pandera contract of a feature table, imported when it is needed; None where it has none."""
    if table not in CONTRACTS:
        return None
    from custana_pipeline.features import contracts

    return getattr(contracts, CONTRACTS[table])


def refuse_faulty(session: Session, model: SqlModel, days: Sequence[dt.date], as_of: dt.date) -> None:
    """Raises ContractBroken where the table's rows of the days cannot be, or those of `as_of` break its contract."""
    if model.is_view and _refuse_faulty_view(session, model, as_of):
        return
    if contract_of(model.table) is not None:
        refuse_unreal(session, model.name, [as_of] if model.is_view else days)
        refuse_broken(session, model.table, as_of, is_view=model.is_view)
    if model.table == "activity":
        refuse_lost_in_customers(session, as_of)
    elif model.table in ONE_ROW_A_CUSTOMER:
        refuse_other_customers(session, model.name, as_of)


def refuse_broken(session: Session, table: str, as_of: dt.date, is_view: bool = False) -> None:
    """Raises ContractBroken where the rows of `as_of` do not keep the contract of features.<table>.

    pandera looks at all rows of a view, which have no numbers to take a sample by.
    """
    from custana_pipeline.features.contract_words import ROW_RULES

    words = None if is_view else ROW_RULES
    _refuse(judged_day(session, contract_of(table), f"features.{table}", as_of, words), f"features.{table}", as_of)


def _refuse_faulty_view(session: Session, model: SqlModel, as_of: dt.date) -> bool:
    """The same for a view that only shows columns of judged tables; False, and nothing judged, where it is another.

    What its tables have kept when they were built is not asked again: the view is looked at for its keys, its columns
    and their types, and for what it computes or joins where rows may be missing. Where all tables behind it have the
    same customers, none of them is joined for that.
    """
    from custana_pipeline.cleaned.contract_sql import columns_named
    from custana_pipeline.features.contract_words import rules_left

    contract, plain = contract_of(model.table), plain_view(model)
    if contract is None or plain is None:
        return False
    stored = {column: table for column, table in plain.stored.items() if contract_of(_table(table)) is not None}
    rules = rules_left(contract, stored, {table: contract_of(_table(table)) for table in stored.values()})
    if rules is None:
        return False
    computed = [name for name in model.columns if name not in stored]
    rules = {**rules, **real(session, model.name, computed)}
    is_whole = plain.joined <= set(stored.values()) and have_same_customers(session, plain.joined, as_of)
    asked = without_joins(model, columns_named(contract, rules)) if is_whole else None
    verdict = judged_view(session, contract, model.name, as_of, rules, asked)
    if not verdict.passed:
        refuse_unreal(session, model.name, [as_of])
    _refuse(verdict, model.name, as_of)
    customers = session.rows("select count(*) from features.activity where as_of = $as_of", {"as_of": as_of})[0][0]
    if verdict.row_count != customers:  # nobody is there twice, which the contract says
        refuse_other_customers(session, model.name, as_of)
    return True


def _table(name: str) -> str:
    return name.split(".")[1]


def _refuse(verdict: Any, table: str, as_of: dt.date) -> None:
    from custana_pipeline.cleaned.gate import describe

    if not verdict.passed:
        raise ContractBroken(f"{table} at {as_of} does not keep its contract: {describe(verdict)}.")
