"""Which foods are on the plate and where: the law of the data set, without drawing anything.

Every part of a scene has a random stream of its own, named in `STREAMS`. The class of the sauce
reaches the picture through two doors only: the mean of its latent look t, and the group from which
its companions come. Its place, size and shape are drawn first and from streams that never see the
class; so at `ambiguity` 0 the sauce's pixels carry nothing about it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rvernet_plates.dishes import Dish
from rvernet_plates.foods import FOOD_TABLE
from rvernet_plates.light import Light
from rvernet_plates.spec import PlatesError, PlatesSpec, check

SAUCES = ("ketchup", "chili paste")
COMPANIONS = {
    "ketchup": ("french fries", "hamburg", "sausage", "egg"),
    "chili paste": ("rice", "noodles", "wonton dumplings", "tofu"),
}
CONTEXT = COMPANIONS["ketchup"] + COMPANIONS["chili paste"]
NEUTRAL = tuple(name for name in FOOD_TABLE if name not in CONTEXT)
FOODS = (*FOOD_TABLE, *SAUCES)

STREAMS = (
    "what",
    "where",
    "table",
    "dish",
    "glaze",
    "light",
    "sauce place",
    "sauce shape",
    "latent",
    "foods",
)
_CANDIDATES = 48  # places tried for each food


@dataclass(frozen=True)
class Placed:
    """One food on the plate: place and radius in photo units, `angle` in radians, `latent` t of a sauce."""

    name: str
    x: float
    y: float
    radius: float
    angle: float
    latent: float | None = None


@dataclass(frozen=True)
class Plan:
    """A scene before it is drawn; `items` lie on each other in this order, a sauce on top."""

    seed: int
    items: tuple[Placed, ...]
    dish: Dish
    light: Light
    sauce: str | None  # the sauce's class
    group: str | None  # whose companions are on the plate


def stream(seed: int, name: str, part: int = 0) -> np.random.Generator:
    """The generator of one part of a scene (see STREAMS)."""
    return np.random.default_rng([seed, STREAMS.index(name), part])


def plan_scene(spec: PlatesSpec, seed: int) -> Plan:
    """Decide what lies where; a pure function of (spec, seed), and quick (about 1 ms).

    The image size plays no part. Raises PlatesError for a spec outside its ranges or a bad seed.
    """
    check(spec)
    if not isinstance(seed, int | np.integer) or seed < 0:
        raise PlatesError(f"seed is {seed!r}; expected a whole number of at least 0")
    what = stream(seed, "what")
    dish, light = Dish.draw(stream(seed, "dish")), Light.draw(stream(seed, "light"))
    # every coin is tossed whether it is needed or not, so that no choice shifts the others
    has_sauce, is_ketchup, agrees = what.random(3) < (spec.sauce_rate, 0.5, spec.context_strength)
    count = int(what.integers(spec.min_items, spec.max_items + 1))
    sauce = group = topping = None
    if has_sauce:
        sauce = SAUCES[0] if is_ketchup else SAUCES[1]
        group = sauce if agrees else SAUCES[int(is_ketchup)]
        t = float(stream(seed, "latent").normal()) + (0.5 if is_ketchup else -0.5) * spec.ambiguity
        topping = _place_sauce(stream(seed, "sauce place"), dish, t, sauce)
        names = _foods_with_sauce(what, group, count - 1)
    else:
        names = _foods_without_sauce(spec, what, count)
    foods = _place_foods(stream(seed, "where"), dish, names, topping)
    items = (*foods, topping) if topping else foods
    return Plan(seed, items, dish, light, sauce, group)


# --- which foods ----------------------------------------------------------------------------------


def _foods_with_sauce(rng: np.random.Generator, group: str, count: int) -> list[str]:
    """One or two companions of `group`, the rest neutral; `count` foods besides the sauce."""
    companions = min(int(rng.integers(1, 3)), count)
    order = rng.permutation(len(COMPANIONS[group]))[:companions]  # both groups have the same size
    neutral = rng.permutation(len(NEUTRAL))[: count - companions]
    return [COMPANIONS[group][i] for i in order] + [NEUTRAL[i] for i in neutral]


def _foods_without_sauce(spec: PlatesSpec, rng: np.random.Generator, count: int) -> list[str]:
    """`count` different foods, with context foods just frequent enough to balance the classes overall."""
    companions = int(rng.binomial(count, context_share(spec)))
    context = rng.permutation(len(CONTEXT))[:companions]
    neutral = rng.permutation(len(NEUTRAL))[: count - companions]
    return [CONTEXT[i] for i in context] + [NEUTRAL[i] for i in neutral]


def context_share(spec: PlatesSpec) -> float:
    """Share of context foods in scenes without a sauce that makes all 22 foods equally frequent.

    Clipped to 0..1: with many sauces the context foods are more frequent than the others anyway.
    """
    counts = np.arange(spec.min_items, spec.max_items + 1)
    companions = np.mean(0.5 * np.minimum(1, counts - 1) + 0.5 * np.minimum(2, counts - 1))
    per_scene = spec.sauce_rate * np.mean(counts - 1) + (1 - spec.sauce_rate) * np.mean(counts)
    wanted = len(CONTEXT) / (len(CONTEXT) + len(NEUTRAL)) * per_scene - spec.sauce_rate * companions
    available = (1 - spec.sauce_rate) * np.mean(counts)
    return float(np.clip(wanted / available, 0, 1)) if available > 0 else 0.0


# --- where ----------------------------------------------------------------------------------------


def _place_sauce(rng: np.random.Generator, dish: Dish, t: float, name: str) -> Placed:
    radius = rng.uniform(0.088, 0.135)
    distance, direction = (dish.well - radius) * np.sqrt(rng.random()), rng.uniform(0, 2 * np.pi)
    x, y = dish.x + distance * np.cos(direction), dish.y + distance * np.sin(direction)
    return Placed(name, float(x), float(y), float(radius), float(rng.uniform(0, 2 * np.pi)), t)


def _place_foods(
    rng: np.random.Generator, dish: Dish, names: list[str], sauce: Placed | None
) -> tuple[Placed, ...]:
    """Put foods down one after another, many leaning on a neighbour, and sort them from below to above."""
    crowd = 1.06 - 0.035 * (len(names) + (sauce is not None))
    placed: list[tuple[float, Placed]] = []
    for name in (names[i] for i in rng.permutation(len(names))):
        food = FOOD_TABLE[name]
        radius = food.radius * crowd * rng.uniform(0.86, 1.16)
        others = [item for _, item in placed]
        x, y = _find_place(rng, dish, radius, others, sauce)
        layer = food.layer + rng.normal(0, 0.6)
        placed.append((layer, Placed(name, x, y, float(radius), float(rng.uniform(0, 2 * np.pi)))))
    return tuple(item for _, item in sorted(placed, key=lambda pair: pair[0]))


def _find_place(
    rng: np.random.Generator, dish: Dish, radius: float, others: list[Placed], sauce: Placed | None
) -> tuple[float, float]:
    """The best of some random places: inside the well, overlapping as much as a drawn target asks."""
    room = max(dish.well - 0.9 * radius, 0.02)
    distance = room * np.sqrt(rng.random(_CANDIDATES))
    direction = rng.uniform(0, 2 * np.pi, _CANDIDATES)
    x, y = dish.x + distance * np.cos(direction), dish.y + distance * np.sin(direction)
    target = rng.uniform(0.60, 0.78) if rng.random() < 0.8 else rng.uniform(0.9, 1.2)
    cost = 0.15 * rng.random(_CANDIDATES)
    if others:
        gaps = np.stack([np.hypot(x - o.x, y - o.y) / (radius + o.radius) for o in others])
        cost += np.abs(gaps.min(0) - target) + 8 * np.maximum(0.58 - gaps, 0).sum(0)
    if sauce:
        cost += 6 * np.maximum(0.88 - np.hypot(x - sauce.x, y - sauce.y) / (radius + sauce.radius), 0)
    best = int(np.argmin(cost))
    return float(x[best]), float(y[best])
