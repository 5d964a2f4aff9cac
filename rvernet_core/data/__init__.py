"""One door for all data: `open_data(spec, cache)` gives the same kind of samples whatever is behind.

    data = open_data(DataSpec(name="foodseg103", root="/data/FoodSeg103"), cache)
    roi, extra_roi = data.train.cutouts(0)

| name | `root` | layout |
|---|---|---|
| plates | - | rendered into the cache |
| foodseg103 | official archive's folder, or None: fetched | `foodseg103.py` |
| foodseg103-hub | folder of the mirror's parquet files, or None: fetched | `parquet.py` |
| release | folder of finished cut-outs | `release.py` |
| folder | your own photos and masks | `folder.py` |

`spec.extra_classes` joins further classes, such as ketchup and chili paste, at the end of any of them
(layout: `folder.py`). Masks are those of the data; `masking.sam_masks` replaces them.
"""

from __future__ import annotations

from pathlib import Path

from rvernet_core.config import DataSpec
from rvernet_core.data.samples import DataReport, FoodData, FoodSplit, RoiSample, join
from rvernet_core.errors import ConfigError, DataError

__all__ = ["NAMES", "DataReport", "FoodData", "FoodSplit", "RoiSample", "open_data"]

NAMES = ("plates", "foodseg103", "foodseg103-hub", "release", "folder")


def open_data(spec: DataSpec, cache: Path) -> FoodData:
    """Open the data set that `spec` names; `cache` holds what is rendered, fetched or scanned.

    Raises ConfigError for a spec that no data set can fulfil, DataError for a folder that is not what
    it should be, FetchError if a download is needed and fails.
    """
    if not 0 <= spec.min_area <= 1:
        raise ConfigError(f"min_area is {spec.min_area}; expected a share of the photo from 0 to 1")
    cache = Path(cache)
    splits = _splits(spec, cache)
    extras = [_extra(entry, spec, cache) for entry in spec.extra_classes]
    parts = {name: join([splits[name], *(extra[name] for extra in extras)]) for name in ("train", "test")}
    where = f"{spec.name} ({spec.root})" if spec.root else spec.name
    train, test = (_with_samples(parts[name], where) for name in ("train", "test"))
    return FoodData(train.classes, train, test)


def _splits(spec: DataSpec, cache: Path) -> dict[str, FoodSplit]:
    # Readers are imported here: each needs other packages, and only one of them is ever used.
    if spec.name == "plates":
        from rvernet_core.data.plates import split_of_plates

        return {name: split_of_plates(name, spec, cache) for name in ("train", "test")}
    if spec.name == "foodseg103":
        from rvernet_core.data.foodseg103 import splits_of_foodseg103

        if spec.root is None:
            from rvernet_core.data.fetch import fetch_foodseg103

            return splits_of_foodseg103(fetch_foodseg103(cache), spec, cache)
        return splits_of_foodseg103(_root(spec), spec, cache)
    if spec.name == "foodseg103-hub":
        from rvernet_core.data.foodseg103 import splits_of_foodseg103
        from rvernet_core.data.hub import unpack

        if spec.root is None:
            from rvernet_core.data.fetch import fetch_hub_mirror

            return splits_of_foodseg103(unpack(fetch_hub_mirror(cache), cache), spec, cache)
        return splits_of_foodseg103(unpack(_root(spec), cache), spec, cache)
    if spec.name == "release":
        from rvernet_core.data.release import splits_of_release

        return splits_of_release(_root(spec), spec, cache)
    if spec.name == "folder":
        from rvernet_core.data.folder import splits_of_folder

        return splits_of_folder(_root(spec), spec, cache)
    raise ConfigError(f"data set {spec.name!r} is not known; choose one of {', '.join(NAMES)}")


def _extra(entry: str, spec: DataSpec, cache: Path) -> dict[str, FoodSplit]:
    from rvernet_core.data.folder import splits_of_extra_class

    name, equals, folder = entry.partition("=")
    if not (equals and name.strip() and folder.strip()):
        raise ConfigError(
            f"extra class {entry!r}; expected 'class name=folder', such as 'ketchup=/data/ketchup'"
        )
    return splits_of_extra_class(name.strip(), Path(folder.strip()).expanduser(), spec, cache)


def _root(spec: DataSpec) -> Path:
    if spec.root is None:
        raise ConfigError(f"data set {spec.name!r} needs `root`, the folder that holds it")
    root = Path(spec.root).expanduser()
    if not root.is_dir():
        raise DataError(f"{root} is not a folder; `root` must be the folder that holds the {spec.name} data")
    return root


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
