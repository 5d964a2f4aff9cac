"""What is written in other layouts reads back as the same samples."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from released_code import LABELS, pairs, read_classes

from rvernet_core.config import DataSpec
from rvernet_core.data import FoodData, export, open_data
from rvernet_core.data.names import RELEASED, class_name_of
from rvernet_core.data.samples import Candidate, MaskedSource, build_split
from rvernet_core.errors import DataError

CLASSES = ("egg", "and/or", "chili paste")


class Memory(MaskedSource):
    """Photos of smooth noise; ROI of class k is the k-th vertical third."""

    def photo(self, ref):
        coarse = np.random.default_rng(ref[0]).integers(60, 230, (3, 3, 3), dtype=np.uint8)
        return np.asarray(Image.fromarray(coarse).resize((48, 32), Image.Resampling.BICUBIC))

    def mask(self, ref):
        mask = np.zeros((32, 48), bool)
        mask[8:, ref[1] * 16 : ref[1] * 16 + 16] = True
        return mask

    def photo_key(self, ref):
        return ref[0]


FACTS = {"content": [], "min_area": 0.01, "photos": 0}


def split(name, photos, classes=CLASSES):
    found = [
        Candidate(f"p {i}", class_name, 0.25, (i, k % 3))
        for i in photos
        for k, class_name in enumerate(classes)
        if (i + k) % 3
    ]
    return build_split(name, classes, found, Memory(), **FACTS)


@pytest.fixture
def data():
    return FoodData(CLASSES, split("train", range(4)), split("test", range(4, 6)))


def reopened(name, folder, tmp_path):
    return open_data(DataSpec(name=name, root=str(folder)), tmp_path / "cache")


def test_foodseg103_layout_reads_back(data, tmp_path):
    folder = export.write_foodseg103(data, tmp_path / "out")
    assert sorted(p.name for p in folder.iterdir()) == [
        "ImageSets", "Images", "Readme.txt", "category_id.txt", "image_ids.tsv"
    ]  # fmt: skip
    assert (folder / "ImageSets/test.txt").read_text() == "00000004.jpg\n00000005.jpg\n"
    assert (folder / "category_id.txt").read_text().splitlines()[:2] == ["0\tbackground", "1\tegg"]
    assert (folder / "image_ids.tsv").read_text().splitlines()[5] == "00000004\ttest\tp 4"
    again = reopened("foodseg103", folder, tmp_path)
    assert again.classes == CLASSES
    for ours, theirs in ((data.train, again.train), (data.test, again.test)):
        assert [(s.class_name, s.area) for s in ours.samples] == [
            (s.class_name, s.area) for s in theirs.samples
        ]
        for i in range(len(ours)):
            np.testing.assert_array_equal(ours.mask(i), theirs.mask(i))
            assert np.abs(ours.photo(i).astype(int) - theirs.photo(i)).max() < 16


def test_release_layout_reads_back(data, tmp_path):
    folder = export.write_release(data, tmp_path / "out")
    assert (folder / "train/roi/and%2For/p 0~and%2For.jpg").is_file()
    again = reopened("release", folder, tmp_path)
    assert again.classes == CLASSES
    for ours, theirs in ((data.train, again.train), (data.test, again.test)):
        place = {s.key: i for i, s in enumerate(theirs.samples)}
        assert set(place) == {s.key for s in ours.samples}
        for i, sample in enumerate(ours.samples):
            k = place[sample.key]
            assert theirs.samples[k].label == sample.label
            for one, two in zip(ours.cutouts(i), theirs.cutouts(k), strict=True):
                assert np.abs(one.astype(int) - two).mean() < 3
            assert (theirs.mask(k) == ours.mask(i)).mean() > 0.97


def test_fault_55_the_released_code_reads_all_of_it_each_roi_with_its_own_surroundings(data, tmp_path):
    """Photos with several foods: a file name alone does not say which ROI's surroundings it holds."""
    folder = export.write_release(data, tmp_path / "out")
    for split in (data.train, data.test):
        found = pairs(folder / split.name, read_classes(folder / "classes.yaml"))
        assert len(found) == len(split) > len(set(s.image_id for s in split.samples))
        assert all(data.classes[label] == class_name_of(roi.parent.name) for roi, _, label in found)
        for roi, surroundings, _ in found:
            assert surroundings == Path(str(roi).replace("/roi/", "/extra-roi/"))
            assert Image.open(roi).mode == Image.open(surroundings).mode == "RGB"


