"""Egg, sausage, steak, hamburg and shrimp."""

from __future__ import annotations

import numpy as np

from rvernet_plates.canvas import Canvas, capsule, dome, lobes, plateau
from rvernet_plates.foods.arrange import TURN, polar, strewn
from rvernet_plates.textures import Rng, between, blend, offset, rgb, smoothstep, vary


def egg(canvas: Canvas, rng: Rng) -> None:
    """Fried (one or two yolks) or boiled and halved."""
    yolk = between(rng, rgb(252, 196, 40), rgb(250, 166, 24), rgb(240, 136, 20))
    white = vary(rng, rgb(250, 248, 242), 0.02)
    if rng.random() < 0.6:
        _fried_egg(canvas, rng, white, yolk)
        return
    count = int(rng.integers(2, 4))
    hard = blend(yolk, rgb(250, 220, 120), 0.5) if rng.random() < 0.5 else yolk
    for k in range(count):
        t = k - (count - 1) / 2
        rx, ry = (0.56, 0.40) if count == 2 else (0.5, 0.33)
        piece = canvas.piece(t * 1.55 / count, rng.normal(0, 0.1), rx, ry, np.pi / 2 + rng.normal(0, 0.25))
        u, v = piece.u, piece.v
        rho2 = u * u + (v * (1 + 0.13 * u)) ** 2
        height = plateau(rho2, 0.16, 0.12, 3.5)
        heart = (u - 0.08) ** 2 / 0.30 + v * v / 0.36
        yellow = smoothstep(1.0, 0.93, heart)
        colour = blend(white, hard, yellow)
        colour = blend(colour, hard * 0.86, yellow * smoothstep(0.6, 0.95, heart) * 0.5)
        height += 0.03 * yellow * np.sqrt(np.maximum(1 - heart, 0)) * (rho2 < 1)
        canvas.lay(piece, height, colour, 0.45)


def _fried_egg(canvas: Canvas, rng: Rng, white: np.ndarray, yolk: np.ndarray) -> None:
    piece = canvas.whole
    u, v = piece.u, piece.v
    warp = canvas.noise(rng, 2.2, octaves=2)
    rho = np.sqrt(u * u + v * v * rng.uniform(1, 1.3))
    rho = rho / (0.92 * lobes(rng, np.arctan2(v, u), range(2, 8), 0.13))
    thick = smoothstep(0.72, 0.5, rho + 0.08 * warp)
    crisp = smoothstep(0.86, 1.0, rho + 0.06 * warp) * rng.uniform(0.1, 0.9)
    colour = blend(white * 0.97, white, thick)
    colour = blend(colour, rgb(186, 124, 60), crisp)
    height = plateau(rho, 0.05, 0.05, 4, 1) + 0.02 * warp + 0.04 * thick
    canvas.lay(piece, np.where(rho < 1, np.maximum(height, 0.02), 0), colour, 0.5)
    double = rng.random() < 0.15
    for side in (-1, 1) if double else (0,):
        x, y = rng.normal(0, 0.07, 2)
        r = rng.uniform(0.30, 0.38) * (0.85 if double else 1)
        ball = canvas.piece(x + side * 0.33, y, r, r)
        rho2 = ball.u**2 + ball.v**2
        colour = blend(yolk, yolk * 0.88, smoothstep(0.5, 1, rho2))
        canvas.lay(ball, dome(rho2, 0.12, 0.20, 0.5), colour, 0.85)


def sausage(canvas: Canvas, rng: Rng) -> None:
    """Links side by side, plain, grilled or slashed."""
    skin = between(rng, rgb(196, 96, 62), rgb(168, 62, 42), rgb(124, 48, 34))
    count = int(rng.integers(1, 4))
    mark = rng.choice(["plain", "grilled", "slashed"])
    bend, mottled = rng.uniform(-0.55, 0.55), canvas.noise(rng, 3, octaves=3)
    width = {1: 0.27, 2: 0.23, 3: 0.20}[count]
    for k in range(count):
        t = k - (count - 1) / 2
        length = rng.uniform(0.84, 1.0)
        wide = canvas.piece(rng.normal(0, 0.05), t * 2.02 * width, length, width * 2.2, rng.normal(0, 0.08))
        u, v = wide.u, wide.v * 2.2 + bend * (wide.u**2 - 0.35) * 1.6
        rho2 = capsule(u, v, length / width)
        along = np.abs(u)
        height = dome(rho2, 0.04 + 0.01 * k, width * 0.95)
        colour = vary(rng, skin, 0.07) * (1 + 0.10 * mottled[wide.window])[..., None]
        colour = blend(colour, skin * 0.55, smoothstep(0.93, 1.0, along) * 0.8)
        if mark != "plain":
            stripe = np.sin((u * length * 1.0 + 0.35 * v * width) * (26 if mark == "grilled" else 20) + k)
            burnt = smoothstep(0.55, 0.9, stripe) * smoothstep(0.92, 0.7, along) * smoothstep(1.0, 0.55, rho2)
            tone, strength = (rgb(52, 22, 14), 0.8) if mark == "grilled" else (rgb(226, 150, 110), 0.65)
            colour = blend(colour, tone, burnt * strength)
            height -= 0.025 * burnt
        canvas.lay(wide, height, np.clip(colour, 0, 1), 0.62)


