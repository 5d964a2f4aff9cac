"""Made-up maps on made-up plates, whose measures are known without computing them.

Four photos of 8 px with three foods each: a companion on the left (columns 0 and 1), a neutral food beside it
(columns 2 and 3), a sauce at the upper right (columns 6 and 7, rows 0 to 3).
"""

from types import SimpleNamespace

import numpy as np
import pandas as pd
from small_sets import make_predictions

from rvernet_core.config import ModelSpec, RunSpec, replace
from rvernet_core.data.cutout_set import CutoutSet
from rvernet_core.data.samples import RoiSample
from rvernet_core.evaluation.comparisons import model_name
from rvernet_core.evaluation.saliency import Maps, energy_inside
from rvernet_core.experiments.gradcam import Explained
from rvernet_core.experiments.profiles import PROFILES
from rvernet_core.experiments.sauce_maps import Sauces, region_energy

CLASSES = ("rice", "egg", "broccoli", "ketchup", "chili paste")
PAIR = ("mobilenetv2", "mobilenetv2")
FOODS = [("rice", "broccoli", "chili paste"), ("egg", "broccoli", "ketchup")] * 2
LABELS = np.array([CLASSES.index(food) for photo in FOODS for food in photo])
SAUCES = np.array([2, 5, 8, 11])  # the samples of ketchup and chili paste
PLACES = ((slice(None), slice(0, 2)), (slice(None), slice(2, 4)), (slice(0, 4), slice(6, 8)))


class Split:
    """What the pages ask of a test split."""

    fingerprint = "made up"
    classes = CLASSES
    samples = tuple(
        RoiSample(f"{food}/{i}", f"photo{i // 3}", CLASSES.index(food), food, 0.2)
        for i, food in enumerate(food for photo in FOODS for food in photo)
    )

    def __len__(self):
        return len(self.samples)

    def photo(self, i):
        return np.full((8, 8, 3), 20 * (i // 3), np.uint8)

    def mask(self, i):
        mask = np.zeros((8, 8), bool)
        mask[PLACES[i % 3]] = True
        return mask

    def cutouts(self, i):
        mask = self.mask(i)[..., None]
        return self.photo(i) * mask, self.photo(i) * ~mask

    def photo_groups(self):
        return [[i, i + 1, i + 2] for i in range(0, len(self), 3)]


MASKS = np.stack([Split().mask(i) for i in range(12)])
COMPANIONS = np.repeat(MASKS[::3], 3, axis=0)  # of each sample's photo
CUTOUTS = CutoutSet.from_arrays(
    *(np.stack([Split().cutouts(i)[part] for i in range(12)]) for part in (0, 1)),
    labels=LABELS,
    keys=tuple(sample.key for sample in Split.samples),
    image_ids=tuple(sample.image_id for sample in Split.samples),
    classes=CLASSES,
    fitted=np.full((12, 2), 8),
    data="made up",
    fingerprint="made up",
)


def make_study(dataset="plates"):
    """What page 5 asks of a study, without nets and runs."""
    profile = replace(PROFILES["smoke"], seeds=(0,), evaluation_photos=0, road_samples=3)
    return SimpleNamespace(
        profile=replace(profile, data=replace(profile.data, name=dataset)),
        classes=CLASSES,
        data=SimpleNamespace(train=Split(), test=Split()),
        used=[],
        store=SimpleNamespace(device="cpu", cutouts=lambda data, split, size: CUTOUTS),
    )


def make_maps(grid, branch="roi", wrong=()) -> Maps:
    """Maps that explain the true class, but the first one (rice) for the samples in `wrong`."""
    targets = LABELS.copy()
    targets[list(wrong)] = 0
    grid = np.asarray(grid, np.float32)
    return Maps(branch, grid, np.arange(12), targets, np.full(12, 0.5), size=8)


def make_explained(pair=PAIR, seeds=(0,)) -> Explained:
    """A MobileNetV2 with all energy inside the ROI, a blank ViT, and `pair` (None: none), for all seeds.

    The MobileNetV2 is wrong on both chili pastes, the others are right everywhere. The pair's ROI branch has
    all energy inside the ROI, its extra-ROI branch on the companion.
    """
    maps = {
        ("mobilenetv2", "roi"): make_maps(MASKS, wrong=SAUCES[[0, 2]]),
        ("vit", "roi"): make_maps(np.zeros((12, 8, 8))),
    }
    if pair:
        maps[pair, "roi"] = make_maps(MASKS)
        maps[pair, "extra_roi"] = make_maps(COMPANIONS, "extra_roi")
    frames = []
    for (model, branch), own in maps.items():
        energy = energy_inside(own, MASKS)
        columns = {"sample": own.indices, "photo": CUTOUTS.image_ids, "label": LABELS}
        columns |= {"target": own.targets, "probability": own.probabilities, "area": MASKS.mean((1, 2))}
        columns |= {"energy": energy, "hit": energy, "energy_other": 0.25, "hit_other": 0.5}
        columns |= {"blank": own.blank, "change": np.tile([-0.4, 0.1], 6)}
        columns |= {"road": [0.2, np.nan, np.nan] * 3 + [np.nan] * 3}  # one sample of three photos
        columns |= {"model": model_name(model), "branch": branch}
        frames += [pd.DataFrame({**columns, "seed": seed, "unit": seed}) for seed in seeds]
    of_seeds = {key: [own] * len(seeds) for key, own in maps.items()}
    return Explained(CUTOUTS, np.arange(12), MASKS, of_seeds, pd.concat(frames, ignore_index=True), 3)


def make_answers(pair=PAIR, wrong=SAUCES[[0, 2]], lost=(), seeds=(0,)):
    """Answers of a MobileNetV2 that calls the samples `wrong` rice, and of a pair that does so to `lost`."""

    def answers(mistaken, seed):
        predicted = LABELS.copy()
        predicted[list(mistaken)] = 0
        spec = RunSpec(model=ModelSpec(roi=PAIR[0]), seed=seed)
        return make_predictions(predicted, LABELS, spec=spec, image_id=CUTOUTS.image_ids)

    return {
        PAIR[0]: [answers(wrong, seed) for seed in seeds],
        pair: [answers(lost, seed) for seed in seeds],
    }


def make_sauces(pair=PAIR, dataset="plates", **how) -> Sauces:
    """The sauces of `make_answers`, with all energy of the pair's extra-ROI branch on the companion."""
    known = pair is not None and dataset == "plates"
    plate = MASKS[::3] | MASKS[1::3] | MASKS[2::3]
    names = ("companions", "neutral foods", "cut-out sauce", "plate and table", "gray border")
    parts = (MASKS[::3], MASKS[1::3], MASKS[2::3], ~plate, np.zeros_like(plate))
    regions = dict(zip(names, parts, strict=True)) if known else {}
    answers = make_answers(pair, **how)
    count = len(answers[PAIR[0]])
    maps = {pair: [make_maps(COMPANIONS, "extra_roi")[SAUCES]] * count} if known else {}
    photos = np.asarray(CUTOUTS.image_ids)[SAUCES]
    return Sauces(SAUCES, regions, maps, region_energy(SAUCES, photos, regions, maps, answers))
