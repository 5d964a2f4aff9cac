"""Archives that nobody vouches for."""

import stat
import struct
import zipfile
import zlib

import numpy as np
import pytest

from rvernet_core import files
from rvernet_core.data import archives
from rvernet_core.errors import DataError, FetchError

MEMBERS = {
    "Images/img_dir/train/00000001.jpg": b"photo" * 1000,
    "category_id.txt": b"0\tbackground\n",
    "empty/": b"",
}


def write(path, members=MEMBERS):
    with zipfile.ZipFile(path, "w", compression=zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def altered(data, field, value):
    """The archive with a header field of its first member set, in the member and in the directory.

    `field`: (offset in the member's header, format); the directory holds it two bytes further.
    """
    data = bytearray(data)
    for signature, shift in ((b"PK\3\4", 0), (b"PK\1\2", 2)):
        struct.pack_into(field[1], data, data.index(signature) + field[0] + shift, value)
    return bytes(data)


FLAGS, METHOD, UNPACKED = (6, "<H"), (8, "<H"), (22, "<I")


@pytest.fixture(params=["unzip", "zipfile"])
def tool(request, monkeypatch):
    """Once with the program, once with the standard library alone."""
    if request.param == "zipfile":
        monkeypatch.setattr(archives.shutil, "which", lambda name: None)
    elif archives._unzip() is None:
        pytest.skip("no program unzip")
    return request.param


def zip_crypto(contents, password, deflate=True):
    """A ZipCrypto archive {name: bytes}, byte by byte as published (no Python library writes it)."""
    table = []
    for i in range(256):
        crc = i
        for _ in range(8):
            crc = (crc >> 1) ^ 0xEDB88320 if crc & 1 else crc >> 1
        table.append(crc)
    body, directory = b"", b""
    for name, content in contents.items():
        keys = [0x12345678, 0x23456789, 0x34567890]

        def update(byte, keys=keys):
            keys[0] = (keys[0] >> 8) ^ table[(keys[0] ^ byte) & 255]
            keys[1] = ((keys[1] + (keys[0] & 255)) * 134775813 + 1) & 0xFFFFFFFF
            keys[2] = (keys[2] >> 8) ^ table[(keys[2] ^ (keys[1] >> 24)) & 255]

        for byte in password.encode():
            update(byte)
        crc, packed = zlib.crc32(content), content
        if deflate:
            press = zlib.compressobj(9, zlib.DEFLATED, -15)
            packed = press.compress(content) + press.flush()
        secret = bytearray()
        for byte in bytes(11) + bytes([crc >> 24]) + packed:
            k = keys[2] | 2
            secret.append(byte ^ ((k * (k ^ 1)) >> 8) & 255)
            update(byte)
        raw = name.encode()
        fields = (20, 1, 8 if deflate else 0, 0, 0, crc, len(secret), len(content), len(raw), 0)
        directory += b"PK\1\2" + struct.pack("<HHHHHHIIIHHHHHII", 20, *fields, 0, 0, 0, 0, len(body)) + raw
        body += b"PK\3\4" + struct.pack("<HHHHHIIIHH", *fields) + raw + bytes(secret)
    count = len(contents)
    return (
        body
        + directory
        + b"PK\5\6"
        + struct.pack("<HHHHIIH", 0, 0, count, count, len(directory), len(body), 0)
    )


def nothing_left(folder, *kept):
    return sorted(p.name for p in folder.iterdir()) == sorted(kept)


def unpacked(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


EXPECTED = {name: content for name, content in MEMBERS.items() if not name.endswith("/")}


def test_a_plain_archive_is_unpacked_whole(tmp_path):
    write(tmp_path / "a.zip")
    assert unpacked(archives.extract(tmp_path / "a.zip", tmp_path / "a")) == EXPECTED
    write(tmp_path / "none.zip", {})
    assert unpacked(archives.extract(tmp_path / "none.zip", tmp_path / "none")) == {}


@pytest.mark.parametrize("deflate", [True, False])
def test_zip_crypto_as_the_official_archive_uses_it(tmp_path, deflate, tool):
    rng = np.random.default_rng(0)
    contents = {f"Images/{i:08d}.jpg": rng.bytes(int(rng.integers(0, 400))) + bytes(i) for i in range(30)}
    path = tmp_path / "old.zip"
    path.write_bytes(zip_crypto(contents, "LARCdataset9947", deflate))
    assert unpacked(archives.extract(path, tmp_path / "old", "LARCdataset9947")) == contents


def test_another_program_of_that_name_is_not_used(tmp_path, monkeypatch):
    program = tmp_path / "bin/unzip"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho usage\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    (tmp_path / "old.zip").write_bytes(zip_crypto({"1.jpg": b"photo"}, "secret"))
    assert unpacked(archives.extract(tmp_path / "old.zip", tmp_path / "old", "secret")) == {"1.jpg": b"photo"}


def test_fault_05_killed_in_the_middle_of_extraction(tmp_path, monkeypatch, tool):
    (tmp_path / "a.zip").write_bytes(zip_crypto({str(i): bytes([i]) * 10**5 for i in range(9)}, "x", False))
    copy = archives._copy

    def dying(source, member, target):
        if member.filename == "4":
            raise KeyboardInterrupt
        copy(source, member, target)

    with monkeypatch.context() as patch:
        patch.setattr(archives, "_copy", dying)
        with pytest.raises(KeyboardInterrupt):
            archives.extract(tmp_path / "a.zip", tmp_path / "a", "x")
    assert nothing_left(tmp_path, "a.zip")
    assert len(unpacked(archives.extract(tmp_path / "a.zip", tmp_path / "a", "x"))) == 9


@pytest.mark.parametrize("password", [None, "wrong"])
def test_fault_06_a_wrong_or_missing_password(tmp_path, password, tool):
    (tmp_path / "old.zip").write_bytes(zip_crypto({"1.jpg": b"photo" * 500}, "secret"))
    with pytest.raises(FetchError, match="password"):
        archives.extract(tmp_path / "old.zip", tmp_path / "goal", password)
    assert nothing_left(tmp_path, "old.zip")


def test_damage_in_an_encrypted_archive_is_noticed(tmp_path, tool):
    data = zip_crypto({"1.jpg": bytes(range(256)), "2.jpg": b"photo" * 500}, "secret", deflate=False)
    for place in (0, 100, 1500):  # a header, the first photo, the second
        damaged = bytearray(data)
        damaged[place] ^= 0xFF
        (tmp_path / "old.zip").write_bytes(damaged)
        with pytest.raises(FetchError, match=r"old\.zip.*password is wrong or the archive is damaged"):
            archives.extract(tmp_path / "old.zip", tmp_path / "goal", "secret")
    assert nothing_left(tmp_path, "old.zip")


@pytest.mark.parametrize(
    ("field", "value", "what"),
    [(METHOD, 99, "AES-encrypted"), (FLAGS, 0x41, "cannot open it"), (METHOD, 9, "cannot open it")],
    ids=["AES", "strong encryption", "Deflate64"],
)
def test_fault_07_what_python_cannot_open_names_a_tool_that_can(tmp_path, field, value, what):
    data = altered(zip_crypto({"1.jpg": b"photo" * 500}, "secret"), field, value)
    (tmp_path / "odd.zip").write_bytes(data)
    with pytest.raises(FetchError, match=rf"{what}.*7-Zip \(7z x odd\.zip\).*`root`"):
        archives.extract(tmp_path / "odd.zip", tmp_path / "goal", "secret")
    assert nothing_left(tmp_path, "odd.zip")


@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/etc/evil", "C:\\evil", "..\\evil", "\\evil"])
def test_fault_08_a_member_that_leaves_the_folder_condemns_the_archive(tmp_path, name):
    write(tmp_path / "a.zip", {**MEMBERS, name: b"x"})
    with pytest.raises(FetchError, match="out of its folder"):
        archives.extract(tmp_path / "a.zip", tmp_path / "deep/goal")
    assert nothing_left(tmp_path, "a.zip")


def test_fault_08_links_condemn_the_archive(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        link = zipfile.ZipInfo("link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(FetchError, match="not a plain file"):
        archives.extract(tmp_path / "a.zip", tmp_path / "goal")
    assert nothing_left(tmp_path, "a.zip")


def test_fault_09_a_stated_cap_on_what_it_unpacks_to(tmp_path, monkeypatch):
    write(tmp_path / "bomb.zip", {"zeros": bytes(10**7)})
    assert (tmp_path / "bomb.zip").stat().st_size < 20000
    with pytest.raises(FetchError, match=r"10,000,000 bytes .* at most 1,000,000 "):
        archives.extract(tmp_path / "bomb.zip", tmp_path / "goal", max_bytes=10**6)
    monkeypatch.setattr(archives, "MAX_MEMBERS", 0)
    with pytest.raises(FetchError, match="members"):
        archives.extract(tmp_path / "bomb.zip", tmp_path / "goal")
    assert nothing_left(tmp_path, "bomb.zip")


@pytest.mark.parametrize("encrypted", [False, True])
def test_fault_09_a_member_that_lies_about_its_size(tmp_path, encrypted, tool):
    bomb = {"zeros": bytes(10**6)}
    data = zip_crypto(bomb, "x") if encrypted else write(tmp_path / "a.zip", bomb).read_bytes()
    (tmp_path / "a.zip").write_bytes(altered(data, UNPACKED, 10))
    with pytest.raises(FetchError, match="damaged"):
        archives.extract(tmp_path / "a.zip", tmp_path / "goal", "x")
    assert nothing_left(tmp_path, "a.zip")


def test_fault_04_space_is_checked_before_extraction(tmp_path, monkeypatch):
    write(tmp_path / "a.zip")

    def full(path, needed):
        raise DataError(f"needs {needed} bytes")

    monkeypatch.setattr(files, "check_space", full)
    with pytest.raises(DataError, match="needs 5013 bytes"):
        archives.extract(tmp_path / "a.zip", tmp_path / "goal")
    assert nothing_left(tmp_path, "a.zip")


@pytest.mark.parametrize("content", [b"", b"<!DOCTYPE html>", b"PK\3\4 and no more"])
def test_fault_03_what_is_no_archive_is_refused(tmp_path, content):
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(FetchError, match="not a complete zip"):
        archives.extract(tmp_path / "a.zip", tmp_path / "goal")


def test_a_damaged_member_is_named(tmp_path):
    data = bytearray(write(tmp_path / "a.zip").read_bytes())
    data[60] ^= 0xFF
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(FetchError, match=r"00000001\.jpg"):
        archives.extract(tmp_path / "a.zip", tmp_path / "goal")
    assert nothing_left(tmp_path, "a.zip")


def test_missing_archive(tmp_path):
    with pytest.raises(FetchError, match="cannot be read"):
        archives.extract(tmp_path / "none.zip", tmp_path / "goal")
