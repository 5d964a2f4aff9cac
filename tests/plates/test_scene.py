"""Rendered scenes: pure, alike at every size, masked exactly, and without a leak of an ambiguous class."""

import dataclasses

import cv2
import numpy as np
import pytest

from rvernet_plates import (
    AMBIGUOUS_PAIRS,
    DRINKS,
    FOODS,
    SAUCES,
    PlatesError,
    PlatesSpec,
    pair_of,
    plan_scene,
    render_scene,
    scene,
)
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


@pytest.mark.parametrize("size", [64, 128, 201, 512])
def test_any_size_has_the_stated_types(size):
    for seed in range(4):
        s = render_scene(PlatesSpec(size=size), seed)
        short = round(0.75 * size)
        assert s.image.shape[:2] in ((size, size), (short, size), (size, short))
        assert s.image.shape == (*s.instances.shape, 3)
        assert s.image.dtype == s.instances.dtype == np.uint8


def test_photos_are_broad_high_and_square(scenes):
    assert {s.instances.shape for s in scenes} == {(48, 64), (64, 48), (64, 64)}


def test_another_size_shows_the_same_scene():
    for seed in (0, 7):
        plan = plan_scene(SPEC, seed)  # grain and compression act on pixels, whatever their size
        plan = dataclasses.replace(plan, camera=dataclasses.replace(plan.camera, grain=0.0, quality=100))
        small, large = scene.draw(plan, 64), scene.draw(plan, 256)
        assert [i.name for i in small.items] == [i.name for i in large.items]
        shape = small.instances.shape[::-1]
        shrunk = cv2.resize(large.image, shape, interpolation=cv2.INTER_AREA).astype(float)
        assert np.abs(shrunk - small.image).mean() < 8
        agree = large.instances[2::4, 2::4] == small.instances
        assert agree.mean() > 0.95
        for a, b in zip(small.items, large.items, strict=True):
            assert a.visible == pytest.approx(b.visible, abs=0.06)


def test_every_item_is_seen_and_every_label_is_an_item(scenes):
    for s in scenes:
        labels = np.unique(s.instances)
        assert labels.tolist() == list(range(len(s.items) + 1))
        for item in s.items:
            assert item.name in FOODS
            assert 0.2 < item.visible <= 1
            assert (item.latent is None) == (item.company is None) == (pair_of(item.name) is None)


def test_most_plain_foods_are_seen_whole_and_some_are_partly_hidden(scenes):
    visible = np.array([item.visible for s in scenes for item in s.items if item.latent is None])
    assert np.median(visible) >= 0.85
    assert np.mean(visible < 0.95) > 0.1


def test_sauces_and_drinks_lie_on_top(scenes):
    seen = {item.name: item.visible for s in scenes for item in s.items if item.latent is not None}
    assert set(seen) == {*SAUCES, *DRINKS}
    assert min(seen.values()) > 0.99


def test_sauces_are_a_quarter_of_the_photo_wide(scenes):
    widths = []
    for s in scenes:
        for k, item in enumerate(s.items, start=1):
            if item.name in SAUCES:
                widths.append(2 * np.sqrt((s.instances == k).sum() / np.pi))  # of a disc of equal area
    assert np.median(widths) >= 16


def test_things_are_no_food(scenes):
    """Without its things a scene has the same labels and other pixels, outside the foods' own shadows."""
    with_things = [plan_scene(SPEC, seed) for seed in range(20) if plan_scene(SPEC, seed).things]
    assert len(with_things) > 8
    for plan in with_things[:6]:
        full, bare = scene.draw(plan, 64), scene.draw(dataclasses.replace(plan, things=()), 64)
        assert np.array_equal(full.instances, bare.instances)
        change = np.abs(full.image.astype(int) - bare.image).max(-1)
        assert (change[full.instances == 0] > 24).sum() > 12


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
            assert np.mean(change[mask] > 4) > 0.85
            far = cv2.dilate(mask.astype(np.uint8), np.ones((49, 49))) == 0
            assert (change[far] == 0).all()


def test_mask_areas_agree_with_the_visible_share():
    """A larger photo gives every food about the same share; thin strands are drawn in whole pixels."""
    a, b = (render_scene(PlatesSpec(size=size), 9) for size in (64, 256))
    for k in range(1, len(a.items) + 1):
        assert (a.instances == k).mean() == pytest.approx((b.instances == k).mean(), rel=0.2)


