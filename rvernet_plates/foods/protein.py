"""Fish, chicken duck and pork."""

from __future__ import annotations

import numpy as np

from rvernet_plates.canvas import Canvas, capsule, dome, lobes, plateau
from rvernet_plates.foods.arrange import TURN, a_cut, one_of, polar, ring
from rvernet_plates.foods.dressing import dressed
from rvernet_plates.foods.shapes import box, over, profile
from rvernet_plates.textures import Rng, between, blend, rgb, smoothstep, vary

_BONE = rgb(240, 228, 200)


@dressed(hue=12)
def fish(canvas: Canvas, rng: Rng) -> None:
    """One or two whole fish, fillets with flakes and a strip of skin, or steaks across the backbone."""
    skin, belly, flesh, lines = one_of(
        rng,
        (rgb(96, 118, 140), rgb(226, 230, 232), rgb(246, 142, 98), rgb(255, 214, 186)),
        (rgb(150, 96, 44), rgb(226, 178, 104), rgb(248, 240, 222), rgb(214, 198, 168)),
        (rgb(206, 80, 70), rgb(246, 196, 176), rgb(246, 214, 196), rgb(255, 240, 226)),
        (rgb(70, 84, 62), rgb(206, 204, 160), rgb(232, 180, 120), rgb(250, 222, 176)),
    )
    style = a_cut(rng, "whole", "fillet", "steaks")
    if style == "whole":
        count = int(rng.integers(1, 3))
        for k in range(count):
            y = (k - (count - 1) / 2) * 0.72
            _whole_fish(canvas, rng, y, 1.0 if count == 1 else 0.76, vary(rng, skin, 0.1), belly, 0.03 * k)
    elif style == "fillet":
        count = int(rng.integers(1, 3))
        for k in range(count):
            _fillet(
                canvas, rng, (k - (count - 1) / 2) * 0.88, 0.56 if count == 1 else 0.42, skin, flesh, lines
            )
    else:
        _fish_steaks(canvas, rng, skin, flesh, lines)


def _whole_fish(
    canvas: Canvas, rng: Rng, y: float, size: float, skin: np.ndarray, belly: np.ndarray, z: float
) -> None:
    tall = size * rng.uniform(0.9, 1.15)
    piece = canvas.piece(0, y, 1.15, 0.62 * size, rng.normal(0, 0.06), 1.05)
    u, v = piece.u * np.float32(1.15), piece.v * np.float32(0.62 * size) / np.float32(tall)
    half = profile(
        u,
        (-1.12, -1.05, -0.9, -0.65, -0.35, 0.0, 0.35, 0.62, 0.76, 0.86, 1.0, 1.14),
        (0.0, 0.09, 0.19, 0.29, 0.34, 0.33, 0.23, 0.11, 0.075, 0.13, 0.25, 0.33),
    )
    q = v / half
    forked = u > 1.12 - 0.22 * (1 - np.minimum(np.abs(q), 1))
    rho = np.where(forked, 2, np.maximum(np.abs(q), np.abs(u) / 1.15))
    tail, head = smoothstep(0.74, 0.84, u), smoothstep(-0.60, -0.64, u + 0.10 * q * q)
    rows, columns = v / 0.075, u / 0.085
    shifted = columns + 0.5 * (np.round(rows) % 2)
    scale = np.hypot(rows - np.round(rows), shifted - np.round(shifted) + 0.3)
    scales = smoothstep(0.42, 0.62, scale) * (1 - tail) * (1 - head) * smoothstep(1.0, 0.8, np.abs(q))
    colour = blend(blend(skin, skin * 0.72, smoothstep(-0.2, -0.9, q)), belly, smoothstep(-0.05, 0.6, q))
    colour = blend(colour, skin * 0.55, 0.40 * scales)
    colour = blend(
        colour, skin * 0.8, 0.7 * smoothstep(0.06, 0.02, np.abs(q + 0.05)) * (1 - tail) * (1 - head)
    )
    rays = 0.5 + 0.5 * np.sin(26 * np.arctan2(v, u - 0.55))
    colour = blend(colour, blend(skin * 0.75, belly, 0.4 * rays), tail)
    gill = smoothstep(0.05, 0.02, np.abs(u + 0.60 + 0.10 * q * q)) * smoothstep(0.9, 0.7, np.abs(q))
    mouth = smoothstep(0.03, 0.01, np.abs(v - 0.02)) * smoothstep(-0.96, -1.0, u)
    colour = blend(colour, rgb(50, 40, 40), 0.75 * np.maximum(gill, mouth))
    eye = np.hypot(u + 0.86, v + 0.06)
    colour = blend(colour, rgb(250, 246, 224), smoothstep(0.085, 0.07, eye))
    colour = blend(colour, rgb(14, 14, 18), smoothstep(0.05, 0.038, eye))
    height = (
        dome(q * q, 0.05 + z, 0.30 * size) * (1 - 0.62 * tail) + 0.03 * head - 0.025 * gill + 0.01 * scales
    )
    if rng.random() < 0.3:
        slash = smoothstep(0.75, 0.95, np.sin(15 * u + 3 * v)) * smoothstep(0.8, 0.5, np.abs(q)) * (1 - head)
        slash = slash * smoothstep(0.55, 0.45, u)
        colour, height = blend(colour, rgb(66, 36, 20), 0.8 * slash), height - 0.03 * slash
    canvas.lay(piece, over(rho, height), np.clip(colour, 0, 1), 0.6)
    for side, at, long in ((-1, -0.05, 0.42), (1, 0.32, 0.17), (1, -0.30, 0.16)):
        edge = canvas.piece(at, y + side * 0.35 * tall, long, 0.13, 0.25 * side)
        fin = edge.u**2 + edge.v**2
        spines = 0.5 + 0.5 * np.sin(60 * long * (edge.u + 0.3 * edge.v))
        canvas.lay(edge, dome(fin, 0.03 + z, 0.03), blend(skin * 0.7, belly, 0.35 * spines), 0.4)


