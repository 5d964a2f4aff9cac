"""Writes are whole or absent: staging, renaming, racing, sweeping, space."""

import errno
import hashlib
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from damage import read_only

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


def test_fault_11_two_writers_of_one_process_without_locks(tmp_path):
    goal = tmp_path / "goal"
    with files.atomic_folder(goal) as slow:
        (slow / "who").write_text("slow")
        with files.atomic_folder(goal) as quick:
            (quick / "who").write_text("quick")
    assert (goal / "who").read_text() == "quick"
    assert [p.name for p in tmp_path.iterdir()] == ["goal"]


def test_fault_05_a_killed_process_is_swept(tmp_path):
    left = left_by("atomic_folder", tmp_path)
    assert left.name.startswith(".goal.")
    with files.atomic_folder(tmp_path / "goal") as staging:
        (staging / "whole").write_text("whole")
    assert [p.name for p in tmp_path.iterdir()] == ["goal"]
    assert [p.name for p in (tmp_path / "goal").iterdir()] == ["whole"]


def _fill(path, value, barrier):
    barrier.wait()
    with files.atomic_folder(path) as staging:
        for name in range(20):
            (staging / str(name)).write_text(str(value))


def test_fault_10_two_processes_one_winner_without_locks(tmp_path):
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


def left_by(writer, place):
    """Let a process begin to write `place`/goal in the manner of `writer` and be killed; what it leaves."""
    script = (
        "import os, sys; from rvernet_core import files\n"
        f"with files.{writer}(sys.argv[1]) as temporary:\n"
        "    path = temporary / 'half' if temporary.is_dir() else temporary\n"
        "    path.write_text('half'); os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", script, str(place / "goal")], check=False).returncode == -9
    (left,) = place.iterdir()
    return left


@pytest.mark.parametrize("writer", ["atomic_folder", "atomic_file"])
def test_fault_43_what_a_killed_writer_left_is_swept_by_the_next_write_into_its_folder(tmp_path, writer):
    left_by(writer, tmp_path)
    files.write_text(tmp_path / "another", "whole")
    assert [p.name for p in tmp_path.iterdir()] == ["another"]


def test_fault_43_nothing_else_is_swept(tmp_path):
    names = [".hidden", ".x.tmp", "x.1a2b3c4d,1,1a2b3c4d.tmp", ".x.1a2b3c4d,,1a2b3c4d.tmp", ".x.1,1,1.txt"]
    for name in names:
        os.utime(files.write_text(tmp_path / name, "mine"), (0, 0))
    files.write_text(tmp_path / "another", "whole")
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([*names, "another"])


@pytest.fixture
def elsewhere(monkeypatch):
    """From now on this process sees what one in a second container sees, which has the same host name."""
    monkeypatch.setattr(files.os, "readlink", lambda path: "pid:[4026539999]")
    monkeypatch.setattr(files, "process_table", files.process_table.__wrapped__)


@pytest.mark.parametrize("writer", ["atomic_folder", "atomic_file"])
def test_fault_44_a_writer_of_anotherprocess_table_is_dead_after_a_day(tmp_path, writer, elsewhere):
    """Its number is no process here, and yet it may live."""
    left = left_by(writer, tmp_path)
    files.write_text(tmp_path / "another", "whole")
    assert left.exists()
    for path in (*left.rglob("*"), left):
        os.utime(path, (0, 0))
    files.write_text(tmp_path / "another", "whole")
    assert not left.exists()


def test_fault_44_a_folder_lives_while_a_file_in_it_is_written(tmp_path, elsewhere):
    left = left_by("atomic_folder", tmp_path)
    os.utime(left, (0, 0))
    files.write_text(tmp_path / "another", "whole")
    assert (left / "half").exists()


def test_fault_44_without_proc_no_process_is_taken_for_dead(tmp_path, monkeypatch):
    left = left_by("atomic_file", tmp_path)
    monkeypatch.setattr(files.os, "readlink", lambda path: (_ for _ in ()).throw(OSError()))
    monkeypatch.setattr(files, "process_table", files.process_table.__wrapped__)
    files.write_text(tmp_path / "another", "whole")
    assert left.exists()


