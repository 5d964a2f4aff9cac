"""Reading photos and masks from files that may be odd, broken or hostile.

A photo becomes uint8 RGB (H, W, 3) with its EXIF orientation applied; a mask becomes an integer array
(H, W) of raw values, never turned by EXIF. `source` is always a path or the file's bytes; errors name
`name` (default: the path). Everything unreadable raises DataError.

Memory is bounded: a JPEG above `MAX_PIXELS` is decoded at 1/2, 1/4 or 1/8 of its size, and its mask follows
(`read_mask_of`). Nothing outside this module has to know.
"""

from __future__ import annotations

import contextlib
import io
import os
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageFile

from rvernet_core.errors import DataError

Source = str | os.PathLike | bytes

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF")
BACKGROUND = (255, 255, 255)  # shows through transparent pixels, unless another colour is given
MAX_PIXELS = 50_000_000  # of a decoded photo: at most 150 MB; photos above it are refused, JPEGs reduced
MAX_MASK_PIXELS = 200_000_000

_PREVIEW_PIXELS = 100_000

_ORIENTATION = 0x0112
_TURNED = (5, 6, 7, 8)  # EXIF orientations that exchange width and height
_PACKED = {"L;2": 85, "L;4": 17}  # Pillow stretches 2- and 4-bit gray to 0..255 by this factor


# --- photos -----------------------------------------------------------------------------------------


def read_photo(
    source: Source,
    name: str | None = None,
    background: tuple[int, int, int] = BACKGROUND,
    orientation: int | None = None,
    exif: bool = True,
) -> np.ndarray:
    """The photo as uint8 RGB (H, W, 3).

    EXIF orientation is applied; `orientation` (1 to 8) stands in where the file states none. CMYK,
    gray and palette become RGB (colour profiles are ignored), transparency shows `background`, and
    16-bit gray is scaled to 8 bit. `exif=False` leaves the pixels as stored.
    """
    with _opened(source, name) as (image, label):
        _reduce(image, label)
        if exif:
            image = _upright(image, _orientation(image) or orientation or 1)
        return _rgb(image, label, background)


def read_preview(source: Source, name: str | None = None) -> np.ndarray:
    """The photo as stored, uint8 RGB (H, W, 3); a JPEG above 100,000 pixels is read smaller, quickly."""
    with _opened(source, name) as (image, label):
        _reduce(image, label, _PREVIEW_PIXELS)
        return _rgb(image, label, BACKGROUND)


def photo_size(source: Source, name: str | None = None) -> tuple[int, int]:
    """(width, height) of the upright photo in the file, from its header."""
    with _opened(source, name) as (image, label):
        return _sizes(image, label, None)[0]


