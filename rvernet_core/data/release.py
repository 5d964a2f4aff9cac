"""Finished cut-outs as the released code keeps them: {train,test}/{roi,extra-roi}/<category>/<name>.jpg.

A sample is (category, name); the same name under two categories makes two samples of one photo, each with
its own surroundings. The cut-outs are given as stored. The photo and the mask behind them are estimated:
each pixel is black in one of the two, so it belongs to the side of the brighter one.

Labels are the release's (`names.RELEASED`), whichever way a folder spells them. An optional `classes.txt`
beside train and test gives another label order, one class name a line.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rvernet_core.config import DataSpec
from rvernet_core.data.masked import LeftOut, by_stem, entries, left_out, scanned
from rvernet_core.data.names import RELEASED, class_name_of, folder_name, label_order, read_lines
from rvernet_core.data.photos import SUFFIXES, SizeMismatchError, read_photo, read_preview
from rvernet_core.data.samples import Candidate, FoodSplit, build_split
from rvernet_core.errors import DataError

_BLACK = 8  # JPEG noise of a black image stays below this level


class CutoutSource:
    """Reads stored cut-outs; `ref` is (path of the ROI, path of the extra-ROI)."""

    def cutouts(self, ref: Any) -> tuple[np.ndarray, np.ndarray]:
        return _read_both(*ref)

    def mask(self, ref: Any) -> np.ndarray:
        return _estimated_mask(*_read_both(*ref))

    def photo(self, ref: Any) -> np.ndarray:
        roi, extra_roi = _read_both(*ref)
        return np.where(_estimated_mask(roi, extra_roi)[..., None], roi, extra_roi)

    def photo_key(self, ref: Any) -> Path:
        return ref[0]  # nothing says which samples of different categories were cut from one photo


def splits_of_release(root: Path, spec: DataSpec, cache: Path) -> dict[str, FoodSplit]:
    """Both splits of a folder of finished cut-outs; classes are all categories of either split."""
    for branch in ("train/roi", "train/extra-roi", "test/roi", "test/extra-roi"):
        if not (root / branch).is_dir():
            raise DataError(
                f"{root / branch} is missing; expected {{train,test}}/{{roi,extra-roi}}/<category>/ in {root}"
            )
    branches = [root / split / branch for split in ("train", "test") for branch in ("roi", "extra-roi")]
    folder_of: dict[str, str] = {}
    for folder in sorted({p.name for b in branches for p in entries(b) if p.is_dir() and p.name[0] != "."}):
        other = folder_of.setdefault(class_name_of(folder), folder)
        if other != folder:
            raise DataError(f"{root}: the folders {other!r} and {folder!r} are one class; rename one of them")
    classes = _classes(root, set(folder_of))
    return {
        name: split_of_cutouts(
            name,
            classes,
            {c: _branches(root / name, folder_of.get(c) or folder_name(c)) for c in classes},
            spec,
            cache,
            others=_stray(root / name / "roi") + _stray(root / name / "extra-roi"),
        )
        for name in ("train", "test")
    }


def _stray(branch: Path) -> list[LeftOut]:
    """What lies in a branch and in none of its category folders, but for hidden files."""
    return [
        (str(path), f"{path} is {'a hidden folder; rename it' if path.is_dir() else 'in no category folder'}")
        for path in entries(branch)
        if path.name.startswith(".") == path.is_dir()
    ]


def _branches(split: Path, folder: str) -> tuple[Path, Path]:
    return split / "roi" / folder, split / "extra-roi" / folder


def _classes(root: Path, categories: set[str]) -> tuple[str, ...]:
    """Classes in label order: that of `classes.txt` where there is one, else `label_order`."""
    listing = root / "classes.txt"
    if not os.path.lexists(listing):
        return label_order(categories)
    classes = tuple(class_name_of(line) for line in read_lines(listing) if line.strip())
    unlisted = sorted(categories - set(classes))
    if unlisted or len(set(classes)) < len(classes):
        defect = f"lacks {unlisted[0]!r}" if unlisted else "names a class twice"
        raise DataError(f"{listing} {defect}; expected every category once")
    return classes


def class_names(count: int, listing: Path | None = None) -> tuple[str, ...]:
    """Names of the `count` classes of a model that the released code trained, in label order.

    listing: one name a line, as `classes.txt`; None: the release's own, then "class 105" ...
    Raises DataError for a listing that cannot be read or names another number of classes.
    """
    if listing is None:
        return (*RELEASED[:count], *(f"class {label}" for label in range(len(RELEASED), count)))
    names = tuple(class_name_of(line) for line in read_lines(listing) if line.strip())
    if len(names) != count:
        raise DataError(
            f"{listing} names {len(names)} classes; expected the {count} of the model, one a line"
        )
    return names


def name_ending(folder: str) -> str:
    """What `export.write_release` puts behind a file's name, so that no two categories share one."""
    return "~" + folder.replace("~", "%7E")


