"""The drawing kit: random fields, the canvas and the light."""

import dataclasses

import cv2
import numpy as np
import pytest

from rvernet_plates.camera import Camera
from rvernet_plates.canvas import Canvas, capsule, dome, lobes, plateau
from rvernet_plates.dishes import Dish, draw_dish
from rvernet_plates.light import Light, shade, shadow, tint
from rvernet_plates.tables import TABLES, draw_table
from rvernet_plates.textures import between, blend, noise, overlay, rgb, smoothstep, vary

LIGHT = Light(
    azimuth=np.pi, elevation=0.8, strength=0.85, ambient=0.5, tint=(1, 1, 1), softness=0.3
)  # from the left


def rng(seed=0):
    return np.random.default_rng(seed)


def test_noise_is_the_same_field_at_every_resolution():
    coarse, fine = noise(rng(), (64, 64), 6, octaves=2), noise(rng(), (256, 256), 6, octaves=2)
    assert coarse.dtype == np.float32
    assert np.abs(cv2.resize(fine, (64, 64), interpolation=cv2.INTER_AREA) - coarse).max() < 0.06
    assert abs(fine.mean()) < 0.3
    assert 0.2 < fine.std() < 1


def test_smoothstep_rises_and_falls():
    x = np.array([-1, 0, 0.5, 1, 2], np.float32)
    assert smoothstep(0, 1, x).tolist() == [0, 0, 0.5, 1, 1]
    assert smoothstep(1, 0, x).tolist() == [1, 1, 0.5, 0, 0]


def test_colours():
    red, blue = rgb(255, 0, 0), rgb(0, 0, 255)
    assert blend(red, blue, np.float32(0.25)).tolist() == [0.75, 0, 0.25]
    assert blend(red, blue, np.zeros((4, 5))).shape == (4, 5, 3)
    mixed = between(rng(), red, blue)
    assert mixed.sum() == pytest.approx(1)
    assert vary(rng(), red, 0.1, 7).shape == (7, 3)


@pytest.mark.parametrize("side", [8, 40])
def test_overlay_is_copyto(side):
    mask = rng().random((side, side)) < 0.4
    for above in (rng(1).random((side, side, 3), np.float32), rgb(1, 2, 3)):
        whole = np.zeros((side + 9, side + 9, 3), np.float32)
        expected = whole.copy()
        overlay(whole[3 : 3 + side, 2 : 2 + side], above, mask)
        np.copyto(expected[3 : 3 + side, 2 : 2 + side], above, where=mask[..., None])
        assert np.array_equal(whole, expected)


def test_profiles():
    rho = np.array([0, 0.5, 0.99, 1.0, 2.0], np.float32)
    assert dome(rho**2, 0.1, 0.4)[0] == pytest.approx(0.5)
    assert plateau(rho, 0.1, 0.4, bevel=4)[1] == pytest.approx(0.5)
    for profile in (dome(rho**2, 0.1, 0.4), plateau(rho, 0.1, 0.4, 4)):
        assert np.all(np.diff(profile) <= 0)
        assert profile[3] == profile[4] == 0
    assert capsule(np.float32(0.75), np.float32(0), 4) == 0
    assert capsule(np.float32(1), np.float32(0), 4) == pytest.approx(1)
    assert np.abs(lobes(rng(), np.linspace(-np.pi, np.pi, 500), range(2, 6), 0.1).mean() - 1) < 0.02


def test_the_higher_piece_is_seen():
    canvas = Canvas(0.5, 0.5, 0.2, 256)
    for z, colour in ((0.3, rgb(255, 0, 0)), (0.1, rgb(0, 255, 0))):
        piece = canvas.piece(0, 0, 0.5)
        canvas.lay(piece, dome(piece.u**2 + piece.v**2, z, 0.01), colour, 0.5)
    middle = canvas.shape[0] // 2
    assert canvas.albedo[middle, middle].tolist() == [1, 0, 0]
    assert canvas.levels(np.zeros(1), np.zeros(1))[0] == pytest.approx(0.31, abs=0.01)
    assert canvas.levels(np.array([5.0]), np.array([5.0]))[0] == 0


def test_pieces_know_their_place_and_turn():
    canvas = Canvas(0.4, 0.6, 0.2, 200, angle=0.7)
    piece = canvas.piece(0.3, -0.2, 0.5, 0.25, 0.4)
    px, py = canvas.pixels(0.3, -0.2)
    row, col = int(py) - piece.window[0].start, int(px) - piece.window[1].start
    assert abs(piece.u[row, col]) < 0.05
    assert abs(piece.v[row, col]) < 0.1
    assert np.abs(piece.u).max() >= 1


