"""All data sets behind one function: `open_data(spec, cache)` gives the same kind of samples for each.

    data = open_data(DataSpec(name="foodseg103", root="/data/FoodSeg103"), cache)
    roi, extra_roi = data.train.cutouts(0)

| name | `root` | layout |
|---|---|---|
| plates | - | rendered into the cache |
| foodseg103 | official archive's folder, or None: fetched | `foodseg103.py` |
| foodseg103-hub | folder of the mirror's parquet files, or None: fetched | `hub.py` |
| release | folder of finished cut-outs | `release.py` |
| folder | your own photos and masks | `folder.py` |

A further data set is a reader module and one row of `READERS`. `spec.extra_classes` joins further classes,
such as ketchup and chili paste, at the end of any of them (layout: `folder.py`). Masks are those of the
data; `masking.sam_masks` replaces them.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rvernet_core.config import DataSpec, one_of
from rvernet_core.data.names import check_names, clean
from rvernet_core.data.samples import DataReport, FoodData, FoodSplit, RoiSample, join
from rvernet_core.errors import ConfigError, DataError

__all__ = [
    "MASKS",
    "READERS",
    "DataReport",
    "FoodData",
    "FoodSplit",
    "Reader",
    "RoiSample",
    "check",
    "open_data",
]


MASKS = ("exact", "sam")  # whose masks cut the photos
PAIRINGS = ("sample", "name")


@dataclass(frozen=True)
class Reader:
    """How the data set of one name is read.

    splits: (root, spec, cache) -> {"train": FoodSplit, "test": FoodSplit}; `root` is the folder that holds
        the data, or None where the spec names none and there is nothing to fetch.
    fetch: cache -> root, called where the spec names no root.
    needs_root: a spec without a root is refused. takes_root: a spec with one is not.
    """

    splits: Callable[[Path | None, DataSpec, Path], dict[str, FoodSplit]]
    fetch: Callable[[Path], Path] | None = None
    needs_root: bool = False
    takes_root: bool = True


def _from(module: str, function: str) -> Callable[..., Any]:
    """A function of this package, imported when it is called: each reader needs other packages."""
    return lambda *arguments: getattr(importlib.import_module(f"{__name__}.{module}"), function)(*arguments)


READERS = {
    "plates": Reader(_from("plates", "splits_of_plates"), takes_root=False),
    "foodseg103": Reader(
        _from("foodseg103", "splits_of_foodseg103"), fetch=_from("foodseg103", "fetch_foodseg103")
    ),
    "foodseg103-hub": Reader(_from("hub", "splits_of_hub"), fetch=_from("hub", "fetch_mirror")),
    "release": Reader(_from("release", "splits_of_release"), needs_root=True),
    "folder": Reader(_from("folder", "splits_of_folder"), needs_root=True),
}


def open_data(spec: DataSpec, cache: Path) -> FoodData:
    """Open the data set that `spec` names; `cache` holds what is rendered, fetched or scanned.

    Raises ConfigError for a spec that no data set can fulfil, DataError for a folder that is not what
    it should be, FetchError if a download is needed and fails.
    """
    check(spec)
    cache, reader = Path(cache), READERS[spec.name]
    root = _place(spec.root) if spec.root else reader.fetch(cache) if reader.fetch else None
    try:
        splits = reader.splits(root, spec, cache)
        extras = [_extra(entry, spec, cache) for entry in spec.extra_classes]
    except OSError as error:  # a folder that may be listed and not entered, a disk that fails
        raise DataError(
            f"{error.filename} cannot be read ({error.strerror or error}); make it readable"
        ) from error
    parts = {name: join([splits[name], *(extra[name] for extra in extras)]) for name in ("train", "test")}
    where = f"{spec.name} ({spec.root})" if spec.root else spec.name
    check_names(parts["train"].classes)
    train, test = (_with_samples(parts[name], where) for name in ("train", "test"))
    return FoodData(train.classes, train, test)


def check(spec: DataSpec) -> None:
    """Raise ConfigError or DataError where `spec` contradicts itself or names a folder that is not there.

    Nothing is opened, rendered or fetched.
    """
    reader = READERS[one_of(spec.name, READERS, "data set")]
    one_of(spec.masks, MASKS, "masks")
    one_of(spec.pairing, PAIRINGS, "pairing")
    if not 0 <= spec.min_area <= 1:
        raise ConfigError(f"min_area is {spec.min_area}; expected a share of the photo from 0 to 1")
    if spec.root is None and reader.needs_root:
        raise ConfigError(f"data set {spec.name!r} needs a root (data_root), the folder that holds it")
    if spec.root and not reader.takes_root:
        raise ConfigError(f"data set {spec.name!r} is rendered; it takes no root ({spec.root})")
    if spec.root and not os.path.isdir(_place(spec.root)):
        raise DataError(
            f"{spec.root} is not a folder; the root must be the folder that holds the {spec.name} data"
        )
    names = []
    for entry in spec.extra_classes:
        name, folder = _named_folder(entry)
        names.append(name)
        if not os.path.isdir(folder):
            raise DataError(f"extra class {entry!r}: {folder} is not a folder")
    if len(set(names)) < len(names):
        raise ConfigError(f"extra classes {', '.join(names)}; expected each name once")


def _named_folder(entry: str) -> tuple[str, Path]:
    """Name and folder of an extra class, "class name=folder"."""
    name, equals, folder = entry.partition("=")
    if not (equals and clean(name) and folder.strip()):
        raise ConfigError(
            f"extra class {entry!r}; expected 'class name=folder', such as 'ketchup=/data/ketchup'"
        )
    return clean(name), _place(folder.strip())


def _place(folder: str) -> Path:
    return Path(os.path.expanduser(folder))


def _extra(entry: str, spec: DataSpec, cache: Path) -> dict[str, FoodSplit]:
    from rvernet_core.data.folder import splits_of_extra_class

    return splits_of_extra_class(*_named_folder(entry), spec, cache)


def _with_samples(split: FoodSplit, where: str) -> FoodSplit:
    """The split itself; DataError if it has no sample at all."""
    if len(split):
        return split
    report = split.report
    reasons = "; ".join(reason for _, reason in report.broken[:2])
    raise DataError(
        f"{where}: the {split.name} split has no sample ({report.photos} photos read, "
        f"{sum(report.small.values())} ROIs too small, {len(report.broken)} files left out"
        f"{': ' + reasons if reasons else ''}); check the folder and min_area"
    )
