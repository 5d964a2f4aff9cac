"""From a plan to a photo: draw every part, stack by height, light it, tilt it, shrink it, develop it.

Sauces and drinks are lit on their own, tilted, shrunk and developed (blur, noise, JPEG) on their own, and
laid into the finished photo, whose pixels they replace. What lies under them in the photo before that has
the same outline and one plain colour. So the pixels of such an ROI depend on its own streams, the light
and the camera alone: neighbours neither hide it, nor shade it, nor bleed into its edge, not even through
the compression of the file; and nothing of its look reaches the surroundings.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from rvernet_plates import drinks, sauces
from rvernet_plates.camera import Camera
from rvernet_plates.canvas import Canvas, dome
from rvernet_plates.clutter import THINGS, Thing
from rvernet_plates.dishes import draw_dish
from rvernet_plates.foods import FOOD_TABLE
from rvernet_plates.laws import AMBIGUOUS_PAIRS, DRINKS, FOODS, SAUCES, Pair, pair_of
from rvernet_plates.layout import Placed, Plan, plan_scene, stream
from rvernet_plates.light import shade
from rvernet_plates.spec import PlatesSpec
from rvernet_plates.tables import draw_table
from rvernet_plates.textures import overlay, triple

RENDERER_VERSION = 4  # raised whenever any pixel or any layout changes; part of a store's fingerprint
_OVERSAMPLING = 2
_BLOCK = 8 * _OVERSAMPLING  # a JPEG block on the oversampled grid
_LOOKS: dict[Pair, tuple] = {
    SAUCES: (sauces.draw_sauce, sauces.PLAIN),
    DRINKS: (drinks.draw_drink, drinks.PLAIN),
}


@dataclass(frozen=True)
class SceneItem:
    """One food of a scene.

    name: its class. visible: the share of its footprint (0..1] that neither another food nor the edge of
    the photo hides. latent: the look t of a sauce or drink. company: the class of the item's own pair to
    which its companions belong. Both are None for a plain food.
    """

    name: str
    visible: float
    latent: float | None = None
    company: str | None = None


@dataclass(frozen=True)
class Scene:
    """A rendered photo with exact masks.

    image: uint8 (H, W, 3) RGB, of 4:3, 3:4 or 1:1. instances: uint8 (H, W), 0 = no food, k = items[k - 1].
    """

    image: np.ndarray
    instances: np.ndarray
    items: tuple[SceneItem, ...]


def render_scene(spec: PlatesSpec, seed: int) -> Scene:
    """Draw the scene of `seed` (>= 0): a pure function of (spec, seed).

    With one build of NumPy and OpenCV the same bytes every time. Another build or machine may round a
    pixel differently by one level before the file is compressed, and by one step of its compression
    after. At another `spec.size` the same scene in other pixels. Raises PlatesError for a spec outside
    its ranges.
    """
    return draw(plan_scene(spec, seed), spec.size)


def draw(plan: Plan, size: int) -> Scene:
    """Draw a plan as a photo whose longer side has `size` pixels."""
    scale = size * _OVERSAMPLING
    camera = plan.camera
    stack = _Stack(plan, size, scale)
    footprints, separate = [], []
    for k, item in enumerate(plan.items, start=1):
        canvas = stack.canvas(item)
        pair = pair_of(item.name)
        if pair is None:
            FOOD_TABLE[item.name].draw(canvas, stream(plan.seed, "foods", FOODS.index(item.name)))
            height = canvas.height
            stack.add(canvas, height, item.radius, k)
        else:
            look, plain = _LOOKS[pair]
            part = AMBIGUOUS_PAIRS.index(pair)
            # the smooth height casts the shadow, so that no grain of the look shows beside the item
            height = look(canvas, stream(plan.seed, "ambiguous shape", part), item.latent or 0.0)
            stack.cover(canvas, height, plain, item.radius, k)
            separate.append((k, part, canvas, height > 0, item.radius))
        footprints.append(int(np.count_nonzero(height > 0)))
    seen = np.bincount(stack.label[stack.in_photo()], minlength=len(plan.items) + 1)[1:]
    light = shade(stack.albedo, stack.height, stack.gloss, plan.light, scale)
    picture, label = _seen_from(camera, light, stack.label, scale)
    instances = _shrink_labels(label, [k for k, *_ in separate])
    picture = cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    image = camera.develop(picture, stream(plan.seed, "sensor"), size)
    for k, part, *drawing in separate:
        sensor = stream(plan.seed, "ambiguous sensor", part)
        window, developed, mask = _develop_alone(plan, sensor, size, image.shape[:2], *drawing)
        np.copyto(image[window], developed, where=mask[..., None])
        np.copyto(instances[window], np.uint8(k), where=mask)
    items = tuple(
        SceneItem(item.name, min(1.0, int(n) / max(full, 1)), item.latent, item.company)
        for item, n, full in zip(plan.items, seen, footprints, strict=True)
    )
    return Scene(image, instances, items)


class _Stack:
    """Table, dish, things and foods on top of each other, on the oversampled grid of the table."""

    def __init__(self, plan: Plan, size: int, scale: int):
        left, top, right, bottom = plan.camera.seen
        self.camera, self.scale, self.corner = plan.camera, scale, (left, top)
        rows, cols = int(np.ceil((bottom - top) * scale)), int(np.ceil((right - left) * scale))
        side = max(rows, cols)
        table = draw_table(stream(plan.seed, "table"), side // _OVERSAMPLING)
        wide = cv2.resize(table.albedo, (side, side), interpolation=cv2.INTER_LINEAR)
        self.albedo = np.ascontiguousarray(wide[:rows, :cols])
        self.gloss = np.full((rows, cols), table.gloss, np.float32)
        self.height = np.zeros((rows, cols), np.float32)
        self.label = np.zeros((rows, cols), np.uint8)
        for thing in plan.things:
            if THINGS[thing.kind].below:
                self._put(thing, plan)
        glaze = draw_dish(plan.dish, stream(plan.seed, "glaze"), (rows, cols), scale, self.corner)
        on_dish = glaze.height > 0
        overlay(self.albedo, glaze.albedo, on_dish)
        overlay(self.gloss, glaze.gloss, on_dish)
        overlay(self.height, glaze.height, on_dish)
        for thing in plan.things:
            if not THINGS[thing.kind].below:
                self._put(thing, plan)
        drink = plan.of(DRINKS)
        if drink:
            self._mat(drink, plan)
        self.ground = self.height.copy()  # what foods lie on

    def canvas(self, item: Placed | Thing) -> Canvas:
        """The buffer in which `item` is drawn."""
        x, y = item.x - self.corner[0], item.y - self.corner[1]
        return Canvas(x, y, item.radius, self.scale, item.angle)

    def in_photo(self) -> np.ndarray:
        """Which places of the grid the photo shows, bool (H, W)."""
        rows, cols = self.label.shape
        x = (np.arange(cols) + 0.5) / self.scale + self.corner[0]
        y = (np.arange(rows) + 0.5) / self.scale + self.corner[1]
        far, _ = self.camera.to_photo(1.0, y)  # how wide a unit of this row is in the photo
        return np.abs(x)[None, :] * far[:, None] <= self.camera.width / 2

    def add(self, canvas: Canvas, height: np.ndarray, radius: float, k: int) -> None:
        """Lay one food on what is there; it sags over its neighbours, and the higher surface is seen."""
        there, here = _overlap(canvas, self.label.shape)
        own = height[here] * np.float32(radius)
        ground = self.ground[there]
        below = self.height[there] - ground  # what other foods add to the dish
        if below.size and below.max() > 0:
            sag = 2 * round(0.22 * canvas.unit) + 1
            own = np.where(own > 0, own + 0.85 * cv2.blur(below, (sag, sag)), 0)
        seen = (own > 0) & (own > below)
        overlay(self.height[there], np.maximum(own, 0) + ground, seen)
        overlay(self.albedo[there], canvas.albedo[here], seen)
        overlay(self.gloss[there], canvas.gloss[here], seen)
        np.copyto(self.label[there], np.uint8(k), where=seen)

    def cover(self, canvas: Canvas, height: np.ndarray, colour: np.ndarray, radius: float, k: int) -> None:
        """Lay a plain body over everything: what the photo shows of a sauce or drink before it is laid in."""
        there, here = _overlap(canvas, self.label.shape)
        own = height[here] * np.float32(radius)
        seen = own > 0
        overlay(self.height[there], np.maximum(own + self.ground[there], self.height[there]), seen)
        overlay(self.albedo[there], colour, seen)
        overlay(self.gloss[there], 0.4, seen)
        np.copyto(self.label[there], np.uint8(k), where=seen)

    def _put(self, thing: Thing, plan: Plan) -> None:
        canvas = self.canvas(thing)
        THINGS[thing.kind].draw(canvas, stream(plan.seed, "things", thing.part))
        self._lay(canvas, canvas.height * np.float32(thing.radius))

    def _mat(self, drink: Placed, plan: Plan) -> None:
        """The mat under a glass, of the colour that shows through the glass."""
        rng = stream(plan.seed, "ambiguous shape", AMBIGUOUS_PAIRS.index(DRINKS))
        canvas = self.canvas(drink)
        piece = canvas.piece(0, 0.30, 0.80, 0.70)
        canvas.lay(piece, dome(piece.rho**8, 0.02, 0.02), drinks.ground_of(rng), 0.05)
        self._lay(canvas, canvas.height * np.float32(drink.radius))

    def _lay(self, canvas: Canvas, own: np.ndarray) -> None:
        """Stand a thing on what is there: level, on the highest place under it."""
        there, here = _overlap(canvas, self.label.shape)
        seen = own[here] > 0
        base = np.max(self.height[there], where=seen, initial=0)
        overlay(self.height[there], base + own[here], seen)
        overlay(self.albedo[there], canvas.albedo[here], seen)
        overlay(self.gloss[there], canvas.gloss[here], seen)


def _overlap(canvas: Canvas, shape: tuple[int, int]) -> tuple[tuple, tuple]:
    """Slices of the grid and of the canvas that show the same place; both empty if they share none."""
    (rows, cols), (h, w) = shape, canvas.shape
    y0, y1 = max(canvas.top, 0), min(canvas.top + h, rows)
    x0, x1 = max(canvas.left, 0), min(canvas.left + w, cols)
    y1, x1 = max(y0, y1), max(x0, x1)
    there = (slice(y0, y1), slice(x0, x1))
    return there, (slice(y0 - canvas.top, y1 - canvas.top), slice(x0 - canvas.left, x1 - canvas.left))


# --- from the table to the photo --------------------------------------------------------------------


def _seen_from(
    camera: Camera, light: np.ndarray, label: np.ndarray, scale: int
) -> tuple[np.ndarray, np.ndarray]:
    """Picture and labels in the photo's projection, still oversampled; labels take the nearest place."""
    width, height = (n * _OVERSAMPLING for n in camera.pixels(scale // _OVERSAMPLING))
    view = camera.view(scale)
    flags = cv2.WARP_INVERSE_MAP
    picture = cv2.warpPerspective(
        light, view, (width, height), flags=flags | cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    label = cv2.warpPerspective(
        label, view, (width, height), flags=flags | cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE
    )
    return picture, label


def _shrink_labels(label: np.ndarray, separate: list[int]) -> np.ndarray:
    """Halve the labels. A pixel belongs to what covers most of it; ties go to the food.

    Items in `separate` get no pixel here: they are laid in later.
    """
    quarters = [label[i::2, j::2] for i in (0, 1) for j in (0, 1)]
    best, instances = np.zeros_like(quarters[0]), np.zeros_like(quarters[0])
    for q in quarters:
        rank = 2 * np.sum([q == other for other in quarters], axis=0, dtype=np.uint8) + (q > 0)
        for k in separate:
            rank[q == k] = 0
        better = rank > best
        np.copyto(instances, q, where=better)
        np.copyto(best, rank, where=better)
    return instances


def _develop_alone(
    plan: Plan,
    sensor: np.random.Generator,
    size: int,
    shape: tuple[int, int],
    canvas: Canvas,
    on: np.ndarray,
    radius: float,
) -> tuple[tuple[slice, slice], np.ndarray, np.ndarray]:
    """Light, tilt, shrink and develop a sauce or drink, `on` (H, W) of its canvas, on its own.

    Returns (part of the photo of `shape`, pixels uint8 (h, w, 3), mask bool (h, w)). The item owns a pixel
    when it covers half of it, whatever shares the rest, and only its own part counts there: no pixel mixes
    it with anything else.
    """
    camera, scale = plan.camera, size * _OVERSAMPLING
    lit = shade(canvas.albedo, canvas.height * np.float32(radius), canvas.gloss, plan.light, scale)
    own = on.astype(np.float32)
    x0, y0, x1, y1 = _window(camera, canvas, size, shape)
    to_window = np.array([[1, 0, x0], [0, 1, y0], [0, 0, 1]])
    from_canvas = np.array([[1, 0, -canvas.left], [0, 1, -canvas.top], [0, 0, 1]])
    view = from_canvas @ camera.view(scale) @ to_window
    tilted = [
        cv2.warpPerspective(part, view, (x1 - x0, y1 - y0), flags=cv2.WARP_INVERSE_MAP | how)
        for part, how in (
            (lit * triple(own), cv2.INTER_LINEAR),
            (own, cv2.INTER_LINEAR),
            (own, cv2.INTER_NEAREST),
        )
    ]
    lit, soft, hard = (cv2.resize(a, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) for a in tilted)
    colour = lit / np.maximum(triple(soft), 1e-3)
    developed = camera.develop(colour, sensor, size, np.minimum(2 * soft, 1))
    return (slice(y0 // 2, y1 // 2), slice(x0 // 2, x1 // 2)), developed, hard >= 0.5


def _window(camera: Camera, canvas: Canvas, size: int, shape: tuple[int, int]) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the photo's part that shows the canvas, in oversampled pixels.

    In whole blocks of the file, so that its grid is the same as the photo's; a photo may end in half a block.
    """
    scale, (left, top, _, _) = size * _OVERSAMPLING, camera.seen
    h, w = canvas.shape
    x = np.array([canvas.left, canvas.left + w, canvas.left, canvas.left + w]) / scale + left
    y = np.array([canvas.top, canvas.top, canvas.top + h, canvas.top + h]) / scale + top
    px, py = camera.to_photo(x, y)
    low = (px.min() + camera.width / 2) * scale, (py.min() + camera.height / 2) * scale
    high = (px.max() + camera.width / 2) * scale, (py.max() + camera.height / 2) * scale
    x0, y0 = (max(0, int(v // _BLOCK) * _BLOCK) for v in low)
    x1, y1 = (
        min(_OVERSAMPLING * n, (int(v // _BLOCK) + 1) * _BLOCK)
        for v, n in zip(high, shape[::-1], strict=True)
    )
    return x0, y0, x1, y1
