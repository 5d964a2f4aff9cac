"""Finished cut-outs in the released layout."""

import os
import re

import numpy as np
import pytest
from PIL import Image
from released_code import LABELS, pairs
from small_data import noise_photo

from rvernet_core.data.cutouts import cut
from rvernet_core.data.names import (
    FOODSEG103,
    RELEASED,
    class_name_of,
    folder_name,
    label_order,
    released_folder,
)
from rvernet_core.data.release import class_names
from rvernet_core.errors import DataError
from rvernet_core.runs import test_metrics as metrics_of


def write(root, split, folder, stem, seed=0, share=0.5):
    photo = np.asarray(noise_photo(60, 40, seed))
    mask = np.zeros((40, 60), bool)
    mask[:, : round(60 * share)] = True
    for branch, picture in zip(("roi", "extra-roi"), cut(photo, mask), strict=True):
        path = root / split / branch / folder / f"{stem}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(path, quality=95)
    return photo, mask


@pytest.fixture
def release(tmp_path):
    root = tmp_path / "release"
    for split in ("train", "test"):
        write(root, split, "ketchup", "00000001", seed=1)
        write(root, split, "egg", "00000001", seed=2)
        write(root, split, "candy", "00000002", seed=3)
    return root


def test_stored_pictures_are_given_unchanged(release, opened):
    data = opened("release", release)
    assert data.classes == ("candy", "egg", "ketchup")
    for i, sample in enumerate(data.train.samples):
        for branch, got in zip(("roi", "extra-roi"), data.train.cutouts(i), strict=True):
            path = release / "train" / branch / sample.class_name / f"{sample.image_id}.jpg"
            np.testing.assert_array_equal(got, np.asarray(Image.open(path)))


def test_photo_and_mask_are_estimated(release, opened):
    photo, mask = write(release, "train", "rice", "00000009", seed=5, share=0.3)
    data = opened("release", release)
    i = [s.class_name for s in data.train.samples].index("rice")
    assert (data.train.mask(i) == mask).mean() > 0.97
    assert np.abs(data.train.photo(i).astype(int) - photo).mean() < 6
    assert data.train.samples[i].area == pytest.approx(0.3, abs=0.03)
    assert data.test.report.samples["rice"] == 0


def test_fault_26_a_black_extra_roi(release, opened):
    write(release, "train", "egg", "00000007", share=1)
    dark = np.array(Image.open(release / "train/roi/egg/00000007.jpg"))
    dark[10:20, 10:20] = 0
    Image.fromarray(dark).save(release / "train/roi/egg/00000007.jpg", quality=95)
    data = opened("release", release)
    assert data.train.report.full_frame["egg"] == 1


def test_fault_28_one_file_name_under_two_classes(release, opened):
    split = opened("release", release).train
    same = [i for i, s in enumerate(split.samples) if s.image_id == "00000001"]
    assert [split.samples[i].key for i in same] == ["egg/00000001", "ketchup/00000001"]
    assert [split.samples[i].label for i in same] == [1, 2]
    assert (split.cutouts(same[0])[0] != split.cutouts(same[1])[0]).any()
    for i in same:  # the partner comes from its own category
        roi, extra_roi = split.cutouts(i)
        assert (
            np.abs(
                (roi.astype(int) + extra_roi) - np.asarray(noise_photo(60, 40, seed=3 - split.labels[i]))
            ).mean()
            < 6
        )


@pytest.mark.parametrize("branch", ["roi", "extra-roi"])
def test_fault_28_a_missing_partner_is_counted_and_named(release, opened, branch):
    """Never replaced by a picture of its name in another category."""
    (release / "train" / branch / "egg" / "00000001.jpg").unlink()
    named = rf"no partner: .*train/{branch}/egg/00000001\.jpg is missing"
    train = opened("release", release).train
    assert train.report.samples == {"candy": 1, "egg": 0, "ketchup": 1}
    assert len(train.report.broken) == 1
    assert re.search(named, train.report.broken[0][1])
    with pytest.raises(DataError, match=named + r".*strict"):
        opened("release", release, strict=True)


def test_fault_22_partners_of_different_size(release, opened):
    noise_photo(59, 40).save(release / "test/roi/egg/00000001.jpg")
    with pytest.raises(DataError, match=r"59 x 40.*60 x 40"):
        opened("release", release)


