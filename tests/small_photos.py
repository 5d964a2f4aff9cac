"""A data set of three photos held in memory, with masks that are easy to check by hand."""

from types import SimpleNamespace

import numpy as np

from rvernet_core.config import replace
from rvernet_core.data import FoodData, FoodSplit
from rvernet_core.data.samples import DataReport, MaskedSource, RoiSample
from rvernet_core.experiments.profiles import PROFILES

CLASSES = ("rice", "egg", "soup")
#: class, photo, and the ROI's box (x0, y0, x1, y1) on a photo of 32 x 24 pixels
ROIS = [
    ("rice", "one", (0, 0, 8, 8)),
    ("egg", "two", (4, 4, 20, 16)),
    ("rice", "two", (20, 4, 30, 14)),
    ("egg", "three", (2, 2, 4, 4)),
]
WIDTH, HEIGHT = 32, 24


class Photos(MaskedSource):
    """Gray photos; the mask of a sample is its box. `ref` is the index in ROIS."""

    def photo(self, ref):
        return np.full((HEIGHT, WIDTH, 3), 60 + 20 * ref, np.uint8)

    def mask(self, ref):
        x0, y0, x1, y1 = ROIS[ref][2]
        mask = np.zeros((HEIGHT, WIDTH), bool)
        mask[y0:y1, x0:x1] = True
        return mask

    def photo_key(self, ref):
        return ROIS[ref][1]


def make_split(name="test"):
    """A split of the four samples of ROIS, in their order."""
    source = Photos()
    items = [
        (
            RoiSample(f"{food}/{photo}", photo, CLASSES.index(food), food, source.mask(i).mean()),
            source,
            i,
        )
        for i, (food, photo, _) in enumerate(ROIS)
    ]
    none = dict.fromkeys(CLASSES, 0)
    report = DataReport(name, 3, none | {"rice": 2, "egg": 2}, none | {"egg": 1}, none)
    return FoodSplit(name, CLASSES, items, f"fixture-{name}", report)


def make_study(cache=None, cutouts=None, **changes):
    """What page 1 asks of a study, on these photos. `changes` are of the smoke profile.

    cutouts: the CutoutSet that the store gives, whatever it is asked for.
    """
    profile = replace(PROFILES["smoke"], **changes)
    return SimpleNamespace(
        profile=profile,
        classes=CLASSES,
        data=FoodData(CLASSES, make_split("train"), make_split("test")),
        store=SimpleNamespace(device="cpu", cache=cache, cutouts=lambda spec, split, size: cutouts),
        used=[],
    )