def check_photo(source: Source, name: str | None = None) -> None:
    """Raise DataError unless the photo can be decoded to its end (JPEG: at 1/8 size, which is quick)."""
    with _opened(source, name) as (image, label):
        if image.format not in ("JPEG", "MPO"):
            _reduce(image, label)
        image.draft("RGB", (max(1, image.width // 8), max(1, image.height // 8)))
        image.load()


# --- masks ------------------------------------------------------------------------------------------


def read_mask(source: Source, name: str | None = None) -> np.ndarray:
    """The mask's raw values, uint8, uint16 or int32 (H, W); a palette mask gives its indices.

    A colour image is refused unless its three channels agree; so is a lossy file.
    """
    with _opened(source, name) as (image, label):
        if image.format in ("JPEG", "MPO"):
            raise DataError(f"{label} is a JPEG; a mask must be lossless, such as a PNG of class ids")
        if image.width * image.height > MAX_MASK_PIXELS:
            raise DataError(f"{label} has {image.width} x {image.height} pixels; at most {MAX_MASK_PIXELS:,}")
        packed = _PACKED.get(str(image.tile[0][3]) if image.tile else "", 1)
        values = np.asarray(image)
        if image.mode == "1":
            values = values.astype(np.uint8)
    if values.ndim == 3:
        colours = values[..., : values.shape[2] - 1 + values.shape[2] % 2]  # without alpha
        if (colours != colours[..., :1]).any():
            raise DataError(f"{label} is a colour picture ({image.mode}); expected a mask of class ids")
        values = colours[..., 0]
    if values.dtype.kind not in "ui":
        raise DataError(f"{label} holds {values.dtype} values; expected a mask of whole class ids")
    return values // packed


def read_mask_of(
    photo: str | os.PathLike, mask: str | os.PathLike, orientation: int | None = None
) -> np.ndarray:
    """The raw values of `mask` on the pixels of `read_photo(photo, orientation=orientation)`, (H, W).

    The mask is of the size of the upright photo in the file, else SizeMismatchError: it is never resized.
    Only where the photo is too large to be decoded at full size, its mask follows by nearest neighbour.
    """
    with _opened(photo, None) as (image, label):
        full, read = _sizes(image, label, orientation)
    values = read_mask(mask)
    if values.shape != full[::-1]:
        raise SizeMismatchError(
            f"{mask}: mask is {values.shape[1]} x {values.shape[0]}, photo is {full[0]} x {full[1]} pixels "
            "(upright); they must be of one size, so mask the photo again or remove the pair"
        )
    if full == read:
        return values
    rows = ((np.arange(read[1]) + 0.5) * full[1] / read[1]).astype(int)
    columns = ((np.arange(read[0]) + 0.5) * full[0] / read[0]).astype(int)
    return values[rows[:, None], columns]


class SizeMismatchError(DataError):
    """Two files that belong to one photo differ in size."""


def class_areas(mask: np.ndarray, classes: int, name: str, ignore: int | None = None) -> dict[int, int]:
    """Pixels of each class id 1 .. `classes` present in the mask; id 0 and `ignore` are background.

    Any other id raises DataError. A mask without background keeps every class.
    """
    ids, counts = np.unique(mask, return_counts=True)
    areas = {int(i): int(n) for i, n in zip(ids, counts, strict=True) if i not in (0, ignore)}
    wrong = [i for i in areas if not 1 <= i <= classes]
    if wrong:
        raise DataError(
            f"{name} holds class id {', '.join(map(str, wrong[:5]))}; expected 0 to {classes}. "
            "If the value marks unlabelled pixels, name it with ignore_id"
        )
    return areas


# --- helpers ----------------------------------------------------------------------------------------


@contextlib.contextmanager
def _opened(source: Source, name: str | None) -> Iterator[tuple[ImageFile.ImageFile, str]]:
    """(Pillow image, its name in messages); everything that goes wrong meanwhile becomes a DataError."""
    label = name or (f"a photo of {len(source)} bytes" if isinstance(source, bytes) else str(source))
    try:
        size = len(source) if isinstance(source, bytes) else Path(source).stat().st_size
        if size == 0:
            raise DataError(f"{label} has no bytes; fetch or copy it again")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # `_reduce` has its own cap
            warnings.filterwarnings("ignore", category=UserWarning, module="PIL")  # odd EXIF, odd palette
            file = io.BytesIO(source) if isinstance(source, bytes) else source
            with Image.open(file, formats=FORMATS) as image:
                yield image, label
    except DataError:
        raise
    except FileNotFoundError as error:
        raise DataError(f"{label} does not exist") from error
    except Image.UnidentifiedImageError as error:
        raise DataError(
            f"{label} begins with {_first_bytes(source)}; expected a photo or mask file "
            f"({', '.join(FORMATS)})"
        ) from error
    except Image.DecompressionBombError as error:
        raise DataError(f"{label} is larger than any photo or mask may be ({error})") from error
    except Exception as error:  # decoders fail in many ways on damaged files
        raise DataError(f"{label} is damaged or truncated ({error}); fetch or copy it again") from error


def _first_bytes(source: Source) -> str:
    if isinstance(source, bytes):
        return repr(source[:12])
    with open(source, "rb") as file:
        return repr(file.read(12))


def _reduce(image: Image.Image, label: str, enough: int = MAX_PIXELS) -> None:
    """Have a JPEG decoded at 1/2, 1/4 or 1/8 so that at most `enough` pixels arise, if that will do it.

    Raises DataError where more than `MAX_PIXELS` pixels would arise all the same.
    """
    width, height = image.size
    factor = next((f for f in (1, 2, 4, 8) if width * height <= enough * f**2), 8)
    if factor > 1:
        image.draft(None, (width // factor, height // factor))
    if image.width * image.height > MAX_PIXELS:
        raise DataError(
            f"{label} has {width} x {height} pixels; a {image.format} photo may have {MAX_PIXELS:,}. "
            "Scale it and its mask down"
        )


def _sizes(
    image: Image.Image, label: str, orientation: int | None
) -> tuple[tuple[int, int], tuple[int, int]]:
    """((width, height) of the file, (width, height) of `read_photo`), both upright."""
    turned = (_orientation(image) or orientation) in _TURNED
    full = image.size
    _reduce(image, label)
    read = image.size
    return ((full[1], full[0]), (read[1], read[0])) if turned else (full, read)


def _orientation(image: Image.Image) -> int | None:
    """The EXIF orientation 1 to 8, or None where the file states none that can be read."""
    try:
        value = image.getexif().get(_ORIENTATION)
    except Exception:  # damaged EXIF blocks fail in many ways, and the photo is fine without
        return None
    return value if value in range(1, 9) else None


def _upright(image: Image.Image, turn: int) -> Image.Image:
    method = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }.get(turn)
    if method is None:
        return image
    info = image.info
    turned = image.transpose(method)
    turned.info.update(info)  # keeps a palette's transparency
    return turned


def _rgb(image: Image.Image, label: str, background: tuple[int, int, int]) -> np.ndarray:
    if image.mode.startswith("I"):
        values = np.asarray(image)
        if values.min() < 0 or values.max() > 65535:
            raise DataError(f"{label} holds values outside 0 .. 65535; expected 8 or 16 bits a channel")
        gray = ((values.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)
        return np.repeat(gray[..., None], 3, axis=2)
    if image.mode == "F":
        raise DataError(f"{label} holds floating-point values; expected 8 or 16 bits a channel")
    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, (*background, 255)), image)
    return np.asarray(image.convert("RGB"))
