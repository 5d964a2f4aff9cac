"""Small things of metal."""

from __future__ import annotations

import numpy as np

from rvernet_plates.textures import Rng, rgb
from zoo.things.outlines import (
    BLACK,
    arc,
    around,
    box,
    bright,
    curve,
    disc,
    gold,
    many,
    metal,
    mirrored,
    moved,
    path,
    pick,
    regular,
    star,
    steps,
    waves,
)  # fmt: skip
from zoo.things.sheet import TURN, Sheet


def key(s: Sheet, rng: Rng) -> None:
    """A ring or clover bow, a shaft, and a bit with some teeth."""
    tone, r = metal(rng), rng.uniform(0.26, 0.38)
    x = -0.95 + r
    bow = (disc(r, x), box(r, r * 0.8, x, corner=0.1), moved(waves(3, 0.3, r), x))[int(rng.integers(3))]
    s.poly(box(0.75, rng.uniform(0.06, 0.1), 0.23), tone, 0.12, 0.08, 0.8)
    s.poly(bow, tone, 0.12, 0.08, 0.8, z=0)
    s.cut(s.filled(disc(r * rng.uniform(0.35, 0.55), x - r * 0.15)))
    for k in range(int(rng.integers(2, 5))):
        s.poly(box(0.05, rng.uniform(0.08, 0.17), 0.93 - 0.13 * k, 0.15), tone, 0.12, 0.06, 0.8, z=0)


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
    s.spot(around(disc(0.025, 0.78), steps(24)), tone * 0.6, -0.02)


def gear(s: Sheet, rng: Rng) -> None:
    """A toothed wheel with a bore and round windows."""
    tone, teeth = metal(rng), int(rng.integers(8, 19))
    s.poly(waves(teeth, 0.12, 1, 2.5), tone, 0.16, 0.05, 0.6)
    s.poly(disc(0.68), tone * 0.85, -0.06, 0.05, 0.5)
    s.poly(disc(0.3), tone, 0.08, 0.05, 0.6)
    s.cut(s.filled(around(disc(0.13, 0.48), steps(int(rng.integers(3, 7))))))
    s.cut(s.filled(disc(rng.uniform(0.1, 0.18))))


def screw(s: Sheet, rng: Rng) -> None:
    """A pointed shaft with a slanting thread and a flat, round or hexagonal head."""
    tone, half = metal(rng), rng.uniform(0.12, 0.2)
    s.poly(path((-0.75, -half), (0.55, -half), (0.98, 0), (0.55, half), (-0.75, half)), tone, 0.2, half, 0.7)
    x = np.linspace(-0.45, 0.75, int(rng.integers(8, 15)))
    across = half * np.clip((1 - x) / 0.45, 0, 1) + 0.03
    s.rod((np.stack([x - 0.04, x + 0.04], 1), np.stack([-across, across], 1)), 0.055, tone * 1.05, 0.8)
    wide = rng.uniform(0.3, 0.42)
    if rng.random() < 0.5:
        head = path(
            (-0.98, -wide), (-0.88, -wide), (-0.62, -half), (-0.62, half), (-0.88, wide), (-0.98, wide)
        )
    else:
        head = box(0.16, wide, -0.82, corner=rng.choice([0.02, 0.14]))
    s.poly(head, tone, 0.16, 0.12, 0.8)
    s.line(path((-0.98, 0), (-0.84, 0)), 0.09, tone * 0.35, -0.1)


def hex_nut(s: Sheet, rng: Rng) -> None:
    """A hexagon with a threaded hole."""
    tone, r = metal(rng), rng.uniform(0.42, 0.58)
    s.poly(regular(6), tone * 0.9, 0.3, 0.06, 0.7)
    s.poly(disc(0.84), tone, 0.06, 0.1, 0.8)
    s.spot(disc(r + 0.07), tone * 0.6, -0.06)
    s.rod(arc(r), 0.06, tone * 0.8, 0.8, closed=True)
    s.cut(s.filled(disc(r)))


def paper_clip(s: Sheet, rng: Rng) -> None:
    """A wire bent into three loops, bare or coated."""
    tone = pick(rng, metal(rng), bright(rng))
    a, b = rng.uniform(0.26, 0.36), rng.uniform(0.17, 0.23)
    top = arc(a, np.pi, TURN, 0, -0.6, 12)
    low = arc((a + b) / 2 + 0.02, 0, np.pi, a - (a + b) / 2 - 0.02, 0.6, 12)
    inner = arc(b, np.pi, TURN, -0.02, -0.35, 12)
    x = np.concatenate([[-a], top[0], low[0], inner[0], [b]])
    y = np.concatenate([[0.45], top[1], low[1], inner[1], [0.35]])
    s.rod((x, y), rng.uniform(0.07, 0.11), tone, 0.8)


def scissors(s: Sheet, rng: Rng) -> None:
    """Two crossed blades with a rivet and two coloured ring handles."""
    tone, grip = rgb(186, 190, 196) * rng.uniform(0.7, 1.05), pick(rng, bright(rng), BLACK)
    gape = rng.uniform(0.1, 0.5)
    for side in (-1, 1):
        blade = path((0, -0.98), (0.09, -0.5), (0.09, 0.1), (-0.07, 0.1), (-0.06, -0.6))
        x, y = moved(blade, 0, 0, gape / 2)
        s.poly((side * x, y), tone, 0.07, 0.06, 0.9)
        x, y = moved(path((-0.02, 0.05), (-0.18, 0.45)), 0, 0, gape / 2)
        s.rod((side * x, y), 0.15, grip, 0.5, z=0)
        x, y = moved(disc(0.22, -0.27, 0.66, 0.3, 0.25), 0, 0, gape / 2)
        s.rod((side * x, y), 0.12, grip, 0.5, closed=True, z=0)
    s.poly(disc(0.055, 0, -0.02), tone * 0.7, 0.06, 0.05, 0.9)


