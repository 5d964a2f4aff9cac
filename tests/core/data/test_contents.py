"""A data set is named by what its files hold, and a file is hashed once."""

import os
import shutil
from types import SimpleNamespace

import pytest
from PIL import Image
from small_data import noise_photo, replace_photo

from rvernet_core.data import contents, export
from rvernet_core.data.contents import content_hashes, recall
from rvernet_core.data.names import FOODSEG103
from rvernet_core.files import sha256


@pytest.fixture
def photos(tmp_path):
    paths = [tmp_path / "photos" / f"{name}.jpg" for name in ("a", "b", "c")]
    paths[0].parent.mkdir()
    for seed, path in enumerate(paths):
        noise_photo(40, 30, seed).save(path, quality=95)
    return paths


@pytest.fixture
def hashed(monkeypatch):
    """The names of the files that are hashed, in the order in which they are."""
    names = []

    def counting(path):
        names.append(os.path.basename(path))
        return sha256(path)

    monkeypatch.setattr(contents.files, "sha256", counting)
    monkeypatch.setattr(contents, "_SETTLED", 0)
    return names


def test_a_file_is_hashed_once_until_it_changes(photos, cache, hashed):
    first = content_hashes(photos, cache, "hashing")
    assert first == [sha256(path) for path in photos]
    assert content_hashes(photos, cache, "hashing") == first
    assert sorted(hashed) == ["a.jpg", "b.jpg", "c.jpg"]
    assert content_hashes(photos[:2], cache, "hashing") == first[:2]
    assert len(hashed) == 3
    assert len(list((cache / "index").iterdir())) == 1


def test_fault_47_a_file_replaced_by_one_of_equal_size_and_time_is_hashed_again(photos, cache, hashed):
    first = content_hashes(photos, cache, "hashing")
    replace_photo(photos[1])
    second = content_hashes(photos, cache, "hashing")
    assert [a == b for a, b in zip(first, second, strict=True)] == [True, False, True]
    other = photos[0].with_name("other")
    shutil.copy2(photos[2], other)
    os.replace(other, photos[2])  # the same bytes and times in another inode
    assert content_hashes(photos, cache, "hashing") == second
    assert hashed[3:] == ["b.jpg", "c.jpg"]


@pytest.mark.parametrize("changed", ["st_size", "st_mtime_ns", "st_ctime_ns", "st_ino"])
def test_fault_47_each_of_these_tells_another_file(changed, monkeypatch):
    stat = dict.fromkeys(["st_size", "st_mtime_ns", "st_ctime_ns", "st_ino"], 1)
    states = []
    for found in (stat, stat | {changed: 2}):
        monkeypatch.setattr(contents.os, "stat", lambda place, found=found: SimpleNamespace(**found))
        states.append(contents._state("photo.jpg"))
    monkeypatch.undo()
    assert states[0] != states[1]


def test_fault_47_a_file_that_may_still_be_written_to_is_not_remembered(photos, cache, hashed, monkeypatch):
    monkeypatch.setattr(contents, "_SETTLED", 3600 * 10**9)
    for _ in range(2):
        content_hashes(photos, cache, "hashing")
    assert len(hashed) == 6


def test_fault_47_an_edited_or_damaged_list_of_hashes_is_not_used(photos, cache, hashed):
    first = content_hashes(photos, cache, "hashing")
    (note,) = (cache / "index").iterdir()
    text = note.read_text()
    for wrong in (text.replace(first[0], "0" * 64), text[:-9], "", "{}", text.replace("\n", " ")):
        note.write_text(wrong)
        assert recall(note) is None
        assert content_hashes(photos, cache, "hashing") == first
        assert recall(note)
    assert len(hashed) == 18


def test_a_file_that_cannot_be_read_has_no_hash(photos, cache, hashed, monkeypatch):
    first = content_hashes(photos, cache, "hashing")
    photos[0].unlink()
    assert content_hashes(photos, cache, "hashing") == ["", *first[1:]]
    photos[1].touch()

    def refused(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(contents.files, "sha256", refused)
    assert content_hashes(photos, cache, "hashing") == ["", "", first[2]]


# --- every reader -----------------------------------------------------------------------------------


@pytest.fixture
def folder(official, tmp_path):
    """The official fixture as photos and masks of one's own."""
    root = tmp_path / "folder"
    for split in ("train", "test"):
        shutil.copytree(official / "Images/img_dir" / split, root / split / "images")
        shutil.copytree(official / "Images/ann_dir" / split, root / split / "masks")
    (root / "classes.txt").write_text("\n".join(FOODSEG103))
    return root


@pytest.fixture
def release(official, tmp_path, opened):
    return export.write_release(opened("foodseg103", official), tmp_path / "release")


def photos_of(root):
    return sorted(path for path in root.rglob("*.jpg") if "test" not in path.parts)


@pytest.mark.parametrize("name", ["foodseg103", "folder", "release"])
def test_fault_47_replaced_photos_are_another_data_set(name, request, opened):
    root = request.getfixturevalue({"foodseg103": "official"}.get(name, name))
    first = opened(name, root)
    replace_photo(photos_of(root)[-1])
    second = opened(name, root)
    assert second.train.fingerprint != first.train.fingerprint
    assert second.test.fingerprint == first.test.fingerprint
    assert second.fingerprint != first.fingerprint


def test_fault_47_replaced_photos_of_an_extra_class_are_another_data_set(official, folder, opened):
    opened_so = lambda: opened("foodseg103", official, extra_classes=(f"ketchup={folder}",))  # noqa: E731
    first = opened_so()
    replace_photo(photos_of(folder)[0])
    assert opened_so().fingerprint != first.fingerprint


@pytest.mark.parametrize(("branch", "other"), [("roi", "extra-roi"), ("extra-roi", "roi")])
def test_fault_47_replaced_cutouts_are_another_data_set_even_where_the_roi_stays(
    release, opened, branch, other
):
    """One cut-out is black, so the ROI is the whole photo or nothing of it, whatever the other one shows."""
    path = next(path for path in photos_of(release) if branch in path.parts)
    with Image.open(path) as picture:
        noise_photo(*picture.size).save(path, quality=95)
        Image.new("RGB", picture.size).save(release / "train" / other / path.parent.name / path.name)
    first = opened("release", release)
    replace_photo(path)
    second = opened("release", release)
    assert second.train.samples == first.train.samples
    assert second.train.fingerprint != first.train.fingerprint


@pytest.mark.parametrize("what", ["parquet", "names"])
def test_fault_47_a_replaced_mirror_is_unpacked_again(mirror, opened, what):
    names = mirror / "id2label.json"
    names.write_text('{"0": "background", ' + ", ".join(f'"{i}": "food {i:03}"' for i in range(1, 104)) + "}")
    first = opened("foodseg103-hub", mirror)
    path = next(mirror.rglob("train*.parquet")) if what == "parquet" else names
    before = path.stat()
    old, new = (b"JFIF", b"JFIG") if what == "parquet" else (b"food 007", b"food 107")
    with open(path, "r+b") as file:
        content = file.read()
        file.seek(0)
        file.write(content.replace(old, new))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    second = opened("foodseg103-hub", mirror)
    assert second.train.fingerprint != first.train.fingerprint