def steak(canvas: Canvas, rng: Rng) -> None:
    """A grilled piece with a rim of fat, or a row of slices, pink inside."""
    crust = between(rng, rgb(146, 88, 54), rgb(112, 62, 38), rgb(84, 46, 30))
    mottled, fine = canvas.noise(rng, 3, octaves=4), canvas.noise(rng, 16, octaves=2)
    if rng.random() < 0.35:
        _steak_slices(canvas, rng, crust, mottled, fine)
        return
    piece = canvas.whole
    u, v = piece.u, piece.v * np.float32(rng.uniform(1.1, 1.35))
    rho = np.sqrt(u * u + v * v) / (0.95 * lobes(rng, np.arctan2(v, u), range(2, 5), 0.16))
    height = np.where(rho < 1, plateau(rho, 0.12, 0.12, 4) + 0.02 * mottled + 0.012 * fine, 0)
    colour = crust * (1 + 0.20 * mottled + 0.12 * fine)[..., None]
    fat = smoothstep(0.86, 0.92, rho) * smoothstep(-0.3, 0.3, u + 0.3 * mottled)
    colour = blend(colour, rgb(226, 190, 140), fat * 0.85)
    if rng.random() < 0.75:
        turn, pitch = rng.uniform(0, np.pi), rng.uniform(9, 13)
        lines = np.sin((u * np.cos(turn) + v * np.sin(turn)) * pitch)
        bars = smoothstep(0.72, 0.92, lines)
        if rng.random() < 0.6:
            lines = np.sin((v * np.cos(turn) - u * np.sin(turn)) * pitch)
            bars = np.maximum(bars, smoothstep(0.72, 0.92, lines))
        bars = bars * smoothstep(0.98, 0.85, rho) * np.clip(0.9 + 0.4 * mottled, 0, 1)
        colour = blend(colour, rgb(34, 20, 14), bars * 0.85)
        height -= 0.025 * bars
    canvas.lay(piece, np.where(rho < 1, np.maximum(height, 0.02), 0), np.clip(colour, 0, 1), 0.45)


def _steak_slices(canvas: Canvas, rng: Rng, crust: np.ndarray, mottled: np.ndarray, fine: np.ndarray) -> None:
    count = int(rng.integers(5, 8))
    pink = between(rng, rgb(210, 80, 78), rgb(192, 88, 78), rgb(172, 108, 90))
    for k in range(count):
        t = (k - (count - 1) / 2) / (count - 1)
        tall = 0.74 * (1 - 0.45 * t * t) * rng.uniform(0.94, 1.04)
        piece = canvas.piece(t * 1.45, rng.normal(0, 0.03), 0.19, tall, rng.normal(0, 0.05), 1.1)
        rough = 1 + 0.05 * mottled[piece.window]
        rho = (np.abs(piece.u) ** 6 + np.abs(piece.v) ** 6) ** (1 / 6) * rough
        rim = np.maximum(smoothstep(0.74, 0.92, np.abs(piece.v) * rough), smoothstep(0.62, 0.95, rho) * 0.9)
        fibres = 0.07 * fine[piece.window] + 0.08 * mottled[piece.window]
        colour = blend(pink * (1 + fibres)[..., None], crust, rim)
        height = plateau(rho, 0.10 + 0.05 * k, 0.06, 7) + 0.07 * piece.u + 0.08 * fibres
        canvas.lay(piece, np.where(rho < 1, np.maximum(height, 0.01), 0), np.clip(colour, 0, 1), 0.5)


