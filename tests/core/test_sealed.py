"""Sealed folders: opened as they were written, or set aside by name."""

import json
import logging
import os
import tempfile
from pathlib import Path

import pytest
from damage import HARMS, damage, read_only

from rvernet_core import files, sealed
from rvernet_core.errors import DataError
from rvernet_core.sealed import SEAL, is_intact, sealed_folder, set_aside


def write(folder, text="whole " * 100):
    with sealed_folder(folder) as staging:
        (staging / "deep").mkdir()
        (staging / "deep" / "a.txt").write_text(text)
        (staging / "b.txt").write_text(text)
    return folder


@pytest.fixture
def folder(tmp_path):
    return write(tmp_path / "cache" / "kept")


def test_a_sealed_folder_lists_the_hash_of_every_file(folder):
    assert is_intact(folder)
    assert json.loads((folder / SEAL).read_text()) == {
        name: files.sha256(folder / name) for name in ("b.txt", "deep/a.txt")
    }
    assert not is_intact(folder.with_name("another"))
    assert not is_intact(folder / "b.txt" / "below a file")


def test_it_is_hashed_once_and_again_when_a_file_changes(folder, monkeypatch):
    hashed = []
    real = files.sha256
    monkeypatch.setattr(files, "sha256", lambda path: hashed.append(path.name) or real(path))
    assert is_intact(folder)
    assert is_intact(folder)
    assert sorted(hashed) == ["a.txt", "b.txt"]
    os.utime(folder / "b.txt", (0, 0))
    assert is_intact(folder)
    assert len(hashed) == 3


@pytest.mark.parametrize("harm", HARMS)
@pytest.mark.parametrize("name", ["deep/a.txt", SEAL])
def test_fault_66_a_damaged_file_is_named_and_its_folder_set_aside(folder, name, harm, caplog):
    assert is_intact(folder)
    damage(folder / name, harm)
    with caplog.at_level(logging.WARNING):
        assert not is_intact(folder)
    (warning,) = caplog.messages
    assert warning.startswith(str(folder))
    assert "set aside as kept.damaged, to be made again" in warning
    assert not folder.exists()
    write(folder)
    assert is_intact(folder)
    damage(folder / name, harm)
    assert not is_intact(folder)  # an earlier folder that was set aside gives way
    assert [p.name for p in folder.parent.iterdir()] == ["kept.damaged"]


@pytest.mark.parametrize("seal", ["{}", "[1]", '{"b.txt": 1}', '"b.txt"', "\xff"])
def test_fault_66_a_seal_without_hashes_seals_nothing(folder, seal):
    (folder / SEAL).write_bytes(seal.encode("latin-1"))
    assert not is_intact(folder)


def test_fault_66_a_file_in_place_of_a_folder(tmp_path):
    (tmp_path / "file").write_text("no folder")
    assert not is_intact(tmp_path / "file")
    assert (tmp_path / "file.damaged").is_file()


def test_fault_66_a_pipe_in_place_of_a_file_is_never_waited_for(folder, monkeypatch):
    (folder / "b.txt").unlink()
    os.mkfifo(folder / "b.txt")
    monkeypatch.setattr(files, "sha256", lambda path: pytest.fail("this would wait for ever"))
    assert not is_intact(folder)


def test_fault_10_a_folder_that_another_process_made_again_meanwhile_is_left_alone(folder, monkeypatch):
    """Both find the damage; the slower one must not set aside what the quicker one has made."""
    damage(folder / "b.txt")
    real = sealed._damage

    def slow(path):
        found = real(path)
        if found and not path.with_name("kept.damaged").exists():
            set_aside(path, found)
            write(path, "made again")
        return found

    monkeypatch.setattr(sealed, "_damage", slow)
    assert is_intact(folder)
    assert (folder / "b.txt").read_text() == "made again"
    set_aside(folder.with_name("gone"), "was taken by another process")


def test_fault_37_a_read_only_cache_is_read_and_its_damage_told():
    with tempfile.TemporaryDirectory() as name:
        kept, harmed = write(Path(name, "kept")), write(Path(name, "harmed"))
        damage(harmed / "b.txt")
        with read_only(Path(name)):
            assert is_intact(kept)
            with pytest.raises(DataError, match=r"harmed is damaged.*cannot be set aside.*RVERNET_CACHE"):
                is_intact(harmed)
            with pytest.raises(DataError, match=r"cannot write .*new \(Permission denied\).*RVERNET_CACHE"):
                write(Path(name, "new"))


def test_fault_37_a_cache_below_a_closed_folder_is_one_clear_error():
    with tempfile.TemporaryDirectory() as name:
        kept = write(Path(name, "kept"))
        with read_only(Path(name), mode=0o000):
            with pytest.raises(DataError, match=r"cannot read .*kept \(Permission denied\); make"):
                is_intact(kept)
            with pytest.raises(DataError, match=r"cannot write .*RVERNET_CACHE"):
                write(kept.with_name("new") / "below")
            with pytest.raises(DataError, match="needs 1,048,576"):
                files.check_space(kept, 2**40)


def test_fault_37_a_file_that_may_not_be_read_is_an_error_and_not_a_damage(folder, monkeypatch):
    def refused(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(files, "sha256", refused)
    with pytest.raises(DataError, match=r"cannot read .*txt \(Permission denied\); make it readable"):
        is_intact(folder)
