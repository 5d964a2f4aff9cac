"""Writing a data set in the layouts that other code reads: FoodSeg103's own, and finished cut-outs.

A folder appears whole or not at all. Photos become JPEG, as both layouts demand, at full chroma
resolution; masks stay exact.
"""

from __future__ import annotations

import itertools
import json
import logging
import math
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tqdm.auto import tqdm

from rvernet_core import files
from rvernet_core.data import FoodData, FoodSplit, RoiSample
from rvernet_core.data.names import folder_name, released_folder
from rvernet_core.data.release import name_ending
from rvernet_core.errors import DataError

log = logging.getLogger(__name__)

QUALITY = 95  # of JPEG files
_RELEASED_SIDE = 224  # pixels of the release's input; it raises where the shorter side becomes 0
_LONGEST = 255  # bytes of a file name on most file systems


def write_foodseg103(data: FoodData, folder: Path, quality: int = QUALITY) -> Path:
    """Write `data` in the layout of FoodSeg103's official archive; returns `folder`.

    Photos get eight-digit names counted through train and test; `image_ids.tsv` says which photo is
    which. Mask value k is class k of `category_id.txt`, 0 is background; where masks overlap (those
    of Segment Anything may), the smaller ROI lies above. Raises DataError if `folder` holds
    anything, if there are more than 254 classes, or if it cannot be written.
    """
    folder = _vacant(folder)
    if len(data.classes) > 254:
        raise DataError(f"{len(data.classes)} classes do not fit into 8-bit masks; at most 254")
    with files.atomic_folder(folder) as staging:
        number, origins = 0, ["name\tsplit\timage_id"]
        for split in (data.train, data.test):
            photos = _new_folder(staging / "Images/img_dir" / split.name)
            masks = _new_folder(staging / "Images/ann_dir" / split.name)
            names = []
            for group in tqdm(split.photo_groups(), f"writing {split.name}", unit="photo", disable=None):
                name = f"{number:08d}"
                _save_jpeg(split.photo(group[0]), photos / f"{name}.jpg", quality)
                _save(Image.fromarray(_index_mask(split, group)), masks / f"{name}.png")
                names.append(f"{name}.jpg")
                origins.append(f"{name}\t{split.name}\t{split.samples[group[0]].image_id}")
                number += 1
            _new_folder(staging / "ImageSets")
            _text(staging / "ImageSets" / f"{split.name}.txt", names)
        _text(staging / "category_id.txt", [f"{i}\t{c}" for i, c in enumerate(("background", *data.classes))])
        _text(staging / "image_ids.tsv", origins)
        _text(
            staging / "Readme.txt",
            [f"Written by rvernet_core in FoodSeg103's layout. Data: {data.fingerprint}"],
        )
    return folder


def write_release(data: FoodData, folder: Path, quality: int = QUALITY) -> Path:
    """Write every sample's cut-outs to {train,test}/{roi,extra-roi}/<category>/<name>.jpg; returns `folder`.

    The released code can read all of it: its category folders (`names.released_folder`), and file names that
    no two categories share, because it looks for an ROI's surroundings by file name alone. `classes.yaml` is
    the `class_dict` of its configuration; `classes.txt` keeps the real names in the same order. Photos so
    thin that it cannot scale them are left out, with a warning that names them.

    Raises DataError if `folder` holds anything or cannot be written, or if a name is too long.
    """
    folder = _vacant(folder)
    categories = [released_folder(name) for name in data.classes]
    with files.atomic_folder(folder) as staging:
        for split in (data.train, data.test):
            for branch, category in itertools.product(("roi", "extra-roi"), categories):
                _new_folder(staging / split.name / branch / category)
            thin = []
            for i, sample in enumerate(
                tqdm(split.samples, f"writing {split.name}", unit="ROI", disable=None)
            ):
                cutouts = split.cutouts(i)
                if _too_thin(*cutouts[0].shape[:2]):
                    thin.append(sample.key)
                    continue
                category = categories[sample.label]
                name = _unique_name(sample, category)
                for branch, cutout in zip(("roi", "extra-roi"), cutouts, strict=True):
                    _save_jpeg(cutout, staging / split.name / branch / category / name, quality)
            if thin:
                named = ", ".join(thin[:5]) + ", ..." * (len(thin) > 5)
                log.warning(
                    "%s: %d ROIs left out, too thin for the released code: %s", split.name, len(thin), named
                )
        _text(staging / "classes.txt", list(data.classes))
        _text(staging / "classes.yaml", [f"{json.dumps(name)}: {i}" for i, name in enumerate(categories)])
    return folder


# --- helpers ----------------------------------------------------------------------------------------


def _index_mask(split: FoodSplit, group: list[int]) -> np.ndarray:
    """uint8 (H, W): label + 1 of the samples in `group`, which show one photo."""
    values = np.zeros(split.mask(group[0]).shape, np.uint8)
    for i in sorted(group, key=lambda i: -split.samples[i].area):
        values[split.mask(i)] = split.samples[i].label + 1
    return values


def _too_thin(height: int, width: int) -> bool:
    """Whether the released code, which scales as `cutouts.fitted_size` does, is left with a side of 0."""
    return math.floor(min(width, height) * (_RELEASED_SIDE / max(width, height))) == 0


def _unique_name(sample: RoiSample, category: str) -> str:
    """A file name that no sample of another category has."""
    name = f"{folder_name(sample.image_id)}{name_ending(category)}.jpg"
    if len(name) > _LONGEST:
        raise DataError(f"{sample.key[:60]!r}... needs a file name of {len(name)} bytes; at most {_LONGEST}")
    return name


def _vacant(folder: Path) -> Path:
    folder = Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DataError(f"{folder} exists already; name a new folder, or remove it")
    return folder


def _new_folder(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _text(path: Path, lines: list[str]) -> None:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _save_jpeg(image: np.ndarray, path: Path, quality: int) -> None:
    _save(Image.fromarray(image), path, quality=quality, subsampling=0)


def _save(image: Image.Image, path: Path, **options: Any) -> None:
    try:
        image.save(path, **options)
    except OSError as error:
        raise DataError(
            f"cannot write {path.name} ({error}); nothing is kept of the unfinished folder"
        ) from error
