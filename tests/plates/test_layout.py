"""The law of the scenes, tested on thousands of plans without rendering."""

import dataclasses
from collections import Counter

import numpy as np
import pytest

from rvernet_plates import COMPANIONS, FOODS, NEUTRAL, SAUCES, PlatesError, PlatesSpec, plan_scene
from rvernet_plates.layout import CONTEXT, context_share

N = 2000


@pytest.fixture(scope="module")
def plans():
    return [plan_scene(PlatesSpec(), seed) for seed in range(N)]


@pytest.fixture(scope="module")
def at_zero():
    """Plans with a sauce each, whose looks do not differ at all."""
    return [plan_scene(PlatesSpec(ambiguity=0.0, sauce_rate=1.0), seed) for seed in range(N)]


def names(plan):
    return [item.name for item in plan.items]


def test_names_are_foodseg103s_and_the_sauces_come_last():
    assert len(FOODS) == 42
    assert FOODS[-2:] == SAUCES == ("ketchup", "chili paste")
    assert {"wonton dumplings", "hamburg", "french fries", "green beans"} <= set(FOODS)
    assert len(NEUTRAL) == 32
    assert len(CONTEXT) == 8


def test_a_plan_is_a_pure_function_of_spec_and_seed(plans):
    assert plan_scene(PlatesSpec(), 17) == plans[17]
    assert plan_scene(PlatesSpec(size=512), 17) == plans[17]  # the size plays no part
    assert len({repr(plan) for plan in plans[:200]}) == 200


def test_items_are_distinct_at_most_one_sauce_and_on_top(plans):
    for plan in plans:
        assert 3 <= len(plan.items) <= 5
        assert len(set(names(plan))) == len(plan.items)
        sauces = [item for item in plan.items if item.latent is not None]
        assert [s.name for s in sauces] == ([plan.sauce] if plan.sauce else [])
        assert not sauces or plan.items[-1] is sauces[0]


def test_sauces_are_fair_and_companions_agree_as_often_as_rho(plans):
    with_sauce = [plan for plan in plans if plan.sauce]
    assert abs(len(with_sauce) / N - 0.6) < 4 * (0.6 * 0.4 / N) ** 0.5
    ketchup = np.mean([plan.sauce == "ketchup" for plan in with_sauce])
    assert abs(ketchup - 0.5) < 4 * 0.5 / len(with_sauce) ** 0.5
    agreement = np.mean([plan.group == plan.sauce for plan in with_sauce])
    assert abs(agreement - 0.9) < 4 * 0.3 / len(with_sauce) ** 0.5
    for plan in with_sauce:
        other = SAUCES[1 - SAUCES.index(plan.group)]
        assert 1 <= len(set(names(plan)) & set(COMPANIONS[plan.group])) <= 2
        assert not set(names(plan)) & set(COMPANIONS[other])


@pytest.mark.parametrize("rate", [0.0, 0.6])
def test_the_22_foods_are_equally_frequent(rate):
    counts = Counter()
    for seed in range(N):
        counts.update(n for n in names(plan_scene(PlatesSpec(sauce_rate=rate), seed)) if n not in SAUCES)
    mean = sum(counts.values()) / 22
    assert set(counts) == set(FOODS) - set(SAUCES)
    assert max(abs(c - mean) for c in counts.values()) < 4.5 * mean**0.5


def test_the_latent_look_is_standard_normal_shifted_by_half_d(at_zero):
    t = np.array([plan.items[-1].latent for plan in at_zero])
    assert abs(t.mean()) < 4 / N**0.5
    assert abs(t.std() - 1) < 4 / (2 * N) ** 0.5
    assert abs(np.mean(t**3)) < 4 * (15 / N) ** 0.5
    for plan in at_zero[:60]:
        shifted = plan_scene(PlatesSpec(ambiguity=1.4, sauce_rate=1.0), plan.seed)
        side = 1 if plan.sauce == "ketchup" else -1
        assert shifted.items[-1].latent == pytest.approx(plan.items[-1].latent + 0.7 * side)
        assert shifted.items[:-1] == plan.items[:-1]


def test_context_strength_changes_companions_and_nothing_of_the_sauce():
    """The same seed with the companions of either group: the same sauce, dish and light."""
    for seed in range(150):
        with_own, with_other = (
            plan_scene(PlatesSpec(sauce_rate=1.0, context_strength=rho), seed) for rho in (1.0, 0.0)
        )
        assert with_own.group == with_own.sauce == with_other.sauce != with_other.group
        assert with_own.items[-1] == with_other.items[-1]
        assert (with_own.dish, with_own.light) == (with_other.dish, with_other.light)
        assert len(with_own.items) == len(with_other.items)


def test_nothing_about_a_sauce_but_its_look_tells_the_class(at_zero):
    """At d = 0 place, size, angle, light, dish and the number of foods are alike for both classes."""
    rows = {name: [] for name in SAUCES}
    for plan in at_zero:
        s = plan.items[-1]
        shape = (s.x, s.y, s.radius, np.cos(s.angle), s.latent, np.hypot(s.x - 0.5, s.y - 0.5))
        setting = (plan.light.azimuth, plan.light.strength, plan.dish.radius, len(plan.items))
        rows[plan.sauce].append([*shape, *setting])
    a, b = (np.array(rows[name]) for name in SAUCES)
    z = (a.mean(0) - b.mean(0)) / np.sqrt(a.var(0) / len(a) + b.var(0) / len(b))
    spread = (np.log(a.var(0)) - np.log(b.var(0))) / np.sqrt(2 / len(a) + 2 / len(b))
    assert np.abs(z).max() < 4
    assert np.abs(spread).max() < 4.5


def test_foods_lie_on_the_dish_and_lean_on_each_other(plans):
    for plan in plans[:500]:
        for item in plan.items:
            assert np.hypot(item.x - plan.dish.x, item.y - plan.dish.y) < plan.dish.radius
            assert item.radius < 0.25
    gaps = [
        min(np.hypot(a.x - b.x, a.y - b.y) / (a.radius + b.radius) for b in plan.items if b is not a)
        for plan in plans[:500]
        for a in plan.items
    ]
    assert np.mean(np.array(gaps) < 0.85) > 0.5


def test_context_share_is_clipped():
    assert context_share(PlatesSpec(sauce_rate=1.0)) == 0
    assert context_share(PlatesSpec(sauce_rate=0.0)) == pytest.approx(8 / 22)
    assert 0 < context_share(PlatesSpec()) < 8 / 22


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("size", 32),
        ("size", 1024),
        ("ambiguity", -1.0),
        ("ambiguity", float("nan")),
        ("context_strength", 1.5),
        ("sauce_rate", -0.1),
        ("min_items", 1),
        ("min_items", 6),
        ("max_items", 12),
    ],
)
def test_a_field_outside_its_range_is_named(field, value):
    with pytest.raises(PlatesError, match=f"plates.{field} is .*expected"):
        plan_scene(dataclasses.replace(PlatesSpec(), **{field: value}), 0)


@pytest.mark.parametrize("seed", [-1, 1.5, "7"])
def test_a_bad_seed_is_an_error(seed):
    with pytest.raises(PlatesError, match="seed"):
        plan_scene(PlatesSpec(), seed)
