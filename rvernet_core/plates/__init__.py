"""Plates: a procedural data set of foods on plates with exact instance masks.

`render_scene` draws one scene as a pure function of (spec, seed); `scene_store` renders many once
and keeps them on disk. `ceilings` holds the best accuracy that any model can reach on the sauces.
"""

from rvernet_core.plates.ceilings import Ceiling, context_ceiling, roi_ceiling
from rvernet_core.plates.layout import COMPANIONS, FOODS, NEUTRAL, SAUCES, Plan, plan_scene
from rvernet_core.plates.scene import RENDERER_VERSION, Scene, SceneItem, render_scene
from rvernet_core.plates.store import SceneStore, scene_store

__all__ = [
    "COMPANIONS",
    "FOODS",
    "NEUTRAL",
    "RENDERER_VERSION",
    "SAUCES",
    "Ceiling",
    "Plan",
    "Scene",
    "SceneItem",
    "SceneStore",
    "context_ceiling",
    "plan_scene",
    "render_scene",
    "roi_ceiling",
    "scene_store",
]
