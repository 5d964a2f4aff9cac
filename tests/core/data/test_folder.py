"""A user's own folder, and one more class joined to any data set."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

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


def test_fault_52_classes_that_differ_by_case_alone_are_refused(own, ketchup, opened):
    (own / "classes.txt").write_text("Pilaf\npilaf\nbread\n")
    with pytest.raises(DataError, match="'Pilaf' and 'pilaf' differ by case"):
        opened("folder", own)
    (own / "classes.txt").write_text("Sambal\negg\nbread\n")
    with pytest.raises(DataError, match="'Sambal' and 'sambal' differ by case"):
        opened("folder", own, extra_classes=(f"sambal={ketchup}",))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_fault_57_names_in_an_encoding_that_is_marked(own, opened, encoding):
    path = own / "classes.txt"
    path.write_bytes(path.read_text("utf-8").encode(encoding))
    assert opened("folder", own).classes == ("mapo tofu", "crème brûlée", "비빔밥")


def test_fault_57_numbered_names_would_be_off_by_one(own, opened):
    (own / "classes.txt").write_text("0\tbackground\n1\ttofu\n2\tegg\n3\tbread\n")
    with pytest.raises(DataError, match=r"classes\.txt: every line begins with a number"):
        opened("folder", own)


def test_fault_23_the_id_to_ignore_is_one_of_the_data_set_and_not_of_a_mask_of_one_class(
    own, ketchup, opened
):
    for ignore_id in (1, 255):
        data = opened("folder", own, extra_classes=(f"ketchup={ketchup}",), ignore_id=ignore_id)
        assert data.train.report.samples["ketchup"] == 3
    assert opened("folder", own, ignore_id=1).train.report.samples["mapo tofu"] == 0


def test_fault_25_an_empty_mask_of_an_extra_class_is_counted(own, ketchup, opened):
    Image.new("L", (50, 40)).save(ketchup / "train/masks/k1.png")
    report = opened("folder", own, extra_classes=(f"ketchup={ketchup}",)).train.report
    assert (report.samples["ketchup"], report.small["ketchup"]) == (2, 1)


# --- files that are not read --------------------------------------------------------------------------


def test_fault_58_whatever_is_not_read_is_counted_and_named(own, opened, caplog):
    images, masks = own / "train/images", own / "train/masks"
    left_out = {
        "a.heic": "pillow-heif", "b.dng": "not of a kind", "c.txt": "not of a kind", ".d.jpg": "is hidden",
        "e.jpg": "is a folder", "f.jpg": "link to nowhere", "g.jpg": "not a file", "h\n.jpg": "line break",
    }  # fmt: skip
    for name in ("a.heic", "b.dng", "c.txt", ".d.jpg", "h\n.jpg"):
        (images / name).write_bytes(b"x")
        Image.fromarray(two_food_mask(60, 40, 1, 2)).save(masks / f"{name.rpartition('.')[0] or name}.png")
    (images / "e.jpg").mkdir()
    (images / "f.jpg").symlink_to("nowhere")
    os.mkfifo(images / "g.jpg")
    (images / ".DS_Store").write_bytes(b"x")
    Image.fromarray(two_food_mask(60, 40, 1, 2)).save(masks / "i.jpg")
    noise_photo(60, 40).save(images / "i.jpg")
    report = opened("folder", own).train.report
    named = {os.path.relpath(path, images): reason for path, reason in report.broken}
    for name, reason in left_out.items():
        assert reason in named[name]
    assert "not of a kind" in named["../masks/i.jpg"]
    assert report.totals()["broken"] == len(named) == len(report.broken)
    assert set(named) - set(left_out) == {"../masks/i.jpg", "../masks/h\n.png", "../masks/.d.png"}
    assert report.photos == 2
    assert f"{len(named)} files left out" in caplog.text
    assert "a.heic is read only where pillow-heif is installed" in caplog.text
    with pytest.raises(DataError, match="strict"):
        opened("folder", own, strict=True)


def test_fault_58_names_that_are_no_text_are_counted_and_named(own, opened):
    name = os.fsencode(own / "train/images") + b"/caf\xe9.jpg"
    noise_photo(60, 40).save(name)
    ((_, reason),) = opened("folder", own).train.report.broken
    assert reason.endswith("caf?.jpg has a line break or another control character in its name; rename it")
    reason.encode()


@pytest.mark.parametrize("suffix", [".jfif", ".JPE", ".avif", ".webp", ".bmp", ".tif", ".gif", ".mpo"])
def test_fault_58_every_kind_that_has_a_reader_is_read(own, opened, suffix):
    write(own, "train", "new", two_food_mask(60, 40, 1, 2), suffix)
    assert len(opened("folder", own).train) == 6


def test_fault_58_heic_is_read_where_pillow_heif_is_installed(tmp_path):
    """A stand-in for pillow-heif that knows PNG alone."""
    (tmp_path / "pillow_heif.py").write_text(
        "from PIL import Image, PngImagePlugin\n"
        "class Heif(PngImagePlugin.PngImageFile):\n    format = 'HEIF'\n"
        "def register_heif_opener():\n"
        "    Image.register_open('HEIF', Heif, lambda prefix: prefix.startswith(b'\\x89PNG'))\n"
        "    Image.register_extensions('HEIF', ['.heic'])\n"
        "    Image.OPEN.pop('PNG', None)\n"
    )
    noise_photo(30, 20).save(tmp_path / "a.png")
    (tmp_path / "a.png").rename(tmp_path / "a.heic")
    script = (
        "import sys; from rvernet_core.data.photos import SUFFIXES, read_photo; "
        "print('.heic' in SUFFIXES, read_photo(sys.argv[1]).shape)"
    )
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path / "a.heic"],
        env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "True (20, 30, 3)\n"


@pytest.mark.parametrize("closed", ["classes.txt", "train/images/dinner 1.jpg"])
def test_fault_58_what_may_not_be_entered_is_an_error(own, opened, monkeypatch, closed):
    """A folder without the right to enter it: its files are listed, and asking for one is refused."""
    stat = Path.stat

    def refusing(self, **options):
        if str(self).endswith(closed):
            raise PermissionError(13, "Permission denied", str(self))
        return stat(self, **options)

    monkeypatch.setattr(Path, "stat", refusing)
    with pytest.raises(DataError, match=rf"{closed} cannot be read \(Permission denied\)"):
        opened("folder", own)


def test_a_home_that_does_not_exist_is_an_error(opened):
    with pytest.raises(DataError, match="~nobody-of-this-name/photos is not a folder"):
        opened("folder", "~nobody-of-this-name/photos")


def test_fault_58_a_folder_that_cannot_be_listed_is_an_error(own, opened, monkeypatch):
    def refused(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.iterdir", refused)
    with pytest.raises(DataError, match=r"images is not a folder that can be read \(Permission denied\)"):
        opened("folder", own)


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


def test_fault_28_photos_of_an_extra_class_never_pass_for_those_of_the_data_set(official, ketchup, opened):
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
