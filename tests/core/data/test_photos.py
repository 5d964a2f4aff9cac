"""Odd, broken and hostile pictures (the rows of the fault table that concern reading)."""

import io
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from PIL import Image

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
    with pytest.raises(DataError):
        photos.read_photo(tmp_path)


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


def test_fault_18_floating_point_pictures_are_refused():
    with pytest.raises(DataError, match="floating-point"):
        photos.read_photo(encoded(Image.fromarray(np.zeros((3, 3), np.float32)), "TIFF"))
    with pytest.raises(DataError, match="65535"):
        photos.read_photo(encoded(Image.fromarray(np.full((3, 3), 70000, np.int32)), "TIFF"))


def test_fault_19_palette_photos_are_read_as_rgb():
    picture = photo().quantize(64)
    assert picture.mode == "P"
    for kind in ("PNG", "GIF"):
        got = photos.read_photo(encoded(picture, kind))
        np.testing.assert_array_equal(got, np.asarray(picture.convert("RGB")))


@pytest.mark.parametrize("turn", range(1, 9))
def test_fault_21_every_exif_orientation(turn):
    """All eight, against Pillow's own reading of the tag."""
    exif = Image.Exif()
    exif[0x0112] = turn
    data = encoded(photo(), "PNG", exif=exif)
    from PIL import ImageOps

    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))))
    got = photos.read_photo(data)
    np.testing.assert_array_equal(got, expected)
    assert photos.photo_size(data) == got.shape[1::-1]
    np.testing.assert_array_equal(photos.read_photo(data, exif=False), np.asarray(photo()))
    bare = encoded(photo())
    np.testing.assert_array_equal(photos.read_photo(bare, orientation=turn), expected)


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


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_fault_38_a_huge_jpeg_is_read_in_bounded_memory(tmp_path):
    path, mask_path = tmp_path / "huge.jpg", tmp_path / "huge.png"
    strip = photo(12000, 9000, seed=1).convert("L")  # gray: the test itself stays below 110 MB
    strip.save(path, quality=30)
    del strip
    script = (
        "import re, sys; from rvernet_core.data import photos; shape = photos.read_photo(sys.argv[1]).shape; "
        "print(shape, re.search(r'VmHWM:\\s*(\\d+)', open('/proc/self/status').read())[1])"
    )
    done = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True, check=True)
    shape, kilobytes = done.stdout.rsplit(maxsplit=1)
    assert shape == "(4500, 6000, 3)"
    assert int(kilobytes) < 400_000
    assert photos.photo_size(path) == (12000, 9000)
    mask = np.zeros((9000, 12000), np.uint8)
    mask[:4500] = 3
    Image.fromarray(mask).save(mask_path, compress_level=1)
    fitted = photos.read_mask_of(path, mask_path)
    assert fitted.shape == (4500, 6000)
    assert (fitted[:2250] == 3).all()
    assert (fitted[2250:] == 0).all()


def test_fault_38_a_huge_png_is_refused():
    data = png(12000, 9000, 1, 0, [bytes(1500)] * 10)  # refused by its header, before decoding
    for read in (photos.read_photo, photos.check_photo, photos.photo_size):
        with pytest.raises(DataError, match="12000 x 9000"):
            read(data)
    with pytest.raises(DataError, match="larger than any photo"):
        photos.read_photo(png(60000, 60000, 1, 0, [b"0"]))


# --- masks ------------------------------------------------------------------------------------------


def test_fault_20_palette_masks_give_raw_indices():
    values = np.arange(200, dtype=np.uint8).reshape(10, 20)
    picture = Image.fromarray(values).convert("P")
    picture.putdata(values.ravel().tolist())
    picture.putpalette([(255 - i) % 256 for i in range(256) for _ in range(3)])
    for options in ({}, {"transparency": 0}):
        np.testing.assert_array_equal(photos.read_mask(encoded(picture, **options)), values)


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_gray_masks_of_few_bits_are_not_stretched(depth):
    """Pillow scales 2- and 4-bit gray to 0..255; ids must stay ids."""
    packed = {1: 0b10010000, 2: 0b11100100, 4: 0x3F}[depth]
    expected = {1: [1, 0, 0, 1], 2: [3, 2, 1, 0], 4: [3, 15, 3, 15]}[depth]
    row = bytes([packed, packed]) if depth == 4 else bytes([packed])
    assert photos.read_mask(png(4, 1, depth, 0, [row]))[0].tolist() == expected


def test_sixteen_bit_masks():
    values = np.array([[0, 255, 256, 60000]], np.uint16)
    np.testing.assert_array_equal(photos.read_mask(encoded(Image.fromarray(values))), values)


def test_masks_are_never_turned():
    exif = Image.Exif()
    exif[0x0112] = 6
    values = np.arange(12, dtype=np.uint8).reshape(3, 4)
    np.testing.assert_array_equal(photos.read_mask(encoded(Image.fromarray(values), exif=exif)), values)


def test_colour_masks_and_lossy_masks_are_refused():
    with pytest.raises(DataError, match="colour picture"):
        photos.read_mask(encoded(photo()))
    with pytest.raises(DataError, match="lossless"):
        photos.read_mask(encoded(photo().convert("L"), "JPEG"))
    gray = np.arange(12, dtype=np.uint8).reshape(3, 4)
    for mode in ("RGB", "RGBA", "LA"):
        np.testing.assert_array_equal(photos.read_mask(encoded(Image.fromarray(gray).convert(mode))), gray)


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
