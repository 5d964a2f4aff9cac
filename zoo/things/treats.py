"""A few foods of FoodSeg103 that no experiment uses."""

from __future__ import annotations

import numpy as np

from rvernet_plates.textures import Rng, blend, rgb, smoothstep
from zoo.things.outlines import (
    BLACK,
    WHITE,
    arc,
    around,
    blob,
    bright,
    curve,
    disc,
    many,
    moved,
    path,
    petal,
    pick,
    steps,
    waves,
)  # fmt: skip
from zoo.things.sheet import TURN, Sheet


def pizza(s: Sheet, rng: Rng) -> None:
    """A crust with red and yellow, topped with slices and leaves; a piece may be missing."""
    s.poly(blob(rng, 1, 0.03), pick(rng, rgb(214, 160, 90), rgb(190, 130, 70)), 0.16, 0.12, 0.1)
    s.poly(blob(rng, 0.86, 0.04), rgb(190, 60, 30), -0.05, 0.05, 0.3)
    s.tint(smoothstep(-0.25, 0.1, s.noise(rng, 8, 2)) * (np.hypot(*s.grid) < 0.83), rgb(246, 214, 120), 0.02)
    n = int(rng.integers(6, 12))
    far, a = rng.uniform(0.2, 0.7, n), steps(n) * 1.618 + rng.uniform(0, 1)
    x, y = far * np.cos(a), far * np.sin(a)
    s.lay(
        s.filled(many(disc(rng.uniform(0.11, 0.17)), x, y)),
        pick(rng, rgb(170, 40, 30), rgb(196, 90, 70)),
        0.04,
        0.03,
        0.4,
    )
    for k in range(int(rng.integers(0, 7))):
        s.poly(
            moved(petal(0.2, 0.06, rng.uniform(0, TURN)), -y[k % n] * 0.9, x[k % n] * 0.8),
            rgb(50, 110, 40),
            0.03,
            0.03,
            0.2,
        )
    if rng.random() < 0.6:
        cuts = int(rng.choice([4, 6, 8]))
        s.line(around(path((0, 0), (1.05, 0)), steps(cuts)), 0.025, rgb(120, 70, 40), -0.08)
        if rng.random() < 0.5:
            s.cut(s.filled(path((0, 0), (1.2, 0), (1.2 * np.cos(TURN / cuts), 1.2 * np.sin(TURN / cuts)))))


def cake(s: Sheet, rng: Rng) -> None:
    """A slice of layered cake from the side, with icing, cream and something on top."""
    crumb = pick(rng, rgb(240, 210, 140), rgb(110, 66, 44), rgb(190, 70, 60), rgb(226, 180, 110))
    icing = pick(rng, WHITE, rgb(240, 180, 200), rgb(90, 50, 36), rgb(250, 240, 200))
    slope = rng.uniform(0.1, 0.35)
    s.poly(
        path((-0.95, -0.3), (0.85, -0.3 - slope), (0.95, -0.12), (0.3, 0.0), (-0.95, 0.0)),
        icing,
        0.3,
        0.1,
        0.4,
    )
    s.poly(path((-0.95, -0.3), (0.92, -0.2), (0.92, 0.62), (-0.95, 0.75)), crumb, 0.3, 0.06, 0.05, z=0)
    for k in range(n := int(rng.integers(1, 4))):
        y = -0.22 + 0.95 * (k + 1) / (n + 1)
        s.line(path((-0.95, y), (0.92, y - 0.04)), 0.08, icing, 0.02)
    s.shade(0.09 * s.noise(rng, 40, 2), 0.02)
    s.lay(s.stroked(path((-0.93, -0.26), (0.9, -0.18)), 0.15), icing, 0.08, 0.07, 0.4)
    for x in np.linspace(-0.8, 0.8, int(rng.integers(3, 8))):
        s.rod(path((x, -0.22), (x, rng.uniform(-0.15, 0.12))), 0.13, icing, 0.4)
    top = bright(rng)
    for x in np.linspace(-0.55, 0.6, int(rng.integers(1, 4))):
        s.poly(disc(0.17, x, -0.42), icing, 0.12, 0.15, 0.4)
        s.poly(disc(0.12, x, -0.5), top, 0.15, 0.12, 0.8)


