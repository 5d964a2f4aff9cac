"""The ceilings against their limits and against simulation; test_observer holds them against the scenes."""

from itertools import pairwise

import numpy as np
import pytest

from rvernet_plates import PlatesError, context_ceiling, roi_ceiling


def test_known_values():
    assert roi_ceiling(1.0).accuracy == pytest.approx(0.691, abs=5e-4)
    assert context_ceiling(1.0, 0.9).accuracy == pytest.approx(0.901, abs=5e-4)
    assert roi_ceiling(1.5).accuracy == pytest.approx(0.773, abs=5e-4)
    assert context_ceiling(1.5, 0.85).accuracy == pytest.approx(0.877, abs=5e-4)


def test_limits():
    assert roi_ceiling(0).accuracy == 0.5
    assert context_ceiling(0, 0.9).accuracy == 0.9
    assert context_ceiling(1e-6, 0.9).accuracy == pytest.approx(0.9)
    assert context_ceiling(1.3, 0.5) == roi_ceiling(1.3)
    assert context_ceiling(1.3, 1.0).accuracy == 1
    assert context_ceiling(1.3, 0.0).accuracy == 1
    assert context_ceiling(1.3, 1 - 1e-12).accuracy == pytest.approx(1)
    assert context_ceiling(0.7, 0.2).accuracy == pytest.approx(context_ceiling(0.7, 0.8).accuracy)
    assert context_ceiling(0, 0.5).accuracy == 0.5


def test_context_never_hurts_and_both_grow():
    for d in np.linspace(0, 4, 9):
        curve = [context_ceiling(d, rho).accuracy for rho in (0.5, 0.6, 0.8, 0.95, 1.0)]
        assert curve[0] == pytest.approx(roi_ceiling(d).accuracy)
        assert all(b >= a - 1e-12 for a, b in pairwise(curve))


@pytest.mark.parametrize(("d", "rho"), [(-1, 0.5), (float("nan"), 0.5), (1, 1.2), (1, -0.1)])
def test_values_outside_their_range(d, rho):
    with pytest.raises(PlatesError, match="expected"):
        context_ceiling(d, rho)


def bayes(is_ketchup, t, agrees, d, rho):
    """Accuracy and mean F1 of the Bayes rule from t alone, and from t and the group."""
    group = np.where(agrees, is_ketchup, ~is_ketchup)
    log_odds = np.log(rho / (1 - rho)) * np.where(group, 1, -1)
    scores = []
    for decision in (d * t > 0, d * t + log_odds > 0):
        f1 = [
            2
            * np.sum((decision == c) & (is_ketchup == c))
            / (np.sum(decision == c) + np.sum(is_ketchup == c))
            for c in (True, False)
        ]
        scores.append((np.mean(decision == is_ketchup), np.mean(f1)))
    return scores


@pytest.mark.parametrize(("d", "rho"), [(0.3, 0.7), (1.0, 0.9), (1.5, 0.85), (3.0, 0.6)])
def test_against_simulation(d, rho):
    rng = np.random.default_rng(0)
    n = 200_000
    is_ketchup, agrees = rng.random(n) < 0.5, rng.random(n) < rho
    t = rng.normal(size=n) + np.where(is_ketchup, d / 2, -d / 2)
    scores = bayes(is_ketchup, t, agrees, d, rho)
    for (accuracy, f1), ceiling in zip(scores, (roi_ceiling(d), context_ceiling(d, rho)), strict=True):
        assert accuracy == pytest.approx(ceiling.accuracy, abs=0.005)
        assert f1 == pytest.approx(ceiling.f1, abs=0.005)
