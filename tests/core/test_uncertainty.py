"""Intervals, tests over many models, and corrections: on numbers worked out by hand and by simulation."""

import numpy as np
import pytest
from scipy import stats

from rvernet_core import metrics, uncertainty
from rvernet_core.errors import RecordError
from rvernet_core.uncertainty import (
    Estimate,
    Freedom,
    Measured,
    estimate,
    holm,
    measure,
    measure_mean,
    omnibus,
)

PHOTOS = np.arange(200) // 2


def accuracy(right, photos=PHOTOS):
    """Measured accuracy of answers that are right (S, N) on samples of these photos."""
    right = np.atleast_2d(right).astype(np.int64)

    def score(i, count):
        return metrics.accuracy(metrics.confusions(count, np.ones(len(photos), int), right[i], 2))

    return measure(score, len(right), photos)


def draws(*levels, seed=0, samples=200):
    rng = np.random.default_rng(seed)
    return np.stack([rng.random(samples) < level for level in levels])


# --- measuring ----------------------------------------------------------------------------------------


def test_one_photo_is_left_out_with_all_its_samples():
    right = draws(0.7, 0.8)
    measured = accuracy(right)
    assert measured.exact == pytest.approx(right.mean(1))
    for photo in (0, 57, 99):
        assert measured.without[photo] == pytest.approx(right[:, photo != PHOTOS].mean(1))


def test_photos_may_have_any_names_and_any_number_of_samples():
    names = np.array(["b", "a", "b", "c", "c", "c"])
    measured = accuracy([[1, 0, 1, 1, 0, 1]], names)
    assert measured.photos == 3
    assert measured.without[:, 0] == pytest.approx([4 / 5, 2 / 4, 2 / 3])  # a, b, c


def test_the_mean_of_zeros_and_ones_is_measured_as_the_accuracy_is():
    right = draws(0.7, 0.8)
    one, two = accuracy(right), measure_mean(right, PHOTOS)
    assert one.exact == pytest.approx(two.exact)
    assert one.without == pytest.approx(two.without)
    assert (one.kind, two.kind) == ("share", "mean")


def test_the_jackknife_of_a_mean_is_its_textbook_variance():
    values = np.random.default_rng(0).normal(size=50)
    assert measure_mean(values).covariance == pytest.approx(values.var(ddof=1) / 50)


def test_samples_that_do_not_count_for_a_run_are_left_out_of_its_mean_alone():
    values = np.array([[1.0, np.nan, 3.0, 5.0], [np.nan, 2.0, 4.0, 6.0]])
    measured = measure_mean(values, np.array([0, 0, 1, 2]))
    assert measured.exact == pytest.approx([3, 4])
    assert measured.without == pytest.approx(np.array([[4, 5], [3, 4], [2, 3]]))
    with pytest.raises(RecordError, match="has no sample that counts"):
        measure_mean([[1.0, 2.0], [np.nan, np.nan]])


def test_a_difference_is_taken_seed_by_seed_and_photo_by_photo():
    right = draws(0.7, 0.8)
    first, second = accuracy(right), accuracy(right[::-1])
    difference = first - second
    assert difference.exact == pytest.approx(first.exact - second.exact)
    assert difference.without == pytest.approx(first.without - second.without)
    assert difference.kind == "difference"
    assert (first - measure_mean(right, PHOTOS)).kind == "mean"
    with pytest.raises(RecordError, match="2 seeds on 100 photos, 1 seeds on 100 photos; expected the same"):
        first - accuracy(right[:1])


# --- the interval -------------------------------------------------------------------------------------


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


# --- p and power --------------------------------------------------------------------------------------


