"""Intervals, p and power, on numbers worked out by hand and by simulation."""

import numpy as np
import pytest
from made_up_scores import PHOTOS, accuracy, draws
from scipy import stats

from rvernet_core import uncertainty
from rvernet_core.errors import RecordError
from rvernet_core.uncertainty import Estimate, Freedom, Measured, estimate, measure_mean


def test_one_seed_gives_an_interval_over_photos_and_says_so():
    right = draws(0.7)
    e = estimate(accuracy(right))
    error = np.sqrt(right[0].reshape(100, 2).mean(1).var(ddof=1) / 100)
    assert (e.value, e.error) == pytest.approx((right.mean(), error))
    assert (e.freedom.of_seeds, e.freedom.photos) == (0, 99)
    assert (e.spread, e.seeds) == (0, 1)
    assert e.over == "photos alone (there is one seed)"
    assert estimate(accuracy(draws(0.7, 0.7))).over == "seeds and photos"


def test_where_seeds_alone_matter_it_is_the_t_interval_over_seeds():
    """Without photos' noise: the mean of three numbers, with two degrees of freedom."""
    exact = np.array([0.2, 0.5, 0.8])
    e = estimate(Measured(exact, np.tile(exact, (50, 1)), 50, "mean"))
    half = stats.t.ppf(0.975, 2) * exact.std(ddof=1) / np.sqrt(3)
    assert (e.low, e.high) == pytest.approx((0.5 - half, 0.5 + half))
    assert e.p == pytest.approx(stats.ttest_1samp(exact, 0).pvalue)
    assert e.freedom[:2] == (1, 2)
    assert e.spread == pytest.approx(0.3)


def test_where_photos_alone_matter_more_seeds_do_not_help():
    right = draws(0.7)
    one, five = (estimate(accuracy(np.repeat(right, count, axis=0))) for count in (1, 5))
    assert (five.low, five.high) == pytest.approx((one.low, one.high))


def test_samples_of_one_photo_widen_the_interval():
    right = np.repeat(
        draws(0.7, samples=100), 4, axis=1
    )  # four samples of a photo are right or wrong together
    together = estimate(accuracy(right, np.repeat(np.arange(100), 4)))
    alone = estimate(accuracy(right, np.arange(400)))
    assert together.error > 1.9 * alone.error
    assert together.value == alone.value


def test_a_share_stays_within_its_bounds_and_its_interval_is_not_symmetrical():
    right = np.ones((3, 200))
    right[:, [0, 50]] = 0  # two of a hundred photos
    e = estimate(accuracy(right))
    assert 0.9 < e.low < e.value < e.high < 1
    assert e.value - e.low > 2 * (e.high - e.value)
    two = estimate(accuracy(draws(0.97, 1.0)))  # two seeds tell little, but more than nothing
    assert 0.2 < two.low < two.value < two.high < 1


def test_two_seeds_that_agree_by_chance_are_no_surer_than_their_photos():
    """Equal scores, errors on different photos: nothing between the seeds, and nothing that they share."""
    right = np.ones((2, 20))
    right[0, :4] = right[1, 10:14] = 0
    both = accuracy(right, PHOTOS[:20])
    assert both.exact[0] == both.exact[1]
    assert both.covariance[0, 1] < 0
    e = estimate(both)
    assert e.error == pytest.approx(np.sqrt(both.covariance.sum() / 4))
    assert (e.freedom.of_seeds, e.freedom.photos) == (0, 9)
    assert e.low < 0.75 < e.value < 0.85 < e.high
    values = Measured(both.exact, both.without, 10, "mean")
    assert estimate(values).error == pytest.approx(e.error)


def test_a_share_that_no_photo_moves_has_the_interval_of_as_many_trials():
    """One of two samples of each photo is right, whichever seed answers."""
    e = estimate(accuracy(np.tile([1, 0], (2, 6)), PHOTOS[:12]))
    assert e.value == 0.5
    assert e.error == pytest.approx(np.sqrt(0.25 / 6))
    assert 0 < e.low < 0.2 < 0.8 < e.high < 1


@pytest.mark.parametrize("seeds", [1, 3])
def test_a_perfect_score_is_not_taken_for_certainty(seeds):
    """The exact bound: with a true share of `low`, all 100 photos are right with a chance of 2.5 %."""
    e = estimate(accuracy(np.ones((seeds, 200))))
    assert (e.value, e.high) == (1, 1)
    assert e.low**100 == pytest.approx(0.025)
    worst = estimate(accuracy(np.zeros((seeds, 200))))
    assert (worst.low, worst.high) == pytest.approx((0, 1 - e.low))


