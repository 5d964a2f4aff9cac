"""The official archive's layout."""

import shutil

import numpy as np
import pytest
from PIL import Image
from small_data import save_palette, two_food_mask, write_pair

from rvernet_core.data import foodseg103
from rvernet_core.data.names import FOODSEG103
from rvernet_core.errors import DataError


def test_one_sample_per_photo_and_class(official, opened):
    data = opened("foodseg103", official)
    assert data.classes == FOODSEG103
    assert (len(data.train), len(data.test)) == (8, 4)
    sample = data.train.samples[0]
    assert (sample.key, sample.image_id, sample.label) == ("french fries/00000000", "00000000", 2)
    assert sample.area == pytest.approx(1 / 3, abs=0.02)
    for i, sample in enumerate(data.train.samples):
        photo, mask = data.train.photo(i), data.train.mask(i)
        assert photo.dtype == np.uint8
        assert mask.dtype == bool
        assert photo.shape[:2] == mask.shape
        assert mask.mean() == sample.area
        roi, extra_roi = data.train.cutouts(i)
        np.testing.assert_array_equal(roi + extra_roi, photo)


def test_the_report_counts_everything(official, opened):
    data = opened("foodseg103", official, min_area=0.33)
    report = data.train.report
    assert report.totals()["photos"] == 4
    assert report.totals()["samples"] + report.totals()["small"] == 8
    assert report.table().loc["all", "samples"] == len(data.train)
    assert report.samples["other ingredients"] == 0
    assert data.test.report.samples["other ingredients"] > 0


@pytest.mark.parametrize("shape", ["itself", "parent", "Images"])
def test_the_folder_is_found(official, opened, shape):
    root = {"itself": official, "parent": official.parent, "Images": official / "Images"}[shape]
    assert len(opened("foodseg103", root).train) == 8


def test_a_folder_that_is_no_foodseg103(tmp_path, opened):
    with pytest.raises(DataError, match="Images/img_dir"):
        opened("foodseg103", tmp_path)


def test_fault_20_palette_masks_give_indices(official, opened):
    masks = official / "Images/ann_dir/train"
    assert Image.open(masks / "00000000.png").mode == "P"
    data = opened("foodseg103", official)
    expected = two_food_mask(96, 64, 3, 5)
    np.testing.assert_array_equal(data.train.mask(0), expected == 3)
    np.testing.assert_array_equal(data.train.mask(1), expected == 5)


@pytest.mark.parametrize("turn", [6, 8])
def test_fault_21_exif_turns_the_photo_and_not_the_mask(official, opened, turn):
    upright = write_pair(official, "train", "00000077", size=(90, 60), turn=turn)
    stored = Image.open(official / "Images/img_dir/train/00000077.jpg")
    assert stored.size == (60, 90)
    data = opened("foodseg103", official)
    i = next(i for i, s in enumerate(data.train.samples) if s.image_id == "00000077")
    photo = data.train.photo(i)
    assert photo.shape == (60, 90, 3)
    assert np.abs(photo.astype(int) - np.asarray(upright)).mean() < 5
    np.testing.assert_array_equal(data.train.mask(i), two_food_mask(90, 60, 3, 5) == 3)


@pytest.mark.parametrize(("stem", "turn"), sorted(foodseg103.TURNED.items()))
def test_fault_21_the_four_known_photos_without_their_exif(official, opened, stem, turn):
    """A copy that lost its EXIF block still opens upright, because the mask's size tells."""
    upright = write_pair(official, "train", stem, size=(90, 60), turn=turn)
    path = official / f"Images/img_dir/train/{stem}.jpg"
    Image.open(path).save(path, quality=95, exif=b"")
    data = opened("foodseg103", official)
    i = next(i for i, s in enumerate(data.train.samples) if s.image_id == stem)
    assert np.abs(data.train.photo(i).astype(int) - np.asarray(upright)).mean() < 5


def test_fault_21_a_known_name_that_needs_no_turning(official, opened):
    write_pair(official, "train", "00000273", size=(90, 60))
    data = opened("foodseg103", official)
    i = next(i for i, s in enumerate(data.train.samples) if s.image_id == "00000273")
    assert data.train.photo(i).shape == (60, 90, 3)


def test_fault_22_another_size_is_an_error_that_names_the_file(official, opened):
    save_palette(two_food_mask(64, 96, 3, 5), official / "Images/ann_dir/train/00000000.png")
    with pytest.raises(DataError, match=r"00000000\.png: mask is 64 x 96, photo is 96 x 64"):
        opened("foodseg103", official)


@pytest.mark.parametrize("wrong", [104, 255])
def test_fault_23_a_foreign_id_is_an_error_or_ignored_by_name(official, opened, wrong):
    save_palette(two_food_mask(96, 64, 3, wrong), official / "Images/ann_dir/train/00000000.png")
    with pytest.raises(DataError, match=rf"00000000\.png holds class id {wrong}.*ignore_id"):
        opened("foodseg103", official)
    assert len(opened("foodseg103", official, ignore_id=wrong).train) == 7


def test_fault_24_a_mask_without_background_keeps_every_class(official, opened):
    mask = np.full((64, 96), 7, np.uint8)
    mask[:, :40] = 8
    save_palette(mask, official / "Images/ann_dir/train/00000000.png")
    data = opened("foodseg103", official)
    assert [s.label for s in data.train.samples if s.image_id == "00000000"] == [6, 7]
    assert sum(s.area for s in data.train.samples if s.image_id == "00000000") == pytest.approx(1)


