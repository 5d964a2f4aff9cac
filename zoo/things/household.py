"""Things of the house, the desk and the wardrobe."""

from __future__ import annotations

import numpy as np

from rvernet_plates.textures import Rng, blend, rgb, smoothstep
from zoo.things.outlines import (
    BLACK,
    WHITE,
    arc,
    around,
    box,
    bright,
    cloth,
    curve,
    disc,
    gold,
    many,
    metal,
    mirrored,
    moved,
    path,
    petal,
    pick,
    steps,
)  # fmt: skip
from zoo.things.sheet import Points, Sheet


def pattern(s: Sheet, rng: Rng, tone: np.ndarray) -> np.ndarray:
    """A plain, striped or dotted cloth as colours (S, S, 3)."""
    other, kind = pick(rng, cloth(rng), WHITE), int(rng.integers(4))
    (x, y), k = s.grid, rng.uniform(2.5, 5)
    if kind == 0:
        field = np.sin(2 * np.pi * k * y)
    elif kind == 1:
        field = np.cos(np.pi * k * (x + y)) * np.cos(np.pi * k * (x - y)) * 2 - 1
    elif kind == 2:
        field = np.sin(2 * np.pi * k * y) + np.sin(2 * np.pi * k * x) - 0.6
    else:
        field = np.full_like(x, -1)
    return blend(tone, other, smoothstep(-0.15, 0.15, field))


def button(s: Sheet, rng: Rng) -> None:
    """A disc with a rim, a sunk middle and two or four holes."""
    tone, n = pick(rng, bright(rng), cloth(rng), WHITE), int(rng.choice([2, 4, 4]))
    s.poly(disc(1), tone, 0.18, 0.15, 0.6)
    s.poly(disc(rng.uniform(0.6, 0.75)), tone * 0.93, -0.07, 0.06, 0.6)
    r = rng.uniform(0.24, 0.32)
    s.cut(s.filled(around(disc(rng.uniform(0.1, 0.15), r), steps(n))))
    if rng.random() < 0.3:
        s.rod(path((-r, 0), (r, 0)), 0.1, cloth(rng), 0.1)


def comb(s: Sheet, rng: Rng) -> None:
    """A spine with many teeth, some combs with a handle or with two widths of teeth."""
    tone, n = pick(rng, bright(rng), BLACK, rgb(120, 70, 40), WHITE), int(rng.integers(14, 25))
    deep, bow = rng.uniform(0.35, 0.5), rng.uniform(0, 0.12)
    x = np.linspace(-0.93, 0.93, n)
    top = bow * (x / 0.93) ** 2 - 0.3
    wide = np.where((x > 0) & (rng.random() < 0.5), 0.85, 1.15)
    keep = np.ones(n, bool) if wide[-1] > 1 else (x < 0) | (np.arange(n) % 2 == 0)
    x, top = x[keep], top[keep]
    s.rod((np.stack([x, x], 1), np.stack([top, np.full_like(x, deep)], 1)), 0.95 / n, tone, 0.5)
    s.lay(s.stroked((x, top), rng.uniform(0.22, 0.32)), tone, 0.12, 0.06, 0.5, 0)


def pencil(s: Sheet, rng: Rng) -> None:
    """A hexagonal shaft, a cut wooden cone with its lead, and at times a rubber in a brass ring."""
    tone, h = bright(rng), rng.uniform(0.12, 0.18)
    s.poly(path((-0.98, -h), (0.6, -h), (0.6, h), (-0.98, h)), tone, 0.14, h, 0.5)
    s.line(path((-0.98, -h * 0.35), (0.6, -h * 0.35)), 0.03, tone * 0.75)
    s.line(path((-0.98, h * 0.4), (0.6, h * 0.4)), 0.03, tone * 0.75)
    s.poly(path((0.58, -h), (0.66, -h * 0.3), (0.58, 0), (0.66, h * 0.4), (0.58, h), (0.98, 0)),
           rgb(226, 186, 134), 0.14, h, 0.1, z=0)  # fmt: skip
    s.poly(path((0.58, -h), (0.98, 0), (0.58, h)), rgb(226, 186, 134), 0.13, h, 0.1, z=0)
    s.spot(path((0.86, -h * 0.32), (1.0, 0), (0.86, h * 0.32)), pick(rng, BLACK, tone))
    if rng.random() < 0.6:
        s.poly(box(0.1, h, -0.84), gold(rng), 0.02, 0.04, 0.8)
        s.poly(box(0.07, h, -0.95, corner=0.05), rgb(226, 120, 120), 0.02, 0.06, 0.1)


