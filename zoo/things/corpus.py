"""Many pictures of things on disk, rendered once, in parallel, under the name of what determines them.

images, labels = thing_corpus(60_000, first_seed=0, cache=cache)    # memory-mapped uint8, int16
"""

from __future__ import annotations

import logging
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap
from tqdm import tqdm

from rvernet_core.config import fingerprint
from rvernet_core.data.workers import cores, start_worker
from rvernet_core.errors import ConfigError, DataError
from rvernet_core.files import new_array
from rvernet_core.sealed import is_intact, sealed_folder
from zoo.things.picture import render_thing
from zoo.things.table import CATEGORIES

THINGS_VERSION = 1  # raised whenever any pixel or any category changes; part of a corpus's fingerprint
_CHUNK = 128  # pictures a worker renders between two reports
_WORTH_A_POOL = 4 * _CHUNK  # fewer pictures are quicker in this process than starting others

log = logging.getLogger(__name__)


def thing_corpus(
    count: int,
    first_seed: int,
    cache: Path,
    size: int = 112,
    progress: bool | None = None,
    workers: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 (count, size, size, 3) RGB, memory-mapped, and their labels int16 (count,).

    Picture i is `render_thing(labels[i], first_seed + i, size)`; see `thing_labels`. Rendered unless they
    lie in `cache`/things/<fingerprint>/ already.

    Args:
        count: pictures, at least 1.
        first_seed: 0 or above; corpora whose seeds do not meet share no picture.
        cache: root of the cache.
        size: side of a picture in pixels.
        progress: show a bar on stderr; None: only on a terminal.
        workers: processes; None: one per core that this process may use.

    Two processes may fill the same cache at once; a killed one leaves nothing that is taken for a
    corpus. Raises ConfigError for a bad count, seed or size, DataError if the disk is full or read-only.
    """
    if count < 1 or first_seed < 0 or size < 16:
        raise ConfigError(
            f"{count} pictures of {size} px from seed {first_seed}; expected at least one picture, "
            "at least 16 px and a seed of 0 or above"
        )
    name = fingerprint("things", THINGS_VERSION, len(CATEGORIES), count, first_seed, size)
    folder = Path(cache) / "things" / name
    if not is_intact(folder):
        with sealed_folder(folder, count * (size * size * 3 + 2)) as staging:
            _render_all(count, first_seed, size, staging, progress, cores() if workers is None else workers)
    return np.load(folder / "images.npy", mmap_mode="r"), np.load(folder / "labels.npy")


def thing_labels(count: int, first_seed: int) -> np.ndarray:
    """Labels int16 (count,) in a random order; the numbers of any two categories differ by one at most."""
    return (np.random.default_rng(first_seed).permutation(count) % len(CATEGORIES)).astype(np.int16)


def _render_all(
    count: int, first_seed: int, size: int, folder: Path, progress: bool | None, workers: int
) -> None:
    labels = thing_labels(count, first_seed)
    np.save(folder / "labels.npy", labels)
    new_array(folder / "images.npy", np.uint8, (count, size, size, 3))
    jobs = [(labels[i : i + _CHUNK], i, first_seed + i, size, folder) for i in range(0, count, _CHUNK)]
    hidden = None if progress is None else not progress
    with tqdm(total=count, desc="rendering things", unit="picture", disable=hidden) as bar:
        if workers <= 1 or count < _WORTH_A_POOL:
            for job in jobs:
                bar.update(_render_chunk(*job))
            return
        # spawned, not forked: the caller may hold threads of torch or a notebook
        pool = ProcessPoolExecutor(min(workers, len(jobs)), get_context("spawn"), start_worker)
        try:
            for done in as_completed([pool.submit(_render_chunk, *job) for job in jobs]):
                bar.update(done.result())
        except BrokenExecutor as error:
            raise DataError(
                f"a process that rendered things died ({error}); free some memory or use fewer workers. A "
                "script that renders in parallel must do so under `if __name__ == '__main__':`"
            ) from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
    log.info("rendered %d pictures of things into %s", count, folder)


def _render_chunk(labels: np.ndarray, start: int, seed: int, size: int, folder: Path) -> int:
    """Render some pictures straight into the corpus's file; returns how many."""
    images = open_memmap(folder / "images.npy", "r+")
    for k, label in enumerate(labels.tolist()):
        images[start + k] = render_thing(label, seed + k, size)
    images.flush()
    return len(labels)
