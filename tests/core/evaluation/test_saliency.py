"""Where maps point, against cases worked out by hand."""

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
def drawn() -> Maps:
    return of(np.random.default_rng(0).random((6, 4, 4)), 32)


def halves(n: int, size: int) -> np.ndarray:
    """Masks that are True in the left half."""
    masks = np.zeros((n, size, size), bool)
    masks[:, :, : size // 2] = True
    return masks


def test_the_pixels_are_the_grid_enlarged_as_opencv_does(drawn):
    expected = [cv2.resize(grid, (32, 32), interpolation=cv2.INTER_LINEAR) for grid in drawn.grid]
    assert np.allclose(drawn.pixels(), expected, atol=1e-5)
    assert drawn.normalised().max((1, 2)) == pytest.approx(1)


def test_energy_inside_a_mask_and_outside_of_it_make_the_whole(drawn):
    masks = np.random.default_rng(1).random((6, 32, 32)) < 0.3
    inside, outside = saliency.energy_inside(drawn, masks), saliency.energy_inside(drawn, ~masks)
    assert inside + outside == pytest.approx(1)
    assert saliency.energy_inside(drawn, np.ones_like(masks)) == pytest.approx(1)
    whole = of(drawn.grid * 7, 32)  # normalisation changes no share
    assert saliency.energy_inside(whole, masks) == pytest.approx(inside)


def test_energy_of_a_map_worked_out_by_hand():
    left = of([[[3, 1], [3, 1]]], 2)
    assert saliency.energy_inside(left, halves(1, 2)) == pytest.approx(0.75)


def test_the_maximum_lies_inside_or_not_or_within_a_tolerance():
    grid = np.zeros((1, 8, 8))
    grid[0, 3, 5] = 1
    found, masks = of(grid, 8), halves(1, 8)
    assert saliency.pointing_game(found, masks) == 0
    assert saliency.pointing_game(found, masks, tolerance=1) == 0
    assert saliency.pointing_game(found, masks, tolerance=2) == 1
    assert saliency.pointing_game(found, ~masks) == 1


def test_a_shared_maximum_scores_its_share_inside():
    grid = np.zeros((1, 8, 8))
    grid[0, 0, [1, 2, 6]] = 1
    assert saliency.pointing_game(of(grid, 8), halves(1, 8)) == pytest.approx(2 / 3)


def test_a_blank_map_is_counted_and_scores_as_chance_does():
    found, masks = of(np.zeros((2, 4, 4)), 16), halves(2, 16)
    assert found.blank.all()
    assert (found.normalised() == 0).all()
    assert saliency.energy_inside(found, masks) == pytest.approx(0.5)
    assert saliency.pointing_game(found, masks) == pytest.approx(0.5)
    assert (saliency.rank_correlation(found, found) == 0).all()


def test_the_maps_of_others_are_all_there_and_none_at_its_place(drawn):
    others = drawn.of_others()
    assert sorted(map(bytes, others.grid)) == sorted(map(bytes, drawn.grid))
    assert not any((a == b).all() for a, b in zip(others.grid, drawn.grid, strict=True))


def test_rank_correlation_sees_order_alone(drawn):
    squared, turned = (
        dataclasses.replace(drawn, grid=grid) for grid in (drawn.grid**2, drawn.grid.max() - drawn.grid)
    )
    assert saliency.rank_correlation(drawn, squared) == pytest.approx(1)
    assert saliency.rank_correlation(drawn, turned) == pytest.approx(-1)


def test_a_subset_keeps_what_belongs_together(drawn):
    few = drawn[np.array([4, 1])]
    assert few.indices.tolist() == [4, 1]
    assert (few.grid == drawn.grid[[4, 1]]).all()
    assert len(few) == len(few.targets) == len(few.chances) == 2


def test_masks_of_another_size_are_refused(drawn):
    with pytest.raises(ConfigError, match=r"\(6, 32, 32\)"):
        saliency.energy_inside(drawn, halves(6, 16))
