"""Small data sets in the exact formats, made of noise photos and simple masks."""

import io
import os

import numpy as np
from PIL import Image

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


def replace_photo(path, seed=99):
    """Another photo in the same file: as many bytes and pixels, with the old time, in the same inode."""
    before, old, new = path.stat(), path.read_bytes(), io.BytesIO()
    with Image.open(path) as picture:
        size = picture.size
    noise_photo(*size, seed).save(new, "JPEG", quality=40)
    with open(path, "r+b") as file:
        file.write(new.getvalue().ljust(len(old), b"\0"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = path.stat()
    assert (after.st_size, after.st_mtime_ns, after.st_ino) == (len(old), before.st_mtime_ns, before.st_ino)
    assert path.read_bytes() != old
