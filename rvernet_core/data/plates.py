"""Rendered plates as a data set: every visible item of a scene is one sample.

Scenes are rendered once, in parallel, and kept on disk under the name of what determines them.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor, as_completed
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import open_memmap
from tqdm import tqdm

from rvernet_core.config import DataSpec, fingerprint
from rvernet_core.data.samples import Candidate, FoodSplit, MaskedSource, build_split
from rvernet_core.data.workers import cores, start_worker
from rvernet_core.errors import ConfigError, DataError
from rvernet_core.files import new_array
from rvernet_core.sealed import is_intact, sealed_folder
from rvernet_plates import FOODS, RENDERER_VERSION, PlatesError, PlatesSpec, SceneItem, render_scene
from rvernet_plates.spec import check

#: First scene seed of each split, so that a split grows without touching the other. `DataSpec.seed` is
#: added to it; the zoo was trained on scenes of other seeds, from ten million on.
TRAIN_SEEDS, TEST_SEEDS = 0, 2**30

_CHUNK = 16  # scenes a worker renders between two reports
_WORTH_A_POOL = 4 * _CHUNK  # fewer scenes are quicker in this process than starting others

log = logging.getLogger(__name__)


# --- the data set ----------------------------------------------------------------------------------


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


def splits_of_plates(root: Path | None, spec: DataSpec, cache: Path) -> dict[str, FoodSplit]:
    """Both splits, rendered or found in the cache; `root` has no meaning here."""
    return {name: _split(name, spec, cache) for name in ("train", "test")}


def _split(name: str, spec: DataSpec, cache: Path) -> FoodSplit:
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


# --- the scenes behind it --------------------------------------------------------------------------


class SceneStore:
    """Rendered scenes on disk, memory-mapped: opening is quick and memory does not grow with their number.

    Attributes:
        folder: where images.npy (N, S, S, 3), instances.npy (N, S, S), both uint8, and scenes.json lie. S is
            the photos' longer side; a photo fills the upper left of its place, the rest is 0.
        fingerprint: name of spec, seeds and renderer version.
        seeds: the seed of each scene.
    """

    def __init__(self, folder: Path):
        """Open a store that `scene_store` has found intact."""
        self.folder = Path(folder)
        facts = json.loads((self.folder / "scenes.json").read_text("utf-8"))
        self.fingerprint: str = facts["fingerprint"]
        self.seeds = range(*facts["seeds"])
        self._items = [tuple(SceneItem(**item) for item in scene) for scene in facts["items"]]
        self._shapes: list[tuple[int, int]] = [(height, width) for height, width in facts["shapes"]]
        self._images = np.load(self.folder / "images.npy", mmap_mode="r")
        self._instances = np.load(self.folder / "instances.npy", mmap_mode="r")

    def __len__(self) -> int:
        return len(self._items)

    def __reduce__(self) -> tuple:
        return SceneStore, (self.folder,)  # another process maps the files itself

    def image(self, i: int) -> np.ndarray:
        """The photo of scene `i`: uint8 (H, W, 3) RGB, as large as it was taken."""
        return np.array(self._images[i, *self._part(i)])

    def instances(self, i: int) -> np.ndarray:
        """Instance map of scene `i`: uint8 (H, W), 0 = no food, k = items(i)[k - 1]."""
        return np.array(self._instances[i, *self._part(i)])

    def _part(self, i: int) -> tuple[slice, slice]:
        height, width = self._shapes[i]
        return slice(0, height), slice(0, width)

    def items(self, i: int) -> tuple[SceneItem, ...]:
        """The foods of scene `i`, from below to above."""
        return self._items[i]


def scene_store(
    spec: PlatesSpec, seeds: range, cache: Path, workers: int | None = None, progress: bool | None = None
) -> SceneStore:
    """The scenes of `seeds`, rendered unless they lie in `cache`/plates/<fingerprint>/ already.

    Args:
        spec: the law of the scenes.
        seeds: their seeds, at least one and none below 0.
        cache: root of the cache.
        workers: processes; None: one per core that this process may use.
        progress: show a bar on stderr; None: only on a terminal.

    Two processes may fill the same cache at once; a killed one leaves nothing that is taken for
    a store, and a damaged store is rendered again. Raises ConfigError for a bad spec or range, DataError
    if the disk is full or read-only.
    """
    try:
        check(spec)
    except PlatesError as error:
        raise ConfigError(str(error)) from error
    if len(seeds) == 0 or min(seeds[0], seeds[-1]) < 0:
        raise ConfigError(f"seeds are {seeds!r}; expected a range of at least one seed, none below 0")
    name = fingerprint(spec, RENDERER_VERSION, [seeds.start, seeds.stop, seeds.step])
    folder = Path(cache) / "plates" / name
    if not is_intact(folder):
        with sealed_folder(folder, len(seeds) * (spec.size**2 * 4 + 600)) as staging:
            _render_all(spec, seeds, staging, name, workers, progress)
    return SceneStore(folder)


def _render_all(
    spec: PlatesSpec, seeds: range, folder: Path, name: str, workers: int | None, progress: bool | None
) -> None:
    shape = (len(seeds), spec.size, spec.size)
    for file, full in (("images.npy", (*shape, 3)), ("instances.npy", shape)):
        new_array(folder / file, np.uint8, full)
    items: list[list[dict]] = [[] for _ in seeds]
    shapes: list[tuple[int, int]] = [(0, 0) for _ in seeds]
    hidden = None if progress is None else not progress
    with tqdm(total=len(seeds), desc="rendering scenes", unit="scene", disable=hidden) as bar:
        for start, chunk in _chunks(spec, seeds, folder, cores() if workers is None else workers):
            for i, (shape, of_scene) in enumerate(chunk, start):
                shapes[i], items[i] = shape, of_scene
            bar.update(len(chunk))
    facts = {"fingerprint": name, "renderer": RENDERER_VERSION, "spec": asdict(spec)}
    facts |= {"seeds": [seeds.start, seeds.stop, seeds.step], "shapes": shapes, "items": items}
    (folder / "scenes.json").write_text(json.dumps(facts), "utf-8")
    log.info("rendered %d scenes into %s", len(seeds), folder)


def _chunks(spec: PlatesSpec, seeds: range, folder: Path, workers: int) -> Iterator[tuple[int, list]]:
    """Render all chunks, here or in a pool; yield (first index, [(shape, items)]) as they are finished."""
    jobs = [(spec, seeds[i : i + _CHUNK], i, folder) for i in range(0, len(seeds), _CHUNK)]
    if workers <= 1 or len(seeds) < _WORTH_A_POOL:
        for job in jobs:
            yield _render_chunk(*job)
        return
    # spawned, not forked: the caller may hold threads of torch or a notebook
    pool = ProcessPoolExecutor(min(workers, len(jobs)), get_context("spawn"), start_worker)
    try:
        for done in as_completed([pool.submit(_render_chunk, *job) for job in jobs]):
            yield done.result()
    except BrokenExecutor as error:
        raise DataError(
            f"a process that rendered scenes died ({error}); free some memory or use fewer workers. A script "
            "that renders in parallel must do so under `if __name__ == '__main__':`"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _render_chunk(spec: PlatesSpec, seeds: range, start: int, folder: Path) -> tuple[int, list[tuple]]:
    """Render some scenes straight into the store's files."""
    images, instances = (open_memmap(folder / f"{part}.npy", "r+") for part in ("images", "instances"))
    rendered = []
    for i, seed in enumerate(seeds, start):
        scene = render_scene(spec, seed)
        height, width = scene.instances.shape
        images[i, :height, :width], instances[i, :height, :width] = scene.image, scene.instances
        rendered.append(((height, width), [asdict(item) for item in scene.items]))
    images.flush()
    instances.flush()
    return start, rendered