def padlock(s: Sheet, rng: Rng) -> None:
    """A body with a keyhole and a shackle, open at times."""
    tone, w = pick(rng, metal(rng), gold(rng), bright(rng)), rng.uniform(0.55, 0.72)
    lift, r = rng.choice([0.0, 0.15]), w * 0.62
    x, y = arc(r, np.pi, TURN, 0, -0.4 - lift, 18)
    s.rod(
        (np.concatenate([[-r], x, [r]]), np.concatenate([[0], y, [-lift * 2]])), 0.16, rgb(170, 174, 180), 0.9
    )
    body = box(w, 0.5, 0, 0.45, 0, rng.choice([0.05, 0.2, 0.45]))
    s.poly(body, tone, 0.28, 0.12, 0.7)
    s.spot(disc(0.11, 0, 0.38), BLACK, -0.05)
    s.spot(path((-0.05, 0.4), (0.05, 0.4), (0.1, 0.68), (-0.1, 0.68)), BLACK, -0.05)


def chain(s: Sheet, rng: Rng) -> None:
    """Links along a bow, seen from the broad and from the narrow side in turn."""
    tone, bow, n = metal(rng), rng.uniform(-0.6, 0.6), int(rng.choice([3, 5, 5, 7]))
    x = np.linspace(-0.72, 0.72, n)
    y, angle = bow * (x * x - 0.25), np.arctan(2 * bow * x)
    long = 1.05 / n
    for k in range(0, n, 2):
        link = box(long, long * 0.68, x[k], y[k], angle[k], long * 0.65)
        s.rod(link, 0.5 / n + 0.02, tone, 0.8, closed=True)
    for k in range(1, n, 2):
        s.rod(moved(path((-long, 0), (long, 0)), x[k], y[k], angle[k]), 0.6 / n + 0.02, tone * 0.95, 0.8)


def spring(s: Sheet, rng: Rng) -> None:
    """A coil of wire from the side: near turns over far ones."""
    tone, n, h = metal(rng), int(rng.integers(5, 11)), rng.uniform(0.25, 0.42)
    x, step = np.linspace(-0.85, 0.85, n + 1), 0.85 / n
    far = (np.stack([x[:-1] + step * 1.1, x[1:] - step * 0.1], 1), np.tile([-h, h], (n, 1)))
    s.rod((far[0], -far[1]), 0.5 / n + 0.03, tone * 0.6, 0.5)
    lean = np.stack([x - step * 0.5, x - step * 0.2, x + step * 0.2, x + step * 0.5], 1)
    s.rod((lean, np.tile([-h, -h * 0.6, h * 0.6, h], (n + 1, 1))), 0.5 / n + 0.04, tone, 0.85, z=0.2)


def horseshoe(s: Sheet, rng: Rng) -> None:
    """A broad U with a groove and nail holes."""
    tone, wide = pick(rng, metal(rng), rgb(120, 96, 80)), rng.uniform(0.2, 0.3)
    a, r = rng.uniform(0.5, 0.85), 0.95 - wide / 2
    half = arc(r, np.pi / 2 + np.pi - 0.001, TURN + a, 0, 0, 24)
    x, y = mirrored((half[0][::-1] * 0.85, half[1][::-1] * 1.05 - 0.0))
    s.lay(s.stroked((x, y), wide), tone, 0.14, 0.06, 0.5)
    s.line((x, y), wide * 0.22, tone * 0.65, -0.05)
    s.spot(many(disc(0.045), x[3::6], y[3::6]), BLACK, -0.05)


def anchor(s: Sheet, rng: Rng) -> None:
    """A shank with ring and stock, and two curved arms with flukes."""
    tone, w = pick(rng, metal(rng), rgb(40, 54, 90)), rng.uniform(0.1, 0.16)
    s.rod(disc(0.14, 0, -0.8), w * 0.8, tone, 0.6, closed=True)
    s.rod(path((0, -0.66), (0, 0.8)), w * 1.2, tone, 0.6, z=0)
    s.rod(path((-0.38, -0.42), (0.38, -0.42)), w, tone, 0.6, z=0.02)
    s.rod(arc(0.72, 0.25, np.pi - 0.25, 0, 0.12, 24), w * 1.2, tone, 0.6, z=0)
    for side in (-1, 1):
        x, y = path((0.9, 0.42), (0.72, 0.02), (0.5, 0.35))
        s.poly((side * x, y), tone, 0.1, 0.06, 0.6, z=0)


def bell(s: Sheet, rng: Rng) -> None:
    """A bell from the side, with its clapper, rings and a loop."""
    tone, waist = pick(rng, gold(rng), metal(rng)), rng.uniform(0.4, 0.52)
    s.rod(disc(0.12, 0, -0.82), 0.08, tone * 0.8, 0.6, closed=True)
    s.poly(disc(0.17, 0, 0.74), tone * 0.6, 0.2, 0.17, 0.7)
    half = curve((0, -0.74), (waist * 0.75, -0.6), (waist, 0.1), (0.62, 0.45), (0.85, 0.72))
    s.poly(mirrored(half), tone, 0.5, 0.6, 0.9)
    s.rod(path((-0.8, 0.7), (0.8, 0.7)), 0.13, tone, 0.9, z=0.35)
    s.line(path((-waist, 0.05), (waist, 0.05)), 0.05, tone * 0.6, -0.04)
    if rng.random() < 0.5:
        s.rod(curve((-0.3, -0.75), (0, -0.68), (0.3, -0.75)), 0.2, bright(rng), 0.3)
