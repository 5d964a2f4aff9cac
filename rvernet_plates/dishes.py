"""Plates: their outline, profile, glaze and rim."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

from rvernet_plates.camera import Camera
from rvernet_plates.textures import Rng, between, blend, noise, rgb, smoothstep, triple, vary

_FINE = 8192  # steps of a plate's profile from centre to rim
_GLAZES = (
    rgb(228, 226, 221),
    rgb(222, 216, 205),
    rgb(212, 202, 186),
    rgb(205, 172, 150),
    rgb(150, 176, 150),
    rgb(126, 156, 186),
    rgb(128, 176, 180),
    rgb(60, 66, 76),
    rgb(48, 46, 46),
)
_GLAZE_SHARES = np.array([5, 4, 2, 1, 1, 1.4, 1, 1, 0.8]) / 17.2
_INKS = (rgb(170, 40, 45), rgb(45, 75, 150), rgb(190, 150, 70), rgb(60, 110, 80), rgb(50, 46, 46))


class Glaze(NamedTuple):
    """A drawn dish: albedo (H, W, 3), height (H, W) in photo units (0 off the dish), gloss (H, W)."""

    albedo: np.ndarray
    height: np.ndarray
    gloss: np.ndarray


@dataclass(frozen=True)
class Dish:
    """Where the dish stands on the table and what it is; `well` is the radius that food may use."""

    x: float
    y: float
    radius: float
    squash: float  # short over long axis
    angle: float
    kind: str  # round | square | board
    corner: float  # exponent of the outline: 2 is an ellipse, more is squarer

    @property
    def well(self) -> float:
        """Radius of the circle that food may use, photo units."""
        return self.radius * (0.86 if self.kind != "round" else 0.80) * (0.5 + 0.5 * self.squash)

    @classmethod
    def draw(cls, rng: Rng, camera: Camera) -> Dish:
        """A random dish that fills most of the photo; a part of it may be outside."""
        kind = str(rng.choice(["round", "round", "round", "round", "square", "board"]))
        corner = {"round": 2.0, "square": rng.uniform(5, 9), "board": rng.choice([2.0, 6.0])}[kind]
        squash = 1.0 if kind == "square" else float(np.clip(1.02 - abs(rng.normal(0, 0.08)), 0.84, 1))
        radius = rng.uniform(0.47, 0.56) if kind == "round" else rng.uniform(0.44, 0.51)
        mean = (camera.width * camera.height) ** 0.25  # a little smaller in an oblong photo
        return cls(
            x=float(rng.normal(0, 0.035)),
            y=float(rng.normal(0, 0.035)),
            radius=float(radius * mean * camera.zoom),
            squash=squash,
            angle=float(rng.choice([0, np.pi / 2]) + rng.normal(0, 0.08)),
            kind=kind,
            corner=float(corner),
        )


def draw_dish(
    dish: Dish, rng: Rng, shape: tuple[int, int], scale: float, corner: tuple[float, float]
) -> Glaze:
    """Draw `dish` on a grid of `shape` (rows, columns) with `scale` pixels per photo unit.

    `corner` is the place (x, y) on the table of the grid's upper left corner.
    """
    rows, cols = shape
    dx = ((np.arange(cols, dtype=np.float32) + 0.5) / scale + (corner[0] - dish.x)).astype(np.float32)[
        None, :
    ]
    dy = ((np.arange(rows, dtype=np.float32) + 0.5) / scale + (corner[1] - dish.y)).astype(np.float32)[
        :, None
    ]
    c, s = np.float32(np.cos(dish.angle)), np.float32(np.sin(dish.angle))
    u = (dx * c + dy * s) * np.float32(1 / dish.radius)
    v = (dy * c - dx * s) * np.float32(1 / (dish.radius * dish.squash))
    if dish.corner == 2:
        rho = np.sqrt(u * u + v * v)
    else:
        rho = (np.abs(u) ** dish.corner + np.abs(v) ** dish.corner) ** np.float32(1 / dish.corner)
    return (_board if dish.kind == "board" else _plate)(rho, rng)


def _plate(rho: np.ndarray, rng: Rng) -> Glaze:
    """Glaze and profile depend on the distance from the centre alone: drawn once along it, then spread."""
    line = np.linspace(0, 1, _FINE, dtype=np.float32)
    well, lip = rng.uniform(0.68, 0.78), rng.uniform(0.026, 0.036)
    profile = 0.012 + (lip - 0.012) * smoothstep(well - 0.06, 1.0, line) ** 0.8
    profile += 0.004 * smoothstep(0.05, 0.0, np.abs(line - well)) * rng.random()
    profile = profile * smoothstep(1.001, 0.965, line) ** 0.5 + 0.002

    colour = vary(rng, _GLAZES[int(rng.choice(len(_GLAZES), p=_GLAZE_SHARES))], 0.05)
    colours = np.broadcast_to(colour, (_FINE, 3))
    if rng.random() < 0.25:  # a rim of another glaze
        rim = vary(rng, _GLAZES[int(rng.integers(len(_GLAZES)))], 0.1)
        colours = blend(colours, rim, smoothstep(well, well + 0.03, line))
    ink = vary(rng, _INKS[int(rng.integers(len(_INKS)))], 0.1)
    painted = rng.random(3) < (0.35, 0.25, 0.15)
    for on, centre, width in (
        (painted[0], 0.975, 0.03),
        (painted[1], well + 0.02, 0.012),
        (painted[2], rng.uniform(0.84, 0.93), 0.02),
    ):
        if on:
            colours = blend(colours, ink, 0.9 * smoothstep(width, width * 0.7, np.abs(line - centre)))

    index = np.minimum(rho * (_FINE - 1), _FINE - 1).astype(np.int32)
    on_dish = rho < 1
    albedo = np.take(colours, index, axis=0)
    coarse = (rho.shape[0] // 2, rho.shape[1] // 2)
    cloudy = 1 + 0.02 * noise(rng, coarse, 5, octaves=2)
    if rng.random() < 0.16:  # stoneware speckles
        cloudy *= 1 - rng.uniform(0.15, 0.5) * smoothstep(0.80, 0.9, noise(rng, coarse, 150))
    albedo *= triple(cv2.resize(cloudy, rho.shape[::-1], interpolation=cv2.INTER_LINEAR))
    height = np.where(on_dish, np.take(profile, index), 0)
    gloss = on_dish * np.float32(rng.uniform(0.25, 0.6))
    return Glaze(albedo, height, gloss)


def _board(rho: np.ndarray, rng: Rng) -> Glaze:
    tone = between(rng, rgb(206, 162, 110), rgb(160, 106, 62), rgb(104, 66, 42))
    coarse = (rho.shape[0] // 2, rho.shape[1] // 2)
    grain = noise(rng, coarse, (70, 4), octaves=2) + 0.6 * np.sin(noise(rng, coarse, (5, 2)) * 14)
    grain = cv2.resize(grain, rho.shape[::-1], interpolation=cv2.INTER_LINEAR)
    albedo = np.clip(tone * (1 + 0.08 * grain)[..., None], 0, 1).astype(np.float32)
    height = np.where(rho < 1, 0.003 + 0.018 * smoothstep(1.0, 0.95, rho) ** 0.5, 0)
    height -= 0.003 * smoothstep(0.02, 0.0, np.abs(rho - 0.92))
    return Glaze(albedo, np.maximum(height, 0).astype(np.float32), (rho < 1) * np.float32(0.15))
