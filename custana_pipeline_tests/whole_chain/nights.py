"""A night of the simulated shop."""

from pathlib import Path

import pytest

from custana_pipeline_tests.commands.shop_files import Told, command

AS_OF = "2025-02-01"
PROMISED = {
    "recommended_customers": "as_of customer_id p_buy score_decile is_recommended reasons model_version",
    "demand_forecast": "as_of customer_id expected_purchases expected_amount expected_net_amount "
    "lower_amount upper_amount",
    "customer_value": "as_of customer_id horizon_value horizon_lower horizon_upper year_purchases year_value "
    "year_lower year_upper value_decile note model_version",
    "product_recommendations": "as_of customer_id list rank product_id score reason",
    "customer_segments": "as_of customer_id segment_id segment_name",
    "segment_profiles": "as_of segment_id segment_name",
    "segment_offers": "as_of segment_id product_id",
    "segment_migrations": "as_of previous_as_of from_segment_id to_segment_id customers share",
}
"""List -> its columns."""


def run(capsys: pytest.CaptureFixture[str], files: Path, data: Path, *options: str) -> Told:
    """`custana run` on a folder of the simulated shop."""
    told = ["run", "--source", "sample", "--input", str(files), "--data-dir", str(data)]
    return command(capsys, *told, "--as-of", AS_OF, *options)
