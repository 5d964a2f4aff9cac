"""From a plan to a photo: draw every part, stack by height, light it, and shrink it by two.

Sauces are lit on their own and laid on top of everything, and no pixel mixes sauce with anything
else. So the pixels of a sauce's ROI depend on its own streams and on the light alone: neighbours
neither hide it, nor shade it, nor bleed into its edge.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from rvernet_plates.canvas import Canvas
from rvernet_plates.dishes import draw_dish
from rvernet_plates.foods import FOOD_TABLE
from rvernet_plates.layout import FOODS, Placed, Plan, plan_scene, stream
from rvernet_plates.light import shade
from rvernet_plates.sauces import draw_sauce
from rvernet_plates.spec import PlatesSpec
from rvernet_plates.tables import draw_table
from rvernet_plates.textures import overlay

RENDERER_VERSION = 1  # raised whenever any pixel or any layout changes; part of a store's fingerprint
_OVERSAMPLING = 2


@dataclass(frozen=True)
class SceneItem:
    """One food: its class, the visible share of its footprint (0..1], and t if it is a sauce."""

    name: str
    visible: float
    latent: float | None = None


@dataclass(frozen=True)
class Scene:
    """A rendered photo with exact masks.

    image: uint8 (H, W, 3) RGB. instances: uint8 (H, W), 0 = no food, k = items[k - 1].
    """

    image: np.ndarray
    instances: np.ndarray
    items: tuple[SceneItem, ...]


def render_scene(spec: PlatesSpec, seed: int) -> Scene:
    """Draw the scene of `seed` (>= 0): a pure function of (spec, seed).

    The same on every machine up to one gray level; at another `spec.size` the same scene in other
    pixels. Raises PlatesError for a spec outside its ranges.
    """
    return draw(plan_scene(spec, seed), spec.size)


def draw(plan: Plan, size: int) -> Scene:
    """Draw a plan as a photo of `size` x `size` pixels."""
    scale = size * _OVERSAMPLING
    stack = _Stack(plan, size, scale)
    footprints = []
    sauce = None
    for k, item in enumerate(plan.items, start=1):
        canvas = Canvas(item.x, item.y, item.radius, scale, item.angle)
        if item.latent is None:
            FOOD_TABLE[item.name].draw(canvas, stream(plan.seed, "foods", FOODS.index(item.name)))
            height = canvas.height
        else:
            # the smooth height casts the shadow, so that no grain of the look shows beside the sauce
            height = draw_sauce(canvas, stream(plan.seed, "sauce shape"), item.latent)
            sauce = (k, item, canvas)
        footprints.append(int(np.count_nonzero(height > 0)))
        stack.add(canvas, height, item, k)
    light = shade(stack.albedo, stack.height, stack.gloss, plan.light, scale)
    if sauce:
        _lay_lit_sauce(light, stack.label, sauce, plan, scale)
    seen = np.bincount(stack.label.ravel(), minlength=len(plan.items) + 1)[1:]
    image, instances = _shrink(light, stack.label, sauce[0] if sauce else 0)
    items = tuple(
        SceneItem(item.name, min(1.0, int(n) / max(full, 1)), item.latent)
        for item, n, full in zip(plan.items, seen, footprints, strict=True)
    )
    return Scene(image, instances, items)


class _Stack:
    """Table, dish and foods on top of each other, on the oversampled grid of the whole photo."""

    def __init__(self, plan: Plan, size: int, scale: int):
        table = draw_table(stream(plan.seed, "table"), size)
        glaze = draw_dish(plan.dish, stream(plan.seed, "glaze"), scale)
        on_dish = glaze.height > 0
        self.albedo = cv2.resize(table.albedo, (scale, scale), interpolation=cv2.INTER_LINEAR)
        overlay(self.albedo, glaze.albedo, on_dish)
        self.gloss = np.where(on_dish, glaze.gloss, np.float32(table.gloss))
        self.dish = glaze.height
        self.height = glaze.height.copy()
        self.label = np.zeros((scale, scale), np.uint8)

    def add(self, canvas: Canvas, height: np.ndarray, item: Placed, k: int) -> None:
        """Lay one food on what is there; it sags over its neighbours, and the higher surface is seen."""
        there, here = _overlap(canvas, self.label.shape)
        radius = np.float32(item.radius)
        own = height[here] * radius
        dish = self.dish[there]
        below = self.height[there] - dish  # what other foods add to the dish
        if below.size and below.max() > 0:
            sag = 2 * round(0.22 * canvas.unit) + 1
            own = np.where(own > 0, own + 0.85 * cv2.blur(below, (sag, sag)), 0)
        seen = (own > 0) & ((own > below) | (item.latent is not None))
        overlay(self.height[there], np.maximum(own, 0) + dish, seen)
        overlay(self.albedo[there], canvas.albedo[here], seen)
        overlay(self.gloss[there], canvas.gloss[here], seen)
        np.copyto(self.label[there], np.uint8(k), where=seen)


def _overlap(canvas: Canvas, shape: tuple[int, int]) -> tuple[tuple, tuple]:
    """Slices of the photo and of the canvas that show the same place."""
    (rows, cols), (h, w) = shape, canvas.shape
    y0, y1 = max(canvas.top, 0), min(canvas.top + h, rows)
    x0, x1 = max(canvas.left, 0), min(canvas.left + w, cols)
    there = (slice(y0, y1), slice(x0, x1))
    return there, (slice(y0 - canvas.top, y1 - canvas.top), slice(x0 - canvas.left, x1 - canvas.left))


def _lay_lit_sauce(light: np.ndarray, label: np.ndarray, sauce: tuple, plan: Plan, scale: int) -> None:
    """Replace the sauce's pixels by the sauce lit alone, away from everything else on the plate."""
    k, item, canvas = sauce
    lit = shade(canvas.albedo, canvas.height * np.float32(item.radius), canvas.gloss, plan.light, scale)
    there, here = _overlap(canvas, label.shape)
    overlay(light[there], lit[here], label[there] == k)


def _shrink(light: np.ndarray, label: np.ndarray, sauce: int) -> tuple[np.ndarray, np.ndarray]:
    """Halve picture and labels. A pixel belongs to what covers most of it; ties go to the food.

    The sauce owns a pixel when it covers half of it, whatever shares the rest; there and in the
    pixels that it touches without owning them, only the owner's part is averaged.
    """
    quarters = [label[i::2, j::2] for i in (0, 1) for j in (0, 1)]
    counts = [sum((q == other).astype(np.uint8) for other in quarters) for q in quarters]
    best, instances = np.zeros_like(quarters[0]), np.zeros_like(quarters[0])
    for q, n in zip(quarters, counts, strict=True):
        rank = 2 * n + (q > 0)
        if sauce:
            rank[q == sauce] = 0
        better = rank > best
        np.copyto(instances, q, where=better)
        np.copyto(best, rank, where=better)
    image = cv2.resize(light, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    if sauce:
        share = np.sum([q == sauce for q in quarters], axis=0, dtype=np.uint8)
        instances[share >= 2] = sauce
        for owns in (True, False):
            rows, cols = np.nonzero((share > 0) & (share < 4) & ((share >= 2) == owns))
            parts = [light[i::2, j::2][rows, cols] for i in (0, 1) for j in (0, 1)]
            weights = [((q[rows, cols] == sauce) == owns)[:, None] for q in quarters]
            total = sum(p * w for p, w in zip(parts, weights, strict=True))
            image[rows, cols] = total / sum(w.astype(np.float32) for w in weights)
    return np.clip(image * 255 + 0.5, 0, 255).astype(np.uint8), instances