def _fillet(
    canvas: Canvas, rng: Rng, y: float, tall: float, skin: np.ndarray, flesh: np.ndarray, lines: np.ndarray
) -> None:
    warp, fine = canvas.noise(rng, 2.5, octaves=2), canvas.noise(rng, 14)
    piece = canvas.piece(rng.normal(0, 0.05), y, 0.98, tall, rng.normal(0, 0.08), 1.08)
    u, v, w = piece.u, piece.v, warp[piece.window]
    rho = box(u, v / (1 - 0.22 * u), 4) * (1 + 0.03 * w)
    flakes = np.sin(15 * (u + 0.55 * np.abs(v) * tall) + 1.5 * w)
    stripe = smoothstep(0.70, 0.95, flakes)
    colour = vary(rng, flesh, 0.05) * (1 + 0.06 * w + 0.04 * fine[piece.window])[..., None]
    colour = blend(colour, lines, 0.85 * stripe)
    colour = blend(colour, lines, 0.7 * smoothstep(0.06, 0.02, np.abs(v + 0.06 * w)))
    colour = blend(colour, skin, smoothstep(0.74, 0.82, v / (1 - 0.22 * u) + 0.05 * w))
    seared = rng.uniform(0, 0.7)
    colour = blend(colour, rgb(176, 100, 44), seared * smoothstep(0.75, 1.0, rho + 0.15 * w))
    height = plateau(rho, 0.12, 0.16, 3.5) + 0.02 * w - 0.022 * stripe + 0.02 * flakes
    canvas.lay(piece, over(rho, height), np.clip(colour, 0, 1), 0.5)


