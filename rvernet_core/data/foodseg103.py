"""FoodSeg103 in the layout of the official archive.

Images/img_dir/{train,test}/00000048.jpg   photos
Images/ann_dir/{train,test}/00000048.png   masks, values 0 .. 103, 0 = background
ImageSets/{train,test}.txt                 file names
category_id.txt                            id <tab> name, some names with stray spaces
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from rvernet_core import downloads
from rvernet_core.config import DataSpec
from rvernet_core.data.archives import extract
from rvernet_core.data.masked import entries, match_masks, split_of_masked_photos
from rvernet_core.data.names import FOODSEG103, clean, in_order, read_lines
from rvernet_core.data.samples import FoodSplit
from rvernet_core.errors import DataError
from rvernet_core.fetch import fetch
from rvernet_core.sealed import is_intact

#: Train photos whose masks match the photo turned by this EXIF orientation. The archive's own files
#: state it; the numbers stand in for copies that lost their EXIF, and only where the sizes then agree.
TURNED = {"00000273": 6, "00002585": 6, "00003969": 6, "00006505": 8}


PASSWORD = "LARCdataset9947"  # published by the data set's authors for everyone


def fetch_foodseg103(cache: Path) -> Path:
    """Folder that the official archive unpacks to, unpacked once into the cache.

    Its authors publish no hash, so put the archive to `<cache>/downloads/FoodSeg103.zip` by hand, or accept
    what comes first with RVERNET_TRUST_FIRST=1 (see `fetch`). Unpacking takes a few minutes; the archive may
    be deleted afterwards.
    """
    folder = Path(cache) / "foodseg103"
    return folder if is_intact(folder) else extract(fetch(downloads.FOODSEG103, cache), folder, PASSWORD)


def splits_of_foodseg103(root: Path, spec: DataSpec, cache: Path) -> dict[str, FoodSplit]:
    """Both splits of a folder in the official layout (or of one that holds it as its only such folder)."""
    folder = find_layout(root)
    classes = read_classes(folder / "category_id.txt")
    splits = {}
    for name in ("train", "test"):
        photo_folder = folder / "Images/img_dir" / name
        photos, alone = match_masks(photo_folder, folder / "Images/ann_dir" / name, TURNED)
        present = {item.image_id for item in photos} | {Path(file).stem for file, _ in alone}
        alone += _listed_but_missing(folder / "ImageSets" / f"{name}.txt", photo_folder, present)
        splits[name] = split_of_masked_photos(name, classes, photos, alone, spec, cache)
    return splits


def find_layout(root: Path) -> Path:
    """The folder that holds `Images/img_dir`: `root`, a folder in it, or its parent if it is `Images`."""
    above = [root.resolve().parent] if root.resolve().name == "Images" else []
    inside = [path for path in entries(root) if path.is_dir()]
    for folder in (root, *inside, *above):
        if (folder / "Images/img_dir").is_dir():
            return folder
    raise DataError(
        f"{root} does not hold FoodSeg103: no Images/img_dir/{{train,test}} in it; "
        "give the folder that the official archive unpacks to"
    )


def read_classes(path: Path) -> tuple[str, ...]:
    """Class names in the order of ids 1 .. n from `category_id.txt`; FoodSeg103's own if it is missing."""
    if not os.path.lexists(path):
        return FOODSEG103
    names: dict[int, str] = {}
    for number, line in enumerate(read_lines(path), start=1):
        if not line.strip():
            continue
        match = re.fullmatch(r"\s*([0-9]{1,5})\s+(\S.*)", line)
        if match is None or int(match[1]) in names:
            raise DataError(
                f"{path}, line {number}: got {line[:40]!r}; expected an id that no other line has, a tab and "
                "a class name"
            )
        names[int(match[1])] = clean(match[2])
    return in_order(names, path)


def _listed_but_missing(listing: Path, photos: Path, present: set[str]) -> list[tuple[str, str]]:
    """(name, reason) of the photos in `listing`, where there is one, whose names are not `present`."""
    if not os.path.lexists(listing):
        return []
    names = [Path(line.strip()).stem for line in read_lines(listing) if line.strip()]
    return [
        (name, f"{photos / name}.jpg is listed in {listing.name} but missing")
        for name in names
        if name not in present
    ]
