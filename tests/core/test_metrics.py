"""Metrics against scikit-learn and against cases worked out by hand."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score

from rvernet_core import metrics


@pytest.fixture
def case():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 6, 400)
    predicted = np.where(rng.random(400) < 0.7, truth, rng.integers(0, 6, 400))
    return truth, predicted


def test_the_metrics_are_those_of_scikit_learn(case):
    truth, predicted = case
    matrix = metrics.confusion(truth, predicted, 6)
    assert (matrix == confusion_matrix(truth, predicted)).all()
    assert metrics.accuracy(matrix) == pytest.approx(accuracy_score(truth, predicted))
    assert metrics.macro_f1(matrix) == pytest.approx(f1_score(truth, predicted, average="macro"))
    pair = f1_score(truth, predicted, average=None)[[2, 4]].mean()
    assert metrics.pair_f1([2, 4])(matrix) == pytest.approx(pair)


@pytest.mark.parametrize(
    "metric", [metrics.accuracy, metrics.macro_f1, metrics.pair_f1([2, 4]), metrics.pair_accuracy([2, 4])]
)
def test_a_metric_of_many_matrices_is_that_of_each(metric):
    matrices = np.random.default_rng(0).integers(0, 5, (7, 6, 6))
    matrices[3] = 0
    matrices[4, 2] = matrices[4, :, 2] = 0
    assert metric(matrices) == pytest.approx([metric(matrix) for matrix in matrices])


def test_the_bootstrap_draws_photos_with_all_their_samples(case):
    """Every draw's counts are those of whole photos repeated, as many as there are."""
    truth, predicted = case
    photos, drawn = np.arange(400) // 4, []

    def score(_, count):
        drawn.append(count(photos, 100))
        matrices = metrics.confusions(count, truth, predicted, 6)
        for times, matrix in zip(drawn[-1][:3] // 4, matrices, strict=False):
            chosen = np.repeat(np.arange(400), times[photos])
            assert (matrix == metrics.confusion(truth[chosen], predicted[chosen], 6)).all()
        return metrics.accuracy(matrices)

    metrics.bootstrap(score, 1, photos, draws=50)
    once, *rest = map(np.concatenate, ([drawn[0]], drawn[1:]))
    assert (once == 4).all()
    assert len(rest[0]) == 50
    assert (rest[0] % 4 == 0).all()
    assert (rest[0].sum(1) == 400).all()
    assert 0.3 < (rest[0] == 0).mean() < 0.45  # a photo is left out with probability 1/e


def test_fault_40_a_class_without_test_samples_gives_no_nan_and_no_silent_drop():
    """Class 2 occurs nowhere: not averaged. Class 1 is only predicted: counts as 0."""
    truth, predicted = np.array([0, 0, 3, 3]), np.array([0, 1, 3, 3])
    matrix = metrics.confusion(truth, predicted, 4)
    scores = metrics.f1_per_class(matrix)
    assert np.isnan(scores[2])
    assert scores[1] == 0
    assert metrics.macro_f1(matrix) == pytest.approx((2 / 3 + 0 + 1) / 3)
    assert metrics.pair_f1([1, 2])(matrix) == 0
    assert metrics.macro_f1(np.zeros((3, 3))) == 0


def test_pair_accuracy_counts_only_the_true_samples_of_the_pair():
    truth, predicted = np.array([0, 0, 1, 1, 2, 2]), np.array([0, 1, 1, 1, 0, 1])
    matrix = metrics.confusion(truth, predicted, 3)
    assert metrics.pair_accuracy([0, 1])(matrix) == pytest.approx(3 / 4)


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    rng, covered = np.random.default_rng(0), 0
    for trial in range(120):
        truth = np.zeros(150, int)
        predicted = (rng.random(150) > 0.8).astype(int)
        e = metrics.estimate(truth, [predicted], metrics.accuracy, 2, draws=200, seed=trial)
        covered += e.low <= 0.8 <= e.high
    assert 0.87 <= covered / 120 <= 1.0


def test_samples_of_one_photo_widen_the_interval():
    rng = np.random.default_rng(0)
    right = np.repeat(rng.random(100) < 0.7, 4)  # four samples of a photo are right or wrong together
    truth, predicted, photos = np.ones(400, int), right.astype(int), np.repeat(np.arange(100), 4)
    alone = metrics.estimate(truth, [predicted], metrics.accuracy, 2)
    together = metrics.estimate(truth, [predicted], metrics.accuracy, 2, groups=photos)
    assert together.high - together.low > 1.5 * (alone.high - alone.low)
    assert together.value == alone.value


def test_a_model_differs_from_itself_by_exactly_nothing(case):
    truth, predicted = case
    e = metrics.estimate(truth, [predicted], metrics.accuracy, 6, against=[predicted])
    assert (e.value, e.low, e.high) == (0, 0, 0)


def test_the_mean_and_spread_are_over_seeds():
    truth = np.zeros(10, int)
    seeds = [np.array([0] * 8 + [1] * 2), np.array([0] * 6 + [1] * 4)]
    e = metrics.estimate(truth, seeds, metrics.accuracy, 2)
    assert e.value == pytest.approx(0.7)
    assert e.spread == pytest.approx(0.1 * np.sqrt(2))
    assert e.seeds == 2


def test_mcnemar_counts_the_discordant_samples_and_is_exact():
    truth = np.zeros(20, int)
    first = np.array([0] * 18 + [1] * 2)
    second = np.array([0] * 10 + [1] * 8 + [0] * 2)
    test = metrics.mcnemar(truth, first, second)
    assert (test.only_first, test.only_second) == (8, 2)
    assert test.p_value == pytest.approx(2 * sum([1, 10, 45]) / 2**10)
    assert metrics.mcnemar(truth, first, first).p_value == 1


def test_the_mean_of_measured_numbers_has_the_interval_of_the_same_bootstrap(case):
    """Accuracy is the mean of zeros and ones: both ways must tell the same of it."""
    truth, predicted = case
    photos = np.arange(400) // 3
    one = metrics.estimate(truth, [predicted], metrics.accuracy, 6, groups=photos)
    two = metrics.estimate_mean(truth == predicted, photos)
    assert two.value == pytest.approx(one.value)
    assert (two.low, two.high) == pytest.approx((one.low, one.high), abs=0.01)


def test_the_mean_over_seeds_is_resampled_over_seeds_too():
    values = np.random.default_rng(0).normal(size=300)
    alone = metrics.estimate_mean(values)
    spread = metrics.estimate_mean(np.stack([values - 1, values + 1]))
    assert spread.value == pytest.approx(alone.value)
    assert spread.spread == pytest.approx(np.sqrt(2))
    assert spread.high - spread.low > 2 * (alone.high - alone.low)
    assert (spread.seeds, alone.seeds, alone.spread) == (2, 1, 0)
