"""Page 1: what do the models see, and how near do Segment Anything's masks come to the exact ones?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from rvernet_core import uncertainty
from rvernet_core.config import RunSpec
from rvernet_core.data import FoodSplit
from rvernet_core.evaluation.annotation import coarsest_polygon
from rvernet_core.experiments.study import Study
from rvernet_core.masking import iou, load_sam, sam_masks
from rvernet_core.models.backbones import input_size
from rvernet_core.uncertainty import estimate, measure_mean

PROMPTS = ("box", "point")
QUANTILES = (0.0, 0.05, 0.15, 0.3, 0.5, 0.8, 1.0)  # of the IoU with one point, at which masks are shown


def needs(study: Study) -> dict[str, list[RunSpec]]:
    """No runs: the page is about the data alone."""
    return {}


def photos(split: FoodSplit) -> list[list[int]]:
    """Indices of the samples of each photo, photo by photo."""
    groups: dict[str, list[int]] = {}
    for i, sample in enumerate(split.samples):
        groups.setdefault(sample.image_id, []).append(i)
    return list(groups.values())


def crowded(split: FoodSplit, count: int = 12) -> list[list[int]]:
    """The samples of the first `count` photos with most foods (four are as good as more)."""
    return sorted(photos(split), key=lambda group: -min(len(group), 4))[:count]


def splits(study: Study) -> pd.DataFrame:
    """One row per split: photos, samples, classes, and what was left out."""
    return pd.DataFrame([{"split": s.name, **s.report.totals()} for s in (study.data.train, study.data.test)])


def classes(study: Study) -> pd.DataFrame:
    """One row per class: samples in train and test, and the mean share of the photo of its test ROIs."""
    data = study.data
    table = pd.DataFrame({s.name: s.report.table()["samples"] for s in (data.train, data.test)}).drop("all")
    area = {
        name: np.mean([s.area for s in data.test.samples if s.class_name == name] or [np.nan])
        for name in data.classes
    }
    table["mean ROI area, test"] = pd.Series(area)
    return table.rename_axis("class").reset_index()


def facts(study: Study) -> dict[str, float]:
    """Classes, training and test ROIs, and ROIs per test photo."""
    data = study.data
    return {
        "classes": len(data.classes),
        "train": len(data.train),
        "test": len(data.test),
        "per-photo": len(data.test) / len(photos(data.test)),
    }


@dataclass(frozen=True)
class SamMasks:
    """Segment Anything's masks of some test photos, and the exact ones."""

    net: str
    exact: FoodSplit
    by_prompt: dict[str, FoodSplit]  # prompt -> the same samples under Segment Anything's masks
    overlap: pd.DataFrame  # one row per prompt and sample: class, prompt, iou, sample (key), photo


def sam_against_exact(study: Study) -> SamMasks:
    """Every ROI of the profile's first test photos, masked from its box and from its most interior point."""
    test, profile = study.data.test, study.profile
    first = [i for group in photos(test)[: profile.sam_photos] for i in group]
    exact = test.subset(first, "sam")
    masker = load_sam(profile.sam, device=study.store.device, cache=study.store.cache)
    by_prompt = {prompt: sam_masks(exact, masker, prompt, cache=study.store.cache) for prompt in PROMPTS}
    overlap = pd.DataFrame(
        {
            "class": s.class_name,
            "prompt": prompt,
            "iou": iou(split.mask(i), exact.mask(i)),
            "sample": s.key,
            "photo": s.image_id,
        }
        for prompt, split in by_prompt.items()
        for i, s in enumerate(exact.samples)
    )
    return SamMasks(profile.sam, exact, by_prompt, overlap)


def mask_quality(overlap: pd.DataFrame) -> pd.DataFrame:
    """One row per prompt: mean IoU with its 95 % interval over photos, median, and share above one half.

    `smallest` is the smallest change of the mean that these photos had shown in 80 % of repetitions.
    """
    rows = []
    for prompt, part in overlap.groupby("prompt"):
        values = part["iou"].to_numpy()
        e = uncertainty.estimate(uncertainty.measure_mean(values, part["photo"].to_numpy()))
        rows.append(
            {
                "prompt": prompt,
                "mean IoU": e.value,
                "mean IoU_low": max(e.low, 0.0),
                "mean IoU_high": min(e.high, 1.0),
                "smallest": e.smallest,
                "median IoU": np.median(values),
                "IoU above 0.5": (values > 0.5).mean(),
                "ROIs": len(values),
                "photos": part["photo"].nunique(),
            }
        )
    return pd.DataFrame(rows)


CLICKS = {"box": 2, "point": 1}  # that a prompt takes: two corners, or one pixel


def annotation_effort(masks: SamMasks) -> pd.DataFrame:
    """One row per way to annotate: clicks for an ROI and IoU of what comes of it, with intervals over photos.

    A prompt of Segment Anything against polygons: one as good as the box's mask, and one of IoU 0.9. Vertices
    are clicks. Nobody was timed; how long a click takes, and the reading of the photo, is in none of it.
    """
    exact = masks.exact
    photos = np.array([sample.image_id for sample in exact.samples])
    by_prompt = {
        prompt: part["iou"].to_numpy() for prompt, part in masks.overlap.groupby("prompt", sort=False)
    }
    ways = {
        f"Segment Anything, {prompt}": (np.full(len(photos), float(CLICKS[prompt])), found)
        for prompt, found in by_prompt.items()
    }
    for name, goals in (
        ("polygon as good as the box's mask", by_prompt["box"]),
        ("polygon with an IoU of 0.9", np.full(len(photos), 0.9)),
    ):
        drawn = [coarsest_polygon(exact.mask(i), goal) for i, goal in enumerate(goals)]
        ways[name] = np.array([p.vertices for p in drawn], float), np.array([p.iou for p in drawn])
    rows = []
    for way, columns in ways.items():
        row: dict = {"way": way}
        for what, values in zip(("clicks", "IoU"), columns, strict=True):
            e = estimate(measure_mean(values, photos))
            row |= e.columns(what)
        rows.append(row | {"ROIs": len(photos)})
    return pd.DataFrame(rows)


def iou_by_food(overlap: pd.DataFrame) -> pd.DataFrame:
    """Mean IoU of each class (rows, best box first) and prompt (columns)."""
    means = overlap.groupby(["class", "prompt"])["iou"].mean().unstack()
    return means.loc[means["box"].sort_values(ascending=False).index]


def worst_to_best(masks: SamMasks) -> list[int]:
    """Samples from the worst to the best mask from one point, at the QUANTILES."""
    overlap = masks.overlap
    point = overlap[overlap["prompt"] == "point"].reset_index(drop=True)
    ranked = point.sort_values("iou").index
    return [int(ranked[round(q * (len(ranked) - 1))]) for q in QUANTILES]


def nets_input(study: Study, samples: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """The ROI and extra-ROI cut-outs of test samples as the nets get them: uint8 (B, S, S, 3) each."""
    cutouts = study.store.cutouts(study.profile.data, "test", input_size(study.profile.scale))
    indices = np.array(samples)
    return cutouts.images("roi", indices), cutouts.images("extra_roi", indices)
