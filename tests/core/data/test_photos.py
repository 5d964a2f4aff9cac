"""Odd, broken and hostile pictures (the rows of the fault table that concern reading)."""

import io
import os
import struct
import subprocess
import sys
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image, ImageOps

from rvernet_core.data import photos
from rvernet_core.errors import DataError


def photo(width=40, height=30, seed=0):
    coarse = np.random.default_rng(seed).integers(40, 220, (3, 4, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def encoded(picture, kind="PNG", **options):
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def png(width, height, depth, colour, rows):
    """A PNG made by hand, for depths that Pillow does not write. `rows`: packed bytes of each row."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows)))
    return b"\x89PNG\r\n\x1a\n" + head + body + chunk(b"IEND", b"")


# --- photos -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "BMP", "TIFF"])
def test_plain_photos_come_as_stored(kind, tmp_path):
    path = tmp_path / "photo"
    path.write_bytes(encoded(photo(), kind, **({"lossless": True} if kind == "WEBP" else {})))
    got = photos.read_photo(path)
    assert got.dtype == np.uint8
    np.testing.assert_array_equal(got, np.asarray(photo()))
    np.testing.assert_array_equal(photos.read_photo(path.read_bytes()), got)


def test_fault_03_a_web_page_saved_as_a_photo_is_refused(tmp_path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(b"<!DOCTYPE html><html><body>503</body></html>")
    with pytest.raises(DataError, match=r"photo\.jpg begins with b'<!DOCTYPE"):
        photos.read_photo(path)


@pytest.mark.skipif("HEIF" in photos.FORMATS, reason="pillow-heif is installed")
def test_fault_58_a_heic_photo_under_another_name_says_how_to_read_it():
    with pytest.raises(DataError, match="pillow-heif"):
        photos.read_photo(b"\0\0\0\x1cftypheic" + bytes(40))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_fault_14_a_truncated_photo_is_an_error(kind, tmp_path):
    path = tmp_path / "photo"
    data = encoded(photo(200, 150), kind)
    path.write_bytes(data[: len(data) * 2 // 3])
    for read in (photos.read_photo, photos.check_photo):
        with pytest.raises(DataError, match="damaged or truncated"):
            read(path)
    path.write_bytes(data)
    photos.check_photo(path)


def test_fault_15_a_zero_byte_photo_is_an_error(tmp_path):
    path = tmp_path / "photo.jpg"
    path.touch()
    for source in (path, b""):
        with pytest.raises(DataError, match="no bytes"):
            photos.read_photo(source)
    with pytest.raises(DataError, match="does not exist"):
        photos.read_photo(tmp_path / "none.jpg")
    with pytest.raises(DataError, match="not a file"):
        photos.read_photo(tmp_path)
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(DataError, match="not a file"):  # and is not waited for
        photos.read_photo(tmp_path / "pipe.jpg")


def test_fault_15_a_photo_that_may_not_be_read_is_not_called_damaged(tmp_path, monkeypatch):
    path = tmp_path / "photo.jpg"
    photo().save(path)

    def refused(*arguments, **options):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Image, "open", refused)
    with pytest.raises(DataError, match=r"photo\.jpg cannot be read \(Permission denied\)"):
        photos.read_photo(path)


def test_fault_16_cmyk_is_read_as_rgb():
    got = photos.read_photo(encoded(photo().convert("CMYK"), "JPEG", quality=95))
    assert got.shape == (30, 40, 3)
    assert np.abs(got.astype(int) - np.asarray(photo())).mean() < 4


def test_fault_17_gray_becomes_rgb():
    gray = photo().convert("L")
    got = photos.read_photo(encoded(gray))
    np.testing.assert_array_equal(got, np.asarray(gray)[..., None].repeat(3, axis=2))


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_fault_17_transparency_shows_the_stated_background(mode):
    picture = photo().convert(mode)
    alpha = np.zeros((30, 40), np.uint8)
    alpha[:, 20:] = 255
    picture.putalpha(Image.fromarray(alpha))
    got = photos.read_photo(encoded(picture))
    assert (got[:, :20] == 255).all()
    np.testing.assert_array_equal(got[:, 20:], np.asarray(picture.convert("RGB"))[:, 20:])
    assert (photos.read_photo(encoded(picture), background=(1, 2, 3))[:, :20] == [1, 2, 3]).all()


def test_fault_17_a_transparent_colour_without_an_alpha_channel():
    picture = Image.new("RGB", (4, 4), (10, 20, 30))
    got = photos.read_photo(encoded(picture, transparency=(10, 20, 30)))
    assert (got == 255).all()


def test_fault_18_sixteen_bits_are_scaled_and_not_clipped():
    levels = np.linspace(0, 65535, 256).round().astype(np.uint16).reshape(16, 16)
    got = photos.read_photo(encoded(Image.fromarray(levels)))
    np.testing.assert_array_equal(got[..., 0].ravel(), np.arange(256))
    rows = [b"".join(struct.pack(">HHH", v, 65535 - v, 0) for v in (0, 20000, 65535))]
    got = photos.read_photo(png(3, 1, 16, 2, rows))
    np.testing.assert_allclose(got[0], [[0, 255, 0], [78, 177, 0], [255, 0, 0]], atol=1)


def test_fault_18_bits_that_are_not_used_are_no_reason_for_a_black_photo():
    """0 .. 255 stored in 16 bits, gray or colour: scaled as the file says, 200 would become 1."""
    dark = np.full((4, 4), 200, np.uint16)
    colour = png(4, 1, 16, 2, [b"".join(struct.pack(">HHH", 200, 100, 50) for _ in range(4))])
    twelve = encoded(Image.fromarray(np.full((4, 4), 4095, np.uint16)))
    for data in (encoded(Image.fromarray(dark)), encoded(Image.fromarray(dark), "TIFF"), colour, twelve):
        for read in (photos.read_photo, photos.check_photo, photos.read_preview):
            with pytest.raises(DataError, match="lowest of its 16 bits"):
                read(data)


def test_fault_18_a_transparent_gray_of_sixteen_bits():
    levels = np.array([[20000, 40000]], np.uint16)
    got = photos.read_photo(encoded(Image.fromarray(levels), transparency=40000))
    assert got.tolist() == [[[78] * 3, [255] * 3]]


@pytest.mark.parametrize("dtype", [np.int32, np.float32])
@pytest.mark.parametrize("white", [1, 200, 65535, 2**31 - 128])
def test_fault_63_pictures_of_32_bits_are_refused(dtype, white):
    data = encoded(Image.fromarray(np.full((3, 3), white, dtype)), "TIFF")
    for read in (photos.read_photo, photos.check_photo, photos.read_preview):
        with pytest.raises(DataError, match="white is not certain; save it in 8 bits"):
            read(data)


def test_fault_18_white_that_is_zero_is_not_taken_for_black():
    bright = np.array([[250, 10]], np.uint8)
    inverse, deep = (  # Pillow inverts 8 bits when it writes and reads, and leaves 16 as they are
        encoded(Image.fromarray(values), "TIFF", tiffinfo={262: 0})
        for values in (bright, bright.astype(np.uint16) * 257)
    )
    assert photos.read_photo(inverse)[0, :, 0].tolist() == [250, 10]
    with pytest.raises(DataError, match="white is not certain"):
        photos.read_photo(deep)
    for data in (inverse, deep):
        with pytest.raises(DataError, match="0 is its white"):
            photos.read_mask(data)


def test_fault_19_palette_photos_are_read_as_rgb():
    picture = photo().quantize(64)
    assert picture.mode == "P"
    for kind in ("PNG", "GIF"):
        got = photos.read_photo(encoded(picture, kind))
        np.testing.assert_array_equal(got, np.asarray(picture.convert("RGB")))


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "JPEG", "WEBP"])
@pytest.mark.parametrize("turn", range(1, 9))
def test_fault_21_every_exif_orientation(turn, kind):
    """All eight, against Pillow's own reading of the tag (which turns a TIFF by itself)."""
    exif = Image.Exif()
    exif[0x0112] = turn
    data = encoded(photo(), kind, exif=exif)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))))
    got = photos.read_photo(data)
    np.testing.assert_array_equal(got, expected)
    assert photos.photo_size(data) == got.shape[1::-1]
    if kind == "PNG":
        np.testing.assert_array_equal(photos.read_photo(data, exif=False), np.asarray(photo()))
        np.testing.assert_array_equal(photos.read_photo(encoded(photo()), orientation=turn), expected)


