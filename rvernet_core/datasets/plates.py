"""Rendered plates as a data set: every visible item of a scene is one sample."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from rvernet_core.config import DataSpec, fingerprint
from rvernet_core.datasets.base import Candidate, FoodSplit, MaskedSource, build_split
from rvernet_core.errors import ConfigError
from rvernet_core.plates import FOODS, RENDERER_VERSION, scene_store

#: First scene seed of each split, so that a split grows without touching the other. `DataSpec.seed` is
#: added to it; the zoo was trained on scenes of other seeds, from ten million on.
TRAIN_SEEDS, TEST_SEEDS = 0, 2**30


class PlatesSource(MaskedSource):
    """Reads rendered scenes; `ref` is (scene index, instance numbers of the class)."""

    def __init__(self, store: Any) -> None:
        self._store = store

    def photo(self, ref: Any) -> np.ndarray:
        return np.asarray(self._store.image(ref[0]))

    def mask(self, ref: Any) -> np.ndarray:
        return np.isin(np.asarray(self._store.instances(ref[0])), ref[1])

    def photo_key(self, ref: Any) -> int:
        return ref[0]


def split_of_plates(name: str, spec: DataSpec, cache: Path) -> FoodSplit:
    """Render (or find in the cache) and list the scenes of split `name`, 'train' or 'test'."""
    count, first = (spec.train_scenes, TRAIN_SEEDS) if name == "train" else (spec.test_scenes, TEST_SEEDS)
    first += spec.seed
    if count < 1 or spec.seed < 0 or spec.seed + count > TEST_SEEDS:
        raise ConfigError(
            f"{name}: {count} scenes from seed {spec.seed}; expected at least one scene, "
            f"and seeds from 0 to {TEST_SEEDS}"
        )
    store = scene_store(spec.plates, range(first, first + count), cache)
    candidates = []
    for i in range(len(store)):
        instances = np.asarray(store.instances(i))
        pixels = np.bincount(instances.ravel(), minlength=len(store.items(i)) + 1)
        by_class: dict[str, list[int]] = {}
        for number, item in enumerate(store.items(i), start=1):
            by_class.setdefault(item.name, []).append(number)
        for class_name, numbers in by_class.items():
            area = float(pixels[numbers].sum() / instances.size)
            candidates.append(Candidate(f"{first + i:010d}", class_name, area, (i, tuple(numbers))))
    return build_split(
        name,
        FOODS,
        candidates,
        PlatesSource(store),
        content=[fingerprint(spec.plates), RENDERER_VERSION, first, count],
        min_area=spec.min_area,
        photos=len(store),
    )
