"""Each customer under the name of her segment."""

import datetime as dt

import pandas as pd
import pytest

from custana_pipeline.applications.contracts import CustomerSegments
from custana_pipeline.applications.customer_segments import customer_segments, names_of
from custana_pipeline.errors import ContractBroken

DAY = dt.date(2024, 7, 1)
ASSIGNMENTS = pd.DataFrame({"customer_id": ["bert", "anna"], "segment_id": [2, 1]})


def test_each_customer_gets_the_name_of_her_segment() -> None:
    listed = CustomerSegments.validate(customer_segments(ASSIGNMENTS, {1: "Loyal", 2: "Lost"}, "m1", DAY))
    assert listed[["customer_id", "segment_name"]].to_numpy().tolist() == [["anna", "Loyal"], ["bert", "Lost"]]


def test_a_segment_without_a_name_is_refused() -> None:
    with pytest.raises(ContractBroken, match="without a name"):
        customer_segments(ASSIGNMENTS, {1: "Loyal"}, "m1", DAY)


def test_two_segments_of_one_name_are_refused() -> None:
    with pytest.raises(ContractBroken, match="one name"):
        customer_segments(ASSIGNMENTS, {1: "Loyal", 2: "Loyal"}, "m1", DAY)


def test_a_segment_of_two_names_is_refused() -> None:
    with pytest.raises(ContractBroken, match="two names"):
        names_of(pd.DataFrame({"segment_id": [1, 1], "segment_name": ["Loyal", "Lost"]}))