def test_two_perfect_models_differ_by_no_more_than_their_photos_can_tell():
    perfect = accuracy(np.ones((3, 200)))
    e = estimate(perfect - perfect)
    assert e.value == 0
    assert (e.high, e.low) == pytest.approx((0.0198, -0.0198), abs=1e-3)
    assert e.p == pytest.approx(1)


def test_a_single_photo_tells_nothing():
    one = np.zeros(4, int)
    e = estimate(accuracy([[1, 1, 0, 1]], one))
    assert (e.value, e.low, e.high) == (0.75, 0, 1)
    assert np.isnan(estimate(measure_mean([1.0, 2.0], one[:2])).low)


def test_few_photos_have_few_degrees_of_freedom():
    e = estimate(measure_mean([1.0, 2.0, 4.0]))
    assert (e.low, e.high) == pytest.approx(stats.ttest_1samp([1, 2, 4], 0).confidence_interval(0.95))


def test_seeds_of_one_unit_are_not_independent():
    """Five seeds of three checkpoints, which alone decide the score: the interval is over three."""
    exact = np.array([0.4, 0.5, 0.6, 0.4, 0.5])
    measured = Measured(exact, np.tile(exact, (50, 1)), 50, "mean")
    naive, careful = estimate(measured), estimate(measured, [0, 1, 2, 0, 1])
    assert careful.value == naive.value
    assert careful.freedom.seeds == 2
    assert careful.error > 1.3 * naive.error
    each = estimate(measured, ["a", "b", "c", "d", "e"])
    assert (each.error, *each.freedom) == pytest.approx((naive.error, *naive.freedom))
    with pytest.raises(RecordError, match="all 5 seeds share one unit"):
        estimate(measured, [0] * 5)


def test_intervals_over_units_cover_where_seeds_of_one_unit_are_alike():
    rng, repetitions, units = np.random.default_rng(0), 4000, np.array([0, 1, 2, 0, 1])
    scores = rng.standard_normal((repetitions, 3))[:, units] + 0.3 * rng.standard_normal((repetitions, 5))
    covered = {}
    for name, of in (("seeds", None), ("units", units)):
        variance = uncertainty.variance_of_mean(scores, np.zeros((5, 5)), 10**6, "mean", of)
        low, high = uncertainty.bounds(scores.mean(1), variance, 10**6, "mean")
        covered[name] = ((low <= 0) & (high >= 0)).mean()
    assert covered["units"] >= 0.93
    assert covered["seeds"] < 0.9, "as if they were independent"


def test_p_and_interval_agree_on_zero():
    for shift in (0.0, 0.02, 0.05, 0.1, 0.2):
        e = estimate(accuracy(draws(0.7, 0.72, 0.69)) - accuracy(draws(*[0.7 - shift] * 3, seed=1)))
        assert (e.p < 0.05) == (not e.low <= 0 <= e.high)
    assert Estimate(0.2, 0.1, 0.3, 0, 3).error == pytest.approx(0.1 / 1.96, abs=1e-4)
    assert Estimate(0.2, 0.1, 0.3, 0, 3, freedom=Freedom(1, 2)).p == pytest.approx(0.0132, abs=1e-3)
    assert Estimate(0.0, 0, 0, 0, 3, 0.0).p == 1
    assert Estimate(0.1, 0.1, 0.1, 0, 3, 0.0).p == 0


def test_the_smallest_difference_is_found_as_often_as_it_says():
    rng, repetitions = np.random.default_rng(0), 4000
    for seeds in (3, 5):
        # standard deviation 1 between seeds
        true = uncertainty.detectable_errors(Freedom(1, seeds - 1)) / np.sqrt(seeds)
        scores = true + rng.standard_normal((repetitions, seeds))
        found = stats.ttest_1samp(scores, 0, axis=1).pvalue < 0.05
        assert found.mean() == pytest.approx(0.8, abs=0.02)
    assert uncertainty.detectable_errors(Freedom()) == pytest.approx(2.8, abs=0.01)
    assert Estimate(0, 0, 0, 0, 3, 0.1).smallest == pytest.approx(0.28, abs=0.001)
