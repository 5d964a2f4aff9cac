"""One shading pass over albedo, height and gloss.

Wrapped diffuse light, soft shadows marched along the height field, ambient occlusion at two scales,
and a two-lobed highlight. Heights are in photo units; the light comes from one side.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from rvernet_plates.textures import Rng

_MARCH = 14  # steps towards the light
_BAND = 8192  # pixels lit at a time: their buffers stay in the processor's cache
# linear sRGB of a black body over that of 6500 K, green = 1
_MIREDS = [1e6 / kelvin for kelvin in (7500, 6500, 5000, 4000, 3500, 2700)]
_BLACK_BODY = ((0.93, 1.0, 1.27, 1.57, 1.82, 2.52), (1.0,) * 6, (1.17, 1.0, 0.77, 0.57, 0.44, 0.24))
_HIGHEST = 0.13  # photo units; nothing on a table is taller


@dataclass(frozen=True)
class Light:
    """Direction and colour of the light; `azimuth` and `elevation` in radians, the rest relative."""

    azimuth: float
    elevation: float
    strength: float
    ambient: float
    tint: tuple[float, float, float]
    softness: float

    @classmethod
    def draw(cls, rng: Rng) -> Light:
        """A random window or lamp, mostly beyond the upper edge of the photo, seen by an imperfect camera."""
        exposure = rng.uniform(0.86, 1.12)
        return cls(
            azimuth=float(rng.uniform(-np.pi, 0)),
            elevation=float(np.deg2rad(rng.uniform(42, 62))),
            strength=float(exposure * rng.uniform(0.80, 0.92)),
            ambient=float(exposure * rng.uniform(0.42, 0.54)),
            tint=tint(rng.uniform(1e6 / 7500, 1e6 / 2700), rng.uniform(0.68, 1.0)),
            softness=float(rng.uniform(0.22, 0.5)),
        )

    @property
    def direction(self) -> tuple[float, float, float]:
        """Unit vector towards the light in (x right, y down, z up)."""
        flat = np.cos(self.elevation)
        return flat * np.cos(self.azimuth), flat * np.sin(self.azimuth), np.sin(self.elevation)


def tint(mired: float, balance: float) -> tuple[float, float, float]:
    """Colour (linear red, green, blue; as bright as white) of a black body's light in the photo.

    Args:
        mired: a million over the colour temperature in kelvin; 133 is a cloudy sky, 370 a light bulb.
        balance: how much of its colour the camera's white balance takes away, 0..1.
    """
    logs = [np.interp(mired, _MIREDS, np.log(channel)) * (1 - balance) for channel in _BLACK_BODY]
    colour = np.exp(logs)
    red, green, blue = colour / (0.2126 * colour[0] + 0.7152 * colour[1] + 0.0722 * colour[2])
    return float(red), float(green), float(blue)


def shade(
    albedo: np.ndarray, height: np.ndarray, gloss: np.ndarray, light: Light, scale: float
) -> np.ndarray:
    """The lit picture, float32 (H, W, 3) in 0..1 (display values).

    Args:
        albedo: (H, W, 3) in 0..1, display values.
        height: (H, W) in photo units.
        gloss: (H, W) in 0..1.
        light: the scene's light.
        scale: pixels per photo unit.
    """
    slope_x = cv2.Scharr(height, -1, 1, 0, scale=scale / 32)
    slope_y = cv2.Scharr(height, -1, 0, 1, scale=scale / 32)
    arriving, open_sky = shadow(height, light, scale), _occlusion(height, scale)
    picture = np.empty_like(albedo)
    step = max(1, _BAND // height.shape[1])
    for top in range(0, len(height), step):
        band = slice(top, top + step)
        picture[band] = _light(
            albedo[band], slope_x[band], slope_y[band], gloss[band], arriving[band], open_sky[band], light
        )
    return picture


def _light(
    albedo: np.ndarray,
    slope_x: np.ndarray,
    slope_y: np.ndarray,
    gloss: np.ndarray,
    arriving: np.ndarray,
    open_sky: np.ndarray,
    light: Light,
) -> np.ndarray:
    """The part of `shade` that looks at each pixel alone."""
    lx, ly, lz = light.direction
    slope_x, slope_y = (np.minimum(np.maximum(slope, -3.5), 3.5) for slope in (slope_x, slope_y))
    upright = 1 / np.sqrt(1 + slope_x * slope_x + slope_y * slope_y)
    facing = (lz - slope_x * np.float32(lx) - slope_y * np.float32(ly)) * upright
    lit = np.maximum((facing + 0.25) / 1.25, 0) * arriving
    sky = open_sky * (0.7 + 0.3 * upright) * np.float32(light.ambient)

    hx, hy, hz = lx, ly, lz + 1
    norm = np.float32((hx * hx + hy * hy + hz * hz) ** -0.5)
    mirror = (hz - slope_x * np.float32(hx) - slope_y * np.float32(hy)) * upright * norm
    mirror = np.maximum(mirror, 0.3)  # invisible, and keeps its 64th power a normal, hence quick, number
    broad = _power(mirror, 4)
    sharp = _power(broad, 2)
    shine = gloss * (0.10 * broad + (0.75 * gloss) * sharp) * np.minimum(lit + 0.35, 1) * open_sky
    tint = [np.float32(c) for c in light.tint]
    diffuse = lit * np.float32(light.strength) + sky
    linear = albedo * albedo
    linear *= cv2.merge([diffuse * c for c in tint])
    linear += cv2.merge([shine * c for c in tint])
    # a gentle shoulder keeps whites from clipping; the square root is the display's gamma
    return np.sqrt(linear * (1 + 0.12 * linear) / (1 + 0.35 * linear))


def shadow(height: np.ndarray, light: Light, scale: float) -> np.ndarray:
    """How much of the light arrives: (H, W) from 0 (full shadow) to 1. Arguments as for `shade`."""
    lx, ly, lz = light.direction
    slope = lz / np.hypot(lx, ly)
    run = _HIGHEST / slope  # longest shadow, photo units
    pad = int(np.ceil(run * scale)) + 2
    padded = cv2.copyMakeBorder(height, pad, pad, pad, pad, cv2.BORDER_REPLICATE)
    rows, cols = height.shape
    flat = np.hypot(lx, ly)
    covered = np.zeros_like(height)
    for k in range(_MARCH):
        distance = run * ((k + 1) / _MARCH) ** 1.6
        dx, dy = round(distance * scale * lx / flat), round(distance * scale * ly / flat)
        towards = padded[pad + dy : pad + dy + rows, pad + dx : pad + dx + cols] - height
        towards -= np.float32(distance * slope)
        towards *= np.float32(1 / (0.004 + light.softness * distance))
        np.maximum(covered, towards, out=covered)
    covered = np.minimum(covered, 1)
    covered = covered * (2 - covered)
    return 1 - 0.88 * _blur(covered, 0.0035 * scale)


def _occlusion(height: np.ndarray, scale: float) -> np.ndarray:
    """How open the sky is above each point, (H, W) in 0..1: low beside tall neighbours."""
    rows, cols = height.shape
    half = cv2.resize(height, (max(cols // 2, 1), max(rows // 2, 1)), interpolation=cv2.INTER_AREA)
    total = np.ones_like(half)
    for reach, weight in ((0.007, 0.36), (0.03, 0.75)):
        below = np.maximum(_blur(half, reach * scale / 2) - half, 0)
        total -= below * np.float32(weight / reach)
    return cv2.resize(np.maximum(total, 0.3), (cols, rows), interpolation=cv2.INTER_LINEAR)


def _blur(field: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian blur; wide ones are made from box filters, whose cost does not grow with width."""
    if sigma < 2:
        return cv2.GaussianBlur(field, (0, 0), max(sigma, 0.3))
    side = 2 * round(sigma) + 1
    return cv2.blur(cv2.blur(field, (side, side)), (side, side))


def _power(base: np.ndarray, doublings: int) -> np.ndarray:
    """base ** (2 ** doublings)."""
    for _ in range(doublings):
        base = base * base
    return base