def test_fault_25_a_few_pixels_are_left_out_and_counted(official, opened):
    mask = two_food_mask(96, 64, 3, 5)
    mask[0, :3] = 9
    save_palette(mask, official / "Images/ann_dir/train/00000000.png")
    data = opened("foodseg103", official)
    assert data.train.report.small["cheese butter"] == 1
    assert data.train.report.samples["cheese butter"] == 0
    assert opened("foodseg103", official, min_area=0.0).train.report.samples["cheese butter"] == 1


def test_fault_26_a_full_frame_roi_is_counted_and_its_extra_roi_black(official, opened):
    save_palette(np.full((64, 96), 3, np.uint8), official / "Images/ann_dir/train/00000000.png")
    data = opened("foodseg103", official)
    assert data.train.report.full_frame["french fries"] == 1
    assert data.train.cutouts(0)[1].max() == 0


@pytest.mark.parametrize("damage", ["truncated", "empty", "html", "mask", "no mask", "no photo", "listed"])
def test_fault_14_15_3_broken_files_are_left_out_with_a_count_or_raise_if_strict(official, opened, damage):
    photo, mask = (
        official / "Images/img_dir/train/00000001.jpg",
        official / "Images/ann_dir/train/00000001.png",
    )
    if damage == "truncated":
        photo.write_bytes(photo.read_bytes()[:-300])
    elif damage == "empty":
        photo.write_bytes(b"")
    elif damage == "html":
        photo.write_bytes(b"<!DOCTYPE html><html>503</html>")
    elif damage == "mask":
        mask.write_bytes(mask.read_bytes()[:60])
    elif damage == "no mask":
        mask.unlink()
    elif damage == "no photo":
        photo.unlink()
    else:
        photo.unlink()
        mask.unlink()
    data = opened("foodseg103", official)
    assert len(data.train) == 6
    assert data.train.report.totals()["broken"] == 1
    assert "00000001" in data.train.report.broken[0][1]
    with pytest.raises(DataError, match="00000001"):
        opened("foodseg103", official, strict=True)


def test_fault_47_the_scan_is_kept_and_follows_changes(official, opened, cache, monkeypatch):
    first = opened("foodseg103", official)
    assert len(list((cache / "index").glob("*.json"))) == 2
    monkeypatch.setattr("rvernet_core.data.masked._scan_masked_photo", None)  # a second scan would fail
    again = opened("foodseg103", official)
    assert again.train.samples == first.train.samples
    assert again.fingerprint == first.fingerprint
    monkeypatch.undo()
    save_palette(two_food_mask(96, 64, 3, 9), official / "Images/ann_dir/train/00000000.png")
    changed = opened("foodseg103", official)
    assert changed.train.samples != first.train.samples
    assert changed.train.fingerprint != first.train.fingerprint
    assert changed.test.fingerprint == first.test.fingerprint


def test_the_fingerprint_follows_content_and_not_the_place(official, opened, tmp_path):
    first = opened("foodseg103", official)
    moved = tmp_path / "elsewhere/other-name"
    shutil.copytree(official, moved)
    (moved / "Images/img_dir/train/00000000.jpg").touch()
    assert opened("foodseg103", moved).fingerprint == first.fingerprint


def test_category_id_is_read_strictly(tmp_path):
    path = tmp_path / "category_id.txt"
    path.write_text("0\tbackground\n1\t candy \n2\tegg  tart\n\n")
    assert foodseg103.read_classes(path) == ("candy", "egg tart")
    for text in ("1\tcandy\n3\tegg\n", "one\tcandy\n", "1\tcandy\n2\tcandy\n", ""):
        path.write_text(text)
        with pytest.raises(DataError, match="category_id"):
            foodseg103.read_classes(path)
    assert foodseg103.read_classes(tmp_path / "none.txt") == FOODSEG103
    assert len(FOODSEG103) == 103


@pytest.mark.parametrize("number", ["9" * 5000, "99999999999", "-1", "1.5", "1e3", "\u0661", "\uff11", "0x1"])
def test_fault_57_absurd_ids_are_refused(tmp_path, number):
    path = tmp_path / "category_id.txt"
    path.write_text(f"1\tcandy\n{number}\tegg\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"category_id\.txt, line 2: got .*; expected an id"):
        foodseg103.read_classes(path)


def test_fault_57_an_id_twice_does_not_overwrite_a_name(tmp_path):
    path = tmp_path / "category_id.txt"
    path.write_text("1\tcandy\n2\tegg\n1\trice\n")
    with pytest.raises(DataError, match=r"line 3: got '1\\trice'; expected an id that no other line has"):
        foodseg103.read_classes(path)


def test_fault_57_a_link_to_nowhere_is_no_missing_file(tmp_path):
    path = tmp_path / "category_id.txt"
    path.symlink_to(tmp_path / "nowhere")
    with pytest.raises(DataError, match="category_id"):
        foodseg103.read_classes(path)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_fault_57_lists_from_windows_are_read(official, opened, encoding):
    first = opened("foodseg103", official)
    for path in (official / "category_id.txt", official / "ImageSets/train.txt"):
        path.write_bytes(path.read_text().replace("\n", "\r\n").encode(encoding))
    again = opened("foodseg103", official)
    assert again.fingerprint == first.fingerprint
    assert not again.train.report.broken
    (official / "ImageSets/train.txt").write_bytes("crème".encode("latin-1"))
    with pytest.raises(DataError, match=r"train\.txt is not UTF-8"):
        opened("foodseg103", official)


def test_fault_25_a_photo_without_any_class_is_counted_and_named(official, opened):
    mask = official / "Images/ann_dir/train/00000000.png"
    save_palette(np.zeros((64, 96), np.uint8), mask)
    report = opened("foodseg103", official).train.report
    assert report.photos == 3
    assert report.broken == ((str(mask), f"{mask} holds background alone and no class"),)