def test_damaged_exif_is_no_reason_to_lose_a_photo():
    data = encoded(photo(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff garbage")
    assert photos.read_photo(data).shape == (30, 40, 3)


def test_fault_38_one_pixel():
    assert photos.read_photo(encoded(Image.new("RGB", (1, 1), (9, 8, 7)))).tolist() == [[[9, 8, 7]]]


def test_a_preview_is_smaller_where_the_photo_is_large(tmp_path):
    large, small = tmp_path / "large.jpg", tmp_path / "small.jpg"
    photo(800, 600).save(large, quality=95)
    photo(200, 150).save(small, quality=95)
    preview = photos.read_preview(large)
    assert preview.shape == (150, 200, 3)
    assert np.abs(preview.astype(int) - np.asarray(photo(800, 600).resize((200, 150)))).mean() < 3
    np.testing.assert_array_equal(photos.read_preview(small), photos.read_photo(small))


PEAK = """
import re, sys
from rvernet_core.data import photos
def peak():
    return int(re.search(r"VmHWM:\\s*(\\d+)", open("/proc/self/status").read())[1])
before = peak()
try:
    print(getattr(photos, sys.argv[1])(sys.argv[2]).shape, peak() - before, sep=";")
except photos.DataError as error:
    print(error, peak() - before, sep=";")
"""


def outcome_and_peak(function, path):
    """What the function of `photos` says of the file, and the memory that it takes, in a fresh process."""
    done = subprocess.run(
        [sys.executable, "-c", PEAK, function, path], capture_output=True, text=True, check=True
    )
    said, kilobytes = done.stdout.rsplit(";", 1)
    return said, int(kilobytes) * 1024


@pytest.fixture(scope="module")
def huge(tmp_path_factory):
    """12,000 x 9,000 pixels as baseline JPEG (gray: the test itself stays below 110 MB) and a mask."""
    folder = tmp_path_factory.mktemp("huge")
    strip = photo(12000, 9000, seed=1).convert("L")
    strip.save(folder / "huge.jpg", quality=30)
    mask = np.zeros((9000, 12000), np.uint8)
    mask[:4500] = 3
    Image.fromarray(mask).save(folder / "huge.png", compress_level=1)
    return folder


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_fault_38_a_huge_jpeg_is_read_in_bounded_memory(huge):
    said, peak = outcome_and_peak("read_photo", huge / "huge.jpg")
    assert said == "(4500, 6000, 3)"
    assert peak < 27e6 * 8
    assert photos.photo_size(huge / "huge.jpg") == (12000, 9000)
    fitted = photos.read_mask_of(huge / "huge.jpg", huge / "huge.png")
    assert fitted.shape == (4500, 6000)
    assert (fitted[:2250] == 3).all()
    assert (fitted[2250:] == 0).all()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("function", ["read_photo", "check_photo", "read_preview", "photo_size"])
def test_fault_53_a_huge_progressive_jpeg_is_refused_before_it_fills_memory(huge, function):
    path = huge / "progressive.jpg"
    if not path.exists():
        with warnings.catch_warnings(action="ignore"), Image.open(huge / "huge.jpg") as strip:
            strip.save(path, quality=30, progressive=True)
    said, peak = outcome_and_peak(function, path)
    assert "12000 x 9000 pixels; as progressive JPEG at most 38,461,538" in said
    assert peak < 50e6


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "progressive"])
def test_fault_53_what_is_read_takes_what_is_promised(kind, tmp_path, monkeypatch):
    """Six megapixels at the stated bytes a pixel; the cap is a number of such pixels."""
    options = {"progressive": True, "subsampling": 0} if kind == "progressive" else {}
    path = tmp_path / "photo"
    kind = "JPEG" if options else kind
    photo(3000, 2000).save(path, kind, quality=30, **options)
    cost = 13 if options else photos._BYTES.get(kind, photos._BYTES_ELSE)
    said, peak = outcome_and_peak("read_photo", path)
    assert said == "(2000, 3000, 3)"
    assert peak < 6e6 * cost + 20e6  # whatever a decoder is made of
    monkeypatch.setattr(photos, "MAX_BYTES", 6_000_000 * cost)
    assert photos.read_photo(path).shape == (2000, 3000, 3)
    monkeypatch.setattr(photos, "MAX_BYTES", 6_000_000 * cost - 1)
    if kind == "JPEG" and not options:
        assert photos.read_photo(path).shape == (1000, 1500, 3)
    else:
        with pytest.raises(DataError, match="to bound memory"):
            photos.read_photo(path)


