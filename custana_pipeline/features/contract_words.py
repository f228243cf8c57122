"""The checks of feature tables in SQL (see cleaned.contract_sql), and what a view need not be asked again."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from custana_pipeline.cleaned.contract_sql import Place, Rules, Words, columns_named, conditions

if TYPE_CHECKING:
    import pandera.pandas as pa

ROW_RULES: Words = {
    "every_number_is_finite": ("not isinf(cast({column} as double))",),
    "last_purchase_not_before_first": "recency_days <= tenure_days",
    "year_within_life": "purchase_days_365d <= purchase_frequency",
}


def rules_left(
    contract: "type[pa.DataFrameModel]",
    stored: Mapping[str, str],
    behind: Mapping[str, "type[pa.DataFrameModel]"],
) -> Rules | None:
    """What of a view's contract the contracts of the tables behind it do not say already; None where it has no SQL.

    `stored` tells which columns the view shows as a table holds them, and `behind` the contracts that these tables have
    kept. A condition is left out only where one of them has the very same one, under the same rule, on columns that all
    are shown from there.
    """
    asked = conditions(contract, ROW_RULES)
    said = {table: conditions(each, ROW_RULES) or {} for table, each in behind.items()}
    if asked is None:
        return None
    left: dict[Place, tuple[str, ...]] = {}
    for place, kept in asked.items():
        missing = tuple(each for each in kept if not _is_said(place, each, contract, stored, said))
        if missing:
            left[place] = missing
    return left


def _is_said(
    place: Place,
    condition: str,
    contract: "type[pa.DataFrameModel]",
    stored: Mapping[str, str],
    said: Mapping[str, Rules],
) -> bool:
    named = columns_named(contract, {("", place[1]): (condition,)})
    tables = {stored.get(name, "") for name in named}
    return len(tables) == 1 and condition in said.get(tables.pop(), {}).get(place, ())
