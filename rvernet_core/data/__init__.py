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
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rvernet_core.config import DataSpec
from rvernet_core.data.samples import DataReport, FoodData, FoodSplit, RoiSample, join
from rvernet_core.errors import ConfigError, DataError

__all__ = ["READERS", "DataReport", "FoodData", "FoodSplit", "Reader", "RoiSample", "open_data"]


@dataclass(frozen=True)
class Reader:
    """How the data set of one name is read.

    splits: (root, spec, cache) -> {"train": FoodSplit, "test": FoodSplit}; `root` is the folder that holds
        the data, or None where the spec names none and there is nothing to fetch.
    fetch: cache -> root, called where the spec names no root.
    needs_root: a spec without a root is refused.
    """

    splits: Callable[[Path | None, DataSpec, Path], dict[str, FoodSplit]]
    fetch: Callable[[Path], Path] | None = None
    needs_root: bool = False


def _from(module: str, function: str) -> Callable[..., Any]:
    """A function of this package, imported when it is called: each reader needs other packages."""
    return lambda *arguments: getattr(importlib.import_module(f"{__name__}.{module}"), function)(*arguments)


READERS = {
    "plates": Reader(_from("plates", "splits_of_plates")),
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
    if not 0 <= spec.min_area <= 1:
        raise ConfigError(f"min_area is {spec.min_area}; expected a share of the photo from 0 to 1")
    if spec.name not in READERS:
        raise ConfigError(f"data set {spec.name!r} is not known; choose one of {', '.join(READERS)}")
    cache, reader = Path(cache), READERS[spec.name]
    splits = reader.splits(_root(spec, reader, cache), spec, cache)
    extras = [_extra(entry, spec, cache) for entry in spec.extra_classes]
    parts = {name: join([splits[name], *(extra[name] for extra in extras)]) for name in ("train", "test")}
    where = f"{spec.name} ({spec.root})" if spec.root else spec.name
    train, test = (_with_samples(parts[name], where) for name in ("train", "test"))
    return FoodData(train.classes, train, test)


def _root(spec: DataSpec, reader: Reader, cache: Path) -> Path | None:
    """The folder that holds the data, fetched if need be; None where there is none."""
    if spec.root is None:
        if reader.needs_root:
            raise ConfigError(f"data set {spec.name!r} needs `root`, the folder that holds it")
        return reader.fetch(cache) if reader.fetch else None
    root = Path(spec.root).expanduser()
    if not root.is_dir():
        raise DataError(f"{root} is not a folder; `root` must be the folder that holds the {spec.name} data")
    return root


def _extra(entry: str, spec: DataSpec, cache: Path) -> dict[str, FoodSplit]:
    from rvernet_core.data.folder import splits_of_extra_class

    name, equals, folder = entry.partition("=")
    if not (equals and name.strip() and folder.strip()):
        raise ConfigError(
            f"extra class {entry!r}; expected 'class name=folder', such as 'ketchup=/data/ketchup'"
        )
    return splits_of_extra_class(name.strip(), Path(folder.strip()).expanduser(), spec, cache)


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
