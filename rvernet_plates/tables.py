"""Table tops: the albedo of the whole photo, drawn at the photo's own resolution."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from rvernet_plates.textures import Rng, between, blend, noise, rgb, smoothstep, vary


class Table(NamedTuple):
    """Albedo (N, N, 3) in 0..1 and one gloss for all of it."""

    albedo: np.ndarray
    gloss: float


def draw_table(rng: Rng, size: int) -> Table:
    """A random table top for a photo of `size` pixels."""
    kind = TABLES[int(rng.integers(len(TABLES)))]
    return kind(rng, size)


def wood(rng: Rng, size: int) -> Table:
    """Planks with grain; some are narrow as in a butcher's block."""
    tone = between(rng, rgb(214, 170, 115), rgb(176, 118, 66), rgb(120, 72, 40), rgb(74, 46, 30))
    count = int(rng.integers(3, 8))
    side = round(size * 1.5)
    across = (np.arange(side, dtype=np.float32) + 0.5) / side * count * 1.5
    index = np.floor(across).astype(int)
    shades = rng.uniform(0.84, 1.12, count * 2 + 1).astype(np.float32)
    # every plank reads the grain elsewhere, so grain does not run across a gap
    wavy = noise(rng, (side, side), (10, 3)) * 0.7
    fine = noise(rng, (side, side), (160, 6), octaves=2)
    rings = np.sin((across * rng.uniform(5, 10) + shades[index] * 40)[:, None] + wavy * 6)
    grain = 1 + 0.10 * fine + 0.07 * rings
    gap = smoothstep(0.0, 0.05, 0.5 - np.abs(across - index - 0.5))
    brightness = grain * (shades[index] * (0.35 + 0.65 * gap))[:, None]
    albedo = tone * brightness[..., None] ** np.array([0.85, 1.0, 1.2], np.float32)
    return Table(_turn(rng, albedo, size), float(rng.uniform(0.05, 0.3)))


def linen(rng: Rng, size: int) -> Table:
    """A plain woven cloth with slubs in both directions."""
    tone = between(
        rng, rgb(226, 220, 205), rgb(196, 190, 170), rgb(150, 165, 175), rgb(84, 108, 140), rgb(170, 178, 140)
    )
    return Table(_clip(tone * _weave(rng, size, 0.11)[..., None]), 0.0)


def gingham(rng: Rng, size: int) -> Table:
    """The chequered cloth of a picnic."""
    hues = (rgb(190, 40, 40), rgb(50, 80, 150), rgb(60, 110, 70), rgb(200, 160, 70), rgb(70, 70, 76))
    hue, count = hues[int(rng.integers(len(hues)))], rng.uniform(4, 9)
    side = round(size * 1.5)
    t = (np.arange(side, dtype=np.float32) + 0.5) / side * 1.5 * count
    band = smoothstep(-0.12, 0.12, np.sin(2 * np.pi * t + rng.uniform(0, 6)))
    alpha = 0.5 * (band[:, None] + band[None, :])
    cloth = blend(rgb(240, 236, 226), hue, 0.08 + 0.86 * alpha)
    return Table(_turn(rng, cloth * _weave(rng, side, 0.05)[..., None], size), 0.0)


def stripes(rng: Rng, size: int) -> Table:
    """A tea towel: a light cloth with a few coloured lines."""
    hue = between(rng, rgb(170, 50, 50), rgb(60, 90, 140), rgb(90, 120, 90))
    side = round(size * 1.5)
    t = (np.arange(side, dtype=np.float32) + 0.5) / side * rng.uniform(3, 6) % 1
    line = smoothstep(0.18, 0.15, np.abs(t - 0.5)) * (
        1 - smoothstep(0.05, 0.03, np.abs(np.abs(t - 0.5) - 0.09))
    )
    cloth = blend(between(rng, rgb(238, 232, 218), rgb(214, 206, 190)), hue, line * 0.85)[:, None, :]
    return Table(_turn(rng, cloth * _weave(rng, side, 0.07)[..., None], size), 0.0)


