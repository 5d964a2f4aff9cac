"""One picture: things of one category on a ground, lit, partly hidden at times, and photographed."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from rvernet_plates.light import Light, shade
from rvernet_plates.tables import draw_table
from rvernet_plates.textures import Rng, noise, overlay, triple
from zoo.things.outlines import blob, box, disc
from zoo.things.sheet import TURN, Sheet
from zoo.things.table import DRAWINGS, MATERIALS, UPRIGHT

_OVERSAMPLING = 1.5
FREE_COLOURS = 0.3  # share of the pictures in which things do not wear their usual colours


def render_thing(category: int, seed: int, size: int = 112) -> np.ndarray:
    """A photo of one category: uint8 (size, size, 3) RGB, a pure function of its arguments.

    Args:
        category: index into `CATEGORIES`.
        seed: 0 or above.
        size: side of the picture in pixels, at least 16.

    Raises ValueError for arguments outside these ranges.
    """
    if not 0 <= category < len(DRAWINGS) or seed < 0 or size < 16:
        raise ValueError(
            f"category {category}, seed {seed}, size {size}; expected a category from 0 to "
            f"{len(DRAWINGS) - 1}, a seed of 0 or above and a size of 16 or above"
        )
    rng = np.random.default_rng([seed, category])
    side = round(size * _OVERSAMPLING)
    scene = _Scene(rng, side, size)
    name = tuple(DRAWINGS)[category]
    dye = _dye(rng) if rng.random() < FREE_COLOURS else None
    places = _places(rng, name in MATERIALS)
    if rng.random() < 0.2:
        scene.add(*_bystander(rng, side, 0.52, 0.85))
    for x, y, radius in places:
        sheet = Sheet(radius * side, _posture(rng, name))
        DRAWINGS[name](sheet, rng)
        if dye is not None:
            sheet.albedo = _dyed(sheet.albedo, dye)
        scene.add(sheet, x, y, radius)
    if rng.random() < 0.15:
        scene.add(*_bystander(rng, side, 0.36, 0.6))
    return _photographed(rng, scene.lit(rng), size)


class _Scene:
    """Ground and things on the oversampled grid; heights in units of the picture's side."""

    def __init__(self, rng: Rng, side: int, size: int):
        self.albedo, gloss = _ground(rng, side, size)
        self.height = np.zeros((side, side), np.float32)
        self.gloss = np.full((side, side), gloss, np.float32)
        self.side = side

    def add(self, sheet: Sheet, x: float, y: float, radius: float) -> None:
        """Lay a thing with its centre at (x, y) over what is there."""
        left, top = round(x * self.side - sheet.centre), round(y * self.side - sheet.centre)
        y0, y1 = max(top, 0), min(top + sheet.side, self.side)
        x0, x1 = max(left, 0), min(left + sheet.side, self.side)
        if y0 >= y1 or x0 >= x1:
            return
        there = (slice(y0, y1), slice(x0, x1))
        here = (slice(y0 - top, y1 - top), slice(x0 - left, x1 - left))
        seen = sheet.height[here] > 0
        lowest = self.height[there][seen].mean() * 0.7 if seen.any() else 0.0
        overlay(self.height[there], sheet.height[here] * np.float32(radius) + np.float32(lowest), seen)
        overlay(self.albedo[there], sheet.albedo[here], seen)
        overlay(self.gloss[there], sheet.gloss[here], seen)

    def lit(self, rng: Rng) -> np.ndarray:
        """The picture under a window, a lamp or a shaded sky: float32 (N, N, 3) in 0..1."""
        light = Light.draw(rng)
        warmth = float(np.clip(rng.normal(0, 0.1), -0.2, 0.25))
        light = replace(light, tint=(1 + warmth, 1.0 + 0.1 * abs(warmth), 1 - 1.2 * warmth))
        return shade(np.clip(self.albedo, 0, 1), self.height, self.gloss, light, float(self.side))


def _places(rng: Rng, large: bool) -> list[tuple[float, float, float]]:
    """(x, y, radius) of one thing, or of two to four that hardly touch, in units of the side.

    A `large` one fills more of the picture, so that its texture can be seen.
    """
    if rng.random() < (0.88 if large else 0.75):
        radius = rng.uniform(0.28 if large else 0.175, 0.45)
        return [(*(0.5 + rng.uniform(-1, 1, 2) * max(0.03, 0.52 - radius)), radius)]
    count, places = int(rng.integers(2, 5)), []
    radius = rng.uniform(0.16, 0.25 if count < 4 else 0.21)
    for _ in range(40):
        x, y = rng.uniform(radius * 0.8, 1 - radius * 0.8, 2)
        if all(np.hypot(x - a, y - b) > 1.7 * radius for a, b, _ in places):
            places.append((float(x), float(y), float(radius * rng.uniform(0.85, 1.15))))
        if len(places) == count:
            break
    return places


