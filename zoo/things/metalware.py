"""Small things of metal."""

from __future__ import annotations

import numpy as np

from rvernet_plates.textures import Rng, rgb
from zoo.things.outlines import (
    box,
    disc,
    gold,
    metal,
    moved,
    path,
    pick,
    star,
    waves,
)
from zoo.things.sheet import TURN, Sheet


def key(s: Sheet, rng: Rng) -> None:
    """A ring or clover bow, a shaft, and a bit with some teeth."""
    tone, r = metal(rng), rng.uniform(0.26, 0.38)
    x = -0.95 + r
    bow = (disc(r, x), box(r, r * 0.8, x, corner=0.1), moved(waves(3, 0.3, r), x))[int(rng.integers(3))]
    s.poly(box(0.6, rng.uniform(0.055, 0.09), 0.38), tone, 0.09, 0.06, 0.8)
    s.poly(bow, tone, 0.09, 0.06, 0.8, z=0)
    s.cut(s.filled(disc(r * rng.uniform(0.35, 0.6), x - r * 0.1)))
    for k in range(int(rng.integers(2, 5))):
        s.poly(box(0.05, rng.uniform(0.07, 0.15), 0.93 - 0.13 * k, 0.15), tone, 0.09, 0.05, 0.8, z=0)


def coin(s: Sheet, rng: Rng) -> None:
    """A disc with a raised rim, and a head, a star or a number in its middle."""
    tone = pick(rng, gold(rng), rgb(180, 182, 186), rgb(176, 108, 70))
    s.poly(disc(1), tone, 0.1, 0.05, 0.8)
    s.poly(disc(0.88), tone * 0.92, -0.03, 0.03, 0.8)
    kind = int(rng.integers(3))
    if kind == 0:  # a head in profile on a bust
        s.poly(disc(0.3, 0, -0.15, 0.38), tone, 0.06, 0.2, 0.8)
        s.poly(path((-0.3, 0.55), (-0.1, 0.1), (0.15, 0.1), (0.4, 0.55)), tone, 0.06, 0.1, 0.8)
        s.poly(path((0.25, -0.25), (0.42, -0.05), (0.25, 0)), tone, 0.05, 0.05, 0.8)
    elif kind == 1:
        s.poly(star(int(rng.integers(5, 8)), 0.25, 0.55), tone, 0.06, 0.08, 0.8)
    else:
        s.rod(path((-0.15, -0.3), (0.05, -0.45), (0.05, 0.45)), 0.14, tone, 0.8)
        s.rod(path((-0.2, 0.45), (0.3, 0.45)), 0.12, tone, 0.8)
    for t in np.arange(24) * TURN / 24:
        s.spot(disc(0.025, 0.78 * np.cos(t), 0.78 * np.sin(t)), tone * 0.6, -0.02)


def gear(s: Sheet, rng: Rng) -> None:
    """A toothed wheel with a bore and round windows."""
    tone, teeth = metal(rng), int(rng.integers(8, 19))
    s.poly(waves(teeth, 0.12, 1, 2.5), tone, 0.16, 0.05, 0.6)
    s.poly(disc(0.68), tone * 0.85, -0.06, 0.05, 0.5)
    s.poly(disc(0.3), tone, 0.08, 0.05, 0.6)
    for t in np.arange(n := int(rng.integers(3, 7))) * TURN / n:
        s.cut(s.filled(disc(0.13, 0.48 * np.cos(t), 0.48 * np.sin(t))))
    s.cut(s.filled(disc(rng.uniform(0.1, 0.18))))
