"""Where everything lies: the law of the data set's places, without drawing anything.

Every part of a scene has a random stream of its own, named in `STREAMS`. The class of a sauce or a
drink reaches the picture through two doors only: the mean of its latent look t, and the group from which
its companions come. Its place, size and shape are drawn first and from streams that never see the
class; so where a pair's distance d is 0, the item's pixels carry nothing about it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rvernet_plates.camera import Camera
from rvernet_plates.clutter import THINGS, Thing
from rvernet_plates.dishes import Dish
from rvernet_plates.foods import FOOD_TABLE
from rvernet_plates.laws import AMBIGUOUS_PAIRS, DRINKS, SAUCES, Pair, choose, law
from rvernet_plates.light import Light
from rvernet_plates.spec import PlatesError, PlatesSpec, check

STREAMS = (
    "what",
    "where",
    "camera",
    "sensor",
    "table",
    "dish",
    "glaze",
    "light",
    "foods",
    "clutter",
    "things",
    # one part for each ambiguous pair
    "ambiguous place",
    "ambiguous shape",
    "ambiguous sensor",
    "latent",
)
_CANDIDATES = 128  # places tried for each food
_SAUCE_RADIUS, _GLASS_RADIUS = (0.128, 0.166), (0.142, 0.172)  # photo units, in the photo


@dataclass(frozen=True)
class Placed:
    """One food: place on the table, radius (photo units) and `angle` (radians).

    `latent` and `company` (see laws.Member) are None for a plain food.
    """

    name: str
    x: float
    y: float
    radius: float
    angle: float
    latent: float | None = None
    company: str | None = None


@dataclass(frozen=True)
class Plan:
    """A scene before it is drawn; `items` lie on each other in this order, sauce and drink on top."""

    seed: int
    items: tuple[Placed, ...]
    things: tuple[Thing, ...]  # what is no food
    camera: Camera
    dish: Dish
    light: Light

    def of(self, pair: Pair) -> Placed | None:
        """The scene's item of an ambiguous pair, if it has one."""
        return next((item for item in self.items if item.name in pair), None)

    @property
    def sauce(self) -> str | None:
        """The sauce's class."""
        item = self.of(SAUCES)
        return item.name if item else None

    @property
    def drink(self) -> str | None:
        """The drink's class."""
        item = self.of(DRINKS)
        return item.name if item else None


def stream(seed: int, name: str, part: int = 0) -> np.random.Generator:
    """The generator of one part of a scene (see STREAMS)."""
    return np.random.default_rng([seed, STREAMS.index(name), part])


def plan_scene(spec: PlatesSpec, seed: int) -> Plan:
    """Decide what lies where; a pure function of (spec, seed), and quick (about 2 ms).

    The image size plays no part. Raises PlatesError for a spec outside its ranges or a bad seed.
    """
    check(spec)
    if not isinstance(seed, int | np.integer) or seed < 0:
        raise PlatesError(f"seed is {seed!r}; expected a whole number of at least 0")
    camera, light = Camera.draw(stream(seed, "camera")), Light.draw(stream(seed, "light"))
    dish = Dish.draw(stream(seed, "dish"), camera)
    choice = choose(spec, stream(seed, "what"))
    tops: list[Placed] = []
    for part, pair in reversed(tuple(enumerate(AMBIGUOUS_PAIRS))):  # a glass first: it needs the photo's edge
        if pair in choice.members:
            member, side = choice.members[pair], 0.5 - pair.index(choice.members[pair].name)
            t = float(stream(seed, "latent", part).normal()) + side * law(spec, pair).d
            place = _place_glass if pair == DRINKS else _place_sauce
            x, y, radius, angle = place(stream(seed, "ambiguous place", part), camera, dish, tops)
            tops.append(Placed(member.name, x, y, radius, angle, t, member.company))
    foods = _place_foods(stream(seed, "where"), camera, dish, choice.foods, tops)
    items = (*foods, *reversed(tops))
    things = _place_things(stream(seed, "clutter"), camera, dish, items)
    return Plan(seed, items, things, camera, dish, light)


# --- the ambiguous items: places in the photo, blind to class and company --------------------------------

Place = tuple[float, float, float, float]  # x, y and radius on the table, angle


def _place_sauce(rng: np.random.Generator, camera: Camera, dish: Dish, others: list[Placed]) -> Place:
    """On the dish, wholly in the photo, and clear of a glass."""
    radius = rng.uniform(*_SAUCE_RADIUS) * camera.zoom
    x = rng.uniform(-1, 1, _CANDIDATES) * (camera.width / 2 - 1.12 * radius)
    y = rng.uniform(-1, 1, _CANDIDATES) * (camera.height / 2 - 1.12 * radius)
    angle = float(rng.uniform(0, 2 * np.pi))
    far_x, far_y = camera.to_table(x, y)
    size = radius / camera.magnification(y)
    cost = np.maximum(np.hypot(far_x - dish.x, far_y - dish.y) - (dish.well - 0.7 * size), 0)
    cost += 0.02 * rng.random(_CANDIDATES)
    for other in others:
        near = np.hypot(far_x - other.x, far_y - other.y) / (size + other.radius)
        cost += 10 * np.maximum(1.06 - near, 0)
    best = int(np.argmin(cost))
    return float(far_x[best]), float(far_y[best]), float(size[best]), angle


