"""Plates: a procedural data set of foods on plates with exact instance masks.

`render_scene` draws one scene as a pure function of (spec, seed). Two pairs of classes look alike, and
for both the best possible answer is known: `posterior` gives it for an item, `ceilings` on average.
"""

from rvernet_plates.ceilings import Ceiling, context_ceiling, roi_ceiling
from rvernet_plates.laws import (
    AMBIGUOUS_PAIRS,
    COMPANIONS,
    DRINKS,
    FOODS,
    NEUTRAL,
    SAUCES,
    Law,
    Pair,
    law,
    pair_of,
)
from rvernet_plates.layout import Plan, plan_scene
from rvernet_plates.observer import Posterior, posterior
from rvernet_plates.scene import RENDERER_VERSION, Scene, SceneItem, render_scene
from rvernet_plates.spec import PlatesError, PlatesSpec

__all__ = [
    "AMBIGUOUS_PAIRS",
    "COMPANIONS",
    "DRINKS",
    "FOODS",
    "NEUTRAL",
    "RENDERER_VERSION",
    "SAUCES",
    "Ceiling",
    "Law",
    "Pair",
    "Plan",
    "PlatesError",
    "PlatesSpec",
    "Posterior",
    "Scene",
    "SceneItem",
    "context_ceiling",
    "law",
    "pair_of",
    "plan_scene",
    "posterior",
    "render_scene",
    "roi_ceiling",
]
