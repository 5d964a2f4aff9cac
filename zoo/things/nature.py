"""Leaves, flowers, animals, plants and what is found on a beach."""

from __future__ import annotations

import numpy as np

from rvernet_plates.textures import Rng, blend, rgb, smoothstep
from zoo.things.outlines import (
    BLACK,
    WHITE,
    around,
    blob,
    box,
    bright,
    curve,
    disc,
    many,
    mirrored,
    moved,
    path,
    petal,
    pick,
    steps,
)  # fmt: skip
from zoo.things.sheet import TURN, Sheet

GREENS = rgb(80, 140, 60), rgb(50, 110, 60), rgb(120, 160, 70)


def maple_leaf(s: Sheet, rng: Rng) -> None:
    """Five toothed lobes with veins, from green to autumn's colours."""
    tone = pick(rng, rgb(196, 60, 36), rgb(226, 130, 40), rgb(226, 180, 60), rgb(110, 140, 60))
    half = path(
        (0, -0.98), (0.13, -0.7), (0.28, -0.76), (0.24, -0.4), (0.5, -0.62), (0.56, -0.48), (0.86, -0.5),
        (0.76, -0.28), (0.95, -0.12), (0.56, 0.12), (0.62, 0.32), (0.1, 0.3), (0.03, 0.34),
    )  # fmt: skip
    x, y = mirrored(half)
    s.rod(path((0, 0.25), (rng.uniform(-0.2, 0.2), 0.97)), 0.05, tone * 0.6, 0.1)
    s.poly((x + rng.normal(0, 0.015, len(x)), y), tone, 0.06, 0.05, 0.15, z=0)
    s.shade(0.12 * s.noise(rng, 6, 2), 0.02)
    for tip in ((0, -0.85), (0.6, -0.5), (-0.6, -0.5), (0.6, 0.1), (-0.6, 0.1)):
        s.line(path((0, 0.3), tip), 0.03, tone * 0.65, -0.02)


def sea_shell(s: Sheet, rng: Rng) -> None:
    """A scallop: a fan of ribs with rings of growth and two ears at the hinge."""
    tone = pick(rng, rgb(236, 206, 180), rgb(226, 160, 130), rgb(240, 232, 220), rgb(180, 120, 110))
    n, open_ = int(rng.integers(9, 16)), rng.uniform(1.0, 1.25)
    t = np.linspace(-open_, open_, 120)
    edge = (0.93 - 0.12 * (t / open_) ** 2) + 0.04 * np.cos(t / open_ * np.pi * n)
    s.poly(box(0.32, 0.12, 0, 0.72), tone * 0.9, 0.1, 0.05, 0.3)
    s.poly((np.append(1.65 * edge * np.sin(t) * 0.62, 0), np.append(0.75 - 1.72 * edge * np.cos(t), 0.82)),
           tone, 0.35, 0.6, 0.35, z=0)  # fmt: skip
    x, y = s.grid
    angle, r = np.arctan2(x / 1.02, (0.8 - y) / 1.72), np.hypot(x / 1.02, (0.8 - y) / 1.72)
    s.shade(0.13 * np.cos(angle / open_ * np.pi * n) + 0.12 * np.sin(r * rng.uniform(14, 30)), 0.035)


def feather(s: Sheet, rng: Rng) -> None:
    """A vane of barbs with some gaps on a bent quill, often banded."""
    tone = pick(
        rng, rgb(220, 214, 200), rgb(120, 96, 76), rgb(70, 90, 130), rgb(50, 50, 54), rgb(180, 90, 60)
    )
    bend, w = rng.uniform(-0.25, 0.25), rng.uniform(0.24, 0.38)
    t = np.linspace(0, 1, 40)
    x = -0.6 + 1.55 * t
    mid, wide = bend * (1 - (2 * t - 0.7) ** 2), w * np.sin(np.pi * t**0.75) ** 0.6
    ragged = wide * (1 - 0.3 * (rng.random(40) < 0.08))
    s.poly(
        (np.concatenate([x, x[::-1]]), np.concatenate([mid - ragged, (mid + wide * 1.1)[::-1]])),
        tone,
        0.05,
        0.06,
        0.2,
    )
    gx, _ = s.grid
    if rng.random() < 0.6:
        band = smoothstep(-0.2, 0.2, np.sin(gx * rng.uniform(9, 16)))
        s.tint(band * 0.6, tone * rng.uniform(0.3, 0.6))
    k = np.arange(3, 38)
    for side in (-1, 1):
        rows = np.stack([x[k], x[k] + 0.2], 1), np.stack([mid[k], mid[k] + side * wide[k] * 1.1], 1)
        s.line(rows, 0.018, tone * 0.7, -0.012)
    s.rod((np.append(-0.98, x), np.append(mid[0] - bend * 0.4, mid)), 0.045, rgb(236, 226, 200), 0.4)