def test_fault_53_channels_one_after_the_other_are_gathered_like_a_progressive_jpeg(monkeypatch):
    """A first scan of one channel of three: a decoder needs all scans before the first pixel."""
    data = encoded(photo(), "JPEG")
    scan = data.index(b"\xff\xda")
    monkeypatch.setattr(photos, "MAX_BYTES", 40 * 30 * photos._BYTES_ELSE - 1)
    assert photos.photo_size(data) == (40, 30)  # at half size
    alone = data[:scan] + b"\xff\xda\0\x08\x01" + data[scan + 5 : scan + 7] + data[scan + 11 :]
    with pytest.raises(DataError, match="to bound memory"):
        photos.photo_size(alone)


def test_fault_38_a_huge_png_is_refused():
    data = png(12000, 9000, 1, 0, [bytes(1500)] * 10)  # refused by its header, before decoding
    for read in (photos.read_photo, photos.check_photo, photos.photo_size):
        with pytest.raises(DataError, match="12000 x 9000"):
            read(data)
    for read in (photos.read_photo, photos.read_mask):
        with pytest.raises(DataError, match="larger than any photo"):
            read(png(60000, 60000, 1, 0, [b"0"]))
    with pytest.raises(DataError, match="12000 x 9000 pixels; as PNG at most 62,500,000"):
        photos.read_mask(png(12000, 9000, 16, 0, [b"0"]))


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "CMYK", "RGBA", "LA", "1"])
def test_a_photo_is_the_same_whatever_the_bands_in_which_it_is_converted(mode, monkeypatch):
    data = encoded(photo().convert(mode), "TIFF")
    whole = photos.read_photo(data, orientation=6)
    monkeypatch.setattr(photos, "_BAND_PIXELS", 70)
    np.testing.assert_array_equal(photos.read_photo(data, orientation=6), whole)


