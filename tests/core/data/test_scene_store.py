"""Rendered once, kept whole: caching, the pool, interruption, races, space."""

import contextlib
import errno
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from damage import damage

from rvernet_core.data import plates as store
from rvernet_core.data.plates import scene_store
from rvernet_core.errors import ConfigError, DataError
from rvernet_core.sealed import is_intact
from rvernet_plates import PlatesSpec, render_scene

SPEC = PlatesSpec(size=64)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def small(cache):
    return scene_store(SPEC, range(5, 11), cache)


def test_a_store_holds_the_scenes(small):
    assert len(small) == 6
    assert small.seeds == range(5, 11)
    for i, seed in enumerate(small.seeds):
        scene = render_scene(SPEC, seed)
        assert np.array_equal(small.image(i), scene.image)
        assert np.array_equal(small.instances(i), scene.instances)
        assert small.items(i) == scene.items


def test_a_second_call_renders_nothing(small, cache, monkeypatch):
    monkeypatch.setattr(store, "render_scene", lambda *_: pytest.fail("rendered again"))
    again = scene_store(SPEC, range(5, 11), cache)
    assert again.fingerprint == small.fingerprint
    assert np.array_equal(again.image(2), small.image(2))


def test_the_name_depends_on_spec_seeds_and_renderer(small, cache, monkeypatch):
    names = {small.fingerprint, scene_store(SPEC, range(5, 12), cache).fingerprint}
    names.add(scene_store(PlatesSpec(size=64, ambiguity=0.5), range(5, 11), cache).fingerprint)
    monkeypatch.setattr(store, "RENDERER_VERSION", 10**6)
    names.add(scene_store(SPEC, range(5, 11), cache).fingerprint)
    assert len(names) == 4


def test_a_store_travels_to_another_process_as_a_path(small):
    packed = pickle.dumps(small)
    assert len(packed) < 500
    assert np.array_equal(pickle.loads(packed).image(1), small.image(1))


def test_images_can_be_changed_without_touching_the_store(small):
    before = small.image(0).copy()
    small.image(0)[:] = 0
    assert np.array_equal(small.image(0), before)


def test_a_pool_renders_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "_WORTH_A_POOL", 1)
    monkeypatch.setattr(store, "_CHUNK", 3)
    spread = scene_store(SPEC, range(8), tmp_path, workers=2, progress=False)
    for i in range(8):
        scene = render_scene(SPEC, i)
        assert np.array_equal(spread.image(i), scene.image)
        assert spread.items(i) == scene.items


def test_fault_05_killed_while_rendering_leaves_no_store(tmp_path):
    script = (
        "import sys; from pathlib import Path; from rvernet_core.config import PlatesSpec\n"
        "from rvernet_core.data.plates import scene_store\n"
        "scene_store(PlatesSpec(size=64), range(3000), Path(sys.argv[1]), workers=1)"
    )
    job = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)])
    assert wait_for(lambda: list(tmp_path.glob("plates/.*.staging/instances.npy")))
    os.kill(job.pid, signal.SIGKILL)
    job.wait()
    left = list((tmp_path / "plates").iterdir())
    assert left
    assert all(folder.name.endswith(".staging") for folder in left)
    assert len(scene_store(SPEC, range(2), tmp_path)) == 2


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads the list of processes from /proc")
def test_fault_05_workers_end_with_a_killed_parent(tmp_path):
    script = tmp_path / "render.py"
    script.write_text(
        "import sys; from pathlib import Path; from rvernet_core.config import PlatesSpec\n"
        "from rvernet_core.data.plates import scene_store\n"
        "if __name__ == '__main__':\n"
        "    scene_store(PlatesSpec(size=64), range(5000), Path(sys.argv[1]), workers=2)"
    )
    job = subprocess.Popen([sys.executable, str(script), str(tmp_path)])
    children = wait_for(
        lambda: _children(job.pid) if len(_children(job.pid)) >= 3 else None
    )  # and the tracker
    assert children
    os.kill(job.pid, signal.SIGKILL)
    job.wait()
    assert wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in children))


def _children(pid: int) -> list[int]:
    """Processes whose parent is `pid`."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(stat.parent.name))
    return found


def wait_for(condition, seconds: float = 60):
    """The first true value of `condition`, or its last value when the time is over."""
    deadline = time.monotonic() + seconds
    while not (value := condition()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return value


def test_fault_05_an_exception_while_rendering_leaves_nothing(tmp_path, monkeypatch):
    def broken(spec, seed):
        if seed == 3:
            raise KeyboardInterrupt
        return render_scene(spec, seed)

    monkeypatch.setattr(store, "render_scene", broken)
    with pytest.raises(KeyboardInterrupt):
        scene_store(SPEC, range(6), tmp_path)
    assert list((tmp_path / "plates").iterdir()) == []
    monkeypatch.undo()
    assert len(scene_store(SPEC, range(6), tmp_path)) == 6


def _fill(cache: str, barrier) -> None:
    barrier.wait()
    assert len(scene_store(SPEC, range(6), Path(cache), workers=1)) == 6


def test_fault_10_two_processes_fill_one_cache(tmp_path):
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(2)
    jobs = [context.Process(target=_fill, args=(str(tmp_path), barrier)) for _ in range(2)]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
    assert [job.exitcode for job in jobs] == [0, 0]
    folders = list((tmp_path / "plates").iterdir())
    assert len(folders) == 1
    assert is_intact(folders[0])


def test_fault_04_a_full_disk_is_told_beforehand(tmp_path):
    with pytest.raises(DataError, match=r"needs [\d,.]+ MiB"):
        scene_store(PlatesSpec(size=512), range(10**9), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_fault_41_a_disk_that_fills_up_while_scenes_are_stored(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(DataError, match=r"the disk is full \([\d.]+ MiB needed"):
        scene_store(SPEC, range(2), tmp_path)
    assert list((tmp_path / "plates").iterdir()) == []


@pytest.mark.parametrize("name", ["images.npy", "instances.npy", "scenes.json"])
def test_fault_66_damaged_scenes_are_rendered_again(tmp_path, name, caplog):
    first = scene_store(SPEC, range(2), tmp_path)
    photo = first.image(1)
    damage(first.folder / name)
    again = scene_store(SPEC, range(2), tmp_path)
    assert np.array_equal(again.image(1), photo)
    assert np.array_equal(again.image(1), render_scene(SPEC, 1).image)
    assert again.items(1) == render_scene(SPEC, 1).items
    assert f"({name} has another hash" in caplog.messages[0]


@pytest.mark.parametrize("seeds", [range(0), range(-1, 3)])
def test_bad_seeds(tmp_path, seeds):
    with pytest.raises(ConfigError, match="seeds"):
        scene_store(SPEC, seeds, tmp_path)
