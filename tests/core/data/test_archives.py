"""Archives that nobody vouches for."""

import contextlib
import errno
import random
import stat
import struct
import warnings
import zipfile
import zlib

import numpy as np
import pytest

from rvernet_core import files
from rvernet_core.data import archives
from rvernet_core.errors import DataError, FetchError
from rvernet_core.sealed import SEAL

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
    """Path -> content of all files but the seal."""
    found = {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    assert found.pop(SEAL)
    return found


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


def test_fault_06_a_wrong_password(tmp_path, tool):
    (tmp_path / "old.zip").write_bytes(zip_crypto({"1.jpg": b"photo" * 500}, "secret"))
    with pytest.raises(FetchError, match="password is wrong"):
        archives.extract(tmp_path / "old.zip", tmp_path / "goal", "wrong")
    assert nothing_left(tmp_path, "old.zip")


@pytest.mark.parametrize("password", [None, ""])
def test_fault_06_a_missing_password_is_asked_for_before_anything_is_written(tmp_path, password, monkeypatch):
    (tmp_path / "old.zip").write_bytes(zip_crypto({"1.jpg": b"photo" * 500}, "secret"))
    monkeypatch.setattr(files, "atomic_folder", None)
    with pytest.raises(FetchError, match=r"old\.zip is encrypted; give the password"):
        archives.extract(tmp_path / "old.zip", tmp_path / "goal", password)


@pytest.mark.parametrize("password", ["-secret", "ä ö", "x\0y"])
def test_fault_06_passwords_that_a_command_line_would_not_carry(tmp_path, password):
    (tmp_path / "old.zip").write_bytes(zip_crypto({"1.jpg": b"photo" * 500}, password))
    archives.extract(tmp_path / "old.zip", tmp_path / "goal", password)
    assert unpacked(tmp_path / "goal") == {"1.jpg": b"photo" * 500}


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
    [(METHOD, 99, "AES-encrypted"), (FLAGS, 0x41, "safely open it"), (METHOD, 9, "safely open it")],
    ids=["AES", "strong encryption", "Deflate64"],
)
def test_fault_07_what_python_cannot_open_names_a_tool_that_can(tmp_path, field, value, what):
    data = altered(zip_crypto({"1.jpg": b"photo" * 500}, "secret"), field, value)
    (tmp_path / "odd.zip").write_bytes(data)
    with pytest.raises(FetchError, match=rf"{what}.*7-Zip \(7z x odd\.zip\).*`root`"):
        archives.extract(tmp_path / "odd.zip", tmp_path / "goal", "secret")
    assert nothing_left(tmp_path, "odd.zip")


