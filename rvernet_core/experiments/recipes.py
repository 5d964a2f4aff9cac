"""How each micro net is fine-tuned: what the search on scenes of its own has chosen.

chosen()                     the recipes of recipes.json, which `python -m zoo.train_recipe --choose` writes
at_most(2, recipes)          the same rates, for fewer epochs
chosen(rank=2)               the second ones: the best of another rate, to see what hangs on the choice
tuned(base, recipes, model)  the training of one model
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rvernet_core import config, files
from rvernet_core.config import ModelSpec, TrainSpec

SCENES = 320  # training scenes of the search
CHOSEN = Path(__file__).with_name("recipes.json")


@dataclass(frozen=True)
class Recipe:
    """The rate and the epochs of one architecture in one kind of model. All else is the profile's."""

    architecture: str  # a backbone
    kind: str  # single: one branch | pair: RveRNet of two of it | student: one branch that has a teacher
    lr: float  # peak learning rate of the backbones
    epochs: int  # as searched, through SCENES scenes; through more of them it takes as many
    rank: int = 1  # 1: the choice of the search | 2: its choice among the other rates


def chosen(path: Path = CHOSEN, rank: int = 1) -> tuple[Recipe, ...]:
    """The recipes of a rank in `path`; none where the file is not there, as before the search has run."""
    if not path.is_file():
        return ()
    found = (config.from_dict(Recipe, row) for row in json.loads(path.read_text("utf-8")))
    return tuple(recipe for recipe in found if recipe.rank == rank)


def at_most(epochs: int, recipes: Sequence[Recipe]) -> tuple[Recipe, ...]:
    """The recipes, none for more than `epochs`: where minutes count; such nets would still learn."""
    return tuple(config.replace(recipe, epochs=min(recipe.epochs, epochs)) for recipe in recipes)


def write(recipes: Sequence[Recipe], path: Path = CHOSEN) -> Path:
    """Write `recipes` into `path`, whole."""
    return files.write_text(path, files.as_json([asdict(recipe) for recipe in recipes]))


def tuned(base: TrainSpec, recipes: Sequence[Recipe], model: ModelSpec, student: bool = False) -> TrainSpec:
    """`base` at the rate and for the epochs of the recipes for `model`; `base` itself where one is missing.

    A branch alone is a single, whichever cut-out it sees. A pair of two different backbones takes the more
    careful of both: the lower rate and the more epochs. An RveRNet of students is trained as a pair is:
    distillation changes its loss, and the search has no teachers for pairs.
    """
    alone = "student" if student else "single"
    kind = alone if len(model.branches) == 1 else "pair"
    known = {(recipe.architecture, recipe.kind): recipe for recipe in recipes}
    wanted = [known.get((getattr(model, branch), kind)) for branch in model.branches]
    found = [recipe for recipe in wanted if recipe is not None]
    if not found or len(found) < len(wanted):
        return base
    return config.replace(base, lr=min(r.lr for r in found), epochs=max(r.epochs for r in found))