def _fish_steaks(canvas: Canvas, rng: Rng, skin: np.ndarray, flesh: np.ndarray, lines: np.ndarray) -> None:
    count = int(rng.integers(1, 3))
    r = {1: 0.95, 2: 0.66}[count]
    for k, (x, y) in enumerate(ring(rng, count, 0.50)):
        piece = canvas.piece(x, y, r, r * 0.74, rng.uniform(0, TURN), 1.1)
        u, v = piece.u, piece.v
        gap = smoothstep(-0.05, 1.0, u) * 0.15  # the belly's two flaps
        rho = np.maximum(np.sqrt(u * u + v * v), np.where(u > 0, 1 + (gap - np.abs(v)) * 4, 0))
        layers = np.sin(20 * (np.hypot(u * 0.8 + 0.12, np.abs(v) - 0.36)))
        colour = blend(flesh, lines, 0.8 * smoothstep(0.6, 0.95, layers))
        bone = np.hypot(u + 0.10, v)
        colour = blend(
            blend(colour, lines, smoothstep(0.07, 0.02, np.abs(v))), _BONE, smoothstep(0.16, 0.12, bone)
        )
        colour = blend(colour, rgb(130, 60, 50), 0.8 * smoothstep(0.07, 0.04, bone))
        colour = blend(colour, skin, smoothstep(0.90, 0.94, rho))
        height = plateau(rho, 0.18 + 0.03 * k, 0.10, 8) - 0.02 * smoothstep(0.6, 0.95, layers)
        canvas.lay(piece, over(rho, height), colour, 0.5)


@dressed(hue=10)
def chicken_duck(canvas: Canvas, rng: Rng) -> None:
    """Drumsticks, slices of breast with the skin on, or wings; boiled, roasted, glazed or fried."""
    skin, flesh = one_of(
        rng,
        (between(rng, rgb(214, 144, 66), rgb(168, 96, 40)), rgb(244, 228, 200)),
        (rgb(240, 214, 166), rgb(250, 240, 222)),
        (between(rng, rgb(140, 62, 30), rgb(104, 40, 22)), rgb(206, 148, 122)),
        (rgb(228, 170, 74), rgb(240, 222, 190)),
    )
    mottled, fine = canvas.noise(rng, 3, octaves=3), canvas.noise(rng, 13, octaves=2)
    style = a_cut(rng, "drumsticks", "slices", "wings")
    if style == "slices":
        _breast(canvas, rng, skin, flesh, mottled, fine)
    elif style == "wings":
        count = int(rng.integers(3, 5))
        for k, (x, y) in enumerate(ring(rng, count, 0.56)):
            a = rng.uniform(0, TURN)
            for side, half, wide in ((0.0, 0.38, 0.24), (1.9, 0.37, 0.18), (2.7, 0.26, 0.10)):
                dx, dy = polar(0.24, a + side)
                piece = canvas.piece(x + dx, y + dy, half, wide, a + 0.4 * side + side, 1.1)
                patch = mottled[piece.window]
                rho2 = capsule(piece.u, piece.v, half / wide) * (1 + 0.15 * patch)
                colour = _roasted(rng, skin, patch, rho2)
                canvas.lay(
                    piece,
                    dome(rho2, 0.04 + 0.04 * k, wide) + 0.012 * fine[piece.window] * (rho2 < 1),
                    colour,
                    0.55,
                )
    else:
        count = int(rng.integers(1, 4))
        size = {1: 1.1, 2: 0.92, 3: 0.84}[count]
        fan = rng.uniform(0.15, 0.45)
        for k in range(count):
            t = k - (count - 1) / 2
            turned = np.pi if rng.random() < 0.25 else 0.0
            _drumstick(canvas, rng, t * 0.62 * size, size, fan * t + turned, skin, (mottled, fine), 0.03 * k)


def _roasted(rng: Rng, skin: np.ndarray, patch: np.ndarray, rho2: np.ndarray) -> np.ndarray:
    colour = vary(rng, skin, 0.07) * (1 + 0.16 * patch)[..., None]
    colour = blend(np.clip(colour, 0, 1), skin * 0.55, 0.6 * smoothstep(0.2, 0.9, patch))
    return blend(colour, np.clip(skin * 1.15, 0, 1), 0.4 * smoothstep(0.5, 0.1, rho2))


