"""Noise equals an independent reading of the released transforms, pixel by pixel."""

import math

import numpy as np
import pytest
import torch
from PIL import Image
from random_photos import SIZES, photo
from torchvision.transforms.functional import pad

from rvernet_core.config import Noise
from rvernet_core.data import noise
from rvernet_core.data.cutouts import cut, letterbox
from rvernet_core.errors import ConfigError, DataError


def shrink(image, size):
    fitted = Image.fromarray(image)
    ratio = size / max(fitted.size)
    return fitted if ratio == 1 else fitted.resize([math.floor(side * ratio) for side in fitted.size])


def oracle_permutation(image, size, patch, order):
    """Torch's unfold and fold instead of reshapes; Pillow's padding instead of array slices."""
    fitted = shrink(image, size)
    need_w, need_h = -fitted.size[0] % patch, -fitted.size[1] % patch
    fitted = pad(fitted, [need_w // 2, need_h // 2, need_w - need_w // 2, need_h - need_h // 2], fill=0)
    pixels = torch.from_numpy(np.array(fitted)).permute(2, 0, 1)[None].float()
    columns = torch.nn.functional.unfold(pixels, patch, stride=patch)  # (1, 3 p p, n), row-major tiles
    shuffled = columns[:, :, torch.from_numpy(order(columns.shape[2]))]
    pixels = torch.nn.functional.fold(shuffled, pixels.shape[2:], patch, stride=patch)
    fitted = Image.fromarray(pixels[0].permute(1, 2, 0).numpy().astype(np.uint8))
    gap_x, gap_y = size - fitted.size[0], size - fitted.size[1]
    return np.asarray(
        pad(fitted, [math.ceil(gap_x / 2), math.ceil(gap_y / 2), gap_x // 2, gap_y // 2], fill=125)
    )


def oracle_translocation(image, size, dx, dy):
    canvas = Image.new("RGB", (size, size), (125, 125, 125))
    canvas.paste(shrink(image, size), (dx, -dy))
    return np.asarray(canvas)


@pytest.mark.parametrize(("size", "patch"), [(224, 16), (224, 32), (64, 8), (100, 16), (97, 13), (224, 20)])
@pytest.mark.parametrize("sides", SIZES)
def test_permutation_equals_the_released_transform(sides, size, patch):
    image = photo(*sides)

    def release_order(n):
        return np.random.RandomState(7).choice(range(n), size=n, replace=False)

    got = noise.permute_patches(image, size, patch, rng=np.random.RandomState(7))
    np.testing.assert_array_equal(got, oracle_permutation(image, size, patch, release_order))
    got = noise.permute_patches(image, size, patch, rng=np.random.default_rng(7))
    expected = oracle_permutation(image, size, patch, np.random.default_rng(7).permutation)
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize(("size", "dx", "dy"), [(224, 60, 85), (64, 17, 24), (97, 200, 3), (100, -20, -30)])
@pytest.mark.parametrize("sides", SIZES)
def test_translocation_equals_the_released_transform(sides, size, dx, dy):
    image = photo(*sides)
    got = noise.translocate(image, size, dx, dy)
    np.testing.assert_array_equal(got, oracle_translocation(image, size, dx, dy))


def test_defaults_are_the_release_at_224_and_in_proportion_elsewhere():
    image = photo(300, 200)
    np.testing.assert_array_equal(noise.translocate(image), oracle_translocation(image, 224, 60, 85))
    np.testing.assert_array_equal(noise.translocate(image, 112), oracle_translocation(image, 112, 30, 42))
    got = noise.permute_patches(image, rng=np.random.RandomState(0))
    expected = oracle_permutation(image, 224, 16, np.random.RandomState(0).permutation)
    np.testing.assert_array_equal(got, expected)
    assert noise.scaled(noise.RELEASE_PATCH, 112) == 8


# --- what is cut into tiles ---------------------------------------------------------------------------


def marked(width, height, side=8, size=112):
    """A photo whose letterbox in `size` px has a colour of its own on each of a net's patches."""
    cells = np.arange((size // side) ** 2).reshape(size // side, -1).repeat(side, 0).repeat(side, 1)
    canvas = np.stack([cells % 251, cells // 251, np.full_like(cells, 9)], -1).astype(np.uint8)
    left, top = (size - width) // 2, (size - height) // 2
    return canvas[top : top + height, left : left + width]


def patches_of(image, side=8):
    """The patches that a net cuts, as a sorted list: which there are, wherever they lie."""
    rows, columns = len(image) // side, image.shape[1] // side
    cells = image.reshape(rows, side, columns, side, 3).swapaxes(1, 2)
    return sorted(cells[r, c].tobytes() for r in range(rows) for c in range(columns))


@pytest.mark.parametrize("severity", [0.5, 1.0])
@pytest.mark.parametrize("sides", [(112, 84), (84, 112)])
def test_tiles_of_the_input_are_a_nets_patches_where_those_of_a_photo_that_is_not_square_lie_across(
    sides, severity
):
    image = marked(*sides)
    clean = letterbox(image, 112)
    stream = [0, 1, 2]
    own = noise.add_noise(image, Noise(severity=severity, grid="input"), 112, stream)
    assert patches_of(own) == patches_of(clean), "whole patches, none lost, the border's among them"
    assert (own != clean).any()
    released = noise.add_noise(image, Noise(severity=severity), 112, stream)
    assert patches_of(released) != patches_of(clean)
    short = sides.index(84)  # padded to 88 px, whole tiles, which leaves 12 px or 1.5 tiles at either end
    padded = np.pad(image, ((2, 2), (0, 0), (0, 0)) if short == 1 else ((0, 0), (2, 2), (0, 0)))
    inside = released[12:100] if short == 1 else released[:, 12:100]
    assert patches_of(inside) == patches_of(padded)


def test_on_a_square_photo_both_grids_are_the_patches():
    image = photo(112, 112)
    released, own = (noise.add_noise(image, Noise(grid=grid), 112, [5]) for grid in noise.GRIDS)
    np.testing.assert_array_equal(released, own)
    assert patches_of(own) == patches_of(image)


def test_tiles_of_the_input_are_moved_as_the_order_says():
    image = marked(112, 84)
    got = noise.permute_patches(image, 112, 8, rng=np.random.default_rng(3), severity=0.25, grid="input")
    clean, order = letterbox(image, 112), noise.tile_order(196, 0.25, np.random.default_rng(3))
    for place, source in enumerate(order):
        (row, column), (y, x) = (8 * np.array(divmod(k, 14)) for k in (place, source))
        np.testing.assert_array_equal(
            got[row : row + 8, column : column + 8], clean[y : y + 8, x : x + 8], strict=True
        )


@pytest.mark.parametrize("grid", noise.GRIDS)
@pytest.mark.parametrize("sides", SIZES)
def test_severity_zero_is_the_clean_letterbox(sides, grid):
    image = photo(*sides)
    clean = letterbox(image, 64)
    np.testing.assert_array_equal(
        noise.permute_patches(image, 64, 4, rng=np.random.default_rng(0), severity=0, grid=grid), clean
    )
    np.testing.assert_array_equal(noise.translocate(image, 64, severity=0), clean)
    np.testing.assert_array_equal(noise.translocate(image, 64, severity=0, how="rolled"), clean)


@pytest.mark.parametrize("severity", [0.1, 0.25, 0.5, 0.75, 1.0])
def test_severity_is_the_share_of_tiles_that_may_move(severity):
    order = noise.tile_order(196, severity, np.random.default_rng(3))
    assert sorted(order) == list(range(196))
    moved = (order != np.arange(196)).sum()
    assert round(severity * 196) - 8 <= moved <= round(severity * 196)


@pytest.mark.parametrize("grid", noise.GRIDS)
def test_same_seed_same_noise_and_global_randomness_is_untouched(grid):
    image = photo(90, 70)
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    one, two, other = (
        noise.permute_patches(image, 64, 4, rng=np.random.default_rng(seed), grid=grid) for seed in (5, 5, 6)
    )
    np.testing.assert_array_equal(one, two)
    assert (one != other).any()
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002


def test_wrapping_loses_nothing():
    image = photo(64, 40)
    rolled = noise.translocate(image, 64, how="rolled")
    np.testing.assert_array_equal(np.sort(rolled.ravel()), np.sort(letterbox(image, 64).ravel()))
    assert (rolled != letterbox(image, 64)).any()


def test_canvas_colour():
    shifted = noise.translocate(photo(64, 64), 64, canvas=0)
    assert (shifted[-10:] == 0).all()


@pytest.mark.parametrize("sides", [(128, 128), (200, 100), (90, 160)])
def test_surviving_share_agrees_with_the_shifted_image(sides):
    mask = np.zeros(sides[::-1], bool)
    mask[sides[1] // 4 :, sides[0] // 3 :] = True
    white = np.full((*mask.shape, 3), 255, np.uint8)
    roi = cut(white, mask)[0]
    for severity in (0.0, 0.5, 1.0, 3.0):
        kept = (noise.translocate(roi, 128, severity=severity, canvas=0)[..., 0] > 127).sum()
        whole = (noise.translocate(roi, 128, severity=0, canvas=0)[..., 0] > 127).sum()
        assert noise.surviving_share(mask, 128, severity=severity) == pytest.approx(kept / whole, abs=0.02)


def test_bad_values_are_refused():
    with pytest.raises(ConfigError, match="severity"):
        noise.permute_patches(photo(9, 9), 8, rng=np.random.default_rng(0), severity=1.5)
    with pytest.raises(ConfigError, match="severity"):
        noise.translocate(photo(9, 9), 8, severity=-1)
    with pytest.raises(ConfigError, match="patch"):
        noise.permute_patches(photo(9, 9), 8, patch=0, rng=np.random.default_rng(0))
    with pytest.raises(ConfigError, match=r"grid is 'inputs'; did you mean 'input'\? Expected one of photo"):
        noise.add_noise(photo(9, 9), Noise(grid="inputs"), 112, [0])
    with pytest.raises(ConfigError, match="tiles of 5 px do not fill an input of 8 px"):
        noise.permute_patches(photo(9, 9), 8, 5, rng=np.random.default_rng(0), grid="input")
    with pytest.raises(DataError, match="empty"):
        noise.surviving_share(np.zeros((3, 3), bool))
