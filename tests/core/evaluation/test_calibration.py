"""Beliefs against an exact posterior, on made-up probabilities."""

import numpy as np
import pytest
from small_sets import make_predictions

from rvernet_core.evaluation import calibration
from rvernet_core.uncertainty import estimate

PAIR = ("ketchup", "chili paste")
RNG = np.random.default_rng(0)
POSTERIOR = RNG.uniform(0.05, 0.95, 400)
FIRST = RNG.random(400) < POSTERIOR
PHOTOS = np.arange(400) // 2
INDEX = np.arange(400)


def run(p, seed=0, other=0.0):
    """A run whose belief in ketchup is p (N,); a third class takes the share `other` of the probability."""
    columns = {"p ketchup": (1 - other) * p, "p chili paste": (1 - other) * (1 - p)}
    return make_predictions(np.zeros(400, int), np.zeros(400, int), seed, **columns)


def test_a_belief_is_the_share_of_the_first_class_among_the_two():
    believed = calibration.beliefs([run(POSTERIOR), run(POSTERIOR, 1, other=0.5)], PAIR, INDEX[:10])
    assert believed.shape == (2, 10)
    assert believed == pytest.approx(np.tile(POSTERIOR[:10], (2, 1)), abs=0.003)
    nothing = calibration.beliefs([run(POSTERIOR, other=1.0)], PAIR, INDEX)
    assert (nothing == 0.5).all(), "a model that gives neither any says nothing of the two"


def test_without_kept_probabilities_there_are_no_beliefs():
    bare = make_predictions(np.zeros(400, int), np.zeros(400, int))
    assert calibration.beliefs([run(POSTERIOR), bare], PAIR, INDEX) is None
    assert calibration.beliefs([run(np.where(INDEX == 3, np.nan, POSTERIOR))], PAIR, INDEX) is None


def test_the_ideal_observer_is_at_no_distance_and_over_confidence_costs():
    exact = estimate(calibration.distance(POSTERIOR[None], POSTERIOR, PHOTOS))
    assert (exact.value, exact.low, exact.high) == (0, 0, 0)
    sure = np.where(POSTERIOR > 0.5, 0.99, 0.01)[None]
    assert estimate(calibration.distance(sure, POSTERIOR, PHOTOS)).low > 0.2
    assert estimate(calibration.excess(sure, POSTERIOR, FIRST, PHOTOS)).low > 0.1
    same = estimate(calibration.excess(POSTERIOR[None], POSTERIOR, FIRST, PHOTOS))
    assert same.value == 0


def test_a_model_that_ignores_its_cues_loses_what_they_tell():
    ignorant = np.full((1, 400), 0.5)
    lost = estimate(calibration.excess(ignorant, POSTERIOR, FIRST, PHOTOS))
    entropy = -(POSTERIOR * np.log(POSTERIOR) + (1 - POSTERIOR) * np.log(1 - POSTERIOR)).mean()
    assert lost.low < np.log(2) - entropy < lost.high


def test_one_item_that_is_surely_wrong_costs_a_bounded_loss():
    wrong = np.where(FIRST, 0.0, 1.0)[None]
    assert calibration.excess(wrong, POSTERIOR, FIRST, PHOTOS).exact[0] < -np.log(calibration.SURE)
