"""The measured coverage of the book's intervals, and that what is simulated is what it says."""

import numpy as np
import pytest

from rvernet_core import metrics, uncertainty
from rvernet_core.evaluation import simulated
from rvernet_core.evaluation.simulated import REGIMES, SCORES, Regime


@pytest.mark.parametrize("seeds", [3, 5])
@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize("regime", REGIMES)
def test_intervals_of_three_and_five_seeds_cover_at_least_93_percent(regime, score, seeds):
    assert simulated.coverage(REGIMES[regime], score, seeds, repetitions=1000) >= 0.93


@pytest.mark.parametrize("seed_spread", [0.05, 0.1, 0.2, 0.4])
@pytest.mark.parametrize("photos", [40, 400])
def test_they_cover_wherever_seeds_and_photos_share_the_blame(seed_spread, photos):
    regime = Regime(seed=seed_spread, leaning=0, photo=0.7, sample=0.9)
    for score in ("accuracy", "difference of accuracies"):
        assert simulated.coverage(regime, score, 3, photos, repetitions=1000) >= 0.93


@pytest.mark.parametrize("photos", [8, 150])
@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize("regime", ["seeds", "photos", "both", "neither"])
def test_two_seeds_cover_too(regime, score, photos):
    assert simulated.coverage(REGIMES[regime], score, 2, photos, repetitions=1000) >= 0.93


def test_two_seeds_with_equal_scores_on_few_photos_are_not_taken_for_certainty():
    """A third of such intervals held the truth while equal scores alone decided."""
    regime, rng, photos = REGIMES["neither"], np.random.default_rng(0), 8
    exact, without = simulated._scores(regime, "accuracy", 2000, 2, photos, rng)
    equal = exact[:, 0] == exact[:, 1]
    assert equal.sum() > 100
    covariance = uncertainty.photo_covariance(without[equal])
    variance = uncertainty.variance_of_mean(exact[equal], covariance, photos, "share")
    low, high = uncertainty.bounds(exact[equal].mean(-1), variance, photos, "share")
    truth = simulated.truth(regime, "accuracy")
    assert ((low <= truth) & (truth <= high)).mean() >= 0.93
    assert (high - low > 0.1).all()


def test_one_seed_covers_photos_and_not_other_seeds():
    assert simulated.coverage(REGIMES["photos"], "F1", 1, repetitions=1000) >= 0.93
    assert simulated.coverage(REGIMES["seeds"], "F1", 1, repetitions=500) < 0.5


@pytest.mark.parametrize("score", SCORES)
def test_the_truth_is_the_mean_of_very_many_repetitions(score):
    regime, rng = REGIMES["both"], np.random.default_rng(1)
    exact, _ = simulated._scores(regime, score, 300, 5, 400, rng)
    error = exact.mean(1).std() / np.sqrt(300)
    assert exact.mean() == pytest.approx(simulated.truth(regime, score), abs=4 * error + 1e-3)


def test_scores_are_those_of_the_metrics_with_and_without_a_photo():
    """The shortcut for two foods against `metrics` and `uncertainty.measure` on the same answers."""
    right = np.random.default_rng(0).random((30, 2)) < 0.7  # (photo, food)
    truth, photos = np.tile([0, 1], 30), np.repeat(np.arange(30), 2)
    predicted = np.where(right.ravel(), truth, 1 - truth)
    for score, metric in (("accuracy", metrics.accuracy), ("F1", metrics.pair_f1([0, 1]))):
        measured = uncertainty.measure(
            lambda i, count, metric=metric: metric(metrics.confusions(count, truth, predicted, 2)), 1, photos
        )
        whole = simulated._score(score, right.sum(0), np.full(2, 30))
        left = simulated._score(score, (right.sum(0) - right).T, np.full(2, 29))
        assert measured.exact[0] == pytest.approx(whole)
        assert measured.without[:, 0] == pytest.approx(left)


def test_the_table_has_a_row_for_every_regime_score_and_number_of_seeds():
    table = simulated.coverage_table(4, (1, 2), photos=20)
    assert len(table) == len(REGIMES) * len(SCORES) * 2
    assert table["coverage"].between(0, 1).all()
