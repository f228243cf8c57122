"""Histories that are told apart once: the same model, and of every customer the same is foreseen."""

import numpy as np
import pytest

from custana_pipeline.features.btyd.bg_nbd import fit_bg_nbd, fit_bg_nbd_to
from custana_pipeline.features.btyd.histories import placed


@pytest.mark.parametrize("is_whole", [True, False])
def test_equal_histories_share_what_is_foreseen_of_each_by_itself(is_whole: bool) -> None:
    drawn = np.random.default_rng(3)
    repeats = drawn.geometric(0.6, size=5_000) - 1.0
    tenure = drawn.integers(1, 300, size=5_000) / (1 if is_whole else 7)
    tenure[:20] = np.nan
    span = tenure * drawn.integers(1, 10, size=5_000) // 10
    learned, different, place = placed(repeats, span, tenure)
    model = fit_bg_nbd(repeats, span, tenure, 0.05)
    assert fit_bg_nbd_to(learned, 0.05) == model
    assert len(different.x) < 5_000
    assert different.weight.tolist() == np.bincount(place).tolist()
    for days in (30, 365):
        shared = model.expected_purchases(different.x, different.t_x, different.T, days)[place]
        np.testing.assert_array_equal(shared, model.expected_purchases(repeats, span, tenure, days))
