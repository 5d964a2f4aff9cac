"""The plain foods: one entry each with its drawing, its size and its place in the stack.

A drawing is a function `draw(canvas, rng)` that fills a Canvas in local units (1 = the food's
radius) and takes all its variety from the generator. A new food is one function and one entry.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rvernet_plates.canvas import Canvas
from rvernet_plates.foods import fruit, meat, starches, vegetables
from rvernet_plates.textures import Rng


@dataclass(frozen=True)
class Food:
    """How a food is drawn, its typical radius in photo units, and its layer (0 lies below, 2 on top)."""

    draw: Callable[[Canvas, Rng], None]
    radius: float
    layer: float


FOOD_TABLE: dict[str, Food] = {
    "rice": Food(starches.rice, 0.203, 0.0),
    "noodles": Food(starches.noodles, 0.211, 0.2),
    "french fries": Food(starches.french_fries, 0.203, 1.2),
    "broccoli": Food(vegetables.broccoli, 0.182, 1.4),
    "tomato": Food(fruit.tomato, 0.167, 1.2),
    "egg": Food(meat.egg, 0.176, 1.0),
    "sausage": Food(meat.sausage, 0.198, 1.2),
    "steak": Food(meat.steak, 0.211, 0.3),
    "cucumber": Food(vegetables.cucumber, 0.180, 1.1),
    "carrot": Food(vegetables.carrot, 0.176, 1.3),
    "lemon": Food(fruit.lemon, 0.151, 1.5),
    "hamburg": Food(meat.hamburg, 0.205, 0.8),
    "wonton dumplings": Food(starches.wonton_dumplings, 0.194, 1.0),
    "shrimp": Food(meat.shrimp, 0.182, 1.5),
    "green beans": Food(vegetables.green_beans, 0.198, 1.2),
    "corn": Food(vegetables.corn, 0.192, 0.9),
    "bread": Food(starches.bread, 0.194, 0.4),
    "lettuce": Food(vegetables.lettuce, 0.198, 0.2),
    "blueberry": Food(fruit.blueberry, 0.167, 1.6),
    "potato": Food(starches.potato, 0.182, 1.1),
    "tofu": Food(starches.tofu, 0.182, 1.1),
    "strawberry": Food(fruit.strawberry, 0.169, 1.5),
}