def _posture(rng: Rng, name: str) -> np.ndarray:
    """Turned (by little, if the thing has a top), seen a little from the side, sometimes mirrored."""
    angle = rng.normal(0, 0.35) if name in UPRIGHT else rng.uniform(0, TURN)
    tilt, lean = rng.uniform(0.72, 1.0), rng.uniform(0, TURN)
    c, s = np.cos(angle), np.sin(angle)
    turn = np.array([[c, -s], [s, c]]) @ np.diag([1.0 if name in UPRIGHT else rng.choice([-1.0, 1.0]), 1.0])
    c, s = np.cos(lean), np.sin(lean)
    axis = np.array([[c, -s], [s, c]])
    return axis @ np.diag([1.0, tilt]) @ axis.T @ turn


# --- colours ----------------------------------------------------------------------------------------


def _hue(rng: Rng, low: float = 0.0) -> np.ndarray:
    """A colour of any hue, float32 (3,) in 0..1."""
    h, s, v = rng.uniform(0, 6), rng.uniform(low, 0.9), rng.uniform(0.25, 0.95)
    wheel = np.clip(np.abs((h + np.array([0, 4, 2])) % 6 - 3) - 1, 0, 1)
    return (v * (1 - s + s * wheel)).astype(np.float32)


def _dye(rng: Rng) -> tuple[np.ndarray, np.ndarray]:
    """A random change of colours: a matrix (3, 3) that turns the hues, and a tint (3,)."""
    order = rng.permutation(3)
    mix = np.eye(3)[order] * rng.uniform(0.5, 1) + rng.dirichlet(np.ones(3), 3) * 0.4
    mix /= mix.sum(1, keepdims=True)
    return mix.astype(np.float32), 0.45 + 0.75 * _hue(rng)


def _dyed(albedo: np.ndarray, dye: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    mix, tint = dye
    return np.clip(cv2.transform(albedo, mix * tint[:, None]), 0, 1)


# --- around the thing -------------------------------------------------------------------------------


def _ground(rng: Rng, side: int, size: int) -> tuple[np.ndarray, float]:
    """Albedo (side, side, 3) and gloss of what the thing lies on."""
    kind = rng.random()
    if kind < 0.45:
        table = draw_table(rng, size)
        albedo, gloss = cv2.resize(table.albedo, (side, side), interpolation=cv2.INTER_LINEAR), table.gloss
    else:
        gray = np.full(3, rng.uniform(0.2, 0.95), np.float32)
        tone = gray if kind < 0.65 else _hue(rng)
        field = noise(rng, (side, side), 2) * rng.uniform(0.02, 0.12)
        if rng.random() < 0.5:  # cloth, paper or stone
            rows, cols = rng.uniform(8, 30), rng.uniform(40, 80)
            field += noise(rng, (side, side), (rows, cols), 2) * rng.uniform(0.02, 0.12)
            field += noise(rng, (side, side), (cols, rows)) * rng.uniform(0.0, 0.1)
        albedo, gloss = tone * triple(1 + field), rng.uniform(0, 0.25)
    return albedo.astype(np.float32), float(gloss)


def _bystander(rng: Rng, side: int, near: float, far: float) -> tuple[Sheet, float, float, float]:
    """A plain disc, bar or pebble that reaches in from the picture's edge: the arguments of `add`."""
    radius, around, away = rng.uniform(0.2, 0.4), rng.uniform(0, TURN), rng.uniform(near, far)
    sheet = Sheet(radius * side, np.eye(2))
    kind, thick = int(rng.integers(3)), rng.uniform(0.05, 0.25)
    outline = (disc(1), box(0.35, 1, angle=around + np.pi / 2), blob(rng, 1, 0.15))[kind]
    sheet.poly(outline, _hue(rng), thick, rng.uniform(0.03, 0.3), rng.uniform(0, 0.7))
    away += radius * 0.6
    return sheet, 0.5 + away * np.cos(around), 0.5 + away * np.sin(around), radius


def _photographed(rng: Rng, picture: np.ndarray, size: int) -> np.ndarray:
    """Shrunk to `size`, exposed, slightly blurred and noisy: uint8 (size, size, 3)."""
    picture = cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA)
    if rng.random() < 0.3:
        picture = cv2.GaussianBlur(picture, (0, 0), size / 112 * rng.uniform(0.4, 1.0))
    gain, grain = rng.uniform(0.75, 1.2), rng.uniform(0, 0.025)
    picture = picture * np.float32(gain)
    picture += rng.standard_normal(picture.shape, np.float32) * np.float32(grain)
    return np.clip(picture * 255 + 0.5, 0, 255).astype(np.uint8)