def pie(s: Sheet, rng: Rng) -> None:
    """A crimped crust with a lattice of strips over a dark filling."""
    crust, fill = (
        pick(rng, rgb(216, 164, 96), rgb(196, 136, 70)),
        pick(rng, rgb(140, 30, 40), rgb(90, 40, 80), rgb(200, 130, 50)),
    )
    s.poly(waves(int(rng.integers(20, 34)), 0.05), crust, 0.2, 0.15, 0.2)
    s.poly(disc(0.8), fill, -0.08, 0.06, 0.7)
    s.shade(0.15 * s.noise(rng, 16, 2), 0.03)
    x = np.linspace(-0.6, 0.6, int(rng.integers(3, 6)))
    half = np.sqrt(0.82**2 - x**2)
    w = rng.uniform(0.1, 0.15)
    s.lay(s.stroked((np.stack([x, x], 1), np.stack([-half, half], 1)), w), crust, 0.06, 0.05, 0.25)
    s.lay(s.stroked((np.stack([-half, half], 1), np.stack([x, x], 1)), w), crust * 1.04, 0.06, 0.05, 0.25)
    s.shade(0.06 * s.noise(rng, 20, 2))


def watermelon(s: Sheet, rng: Rng) -> None:
    """A half-round or triangular slice: green rind, a white line, red flesh with black seeds."""
    rind, flesh = (
        pick(rng, rgb(40, 100, 50), rgb(80, 140, 60)),
        pick(rng, rgb(226, 60, 60), rgb(236, 90, 90), rgb(240, 190, 70)),
    )
    half = rng.choice([np.pi / 2, np.pi / 2, np.pi / 4])
    lift, r = (0.45, 0.98) if half > 1 else (0.95, 1.85)

    def slice_(radius: float) -> tuple[np.ndarray, np.ndarray]:
        x, y = arc(radius, np.pi / 2 - half, np.pi / 2 + half, 0, -lift, 40)
        return np.append(x, 0), np.append(y, -lift)

    s.poly(slice_(r), rind, 0.25, 0.06, 0.5)
    s.spot(slice_(r - 0.1), rgb(226, 236, 200))
    s.spot(slice_(r - 0.17), flesh)
    s.shade(0.06 * s.noise(rng, 30, 2), 0.01)
    n = int(rng.integers(7, 15))
    a, far = np.pi / 2 + np.linspace(-0.8, 0.8, n) * half, (r - 0.25) * rng.uniform(0.45, 0.9, n)
    s.spot(many(disc(0.035, 0, 0, 0.055), far * np.cos(a), far * np.sin(a) - lift), BLACK, 0.02)


def pineapple(s: Sheet, rng: Rng) -> None:
    """A barrel with a net of diamonds under a crown of stiff leaves."""
    tone, w = pick(rng, rgb(222, 160, 50), rgb(190, 140, 60), rgb(150, 130, 50)), rng.uniform(0.42, 0.52)
    for a in np.linspace(-1, 1, 9)[[0, 8, 1, 7, 2, 6, 3, 5, 4]]:
        green = pick(rng, rgb(70, 120, 60), rgb(100, 150, 90))
        leaf = petal(0.72 - 0.2 * abs(a), 0.1, -np.pi / 2 + a, 0, 1.2)
        s.poly(moved(leaf, a * 0.12, -0.28), green, 0.08, 0.08, 0.2)
    s.poly(disc(w, 0, 0.35, 0.63), tone, 0.45, w, 0.2, z=0)
    (x, y), k = s.grid, rng.uniform(4.5, 6.5)
    u, v = (x / w * 0.6 + y) * k, (x / w * 0.6 - y) * k
    bump = np.minimum(0.5 - np.abs(u % 1 - 0.5), 0.5 - np.abs(v % 1 - 0.5))
    on = (x / w) ** 2 + ((y - 0.35) / 0.63) ** 2 < 1
    s.tint(smoothstep(0.16, 0.02, bump) * on, rgb(110, 74, 30))
    s.tint(smoothstep(0.4, 0.47, bump) * on, rgb(110, 74, 30))
    s.height += np.where(on & (s.height > 0), 0.12 * np.minimum(bump, 0.3), 0).astype(np.float32)