def split_of_cutouts(
    name: str,
    classes: Sequence[str],
    folders: dict[str, tuple[Path, Path]],
    spec: DataSpec,
    cache: Path,
    prefix: str = "",
    others: Sequence[LeftOut] = (),
) -> FoodSplit:
    """The split of finished cut-outs: `folders` gives each class its (roi, extra-roi) folders.

    Image ids are `prefix` plus the file's stem, without what `export.write_release` added to it. A cut-out
    without a partner of its name in its own category is left out and counted, or DataError if `spec.strict`;
    so are the further files `others`.
    """
    places = []  # (class name, photo's name, roi path, extra-roi path)
    alone = list(others)
    for class_name in classes:
        found = [by_stem(f, SUFFIXES) if f.is_dir() else ({}, []) for f in folders[class_name]]
        (roi, other_rois), (extra_roi, other_extra_rois) = found
        alone += other_rois + other_extra_rois
        for stem in sorted(roi.keys() ^ extra_roi.keys()):
            present = roi.get(stem) or extra_roi[stem]
            missing = folders[class_name][1 if stem in roi else 0] / present.name
            alone.append((str(present), f"{present} has no partner: {missing} is missing"))
        ending = name_ending(folders[class_name][0].name)
        places += [
            (class_name, stem.removesuffix(ending), path, extra_roi[stem])
            for stem, path in roi.items()
            if stem in extra_roi
        ]
    records = scanned(
        [(roi, extra_roi) for _, _, roi, extra_roi in places],
        lambda i: _scan_cutouts(*places[i][2:]),
        key="cut-outs",
        cache=cache,
        title=f"reading {name} cut-outs",
    )
    broken = left_out(records, spec.strict, alone)
    good = [(place, record) for place, record in zip(places, records, strict=True) if "area" in record]
    return build_split(
        name,
        classes,
        [
            Candidate(prefix + stem, class_name, record["area"], (roi, extra_roi))
            for (class_name, stem, roi, extra_roi), record in good
        ],
        CutoutSource(),
        content=[[class_name, stem, *record["sha256"]] for (class_name, stem, _, _), record in good],
        min_area=spec.min_area,
        photos=len({stem for (_, stem, _, _), _ in good}),
        broken=broken,
    )


def _as_stored(path: Path) -> np.ndarray:
    return read_photo(path, exif=False)


def _read_both(
    roi: Path, extra_roi: Path, read: Callable[[Path], np.ndarray] = _as_stored
) -> tuple[np.ndarray, np.ndarray]:
    cutouts = read(roi), read(extra_roi)
    (h1, w1), (h2, w2) = (cutout.shape[:2] for cutout in cutouts)
    if (h1, w1) != (h2, w2):
        raise SizeMismatchError(
            f"{roi} is {w1} x {h1}, its partner {extra_roi} is {w2} x {h2} pixels; they must agree"
        )
    return cutouts


def _estimated_mask(roi: np.ndarray, extra_roi: np.ndarray) -> np.ndarray:
    if extra_roi.max() <= _BLACK:  # the ROI is the whole photo, dark spots included
        return np.ones(roi.shape[:2], dtype=bool)
    return roi.sum(axis=2, dtype=np.int32) > extra_roi.sum(axis=2, dtype=np.int32)


def _scan_cutouts(roi: Path, extra_roi: Path) -> dict:
    try:
        area = float(_estimated_mask(*_read_both(roi, extra_roi, read_preview)).mean())
        return {"area": area}
    except SizeMismatchError as error:
        return {"wrong": str(error)}
    except DataError as error:
        return {"file": str(roi), "broken": str(error)}
