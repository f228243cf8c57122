"""What the bench of safety switches off is there under its name."""

import pytest

from bench.safety import found, safeguards


@pytest.mark.parametrize("place", safeguards())
def test_a_safeguard_that_is_switched_off_is_there(place: str) -> None:
    module, name = found(place)
    assert getattr(module, name) is not None
