"""Where everything lies, tested on thousands of plans without rendering."""

import dataclasses

import numpy as np
import pytest

from rvernet_plates import AMBIGUOUS_PAIRS, DRINKS, SAUCES, PlatesError, PlatesSpec, plan_scene

N = 1500
ZERO = PlatesSpec(ambiguity=0.0, drink_ambiguity=0.0, sauce_rate=1.0, drink_rate=1.0)


@pytest.fixture(scope="module")
def plans():
    return [plan_scene(PlatesSpec(), seed) for seed in range(N)]


@pytest.fixture(scope="module")
def at_zero():
    """Plans with a sauce and a drink each, whose looks do not differ at all."""
    return [plan_scene(ZERO, seed) for seed in range(N)]


def in_photo(plan, item):
    return plan.camera.to_photo(item.x, item.y)


def test_a_plan_is_a_pure_function_of_spec_and_seed(plans):
    assert plan_scene(PlatesSpec(), 17) == plans[17]
    assert plan_scene(PlatesSpec(size=512), 17) == plans[17]  # the size plays no part
    assert len({repr(plan) for plan in plans[:200]}) == 200


def test_items_are_distinct_and_the_ambiguous_ones_on_top(plans):
    for plan in plans:
        names = [item.name for item in plan.items]
        assert len(set(names)) == len(names)
        special = [item for item in plan.items if item.latent is not None]
        assert [item.name for item in special] == [n for n in (plan.sauce, plan.drink) if n]
        assert plan.items[len(plan.items) - len(special) :] == tuple(special)
        assert all((item.company is None) == (item.latent is None) for item in plan.items)


@pytest.mark.parametrize("pair", AMBIGUOUS_PAIRS)
def test_the_latent_look_is_standard_normal_shifted_by_half_d(at_zero, pair):
    t = np.array([plan.of(pair).latent for plan in at_zero])
    assert abs(t.mean()) < 4 / N**0.5
    assert abs(t.std() - 1) < 4 / (2 * N) ** 0.5
    assert abs(np.mean(t**3)) < 4 * (15 / N) ** 0.5
    field = "ambiguity" if pair == SAUCES else "drink_ambiguity"
    for plan in at_zero[:60]:
        shifted = plan_scene(dataclasses.replace(ZERO, **{field: 1.4}), plan.seed)
        side = 1 if plan.of(pair).name == pair[0] else -1
        assert shifted.of(pair).latent == pytest.approx(plan.of(pair).latent + 0.7 * side)
        others = [(a, b) for a, b in zip(plan.items, shifted.items, strict=True) if a.name not in pair]
        assert all(a == b for a, b in others)


def test_the_two_looks_are_independent(at_zero):
    looks = np.array([[plan.of(pair).latent for pair in AMBIGUOUS_PAIRS] for plan in at_zero])
    assert abs(np.corrcoef(looks.T)[0, 1]) < 4 / N**0.5


def test_context_strength_changes_companions_and_nothing_of_the_item():
    """The same seed with the companions of either group: the same sauce, drink, dish, light and camera."""
    for seed in range(150):
        own, other = (
            plan_scene(dataclasses.replace(ZERO, context_strength=rho, drink_context_strength=rho), seed)
            for rho in (1.0, 0.0)
        )
        for pair in AMBIGUOUS_PAIRS:
            a, b = own.of(pair), other.of(pair)
            assert a.company == a.name == b.name != b.company
            assert dataclasses.replace(a, company=b.company) == b
        assert (own.dish, own.light, own.camera) == (other.dish, other.light, other.camera)


@pytest.mark.parametrize("pair", AMBIGUOUS_PAIRS)
def test_nothing_about_an_item_but_its_look_tells_the_class(at_zero, pair):
    """At d = 0 place, size, angle, light, dish and camera are alike for both classes."""
    rows = {name: [] for name in pair}
    for plan in at_zero:
        s, c = plan.of(pair), plan.camera
        shape = (s.x, s.y, s.radius, np.cos(s.angle), s.latent, np.hypot(s.x, s.y))
        setting = (plan.light.azimuth, plan.light.strength, plan.light.tint[0], plan.dish.radius)
        rows[s.name].append([*shape, *setting, c.tilt, c.zoom, c.blur, c.width, c.height, len(plan.things)])
    a, b = (np.array(rows[name]) for name in pair)
    with np.errstate(invalid="ignore", divide="ignore"):  # a glass is always upright
        z = (a.mean(0) - b.mean(0)) / np.sqrt(a.var(0) / len(a) + b.var(0) / len(b))
        spread = (np.log(a.var(0)) - np.log(b.var(0))) / np.sqrt(2 / len(a) + 2 / len(b))
    assert np.nanmax(np.abs(z)) < 4
    assert np.nanmax(np.abs(spread)) < 4.5


def test_sauces_and_drinks_are_wholly_in_the_photo_and_apart(at_zero):
    for plan in at_zero:
        for item in (plan.of(pair) for pair in AMBIGUOUS_PAIRS):
            x, y = in_photo(plan, item)
            size = item.radius * plan.camera.magnification(y)
            assert abs(x) + size < plan.camera.width / 2
            assert abs(y) + size < plan.camera.height / 2
        sauce, drink = plan.of(SAUCES), plan.of(DRINKS)
        assert np.hypot(sauce.x - drink.x, sauce.y - drink.y) > 0.85 * (sauce.radius + drink.radius)


def test_the_median_sauce_is_a_quarter_of_the_photo_wide(at_zero):
    widths = [2 * p.of(SAUCES).radius * p.camera.magnification(in_photo(p, p.of(SAUCES))[1]) for p in at_zero]
    assert np.median(widths) > 0.25


def test_foods_lie_in_the_photo_and_most_of_them_side_by_side(plans):
    for plan in plans[:500]:
        for item in plan.items:
            x, y = in_photo(plan, item)
            assert abs(x) < plan.camera.width / 2
            assert abs(y) < plan.camera.height / 2
            assert item.radius < 0.34
    gaps = [
        min(np.hypot(a.x - b.x, a.y - b.y) / (a.radius + b.radius) for b in plan.items if b is not a)
        for plan in plans[:500]
        for a in plan.items
    ]
    assert np.median(gaps) > 0.75
    assert np.mean(np.array(gaps) < 0.6) < 0.1


def test_things_lie_beside_the_foods(plans):
    seen = set()
    for plan in plans:
        for thing in plan.things:
            seen.add(thing.kind)
            if thing.kind in ("glass", "cup"):
                assert all(
                    np.hypot(thing.x - i.x, thing.y - i.y) > 0.75 * i.radius + 0.5 * thing.radius
                    for i in plan.items
                )
    assert seen == {"napkin", "glass", "cup", "fork", "knife", "spoon", "chopsticks"}
    assert 0.5 < np.mean([bool(plan.things) for plan in plans]) < 0.98


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("size", 32),
        ("size", 1024),
        ("ambiguity", -1.0),
        ("ambiguity", float("nan")),
        ("drink_ambiguity", float("inf")),
        ("context_strength", 1.5),
        ("drink_context_strength", -0.5),
        ("sauce_rate", -0.1),
        ("drink_rate", 1.1),
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
