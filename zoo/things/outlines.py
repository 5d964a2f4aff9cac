"""Outlines as points (x, y) in local units: discs, stars, lobes, spirals, and how they are moved."""

from __future__ import annotations

import numpy as np

from rvernet_plates.textures import Rng, rgb
from zoo.things.sheet import TURN, Points


def path(*points: tuple[float, float]) -> Points:
    """The corners given one by one."""
    x, y = zip(*points, strict=True)
    return np.asarray(x, float), np.asarray(y, float)


def arc(r: float, start: float = 0.0, stop: float = TURN, x: float = 0, y: float = 0, n: int = 40) -> Points:
    """A part of a circle from angle `start` to `stop` in radians (y points down)."""
    t = np.linspace(start, stop, n)
    return x + r * np.cos(t), y + r * np.sin(t)


def disc(r: float, x: float = 0, y: float = 0, ry: float | None = None, angle: float = 0) -> Points:
    """A circle, or an ellipse with half axes `r` and `ry` turned by `angle`."""
    n = 14 if r < 0.12 else 40
    t = np.arange(n) * (TURN / n)
    return moved((r * np.cos(t), (r if ry is None else ry) * np.sin(t)), x, y, angle)


def box(w: float, h: float, x: float = 0, y: float = 0, angle: float = 0, corner: float = 0) -> Points:
    """A rectangle with half sides `w` and `h`, its corners rounded by radius `corner`."""
    if corner <= 0:
        return moved((np.array([-w, w, w, -w]), np.array([-h, -h, h, h])), x, y, angle)
    t = np.arange(24) * (TURN / 24) + TURN / 48
    corner = min(corner, w, h)
    px = np.sign(np.cos(t)) * (w - corner) + corner * np.cos(t)
    py = np.sign(np.sin(t)) * (h - corner) + corner * np.sin(t)
    return moved((px, py), x, y, angle)


def star(n: int, inner: float, outer: float = 1.0, phase: float = -np.pi / 2) -> Points:
    """A star with `n` tips; `inner` is the radius between the tips."""
    t = np.arange(2 * n) * (np.pi / n) + phase
    r = np.where(np.arange(2 * n) % 2 == 0, outer, inner)
    return r * np.cos(t), r * np.sin(t)


def regular(n: int, r: float = 1.0, phase: float = -np.pi / 2) -> Points:
    """A regular polygon."""
    t = np.arange(n) * (TURN / n) + phase
    return r * np.cos(t), r * np.sin(t)


def waves(n: int, depth: float, r: float = 1.0, sharp: float = 0.0) -> Points:
    """A circle with `n` waves of `depth`; `sharp` > 0 makes flat teeth of them."""
    t = np.arange(240) * (TURN / 240)
    wave = np.cos(n * t)
    if sharp:
        wave = np.clip(wave * sharp, -1, 1)
    radius = r * (1 + depth * wave) / (1 + depth)
    return radius * np.cos(t), radius * np.sin(t)


def blob(rng: Rng, r: float = 1.0, amplitude: float = 0.12, orders: int = 7) -> Points:
    """An irregular round outline."""
    t = np.arange(96) * (TURN / 96)
    radius = np.ones_like(t)
    for k in range(2, orders):
        radius += rng.uniform(0.3, 1) * amplitude / np.sqrt(k) * np.cos(k * t + rng.uniform(0, TURN))
    radius *= r / radius.max()
    return radius * np.cos(t), radius * np.sin(t)


def petal(length: float, width: float, angle: float = 0, start: float = 0.0, tip: float = 1.0) -> Points:
    """A leaf-like outline from `start` to `start` + `length` along `angle`; `tip` < 1: blunt."""
    s = np.linspace(0, 1, 16)
    half = width * np.sin(np.pi * s**0.9) ** tip
    x = np.concatenate([s, s[::-1]]) * length + start
    return moved((x, np.concatenate([half, -half[::-1]])), 0, 0, angle)