def test_fault_42_a_folder_is_removed_in_one_step(tmp_path, monkeypatch):
    """Killed while it deletes: the folder is gone as a whole, and the rest is swept by the next write."""
    folder = tmp_path / "old"
    for name in "abc":
        files.write_text(folder / name, name)

    def killed(path):
        (path / "a").unlink()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(files, "_discard", killed)
        with pytest.raises(KeyboardInterrupt):
            files.remove(folder)
    assert not folder.exists()
    (left,) = tmp_path.iterdir()
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    left.rename(left.with_name(left.name.replace(f",{os.getpid()},", f",{dead.pid},")))
    files.write_text(tmp_path / "new", "new")
    assert [p.name for p in tmp_path.iterdir()] == ["new"]
    files.remove(tmp_path / "new")
    files.remove(tmp_path / "never there")
    assert list(tmp_path.iterdir()) == []


def test_fault_11_readers_see_the_old_file_until_the_new_one_is_whole(tmp_path):
    path = files.write_text(tmp_path / "x", "old")
    with files.atomic_file(path) as slow:
        slow.write_text("slow")
        assert path.read_text() == "old"
        with files.atomic_file(path) as quick:
            quick.write_text("quick")
        assert path.read_text() == "quick"
    assert path.read_text() == "slow"


def test_sha256(tmp_path):
    path = files.write_bytes(tmp_path / "x", b"abc" * 100_000)
    assert files.sha256(path) == hashlib.sha256(b"abc" * 100_000).hexdigest()


def full(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_fault_04_space_is_checked_and_the_old_file_stays(tmp_path, monkeypatch):
    path = files.write_text(tmp_path / "x", "old")
    with pytest.raises(DataError, match=r"needs 1,048,576\.0 MiB.*RVERNET_CACHE"):
        files.check_space(tmp_path / "not" / "there", 2**40)
    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(DataError, match=r"x: the disk is full.*what was there before is kept"):
        files.write_text(path, "new")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["x"]


@pytest.mark.parametrize("writer", [files.atomic_folder, files.atomic_file])
def test_fault_41_a_full_disk_is_told_beforehand_and_while_it_is_written(tmp_path, writer):
    """Whatever a block writes, and with whatever library: the error is ours, and nothing is left."""
    with pytest.raises(DataError, match=r"goal: needs 1,048,576\.0 MiB"), writer(tmp_path / "goal", 2**40):
        pytest.fail("not even begun")

    def half_way():
        with writer(tmp_path / "goal", 2**19) as temporary:
            (temporary / "half" if temporary.is_dir() else temporary).write_text("half")
            full()

    with pytest.raises(DataError, match=r"goal: the disk is full \(0\.5 MiB needed, [\d,.]+ MiB free\)"):
        half_way()
    assert list(tmp_path.iterdir()) == []


def test_fault_41_the_space_of_an_array_is_taken_before_it_is_written(tmp_path):
    """Otherwise the disk could fill up under the mapped pages, which ends the process."""
    array = files.new_array(tmp_path / "a.npy", np.uint8, (3, 2**20))
    assert (tmp_path / "a.npy").stat().st_blocks * 512 >= array.nbytes
    array[1] = 7
    array.flush()
    assert (np.load(tmp_path / "a.npy") == [[0], [7], [0]]).all()


def test_errors_that_are_not_of_writing_pass(tmp_path):
    with pytest.raises(FileNotFoundError), files.atomic_folder(tmp_path / "goal"):
        (tmp_path / "a photo").read_bytes()
    assert list(tmp_path.iterdir()) == []


def test_fault_37_read_only_place_is_one_clear_error(tmp_path):
    (tmp_path / "file").write_text("not a folder")  # cannot be written into, not even by root
    with pytest.raises(DataError, match="RVERNET_CACHE"):
        files.write_text(tmp_path / "file" / "x", "text")
    with pytest.raises(DataError, match="RVERNET_CACHE"), files.atomic_folder(tmp_path / "file" / "y"):
        pass


def test_fault_37_a_folder_that_exists_and_cannot_be_written():
    with tempfile.TemporaryDirectory() as name, read_only(Path(name)):
        expected = rf"cannot write {name}/x \(Permission denied\); make {name} writable"
        with pytest.raises(DataError, match=expected):
            files.write_text(Path(name, "x"), "text")
        with pytest.raises(DataError, match=expected), files.atomic_folder(Path(name, "x")):
            pytest.fail("not even begun")
        with pytest.raises(DataError, match=r"cannot write .*RVERNET_CACHE"):
            files.make_folder(Path(name, "below"))