def _drumstick(
    canvas: Canvas, rng: Rng, y: float, size: float, angle: float, skin: np.ndarray, fields: tuple, z: float
) -> None:
    piece = canvas.piece(0, y, size, 0.42 * size, angle, 1.05)
    u, patch, fine = piece.u, fields[0][piece.window], fields[1][piece.window]
    v = piece.v * np.float32(0.42)
    half = profile(
        u + 0.03 * patch,
        (-1.0, -0.96, -0.85, -0.6, -0.35, -0.1, 0.15, 0.38, 0.50, 0.54, 0.74, 0.80, 0.90, 0.97, 1.0),
        (0.0, 0.13, 0.27, 0.38, 0.39, 0.33, 0.23, 0.15, 0.12, 0.065, 0.06, 0.09, 0.12, 0.08, 0.0),
    )
    q = v / half
    bone = smoothstep(0.50, 0.53, u + 0.02 * patch)
    colour = blend(_roasted(rng, skin, patch, q * q), _BONE, bone)
    colour = blend(colour, skin * 0.6, 0.7 * smoothstep(0.36, 0.5, u) * (1 - bone))
    cleft = smoothstep(0.03, 0.0, np.abs(v - 0.04)) * smoothstep(0.85, 0.9, u)
    colour = blend(colour, rgb(176, 140, 110), cleft)
    height = 0.04 + z + half * size * 0.85 * np.sqrt(np.maximum(1 - q * q, 0)) + 0.012 * fine * (1 - bone)
    canvas.lay(piece, over(np.maximum(np.abs(q), np.abs(u)), height), colour, 0.6)


def _breast(
    canvas: Canvas, rng: Rng, skin: np.ndarray, flesh: np.ndarray, mottled: np.ndarray, fine: np.ndarray
) -> None:
    count, fan = int(rng.integers(4, 8)), rng.uniform(0, 0.12)
    for k in range(count):
        t = (k - (count - 1) / 2) / count
        tall = 0.70 * (1 - 0.9 * t * t)
        piece = canvas.piece(1.60 * t, rng.normal(0, 0.03), 0.62 / count + 0.12, tall, fan * t * count, 1.05)
        u, v = piece.u, piece.v
        rho = box(u, v, 2.8) * (1 + 0.04 * mottled[piece.window])
        grain = np.sin(9 * v + 7 * u + 3 * fine[piece.window])
        colour = flesh * (1 + 0.04 * grain + 0.03 * mottled[piece.window])[..., None]
        edge = np.maximum(smoothstep(0.55, 0.68, v), smoothstep(0.9, 0.97, rho) * 0.5)
        colour = blend(np.clip(colour, 0, 1), skin, edge)
        height = plateau(rho, 0.10 + 0.05 * k, 0.06, 6) + 0.10 * u + 0.01 * grain
        canvas.lay(piece, over(rho, height), colour, 0.4)


