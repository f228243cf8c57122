"""Work that is done ahead comes out as if it were done in turn."""

import threading
from collections.abc import Iterator

import pytest

from custana_pipeline.models.at_once import ahead


def test_items_come_in_order_and_the_next_is_made_while_one_is_worked_on() -> None:
    made = [threading.Event() for _ in range(3)]

    def items() -> Iterator[int]:
        for number, event in enumerate(made):
            event.set()
            yield number

    found = []
    for number in ahead(items()):
        assert all(event.wait(10) for event in made[: number + 2])
        found.append(number)
    assert found == [0, 1, 2]


def test_what_fails_in_making_an_item_is_raised_after_those_before_it() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("no more")

    found = []
    with pytest.raises(ValueError, match="no more"):
        for number in ahead(items()):
            found.append(number)
    assert found == [1]
    assert list(ahead(iter(()))) == []