def test_dots_are_soft_and_paint_stays_on_the_food():
    canvas = Canvas(0.5, 0.5, 0.2, 256)
    whole = canvas.whole
    canvas.lay(whole, dome(whole.u**2 + whole.v**2, 0.1, 0.2), rgb(255, 255, 255), 0.2)
    dots = canvas.dots(np.array([0.0, 0.99]), np.zeros(2), 0.1, 0.1, 0.0, np.array([1.0, 0.5]))
    assert dots.max() == 1
    outline = canvas.height > 0
    canvas.paint(canvas.everywhere, dots, rgb(0, 0, 0), bump=0.05)
    assert np.array_equal(canvas.height > 0, outline)
    assert canvas.albedo[canvas.shape[0] // 2, canvas.shape[1] // 2].max() < 0.05


def test_a_bump_is_bright_towards_the_light_and_casts_a_shadow_away_from_it():
    n = 128
    y, x = np.mgrid[:n, :n] / n - 0.5
    height = 0.08 * np.exp(-(x**2 + y**2) / 0.006).astype(np.float32)
    flat = np.full((n, n, 3), 0.5, np.float32)
    picture = shade(flat, height, np.zeros((n, n), np.float32), LIGHT, n).mean(-1)
    middle = n // 2
    assert picture[middle, middle - 10] > picture[middle, middle + 10]
    arriving = shadow(height, dataclasses.replace(LIGHT, elevation=0.5), n)
    assert arriving[middle, middle + 18] < 0.8
    assert arriving[middle, middle - 30] > 0.98
    assert 0 <= picture.min() <= picture.max() <= 1.05


def test_a_flat_scene_is_lit_evenly_and_gloss_adds_light():
    flat, level = np.full((64, 64, 3), 0.4, np.float32), np.zeros((64, 64), np.float32)
    matt = shade(flat, level, level, LIGHT, 64)
    assert np.ptp(matt) < 1e-5
    assert shade(flat, level, level + 0.9, dataclasses.replace(LIGHT, elevation=1.5), 64).mean() > matt.mean()


@pytest.mark.parametrize("kind", sorted({t.__name__ for t in TABLES}))
def test_tables(kind):
    table = next(t for t in TABLES if t.__name__ == kind)
    for seed in range(3):
        albedo, gloss = table(rng(seed), 64)
        assert albedo.shape == (64, 64, 3)
        assert albedo.dtype == np.float32
        assert 0 <= albedo.min() <= albedo.max() <= 1
        assert 0 <= gloss <= 1
        large = table(rng(seed), 256)[0]
        assert np.abs(cv2.resize(large, (64, 64), interpolation=cv2.INTER_AREA) - albedo).mean() < 0.06


def test_tables_vary():
    assert len({draw_table(rng(k), 64).albedo.tobytes() for k in range(20)}) == 20


def test_dishes_fill_most_of_the_photo():
    kinds, cut = set(), []
    for seed in range(60):
        camera = Camera.draw(rng(seed))
        dish = Dish.draw(rng(seed), camera)
        rows, cols = (round(128 * side) for side in (camera.height, camera.width))
        glaze = draw_dish(dish, rng(seed), (rows, cols), 128, (-camera.width / 2, -camera.height / 2))
        kinds.add(dish.kind)
        on = glaze.height > 0
        assert on.shape == (rows, cols)
        assert 0.5 < on.mean() <= 1
        cut.append(np.any([on[0].any(), on[-1].any(), on[:, 0].any(), on[:, -1].any()]))
        assert glaze.albedo.dtype == glaze.height.dtype == glaze.gloss.dtype == np.float32
        assert 0.25 < dish.well < dish.radius
    assert kinds == {"round", "square", "board"}
    assert np.mean(cut) > 0.5  # closer than the whole dish


def test_light_is_warm_or_cool_and_a_good_white_balance_takes_it_away():
    warm, cool = tint(1e6 / 2700, 0.7), tint(1e6 / 7500, 0.7)
    assert warm[0] > 1 > warm[2]
    assert cool[0] < 1 < cool[2]
    assert tint(1e6 / 2700, 1.0) == pytest.approx((1, 1, 1))
    for colour in (warm, cool):
        assert 0.2126 * colour[0] + 0.7152 * colour[1] + 0.0722 * colour[2] == pytest.approx(1)
    reds = [Light.draw(rng(k)).tint[0] for k in range(200)]
    assert min(reds) < 1 < max(reds)
    assert np.ptp(reds) > 0.15
