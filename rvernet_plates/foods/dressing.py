"""What cooking and seasoning do to a portion's colours, the same for every food.

Ripeness and heat shift all its tones together; in some portions a sauce has run over it, a spice was
dusted on it, or herbs and seeds were strewn on it. All foods take these from one list, so that their
colours come close to each other while the surface below keeps its shape and its texture.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

import cv2
import numpy as np

from rvernet_plates.canvas import Canvas
from rvernet_plates.foods.arrange import any_garnish, garnish, one_of
from rvernet_plates.textures import Rng, rgb, smoothstep, vary

Draw = Callable[[Canvas, Rng], None]

DRESSINGS = (
    rgb(190, 56, 34),  # tomato, paprika
    rgb(226, 164, 46),  # curry, mustard
    rgb(96, 54, 30),  # soy sauce, gravy, chocolate
    rgb(246, 238, 220),  # cream, cheese, sugar
    rgb(104, 130, 52),  # herbs, pesto
    rgb(214, 104, 40),  # chili oil
    rgb(176, 66, 104),  # beetroot, berries
    rgb(206, 146, 78),  # caramel, sesame, peanut
    rgb(52, 40, 40),  # balsamic vinegar, pepper
)


def dressed(hue: float = 9.0, plain: float = 0.6) -> Callable[[Draw], Draw]:
    """Decorator of a drawing: season the finished portion.

    Args:
        hue: standard deviation of the shift of all hues in degrees (never beyond 1.5
            of them); more for a food that its shape tells.
        plain: share of the portions that get nothing on top.
    """

    def decorate(draw: Draw) -> Draw:
        @wraps(draw)
        def portion(canvas: Canvas, rng: Rng) -> None:
            draw(canvas, rng)
            _tone(canvas, rng, hue)
            top = one_of(rng, None, _glaze, _glaze, _dust, _strew, share=plain)
            if top is not None:
                top(canvas, rng)

        return portion

    return decorate


def _tone(canvas: Canvas, rng: Rng, hue: float) -> None:
    """Turn all hues by one angle, and scale saturation and brightness: riper, paler, more cooked."""
    angle = float(np.deg2rad(hue) * np.clip(rng.normal(), -1.5, 1.5))
    saturation, brightness = rng.uniform(0.62, 1.15), rng.uniform(0.76, 1.08)
    c, s = saturation * np.cos(angle), saturation * np.sin(angle)
    third, cross = np.full((3, 3), 1 / 3), np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / np.sqrt(3)
    turn = brightness * (third + c * (np.eye(3) - third) + s * cross)
    turned = cv2.transform(canvas.albedo, turn.astype(np.float32))
    canvas.albedo = np.clip(turned, 0, 1).astype(np.float32)


def _glaze(canvas: Canvas, rng: Rng) -> None:
    """A thin sauce, glossy, thicker here than there and in the hollows."""
    colour = vary(rng, DRESSINGS[int(rng.integers(len(DRESSINGS)))], 0.15)
    patches = canvas.noise(rng, 1.8, octaves=2)
    around = cv2.blur(canvas.height, (2 * round(0.06 * canvas.unit) + 1,) * 2)
    hollow = np.clip((around - canvas.height) * 6, -0.4, 0.6)
    cover = smoothstep(-1.1, 0.35, 0.8 * patches + hollow) * rng.uniform(0.35, 0.8)
    canvas.paint(canvas.everywhere, cover, colour)
    canvas.gloss = np.where(canvas.height > 0, np.maximum(canvas.gloss, 0.75 * cover), 0).astype(np.float32)


def _dust(canvas: Canvas, rng: Rng) -> None:
    """A spice, grated cheese or sugar: fine specks, denser in places."""
    colour = vary(rng, DRESSINGS[int(rng.integers(len(DRESSINGS)))], 0.15)
    specks, patches = canvas.noise(rng, 30), canvas.noise(rng, 1.5)
    cover = smoothstep(0.15, 0.7, specks + 0.35 * patches) * rng.uniform(0.5, 0.9)
    canvas.paint(canvas.everywhere, cover, colour, bump=0.006)


def _strew(canvas: Canvas, rng: Rng) -> None:
    """Seeds or herbs."""
    garnish(canvas, rng, int(rng.integers(10, 34)), any_garnish(rng), 0.75)