@dressed(hue=10)
def pork(canvas: Canvas, rng: Rng) -> None:
    """A chop with its bone and rim of fat, rashers of bacon, or layered belly; pale to dark and glazed."""
    lean, fat, crust = one_of(
        rng,
        (between(rng, rgb(206, 150, 112), rgb(178, 116, 80)), rgb(246, 228, 190), rgb(150, 88, 46)),
        (between(rng, rgb(226, 140, 130), rgb(198, 96, 90)), rgb(252, 234, 220), rgb(206, 126, 104)),
        (between(rng, rgb(140, 70, 44), rgb(112, 48, 32)), rgb(214, 160, 104), rgb(86, 34, 20)),
        (rgb(226, 196, 164), rgb(250, 240, 220), rgb(214, 172, 118)),
    )
    mottled, fine = canvas.noise(rng, 3, octaves=3), canvas.noise(rng, 14, octaves=2)
    style = a_cut(rng, "chop", "bacon", "belly")
    if style == "chop":
        count = one_of(rng, 1, 2, share=0.75)
        for k in range(count):
            _chop(
                canvas, rng, (k - (count - 1) / 2) * 0.86, 1 / count**0.6, (lean, fat, crust), mottled, fine
            )
    elif style == "bacon":
        count = int(rng.integers(3, 6))
        for k in range(count):
            t = k - (count - 1) / 2
            wide = 0.70 / count + 0.03
            piece = canvas.piece(rng.normal(0, 0.05), t * 1.55 / count, 1.0, wide * 1.3, rng.normal(0, 0.07))
            ripple = rng.uniform(5, 8) * piece.u + rng.uniform(0, 6)
            v = piece.v * 1.3 + 0.14 * np.sin(ripple) + 0.1 * mottled[piece.window]
            rho = np.maximum(np.abs(v), np.abs(piece.u) * 1.02)
            band = np.sin(rng.uniform(4.5, 7) * v + 0.9 * mottled[piece.window] + rng.uniform(0, 6))
            colour = blend(lean * 0.85, fat, smoothstep(0.0, 0.5, band))
            colour = blend(colour, crust * 0.8, 0.5 * smoothstep(0.3, 1.0, mottled[piece.window] + rho - 0.6))
            height = 0.10 + 0.03 * k + 0.07 * np.sin(ripple + 1.4) + 0.02 * band
            canvas.lay(piece, over(rho, height), np.clip(colour, 0, 1), 0.6)
    else:
        count = int(rng.integers(3, 7))
        for k in range(count):
            t = k - (count - 1) / 2
            piece = canvas.piece(
                t * 1.62 / count, rng.normal(0, 0.04), 1.0 / count + 0.05, 0.70, rng.normal(0, 0.06)
            )
            patch = mottled[piece.window]
            rho = box(piece.u, piece.v, 6) * (1 + 0.04 * patch)
            layer = np.sin(8.5 * piece.v + 0.9 * patch + 0.8)
            colour = blend(
                lean * (1 + 0.07 * fine[piece.window])[..., None], fat, smoothstep(0.0, 0.4, layer)
            )
            colour = blend(colour, crust * 0.75, smoothstep(-0.78, -0.86, piece.v + 0.05 * patch))
            height = plateau(rho, 0.16 + 0.04 * k, 0.10, 5) + 0.06 * piece.u + 0.03 * layer
            canvas.lay(piece, over(rho, height), np.clip(colour, 0, 1), 0.6)


def _chop(
    canvas: Canvas, rng: Rng, y: float, size: float, tones: tuple, mottled: np.ndarray, fine: np.ndarray
) -> None:
    lean, fat, crust = tones
    s = np.linspace(0, 1, 10)
    bx, by = -1.12 * size + 0.95 * size * s, y - size * (0.52 - 0.25 * s * s)
    canvas.strand(bx, by, 0.22 * size, 0.10, _BONE, 0.35)
    canvas.strand(bx[:2], by[:2], 0.28 * size, 0.10, _BONE * 0.93, 0.3)
    piece = canvas.piece(0.12 * size, y, 0.92 * size, 0.66 * size, 0, 1.15)
    u, v, patch = piece.u, piece.v, mottled[piece.window]
    rho = np.hypot(u, v) / lobes(rng, piece.theta, range(2, 5), 0.10)
    rho = rho * (1 + 0.14 * np.exp(-(((u + 0.55) / 0.4) ** 2)) * smoothstep(0.0, 1.0, v))
    rim = smoothstep(0.80, 0.86, rho + 0.04 * patch) * smoothstep(-0.25, 0.1, v + 0.7 * u)
    eye = smoothstep(0.06, 0.02, np.abs(np.hypot(u + 0.45, v + 0.1) - 0.52 + 0.08 * patch)) * smoothstep(
        0.7, 0.3, rho
    )
    colour = lean * (1 + 0.10 * patch + 0.07 * fine[piece.window])[..., None]
    colour = blend(colour, crust, 0.55 * smoothstep(0.1, 0.9, patch))
    colour = blend(colour, fat, np.maximum(rim, 0.75 * eye))
    if rng.random() < 0.5:
        bars = smoothstep(0.72, 0.92, np.sin(11 * (u * 0.5 + v * 0.7))) * smoothstep(0.95, 0.8, rho)
        colour = blend(colour, crust * 0.4, 0.8 * bars)
    height = plateau(rho, 0.12, 0.11, 4) + 0.02 * patch + 0.01 * fine[piece.window] + 0.03 * rim
    canvas.lay(piece, over(rho, height), np.clip(colour, 0, 1), 0.5)
