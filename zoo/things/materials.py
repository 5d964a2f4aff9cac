"""Materials: patches of irregular outline whose texture is the category."""

from __future__ import annotations

import cv2
import numpy as np

from rvernet_plates.textures import Rng, blend, rgb, smoothstep, triple
from zoo.things.outlines import (
    BLACK,
    WHITE,
    blob,
    box,
    bright,
    cloth,
    disc,
    gold,
    many,
    metal,
    path,
    pick,
    waves,
)  # fmt: skip
from zoo.things.sheet import Sheet


def patch(s: Sheet, rng: Rng, colour: np.ndarray, thick: float = 0.12) -> None:
    """The outline of a sample of material: torn, cut or round."""
    kind = int(rng.integers(4))
    outline = (
        blob(rng, 1, rng.uniform(0.05, 0.2)),
        box(0.95, rng.uniform(0.6, 0.95), corner=rng.choice([0, 0.1, 0.3])),
        disc(1, 0, 0, rng.uniform(0.7, 1)), waves(int(rng.integers(5, 40)), 0.05),
    )[kind]  # fmt: skip
    s.poly(outline, colour, thick, rng.uniform(0.03, 0.15), 0.1)


def cells(s: Sheet, rng: Rng, pitch: float, jitter: float = 0.4) -> tuple[np.ndarray, np.ndarray]:
    """A pavement of irregular cells about `pitch` wide: their numbers and the way to the edge, (S, S)."""
    step = pitch * s.unit
    n = int(s.side / step) + 2
    i, j = np.divmod(np.arange(n * n), n)
    x = (j + 0.5 * (i % 2) + rng.uniform(-jitter, jitter, n * n)) * step
    y = (i + rng.uniform(-jitter, jitter, n * n)) * step
    seeds = np.ones((s.side, s.side), np.uint8)
    inside = (x >= 0) & (x < s.side) & (y >= 0) & (y < s.side)
    seeds[y[inside].astype(int), x[inside].astype(int)] = 0
    _, number = cv2.distanceTransformWithLabels(seeds, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    inner = np.ones_like(seeds)
    inner[:, 1:] &= number[:, 1:] == number[:, :-1]
    inner[1:] &= number[1:] == number[:-1]
    inward = cv2.distanceTransform(inner, cv2.DIST_L2, 3)
    return number, inward / np.float32(s.unit)


def _per_cell(rng: Rng, number: np.ndarray, *tones: np.ndarray, amount: float = 0.12) -> np.ndarray:
    """A colour for each cell: (S, S, 3)."""
    count = int(number.max()) + 1
    palette = np.stack(tones)[rng.integers(len(tones), size=count)]
    palette = palette * (1 + amount * rng.uniform(-1, 1, (count, 1)))
    return np.clip(palette, 0, 1).astype(np.float32)[number]


def _lattice(rng: Rng, i: np.ndarray, j: np.ndarray) -> np.ndarray:
    """A random number in 0..1 for each pair of whole numbers, (S, S)."""
    table = rng.random((64, 64), np.float32)
    return table[i.astype(int) % 64, j.astype(int) % 64]


def brick_wall(s: Sheet, rng: Rng) -> None:
    """Courses of bricks with mortar."""
    tone, mortar = (
        pick(rng, rgb(176, 84, 60), rgb(150, 66, 50), rgb(200, 140, 110), rgb(170, 160, 150)),
        rgb(200, 194, 182),
    )
    patch(s, rng, tone, 0.15)
    (x, y), k = s.grid, rng.uniform(3, 6)
    row = np.floor(y * k)
    along = x * k * 0.45 + 0.5 * (row % 2)
    column = np.floor(along)
    edge = np.minimum(np.abs(along - column - 0.5) * -2.2 + 1.1, 0.5 - np.abs(y * k - row - 0.5))
    face = smoothstep(0.04, 0.12, edge)
    s.albedo = blend(mortar, tone * triple(0.8 + 0.4 * _lattice(rng, row, column)), face)
    s.shade(0.08 * s.noise(rng, 40, 2))
    s.height += np.where(s.height > 0, 0.1 / k * face, 0)


def knitting(s: Sheet, rng: Rng) -> None:
    """Rows of V-shaped stitches, plain or with stripes."""
    tone, other, k = cloth(rng), pick(rng, cloth(rng), WHITE), rng.uniform(3.5, 7)
    patch(s, rng, tone)
    x, y = s.grid
    u = np.abs((x * k) % 1 - 0.5)
    v = y * k * 1.1 + u * 1.7
    row = np.floor(v)
    yarn = np.minimum(np.sin(np.pi * (v - row)), np.sin(2 * np.pi * np.clip(u, 0.02, 0.48)) + 0.15)
    if rng.random() < 0.5:
        s.tint(((row % rng.integers(3, 8)) < 2).astype(np.float32), other)
    s.shade(0.5 * np.clip(yarn, 0, 1) - 0.35)
    s.height += np.where(s.height > 0, 0.14 / k * np.clip(yarn, 0, 1) ** 0.6, 0)


def fur(s: Sheet, rng: Rng) -> None:
    """Hair combed in one direction, plain or spotted or striped."""
    tone = pick(
        rng, rgb(190, 140, 80), rgb(110, 80, 60), rgb(220, 210, 196), rgb(90, 90, 94), rgb(200, 120, 60)
    )
    patch(s, rng, tone, 0.2)
    wave = s.noise(rng, 3)
    if (kind := int(rng.integers(3))) == 1:
        s.tint(smoothstep(0.15, 0.3, s.noise(rng, rng.uniform(7, 12))), tone * 0.3)
    elif kind == 2:
        s.tint(smoothstep(0.1, 0.4, s.noise(rng, (4, 16)) + 0.2 * wave), tone * 0.3)
    hair = s.noise(rng, (9, 80), 2)
    grid = np.indices((s.side, s.side), dtype=np.float32)
    hair = cv2.remap(
        hair, grid[1] + wave * s.side * 0.09, grid[0], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
    )
    s.shade(0.3 * hair, 0.05)


def bark(s: Sheet, rng: Rng) -> None:
    """Long ridges and deep furrows; on birches black gashes on white."""
    tone = pick(rng, rgb(110, 80, 58), rgb(90, 74, 62), rgb(140, 116, 90))
    birch = rng.random() < 0.2
    patch(s, rng, WHITE if birch else tone, 0.2)
    if birch:
        s.tint(smoothstep(0.45, 0.6, s.noise(rng, (18, 4), 2)), BLACK, -0.03)
        return
    ridges = np.abs(s.noise(rng, (rng.uniform(2, 4), rng.uniform(12, 18)), 3))
    s.shade(np.clip(ridges * 1.3, 0, 0.9) - 0.45, 0.12)
    s.tint(smoothstep(0.5, 0.9, s.noise(rng, 7, 2)) * 0.5, rgb(120, 130, 80))


def gravel(s: Sheet, rng: Rng) -> None:
    """A heap of rounded stones."""
    patch(s, rng, rgb(70, 66, 60), 0.05)
    number, inward = cells(s, rng, pitch := rng.uniform(0.16, 0.32))
    tones = rgb(160, 154, 146), rgb(120, 112, 104), rgb(190, 178, 160), rgb(140, 110, 90), rgb(96, 98, 104)
    stone = np.sqrt(np.clip(inward / (pitch * 0.4), 0, 1))
    s.albedo = _per_cell(rng, number, *tones) * triple(0.4 + 0.6 * stone)
    s.shade(0.08 * s.noise(rng, 40, 2))
    s.height += np.where(
        s.height > 0, pitch * 0.6 * stone * (0.7 + 0.6 * _lattice(rng, number, number // 64)), 0
    )


def sand_ripples(s: Sheet, rng: Rng) -> None:
    """Wind-blown waves of sand."""
    tone = pick(rng, rgb(226, 196, 140), rgb(210, 170, 116), rgb(200, 140, 96), rgb(230, 220, 196))
    patch(s, rng, tone, 0.15)
    x, y = s.grid
    crest = np.sin(2 * np.pi * rng.uniform(2.2, 4.5) * (y + 0.16 * s.noise(rng, 4, 2) + 0.1 * x))
    s.shade(0.12 * crest + 0.07 * s.noise(rng, 80), 0.0)
    s.height += np.where(s.height > 0, 0.045 * (crest + 0.5 * np.abs(crest)) + 0.03, 0)


def grass(s: Sheet, rng: Rng) -> None:
    """Blades of many greens, lying over each other."""
    tone = pick(rng, rgb(80, 140, 50), rgb(60, 120, 50), rgb(130, 150, 60), rgb(170, 160, 80))
    patch(s, rng, tone * 0.5, 0.08)
    for k in range(6):
        x, y, a = rng.uniform(-0.85, 0.85, 30), rng.uniform(-0.75, 0.95, 30), rng.normal(-np.pi / 2, 0.5, 30)
        keep = np.hypot(x, y) < 0.95
        x, y, a, long = x[keep], y[keep], a[keep], rng.uniform(0.2, 0.45)
        dx, dy = long * np.cos(a), long * np.sin(a)
        blades = np.stack([x, x + dx * 0.5, x + dx * 1.2], 1), np.stack([y, y + dy * 0.6, y + dy], 1)
        if len(x):
            s.rod(blades, 0.045, tone * rng.uniform(0.65, 1.35), 0.2, z=0.06 + 0.02 * k)


def cracked_mud(s: Sheet, rng: Rng) -> None:
    """Dry plates of earth with dark gaps."""
    tone = pick(rng, rgb(170, 130, 96), rgb(150, 120, 100), rgb(190, 160, 130))
    patch(s, rng, tone, 0.15)
    number, inward = cells(s, rng, rng.uniform(0.32, 0.6), 0.45)
    plate = smoothstep(0.015, 0.06, inward + 0.02 * s.noise(rng, 25))
    s.albedo = blend(rgb(50, 36, 28), _per_cell(rng, number, tone, amount=0.08), plate)
    s.shade(0.08 * s.noise(rng, 25, 3))
    s.height += np.where(s.height > 0, 0.08 * plate - 0.03, 0).astype(np.float32)


def honeycomb(s: Sheet, rng: Rng) -> None:
    """Six-sided cells of wax, some full."""
    wax, k = pick(rng, rgb(236, 176, 60), rgb(222, 150, 50), rgb(240, 200, 100)), rng.uniform(3.5, 7)
    patch(s, rng, wax, 0.2)
    x, y = s.grid[0] * k, s.grid[1] * k
    best, which = np.full_like(x, 9), np.zeros_like(x)
    for shift in (0.0, 0.5):
        i, j = np.round(x - shift), np.round(y / 3**0.5 - shift)
        dx, dy = np.abs(x - i - shift), np.abs(y - (j + shift) * 3**0.5)
        far = np.maximum(dx, 0.5 * dx + 3**0.5 / 2 * dy)
        nearer = far < best
        best, which = np.where(nearer, far, best), np.where(nearer, i * 7 + j * 13 + 40 * shift, which)
    full = _lattice(rng, which, which // 64) < rng.uniform(0, 0.6)
    hole = smoothstep(0.43, 0.36, best)
    inside = blend(wax * 0.35, np.clip(wax * 1.1, 0, 1), full.astype(np.float32) * 0.8)
    s.albedo = blend(wax, inside, hole)
    depth = np.where(full, 0.04, 0.12).astype(np.float32)
    s.height = np.where(s.height > 0, np.maximum(s.height - hole * depth, 0.01), 0)


def basket_weave(s: Sheet, rng: Rng) -> None:
    """Broad strips that pass over and under each other."""
    tone, k = (
        pick(rng, rgb(196, 150, 90), rgb(150, 104, 60), rgb(222, 190, 130), cloth(rng)),
        rng.uniform(2.5, 5),
    )
    patch(s, rng, tone)
    other = tone if rng.random() < 0.6 else cloth(rng)
    x, y = s.grid[0] * k, s.grid[1] * k
    i, j = np.floor(x), np.floor(y)
    over = (i + j) % 2 == 0
    across, along = np.where(over, y - j, x - i) - 0.5, np.where(over, x - i, y - j) - 0.5
    strip = np.clip((0.46 - np.abs(across)) * 8, 0, 1)
    bow = np.cos(np.pi * along)
    s.albedo = blend(tone * 0.25, blend(tone, other, over.astype(np.float32)), strip)
    s.shade(0.2 * bow - 0.15 + 0.08 * np.sin(across * 24))
    s.height += np.where(s.height > 0, 0.35 / k * bow * np.sqrt(strip), 0)


def chain_mail(s: Sheet, rng: Rng) -> None:
    """Rings of wire that hang in each other."""
    tone, k = metal(rng), rng.uniform(2.8, 5.0)
    patch(s, rng, BLACK, 0.04)
    x, y = s.grid[0] * k, s.grid[1] * k
    top = np.zeros_like(x)
    for shift in (0.0, 0.5):
        for lean in (0.0, 0.5):
            dx, dy = x - np.round(x - shift) - shift, y - np.round(y - lean) - lean
            wire = 1 - ((np.hypot(dx, dy) - 0.36) / 0.11) ** 2
            lift = 0.35 * dx * (1 if shift == lean else -1) + 0.5
            top = np.maximum(top, np.where(wire > 0, np.sqrt(np.maximum(wire, 0)) * 0.4 + lift, 0))
    shown = top > 0
    s.albedo = np.where(shown[..., None], tone * triple((0.5 + 0.6 * top).astype(np.float32)), s.albedo)
    s.gloss = np.where(shown, 0.8, s.gloss).astype(np.float32)
    s.height += np.where(s.height > 0, 0.3 / k * top, 0).astype(np.float32)


def scales(s: Sheet, rng: Rng) -> None:
    """Rows of round scales or roof tiles, each row over the next."""
    tone = pick(
        rng, rgb(90, 140, 130), rgb(80, 110, 160), rgb(180, 90, 60), rgb(120, 130, 80), rgb(150, 150, 160)
    )
    k = rng.uniform(2.2, 4.5)
    patch(s, rng, tone)
    x, y = s.grid[0] * k, s.grid[1] * k * 1.6
    row = np.floor(y)
    lower, own = _scale(x, y, row)
    upper, other = _scale(x, y, row - 1)
    covered = upper < 1
    far, name = np.where(covered, upper, lower), np.where(covered, other, own)
    s.albedo = tone * triple(0.7 + 0.5 * _lattice(rng, name, name // 64))
    s.shade(0.3 * smoothstep(0.2, 0.8, far) - 0.6 * smoothstep(0.84, 0.97, far))
    s.gloss = np.where(s.height > 0, 0.5, 0).astype(np.float32)
    level = far * 0.5 + covered * 0.7
    s.height += np.where(s.height > 0, 0.3 / k * level, 0).astype(np.float32)


def _scale(x: np.ndarray, y: np.ndarray, row: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distance (1 on the outline) from the nearest scale of `row`, and its number."""
    i = np.round(x - 0.5 * (row % 2)) + 0.5 * (row % 2)
    return np.hypot((x - i) / 0.53, (y - row) / 1.55), row * 17 + np.floor(i) * 5


def circuit_board(s: Sheet, rng: Rng) -> None:
    """A board with copper paths, pads, black chips with pins, and small parts."""
    board = pick(rng, rgb(30, 100, 60), rgb(30, 100, 60), rgb(30, 60, 120), rgb(110, 30, 36), BLACK)
    patch(s, rng, board, 0.08)
    copper = pick(rng, board * 1.6 + 0.08, gold(rng))
    x, y = rng.uniform(-0.9, 0.9, (2, 26))
    dx, dy = rng.choice([-0.3, -0.15, 0.15, 0.3], (2, 26))
    s.line((np.stack([x, x + dx, x + dx * 1.6], 1), np.stack([y, y, y + dy], 1)), 0.03, copper, 0.01)
    s.line((np.stack([x, x, x + dy], 1), np.stack([y, y + dx, y + dx * 1.5], 1)), 0.03, copper, 0.01)
    s.spot(many(disc(0.035), x, y), rgb(210, 206, 190), 0.02)
    for _ in range(int(rng.integers(2, 5))):
        cx, cy, w, h = *rng.uniform(-0.55, 0.55, 2), rng.uniform(0.14, 0.3), rng.uniform(0.12, 0.22)
        pins = np.linspace(-w * 0.85, w * 0.85, int(w * 26))
        s.line(
            many(path((0, -h - 0.06), (0, h + 0.06)), cx + pins, np.full_like(pins, cy)),
            0.03,
            rgb(200, 200, 204),
            0.03,
        )
        s.poly(box(w, h, cx, cy), BLACK, 0.1, 0.03, 0.4)
        s.spot(disc(0.03, cx - w * 0.7, cy - h * 0.6), rgb(120, 120, 124))
    for _ in range(int(rng.integers(3, 7))):
        cx, cy = rng.uniform(-0.7, 0.7, 2)
        part = disc(0.09, cx, cy) if rng.random() < 0.5 else box(0.1, 0.05, cx, cy)
        s.poly(part, pick(rng, metal(rng), bright(rng), rgb(180, 150, 100)), 0.14, 0.04, 0.7)


def camouflage(s: Sheet, rng: Rng) -> None:
    """Blots of three or four tones on cloth."""
    tones = (
        (rgb(110, 116, 76), rgb(66, 76, 50), rgb(96, 74, 54), rgb(36, 38, 34)),
        (rgb(206, 186, 146), rgb(170, 140, 100), rgb(126, 100, 72), rgb(226, 212, 180)),
        (rgb(150, 160, 170), rgb(96, 106, 120), rgb(60, 66, 80), rgb(220, 224, 226)),
    )[int(rng.integers(3))]
    patch(s, rng, tones[0], 0.08)
    k = rng.uniform(4, 8)
    for tone in tones[1 : int(rng.integers(3, 5))]:
        s.tint(smoothstep(0.16, 0.2, s.noise(rng, (k, k * 0.7), 2)), tone)
    s.shade(0.05 * s.noise(rng, (30, 90)) + 0.05 * s.noise(rng, (90, 30)))
    s.height += np.where(s.height > 0, 0.05 * (1 + s.noise(rng, 4)), 0).astype(np.float32)


def mosaic(s: Sheet, rng: Rng) -> None:
    """Small glazed stones in rings around a middle or in rows, with grout."""
    tones = [bright(rng) for _ in range(int(rng.integers(2, 4)))] + [WHITE]
    patch(s, rng, tones[0], 0.12)
    (x, y), k = s.grid, rng.uniform(4, 7)
    if rng.random() < 0.6:
        row = np.floor(np.hypot(x, y) * k)
        along = (np.arctan2(y, x) / (2 * np.pi) + 0.5) * np.round(2 * np.pi * (row + 0.5))
        across = np.hypot(x, y) * k - row
        pitch = row.astype(int) % len(tones)
    else:
        row, along = np.floor(y * k), x * k
        across, pitch = y * k - row, (np.floor(along) + row).astype(int) % len(tones)
    column = np.floor(along)
    stone = smoothstep(0.06, 0.14, np.minimum(0.5 - np.abs(across - 0.5), 0.5 - np.abs(along - column - 0.5)))
    chance = (_lattice(rng, row, column) * len(tones)).astype(int)
    number = np.where(_lattice(rng, column, row) < rng.choice([0.1, 0.9]), chance, pitch)
    colours = np.stack(tones)[number] * triple(0.85 + 0.3 * _lattice(rng, row + 7, column))
    s.albedo = blend(rgb(190, 184, 174), colours, stone)
    s.gloss = np.where(s.height > 0, 0.5 * stone, 0).astype(np.float32)
    s.height += np.where(
        s.height > 0, 0.3 / k * stone * (0.7 + 0.3 * _lattice(rng, column + 3, row)), 0
    ).astype(np.float32)
