"""From numbers of customers and places to rows with their ids and names, for applications.product_recommendations.

Each text stands once beside numbers that point to it, as Arrow's dictionaries have it: to join places with names in the
database loses their order, and with sorting them the SELECT takes three times as long.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from custana_pipeline.stores.session import Session

if TYPE_CHECKING:
    import pyarrow as pa

CUSTOMERS = """select customer_id from applications.list_customers
    where customer_number >= $first and customer_number < $end order by customer_number"""
PRODUCTS = "select product_id, product_name from applications.product_popularity order by popularity_rank"


@dataclass(frozen=True, eq=False)
class Names:
    """The texts of some customers, by number counted from the first of them, and of all products, by place."""

    customer_id: "pa.Array"
    product_id: "pa.Array"
    product_name: "pa.Array"

    def rows(self, columns: Mapping[str, np.ndarray]) -> "pa.Table":
        """Lists of customers in order, as recommendation_serving has them, as rows of the table.

        Whoever reads the rows reads all texts behind them, so that only the customers' own are there.
        """
        import pyarrow as pa

        from custana_pipeline.models.recommendation_reasons import COMPANION, TASTE

        customer, reason, other = (columns[name] for name in ("customer", "reason", "other"))
        is_companion = (reason == COMPANION) | (reason == TASTE)
        return pa.table(
            {
                "customer_id": _named(customer - customer[0], self.customer_id[customer[0] : customer[-1] + 1]),
                "list_number": columns["list"].astype(np.uint8),
                "rank": columns["rank"].astype(np.uint8),
                "product_id": _named(columns["place"], self.product_id),
                "product_name": _named(columns["place"], self.product_name),
                "score": columns["score"],
                "reason": reason.astype(np.uint8),
                "day_count": columns["count"].astype(np.int32),
                "days_since": np.where(is_companion, 0, other).astype(np.int32),
                "companion_name": _named(other, self.product_name, ~is_companion),
            }
        )


def names_of(session: Session, first: int, end: int) -> Names:
    """Of the customers from number `first` on and before `end`."""
    products = session.table(PRODUCTS)
    customers = session.table(CUSTOMERS, {"first": first, "end": end})["customer_id"]
    return Names(*(each.combine_chunks() for each in (customers, products["product_id"], products["product_name"])))


def _named(numbers: np.ndarray, texts: "pa.Array", is_nobody: np.ndarray | None = None) -> Any:
    import pyarrow as pa

    return pa.DictionaryArray.from_arrays(pa.array(numbers.astype(np.int32), mask=is_nobody), texts)
