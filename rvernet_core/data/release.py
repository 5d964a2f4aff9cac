"""Finished cut-outs as the released code keeps them: {train,test}/{roi,extra-roi}/<category>/<name>.jpg.

A pair is (category, name); the same name under two categories makes two samples. The pictures are
given as stored. The photo and the mask behind a pair are estimated: each pixel is black in one of the
two, so the brighter one tells to which side it belongs. An optional `classes.txt` beside train and
test gives the label order, one class name a line.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rvernet_core.config import DataSpec
from rvernet_core.data.masked import SUFFIXES, by_stem, scanned
from rvernet_core.data.names import class_name_of, folder_name, label_order
from rvernet_core.data.photos import read_photo
from rvernet_core.data.samples import Candidate, FoodSplit, build_split
from rvernet_core.errors import DataError

_ENOUGH = 100_000  # pixels at which the area of an ROI is measured
_BLACK = 8  # JPEG noise of a black picture stays below this level


class CutoutSource:
    """Reads stored pairs; `ref` is (path of the ROI picture, path of the extra-ROI picture)."""

    def cutouts(self, ref: Any) -> tuple[np.ndarray, np.ndarray]:
        return _read_pair(*ref)

    def mask(self, ref: Any) -> np.ndarray:
        return _estimated_mask(*_read_pair(*ref))

    def photo(self, ref: Any) -> np.ndarray:
        roi, extra_roi = _read_pair(*ref)
        return np.where(_estimated_mask(roi, extra_roi)[..., None], roi, extra_roi)

    def photo_key(self, ref: Any) -> Path:
        return ref[0]  # nothing tells which pairs of different categories were cut from one photo


def splits_of_release(root: Path, spec: DataSpec, cache: Path) -> dict[str, FoodSplit]:
    """Both splits of a folder of finished cut-outs; classes are all categories of either split."""
    for branch in ("train/roi", "train/extra-roi", "test/roi", "test/extra-roi"):
        if not (root / branch).is_dir():
            raise DataError(
                f"{root / branch} is missing; expected {{train,test}}/{{roi,extra-roi}}/<category>/ in {root}"
            )
    branches = [root / split / branch for split in ("train", "test") for branch in ("roi", "extra-roi")]
    found = {
        p.name for branch in branches for p in branch.iterdir() if p.is_dir() and not p.name.startswith(".")
    }
    folder_of = {class_name_of(folder): folder for folder in found}
    if len(folder_of) < len(found):
        raise DataError(f"{root}: two category folders stand for one class name; rename one of them")
    classes = _classes(root, set(folder_of))
    return {
        name: split_of_cutouts(
            name,
            classes,
            {c: _branches(root / name, folder_of.get(c) or folder_name(c)) for c in classes},
            spec,
            cache,
        )
        for name in ("train", "test")
    }


def _branches(split: Path, folder: str) -> tuple[Path, Path]:
    return split / "roi" / folder, split / "extra-roi" / folder


def _classes(root: Path, found: set[str]) -> tuple[str, ...]:
    """Classes in label order: that of `classes.txt` where there is one, else `label_order`."""
    listing = root / "classes.txt"
    if not listing.is_file():
        return label_order(found)
    classes = tuple(line for line in listing.read_text(encoding="utf-8-sig").splitlines() if line)
    unlisted = sorted(found - set(classes))
    if unlisted or len(set(classes)) < len(classes):
        what = f"lacks {unlisted[0]!r}" if unlisted else "names a class twice"
        raise DataError(f"{listing} {what}; expected every category once")
    return classes


def split_of_cutouts(
    name: str,
    classes: Sequence[str],
    folders: dict[str, tuple[Path, Path]],
    spec: DataSpec,
    cache: Path,
    prefix: str = "",
) -> FoodSplit:
    """The split of finished cut-outs: `folders` gives each class its (roi, extra-roi) folders.

    Image ids are `prefix` plus the file's stem. Raises DataError if a picture has no partner of its
    name in its own category.
    """
    found = []  # (class name, stem, roi path, extra-roi path)
    for class_name in classes:
        roi, extra_roi = ({} if not f.is_dir() else by_stem(f, SUFFIXES) for f in folders[class_name])
        for stem in sorted(roi.keys() ^ extra_roi.keys()):
            present = roi.get(stem) or extra_roi[stem]
            other = folders[class_name][1 if stem in roi else 0]
            raise DataError(
                f"{present} has no partner: {other / present.name} is missing; restore it or remove both"
            )
        found += [(class_name, stem, roi[stem], extra_roi[stem]) for stem in roi]
    records = scanned(
        [(roi, extra_roi) for _, _, roi, extra_roi in found],
        lambda i: _scan_cutouts(*found[i][2:]),
        key="cut-outs",
        cache=cache,
        title=f"reading {name} cut-outs",
    )
    wrong = [record["wrong"] for record in records if "wrong" in record]
    if wrong:
        raise DataError(wrong[0] + (f" (and {len(wrong) - 1} more such pairs)" if len(wrong) > 1 else ""))
    broken = [(record["file"], record["broken"]) for record in records if "broken" in record]
    if broken and spec.strict:
        raise DataError(f"{broken[0][1]} (strict: {len(broken)} such files)")
    good = [(place, record) for place, record in zip(found, records, strict=True) if "area" in record]
    return build_split(
        name,
        classes,
        [
            Candidate(prefix + stem, class_name, record["area"], (roi, extra))
            for (class_name, stem, roi, extra), record in good
        ],
        CutoutSource(),
        content=[[class_name, stem, record["bytes"]] for (class_name, stem, _, _), record in good],
        min_area=spec.min_area,
        photos=len({stem for (_, stem, _, _), _ in good}),
        broken=broken,
    )


def _read_pair(roi: Path, extra_roi: Path, **how: Any) -> tuple[np.ndarray, np.ndarray]:
    pair = read_photo(roi, exif=False, **how), read_photo(extra_roi, exif=False, **how)
    if pair[0].shape != pair[1].shape:
        (h1, w1), (h2, w2) = pair[0].shape[:2], pair[1].shape[:2]
        raise _Mismatch(
            f"{roi} is {w1} x {h1}, its partner {extra_roi} is {w2} x {h2} pixels; they must agree"
        )
    return pair


def _estimated_mask(roi: np.ndarray, extra_roi: np.ndarray) -> np.ndarray:
    if extra_roi.max() <= _BLACK:  # the ROI is the whole photo, dark spots included
        return np.ones(roi.shape[:2], dtype=bool)
    return roi.sum(axis=2, dtype=np.int32) > extra_roi.sum(axis=2, dtype=np.int32)


def _scan_cutouts(roi: Path, extra_roi: Path) -> dict:
    try:
        area = float(_estimated_mask(*_read_pair(roi, extra_roi, enough=_ENOUGH)).mean())
        return {"area": area, "bytes": [roi.stat().st_size, extra_roi.stat().st_size]}
    except _Mismatch as error:
        return {"wrong": str(error)}
    except (DataError, OSError) as error:
        return {"file": str(roi), "broken": str(error)}


class _Mismatch(DataError):
    """The two pictures of a pair differ in size."""