def _place_glass(rng: np.random.Generator, camera: Camera, dish: Dish, others: list[Placed]) -> Place:
    """Upright, near the photo's edge and more often beyond the middle of the table than before it."""
    radius = rng.uniform(*_GLASS_RADIUS) * camera.zoom
    sideways, up = rng.random() < 0.7, rng.random() < 0.75
    side, along, inset = rng.choice([-1, 1]), rng.random() ** 0.7, 0.04 * rng.random()
    room_x, room_y = camera.width / 2 - 1.08 * radius, camera.height / 2 - 1.08 * radius
    if sideways:
        x, y = side * (room_x - inset), (-1 if up else 1) * along * room_y
    else:
        x, y = side * along * room_x, (-1 if up else 1) * (room_y - inset)
    far_x, far_y = camera.to_table(x, y)
    return float(far_x), float(far_y), float(radius / camera.magnification(y)), 0.0


# --- plain foods ----------------------------------------------------------------------------------


def _place_foods(
    rng: np.random.Generator, camera: Camera, dish: Dish, names: tuple[str, ...], tops: list[Placed]
) -> tuple[Placed, ...]:
    """Put foods down one after another, side by side or leaning, and sort them from below to above."""
    crowd = (1.26 - 0.058 * (len(names) + len(tops))) * camera.zoom * (camera.width * camera.height) ** 0.25
    placed: list[tuple[float, Placed]] = []
    for name in (names[i] for i in rng.permutation(len(names))):
        food = FOOD_TABLE[name]
        radius = food.radius * crowd * rng.uniform(0.86, 1.14)
        others = [item for _, item in placed]
        x, y = _find_place(rng, camera, dish, radius, others, tops)
        layer = food.layer + rng.normal(0, 0.6)
        placed.append((layer, Placed(name, x, y, float(radius), float(rng.uniform(0, 2 * np.pi)))))
    return tuple(item for _, item in sorted(placed, key=lambda pair: pair[0]))


def _find_place(
    rng: np.random.Generator,
    camera: Camera,
    dish: Dish,
    radius: float,
    others: list[Placed],
    tops: list[Placed],
) -> tuple[float, float]:
    """The best of some random places: on the dish, in the photo, at about a drawn distance from the rest."""
    px = rng.uniform(-0.5, 0.5, _CANDIDATES) * (camera.width - 1.2 * radius)
    py = rng.uniform(-0.5, 0.5, _CANDIDATES) * (camera.height - 1.2 * radius)
    x, y = camera.to_table(px, py)
    cost = 0.15 * rng.random(_CANDIDATES)
    cost += 6 * np.maximum(np.hypot(x - dish.x, y - dish.y) - (dish.well - 0.75 * radius), 0) / radius
    for place, half in ((px, camera.width / 2), (py, camera.height / 2)):
        cost += 3 * np.maximum(np.abs(place) + 0.65 * radius - half, 0) / radius
    target = rng.uniform(0.84, 0.96) if rng.random() < 0.75 else rng.uniform(1.0, 1.25)
    if others:
        gaps = np.stack([np.hypot(x - o.x, y - o.y) / (radius + o.radius) for o in others])
        cost += 0.6 * np.abs(gaps.min(0) - target) + 14 * np.maximum(0.84 - gaps, 0).sum(0)
    for top in tops:
        cost += 8 * np.maximum(0.95 - np.hypot(x - top.x, y - top.y) / (radius + top.radius), 0)
    best = int(np.argmin(cost))
    return float(x[best]), float(y[best])


# --- what is no food ------------------------------------------------------------------------------


def _place_things(
    rng: np.random.Generator, camera: Camera, dish: Dish, items: tuple[Placed, ...]
) -> tuple[Thing, ...]:
    """Things beside the foods, often cut off by the photo; left out where there is no room."""
    things: list[Thing] = []
    for kind, spec in THINGS.items():
        wanted, radius = rng.random() < spec.share, rng.uniform(*spec.radius) * camera.zoom
        x = rng.uniform(-0.5, 0.5, _CANDIDATES) * (camera.width + 1.2 * radius)
        y = rng.uniform(-0.5, 0.5, _CANDIDATES) * (camera.height + 1.2 * radius)
        part = int(rng.integers(2**31))
        angle, slant = rng.choice([0, np.pi / 2], p=[0.25, 0.75]), rng.normal(0, 0.16)
        if not wanted:
            continue
        angle = 0.0 if spec.upright else float(angle + slant)
        along, across = spec.room[0] * radius, spec.room[1] * radius
        half_x = abs(np.cos(angle)) * along + abs(np.sin(angle)) * across
        half_y = abs(np.sin(angle)) * along + abs(np.cos(angle)) * across
        outside = np.maximum(np.abs(x) + half_x - camera.width / 2, 0) / half_x
        outside = np.maximum(outside, np.maximum(np.abs(y) + half_y - camera.height / 2, 0) / half_y)
        far_x, far_y = camera.to_table(x, y)
        cost = 0.7 * np.abs(outside - spec.cut) + 0.1 * rng.random(_CANDIDATES)
        cost += (
            0.25 * spec.shy * np.maximum(dish.radius + across - np.hypot(far_x - dish.x, far_y - dish.y), 0)
        )
        room = np.full(_CANDIDATES, 1.0)
        c, s = np.cos(angle), np.sin(angle)
        for other, reach in [(i, 0.82 * i.radius) for i in items] + [(t, t.across) for t in things]:
            dx, dy = other.x - far_x, other.y - far_y
            u, v = np.abs(c * dx + s * dy), np.abs(c * dy - s * dx)
            away = np.hypot(np.maximum(u - along, 0), np.maximum(v - across, 0))
            room = np.minimum(room, away - reach)
        if spec.below:
            room += 0.12  # a food may lie over the edge of a cloth
        cost += np.where(room < 0, 100, 0)
        best = int(np.argmin(cost))
        if cost[best] < 50:
            places = (float(far_x[best]), float(far_y[best]), float(radius), angle)
            things.append(Thing(kind, *places, float(across), part))
    return tuple(things)
