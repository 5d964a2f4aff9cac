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


def test_mcnemar_counts_the_discordant_samples_and_is_exact():
    truth = np.zeros(20, int)
    first = np.array([0] * 18 + [1] * 2)
    second = np.array([0] * 10 + [1] * 8 + [0] * 2)
    test = metrics.mcnemar(truth, first, second)
    assert (test.only_first, test.only_second) == (8, 2)
    assert test.p_value == pytest.approx(2 * sum([1, 10, 45]) / 2**10)
    assert metrics.mcnemar(truth, first, first).p_value == 1