def light_bulb(s: Sheet, rng: Rng) -> None:
    """A pear of glass with its filament on a threaded socket."""
    glass = pick(rng, rgb(250, 240, 190), rgb(244, 226, 140), rgb(220, 228, 230), rgb(246, 246, 240))
    half = curve((0, -0.97), (0.42, -0.82), (0.58, -0.4), (0.4, 0.05), (0.22, 0.32), (0.2, 0.45))
    s.poly(mirrored(half), glass, 0.5, 0.55, 1.0)
    s.line(curve((-0.1, 0.35), (-0.2, -0.2), (-0.06, -0.38), (0.06, -0.25), (0.2, -0.38), (0.1, 0.35)),
           0.03, rgb(150, 110, 60))  # fmt: skip
    s.poly(box(0.21, 0.22, 0, 0.6, 0, 0.04), rgb(170, 172, 176), 0.3, 0.2, 0.8, z=0)
    y = np.linspace(0.45, 0.76, 4)
    s.rod((np.tile([-0.23, 0.23], (4, 1)), np.stack([y, y + 0.06], 1)), 0.08, rgb(190, 190, 194), 0.9)
    s.poly(disc(0.1, 0, 0.86), BLACK, 0.15, 0.1, 0.4, z=0)


def clock(s: Sheet, rng: Rng) -> None:
    """A round or square face with twelve marks and two hands."""
    face, rim = pick(rng, WHITE, rgb(240, 228, 200), BLACK), pick(rng, metal(rng), bright(rng), BLACK)
    ink = BLACK if face.mean() > 0.5 else WHITE
    outline = disc if rng.random() < 0.75 else (lambda r: box(r, r, corner=0.15))
    s.poly(outline(1), rim, 0.2, 0.1, 0.6)
    s.poly(outline(0.86), face, -0.08, 0.04, 0.3)
    n = int(rng.choice([12, 12, 4]))
    s.line(around(path((rng.uniform(0.6, 0.7), 0), (0.78, 0)), steps(n)), rng.uniform(0.04, 0.08), ink)
    if n == 4:
        s.spot(around(disc(0.025, 0.74), steps(12)), ink)
    minute, hour = rng.uniform(0, 2 * np.pi, 2)
    s.rod(moved(path((-0.1, 0), (0.62, 0)), 0, 0, minute), 0.055, ink, 0.4)
    s.rod(moved(path((-0.1, 0), (0.4, 0)), 0, 0, hour), 0.085, ink, 0.4)
    s.poly(disc(0.07), pick(rng, ink, rgb(200, 50, 40)), 0.05, 0.05, 0.6)


def candle(s: Sheet, rng: Rng) -> None:
    """A column of wax with drips, a wick and a flame."""
    wax, w = pick(rng, WHITE, rgb(236, 220, 180), bright(rng)), rng.uniform(0.18, 0.34)
    top = rng.uniform(-0.35, -0.05)
    s.poly(mirrored(path((0, 0.98), (w * 1.5, 0.98), (w * 1.7, 0.86), (0, 0.86))), metal(rng), 0.2, 0.1, 0.7)
    s.poly(box(w, (0.9 - top) / 2, 0, (0.9 + top) / 2, 0, 0.05), wax, 0.35, w, 0.4, z=0)
    for x in rng.uniform(-w, w, int(rng.integers(1, 5))):
        s.rod(path((x, top + 0.05), (x, top + rng.uniform(0.1, 0.5))), 0.09, wax * 0.97, 0.5)
    s.spot(disc(w * 0.9, 0, top + 0.03, 0.06), np.clip(wax * 1.15, 0, 1))
    s.rod(path((0, top), (0, top - 0.16)), 0.045, BLACK, 0.1, z=0.1)
    flame = moved(petal(rng.uniform(0.4, 0.55), 0.13, -np.pi / 2, tip=1.3), 0, top - 0.08)
    s.poly(flame, rgb(252, 170, 50), 0.1, 0.1, 0)
    s.spot(moved(petal(0.27, 0.07, -np.pi / 2), 0, top - 0.09), rgb(255, 240, 150))


