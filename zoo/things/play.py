"""Toys, balls, games and vehicles."""

from __future__ import annotations

import numpy as np

from rvernet_plates.textures import Rng, rgb
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
    many,
    mirrored,
    moved,
    path,
    pick,
    regular,
    steps,
)  # fmt: skip
from zoo.things.sheet import TURN, Points, Sheet

#: x and y of the pips of each face, one unit apart from the middle
_PIPS = {1: "e", 2: "ai", 3: "aei", 4: "acgi", 5: "acegi", 6: "acdfgi"}


def _pips(number: int, pitch: float, x: float = 0, y: float = 0) -> tuple[np.ndarray, np.ndarray]:
    places = np.array(["abcdefghi".index(c) for c in _PIPS[number]])
    return x + (places % 3 - 1) * pitch, y + (places // 3 - 1) * pitch


def dice(s: Sheet, rng: Rng) -> None:
    """A cube with one to six pips on the face that is seen best, and two more faces at times."""
    tone, ink = pick(rng, WHITE, rgb(230, 220, 190), bright(rng), BLACK), BLACK
    ink = BLACK if tone.mean() > 0.45 else WHITE
    top, w = int(rng.integers(1, 7)), 0.74
    dx, dy = rng.uniform(-0.25, 0.25, 2)
    s.poly(box(w, w, -dx, -dy, 0, 0.2), tone * 0.82, 0.3, 0.15, 0.6)
    s.poly(box(w * 0.97, w * 0.97, dx * 0.4, dy * 0.4, 0, 0.2), tone, 0.3, 0.12, 0.7, z=0.25)
    s.spot(many(disc(0.125), *_pips(top, 0.42, dx * 0.4, dy * 0.4)), ink, -0.05)


def domino(s: Sheet, rng: Rng) -> None:
    """A flat stone of two halves, each with up to six pips."""
    tone = pick(rng, WHITE, BLACK, rgb(236, 226, 196), rgb(110, 60, 40))
    ink = BLACK if tone.mean() > 0.45 else WHITE
    s.poly(box(0.5, 0.98, corner=0.1), tone, 0.2, 0.08, 0.6)
    s.line(path((-0.4, 0), (0.4, 0)), 0.05, ink, -0.03)
    for y in (-0.49, 0.49):
        if number := int(rng.integers(0, 7)):
            s.spot(many(disc(0.09), *_pips(number, 0.27, 0, y)), ink, -0.04)


def _ball(s: Sheet, tone: np.ndarray, gloss: float) -> None:
    s.poly(disc(1), tone, 0.9, 1.0, gloss)


def tennis_ball(s: Sheet, rng: Rng) -> None:
    """A felt ball with its white seam."""
    tone = pick(rng, rgb(206, 226, 60), rgb(186, 212, 70), rgb(222, 230, 90))
    _ball(s, tone, 0.02)
    s.shade(0.09 * s.noise(rng, 45))
    gap = rng.uniform(0.75, 1.35)
    for side in (-1, 1):
        x, y = arc(rng.uniform(0.75, 1.0), -1.6, 1.6, -gap, 0, 24)
        s.line((side * x, y), 0.09, WHITE, -0.02)


def football(s: Sheet, rng: Rng) -> None:
    """A white ball with dark pentagons and seams."""
    ink, white = (
        pick(rng, BLACK, BLACK, rgb(40, 60, 140), rgb(170, 40, 40)),
        pick(rng, WHITE, rgb(226, 224, 216)),
    )
    _ball(s, white, 0.35)
    phase, dx, dy = rng.uniform(0, 1), *rng.uniform(-0.18, 0.18, 2)
    s.spot(moved(regular(5, 0.33, phase), dx, dy), ink)
    for a in steps(5, phase):
        (x0, y0), (x1, y1) = (
            (r * np.cos(a) + dx * g, r * np.sin(a) + dy * g) for r, g in ((0.33, 1), (0.66, 0.7))
        )
        s.line(path((x0, y0), (x1, y1)), 0.04, ink * 0.6 + 0.3, -0.02)
        for b in (-TURN / 10, TURN / 10):
            s.line(path((x1, y1), (0.85 * np.cos(a + b), 0.85 * np.sin(a + b))), 0.04, ink * 0.6 + 0.3, -0.02)
    outer = around(
        path((0.82, -0.2), (0.95, -0.3), (1.02, 0), (0.95, 0.3), (0.82, 0.2)), steps(5, phase + TURN / 10)
    )
    s.spot(outer, ink)


def basketball(s: Sheet, rng: Rng) -> None:
    """An orange, pebbled ball with black channels."""
    tone = pick(rng, rgb(214, 110, 44), rgb(196, 92, 40), rgb(226, 130, 60))
    _ball(s, tone, 0.25)
    s.shade(0.06 * s.noise(rng, 50), 0.01)
    bend = rng.uniform(-0.25, 0.25)
    s.line(curve((-1, 0), (0, bend), (1, 0)), 0.05, BLACK, -0.03)
    s.line(curve((0, -1), (bend, 0), (0, 1)), 0.05, BLACK, -0.03)
    for side in (-1, 1):
        x, y = curve((0.78, -0.65), (0.42 + bend * side, 0), (0.78, 0.65))
        s.line((side * x, y), 0.05, BLACK, -0.03)


def puzzle_piece(s: Sheet, rng: Rng) -> None:
    """A square of cardboard whose sides bear knobs or bays."""
    tone, w, r = bright(rng), rng.uniform(0.55, 0.62), rng.uniform(0.17, 0.21)
    s.poly(box(w, w), tone, 0.14, 0.05, 0.3)
    sides = rng.permutation([True, True, False, bool(rng.integers(2))])
    for a, knob in zip(steps(4), sides, strict=True):
        x, y = np.cos(a), np.sin(a)
        if knob:
            s.poly(disc(r, x * (w + r * 0.75), y * (w + r * 0.75)), tone, 0.14, 0.05, 0.3, z=0)
            s.poly(box(r * 0.7, r * 0.6, x * w, y * w), tone, 0.14, 0.05, 0.3, z=0)
        else:
            s.cut(s.filled(disc(r, x * (w - r * 0.75), y * (w - r * 0.75))))
            s.cut(s.filled(box(r * 0.55, r * 0.55, x * w, y * w)))
    if rng.random() < 0.5:
        s.tint((s.noise(rng, 4) > 0.1).astype(np.float32), bright(rng))


def toy_brick(s: Sheet, rng: Rng) -> None:
    """A plastic block with rows of round studs."""
    tone, n, m = bright(rng), int(rng.integers(2, 5)), int(rng.integers(1, 3))
    pitch = 1.9 / max(n, 2)
    pitch = min(pitch, 0.8)
    s.poly(box(n * pitch / 2, m * pitch / 2), tone, 0.35, 0.03, 0.6)
    x = (np.arange(n * m) % n - (n - 1) / 2) * pitch
    y = (np.arange(n * m) // n - (m - 1) / 2) * pitch
    s.lay(s.filled(many(disc(pitch * 0.3), x, y)), tone * 1.03, 0.14, 0.04, 0.7)


def _suit(kind: int, r: float) -> Points:
    """A heart, diamond, spade or club, pointing up."""
    t = steps(40)
    heart = (
        r * np.sin(t) ** 3,
        -r * (13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)) / 16,
    )
    if kind == 0:
        return heart
    if kind == 1:
        return path((0, -r * 1.1), (r * 0.75, 0), (0, r * 1.1), (-r * 0.75, 0))
    if kind == 2:
        return np.append(heart[0], [-0.4 * r, 0.4 * r]), np.append(-heart[1], [r * 1.1, r * 1.1])
    x = np.concatenate([r * (0.5 * np.sin(t[::4]) + dx) for dx in (-0.5, 0, 0.5)])
    y = np.concatenate([r * (0.5 * np.cos(t[::4]) + dy) for dy in (0.2, -0.55, 0.2)])
    return np.append(x, [-0.3 * r, 0.3 * r, 0]), np.append(y, [r * 1.1, r * 1.1, 0.2 * r])


def playing_card(s: Sheet, rng: Rng) -> None:
    """A white card with one to six suits, red or black, and its corners' marks."""
    kind, n = int(rng.integers(4)), int(rng.integers(1, 7))
    ink = (rgb(204, 36, 44), BLACK)[kind // 2]
    s.poly(box(0.68, 0.97, corner=0.1), rgb(248, 246, 240), 0.05, 0.03, 0.35)
    x, y = _pips(n, 0.33)
    size = 0.36 if n == 1 else 0.17
    px, py = many(_suit(kind, size), x, y * 1.45)
    s.spot((px, py), ink)
    for sign in (-1, 1):
        s.spot(moved(_suit(kind, 0.09), 0.53 * sign, 0.72 * sign, np.pi if sign > 0 else 0), ink)
        s.line(path((0.53 * sign - 0.04, 0.85 * sign), (0.53 * sign + 0.04, 0.87 * sign)), 0.06, ink)


def kite(s: Sheet, rng: Rng) -> None:
    """A rhombus of coloured quarters on crossed sticks, with a tail of bows."""
    tones, w, c = (bright(rng), bright(rng)), rng.uniform(0.5, 0.65), -0.45
    corners = ((0, -0.98), (w, c), (0, 0.4), (-w, c))
    for k in range(4):
        s.poly(path(corners[k], corners[(k + 1) % 4], (0, c)), tones[k % 2], 0.06, 0.1, 0.2)
    s.line(path((0, -0.98), (0, 0.4)), 0.035, rgb(120, 80, 50), 0.03)
    s.line(path((-w, c), (w, c)), 0.035, rgb(120, 80, 50), 0.03)
    bow = rng.uniform(0.15, 0.4) * rng.choice([-1, 1])
    x, y = curve((0, 0.4), (bow, 0.58), (-bow, 0.78), (bow * 0.6, 0.98))
    s.rod((x, y), 0.035, tones[0], 0.1)
    for k in (8, 15, 22):
        for side in (-1, 1):
            s.poly(path((x[k], y[k]), (x[k] + side * 0.14, y[k] - 0.07), (x[k] + side * 0.14, y[k] + 0.07)),
                   tones[1], 0.05, 0.05, 0.2, z=0)  # fmt: skip


def boat(s: Sheet, rng: Rng) -> None:
    """A sailing boat from the side: hull, mast, two sails and a pennant."""
    hull, sail = pick(rng, bright(rng), rgb(120, 74, 44)), pick(rng, WHITE, WHITE, bright(rng))
    s.rod(path((0, 0.5), (0, -0.92)), 0.05, rgb(110, 76, 50), 0.3)
    a, b = rng.uniform(0.55, 0.8), rng.uniform(0.4, 0.65)
    s.poly(path((0.05, -0.85), (0.05, 0.4), (a, 0.4)), sail, 0.1, 0.25, 0.1)
    s.poly(path((-0.05, -0.7), (-0.05, 0.4), (-b, 0.4)), sail * 0.95, 0.1, 0.25, 0.1)
    for y in (-0.2, 0.1):
        s.line(path((0.05, y), (a * (y + 0.85) / 1.25, y)), 0.025, sail * 0.75)
    s.poly(path((-0.98, 0.5), (0.98, 0.5), (0.66, 0.95), (-0.7, 0.95)), hull, 0.25, 0.2, 0.5)
    s.line(path((-0.92, 0.6), (0.92, 0.6)), 0.06, pick(rng, WHITE, BLACK))
    s.poly(path((0, -0.98), (0.25, -0.9), (0, -0.82)), bright(rng), 0.05, 0.05, 0.1, z=0)


def car(s: Sheet, rng: Rng) -> None:
    """A car from above: wheels, bonnet, windows around a roof, lamps."""
    tone, w = (
        pick(rng, bright(rng), bright(rng), bright(rng), WHITE, metal_gray(rng)),
        rng.uniform(0.38, 0.46),
    )
    x, y = np.array([-0.55, 0.55, -0.55, 0.55]), np.array([-w, -w, w, w])
    s.lay(s.filled(many(box(0.16, 0.07, corner=0.05), x, y)), BLACK, 0.15, 0.05, 0.1)
    s.poly(box(0.97, w, corner=0.22), tone, 0.28, 0.15, 0.8, z=0)
    front, back = rng.uniform(0.2, 0.35), rng.uniform(-0.75, -0.5)
    cabin = path((back, -w * 0.8), (front, -w * 0.88), (front, w * 0.88), (back, w * 0.8))
    s.poly(cabin, rgb(50, 62, 76), 0.16, 0.2, 0.9)
    roof = box((front - back) / 2 - 0.13, w * 0.7, (front + back) / 2 - 0.05, 0, 0, 0.08)
    s.poly(roof, tone * rng.choice([0.95, 1.0, 1.1]), 0.04, 0.08, 0.8)
    s.spot(many(disc(0.07, 0, 0, 0.09), np.array([0.9, 0.9]), np.array([-w, w]) * 0.68), rgb(250, 244, 200))
    s.spot(many(box(0.04, 0.08), np.array([-0.93, -0.93]), np.array([-w, w]) * 0.68), rgb(190, 30, 30))


def metal_gray(rng: Rng) -> np.ndarray:
    return rgb(150, 154, 160) * np.float32(rng.uniform(0.6, 1.2))


def plane(s: Sheet, rng: Rng) -> None:
    """An aeroplane from above: fuselage, swept wings with engines, tail."""
    tone, mark = pick(rng, WHITE, metal_gray(rng), bright(rng)), bright(rng)
    sweep, w = rng.uniform(0.1, 0.5), rng.uniform(0.1, 0.15)
    wing = path((0, -0.25), (0.95, -0.25 + sweep), (0.95, -0.1 + sweep), (0, 0.15))
    tail = path((0, 0.6), (0.38, 0.62 + sweep * 0.4), (0.38, 0.74 + sweep * 0.4), (0, 0.82))
    for side in (-1, 1):
        s.poly((side * wing[0], wing[1]), tone, 0.06, 0.05, 0.5)
        s.poly((side * tail[0], tail[1]), mark, 0.06, 0.05, 0.5)
        s.line(path((side * 0.8, -0.3 + sweep), (side * 0.8, 0.1 + sweep)), 0.1, mark)
        s.rod(
            path((side * 0.4, -0.25 + sweep * 0.4), (side * 0.4, -0.05 + sweep * 0.4)), 0.12, tone * 0.7, 0.6
        )
    half = curve((0, -0.98), (w, -0.75), (w, 0.2), (w * 0.6, 0.7), (0, 0.95))
    s.poly(mirrored(half), tone, 0.22, w, 0.6, z=0)
    s.line(path((0, 0.55), (0, 0.9)), 0.06, mark, 0.1)
    s.spot(disc(w * 0.6, 0, -0.8, 0.05), rgb(50, 62, 76))


def yarn_ball(s: Sheet, rng: Rng) -> None:
    """A ball of wool: bundles of threads wound in several directions, one end loose."""
    tone, width = pick(rng, bright(rng), bright(rng), cloth(rng)), rng.uniform(0.08, 0.11)
    s.rod(curve((0.3, 0.5), (0.85, 0.75), (0.6, 0.98), (0.1, 0.95)), width, tone, 0.05)
    s.poly(disc(0.86), tone * 0.45, 0.7, 0.85, 0.03, z=0)
    t = np.linspace(-1.4, 1.4, 12)
    for a in rng.permutation(steps(6, rng.uniform(0, 1))):
        offsets = (np.arange(-2, 3) * 1.3 * width + rng.uniform(-0.4, 0.4))[:, None]
        x = 0.82 * np.sin(t) * np.sqrt(np.maximum(1 - offsets**2, 0))
        y = offsets + 0.35 * np.cos(t) * np.sign(offsets.mean())
        c, d = np.cos(a), np.sin(a)
        cords = c * x - d * y, d * x + c * y
        s.line(cords, width * 1.2, tone * 0.5)
        s.lay(s.stroked(cords, width * 0.85), tone * rng.uniform(0.88, 1.1), 0.06, width * 0.4, 0.05)
