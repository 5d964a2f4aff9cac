"""Measures of maps against cases worked out by hand."""

import dataclasses

import cv2
import numpy as np
import pytest

from rvernet_core.errors import ConfigError
from rvernet_core.evaluation import saliency
from rvernet_core.evaluation.saliency import Maps


def of(grid, size: int) -> Maps:
    grid = np.asarray(grid, np.float32)
    some = np.arange(len(grid))
    return Maps("roi", grid, some, some, np.full(len(grid), 0.5), size)


@pytest.fixture
def random_maps() -> Maps:
    return of(np.random.default_rng(0).random((6, 4, 4)), 32)


def halves(n: int, size: int) -> np.ndarray:
    """Masks that are True in the left half."""
    masks = np.zeros((n, size, size), bool)
    masks[:, :, : size // 2] = True
    return masks


def test_the_pixels_are_the_grid_enlarged_as_opencv_does(random_maps):
    expected = [cv2.resize(grid, (32, 32), interpolation=cv2.INTER_LINEAR) for grid in random_maps.grid]
    assert np.allclose(random_maps.pixels(), expected, atol=1e-5)
    assert random_maps.normalised().max((1, 2)) == pytest.approx(1)


def test_energy_inside_a_mask_and_outside_of_it_sum_to_one(random_maps):
    masks = np.random.default_rng(1).random((6, 32, 32)) < 0.3
    inside, outside = saliency.energy_inside(random_maps, masks), saliency.energy_inside(random_maps, ~masks)
    assert inside + outside == pytest.approx(1)
    assert saliency.energy_inside(random_maps, np.ones_like(masks)) == pytest.approx(1)
    scaled = of(random_maps.grid * 7, 32)  # normalisation changes no share
    assert saliency.energy_inside(scaled, masks) == pytest.approx(inside)


def test_energy_of_a_map_worked_out_by_hand():
    left = of([[[3, 1], [3, 1]]], 2)
    assert saliency.energy_inside(left, halves(1, 2)) == pytest.approx(0.75)


def test_the_maximum_lies_inside_or_not_or_within_a_tolerance():
    grid = np.zeros((1, 8, 8))
    grid[0, 3, 5] = 1
    maps, masks = of(grid, 8), halves(1, 8)
    assert saliency.pointing_game(maps, masks) == 0
    assert saliency.pointing_game(maps, masks, tolerance=1) == 0
    assert saliency.pointing_game(maps, masks, tolerance=2) == 1
    assert saliency.pointing_game(maps, ~masks) == 1


def test_a_shared_maximum_scores_its_share_inside():
    grid = np.zeros((1, 8, 8))
    grid[0, 0, [1, 2, 6]] = 1
    assert saliency.pointing_game(of(grid, 8), halves(1, 8)) == pytest.approx(2 / 3)


def test_a_blank_map_is_counted_and_scores_at_chance_level():
    maps, masks = of(np.zeros((2, 4, 4)), 16), halves(2, 16)
    assert maps.blank.all()
    assert (maps.normalised() == 0).all()
    assert saliency.energy_inside(maps, masks) == pytest.approx(0.5)
    assert saliency.pointing_game(maps, masks) == pytest.approx(0.5)
    assert (saliency.rank_correlation(maps, maps) == 0).all()


def test_shuffled_maps_are_all_there_and_none_stays_at_its_sample(random_maps):
    others = random_maps.shuffled()
    assert sorted(map(bytes, others.grid)) == sorted(map(bytes, random_maps.grid))
    assert not any((a == b).all() for a, b in zip(others.grid, random_maps.grid, strict=True))


def test_rank_correlation_depends_on_order_alone(random_maps):
    grid = random_maps.grid
    squared = dataclasses.replace(random_maps, grid=grid**2)
    reversed_ = dataclasses.replace(random_maps, grid=grid.max() - grid)
    assert saliency.rank_correlation(random_maps, squared) == pytest.approx(1)
    assert saliency.rank_correlation(random_maps, reversed_) == pytest.approx(-1)


def test_a_subset_keeps_every_field_of_its_samples(random_maps):
    features = np.arange(12.0).reshape(6, 2)
    random_maps = dataclasses.replace(random_maps, other_features={"extra_roi": features})
    few = random_maps[np.array([4, 1])]
    assert few.indices.tolist() == [4, 1]
    assert (few.grid == random_maps.grid[[4, 1]]).all()
    assert few.other_features["extra_roi"].tolist() == [[8, 9], [2, 3]]
    assert len(few) == len(few.targets) == len(few.probabilities) == 2


def test_masks_of_another_size_are_refused(random_maps):
    with pytest.raises(ConfigError, match=r"\(6, 32, 32\)"):
        saliency.energy_inside(random_maps, halves(6, 16))
