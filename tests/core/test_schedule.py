"""Both schedules at their ends and peaks, and the released one at the README's sizes."""

from itertools import pairwise

import pytest

from rvernet_core.errors import ConfigError
from rvernet_core.schedule import rate, warmup_cosine


def test_the_curve_starts_at_zero_peaks_after_the_warm_up_and_ends_at_zero():
    values = [warmup_cosine(step, 10, 100) for step in range(101)]
    assert values[0] == 0
    assert values[10] == max(values) == 1
    assert values[100] == pytest.approx(0, abs=1e-12)
    assert all(a < b for a, b in pairwise(values[:11]))
    assert all(a > b for a, b in pairwise(values[10:]))


def test_without_warm_up_the_first_step_is_the_peak():
    assert rate("as-written", 0, 10, 3, 0.0) == 1


def test_as_written_follows_the_steps_across_epochs():
    values = [rate("as-written", step, 10, 3, 0.1) for step in range(30)]
    assert values.index(max(values)) == 3
    assert values[-1] < 0.01


def test_as_released_never_leaves_its_warm_up_at_the_sizes_of_the_readme():
    """18,320 images, batch 50, 30 epochs: 10,980 iterations, 1,098 of them warm-up, one step per epoch."""
    steps = 366
    rates = [4e-3 * rate("as-released", epoch * steps, steps, 30, 0.1) for epoch in range(30)]
    assert rates[0] == 0
    assert rates[29] == pytest.approx(1.06e-4, rel=0.01)
    assert max(rates) == rates[29]


def test_an_unknown_schedule_names_the_known_ones():
    with pytest.raises(ConfigError, match="as-written, as-released"):
        rate("cosine", 0, 1, 1, 0.0)
