"""The tiny shop that feature tests write their rows into."""

from collections.abc import Iterator

import pytest

from custana_pipeline_tests.features.tiny_shop import TinyShop


@pytest.fixture
def shop() -> Iterator[TinyShop]:
    """A shop without a row."""
    made = TinyShop()
    yield made
    made.connection.close()