def book(s: Sheet, rng: Rng) -> None:
    """A closed book: cover, spine, the edges of its pages, a title and a frame or a picture."""
    tone, w = pick(rng, bright(rng), cloth(rng)), rng.uniform(0.58, 0.72)
    s.poly(box(w, 0.92, 0.05, 0.05), rgb(236, 230, 214), 0.16, 0.02, 0.1)
    y = np.linspace(-0.8, 0.95, 6)
    s.line((np.full((6, 2), [w, w + 0.05]), np.stack([y, y], 1)), 0.015, rgb(180, 170, 150))
    s.poly(box(w, 0.92, 0, 0), tone, 0.05, 0.03, 0.4)
    s.line(path((0.16 - w, -0.92), (0.16 - w, 0.92)), 0.05, tone * 0.6, -0.03)
    ink = pick(rng, gold(rng), WHITE, BLACK)
    for k in range(int(rng.integers(1, 4))):
        half = rng.uniform(0.15, w - 0.25)
        s.line(path((0.1 - half, -0.55 + 0.17 * k), (0.1 + half, -0.55 + 0.17 * k)), 0.08, ink)
    s.spot(
        (disc(0.24, 0.1, 0.4), box(w - 0.35, 0.2, 0.1, 0.4))[int(rng.integers(2))],
        pick(rng, bright(rng), ink),
    )


def envelope(s: Sheet, rng: Rng) -> None:
    """An envelope from its back, with flap and seal, or from its front, with stamp and address."""
    paper, h = (
        pick(rng, WHITE, rgb(214, 184, 136), rgb(190, 210, 230), rgb(240, 200, 200)),
        rng.uniform(0.58, 0.7),
    )
    s.poly(box(0.97, h), paper, 0.06, 0.03, 0.1)
    if rng.random() < 0.65:
        s.line(path((-0.97, h), (-0.1, 0)), 0.03, paper * 0.75, -0.01)
        s.line(path((0.97, h), (0.1, 0)), 0.03, paper * 0.75, -0.01)
        s.poly(path((-0.97, -h), (0.97, -h), (0.06, 0.14), (-0.06, 0.14)), paper * 0.96, 0.06, 0.04, 0.1)
        if rng.random() < 0.5:
            s.poly(disc(0.15, 0, 0.1), rgb(180, 40, 40), 0.06, 0.08, 0.6)
    else:
        s.poly(box(0.15, 0.18, 0.72, 0.25 - h), bright(rng), 0.02, 0.02, 0.2)
        for k in range(3):
            s.line(path((-0.3, 0.02 + 0.16 * k), (rng.uniform(0.1, 0.5), 0.02 + 0.16 * k)), 0.05, BLACK)
        if rng.random() < 0.4:
            x = np.linspace(-0.9, 0.9, 13)
            s.line(many(path((0, -0.05), (0.07, 0.05)), x, np.full(13, h - 0.05)), 0.06, bright(rng))


def glove(s: Sheet, rng: Rng) -> None:
    """A hand of cloth with four fingers, a thumb and a cuff."""
    tone = cloth(rng)
    spread, look = rng.uniform(0.02, 0.12), pattern(s, rng, tone)
    s.lay(s.filled(box(0.36, 0.42, 0, 0.22, 0, 0.2)), look, 0.2, 0.2, 0.05)
    for k, length in enumerate((0.72, 0.9, 0.95, 0.8)):
        x = -0.27 + 0.18 * k
        tip = x + (k - 1.5) * spread * 1.6, 0.1 - length
        s.lay(s.stroked(path((x, 0.15), tip), 0.17), look, 0.2, 0.1, 0.05, 0)
    s.lay(s.stroked(curve((0.25, 0.4), (0.48, 0.2), (0.62, -0.08)), 0.2), look, 0.2, 0.1, 0.05, 0)
    s.poly(box(0.38, 0.2, 0, 0.76, 0, 0.06), pick(rng, tone * 0.7, cloth(rng)), 0.24, 0.1, 0.05, z=0)
    x = np.linspace(-0.3, 0.3, 7)
    s.line(many(path((0, -0.14), (0, 0.16)), x, np.full(7, 0.76)), 0.03, tone * 0.55, -0.03)


