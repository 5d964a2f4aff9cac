"""Small data sets in the exact formats, made of noise photos and simple masks."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rvernet_core.config import DataSpec
from rvernet_core.datasets import open_data
from rvernet_core.datasets.names import FOODSEG103

#: (width, height) of the fixture's photos: several sizes, wide and tall
SIZES = [(96, 64), (64, 96), (81, 63), (120, 50)]


def noise_photo(width, height, seed=0):
    """Smooth and never black, so that JPEG keeps it and cut-outs can be told apart."""
    coarse = np.random.default_rng(seed).integers(60, 230, (4, 4, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def two_food_mask(width, height, first, second):
    """Background on top, `first` in the lower left, `second` in the lower right."""
    mask = np.zeros((height, width), np.uint8)
    mask[height // 3 :, : width // 2] = first
    mask[height // 3 :, width // 2 :] = second
    return mask


def save_palette(mask, path):
    """A palette PNG whose colours are nothing like its indices."""
    picture = Image.fromarray(mask).convert("P")
    picture.putdata(mask.ravel().tolist())
    picture.putpalette([(200 - 3 * i) % 256 for i in range(256) for _ in range(3)])
    picture.save(path)


def write_pair(home, split, stem, ids=(3, 5), size=(96, 64), turn=None, seed=None):
    """One official photo and palette mask. `turn`: the photo is stored turned, with that EXIF orientation."""
    photos, masks = home / "Images/img_dir" / split, home / "Images/ann_dir" / split
    photos.mkdir(parents=True, exist_ok=True)
    masks.mkdir(parents=True, exist_ok=True)
    upright = noise_photo(*size, seed=int(stem) if seed is None else seed)
    if turn is None:
        upright.save(photos / f"{stem}.jpg", quality=95)
    else:
        back = {6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}[turn]
        exif = Image.Exif()
        exif[0x0112] = turn
        upright.transpose(back).save(photos / f"{stem}.jpg", quality=95, exif=exif)
    save_palette(two_food_mask(*size, *ids), masks / f"{stem}.png")
    return upright


@pytest.fixture
def official(tmp_path):
    """A FoodSeg103 of four train and two test photos, 103 classes, with stray spaces in category_id.txt."""
    home = tmp_path / "FoodSeg103"
    for i, size in enumerate(SIZES):
        write_pair(home, "train", f"{i:08d}", ids=(3, 5 + i), size=size)
    for i, size in enumerate(SIZES[:2]):
        write_pair(home, "test", f"{50 + i:08d}", ids=(3, 103), size=size)
    stray = {5: " biscuit ", 9: "cheese  butter", 24: "egg "}
    lines = ["0\tbackground"] + [f"{i}\t{stray.get(i, name)}" for i, name in enumerate(FOODSEG103, start=1)]
    (home / "category_id.txt").write_text("\n".join(lines) + "\n")
    (home / "ImageSets").mkdir()
    for split in ("train", "test"):
        names = sorted(p.name for p in (home / "Images/img_dir" / split).iterdir())
        (home / "ImageSets" / f"{split}.txt").write_text("\n".join(names) + "\n")
    (home / "Readme.txt").write_text("fixture\n")
    return home


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def opened(cache):
    """Open a folder by name: opened("foodseg103", root, strict=True)."""

    def open_named(name, root, **changes):
        return open_data(DataSpec(name=name, root=str(root), **changes), Path(cache))

    return open_named
