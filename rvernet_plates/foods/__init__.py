"""The plain foods: one entry each with its drawing, its size and its place in the stack.

A drawing is a function `draw(canvas, rng)` that fills a Canvas in local units (1 = the food's
radius) and takes all its variety from the generator. A new food is one function and one entry.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rvernet_plates.canvas import Canvas
from rvernet_plates.foods import (
    berries,
    corn,
    eggs,
    fruit,
    garden,
    greens,
    meat,
    orchard,
    pantry,
    potatoes,
    protein,
    starches,
    vegetables,
)
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
    "french fries": Food(potatoes.french_fries, 0.203, 1.2),
    "broccoli": Food(vegetables.broccoli, 0.182, 1.4),
    "tomato": Food(fruit.tomato, 0.167, 1.2),
    "egg": Food(eggs.egg, 0.176, 1.0),
    "sausage": Food(meat.sausage, 0.198, 1.2),
    "steak": Food(meat.steak, 0.211, 0.3),
    "cucumber": Food(vegetables.cucumber, 0.180, 1.1),
    "carrot": Food(vegetables.carrot, 0.176, 1.3),
    "lemon": Food(fruit.lemon, 0.151, 1.5),
    "hamburg": Food(meat.hamburg, 0.205, 0.8),
    "wonton dumplings": Food(starches.wonton_dumplings, 0.194, 1.0),
    "shrimp": Food(meat.shrimp, 0.182, 1.5),
    "green beans": Food(vegetables.green_beans, 0.198, 1.2),
    "corn": Food(corn.corn, 0.192, 0.9),
    "bread": Food(starches.bread, 0.194, 0.4),
    "lettuce": Food(vegetables.lettuce, 0.198, 0.2),
    "blueberry": Food(fruit.blueberry, 0.167, 1.6),
    "potato": Food(potatoes.potato, 0.182, 1.1),
    "tofu": Food(starches.tofu, 0.182, 1.1),
    "strawberry": Food(fruit.strawberry, 0.169, 1.5),
    "banana": Food(orchard.banana, 0.198, 1.2),
    "apple": Food(orchard.apple, 0.176, 1.2),
    "orange": Food(orchard.orange, 0.176, 1.3),
    "grape": Food(berries.grape, 0.186, 1.3),
    "cherry": Food(berries.cherry, 0.165, 1.5),
    "olives": Food(berries.olives, 0.165, 1.6),
    "cheese butter": Food(pantry.cheese_butter, 0.178, 1.1),
    "biscuit": Food(pantry.biscuit, 0.186, 1.0),
    "pasta": Food(pantry.pasta, 0.203, 0.3),
    "fish": Food(protein.fish, 0.213, 0.5),
    "chicken duck": Food(protein.chicken_duck, 0.203, 0.8),
    "onion": Food(garden.onion, 0.180, 1.3),
    "cauliflower": Food(garden.cauliflower, 0.186, 1.2),
    "asparagus": Food(greens.asparagus, 0.198, 1.2),
    "cabbage": Food(garden.cabbage, 0.196, 0.3),
    "pepper": Food(greens.pepper, 0.184, 1.3),
    "white button mushroom": Food(greens.white_button_mushroom, 0.178, 1.3),
    "pork": Food(protein.pork, 0.203, 0.5),
}
