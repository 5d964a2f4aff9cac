"""A user's own folder, and one more class joined to any data set."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image
from small_data import noise_photo, two_food_mask

from rvernet_core.config import DataSpec
from rvernet_core.data import READERS, Reader, open_data
from rvernet_core.data.folder import splits_of_folder
from rvernet_core.errors import ConfigError, DataError


def write(folder, split, stem, mask, suffix=".jpg", seed=0):
    for kind in ("images", "masks"):
        (folder / split / kind).mkdir(parents=True, exist_ok=True)
    noise_photo(mask.shape[1], mask.shape[0], seed).save(folder / split / "images" / f"{stem}{suffix}")
    Image.fromarray(mask).save(folder / split / "masks" / f"{stem}.png")


@pytest.fixture
def own(tmp_path):
    root = tmp_path / "own"
    for split in ("train", "test"):
        write(root, split, "dinner 1", two_food_mask(60, 40, 1, 2))
        write(root, split, "Frühstück", two_food_mask(40, 50, 3, 2), suffix=".PNG", seed=1)
    (root / "classes.txt").write_text("mapo tofu\n crème  brûlée \n비빔밥\n", encoding="utf-8")
    return root


@pytest.fixture
def ketchup(tmp_path):
    root = tmp_path / "ketchup photos"
    for split, count in (("train", 3), ("test", 2)):
        for i in range(count):
            write(root, split, f"k{i}", two_food_mask(50, 40, 0, 255), seed=i)
    return root


def test_a_folder_of_photos_and_masks(own, opened):
    data = opened("folder", own)
    assert data.classes == ("mapo tofu", "crème brûlée", "비빔밥")
    assert {s.key for s in data.train.samples} == {
        "mapo tofu/dinner 1",
        "crème brûlée/dinner 1",
        "비빔밥/Frühstück",
        "crème brûlée/Frühstück",
    }
    np.testing.assert_array_equal(
        data.test.mask([s.image_id for s in data.test.samples].index("dinner 1")),
        two_food_mask(60, 40, 1, 2) == 1,
    )


@pytest.mark.parametrize("text", [None, "", "a\n\nb\n", "a\nb\na\n"])
def test_classes_txt_must_name_every_class_once(own, opened, text):
    if text is None:
        (own / "classes.txt").unlink()
    else:
        (own / "classes.txt").write_text(text)
    with pytest.raises(DataError, match=r"classes\.txt"):
        opened("folder", own)


def test_a_missing_split_is_named(own, opened):
    (own / "test/images").rename(own / "test/photos")
    with pytest.raises(DataError, match="test/images is not a folder"):
        opened("folder", own)


def test_two_photos_of_one_stem_are_refused(own, opened):
    noise_photo(60, 40).save(own / "train/images/dinner 1.png")
    with pytest.raises(DataError, match="keep one of them"):
        opened("folder", own)


def test_extra_classes_join_at_the_end(official, ketchup, opened):
    alone = opened("foodseg103", official)
    data = opened("foodseg103", official, extra_classes=(f"ketchup={ketchup}",))
    assert data.classes == (*alone.classes, "ketchup")
    assert len(data.train) == len(alone.train) + 3
    assert len(data.test) == len(alone.test) + 2
    last = data.train.samples[-1]
    assert (last.key, last.label, last.class_name) == ("ketchup/ketchup-k2", 103, "ketchup")
    np.testing.assert_array_equal(data.train.mask(len(data.train) - 1), two_food_mask(50, 40, 0, 255) > 0)
    assert data.train.report.samples["ketchup"] == 3
    assert data.train.fingerprint != alone.train.fingerprint
    assert data.test.report.table().loc["ketchup", "samples"] == 2


def test_extra_classes_from_finished_cutouts(own, tmp_path, opened):
    root = tmp_path / "chili"
    for split in ("train", "test"):
        for branch in ("roi", "extra-roi"):
            (root / split / branch).mkdir(parents=True)
            noise_photo(30, 20, seed=len(branch)).save(root / split / branch / "c.jpg", quality=95)
    data = opened("folder", own, extra_classes=(f"chili paste={root}",))
    roi, extra_roi = data.train.cutouts(len(data.train) - 1)
    np.testing.assert_array_equal(roi, np.asarray(Image.open(root / "train/roi/c.jpg")))
    np.testing.assert_array_equal(extra_roi, np.asarray(Image.open(root / "train/extra-roi/c.jpg")))


def test_photos_of_an_extra_class_never_pass_for_those_of_the_data_set(official, ketchup, opened):
    for kind, suffix in (("images", ".jpg"), ("masks", ".png")):
        (ketchup / f"train/{kind}/k0{suffix}").rename(ketchup / f"train/{kind}/00000000{suffix}")
    split = opened("foodseg103", official, extra_classes=(f"ketchup={ketchup}",)).train
    assert [len(group) for group in split.photo_groups()] == [2, 2, 2, 2, 1, 1, 1]
    assert len({s.image_id for s in split.samples}) == 7


def test_bad_extra_classes_are_refused(own, ketchup, tmp_path, opened):
    with pytest.raises(ConfigError, match="class name=folder"):
        opened("folder", own, extra_classes=("ketchup",))
    with pytest.raises(ConfigError, match="in the data set already"):
        opened("folder", own, extra_classes=(f"mapo tofu={ketchup}",))
    with pytest.raises(DataError, match="neither images/"):
        opened("folder", own, extra_classes=(f"ketchup={tmp_path}",))
    with pytest.raises(DataError, match="none is not a folder"):
        opened("folder", own, extra_classes=(f"ketchup={tmp_path / 'none'}",))
    with pytest.raises(ConfigError, match="each name once"):
        opened("folder", own, extra_classes=(f"ketchup={ketchup}", f"ketchup={ketchup}"))


def test_bad_specs_are_refused(tmp_path, cache):
    with pytest.raises(ConfigError, match="plates, foodseg103"):
        open_data(DataSpec(name="food"), cache)
    with pytest.raises(ConfigError, match="needs a root"):
        open_data(DataSpec(name="folder"), cache)
    with pytest.raises(DataError, match="not a folder"):
        open_data(DataSpec(name="folder", root=str(tmp_path / "none")), cache)
    with pytest.raises(ConfigError, match="min_area"):
        open_data(DataSpec(min_area=2.0), cache)


def test_a_reader_is_one_row_and_gets_the_root_that_is_named_or_fetched(own, tmp_path, cache, monkeypatch):
    roots = []

    def read(root, spec, cache):
        roots.append(root)
        return splits_of_folder(own, spec, cache)

    monkeypatch.setitem(READERS, "plain", Reader(read))
    monkeypatch.setitem(READERS, "fetched", Reader(read, fetch=lambda cache: cache / "fetched"))
    for name, root in (("plain", None), ("fetched", None), ("fetched", str(tmp_path))):
        assert open_data(DataSpec(name=name, root=root), cache).classes[0] == "mapo tofu"
    assert roots == [None, cache / "fetched", tmp_path]


def test_nothing_left_is_an_error(own, opened):
    with pytest.raises(DataError, match=r"no sample.*too small"):
        opened("folder", own, min_area=0.9)


def test_fault_37_a_cache_that_cannot_be_written_costs_only_the_next_scan(own, opened, cache, caplog):
    cache.write_text("a file where the folder should be")
    assert len(opened("folder", own).train) == 4
    assert "RVERNET_CACHE" in caplog.text


def test_fault_10_11_several_readers_fill_one_cache(own, cache):
    """No locks: every file is written under a name of its own and renamed."""
    spec = DataSpec(name="folder", root=str(own))
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _: open_data(spec, cache), range(12)))
    assert len({data.fingerprint for data in found}) == 1
    assert len(list((cache / "index").iterdir())) == 2


def test_a_torn_index_is_made_again(own, opened, cache):
    first = opened("folder", own)
    for path in (cache / "index").iterdir():
        path.write_text(path.read_text()[:40])
    assert opened("folder", own).fingerprint == first.fingerprint


def test_subsets_and_other_masks(own, opened):
    split = opened("folder", own).train
    part = split.subset([2, 0], "val")
    assert [s.key for s in part.samples] == [split.samples[2].key, split.samples[0].key]
    np.testing.assert_array_equal(part.photo(0), split.photo(2))
    assert part.fingerprint not in (split.fingerprint, split.subset([0, 2], "val").fingerprint)
    assert part.report.totals()["samples"] == 2
    assert list(part.labels) == [split.labels[2], split.labels[0]]
    inverse = split.with_masks(lambda i: ~split.mask(i), "inverse")
    for i in range(len(split)):
        for one, two in zip(inverse.cutouts(i), split.cutouts(i)[::-1], strict=True):
            np.testing.assert_array_equal(one, two)
    assert inverse.fingerprint != split.fingerprint
    assert inverse.photo_groups() == split.photo_groups() == [[0, 1], [2, 3]]
