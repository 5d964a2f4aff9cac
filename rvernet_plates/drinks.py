"""Water and liquor: one drawing of a small glass for both, steered by the latent look t alone.

The glass is seen at a slant: its mouth above, its side and foot below. Kind of glass, tint of the clear
liquid, filling, ice and all reflections come from a generator that knows neither t nor the class; t
moves the liquid along one smooth path from clear with fine bubbles (large t, typical water) to golden
with tears of spirit on the glass (small t). Where the pair's distance d is 0 that says nothing.
"""

from __future__ import annotations

import numpy as np

from rvernet_plates.canvas import Canvas
from rvernet_plates.textures import Rng, between, blend, rgb, smoothstep, vary

PLAIN = rgb(206, 212, 214)  # what a glass lends to its surroundings, whatever its look
GROUNDS = (rgb(190, 196, 198), rgb(186, 146, 100), rgb(118, 80, 54), rgb(84, 92, 100), rgb(120, 140, 132))
_TINTS = (rgb(236, 244, 246), rgb(222, 238, 240), rgb(240, 238, 226), rgb(228, 236, 246))
_GOLD = rgb(232, 188, 108)
_BUBBLES = 16
_BODY = 0.40  # height of the wall, local units


def draw_drink(canvas: Canvas, rng: Rng, t: float) -> np.ndarray:
    """Fill `canvas` with a glass whose content looks like `t`.

    Returns the height (H, W), 0 outside the glass; it does not depend on t. The canvas's own height is the
    relief alone: the glass is lit by itself, without a cliff around it, whose shade would show.
    """
    spirit = float(0.5 - 0.5 * np.tanh(t / 2.6))
    ground = vary(rng, GROUNDS[int(rng.integers(len(GROUNDS)))], 0.06)
    clear = vary(rng, between(rng, *_TINTS), 0.04)
    colour = blend(clear, _GOLD, 0.6 * spirit)
    cubes = int(rng.integers(0, 4))
    relief = draw_glass(canvas, rng, colour, ground, 0.3 * spirit, spirit=spirit, ice=cubes)
    height = canvas.height.copy()
    canvas.height[:] = relief
    return height


def ground_of(rng: Rng) -> np.ndarray:
    """The colour of the mat that shows through the glass which `draw_drink` draws from an equal generator."""
    return vary(rng, GROUNDS[int(rng.integers(len(GROUNDS)))], 0.06)


def draw_glass(
    canvas: Canvas,
    rng: Rng,
    colour: np.ndarray,
    ground: np.ndarray,
    opacity: float,
    *,
    spirit: float | None = None,
    ice: int = 0,
) -> np.ndarray:
    """A tumbler on a mat of colour `ground`, filled with a liquid of `colour` and `opacity` (0..1).

    `spirit` 0..1 adds bubbles (0) or tears on the glass (1); None: neither. Returns its relief (H, W), which
    goes on outside the glass.
    """
    _, u, v = canvas.whole
    wide, narrow = rng.uniform(0.72, 0.82), rng.uniform(0.52, 0.66)  # half widths of mouth and foot
    slant = rng.uniform(0.72, 0.86)  # short over long axis of a horizontal circle
    top, bottom = -0.95 + slant * wide, 0.94 - slant * narrow
    level, thickness = rng.uniform(0.12, 0.34), rng.uniform(0.07, 0.10)  # of the liquid below the mouth
    lights = rng.uniform((-0.75, 0.35, 0.02), (-0.4, 0.75, 0.06)).tolist()

    def inside(s: float, shrink: float = 0.0) -> np.ndarray:
        """1 - squared distance from the circle at height `s` (0 mouth, 1 foot)."""
        half = wide + (narrow - wide) * s - shrink
        return 1 - (u / half) ** 2 - ((v - (top + (bottom - top) * s)) / (slant * half)) ** 2

    outline = np.max([inside(s) for s in np.linspace(0, 1, 9)], axis=0)
    mouth, hollow, foot = inside(0), inside(0, thickness), inside(1, 0.10)
    surface = inside(level, thickness + 0.01)
    on, soft = outline > 0, 2.5 / canvas.unit
    edge = smoothstep(0, 0.26, outline)

    # the side: mat and liquid through the glass, darker towards the rim of the view
    side = blend(np.broadcast_to(ground, (*u.shape, 3)), colour, 0.22 + 0.73 * opacity)
    foot_glow = smoothstep(-0.1, 0.5, foot) * (1 - 0.5 * smoothstep(0.3, 0.9, foot))
    side = blend(side, np.minimum(colour * 1.04, 1), (0.6 * foot_glow).astype(np.float32))
    side = side * (0.60 + 0.40 * edge)[..., None]
    outer = smoothstep(0.16, 0.10, outline) * smoothstep(0.02, 0.08, outline)
    side = blend(side, rgb(236, 242, 244), (0.55 * outer).astype(np.float32))
    for place, width, strength in ((lights[0], lights[2], 0.55), (lights[1], 0.6 * lights[2], 0.4)):
        streak = smoothstep(width + soft, 0, np.abs(u / (wide + (narrow - wide) * 0.5) - place))
        side = blend(
            side, rgb(252, 252, 252), (strength * streak * smoothstep(0, 0.2, outline)).astype(np.float32)
        )
    albedo = side
    # through the mouth: the inner wall, then the liquid
    wall = blend(ground, rgb(238, 242, 243), 0.35)
    albedo = blend(albedo, wall, smoothstep(-soft, soft, hollow))
    depth = smoothstep(0, 1, np.maximum(surface, 0))
    liquid = blend(np.broadcast_to(ground, (*u.shape, 3)) * np.float32(0.86), colour, 0.20 + 0.76 * opacity)
    liquid = liquid * (0.78 + 0.22 * depth)[..., None]
    glow = smoothstep(0.05, 0.5, surface) * smoothstep(0.1, 0.9, (u * lights[1] + v * 0.6))
    liquid = blend(liquid, np.minimum(colour * 1.06, 1), (0.62 * glow).astype(np.float32))
    wet = smoothstep(-soft, soft, np.minimum(surface, hollow))
    albedo = blend(albedo, liquid, wet)
    meniscus = smoothstep(0.14, 0.02, np.abs(surface - 0.05)) * wet
    albedo = blend(albedo, blend(colour, rgb(90, 100, 104), 0.5), (0.42 * meniscus).astype(np.float32))
    albedo = _with_ice(canvas, rng, albedo, surface, (top + (bottom - top) * level, 0.42 * wide), ice)
    if spirit is not None:
        albedo = _with_signs(canvas, rng, albedo, u, v, hollow, surface, wide, spirit)
    rim = smoothstep(0, 0.4 * thickness, mouth) * smoothstep(0.4 * thickness, -0.2 * thickness, hollow)
    albedo = blend(
        albedo, rgb(246, 249, 250), (0.8 * rim * smoothstep(0.9, -0.3, v / wide)).astype(np.float32)
    )
    dark = smoothstep(0.10, 0.0, np.abs(hollow)) * (hollow > -0.1)
    albedo = blend(albedo, rgb(120, 128, 132), (0.45 * dark).astype(np.float32))

    canvas.albedo[:] = np.where(on[..., None], np.clip(albedo, 0, 1), 0)
    canvas.gloss[:] = np.where(on, 0.55 + 0.3 * wet, 0)
    relief = (
        _BODY + 0.05 * smoothstep(0, 0.3, outline) + 0.05 * rim - 0.05 * smoothstep(-soft, 3 * soft, hollow)
    )
    canvas.height[:] = np.where(on, 0.04 + (relief - 0.04) * smoothstep(-0.1, 0.3, outline), 0)
    return relief.astype(np.float32)


