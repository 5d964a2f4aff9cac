"""The noises of pages 6 and 7: the release's, and those around it."""

from dataclasses import replace

import pytest
import torch
from noisy_study import MadeUp

from rvernet_core.config import Noise
from rvernet_core.data import noise
from rvernet_core.evaluation.position import patch_size
from rvernet_core.experiments import noises
from rvernet_core.models import backbones


def test_both_noises_are_the_releases():
    assert list(noises.KINDS.values()) == [Noise("permutation"), Noise("translocation")]


def test_curves_are_measured_on_fewer_photos_than_tables():
    study = MadeUp()
    assert noises.photo_counts(study) == (80, 75)
    study.profile = replace(study.profile, evaluation_photos=0)
    assert noises.photo_counts(study) == (100, 75)


def test_tiles_shrink_from_twice_the_releases_to_a_quarter_of_them():
    tiles = noises.tiles()
    assert list(tiles) == [f"tiles of {side} px" for side in (32, 16, 8, 4)]
    assert [tile.patch for tile in tiles.values()] == [32, 16, 8, 4]
    assert tiles[noises.tile_name(noise.RELEASE_PATCH)] == noises.KINDS["permutation"]


@pytest.mark.parametrize("scale", ["micro", "paper"])
@pytest.mark.parametrize("name", [n for n, facts in backbones.ZOO.items() if facts.prefix_tokens is not None])
def test_the_releases_tile_is_as_large_as_the_patch_of_every_net_that_has_patches_at_either_scale(
    name, scale
):
    """One tile is 1/14 of the input. It is such a patch on a square photo, see `test_noise`."""
    size = backbones.input_size(scale)
    with torch.device("meta"):
        net = backbones.build(name, scale, pretrained=False)
    assert patch_size(net, size) == noise.scaled(noise.RELEASE_PATCH, size) == size // 14


@pytest.mark.parametrize("scale", ["micro", "paper"])
@pytest.mark.parametrize("name", backbones.ZOO)
def test_the_patches_of_every_net_and_half_of_them_are_cut_to_the_pixel_from_its_input(name, scale):
    size = backbones.input_size(scale)
    with torch.device("meta"):
        net = backbones.build(name, scale, pretrained=False)
    side = patch_size(net, size)
    for px in (side, side // 2):
        permutation = noises.patches(px, size)
        assert noise.scaled(permutation.patch, size) == px
        assert size % px == 0
        assert permutation == Noise("permutation", patch=permutation.patch, grid="input")


def test_shifts_grow_from_nothing_over_the_releases_to_half_the_image():
    shifts = noises.shifts()
    assert list(shifts) == ["up by 0%", "up by 9%", "up by 19%", "up by 28%", "up by 38%", "up by 50%"]
    assert shifts["up by 38%"] == noises.KINDS["translocation"]