def refused(folder, members, match):
    """Assert that an archive of (name or ZipInfo, bytes) members is refused before anything is written."""
    with zipfile.ZipFile(folder / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a name that comes twice
        for name, content in [*MEMBERS.items(), *members]:
            archive.writestr(name, content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "atomic_folder", None)
        with pytest.raises(FetchError, match=match):
            archives.extract(folder / "a.zip", folder / "deep/goal")
    assert nothing_left(folder, "a.zip")


@pytest.mark.parametrize(
    "name", ["../evil", "a/../../evil", "/etc/evil", "C:\\evil", "C:evil", "..\\evil", "\\evil"]
)
def test_fault_08_a_member_that_leaves_the_folder_condemns_the_archive(tmp_path, name):
    refused(tmp_path, [(name, b"x")], "out of its folder")


@pytest.mark.parametrize("kind", ["S_IFLNK", "S_IFCHR", "S_IFBLK", "S_IFIFO", "S_IFSOCK"])
def test_fault_08_links_and_devices_condemn_the_archive(tmp_path, kind):
    link = zipfile.ZipInfo("link")
    link.external_attr = (getattr(stat, kind) | 0o777) << 16
    refused(tmp_path, [(link, "/etc/passwd")], "not a plain file")


@pytest.mark.parametrize("name", [".", "./a", "a/./b", "a//b", "a\\b", "ab:c", "a\nb", "a\x1b[31m"])
def test_fault_62_a_name_that_no_file_can_have(tmp_path, name):
    refused(tmp_path, [(name, b"x")], "no file can have everywhere")


def test_fault_62_a_name_with_a_nul(tmp_path):
    write(tmp_path / "a.zip", {"Images/aXX.jpg": b"x"})
    (tmp_path / "a.zip").write_bytes((tmp_path / "a.zip").read_bytes().replace(b"aXX", b"a\0\0"))
    with pytest.raises(FetchError, match="no file can have everywhere"):
        archives.extract(tmp_path / "a.zip", tmp_path / "goal")


@pytest.mark.parametrize(("name", "length"), [("a" * 300, 300), ("x/" + "ä" * 200 + "/y", 400)])
def test_fault_62_a_name_that_is_too_long(tmp_path, name, length):
    refused(tmp_path, [(name, b"x")], f"name of {length} bytes")


@pytest.mark.parametrize("name", ["a/" * 5000 + "b", "a/" * 5000])
def test_fault_62_five_thousand_folders_deep(tmp_path, name):
    refused(tmp_path, [(name, b"x" if name.endswith("b") else b"")], "folders deep")


@pytest.mark.parametrize(
    "names",
    [
        ("a", "a/b"),
        ("a/b", "a"),
        ("a/", "a"),
        ("a", "a"),
        ("a/b", "A/c"),
        ("a/b", "a/B"),
        ("\u00e9", "e\u0301"),
    ],
)
def test_fault_62_two_members_of_one_place(tmp_path, names):
    refused(tmp_path, [(name, b"" if name.endswith("/") else b"x") for name in names], "has the place of")


def test_a_member_in_the_place_of_the_seal(tmp_path):
    refused(tmp_path, [(SEAL, b"x")], "has the place of")


def test_the_archives_own_path_may_look_like_a_pattern(tmp_path, tool):
    path = tmp_path / "[a] *?" / "old [1].zip"
    path.parent.mkdir()
    path.write_bytes(zip_crypto({"1.jpg": b"photo"}, "secret"))
    assert unpacked(archives.extract(path, tmp_path / "old", "secret")) == {"1.jpg": b"photo"}


def test_fault_62_an_encrypted_bomb(tmp_path, monkeypatch):
    (tmp_path / "bomb.zip").write_bytes(zip_crypto({"zeros": bytes(7 * 10**7)}, "x"))
    assert (tmp_path / "bomb.zip").stat().st_size < 10**5
    monkeypatch.setattr(files, "atomic_folder", None)
    with pytest.raises(FetchError, match=r"70,000,000 bytes .* at most 67,108,864 "):
        archives.extract(tmp_path / "bomb.zip", tmp_path / "goal", "x")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_fault_62_what_python_unpacks_in_unbounded_memory(tmp_path, method):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", method) as archive:
        archive.writestr("zeros", bytes(10**6))
    with pytest.raises(FetchError, match="safely open it"):
        archives.extract(tmp_path / "a.zip", tmp_path / "goal")


def test_fault_62_a_table_of_members_larger_than_an_honest_one(tmp_path):
    entry = struct.pack("<4sHHHHHHIIIHHHHHII", b"PK\1\2", 20, 20, *[0] * 7, 1, *[0] * 6) + b"a"
    table = entry * 200_000
    end = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, 65535, 65535, len(table), 0, 0)
    (tmp_path / "a.zip").write_bytes(table + end)
    with pytest.raises(FetchError, match=r"table of members has 9,400,000 bytes"):
        archives.extract(tmp_path / "a.zip", tmp_path / "goal")


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


def test_fault_04_a_disk_that_fills_up_during_extraction(tmp_path, monkeypatch):
    write(tmp_path / "a.zip")

    def full(source, member, target):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(archives, "_copy", full)
    with pytest.raises(DataError, match="the disk is full"):
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


def test_damage_anywhere_is_the_projects_own_error(tmp_path):
    """Bytes changed at random in three archives: unpacked, or refused by FetchError, never anything else."""
    chance = random.Random(0)
    sound = [
        write(tmp_path / "a.zip").read_bytes(),
        zip_crypto({"a": b"photo" * 50, "b/c": b"y" * 99}, "x"),
        zip_crypto({"a": b"photo" * 50}, "x", deflate=False),
    ]
    for number in range(60):
        data = bytearray(sound[number % 3])
        for _ in range(chance.choice((1, 2, 5))):
            data[chance.randrange(len(data))] = chance.randrange(256)
        (tmp_path / "a.zip").write_bytes(data)
        with contextlib.suppress(FetchError):
            archives.extract(tmp_path / "a.zip", tmp_path / f"goal{number}", "x")
