"""What may be offered tonight and how the two lists are made, laid out as the blocks of customers want it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy import sparse

from custana_pipeline.models.recommendation_both import both_stacked
from custana_pipeline.models.recommendation_history import Floats, Integers, Sales, Shelf
from custana_pipeline.models.recommendation_lists import (
    EVIDENCE_FLOOR,
    HABIT_FLOOR,
    ListParameters,
    order_of,
    stacked,
)
from custana_pipeline.models.recommendation_neighbours import BASKET_NEIGHBOURS
from custana_pipeline.models.recommendation_ranking import row_of

LISTS = ("buy_again", "discover")


@dataclass(frozen=True, eq=False)
class Offer:
    """What may be offered tonight and how the lists are made; demand by list has one value a place."""

    demand: Mapping[str, Floats]
    speaking: Mapping[str, sparse.csr_matrix]
    """Place x place, by list: what each product speaks for, 10 others at most; without the list that goes by none."""
    parameters: Mapping[str, ListParameters]

    @cached_property
    def shelf(self) -> Shelf:
        """The places alone: what sold when is already in the demand."""
        places = np.arange(len(self.demand[LISTS[0]]))
        nothing = np.zeros(0, dtype=np.int64)
        return Shelf(0, places, places, Sales(nothing, nothing, np.zeros(0)))

    @property
    def is_shared(self) -> bool:
        """Whether both lists go by what the same products speak for: by one and the same matrix."""
        return self.speaking.get("buy_again") is self.speaking["discover"]

    @cached_property
    def orders(self) -> Mapping[str, Integers]:
        """By list the places, the highest in demand first."""
        return {which: order_of(demand) for which, demand in self.demand.items()}

    @cached_property
    def weights(self) -> Mapping[str, tuple[Integers, Floats]]:
        """By list: place -> what it speaks for and how much, ten each; place 0 with no weight stands for none."""
        return {which: _side_by_side(matrix) for which, matrix in self.speaking.items()}

    @cached_property
    def stacked(self) -> Mapping[str, Any]:
        """The same as the products of matrices of each list want it."""
        return {
            which: stacked(matrix, None) if which == "discover" else stacked(None, matrix)
            for which, matrix in self.speaking.items()
        }

    @cached_property
    def both_stacked(self) -> Any:
        """The same as the product of matrices of both lists wants it."""
        return both_stacked(self.speaking["discover"])

    def scoring(self, which: str) -> tuple[tuple[float, float], int]:
        """What the evidence of a list is multiplied by and what is added, and the digits of its scores."""
        weight = self.parameters[which].evidence_weight
        return ((weight, HABIT_FLOOR), 6) if which == "buy_again" else ((weight, EVIDENCE_FLOOR), 9)


def _side_by_side(matrix: Any) -> tuple[Integers, Floats]:
    row = row_of(matrix)
    column = np.arange(len(row)) - matrix.indptr[row]
    neighbour = np.zeros((matrix.shape[0], BASKET_NEIGHBOURS), dtype=np.int32)
    weight = np.zeros((matrix.shape[0], BASKET_NEIGHBOURS))
    neighbour[row, column], weight[row, column] = matrix.indices, matrix.data
    return neighbour, weight