def spiral(turns: float, r0: float, r1: float, phase: float = 0.0) -> Points:
    """A spiral from radius `r0` to `r1`."""
    t = np.linspace(0, 1, max(24, int(turns * 28)))
    r, a = r0 + (r1 - r0) * t, phase + TURN * turns * t
    return r * np.cos(a), r * np.sin(a)


def curve(*points: tuple[float, float], n: int = 28) -> Points:
    """A smooth line through a few points (Catmull-Rom)."""
    p = np.asarray(points, float)
    p = np.concatenate([2 * p[:1] - p[1:2], p, 2 * p[-1:] - p[-2:-1]])
    t = np.linspace(0, len(points) - 1 - 1e-9, n)
    k = t.astype(int)
    t = (t - k)[:, None]
    a, b, c, d = p[k], p[k + 1], p[k + 2], p[k + 3]
    q = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    return q[:, 0], q[:, 1]


def moved(points: Points, x: float = 0, y: float = 0, angle: float = 0, scale: float = 1) -> Points:
    """Scaled, turned by `angle`, then shifted."""
    c, s = scale * np.cos(angle), scale * np.sin(angle)
    px, py = points
    return x + c * px - s * py, y + s * px + c * py


def many(points: Points, x: np.ndarray, y: np.ndarray) -> Points:
    """One outline (N,) at K places (K,): points (K, N), for `filled` and `stroked`."""
    px, py = points
    return np.asarray(x)[:, None] + px, np.asarray(y)[:, None] + py


def around(points: Points, angles: np.ndarray) -> Points:
    """One outline (N,) turned by K angles around the origin: points (K, N)."""
    (px, py), c, s = points, np.cos(angles)[:, None], np.sin(angles)[:, None]
    return c * px - s * py, s * px + c * py


def steps(n: int, phase: float = 0.0) -> np.ndarray:
    """`n` equal angles around the circle."""
    return np.arange(n) * (TURN / n) + phase


def mirrored(points: Points) -> Points:
    """The outline closed by its mirror image at the y axis: from a right half to the whole."""
    x, y = points
    return np.concatenate([x, -x[::-1]]), np.concatenate([y, y[::-1]])


# --- colours ----------------------------------------------------------------------------------------


def pick(rng: Rng, *colours: np.ndarray) -> np.ndarray:
    """One of the colours, a little varied."""
    colour = colours[int(rng.integers(len(colours)))]
    return np.clip(colour * (1 + rng.uniform(-0.08, 0.08)) + rng.uniform(-0.03, 0.03, 3), 0, 1).astype("f4")


def metal(rng: Rng) -> np.ndarray:
    """Steel, brass, copper or blackened iron."""
    return pick(
        rng, rgb(176, 180, 186), rgb(150, 154, 160), rgb(196, 160, 84), rgb(168, 100, 66), rgb(84, 84, 90)
    )


def gold(rng: Rng) -> np.ndarray:
    return pick(rng, rgb(214, 170, 70), rgb(226, 186, 96))


def bright(rng: Rng) -> np.ndarray:
    """A toy's colour."""
    return pick(
        rng, rgb(206, 44, 44), rgb(40, 96, 190), rgb(240, 196, 40), rgb(50, 150, 80),
        rgb(236, 120, 40), rgb(130, 70, 160), rgb(236, 130, 170),
    )  # fmt: skip


def cloth(rng: Rng) -> np.ndarray:
    """A garment's colour."""
    return pick(
        rng, rgb(60, 70, 110), rgb(120, 40, 50), rgb(70, 90, 70), rgb(190, 170, 140), rgb(60, 60, 64),
        rgb(200, 110, 90), rgb(220, 215, 205), rgb(90, 130, 160),
    )  # fmt: skip


BLACK, WHITE = rgb(30, 30, 34), rgb(240, 240, 236)