def hamburg(canvas: Canvas, rng: Rng) -> None:
    """A bun over lettuce, cheese, tomato and patty, seen from above and a little askew."""
    bun = between(rng, rgb(226, 158, 80), rgb(206, 128, 56), rgb(170, 96, 44))
    piece = canvas.whole
    x, y = rng.normal(0, 0.05, 2)
    warp = canvas.noise(rng, 4, octaves=2)

    def layer(
        dx: float, dy: float, r: float, z: float, colour: np.ndarray, ruffle: float, gloss: float
    ) -> None:
        u, v = piece.u - np.float32(dx), piece.v - np.float32(dy)
        rho = np.sqrt(u * u + v * v) / (r * (1 + ruffle * warp))
        height = np.where(rho < 1, plateau(rho, z, 0.05, 8) + 0.03 * ruffle * 5 * warp, 0)
        canvas.lay(piece, height, np.clip(colour * (1 + 0.12 * warp)[..., None], 0, 1), gloss)

    layer(*offset(rng, 0.04), 0.84, 0.05, bun * 0.9, 0.01, 0.2)
    if rng.random() < 0.8:
        dx, dy = rng.normal(0, 0.06, 2)
        layer(dx, dy, 0.95, 0.14, between(rng, rgb(130, 184, 62), rgb(90, 160, 50)), 0.09, 0.3)
    if rng.random() < 0.5:
        layer(*offset(rng, 0.13), 0.80, 0.20, rgb(214, 50, 36), 0.01, 0.6)
    layer(*offset(rng, 0.05), 0.86, 0.24, rgb(104, 58, 36), 0.03, 0.4)
    if rng.random() < 0.7:
        slab = canvas.piece(*offset(rng, 0.05), 0.76, 0.76, rng.uniform(0, np.pi))
        edge = np.maximum(np.abs(slab.u), np.abs(slab.v))
        sagging = 0.1 * smoothstep(0.7, 1.4, np.hypot(slab.u, slab.v))
        height = np.where(edge < 1, 0.33 + 0.02 * (1 - edge) - sagging, 0)
        canvas.lay(slab, height, vary(rng, rgb(250, 190, 50), 0.06), 0.45)
    r = rng.uniform(0.70, 0.78)
    top = canvas.piece(x, y, r, r * rng.uniform(0.96, 1.0), rng.uniform(0, 6))
    rho2 = (top.u**2 + top.v**2) * (1 + 0.02 * warp[top.window])
    colour = blend(bun * 1.05, bun * 0.82, smoothstep(0.1, 0.7, rho2))
    colour = blend(np.clip(colour, 0, 1), rgb(240, 206, 140), smoothstep(0.82, 0.98, rho2) * 0.7)
    canvas.lay(top, dome(rho2, 0.34, 0.40, 0.5), colour, 0.48)
    if rng.random() < 0.75:
        n = int(rng.integers(18, 34))
        dx, dy = strewn(rng, n, 0.62)
        sx, sy = x + dx * r / 0.75, y + dy * r / 0.75
        level, angle = canvas.levels(sx, sy), rng.uniform(0, np.pi, n)
        canvas.scatter(sx, sy, 0.052, 0.03, angle, level, 0.03, vary(rng, rgb(250, 234, 196), 0.05, n), 0.3)


def shrimp(canvas: Canvas, rng: Rng) -> None:
    """Curled, cooked tails with bands and a red fan."""
    pink = between(rng, rgb(250, 176, 140), rgb(244, 146, 108), rgb(232, 120, 84))
    count = int(rng.integers(2, 5))
    start = rng.uniform(0, 6)
    size = {2: 0.56, 3: 0.50, 4: 0.45}[count]
    for k in range(count):
        a = start + TURN * k / count + rng.normal(0, 0.1)
        x, y = polar({2: 0.44, 3: 0.50, 4: 0.54}[count], a)
        _shrimp(canvas, rng, x, y, size * rng.uniform(0.92, 1.06), vary(rng, pink, 0.06), 0.04 * k)


def _shrimp(canvas: Canvas, rng: Rng, x: float, y: float, size: float, pink: np.ndarray, z: float) -> None:
    turn, flip = rng.uniform(0, TURN), rng.choice([-1.0, 1.0])
    span, curl = rng.uniform(4.0, 4.9), 0.60  # length of the arc in radians, radius of the arc
    piece = canvas.piece(x, y, size, size, turn, 1.25)
    u, v = piece.u, piece.v * np.float32(flip)
    angle = np.arctan2(v, u) % (2 * np.pi)
    s = angle / span  # 0 at the head's cut, 1 at the tail
    rho = np.sqrt(u * u + v * v)
    half = 0.40 * (1 - 0.62 * np.clip(s, 0, 1) ** 1.3)
    start = np.hypot(u - curl, v)  # a round end where the head was
    across = np.where(s <= 1, (rho - curl + 0.05 * s) / half, 9)
    front = (v < 0) & (angle > span)
    across = np.where(front, start / 0.40, across)
    bands = 7.0
    phase = (s * bands) % 1
    scale = np.where(s <= 1, phase, 0.5)
    rho2 = across * across * (1 + 0.10 * scale)
    height = dome(rho2, 0.04 + z, size * 0.40) * (1 + 0.14 * scale)
    stripe = smoothstep(0.55, 0.95, scale) * smoothstep(-0.9, 0.5, across)
    colour = blend(pink, rgb(255, 232, 214), 0.55 * smoothstep(0.3, -0.8, across))
    colour = blend(colour, rgb(224, 84, 48), 0.75 * stripe)
    canvas.lay(piece, np.where(rho2 < 1, height, 0), colour, 0.55)
    # the fan of the tail
    c, sn = np.cos(turn), np.sin(turn)
    base_u, base_v = polar(curl * 0.92, span)
    for spread in (-0.38, 0.0, 0.38):
        heading = span + np.pi / 2 + spread
        du, dv = polar(0.24, heading)
        tu, tv = base_u + du, (base_v + dv) * flip
        tx, ty = x + size * (tu * c - tv * sn), y + size * (tu * sn + tv * c)
        leaf = canvas.piece(tx, ty, 0.30 * size, 0.12 * size, turn + heading * flip)
        colour = blend(rgb(240, 110, 70), rgb(196, 50, 34), smoothstep(-0.3, 0.9, leaf.u))
        canvas.lay(leaf, dome(leaf.u**2 + leaf.v**2, 0.05 + z, 0.06), colour, 0.45)