def test_fault_14_broken_pairs_are_counted(release, opened):
    path = release / "train/roi/egg/00000001.jpg"
    path.write_bytes(path.read_bytes()[:-100])
    data = opened("release", release)
    assert data.train.report.totals() == {
        "photos": 2, "samples": 2, "classes": 2, "small": 0, "full_frame": 0, "broken": 1
    }  # fmt: skip
    with pytest.raises(DataError, match="strict"):
        opened("release", release, strict=True)


def test_a_missing_branch_is_named(release, opened):
    (release / "test/extra-roi").rename(release / "test/rest")
    with pytest.raises(DataError, match="extra-roi is missing"):
        opened("release", release)


NAMES = [
    "french fries", "and/or", "..", ".", " leading", "trailing ", "ends.", "crème brûlée", "비빔밥",
    "100% beef", "%2F", "a\\b", "CON", "nul.txt", "a:b*c?", "tab\tbed", "x" * 150,
]  # fmt: skip


def test_fault_29_any_class_name_has_a_safe_folder_and_comes_back(tmp_path):
    folders = [folder_name(name) for name in NAMES]
    assert [class_name_of(folder) for folder in folders] == NAMES
    assert len(set(folders)) == len(NAMES)
    for folder in folders:
        (tmp_path / folder).mkdir()
        assert (tmp_path / folder).parent.resolve() == tmp_path.resolve()
        assert folder.isascii()
        assert folder == folder.strip(" .")  # some systems drop them
        assert folder.split(".")[0].lower() not in ("con", "nul")  # devices on Windows
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(folders)
    assert [folder_name(name) for name in FOODSEG103] == list(FOODSEG103)
    for bad in ("", "가" * 80):
        with pytest.raises(DataError):
            folder_name(bad)


def test_fault_29_real_names_are_kept(release, opened):
    write(release, "train", folder_name("and/or"), "00000003")
    assert "and/or" in opened("release", release).classes


def test_classes_txt_gives_the_label_order(release, opened):
    (release / "classes.txt").write_text("ketchup\nsoup\ncandy\negg\n")
    data = opened("release", release)
    assert data.classes == ("ketchup", "soup", "candy", "egg")
    assert data.train.report.samples == {"ketchup": 1, "soup": 0, "candy": 1, "egg": 1}
    (release / "classes.txt").write_text("ketchup\ncandy\n")
    with pytest.raises(DataError, match=r"classes\.txt lacks 'egg'"):
        opened("release", release)


# --- folders made for the released code -------------------------------------------------------------

FEW = ["candy", " cabbage", " hanamaki baozi", "French beans", "rice", "ketchup", "chilli-paste"]


def prepare(root, categories):
    """One pair of each category in each split, all under one file name."""
    for split in ("train", "test"):
        for seed, category in enumerate(categories):
            write(root, split, category, "1", seed)
    return root


def test_fault_54_all_categories_of_the_release_have_its_labels(tmp_path, opened):
    root = tmp_path / "prepared"
    for name in LABELS:
        for branch in ("train/roi", "train/extra-roi", "test/roi", "test/extra-roi"):
            (root / branch / name).mkdir(parents=True)
    prepare(root, FEW)
    data = opened("release", root)
    assert data.classes == RELEASED
    ours = {data.train._places[i][1][0]: sample.label for i, sample in enumerate(data.train.samples)}
    theirs = {roi: label for roi, _, label in pairs(root / "train", LABELS)}
    assert ours == theirs
    assert len(ours) == len(FEW)


@pytest.mark.parametrize("sauce", ["chilli-paste", "chili paste", "Chilli Paste", "chili-paste "])
@pytest.mark.parametrize("listed", [None, "chilli-paste", "chili paste"])
def test_fault_54_the_ambiguous_pair_is_found_under_any_spelling(tmp_path, opened, sauce, listed):
    root = prepare(tmp_path / "prepared", ["candy", "ketchup", sauce])
    if listed:
        (root / "classes.txt").write_text(f"candy\nketchup\n{listed}\n")
    data = opened("release", root)
    assert data.classes == ("candy", "ketchup", "chili paste")
    scores = metrics_of(data.test.labels, data.test.labels, data.classes)
    assert scores["pair_f1"] == scores["pair_accuracy"] == 1


