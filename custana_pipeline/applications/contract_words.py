"""The checks of published lists in SQL (see cleaned.contract_sql): long lists are judged where they are stored."""

from custana_pipeline.cleaned.contract_sql import Words

ROW_RULES: Words = {
    "control_is_part_of_the_audience": "not is_control or is_recommended",
    "interval_holds_the_expected_amount": "expected_amount is null "
    "or coalesce(lower_amount <= expected_amount and expected_amount <= upper_amount, false)",
    "net_is_at_most_gross": "expected_amount is null or coalesce(expected_net_amount <= expected_amount, false)",
    "intervals_hold_their_values": "coalesce(horizon_lower <= horizon_value and horizon_value <= horizon_upper "
    "and year_lower <= year_value and year_value <= year_upper, false)",
}