def test_fault_55_its_own_categories_are_found_by_its_own_listing(tmp_path):
    classes = ("cabbage", "hanamaki baozi", "french beans", "ketchup", "chili paste")
    parts = [split(name, photos, classes) for name, photos in (("train", range(6)), ("test", range(3)))]
    folder = export.write_release(FoodData(classes, *parts), tmp_path / "out")
    for part in parts:
        found = pairs(folder / part.name, LABELS)
        assert len(found) == len(part)
        assert {label for _, _, label in found} == {90, 61, 95, 103, 104}
    assert reopened("release", folder, tmp_path).classes == classes


def test_fault_55_all_of_its_classes_get_its_own_listing(tmp_path):
    parts = [split(name, range(2), RELEASED) for name in ("train", "test")]
    folder = export.write_release(FoodData(RELEASED, *parts), tmp_path / "out")
    assert read_classes(folder / "classes.yaml") == LABELS


def test_fault_55_photos_too_thin_for_it_are_left_out_and_named(data, tmp_path, caplog, monkeypatch):
    thin = np.full((2, 449, 3), 90, np.uint8)
    real = type(data.train).cutouts
    monkeypatch.setattr(
        type(data.train), "cutouts", lambda self, i: (thin, thin) if i == 0 else real(self, i)
    )
    folder = export.write_release(data, tmp_path / "out")
    assert len(pairs(folder / "train", read_classes(folder / "classes.yaml"))) == len(data.train) - 1
    assert (
        f"train: 1 ROIs left out, too thin for the released code: {data.train.samples[0].key}" in caplog.text
    )


def test_fault_55_a_name_too_long_for_a_file_is_named(tmp_path):
    name = "x" * 150
    one = build_split("train", [name], [Candidate(name, name, 0.5, (0, 0))], Memory(), **FACTS)
    with pytest.raises(DataError, match="needs a file name of 305 bytes; at most 255"):
        export.write_release(FoodData((name,), one, one), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_overlapping_masks_leave_the_smaller_above(data, tmp_path):
    whole = data.train.with_masks(lambda i: np.ones((32, 48), bool) if i == 0 else data.train.mask(i), "sam")
    folder = export.write_foodseg103(FoodData(CLASSES, whole, data.test), tmp_path / "out")
    values = np.asarray(Image.open(folder / "Images/ann_dir/train/00000000.png"))
    labels = {whole.samples[i].label + 1 for i in whole.photo_groups()[0]}
    assert set(np.unique(values)) == labels


def test_a_folder_that_holds_something_is_left_alone(data, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/precious.txt").write_text("x")
    for write in (export.write_foodseg103, export.write_release):
        with pytest.raises(DataError, match="exists already"):
            write(data, tmp_path / "out")
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["precious.txt"]


def test_fault_04_disk_full_leaves_nothing(data, tmp_path, monkeypatch):
    def full(*args, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    for write in (export.write_foodseg103, export.write_release):
        with pytest.raises(DataError, match="No space left"):
            write(data, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_fault_05_killed_while_writing_leaves_nothing(data, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(export, "_text", lambda *args: (_ for _ in ()).throw(KeyboardInterrupt))
        for write in (export.write_foodseg103, export.write_release):
            with pytest.raises(KeyboardInterrupt):
                write(data, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []
    assert export.write_release(data, tmp_path / "out").is_dir()


def test_too_many_classes_for_eight_bits(tmp_path):
    names = [f"c{i}" for i in range(255)]
    one = build_split("train", names, [], Memory(), content=[], min_area=0, photos=0)
    with pytest.raises(DataError, match="254"):
        export.write_foodseg103(FoodData(tuple(names), one, one), tmp_path / "out")
