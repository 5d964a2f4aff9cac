"""The distribution of a mean over few seeds, by simulation."""

import numpy as np
import pytest
from scipy import stats

from rvernet_core import uncertainty
from rvernet_core.uncertainty import Freedom


@pytest.mark.parametrize("of_photos", [0.0, 0.05, 0.3, 1.0, 10.0])
@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_p_is_small_no_more_often_than_it_says_also_where_many_are_compared(seeds, of_photos):
    """Holm's correction asks .0025 of twenty comparisons; one number of degrees of freedom fails."""
    rng, repetitions = np.random.default_rng(0), 40_000
    scores = rng.standard_normal((repetitions, seeds)) + np.sqrt(of_photos) * rng.standard_normal(
        (repetitions, 1)
    )
    covariance = np.full((seeds, seeds), of_photos)
    variance = uncertainty.variance_of_mean(scores, covariance, 400, "mean")
    t = scores.mean(1) / variance.error
    p = uncertainty.tail(t, variance.freedom)
    for level in (0.05, 0.01, 0.0025):
        error = np.sqrt(level / repetitions)
        assert (p < level).mean() < level + 3 * error
    assert (p < 0.05).mean() > 0.005, "cautious, but not blind"
    one_number = uncertainty.mixed_df(variance.between, seeds - 1, variance.of_photos, 399)
    if of_photos == 0.05 and seeds < 5:
        assert (2 * stats.t.sf(abs(t), one_number) < 0.0025).mean() > 3 * 0.0025


@pytest.mark.parametrize("of_seeds", [0.0, 0.1, 0.7, 1.0])
def test_the_critical_value_is_where_the_tail_is(of_seeds):
    freedom = Freedom(of_seeds, 2, 50)
    assert uncertainty.tail(uncertainty.critical(freedom, 0.01), freedom) == pytest.approx(0.01)
    both = Freedom(np.array([of_seeds, 0.4]), 2, 50)
    assert uncertainty.critical(both, 0.01)[0] == pytest.approx(uncertainty.critical(freedom, 0.01))
