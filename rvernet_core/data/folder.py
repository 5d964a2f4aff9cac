"""Your own photos, in two simple layouts.

A data set (`name="folder"`): masks hold class ids, and line k of `classes.txt` names id k (0 is
background):

    classes.txt
    {train,test}/images/dinner-1.jpg       JPEG, PNG, WebP, AVIF, BMP, TIFF, GIF; HEIC with pillow-heif
    {train,test}/masks/dinner-1.png        same stem, same size; gray or palette, raw values are ids

One extra class (`extra_classes=("ketchup=/data/ketchup",)`): whatever is not 0 in a mask belongs to it,
or the cut-outs are there already:

    {train,test}/images/a.jpg  with  {train,test}/masks/a.png
    {train,test}/roi/a.jpg     with  {train,test}/extra-roi/a.jpg

Image ids of an extra class begin with its name, so that they never meet those of the data set.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rvernet_core.config import DataSpec
from rvernet_core.data.masked import match_masks, split_of_masked_photos
from rvernet_core.data.names import clean, in_order, read_lines
from rvernet_core.data.release import split_of_cutouts
from rvernet_core.data.samples import FoodSplit
from rvernet_core.errors import DataError


def splits_of_folder(root: Path, spec: DataSpec, cache: Path) -> dict[str, FoodSplit]:
    """Both splits of a folder of photos and index masks, with its `classes.txt`."""
    listing = root / "classes.txt"
    if not os.path.lexists(listing):
        raise DataError(f"{listing} is missing; write one class name a line, line k naming mask value k")
    lines = [clean(line) for line in read_lines(listing)]
    while lines and not lines[-1]:
        lines.pop()
    if lines and all(re.match(r"[0-9]+\s", line) for line in lines):
        raise DataError(
            f"{listing}: every line begins with a number; expected names alone, line k naming id k"
        )
    classes = in_order(dict(enumerate(lines, start=1)), listing)
    return {name: _split(name, classes, root / name, spec, cache) for name in ("train", "test")}


def splits_of_extra_class(class_name: str, root: Path, spec: DataSpec, cache: Path) -> dict[str, FoodSplit]:
    """Both splits of one further class, from photos with binary masks or from finished cut-outs."""
    splits = {}
    for name in ("train", "test"):
        folder = root / name
        if (folder / "images").is_dir():
            splits[name] = _split(name, [class_name], folder, spec, cache, extra=class_name)
        elif (folder / "roi").is_dir():
            folders = {class_name: (folder / "roi", folder / "extra-roi")}
            splits[name] = split_of_cutouts(name, [class_name], folders, spec, cache, prefix=f"{class_name}-")
        else:
            raise DataError(
                f"class {class_name!r}: {folder} has neither images/ and masks/ nor roi/ and extra-roi/"
            )
    return splits


def _split(
    name: str, classes: Sequence[str], folder: Path, spec: DataSpec, cache: Path, extra: str | None = None
) -> FoodSplit:
    photos, alone = match_masks(folder / "images", folder / "masks")
    if extra is not None:
        photos = [replace(item, image_id=f"{extra}-{item.image_id}") for item in photos]
    return split_of_masked_photos(name, classes, photos, alone, spec, cache, binary=extra is not None)
