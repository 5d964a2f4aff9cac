"""Reading photos and masks from files that may be odd, broken or hostile.

A photo becomes uint8 RGB (H, W, 3) with its EXIF orientation applied; a mask becomes an integer array
(H, W) of raw values, never turned by EXIF. `source` is always a path or the file's bytes; errors name
`name` (default: the path). Everything unreadable raises DataError. HEIC photos are read where
pillow-heif is installed. Of an animation the first picture is the photo.

Memory is bounded: reading takes at most `MAX_BYTES`, whatever the file says. A JPEG that would take more (62
megapixels) is decoded at 1/2, 1/4 or 1/8 of its size, and its mask follows (`read_mask_of`). Other photos
that would take more are refused, and so are progressive JPEGs (38 megapixels), as a decoder gathers those at
full size whatever is asked for. Nothing outside this module has to know.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import math
import os
import stat
import warnings
from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageFile

from rvernet_core.errors import DataError

with contextlib.suppress(ImportError):
    importlib.import_module("pillow_heif").register_heif_opener()

Source = str | os.PathLike | bytes

_READERS = Image.registered_extensions()  # suffix -> format, once Pillow has loaded its readers
#: Formats of photos that can be read here.
FORMATS = tuple(
    kind for kind in ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "AVIF", "HEIF") if kind in Image.OPEN
)
LOSSLESS = ("PNG", "TIFF", "BMP", "GIF")  # formats of masks
SUFFIXES = tuple(suffix for suffix, kind in _READERS.items() if kind in (*FORMATS, "MPO"))
MASK_SUFFIXES = tuple(suffix for suffix, kind in _READERS.items() if kind in LOSSLESS)

BACKGROUND = (255, 255, 255)  # shows through transparent pixels, unless another colour is given
MAX_BYTES = 500_000_000  # of memory that reading one photo or mask takes

#: Bytes that reading takes for each pixel, by format (measured at 50 megapixels): decoder, picture, array.
_BYTES = {"WEBP": 17, "HEIF": 12, "AVIF": 12}
_BYTES_GATHERED = 13  # JPEG, progressive or channel by channel
_BYTES_ELSE = 8
_BYTES_MASK = 2  # of one byte a pixel
_PREVIEW_PIXELS = 100_000
_BAND_PIXELS = 2**20  # converted at a time

_ORIENTATION = 0x0112
_PHOTOMETRIC = 262  # TIFF: 0 where the value 0 is white
_TURNED = (5, 6, 7, 8)  # EXIF orientations that exchange width and height
_PACKED = {"L;2": 85, "L;4": 17}  # Pillow stretches 2- and 4-bit gray to 0..255 by this factor
_MASK_MODES = ("1", "L", "P", "PA", "LA", "RGB", "RGBA", "I")  # and I;16 in any order of bytes


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
    16-bit gray is scaled to 8 bit. `exif=False` leaves the pixels as stored. Raises DataError also for
    32 bits a channel, whose white is not stated, and for 16 bits of which only the lowest are used.
    """
    with _opened(source, name) as (image, label):
        _reduce(image, label)
        return _rgb(image, label, background, orientation, exif)


def read_preview(source: Source, name: str | None = None) -> np.ndarray:
    """The photo as stored, uint8 RGB (H, W, 3); a JPEG above 100,000 pixels is read smaller, quickly."""
    with _opened(source, name) as (image, label):
        _reduce(image, label, _PREVIEW_PIXELS)
        return _rgb(image, label, exif=False)


def photo_size(source: Source, name: str | None = None) -> tuple[int, int]:
    """(width, height) of the upright photo in the file, from its header."""
    with _opened(source, name) as (image, label):
        return _sizes(image, label, None)[0]


def check_photo(source: Source, name: str | None = None) -> None:
    """Raise DataError unless the photo can be read to its end (JPEG: at 1/8 size, which is quick)."""
    with _opened(source, name) as (image, label):
        _reduce(image, label, 1)
        _rgb(image, label, exif=False)


# --- masks ------------------------------------------------------------------------------------------


def read_mask(source: Source, name: str | None = None) -> np.ndarray:
    """The mask's raw values, uint8, uint16 or int32 (H, W); a palette mask gives its indices.

    Refused is what may not hold the ids that were drawn: lossy files, colour pictures whose channels
    differ, several pictures in one file, ids under transparent pixels.
    """
    with _opened(source, name) as (image, label):
        packed = _PACKED.get(_raw_mode(image), 1)
        _check_mask_file(image, label)
        dtype = {"I": np.int32, "I;": np.uint16}.get(image.mode[:2], np.uint8)
        values = np.empty(image.size[::-1], dtype)
        for rows, band in _bands(image):
            values[rows] = _ids(np.asarray(band), label)
            values[rows] //= packed
    return values


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