def test_p_and_interval_agree_on_zero():
    for shift in (0.0, 0.02, 0.05, 0.1, 0.2):
        e = estimate(accuracy(draws(0.7, 0.72, 0.69)) - accuracy(draws(*[0.7 - shift] * 3, seed=1)))
        assert (e.p < 0.05) == (not e.low <= 0 <= e.high)
    assert Estimate(0.2, 0.1, 0.3, 0, 3).error == pytest.approx(0.1 / 1.96, abs=1e-4)
    assert Estimate(0.2, 0.1, 0.3, 0, 3, freedom=Freedom(1, 2)).p == pytest.approx(0.0132, abs=1e-3)
    assert Estimate(0.0, 0, 0, 0, 3, 0.0).p == 1
    assert Estimate(0.1, 0.1, 0.1, 0, 3, 0.0).p == 0


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


def test_holm_steps_down_and_keeps_the_order():
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert holm([0.5, 0.6]) == pytest.approx([1, 1])
    assert np.isnan(holm([np.nan, 0.02])[0])
    assert holm([np.nan, 0.02])[1] == pytest.approx(0.02)
    assert len(holm([])) == 0


def test_holm_keeps_the_chance_of_any_false_finding():
    p = np.random.default_rng(0).random((4000, 8))
    assert np.mean([holm(row).min() < 0.05 for row in p]) == pytest.approx(0.05, abs=0.012)


# --- many models --------------------------------------------------------------------------------------


def made_up(rng, effects, seeds, of_seed, of_photo, photos=120):
    """Measured accuracies of models with these effects on a probit scale; one sample a photo."""
    level = 1 + np.asarray(effects)[:, None] + rng.standard_normal((len(effects), seeds)) * of_seed
    hard = of_photo * rng.standard_normal(photos)
    right = level[..., None] + hard + rng.standard_normal((len(effects), seeds, photos)) > 0
    left = (right.sum(-1, keepdims=True) - right) / (photos - 1)
    return [Measured(right[m].mean(-1), left[m].T, photos, "share") for m in range(len(effects))]


@pytest.mark.parametrize("seeds", [1, 3, 5])
@pytest.mark.parametrize(("of_seed", "of_photo"), [(0.3, 0.3), (0.02, 1.5)])
def test_the_omnibus_test_holds_its_level(seeds, of_seed, of_photo):
    """For one seed only where seeds do not matter: over photos alone it says nothing of other seeds."""
    rng = np.random.default_rng(0)
    if seeds == 1 and of_seed > 0.1:
        of_seed = 0.0
    false = np.mean([omnibus(made_up(rng, [0] * 5, seeds, of_seed, of_photo)).differs for _ in range(300)])
    assert false <= 0.08


def test_the_omnibus_test_finds_models_that_differ():
    rng = np.random.default_rng(0)
    found = [omnibus(made_up(rng, [-0.4, 0, 0, 0.4], 3, 0.1, 0.7)) for _ in range(40)]
    assert np.mean([test.differs for test in found]) > 0.7
    assert {test.models for test in found} == {4}


def test_one_model_and_equal_models_do_not_differ():
    same = accuracy(draws(0.7, 0.8))
    for models in ([same], [same, same, same]):
        assert omnibus(models).p == 1
        assert not omnibus(models).differs


def test_two_models_are_compared_as_their_difference_is():
    first, second = accuracy(draws(0.7, 0.7, 0.72)), accuracy(draws(0.5, 0.52, 0.5, seed=1))
    assert omnibus([first, second]).p == pytest.approx(estimate(first - second).p, rel=0.5)


def test_one_model_leads_only_where_it_is_ahead_of_every_other():
    level = {"a": 0.9, "b": 0.88, "c": 0.5}
    models = {name: accuracy(draws(*[v] * 3, seed=i)) for i, (name, v) in enumerate(level.items())}
    leading = uncertainty.leading_group(models)
    assert leading.group == ("a", "b")
    assert leading.best is None
    assert leading.p["c"] < 0.05 < leading.p["b"]
    assert uncertainty.leading_group(models, lowest=True).best == "c"
    assert uncertainty.leading_group({"a": models["a"]}).best == "a"
    with pytest.raises(RecordError, match="no models"):
        uncertainty.leading_group({})