# --- masks ------------------------------------------------------------------------------------------


def test_fault_20_palette_masks_give_raw_indices():
    values = np.arange(200, dtype=np.uint8).reshape(10, 20)
    picture = Image.fromarray(values).convert("P")
    picture.putdata(values.ravel().tolist())
    picture.putpalette([(255 - i) % 256 for i in range(256) for _ in range(3)])
    for options in ({}, {"transparency": 0}):
        np.testing.assert_array_equal(photos.read_mask(encoded(picture, **options)), values)


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_fault_20_gray_masks_of_few_bits_are_not_stretched(depth):
    """Pillow scales 2- and 4-bit gray to 0..255; ids must stay ids."""
    packed = {1: 0b10010000, 2: 0b11100100, 4: 0x3F}[depth]
    expected = {1: [1, 0, 0, 1], 2: [3, 2, 1, 0], 4: [3, 15, 3, 15]}[depth]
    row = bytes([packed, packed]) if depth == 4 else bytes([packed])
    assert photos.read_mask(png(4, 1, depth, 0, [row]))[0].tolist() == expected


def test_sixteen_bit_masks():
    values = np.array([[0, 255, 256, 60000]], np.uint16)
    np.testing.assert_array_equal(photos.read_mask(encoded(Image.fromarray(values))), values)