def marble(rng: Rng, size: int) -> Table:
    """Polished stone with thin veins, light or nearly black."""
    dark = rng.random() < 0.35
    ground = rgb(58, 60, 64) if dark else vary(rng, rgb(232, 229, 224), 0.05)
    vein = rgb(190, 190, 190) if dark else rgb(150, 148, 148)
    cloud = noise(rng, (size, size), 3, octaves=4)
    thin = np.abs(noise(rng, (size, size), 3.5, octaves=4) + 0.35 * cloud)
    alpha = 0.75 * smoothstep(0.07, 0.0, thin) * smoothstep(-0.4, 0.5, cloud)
    albedo = blend(ground * (1 + 0.05 * cloud[..., None]), vein, alpha)
    return Table(_clip(albedo), 0.35)


def slate(rng: Rng, size: int) -> Table:
    """Dark split stone."""
    tone = between(rng, rgb(70, 74, 80), rgb(88, 84, 84), rgb(60, 70, 70))
    layers = noise(rng, (size, size), 5, octaves=4)
    steps = smoothstep(0.0, 0.15, np.abs(layers - 0.2)) * smoothstep(0.0, 0.1, np.abs(layers + 0.35))
    albedo = tone * (0.85 + 0.15 * steps + 0.10 * layers + 0.05 * noise(rng, (size, size), 90))[..., None]
    return Table(_clip(albedo), 0.12)


def plaster(rng: Rng, size: int) -> Table:
    """A trowelled, speckled surface: concrete, terrazzo-like or clay."""
    tone = between(rng, rgb(190, 186, 178), rgb(160, 158, 155), rgb(186, 140, 112), rgb(206, 190, 160))
    mottled = noise(rng, (size, size), 6, octaves=4)
    albedo = tone * (1 + 0.09 * mottled + 0.05 * noise(rng, (size, size), 120))[..., None]
    return Table(_clip(albedo), 0.05)


def tiles(rng: Rng, size: int) -> Table:
    """Glazed square tiles with joints."""
    tone = between(rng, rgb(222, 226, 224), rgb(150, 180, 180), rgb(110, 140, 160), rgb(214, 196, 160))
    side, count = round(size * 1.5), rng.uniform(2.5, 5)
    t = (np.arange(side, dtype=np.float32) + 0.5) / side * 1.5 * count
    joint = smoothstep(0.015, 0.045, np.minimum(t % 1, 1 - t % 1))
    i = np.floor(t).astype(int)
    shades = rng.uniform(0.9, 1.06, (i.max() + 1, i.max() + 1)).astype(np.float32)[i[:, None], i[None, :]]
    albedo = tone * (shades * (1 + 0.03 * noise(rng, (side, side), 20)))[..., None]
    albedo = blend(rgb(165, 158, 148), albedo, joint[:, None] * joint[None, :])
    return Table(_turn(rng, albedo, size), 0.3)


TABLES = (wood, wood, linen, gingham, stripes, marble, slate, plaster, tiles)


def _weave(rng: Rng, side: int, amount: float) -> np.ndarray:
    """Threads in both directions as a brightness (side, side) around 1."""
    threads = noise(rng, (side, side), (14, 150)) + noise(rng, (side, side), (150, 14))
    folds = noise(rng, (side, side), 2.5)
    return 1 + amount * threads + 0.04 * folds


def _turn(rng: Rng, albedo: np.ndarray, size: int) -> np.ndarray:
    """Rotate a picture of 1.5 times the photo's side and cut the photo out of its middle."""
    side = albedo.shape[0]
    angle = rng.choice([0, 90]) + rng.normal(0, 12)
    matrix = cv2.getRotationMatrix2D((side / 2, side / 2), float(np.clip(angle, -110, 110)), 1.0)
    matrix[:, 2] -= (side - size) / 2
    return _clip(cv2.warpAffine(albedo, matrix, (size, size), borderMode=cv2.BORDER_REFLECT))


def _clip(albedo: np.ndarray) -> np.ndarray:
    return np.clip(albedo, 0, 1).astype(np.float32)