def test_fault_54_a_listing_by_hand_in_the_release_s_spelling(tmp_path, opened):
    """All of its categories, of which the folder holds a few."""
    root = prepare(tmp_path / "prepared", FEW)
    (root / "classes.txt").write_text("\n".join(LABELS) + "\n\n")
    data = opened("release", root)
    assert {data.classes[s.label]: s.label for s in data.test.samples} == {
        class_name_of(name): LABELS[name] for name in FEW
    }


def test_fault_54_two_folders_of_one_category_are_named(tmp_path, opened):
    root = prepare(tmp_path / "prepared", ["cabbage", " cabbage", "rice"])
    with pytest.raises(DataError, match="' cabbage' and 'cabbage' are one class"):
        opened("release", root)


def test_fault_54_an_extra_class_is_found_under_any_spelling(release, tmp_path, opened):
    for split in ("train", "test"):
        write(tmp_path / "sauce" / split, "", "", "1")
    data = opened("release", release, extra_classes=(f"chilli-paste={tmp_path / 'sauce'}",))
    assert data.classes[-1] == "chili paste"


def test_gray_pictures_are_read_as_rgb(release, opened):
    for branch in ("roi", "extra-roi"):
        path = release / "train" / branch / "egg" / "00000001.jpg"
        Image.open(path).convert("L").save(path)
    train = opened("release", release).train
    i = [sample.class_name for sample in train.samples].index("egg")
    assert all(cutout.shape == (40, 60, 3) for cutout in train.cutouts(i))


def test_the_folder_of_every_category_is_the_release_s():
    assert [released_folder(name) for name in RELEASED] == list(LABELS)
    assert [class_name_of(folder) for folder in LABELS] == list(RELEASED)
    assert released_folder("and/or") == folder_name("and/or")


def test_the_classes_of_its_checkpoints_have_its_names_or_those_of_a_listing(tmp_path):
    assert class_names(105) == RELEASED
    assert class_names(103) == FOODSEG103
    assert class_names(106)[-2:] == ("chili paste", "class 105")
    listing = tmp_path / "classes.txt"
    listing.write_text("rice\nchilli-paste\n\n")
    assert class_names(2, listing) == ("rice", "chili paste")
    with pytest.raises(DataError, match=r"classes\.txt names 2 classes; expected the 3"):
        class_names(3, listing)


def test_label_order_is_foodseg103_then_others_then_the_sauces():
    names = {"chili paste", "ketchup", "zebra", "apple", "candy", "aardvark"}
    assert label_order(names) == ("candy", "apple", "aardvark", "zebra", "ketchup", "chili paste")


def test_fault_58_hidden_categories_and_strays_are_counted_and_named(release, opened, caplog):
    (release / "train/roi/.egg").mkdir()
    (release / "train/extra-roi/.DS_Store").write_bytes(b"x")
    (release / "test/roi/stray.jpg").write_bytes(b"x")
    (release / "test/roi/egg/photo.heic").write_bytes(b"x")
    data = opened("release", release)
    (train,) = data.train.report.broken
    assert train[1].endswith("train/roi/.egg is a hidden folder; rename it")
    assert [reason.rpartition("/")[2][:30] for _, reason in data.test.report.broken] == [
        "stray.jpg is in no category fo", "photo.heic is read only where "
    ]  # fmt: skip
    assert "hidden folder" in caplog.text
    with pytest.raises(DataError, match="hidden folder"):
        opened("release", release, strict=True)


def test_fault_52_categories_that_differ_by_case_alone_are_refused(release, opened):
    """Also where the two lie in different splits: on some disks they would be one folder."""
    write(release, "train", "Pilaf", "00000001")
    write(release, "test", "pilaf", "00000002")
    with pytest.raises(DataError, match="'Pilaf' and 'pilaf' differ by case"):
        opened("release", release)


def test_fault_29_a_category_folder_whose_name_is_no_text_is_an_error(release, opened):
    for branch in (release / "train/roi", release / "train/extra-roi"):
        (branch / "egg").rename(os.fsdecode(os.fsencode(branch) + b"/caf\xe9"))
    with pytest.raises(DataError, match=r"'caf\\udce9' is no line of printable text"):
        opened("release", release)