def test_fault_21_masks_are_never_turned():
    exif = Image.Exif()
    exif[0x0112] = 6
    values = np.arange(12, dtype=np.uint8).reshape(3, 4)
    np.testing.assert_array_equal(photos.read_mask(encoded(Image.fromarray(values), exif=exif)), values)


def test_fault_23_masks_that_may_not_hold_the_ids_that_were_drawn_are_refused():
    gray = Image.fromarray(np.arange(12, dtype=np.uint8).reshape(3, 4))
    turned = Image.Exif()
    turned[0x0112] = 6
    for data, message in [
        (encoded(photo()), "colour picture"),
        (encoded(gray, "JPEG"), "lossless"),
        (encoded(gray, "WEBP"), "lossless"),
        (encoded(gray, "TIFF", compression="jpeg"), "lossless"),
        (encoded(gray.convert("CMYK"), "TIFF"), "kind CMYK"),
        (encoded(gray.convert("F"), "TIFF"), "kind F"),
        (png(1, 1, 16, 2, [struct.pack(">HHH", 3, 3, 3)]), "kind RGB;16B"),
        (png(1, 1, 16, 4, [struct.pack(">HH", 3, 65535)]), "kind LA;16B"),
        (encoded(gray, "GIF", save_all=True, append_images=[Image.new("L", (4, 3), 9)]), "several pictures"),
        (encoded(gray, "TIFF", save_all=True, append_images=[gray]), "several pictures"),
        (encoded(gray, "TIFF", exif=turned), "is turned"),
        (encoded(Image.new("RGBA", (2, 2), (5, 5, 5, 0))), "transparent pixels"),
        (encoded(Image.new("LA", (2, 2), (5, 100))), "transparent pixels"),
    ]:
        with pytest.raises(DataError, match=message):
            photos.read_mask(data)


def test_gray_masks_stored_in_colour():
    gray = np.arange(12, dtype=np.uint8).reshape(3, 4)
    for mode in ("RGB", "RGBA", "LA"):
        for kind in ("PNG", "TIFF"):
            data = encoded(Image.fromarray(gray).convert(mode), kind)
            np.testing.assert_array_equal(photos.read_mask(data), gray)
    assert photos.read_mask(encoded(Image.new("RGBA", (1, 1), (0, 0, 0, 0)))).tolist() == [[0]]


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP", "GIF"])
def test_fault_20_a_mask_of_two_values(kind):
    data = encoded(Image.fromarray(np.array([[True, False]])), kind)
    assert (photos.read_mask(data) > 0).tolist() == [[True, False]]


def test_fault_22_a_mask_of_another_size_is_never_resized(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    photo(4, 3).save(tmp_path / "a.jpg", exif=exif)
    Image.new("L", (4, 3)).save(tmp_path / "a.png")
    with pytest.raises(photos.SizeMismatchError, match=r"a\.png: mask is 4 x 3, photo is 3 x 4"):
        photos.read_mask_of(tmp_path / "a.jpg", tmp_path / "a.png")
    Image.new("L", (3, 4), 7).save(tmp_path / "a.png")
    assert photos.read_mask_of(tmp_path / "a.jpg", tmp_path / "a.png").shape == (4, 3)


def test_fault_23_foreign_ids():
    mask = np.array([[0, 1, 1], [2, 255, 104]])
    with pytest.raises(DataError, match="class id 104, 255"):
        photos.class_areas(mask, 103, "a.png")
    with pytest.raises(DataError, match="class id 104;"):
        photos.class_areas(mask, 103, "a.png", ignore=255)
    assert photos.class_areas(mask, 104, "a.png", ignore=255) == {1: 2, 2: 1, 104: 1}


def test_fault_24_a_mask_without_background():
    assert photos.class_areas(np.array([[1, 2]]), 3, "a.png") == {1: 1, 2: 1}