def sock(s: Sheet, rng: Rng) -> None:
    """A leg and a foot with heel, toe and cuff of another colour."""
    tone, other = cloth(rng), pick(rng, cloth(rng), bright(rng))
    w = rng.uniform(0.42, 0.54)
    leg = curve((-0.25, -0.9), (-0.26, 0.0), (-0.2, 0.48), (0.2, 0.64), (0.68, 0.68), n=40)
    shape = s.stroked(leg, w)
    s.lay(shape, pattern(s, rng, tone), 0.22, 0.2, 0.03)
    x, y = s.grid
    for part in (x > 0.55, (x + 0.4) ** 2 + (y - 0.68) ** 2 < 0.1, y < -0.72):
        s.paint(s.where(part), other)
    s.cut(s.where(y < -0.95))
    t = np.linspace(-0.45, -0.05, 6)
    s.line(many(path((0, -0.95), (0, -0.75)), t, np.zeros(6)), 0.03, other * 0.6, -0.03)


def bow_tie(s: Sheet, rng: Rng) -> None:
    """Two wings with folds and a knot."""
    tone, h = cloth(rng), rng.uniform(0.42, 0.6)
    look = pattern(s, rng, tone)
    wing = curve(
        (0, -0.14), (0.45, -h * 0.8), (0.95, -h), (0.9, 0), (0.95, h), (0.45, h * 0.8), (0, 0.14), n=40
    )
    for side in (-1, 1):
        s.lay(s.filled((side * wing[0], wing[1])), look, 0.2, 0.3, 0.25)
        for y in (-0.16, 0.16):
            s.line(
                path((side * 0.12, y * 0.5), (side * rng.uniform(0.4, 0.65), y * 1.3)),
                0.04,
                tone * 0.5,
                -0.04,
            )
    s.poly(box(0.14, 0.2, corner=0.08), tone * 0.85, 0.2, 0.14, 0.25, z=0.08)


def hat(s: Sheet, rng: Rng) -> None:
    """A hat from the side and a little above: a broad brim, a crown with a dent, a ribbon."""
    tone, high = pick(rng, rgb(214, 180, 120), rgb(90, 70, 56), BLACK, cloth(rng)), rng.uniform(0.5, 0.85)
    s.poly(disc(0.98, 0, 0.38, rng.uniform(0.2, 0.32)), tone, 0.06, 0.1, 0.1)
    w = rng.uniform(0.48, 0.6)
    half = curve((0, 0.42 - high), (w * 0.5, 0.36 - high), (w * 0.92, 0.5 - high), (w, 0.4), (0, 0.52))
    s.poly(mirrored(half), tone, 0.4, 0.4, 0.1)
    (x, low), (_, top) = arc(w, 0.15, np.pi - 0.15), arc(w * 0.98, 0.15, np.pi - 0.15)
    band = np.concatenate([x, x[::-1]]), 0.2 + 0.42 * np.concatenate([low, top[::-1] - 0.33])
    s.spot(band, pick(rng, bright(rng), BLACK, WHITE))
    s.line(curve((-w * 0.4, 0.44 - high), (0, 0.55 - high), (w * 0.4, 0.44 - high)), 0.06, tone * 0.7, -0.05)


def umbrella(s: Sheet, rng: Rng) -> None:
    """An open umbrella from above: ribbed panels, often of two colours, and the tip."""
    n = int(rng.integers(3, 6)) * 2
    tones = bright(rng), pick(rng, bright(rng), WHITE)
    plain, phase = rng.random() < 0.3, rng.uniform(0, 1)
    for k, a in enumerate(steps(n, phase)):
        s.poly(_panel(n, a), tones[0] * (0.9 + 0.1 * (k % 2)) if plain else tones[k % 2], 0.3, 0.8, 0.3)
    s.line(around(path((0.05, 0), (0.97, 0)), steps(n, phase - np.pi / n)), 0.035, tones[0] * 0.5, 0.03)
    s.poly(disc(0.07), BLACK, 0.15, 0.05, 0.5)


def _panel(n: int, angle: float) -> Points:
    """One of `n` triangles around the middle, its outer side bowed inwards."""
    t = np.linspace(-1, 1, 7) * np.pi / n
    r = 1 - 0.09 * (1 - np.linspace(-1, 1, 7) ** 2)
    return moved((np.append(0.0, r * np.cos(t)), np.append(0.0, r * np.sin(t))), 0, 0, angle)
