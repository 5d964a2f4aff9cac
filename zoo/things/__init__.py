"""Things: rendered pictures of categories that no experiment uses, on which the micro nets are pretrained.

They are to the plates what ImageNet is to FoodSeg103: other categories, from which a net learns the
features of shape, texture and colour. `render_thing` draws one picture as a pure function of (category, seed,
size); `thing_corpus` keeps many of them on disk.
"""

from zoo.things.corpus import THINGS_VERSION, thing_corpus
from zoo.things.picture import render_thing
from zoo.things.table import CATEGORIES

__all__ = ["CATEGORIES", "THINGS_VERSION", "render_thing", "thing_corpus"]