def _check_mask_file(image: ImageFile.ImageFile, label: str) -> None:
    """Raise DataError unless the pixels are the ids that were drawn, and memory can hold them."""
    if image.format not in LOSSLESS or image.info.get("compression") in ("jpeg", "tiff_jpeg", "webp"):
        raise DataError(f"{label} is a {image.format}, maybe lossy; a mask must be lossless, such as a PNG")
    if getattr(image, "is_animated", False):
        raise DataError(f"{label} holds several pictures; expected one mask")
    if _tag(image, _ORIENTATION, 1) != 1 or _has_white_zero(image):
        raise DataError(f"{label} is turned, or 0 is its white; save the mask again as a PNG of class ids")
    packing = _raw_mode(image)
    if not (image.mode.startswith("I;16") or (image.mode in _MASK_MODES and ";16" not in packing)):
        raise DataError(f"{label} holds values of kind {packing}; expected class ids, such as 8-bit gray")
    _check_size(image, label, _BYTES_MASK if image.mode in ("1", "L", "P") else _BYTES_ELSE)


def _ids(values: np.ndarray, label: str) -> np.ndarray:
    """The one value of each pixel, (H, W), of the channels of some rows."""
    if values.ndim == 2:
        return values
    channels = values.shape[2]
    colours = values[..., : channels - 1 + channels % 2]  # without alpha
    if (colours != colours[..., :1]).any():
        raise DataError(f"{label} is a colour picture; expected a mask of class ids")
    if channels % 2 == 0 and (colours[..., 0][values[..., -1] < 255] > 0).any():
        raise DataError(f"{label} holds class ids under transparent pixels; save the mask without alpha")
    return colours[..., 0]


# --- opening ----------------------------------------------------------------------------------------


@contextlib.contextmanager
def _opened(source: Source, name: str | None) -> Iterator[tuple[ImageFile.ImageFile, str]]:
    """(Pillow image, its name in messages); everything that goes wrong meanwhile becomes a DataError."""
    label = name or (f"a photo of {len(source)} bytes" if isinstance(source, bytes) else str(source))
    try:
        if not isinstance(source, bytes) and not stat.S_ISREG(os.stat(source).st_mode):
            raise DataError(f"{label} is not a file; expected a photo or mask")  # a pipe would be waited for
        if (len(source) if isinstance(source, bytes) else os.path.getsize(source)) == 0:
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
        first = _first_bytes(source)
        heic = "; a HEIC photo is read where pillow-heif is installed" * (b"ftyp" in first)
        raise DataError(
            f"{label} begins with {first!r}; expected a photo or mask file ({', '.join(FORMATS)}) "
            f"of 8 or 16 bits a channel{heic}"
        ) from error
    except Image.DecompressionBombError as error:
        raise DataError(f"{label} is larger than any photo or mask may be ({error})") from error
    except Exception as error:  # decoders fail in many ways on damaged files
        if isinstance(error, OSError) and error.errno:
            raise DataError(f"{label} cannot be read ({error.strerror}); make it readable") from error
        raise DataError(f"{label} is damaged or truncated ({error}); fetch or copy it again") from error


def _first_bytes(source: Source) -> bytes:
    if isinstance(source, bytes):
        return source[:12]
    with open(source, "rb") as file:
        return file.read(12)