def kiwi(s: Sheet, rng: Rng) -> None:
    """A cut half: brown skin, green flesh with rays, a pale core, a ring of black seeds."""
    flesh, ry = pick(rng, rgb(130, 180, 50), rgb(110, 160, 50), rgb(220, 200, 70)), rng.uniform(0.8, 1.0)
    s.poly(disc(1, 0, 0, ry), rgb(120, 90, 56), 0.35, 0.2, 0.05)
    s.poly(disc(0.9, 0, 0, ry * 0.9), flesh, 0.03, 0.05, 0.6)
    x, y = s.grid
    a, r = np.arctan2(y / ry, x), np.hypot(x, y / ry)
    inside = (r < 0.88).astype(np.float32)
    rays = np.cos(a * rng.integers(18, 30)) * smoothstep(0.2, 0.5, r)
    s.tint(inside * (0.25 + 0.2 * rays) * smoothstep(0.95, 0.3, r), np.clip(flesh * 1.4 + 0.12, 0, 1))
    s.tint(inside * smoothstep(0.32, 0.2, r), rgb(236, 236, 190))
    n = int(rng.integers(20, 36))
    t, far = steps(n) + rng.uniform(-0.05, 0.05, n), rng.uniform(0.34, 0.52, n)
    s.spot(many(disc(0.035), far * np.cos(t), far * np.sin(t) * ry), BLACK, 0.01)


def pumpkin(s: Sheet, rng: Rng) -> None:
    """Bulging ribs around a stalk, from the side or from above."""
    tone, stalk = (
        pick(rng, rgb(230, 124, 30), rgb(206, 96, 30), rgb(226, 160, 80), rgb(120, 130, 70)),
        rgb(110, 110, 60),
    )
    if rng.random() < 0.6:
        ry = rng.uniform(0.62, 0.8)
        s.rod(curve((0, -0.4), (0.02, -0.8), (rng.uniform(-0.2, 0.2), -0.95)), 0.17, stalk, 0.1)
        for k, x in enumerate((-0.62, 0.62, -0.36, 0.36, 0)):
            s.poly(
                disc(0.37, x, 0.15, ry - 0.06 * abs(x) * 3),
                tone * (0.85 + 0.04 * k),
                0.4 + 0.05 * k,
                0.37,
                0.35,
                z=0.05 * k,
            )
        return
    n = int(rng.integers(8, 12))
    for k, a in enumerate(steps(n, rng.uniform(0, 1))):
        rib = petal(0.95, 0.36, a, 0.03, 0.5)
        s.poly(rib, tone * (0.92 + 0.08 * (k % 2)), 0.45, 0.36, 0.35, z=0.02 * (k % 2))
    s.poly(disc(0.2), tone * 0.7, 0.02, 0.2, 0.2, z=0.25)
    s.rod(path((0, 0), (0.12, 0.1)), 0.17, stalk, 0.1)


def walnut(s: Sheet, rng: Rng) -> None:
    """A wrinkled shell of two halves with a seam; or the kernel, folded like a brain."""
    kernel = rng.random() < 0.35
    tone = rgb(196, 146, 96) if kernel else pick(rng, rgb(190, 150, 104), rgb(160, 120, 80))
    x = np.linspace(-0.97, 0.97, 40)
    half = 0.8 * np.sqrt(np.maximum(1 - (x / 0.97) ** 2, 0)) ** rng.uniform(0.9, 1.2)
    s.poly((np.concatenate([x, x[::-1]]), np.concatenate([-half, half[::-1]])), tone, 0.7, 0.75, 0.2)
    folds = np.abs(s.noise(rng, rng.uniform(7, 9) if kernel else rng.uniform(11, 15), 2))
    groove = smoothstep(0.16, 0.0, folds)
    s.shade((-0.5 if kernel else -0.35) * groove + 0.08 * s.noise(rng, 20), 0.12 if kernel else 0.08)
    s.line(path((-0.97, 0), (0.97, 0)), 0.14, tone * 0.55, -0.12 if kernel else 0.02)
    if kernel:
        s.line(path((0, -0.78), (0, 0.78)), 0.08, blend(tone, BLACK, 0.4), -0.08)
    else:
        s.rod(path((-0.97, 0), (0.97, 0)), 0.07, tone * 1.05, 0.2)
