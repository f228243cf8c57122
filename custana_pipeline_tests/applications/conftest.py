"""The shop of a few rows that application tests write into."""

from collections.abc import Iterator

import pytest

from custana_pipeline_tests.applications.shop import Shop


@pytest.fixture
def shop() -> Iterator[Shop]:
    """A shop without a row."""
    made = Shop()
    yield made
    made.connection.close()
