"""The cleaner that the tests of this stage share."""

import pytest

from custana_pipeline.stores.sql_models import SqlModels
from custana_pipeline.stores.warehouse import Warehouse
from custana_pipeline_tests.cleaned.lines import Cleaner


@pytest.fixture
def clean(warehouse: Warehouse, sql_models: SqlModels) -> Cleaner:
    """Cleans source lines in an empty warehouse."""
    return Cleaner(warehouse, sql_models)
