"""Things on the table that are no food: a napkin, cutlery, a glass of something coloured, a cup.

Each fills a canvas like a food does, with x along its length. They carry the label 0, lie under every
food, and know nothing of it but where it must not be covered.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rvernet_plates.canvas import Canvas, Piece, dome, plateau
from rvernet_plates.drinks import draw_glass
from rvernet_plates.textures import Rng, between, blend, rgb, smoothstep, vary


@dataclass(frozen=True)
class Thing:
    """A thing on the table: place, radius and half width in photo units, `angle` in radians.

    `part` tells its random stream.
    """

    kind: str
    x: float
    y: float
    radius: float
    angle: float
    across: float
    part: int


@dataclass(frozen=True)
class Kind:
    """How a thing is drawn, how large and how frequent it is, and where it likes to be."""

    draw: Callable[[Canvas, Rng], None]
    radius: tuple[float, float]  # photo units
    share: float  # of the scenes, where there is room
    room: tuple[float, float]  # half length and half width, local units
    cut: float  # share of its half length that is outside the photo
    shy: float = 1.0  # how much it avoids the dish
    upright: bool = False  # it is not turned
    below: bool = False  # it lies under the dish


def napkin(canvas: Canvas, rng: Rng) -> None:
    """A folded cloth with a hem, and sometimes a border or checks."""
    colour = between(rng, rgb(236, 230, 218), rgb(206, 190, 160), rgb(140, 150, 156), rgb(150, 60, 56))
    hue = vary(
        rng, between(rng, rgb(160, 50, 50), rgb(60, 88, 140), rgb(86, 116, 84), rgb(190, 150, 80)), 0.1
    )
    piece = canvas.piece(0, 0, 0.88, 0.88 * rng.uniform(0.6, 1.0))
    u, v = piece.u, piece.v
    wave = 0.02 * np.sin(3 * u + rng.uniform(0, 6)) + 0.02 * np.sin(4 * v + rng.uniform(0, 6))
    rho = np.maximum(np.abs(u + wave), np.abs(v + wave))
    folds = canvas.noise(rng, 1.2, octaves=2)[piece.window]
    weave = canvas.noise(rng, 24)[piece.window]
    crease = smoothstep(0.05, 0.0, np.abs(u - rng.uniform(-0.15, 0.15)))
    height = plateau(rho, 0.02, 0.03, 12)
    height = np.where(height > 0, height + 0.02 * folds - 0.012 * crease + 0.012, 0)
    pattern, phase = int(rng.integers(4)), rng.uniform(0, 6)
    band = np.zeros_like(u)
    if pattern == 1:
        band = 0.9 * smoothstep(0.05, 0.03, np.abs(rho - 0.84))
    elif pattern == 2:
        lines = (smoothstep(-0.1, 0.1, np.sin(9 * part + phase)) for part in (u, v))
        band = 0.42 * np.sum(list(lines), axis=0)
    cloth = blend(np.broadcast_to(colour, (*u.shape, 3)), hue, band.astype(np.float32))
    hem = 1 - 0.10 * smoothstep(0.03, 0.01, np.abs(rho - 0.95))
    canvas.lay(
        piece, np.maximum(height, 0), np.clip(cloth * (hem * (1 + 0.06 * weave))[..., None], 0, 1), 0.0
    )


# --- cutlery --------------------------------------------------------------------------------------

_METALS = (rgb(196, 198, 202), rgb(196, 198, 202), rgb(184, 186, 192), rgb(206, 176, 110), rgb(70, 70, 74))
_HALF = 0.28  # local units; no cutlery is broader
_HANDLES = (rgb(120, 76, 44), rgb(56, 44, 40), rgb(222, 214, 200), rgb(160, 60, 52))


def fork(canvas: Canvas, rng: Rng) -> None:
    """Four tines."""
    _, x, y = _band(canvas)
    half = _profile(
        x, (-1, -0.97, -0.55, 0.1, 0.36, 0.50, 0.62, 0.95, 1.0), (4, 9, 7, 4, 4.5, 12, 14, 12, 10)
    )
    slots = np.zeros_like(x)
    for k in (-1, 0, 1):
        slots = np.maximum(slots, smoothstep(0.016, 0.008, np.abs(y - 0.064 * k)))
    _metal(canvas, rng, half, gap=slots * (x > 0.60))


def spoon(canvas: Canvas, rng: Rng) -> None:
    """A hollow bowl."""
    _, x, y = _band(canvas)
    half = _profile(x, (-1, -0.97, -0.55, 0.2, 0.42), (4, 9, 7, 4, 4))
    bowl = 1 - ((x - 0.68) / 0.32) ** 2
    half = np.maximum(half * (x < 0.5), 0.21 * np.sqrt(np.maximum(bowl, 0)) * (x > 0.36))
    inner = np.maximum(1 - ((x - 0.69) / 0.27) ** 2 - (y / 0.17) ** 2, 0)
    _metal(canvas, rng, half, dent=0.07 * np.sqrt(inner))


def knife(canvas: Canvas, rng: Rng) -> None:
    """A blade with one straight edge."""
    _, x, y = _band(canvas)
    half = _profile(x, (-1, -0.96, -0.5, -0.06, 0.0, 0.06, 0.7, 0.92, 1.0), (5, 8, 7, 6.5, 5, 7, 8.5, 6, 1))
    shift = 0.03 * smoothstep(0.7, 1.0, x)
    _metal(canvas, rng, half, shift=shift, dent=0.02 * smoothstep(0.0, 0.05, y) * (x > 0.05))


def chopsticks(canvas: Canvas, rng: Rng) -> None:
    """Two tapering sticks, wooden or lacquered."""
    colour = vary(
        rng, between(rng, rgb(206, 166, 112), rgb(120, 74, 44), rgb(40, 34, 34), rgb(140, 30, 30)), 0.08
    )
    grain = canvas.noise(rng, 10)
    for tilt in (rng.normal(0.02, 0.02), -rng.uniform(0.04, 0.12)):
        piece = canvas.piece(0, 0.11 * np.sign(tilt) + 0.02, 1.0, 0.05, tilt)
        across = piece.v / (1 - 0.25 * (piece.u + 1))
        inside = np.where(np.abs(piece.u) < 0.99, 1 - across**2, 0)
        bands = smoothstep(0.02, 0.0, np.abs(piece.u + 0.8))
        tone = blend(np.broadcast_to(colour, (*across.shape, 3)), rgb(206, 170, 90), bands.astype(np.float32))
        canvas.lay(
            piece, dome(1 - inside, 0.02, 0.05), tone * (1 + 0.08 * grain[piece.window])[..., None], 0.3
        )


def _band(canvas: Canvas) -> Piece:
    """The part of the canvas that cutlery may fill, with local coordinates."""
    window, u, v = canvas.piece(0, 0, 1.0, _HALF)
    return Piece(window, u, v * np.float32(_HALF))


def _profile(x: np.ndarray, places: tuple, widths: tuple) -> np.ndarray:
    """Half width along x from hundredths at some places; 0 beyond the ends."""
    half = np.interp(x, places, np.array(widths) / 100).astype(np.float32)
    return np.where((x < places[0]) | (x > places[-1]), 0, half)


def _metal(
    canvas: Canvas,
    rng: Rng,
    half: np.ndarray,
    *,
    gap: np.ndarray | float = 0.0,
    dent: np.ndarray | float = 0.0,
    shift: np.ndarray | float = 0.0,
) -> None:
    """A polished body of half width `half` (H, W) along x, with a handle of metal or another material."""
    band = _band(canvas)
    x, y = band.u, band.v + shift
    colour = vary(rng, _METALS[int(rng.integers(len(_METALS)))], 0.05)
    other = vary(rng, _HANDLES[int(rng.integers(len(_HANDLES)))], 0.08)
    has_handle, cloudy = rng.random() < 0.3, canvas.noise(rng, 1.5, octaves=2)[band.window]
    inside = np.where(half > 0, 1 - (y / np.maximum(half, 1e-3)) ** 2, 0) * (np.asarray(gap) < 0.5)
    height = np.where(inside > 0, 0.045 + 0.05 * np.sqrt(np.maximum(inside, 0)) - dent, 0)
    # a mirror shows a bright and a dark side of the room
    mirror = 0.80 + 0.22 * np.sin(5.0 * y / np.maximum(half, 0.03) + 2.2 * cloudy + 2 * x)
    metal = np.clip(colour * np.clip(mirror, 0.4, 1.08)[..., None], 0, 1)
    handle = has_handle * smoothstep(0.02, 0.0, x + 0.08)
    canvas.lay(
        band,
        np.where(inside > 0, np.maximum(height, 0.01), 0),
        blend(metal, other, handle.astype(np.float32)),
        (0.85 * (1 - handle) + 0.3 * handle).astype(np.float32),
    )


# --- vessels --------------------------------------------------------------------------------------

_COLD = (rgb(240, 160, 40), rgb(54, 26, 18), rgb(240, 236, 224), rgb(196, 40, 60), rgb(150, 180, 70))
_HOT = (rgb(70, 40, 22), rgb(104, 66, 38), rgb(160, 92, 30), rgb(120, 134, 60))
_CLAY = (rgb(236, 232, 224), rgb(198, 186, 168), rgb(96, 112, 128), rgb(62, 62, 66), rgb(176, 110, 86))


def glass(canvas: Canvas, rng: Rng) -> None:
    """A tumbler of juice, cola or milk: never anything clear, which would be a drink with a class."""
    colour = vary(rng, _COLD[int(rng.integers(len(_COLD)))], 0.1)
    draw_glass(canvas, rng, colour, vary(rng, rgb(200, 200, 196), 0.05), 0.95, ice=int(rng.integers(0, 3)))


def cup(canvas: Canvas, rng: Rng) -> None:
    """Coffee or tea on a saucer."""
    clay = vary(rng, _CLAY[int(rng.integers(len(_CLAY)))], 0.06)
    drink = vary(rng, _HOT[int(rng.integers(len(_HOT)))], 0.1)
    turn, milk = rng.uniform(0, 2 * np.pi), rng.random() < 0.4
    saucer = canvas.piece(0, 0, 1.0)
    rise = 0.03 + 0.05 * smoothstep(0.55, 1.0, saucer.rho) - 0.02 * smoothstep(0.5, 0.42, saucer.rho)
    ring = 1 - 0.12 * smoothstep(0.03, 0.0, np.abs(saucer.rho - 0.93))
    canvas.lay(saucer, np.where(saucer.rho < 1, rise, 0), clay * ring[..., None], 0.5)
    grip = canvas.piece(0.72 * np.cos(turn), 0.72 * np.sin(turn), 0.24, 0.16, turn)
    hoop = 1 - ((grip.rho - 0.72) / 0.28) ** 2
    canvas.lay(grip, np.where(hoop > 0, 0.30 + 0.05 * np.sqrt(np.maximum(hoop, 0)), 0), clay, 0.5)
    body = canvas.piece(0, 0, 0.62)
    wall = 0.40 * smoothstep(1.0, 0.9, body.rho) + 0.04 - 0.12 * smoothstep(0.90, 0.82, body.rho)
    canvas.lay(body, np.where(body.rho < 1, wall, 0), clay, 0.55)
    level = canvas.piece(0, 0, 0.52)
    cream = canvas.noise(rng, 4, octaves=2)[level.window]
    froth = smoothstep(0.82, 1.0, level.rho) * 0.5
    if milk:
        heart = np.sin(7 * level.rho + 2.5 * np.cos(level.theta - turn)) + 0.4 * cream
        froth = np.maximum(froth, 0.85 * smoothstep(0.1, 0.5, heart) * smoothstep(0.85, 0.7, level.rho))
    tone = blend(np.broadcast_to(drink, (*level.u.shape, 3)), rgb(226, 200, 164), froth.astype(np.float32))
    canvas.paint(level, smoothstep(1.0, 0.96, level.rho), tone, 0.6)


THINGS: dict[str, Kind] = {
    "napkin": Kind(napkin, (0.22, 0.32), 0.30, (0.88, 0.75), 0.7, below=True),
    "glass": Kind(glass, (0.16, 0.20), 0.18, (0.85, 0.85), 0.5, upright=True),
    "cup": Kind(cup, (0.15, 0.19), 0.18, (1.0, 1.0), 0.6),
    "fork": Kind(fork, (0.27, 0.34), 0.36, (1.0, 0.16), 0.25, shy=0.5),
    "knife": Kind(knife, (0.28, 0.35), 0.28, (1.0, 0.11), 0.25, shy=0.5),
    "spoon": Kind(spoon, (0.25, 0.32), 0.22, (1.0, 0.22), 0.25, shy=0.5),
    "chopsticks": Kind(chopsticks, (0.28, 0.34), 0.14, (1.0, 0.16), 0.25, shy=0.3),
}