def _with_ice(
    canvas: Canvas, rng: Rng, albedo: np.ndarray, surface: np.ndarray, place: tuple[float, float], count: int
) -> np.ndarray:
    """Up to three cubes that float in the liquid, with bright edges and a cloudy heart."""
    level, far = place
    angles, turns = rng.uniform(0, 2 * np.pi) + np.arange(3) * 2.1, rng.uniform(0, np.pi, 3)
    sizes, fars = rng.uniform(0.17, 0.24, 3), far * rng.uniform(0.5, 1.0, 3)
    for k in range(count):
        piece = canvas.piece(
            fars[k] * np.cos(angles[k]),
            level + 0.7 * fars[k] * np.sin(angles[k]),
            sizes[k],
            sizes[k] * 0.85,
            turns[k],
        )
        window = piece.window
        rho = (piece.u**4 + piece.v**4) ** np.float32(0.25)
        cube = smoothstep(1.0, 0.88, rho) * (surface[window] > 0.02)
        edge = smoothstep(0.6, 0.92, rho)
        shade = 0.80 + 0.14 * (piece.u + piece.v > 0.2) + 0.06 * edge
        ice = (
            blend(rgb(205, 222, 230), rgb(250, 253, 255), edge * 0.7 + 0.2 * (rho < 0.35)) * shade[..., None]
        )
        albedo[window] = blend(albedo[window], ice, (0.8 * cube).astype(np.float32))
    return albedo


def _with_signs(canvas, rng, albedo, u, v, hollow, surface, wide, spirit) -> np.ndarray:
    """Bubbles at the liquid's edge, or tears that run down the inner wall."""
    angles, sizes = rng.uniform(0, 2 * np.pi, _BUBBLES), rng.uniform(0.025, 0.045, _BUBBLES)
    fars = 0.72 * wide * rng.uniform(0.6, 1, _BUBBLES)
    thresholds = np.linspace(0.08, 0.95, _BUBBLES)
    strength = smoothstep(-0.08, 0.08, thresholds - spirit)
    centre = float(np.average(v[surface > 0])) if np.any(surface > 0) else 0.0
    dots = canvas.dots(
        fars * np.cos(angles), centre + 0.75 * fars * np.sin(angles), sizes, sizes, 0.0, strength
    )
    albedo = blend(albedo, rgb(255, 255, 255), (0.75 * dots * (surface > 0.04)).astype(np.float32))
    phase, waves = rng.uniform(0, 2 * np.pi), rng.uniform(7, 11)
    between_them = smoothstep(0.02, 0.12, hollow) * smoothstep(0.06, -0.04, surface)
    tears = smoothstep(0.55, 0.9, np.sin(np.arctan2(v, u) * np.round(waves) + phase)) * between_them
    return blend(albedo, rgb(150, 110, 60), (0.7 * spirit * tears).astype(np.float32))
