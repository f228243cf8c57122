import pandas as pd
import pytest

from custana_pipeline.applications.customer_frames import beside, by_customer


@pytest.mark.parametrize("order", [["a", "b", "c"], ["c", "a", "b"], ["b", "d"], []])
def test_columns_stand_beside_their_customers_in_whatever_order_they_come(order: list[str]) -> None:
    customers = pd.DataFrame({"customer_id": pd.Series(["a", "b", "c"], dtype="str"), "p_buy": [0.1, 0.2, 0.3]})
    amounts = pd.DataFrame(
        {"customer_id": pd.Series(order, dtype="str"), "amount": [float(ord(each)) for each in order]}
    )
    merged = customers.merge(amounts, on="customer_id", how="left", validate="one_to_one")
    pd.testing.assert_frame_equal(beside(customers, amounts), merged)


@pytest.mark.parametrize("order", [["a", "b", "c"], ["c", "a", "b"], ["B", "a"], ["b"], []])
def test_customers_are_put_in_order_and_numbered_from_zero(order: list[str]) -> None:
    frame = pd.DataFrame({"customer_id": pd.Series(order, dtype="str"), "place": range(len(order))}).iloc[::-1]
    pd.testing.assert_frame_equal(by_customer(frame), frame.sort_values("customer_id", ignore_index=True))