def _reduce(image: ImageFile.ImageFile, label: str, enough: float = math.inf) -> None:
    """Have a JPEG decoded at 1/2, 1/4 or 1/8 so that at most `enough` pixels arise, or as few as can be.

    Raises DataError where reading would take more than `MAX_BYTES` all the same.
    """
    cost = _BYTES.get(str(image.format), _BYTES_ELSE)
    if image.format in ("JPEG", "MPO"):
        if not _is_decoded_in_one_pass(image):
            cost = _BYTES_GATHERED
            _check_size(image, label, cost)
        (width, height), enough = image.size, min(enough, MAX_BYTES // cost)
        factor = next((f for f in (1, 2, 4, 8) if width * height <= enough * f**2), 8)
        if factor > 1:
            image.draft(None, (max(1, width // factor), max(1, height // factor)))
    _check_size(image, label, cost)


def _check_size(image: ImageFile.ImageFile, label: str, cost: int) -> None:
    """Raise DataError where reading, at `cost` bytes a pixel, would take more than `MAX_BYTES`."""
    if image.width * image.height * cost > MAX_BYTES:
        kind = f"progressive {image.format}" if "progressive" in image.info else image.format
        raise DataError(
            f"{label} has {image.width} x {image.height} pixels; as {kind} at most {MAX_BYTES // cost:,} are "
            "read, to bound memory. Scale photo and mask down"
        )


def _is_decoded_in_one_pass(image: ImageFile.ImageFile) -> bool:
    """Whether a JPEG's first scan holds all channels whole; others are gathered in memory, scan by scan."""
    file = image.fp
    if "progressive" in image.info or file is None:
        return False
    here = file.tell()
    file.seek(2)
    while (head := file.read(4))[:1] == b"\xff" and head[1:2] != b"\xda":  # segments before the first scan
        file.seek(int.from_bytes(head[2:]) - 2, os.SEEK_CUR)
    channels = file.read(1)
    file.seek(here)
    return channels == bytes([getattr(image, "layers", 0)])


def _sizes(
    image: ImageFile.ImageFile, label: str, orientation: int | None
) -> tuple[tuple[int, int], tuple[int, int]]:
    """((width, height) of the file, (width, height) of `read_photo`), both upright."""
    full = image.size
    _reduce(image, label)
    read = image.size
    turned = (_orientation(image) or orientation) in _TURNED
    return ((full[1], full[0]), (read[1], read[0])) if turned else (full, read)


def _orientation(image: Image.Image) -> int | None:
    """The EXIF orientation 1 to 8 still to be applied, or None where the file states none."""
    try:
        value = image.getexif().get(_ORIENTATION)
    except Exception:  # damaged EXIF blocks fail in many ways, and the photo is fine without
        return None
    if value not in range(1, 9):
        return None
    return 1 if image.format == "TIFF" else value  # Pillow turns a TIFF when it decodes it


def _tag(image: ImageFile.ImageFile, number: int, default: int) -> int:
    """A TIFF tag; `default` in other formats."""
    return getattr(image, "tag_v2", {}).get(number, default)


def _has_white_zero(image: ImageFile.ImageFile) -> bool:
    return _tag(image, _PHOTOMETRIC, 1) == 0


def _raw_mode(image: ImageFile.ImageFile) -> str:
    """How the pixels are packed in the file, in Pillow's words, such as RGB;16B; else the mode."""
    arguments = image.tile[0].args if image.tile else None
    return str((arguments if isinstance(arguments, tuple) else (arguments,))[0] or image.mode)


# --- pixels -----------------------------------------------------------------------------------------


def _rgb(
    image: ImageFile.ImageFile,
    label: str,
    background: tuple[int, int, int] = BACKGROUND,
    orientation: int | None = None,
    exif: bool = True,
) -> np.ndarray:
    """The picture as uint8 RGB (H, W, 3); arguments as `read_photo`."""
    packing = _raw_mode(image)  # before EXIF is asked for, which decodes
    gray16 = image.mode.startswith("I;16")
    if image.mode in ("I", "F") or (gray16 and _has_white_zero(image)):
        raise DataError(
            f"{label} holds values of kind {packing}, whose white is not certain; save it in 8 bits"
        )
    turn = (_orientation(image) or orientation or 1) if exif else 1
    width, height = image.size
    photo = np.empty((width, height, 3) if turn in _TURNED else (height, width, 3), np.uint8)
    stored = _turned(photo, {6: 8, 8: 6}.get(turn, turn))  # a view of `photo`, so nothing is copied twice
    for rows, band in _bands(image):
        stored[rows] = (_gray16 if gray16 else _colours)(band, background)
    if (gray16 or ";16" in packing) and photo.max() <= 16:  # 12 bits in 16 give 16 at most
        raise DataError(f"{label} uses only the lowest of its 16 bits, so it is black; save it in 8 bits")
    return photo


def _bands(image: Image.Image) -> Iterator[tuple[slice, Image.Image]]:
    """(rows, their part of the picture), from top to bottom: conversions of the whole would fill memory."""
    count = max(1, _BAND_PIXELS // image.width)
    for top in range(0, image.height, count):
        bottom = min(image.height, top + count)
        yield slice(top, bottom), image.crop((0, top, image.width, bottom))


def _turned(array: np.ndarray, turn: int) -> np.ndarray:
    """A view of an array (H, W, ...) as stored, upright by its EXIF orientation."""
    if turn in (5, 7):
        array = array.swapaxes(0, 1)
    views = {2: array[:, ::-1], 3: array[::-1, ::-1], 4: array[::-1], 7: array[::-1, ::-1]}
    return np.rot90(array, {6: -1, 8: 1}[turn]) if turn in (6, 8) else views.get(turn, array)


def _colours(band: Image.Image, background: tuple[int, int, int]) -> np.ndarray:
    if band.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in band.info:
        band = band.convert("RGBA")
        band = Image.alpha_composite(Image.new("RGBA", band.size, (*background, 255)), band)
    return np.asarray(band.convert("RGB"))


def _gray16(band: Image.Image, background: tuple[int, int, int]) -> np.ndarray:
    values = np.asarray(band).astype(np.uint32)
    photo = np.repeat(((values * 255 + 32767) // 65535).astype(np.uint8)[..., None], 3, axis=2)
    photo[values == band.info.get("transparency", -1)] = background
    return photo
