"""Rendered scenes: pure, alike at every size, masked exactly, and without a leak of the sauce's class."""

import dataclasses

import cv2
import numpy as np
import pytest

from rvernet_plates import COMPANIONS, FOODS, PlatesError, PlatesSpec, plan_scene, render_scene, scene
from rvernet_plates.layout import Placed

SPEC = PlatesSpec(size=64)


@pytest.fixture(scope="module")
def scenes():
    return [render_scene(SPEC, seed) for seed in range(60)]


def test_same_spec_and_seed_same_bytes(scenes):
    again = render_scene(SPEC, 3)
    assert np.array_equal(again.image, scenes[3].image)
    assert np.array_equal(again.instances, scenes[3].instances)
    assert again.items == scenes[3].items


def test_global_randomness_plays_no_part(scenes):
    np.random.seed(1)  # noqa: NPY002
    cv2.setRNGSeed(5)
    assert np.array_equal(render_scene(SPEC, 4).image, scenes[4].image)


def test_different_seeds_differ(scenes):
    assert len({s.image.tobytes() for s in scenes}) == len(scenes)


@pytest.mark.parametrize("size", [64, 128, 200, 512])
def test_any_size_has_the_stated_types(size):
    s = render_scene(PlatesSpec(size=size), 5)
    assert s.image.shape == (size, size, 3)
    assert s.instances.shape == (size, size)
    assert s.image.dtype == s.instances.dtype == np.uint8


def test_another_size_shows_the_same_scene():
    for seed in (0, 7):
        small, large = render_scene(PlatesSpec(size=64), seed), render_scene(PlatesSpec(size=256), seed)
        assert [i.name for i in small.items] == [i.name for i in large.items]
        shrunk = cv2.resize(large.image, (64, 64), interpolation=cv2.INTER_AREA).astype(float)
        assert np.abs(shrunk - small.image).mean() < 7
        agree = large.instances[2::4, 2::4] == small.instances
        assert agree.mean() > 0.96
        for a, b in zip(small.items, large.items, strict=True):
            assert a.visible == pytest.approx(b.visible, abs=0.06)


def test_every_item_is_seen_and_every_label_is_an_item(scenes):
    for s in scenes:
        labels = np.unique(s.instances)
        assert labels.tolist() == list(range(len(s.items) + 1))
        for item in s.items:
            assert item.name in FOODS
            assert 0.2 < item.visible <= 1
            assert (item.latent is None) == (item.name not in COMPANIONS)


def test_at_least_a_quarter_of_the_items_are_partly_hidden(scenes):
    visible = np.array([item.visible for s in scenes for item in s.items])
    assert np.mean(visible < 0.9) >= 0.25
    assert visible.min() > 0.25


def test_sauces_lie_on_top(scenes):
    assert {item.visible for s in scenes for item in s.items if item.latent is not None} == {1.0}


def test_masks_cover_what_the_picture_shows():
    """Where a food is taken off its plate, pixels change inside its mask, and outside only by its shadow."""
    for seed in (2, 11):
        plan = plan_scene(SPEC, seed)
        full = scene.draw(plan, 64)
        for k, item in enumerate(plan.items, start=1):
            rest = dataclasses.replace(plan, items=tuple(i for i in plan.items if i is not item))
            without = scene.draw(rest, 64)
            change = np.abs(full.image.astype(int) - without.image).max(-1)
            mask = full.instances == k
            assert np.mean(change[mask] > 4) > 0.9
            far = cv2.dilate(mask.astype(np.uint8), np.ones((33, 33))) == 0
            assert (change[far] == 0).all()


def test_mask_areas_agree_with_the_visible_share():
    """A larger photo gives every food about the same share; thin strands are drawn in whole pixels."""
    a, b = (render_scene(PlatesSpec(size=size), 9) for size in (64, 256))
    for k in range(1, len(a.items) + 1):
        assert (a.instances == k).mean() == pytest.approx((b.instances == k).mean(), rel=0.2)


def sauce_scene(start: int):
    return next(p for p in (plan_scene(SPEC, s) for s in range(start, start + 50)) if p.sauce)


@pytest.mark.parametrize("start", [0, 100, 200, 300])
def test_the_roi_of_a_sauce_does_not_depend_on_its_neighbours(start):
    """The cut-out's pixels and outline are the same bytes with other companions, or with none at all."""
    plan = sauce_scene(start)
    sauce = plan.items[-1]
    near = Placed("rice", sauce.x + 0.08, sauce.y, 0.18, 0.3)
    others = [
        plan.items,
        (sauce,),
        (near, sauce),
        (
            dataclasses.replace(near, name="hamburg", x=sauce.x - 0.1),
            dataclasses.replace(near, name="egg"),
            sauce,
        ),
    ]
    cuts = []
    for items in others:
        s = scene.draw(dataclasses.replace(plan, items=tuple(items)), 64)
        mask = s.instances == len(items)
        cuts.append(np.where(mask[..., None], s.image, 0))
        assert mask.any()
    for cut in cuts[1:]:
        assert np.array_equal(cut, cuts[0])


def test_the_name_of_a_sauce_changes_no_pixel():
    """Given t and the companions, ketchup and chili paste are drawn alike."""
    plan = sauce_scene(40)
    for name in COMPANIONS:
        renamed = dataclasses.replace(plan.items[-1], name=name)
        s = scene.draw(dataclasses.replace(plan, items=(*plan.items[:-1], renamed)), 64)
        assert np.array_equal(s.image, scene.draw(plan, 64).image)


def test_the_surroundings_of_a_sauce_do_not_depend_on_its_look():
    """Neither its shadow nor a blended edge carries t into the extra-ROI."""
    plan = sauce_scene(70)
    pictures = []
    for t in (-2.0, 0.0, 2.0):
        s = scene.draw(
            dataclasses.replace(
                plan, items=(*plan.items[:-1], dataclasses.replace(plan.items[-1], latent=t))
            ),
            64,
        )
        pictures.append(np.where((s.instances == len(plan.items))[..., None], 0, s.image))
    assert np.array_equal(pictures[0], pictures[1])
    assert np.array_equal(pictures[1], pictures[2])


def test_a_spec_outside_its_range_is_an_error():
    with pytest.raises(PlatesError, match=r"plates\.size is 8"):
        render_scene(PlatesSpec(size=8), 0)


def test_pinned_picture():
    """Low-resolution statistics of one scene; a change here needs a raised RENDERER_VERSION."""
    s = render_scene(PlatesSpec(size=128), 12345)
    blocks = (
        cv2.resize(s.image, (4, 4), interpolation=cv2.INTER_AREA).astype(int).mean(-1).round().astype(int)
    )
    assert [item.name for item in s.items] == PINNED_ITEMS
    assert np.abs(blocks - PINNED_BLOCKS).max() <= 1
    areas = np.bincount(s.instances.ravel())
    assert np.abs(areas - PINNED_AREAS).max() <= 12


PINNED_ITEMS = ["egg", "corn", "sausage", "ketchup"]
PINNED_BLOCKS = np.array(
    [[136, 163, 157, 159], [145, 184, 151, 150], [145, 135, 145, 147], [139, 139, 141, 151]]
)
PINNED_AREAS = np.array([13168, 1168, 1011, 757, 280])
