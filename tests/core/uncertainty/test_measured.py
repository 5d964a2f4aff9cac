"""Scores by seed and photo, on numbers worked out by hand."""

import numpy as np
import pytest
from made_up_scores import PHOTOS, accuracy, draws

from rvernet_core.errors import RecordError
from rvernet_core.uncertainty import estimate, measure_mean, per_unit


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


def test_seeds_of_one_unit_become_their_mean():
    right = draws(0.7, 0.8, 0.9)
    by_seed, by_unit = accuracy(right), per_unit(accuracy(right), ["a", "b", "a"])
    assert by_unit.exact == pytest.approx([by_seed.exact[[0, 2]].mean(), by_seed.exact[1]])
    assert by_unit.without[:, 0] == pytest.approx(by_seed.without[:, [0, 2]].mean(1))
    assert by_unit.photos == by_seed.photos


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


def test_a_mean_that_one_photo_alone_decides_is_unknown_without_it():
    found = measure_mean(np.array([[0.3, np.nan, np.nan], [0.2, 0.4, 0.6]]))
    assert np.isnan(found.without[0, 0])
    assert found.without[1:, 0] == pytest.approx(0.3)
    assert np.isnan(estimate(found).low)
