"""Writes are whole or absent: staging, renaming, racing, sweeping, space."""

import hashlib
import json
import multiprocessing
import os
import subprocess
import sys

import pytest

from rvernet_core import files
from rvernet_core.errors import DataError


def test_atomic_folder_appears_whole(tmp_path):
    goal = tmp_path / "cache" / "goal"
    with files.atomic_folder(goal) as staging:
        (staging / "a.txt").write_text("a")
        assert not goal.exists()
        assert staging.parent == goal.parent
    assert [p.name for p in goal.iterdir()] == ["a.txt"]
    assert [p.name for p in goal.parent.iterdir()] == ["goal"]


def test_an_exception_leaves_nothing(tmp_path):
    def half_way():
        with files.atomic_folder(tmp_path / "goal") as staging:
            (staging / "half").write_text("half")
            raise RuntimeError("half-way")

    with pytest.raises(RuntimeError, match="half-way"):
        half_way()
    assert list(tmp_path.iterdir()) == []


def test_the_first_to_finish_wins(tmp_path):
    goal = tmp_path / "goal"
    with files.atomic_folder(goal) as slow:
        (slow / "who").write_text("slow")
        with files.atomic_folder(goal) as quick:
            (quick / "who").write_text("quick")
    assert (goal / "who").read_text() == "quick"
    assert [p.name for p in tmp_path.iterdir()] == ["goal"]


def test_fault_05_a_killed_process_is_swept(tmp_path):
    goal = tmp_path / "goal"
    script = (
        "import os, sys; from rvernet_core.files import atomic_folder\n"
        "with atomic_folder(sys.argv[1]) as s:\n    (s / 'half').write_text('half'); os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", script, str(goal)], check=False).returncode == 9
    assert not goal.exists()
    assert len(list(tmp_path.iterdir())) == 1  # the dead process's staging folder
    with files.atomic_folder(goal) as staging:
        (staging / "whole").write_text("whole")
    assert [p.name for p in tmp_path.iterdir()] == ["goal"]
    assert (goal / "whole").exists()


def _fill(path, value, barrier):
    barrier.wait()
    with files.atomic_folder(path) as staging:
        for name in range(20):
            (staging / str(name)).write_text(str(value))


def test_fault_10_fault_11_two_processes_one_winner_without_locks(tmp_path):
    context = multiprocessing.get_context("fork" if os.name == "posix" else "spawn")
    barrier = context.Barrier(2)
    jobs = [context.Process(target=_fill, args=(tmp_path / "goal", k, barrier)) for k in range(2)]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
    assert [job.exitcode for job in jobs] == [0, 0]
    assert len({p.read_text() for p in (tmp_path / "goal").iterdir()}) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["goal"]


def test_write_replaces_in_one_step(tmp_path):
    path = tmp_path / "new" / "x.json"
    assert files.write_json(path, {"ä": [1, 2]}) == path
    files.write_json(path, {"ä": [3]})
    assert json.loads(path.read_text("utf-8")) == {"ä": [3]}
    assert files.write_text(path, "a\nb").read_bytes() == b"a\nb"
    assert [p.name for p in path.parent.iterdir()] == ["x.json"]
    with pytest.raises(ValueError, match="JSON"):
        files.write_json(path, float("nan"))
    assert path.read_text() == "a\nb"


def test_an_atomic_file_replaces_at_the_end_or_not_at_all(tmp_path):
    path = files.write_text(tmp_path / "x", "old")

    def half_way():
        with files.atomic_file(path) as temporary:
            temporary.write_text("half")
            raise RuntimeError("half-way")

    with pytest.raises(RuntimeError, match="half-way"):
        half_way()
    assert path.read_text() == "old"
    with files.atomic_file(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert [p.name for p in tmp_path.iterdir()] == ["x"]


def test_fault_43_a_killed_writers_temporary_file_is_removed_and_a_live_ones_is_not(tmp_path):
    dead, live = tmp_path / ".x.host,1,aa.tmp", tmp_path / ".x.host,2,bb.tmp"
    for temporary in (dead, live):
        temporary.write_text("half")
    os.utime(dead, (0, 0))
    files.write_text(tmp_path / "x", "whole")
    assert sorted(p.name for p in tmp_path.iterdir()) == [live.name, "x"]


def test_sha256(tmp_path):
    path = files.write_bytes(tmp_path / "x", b"abc" * 100_000)
    assert files.sha256(path) == hashlib.sha256(b"abc" * 100_000).hexdigest()


def test_fault_04_space_is_checked_and_the_old_file_stays(tmp_path, monkeypatch):
    path = files.write_text(tmp_path / "x", "old")
    with pytest.raises(DataError, match=r"needs 1,048,576\.0 MiB.*RVERNET_CACHE"):
        files.check_space(tmp_path / "not" / "there", 2**40)

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(DataError, match="disk is full"):
        files.write_text(path, "new")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["x"]


def test_fault_37_read_only_place_is_one_clear_error(tmp_path):
    (tmp_path / "file").write_text("not a folder")  # cannot be written into, not even by root
    with pytest.raises(DataError, match="RVERNET_CACHE"):
        files.write_text(tmp_path / "file" / "x", "text")
    with pytest.raises(DataError, match="RVERNET_CACHE"), files.atomic_folder(tmp_path / "file" / "y"):
        pass