def daisy(s: Sheet, rng: Rng) -> None:
    """White petals around a yellow, grainy disc."""
    tone = pick(rng, WHITE, WHITE, rgb(240, 200, 220), rgb(246, 236, 190))
    n, w = 2 * int(rng.integers(6, 11)), rng.uniform(0.07, 0.11)
    for row in (0, 1):  # every second petal lies over its neighbours
        petals = around(petal(rng.uniform(0.68, 0.78), w, 0, 0.2, 0.5), steps(n // 2, row * TURN / n))
        s.poly(petals, tone * (0.9 + 0.1 * row), 0.06, w, 0.1, z=0.03 * row)
    s.poly(disc(rng.uniform(0.25, 0.33)), rgb(240, 190, 40), 0.16, 0.25, 0.1, z=0)
    x, y = _phyllotaxis(60, 0.27)
    s.spot(many(disc(0.02), x, y), rgb(200, 140, 30), 0.02)


def _phyllotaxis(n: int, r: float) -> tuple[np.ndarray, np.ndarray]:
    """`n` points as the seeds of a sunflower stand, within radius `r`."""
    k = np.arange(n) + 0.5
    t, d = k * 2.39996, r * np.sqrt(k / n)
    return d * np.cos(t), d * np.sin(t)


def tulip(s: Sheet, rng: Rng) -> None:
    """A cup of pointed petals from the side, on a stem with long leaves."""
    tone = pick(rng, rgb(206, 44, 60), rgb(240, 190, 50), rgb(226, 120, 160), rgb(130, 60, 140), WHITE)
    green = pick(rng, *GREENS)
    s.rod(curve((0, 0), (rng.uniform(-0.1, 0.1), 0.5), (0, 0.98)), 0.09, green, 0.2)
    for side in rng.permutation([-1, 1])[: int(rng.integers(1, 3))]:
        x, y = curve((0, 0.95), (0.28, 0.55), (0.5, 0.0), (0.22, 0.4), (0, 0.7))
        s.poly((side * x, y), green * 0.9, 0.08, 0.1, 0.2, z=0)
    spread = rng.uniform(0.36, 0.52)
    for side in (-1, 1):
        x, y = curve(
            (0, 0.12),
            (spread * 0.9, -0.05),
            (spread, -0.6),
            (spread * 0.7, -0.95),
            (spread * 0.2, -0.55),
            (0, 0.12),
        )
        s.poly((side * x, y), tone * 0.88, 0.2, 0.25, 0.3, z=0)
    s.poly(
        mirrored(curve((0, -0.88), (0.2, -0.6), (0.26, -0.2), (0.12, 0.1), (0, 0.14))),
        tone,
        0.26,
        0.25,
        0.3,
        z=0.04,
    )
    s.line(path((0, -0.7), (0, 0.1)), 0.03, tone * 0.75)


def sunflower(s: Sheet, rng: Rng) -> None:
    """Rows of pointed yellow petals around a broad disc of seeds."""
    tone = pick(rng, rgb(246, 190, 30), rgb(240, 160, 30), rgb(250, 210, 60))
    n, rows = int(rng.integers(9, 13)), 3
    for row in range(rows):
        petals = around(petal(0.6 - 0.05 * row, 0.15, 0, 0.38, 1.1), steps(n, row * TURN / n / rows))
        s.poly(petals, tone * (0.72 + 0.14 * row), 0.05, 0.12, 0.15, z=0.03 * row)
    r = rng.uniform(0.42, 0.52)
    s.poly(disc(r), rgb(96, 60, 30), 0.16, 0.3, 0.1, z=0)
    x, y = _phyllotaxis(110, r * 0.96)
    s.spot(many(disc(0.025), x, y), rgb(50, 32, 20), 0.03)
    s.spot(disc(r * 0.35), rgb(130, 110, 40), -0.03)


def starfish(s: Sheet, rng: Rng) -> None:
    """Five round, tapering arms with rows of warts."""
    tone = pick(rng, rgb(226, 120, 70), rgb(200, 70, 60), rgb(220, 180, 120), rgb(150, 110, 150))
    t, inner, power = steps(160), rng.uniform(0.26, 0.38), rng.uniform(1.4, 2.4)
    r = inner + (0.97 - inner) * ((1 + np.cos(5 * t)) / 2) ** power
    bend = rng.uniform(-0.3, 0.3) * r**2
    s.poly((r * np.cos(t + bend), r * np.sin(t + bend)), tone, 0.25, 0.25, 0.15)
    s.shade(0.1 * s.noise(rng, 22, 2), 0.03)
    far = np.linspace(0.08, 0.85, 8)
    a = steps(5)[:, None] + rng.uniform(-0.05, 0.05) + np.sign(bend[0]) * abs(bend[0]) * far[None, :] ** 2
    x, y = (far * np.cos(a)).ravel(), (far * np.sin(a)).ravel()
    s.lay(s.filled(many(disc(0.035), x, y)), np.clip(tone * 1.25 + 0.08, 0, 1), 0.04, 0.03, 0.2)


def butterfly(s: Sheet, rng: Rng) -> None:
    """Two pairs of wings with dark margins and mirrored spots, a thin body with feelers."""
    tone = pick(rng, rgb(236, 130, 40), rgb(60, 110, 200), rgb(240, 210, 70), rgb(120, 170, 90), WHITE)
    edge, dot = pick(rng, BLACK, rgb(80, 50, 40)), pick(rng, WHITE, bright(rng))
    a, b = rng.uniform(-0.95, -0.7), rng.uniform(0.6, 0.9)
    upper = curve((0.04, -0.1), (0.35, a * 0.8), (0.92, a), (0.85, -0.25), (0.4, 0.12), (0.04, 0.1), n=36)
    lower = curve((0.04, 0.0), (0.5, 0.08), (0.72, 0.4), (0.45, b), (0.2, 0.5), (0.04, 0.2), n=36)
    spots = rng.uniform(0.05, 0.1)
    for side in (-1, 1):
        for wing, (cx, cy) in ((lower, (0.4, 0.35)), (upper, (0.5, -0.35))):
            s.poly((side * wing[0], wing[1]), edge, 0.06, 0.04, 0.2)
            x, y = moved(wing, cx * 0.2, cy * 0.2, 0, 0.8)
            s.spot((side * x, y), tone)
            s.spot(disc(spots * 1.5, side * cx * 1.1, cy * 1.05), dot)
            s.spot(disc(spots * 0.8, side * cx * 1.1, cy * 1.05), edge)
            tips = np.array([4, 12, 20])
            veins = np.stack([np.full(3, 0.06), x[tips]], 1) * side, np.stack([np.full(3, 0.02), y[tips]], 1)
            s.line(veins, 0.02, edge)
        s.rod(curve((0, -0.3), (side * 0.1, -0.55), (side * 0.25, -0.72)), 0.03, edge, 0.1)
    s.rod(path((0, -0.3), (0, 0.45)), 0.12, edge, 0.3)


def ladybird(s: Sheet, rng: Rng) -> None:
    """A red dome with black dots and a seam, a dark head with feelers, six legs."""
    tone = pick(rng, rgb(206, 40, 30), rgb(226, 80, 30), rgb(236, 170, 40))
    for y in (-0.35, 0.1, 0.5):
        s.rod(path((-0.95, y + 0.1), (-0.6, y), (0.6, y), (0.95, y + 0.1)), 0.07, BLACK, 0.3)
    s.poly(disc(0.42, 0, -0.62, 0.34), BLACK, 0.3, 0.3, 0.6, z=0)
    s.poly(disc(0.76, 0, 0.14, 0.82), tone, 0.6, 0.75, 0.8, z=0)
    s.line(path((0, -0.65), (0, 0.95)), 0.05, BLACK, -0.03)
    n, r = int(rng.integers(2, 5)), rng.uniform(0.1, 0.16)
    y = np.linspace(-0.35, 0.65, n) + 0.02
    x = 0.36 + 0.12 * (np.arange(n) % 2)
    s.spot(many(disc(r), np.concatenate([x, -x]), np.concatenate([y, y])), BLACK)
    s.spot(many(disc(0.08), np.array([-0.22, 0.22]), np.array([-0.72, -0.72])), WHITE)


def snowflake(s: Sheet, rng: Rng) -> None:
    """Six equal arms with side branches, of ice or of paper."""
    tone, w = pick(rng, WHITE, rgb(200, 224, 244), rgb(150, 196, 236)), rng.uniform(0.055, 0.1)
    s.rod(around(path((0, 0), (0.95, 0)), steps(6)), w, tone, 0.7)
    for far in np.sort(rng.uniform(0.25, 0.85, int(rng.integers(2, 4)))):
        long = rng.uniform(0.14, 0.34) * (1.2 - far * 0.5)
        for side in (-1, 1):
            branch = path((far, 0), (far + long * 0.6, side * long * 0.95))
            s.rod(around(branch, steps(6)), w * 0.9, tone, 0.7, z=0)
    if rng.random() < 0.6:
        r = rng.uniform(0.15, 0.3)
        s.rod((r * np.cos(steps(6)), r * np.sin(steps(6))), w, tone, 0.7, closed=True, z=0)


def tree(s: Sheet, rng: Rng) -> None:
    """A tree from the side: a trunk under a crown of leaves, or a fir of several storeys."""
    green, bark = pick(rng, *GREENS, rgb(200, 120, 40)), pick(rng, rgb(100, 70, 46), rgb(80, 60, 50))
    w = rng.uniform(0.08, 0.14)
    s.poly(path((-w, 0.0), (w, 0.0), (w * 1.5, 0.97), (-w * 1.5, 0.97)), bark, 0.12, 0.1, 0.05)
    if rng.random() < 0.6:
        s.rod((np.array([[0, -0.3], [0, 0.35]]), np.array([[0.5, 0.2], [0.45, 0.15]])), w * 0.7, bark, 0.05)
        for _ in range(int(rng.integers(6, 10))):
            x, y = rng.uniform(-0.5, 0.5), rng.uniform(-0.6, 0.05)
            s.poly(
                moved(blob(rng, rng.uniform(0.28, 0.42), 0.1), x, y),
                green * rng.uniform(0.8, 1.1),
                0.1,
                0.15,
                0.05,
                z=0.1 * rng.random(),
            )
    else:
        for k in range(n := int(rng.integers(3, 5))):
            y, half = 0.65 - 0.75 * k * 1.3 / n, 0.72 * (1 - k / (n + 0.6))
            x = np.linspace(-half, half, 15)
            low = y + 0.06 * (np.arange(15) % 2)
            s.poly(
                (np.append(x, 0), np.append(low, y - 0.65)),
                green * rng.uniform(0.85, 1.05),
                0.15,
                0.2,
                0.05,
                z=0.06 * k,
            )
    s.shade(0.16 * s.noise(rng, 26, 2), 0.035)


def cactus(s: Sheet, rng: Rng) -> None:
    """A ribbed column with arms and spines, often in a pot, at times in flower."""
    green, w = pick(rng, rgb(70, 130, 70), rgb(90, 150, 90), rgb(60, 110, 90)), rng.uniform(0.3, 0.42)
    low = 0.6
    parts = [path((0, low + 0.2), (0, -0.9 + w / 2))]
    for side in rng.permutation([-1, 1])[: int(rng.integers(1, 3))]:
        y, far = rng.uniform(-0.1, 0.3), rng.uniform(0.5, 0.68)
        parts.append(
            curve(
                (0, y),
                (side * far * 0.8, y + 0.02),
                (side * far, y - 0.15),
                (side * far, y - rng.uniform(0.35, 0.6)),
            )
        )
    for points in parts[::-1]:
        wide = w if len(points[0]) == 2 else w * 0.6
        s.rod(points, wide, green, 0.2)
        for shift in (-0.26, 0.0, 0.26):
            s.line((points[0] + shift * wide, points[1]), 0.03, green * 0.6, -0.03)
    x, y = rng.uniform(-0.8, 0.8, 70), rng.uniform(-0.95, low, 70)
    s.line(many(path((-0.02, -0.02), (0.02, 0.02)), x, y), 0.02, rgb(236, 230, 190))
    if rng.random() < 0.5:
        s.poly(disc(0.12, 0, -0.88), bright(rng), 0.1, 0.1, 0.2)
    if rng.random() < 0.7:
        s.poly(
            path((-0.5, 0.52), (0.5, 0.52), (0.38, 0.98), (-0.38, 0.98)),
            rgb(186, 96, 60),
            0.35,
            0.3,
            0.1,
            z=0,
        )
        s.poly(box(0.55, 0.09, 0, 0.54, 0, 0.03), rgb(196, 106, 68), 0.08, 0.05, 0.1)


def bone(s: Sheet, rng: Rng) -> None:
    """A shaft with two knobs at each end."""
    tone, w, r = (
        pick(rng, rgb(236, 226, 200), rgb(246, 242, 230), rgb(214, 196, 160)),
        rng.uniform(0.2, 0.3),
        rng.uniform(0.2, 0.26),
    )
    s.rod(path((-0.75, 0), (0.75, 0)), w, tone, 0.3)
    for x in (-0.98 + r, 0.98 - r):
        for y in (-r * 0.8, r * 0.8):
            s.poly(disc(r, x, y), tone, 0.2, r, 0.3, z=0)
    s.shade(0.05 * s.noise(rng, 14, 2), 0.01)
    field = s.noise(rng, 5)
    s.tint(smoothstep(0.5, 0.9, field) * 0.3, blend(tone, rgb(150, 110, 70), 0.7))
