import pandas as pd
import pytest

from custana_pipeline.applications.customer_frames import beside


@pytest.mark.parametrize("order", [["a", "b", "c"], ["c", "a", "b"], ["b", "d"], []])
def test_columns_stand_beside_their_customers_in_whatever_order_they_come(order: list[str]) -> None:
    customers = pd.DataFrame({"customer_id": pd.Series(["a", "b", "c"], dtype="str"), "p_buy": [0.1, 0.2, 0.3]})
    amounts = pd.DataFrame(
        {"customer_id": pd.Series(order, dtype="str"), "amount": [float(ord(each)) for each in order]}
    )
    merged = customers.merge(amounts, on="customer_id", how="left", validate="one_to_one")
    pd.testing.assert_frame_equal(beside(customers, amounts), merged)
