"""Plates: a procedural data set of foods on plates with exact instance masks.

`render_scene` draws one scene as a pure function of (spec, seed). `ceilings` holds the best accuracy
that any model can reach on the sauces.
"""

from rvernet_plates.ceilings import Ceiling, context_ceiling, roi_ceiling
from rvernet_plates.layout import COMPANIONS, FOODS, NEUTRAL, SAUCES, Plan, plan_scene
from rvernet_plates.scene import RENDERER_VERSION, Scene, SceneItem, render_scene
from rvernet_plates.spec import PlatesError, PlatesSpec

__all__ = [
    "COMPANIONS",
    "FOODS",
    "NEUTRAL",
    "RENDERER_VERSION",
    "SAUCES",
    "Ceiling",
    "Plan",
    "PlatesError",
    "PlatesSpec",
    "Scene",
    "SceneItem",
    "context_ceiling",
    "plan_scene",
    "render_scene",
    "roi_ceiling",
]