# --- what an ambiguous item's pixels depend on ------------------------------------------------------------


def plan_with(pair, start: int):
    return next(p for p in (plan_scene(SPEC, s) for s in range(start, start + 90)) if p.of(pair))


def with_items(plan, items):
    return dataclasses.replace(plan, items=tuple(items))


def cut_out(plan, pair):
    """The pixels and the place of the pair's item."""
    s = scene.draw(plan, 64)
    mask = s.instances == plan.items.index(plan.of(pair)) + 1
    assert mask.sum() > 60
    return np.where(mask[..., None], s.image, 0), mask


@pytest.mark.parametrize("pair", AMBIGUOUS_PAIRS)
@pytest.mark.parametrize("start", [0, 100, 200, 300])
def test_the_roi_does_not_depend_on_its_neighbours(pair, start):
    """The cut-out's pixels and outline are the same bytes with other companions, or with none at all."""
    plan = plan_with(pair, start)
    item = plan.of(pair)
    near = Placed("rice", item.x + 0.08, item.y, 0.18, 0.3)
    other = dataclasses.replace(near, name="hamburg", x=item.x - 0.1)
    others = [
        plan,
        with_items(plan, [item]),
        with_items(plan, [near, item]),
        with_items(plan, [other, dataclasses.replace(near, name="egg"), item]),
        dataclasses.replace(plan, things=()),
        dataclasses.replace(plan, dish=dataclasses.replace(plan.dish, kind="board", radius=0.3)),
    ]
    pictures = [cut_out(p, pair) for p in others]
    for picture, mask in pictures[1:]:
        assert np.array_equal(mask, pictures[0][1])
        assert np.array_equal(picture, pictures[0][0])


@pytest.mark.parametrize("pair", AMBIGUOUS_PAIRS)
@pytest.mark.parametrize("seed", range(6))
def test_at_no_distance_the_roi_is_the_same_whatever_class_and_company(pair, seed):
    """The same seed under d = 0 with either company and either class: identical pixels and outline."""
    spec = PlatesSpec(64, ambiguity=0.0, drink_ambiguity=0.0, sauce_rate=1.0, drink_rate=1.0)
    pictures = []
    for rho in (0.0, 1.0):
        plan = plan_scene(dataclasses.replace(spec, context_strength=rho, drink_context_strength=rho), seed)
        for name in pair:
            renamed = [dataclasses.replace(i, name=name) if i.name in pair else i for i in plan.items]
            pictures.append(cut_out(with_items(plan, renamed), pair))
        assert {i.name for i in plan.items if i.latent is None}  # there is company
    for picture, mask in pictures[1:]:
        assert np.array_equal(mask, pictures[0][1])
        assert np.array_equal(picture, pictures[0][0])


@pytest.mark.parametrize("pair", AMBIGUOUS_PAIRS)
def test_the_name_of_an_item_changes_no_pixel(pair):
    """Given look and company, both classes are drawn alike."""
    plan = plan_with(pair, 40)
    for name in pair:
        renamed = [dataclasses.replace(i, name=name) if i.name in pair else i for i in plan.items]
        s = scene.draw(with_items(plan, renamed), 64)
        assert np.array_equal(s.image, scene.draw(plan, 64).image)


@pytest.mark.parametrize("pair", AMBIGUOUS_PAIRS)
def test_the_surroundings_do_not_depend_on_the_look(pair):
    """Neither a shadow, nor a blurred edge, nor the file's compression carries t into the extra-ROI."""
    plan = plan_with(pair, 70)
    pictures, rois = [], []
    for t in (-2.0, 0.0, 2.0):
        changed = [dataclasses.replace(i, latent=t) if i.name in pair else i for i in plan.items]
        s = scene.draw(with_items(plan, changed), 64)
        mask = s.instances == plan.items.index(plan.of(pair)) + 1
        pictures.append(np.where(mask[..., None], 0, s.image))
        rois.append(s.image[mask])
    assert np.array_equal(pictures[0], pictures[1])
    assert np.array_equal(pictures[1], pictures[2])
    assert not np.array_equal(rois[0], rois[2])


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


PINNED_ITEMS = ["sausage", "egg", "carrot", "ketchup"]
PINNED_BLOCKS = np.array(
    [[110, 114, 104, 107], [109, 115, 104, 123], [98, 123, 126, 142], [102, 152, 127, 117]]
)
PINNED_AREAS = np.array([7526, 1567, 1201, 1026, 968])
