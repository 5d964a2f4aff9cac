"""The ideal observer of single items: known values, calibration, and agreement with the ceilings."""

import dataclasses
import math

import numpy as np
import pytest

from rvernet_plates import (
    AMBIGUOUS_PAIRS,
    DRINKS,
    SAUCES,
    PlatesError,
    PlatesSpec,
    SceneItem,
    context_ceiling,
    law,
    plan_scene,
    posterior,
    render_scene,
    roi_ceiling,
)

SPEC = PlatesSpec(sauce_rate=1.0, drink_rate=1.0)
N = 2500


@pytest.fixture(scope="module")
def plans():
    return [plan_scene(SPEC, seed) for seed in range(N)]


def test_known_values():
    item = SceneItem("ketchup", 1.0, 0.4, "chili paste")
    beliefs = posterior(SPEC, item)
    densities = [math.exp(-((0.4 - mean) ** 2) / 2) for mean in (0.75, -0.75)]
    assert beliefs.look == pytest.approx(densities[0] / sum(densities))
    assert beliefs.company == pytest.approx(0.2)
    joint = [densities[0] * 0.2, densities[1] * 0.8]
    assert beliefs.both == pytest.approx(joint[0] / sum(joint))
    renamed = dataclasses.replace(item, name="chili paste")
    assert posterior(SPEC, renamed) == beliefs  # it does not know the class


def test_a_drink_shows_nothing_and_its_company_all():
    beliefs = posterior(SPEC, SceneItem("liquor", 1.0, 2.3, "water"))
    assert beliefs.look == 0.5
    assert beliefs.company == beliefs.both == pytest.approx(0.9)


@pytest.mark.parametrize(("rho", "expected"), [(1.0, 1.0), (0.0, 0.0), (0.5, None)])
def test_limits_of_the_context(rho, expected):
    spec = dataclasses.replace(SPEC, context_strength=rho)
    beliefs = posterior(spec, SceneItem("ketchup", 1.0, -1.0, "ketchup"))
    assert beliefs.company == (0.5 if expected is None else expected)
    assert beliefs.both == pytest.approx(beliefs.look if expected is None else expected)


def test_extreme_looks_do_not_overflow():
    spec = dataclasses.replace(SPEC, ambiguity=500.0)
    assert posterior(spec, SceneItem("ketchup", 1.0, -60.0, "ketchup")).look == 0
    assert posterior(spec, SceneItem("ketchup", 1.0, 60.0, "ketchup")).look == 1


@pytest.mark.parametrize("item", [SceneItem("rice", 1.0), SceneItem("water", 1.0, 0.3, "ketchup")])
def test_an_item_of_no_pair_is_an_error(item):
    with pytest.raises(PlatesError, match="expected one with a look and a company"):
        posterior(SPEC, item)


def test_a_rendered_scene_can_be_observed():
    scene = render_scene(dataclasses.replace(SPEC, size=64), 3)
    observed = [posterior(SPEC, item) for item in scene.items if item.latent is not None]
    assert observed == [
        posterior(SPEC, item) for item in plan_scene(SPEC, 3).items if item.latent is not None
    ]
    assert len(observed) == 2


@pytest.mark.parametrize("pair", AMBIGUOUS_PAIRS)
def test_on_average_the_observers_reach_the_ceilings(plans, pair):
    rules = law(SPEC, pair)
    truth = np.array([plan.of(pair).name == pair[0] for plan in plans])
    beliefs = [posterior(SPEC, plan.of(pair)) for plan in plans]
    ceilings = {
        "look": roi_ceiling(rules.d).accuracy,
        "company": max(rules.rho, 1 - rules.rho),
        "both": context_ceiling(rules.d, rules.rho).accuracy,
    }
    for what, ceiling in ceilings.items():
        p = np.array([getattr(b, what) for b in beliefs])
        expected = np.maximum(p, 1 - p).mean()  # what it thinks of itself
        error = 4 * (ceiling * (1 - ceiling) / N) ** 0.5
        assert expected == pytest.approx(ceiling, abs=error + 1e-9)
        if p.std() > 0:
            assert ((p > 0.5) == truth).mean() == pytest.approx(ceiling, abs=error)


@pytest.mark.parametrize("pair", AMBIGUOUS_PAIRS)
def test_the_observers_are_calibrated(plans, pair):
    truth = np.array([plan.of(pair).name == pair[0] for plan in plans])
    for what in ("look", "company", "both"):
        p = np.array([getattr(posterior(SPEC, plan.of(pair)), what) for plan in plans])
        for low in np.arange(0, 1, 0.2):
            inside = (p >= low) & (p < low + 0.2)
            if inside.sum() > 30:
                spread = (p[inside] * (1 - p[inside])).sum() ** 0.5
                assert abs(truth[inside].sum() - p[inside].sum()) < 4 * spread


def test_pairs_are_those_of_the_law():
    assert AMBIGUOUS_PAIRS == (SAUCES, DRINKS)
