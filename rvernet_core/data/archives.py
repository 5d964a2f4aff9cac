"""Unpacking a zip archive that nobody vouches for, encrypted or not."""

from __future__ import annotations

import re
import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from tqdm.auto import tqdm

from rvernet_core import files
from rvernet_core.data import zipcrypto
from rvernet_core.errors import FetchError

MAX_BYTES = 16 * 2**30  # unpacked; FoodSeg103 has about a tenth
MAX_MEMBERS = 200_000

_LANES = 1024  # members decrypted together ...
_TOGETHER = 96 * 2**20  # ... and the most bytes that they may take, filled up to the longest


def extract(archive: Path, goal: Path, password: str | None = None, max_bytes: int = MAX_BYTES) -> Path:
    """Unpack `archive` into the new folder `goal`, all of it or nothing; returns `goal`.

    Refuses the whole archive, before writing anything, if a member's name leaves the folder, if one
    is a link, or if it unpacks to more than `max_bytes` or 200,000 members. Reads ZipCrypto and AES.
    """
    archive = Path(archive)
    with _opened(archive) as file:
        members = file.infolist()
        total = _check(archive, members, max_bytes)
        if any(member.flag_bits & 1 for member in members) and not password:
            raise FetchError(f"{archive} is encrypted; give the password that its authors published")
        files.check_space(goal, total)
        title = f"unpacking {archive.name}"
        with (
            files.atomic_folder(goal) as staging,
            tqdm(total=total, desc=title, unit="B", unit_scale=True, disable=None) as bar,
        ):
            inside = [member for member in members if not member.is_dir()]
            classic = [member for member in inside if _is_zipcrypto(member)]
            for member, content in _decrypted(archive, classic, (password or "").encode()):
                _target(staging, member).write_bytes(content)
                bar.update(member.file_size)
            file.setpassword(password.encode() if password else None)
            for member in inside:
                if not _is_zipcrypto(member):
                    _copy(archive, file, member, _target(staging, member))
                    bar.update(member.file_size)
    return goal


def _opened(archive: Path) -> Any:
    import pyzipper

    try:
        return pyzipper.AESZipFile(archive)
    except (zipfile.BadZipFile, pyzipper.BadZipFile) as error:
        with open(archive, "rb") as file:
            head = file.read(12)
        raise FetchError(
            f"{archive} is not a complete zip archive ({error}; it begins with {head!r}); "
            "delete it and fetch it again"
        ) from error
    except OSError as error:
        raise FetchError(f"{archive} cannot be read ({error.strerror})") from error


def _check(archive: Path, members: list[Any], max_bytes: int) -> int:
    """Bytes that the archive unpacks to; FetchError if it must not be unpacked."""
    for member in members:
        name = member.filename
        kind = stat.S_IFMT(member.external_attr >> 16)
        leaves = ".." in PurePosixPath(name.replace("\\", "/")).parts or re.match(r"[/\\]|[A-Za-z]:", name)
        if leaves or "\0" in name or kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            what = "leads out of its folder" if leaves else "is not a plain file"
            raise FetchError(f"{archive}: member {name!r} {what}; nothing was unpacked, so do not use it")
    total = sum(member.file_size for member in members)
    if total > max_bytes or len(members) > MAX_MEMBERS:
        raise FetchError(
            f"{archive} unpacks to {total:,} bytes in {len(members):,} members; at most {max_bytes:,} "
            f"bytes and {MAX_MEMBERS:,} members are accepted, so nothing was unpacked"
        )
    return total


def _target(staging: Path, member: Any) -> Path:
    target = staging.joinpath(*PurePosixPath(member.filename.replace("\\", "/")).parts)
    target.parent.mkdir(parents=True, exist_ok=True)
    return target


# --- plain and AES members, one by one --------------------------------------------------------------


def _copy(archive: Path, file: Any, member: Any, target: Path) -> None:
    import pyzipper

    try:
        with file.open(member) as source, open(target, "wb") as goal:
            shutil.copyfileobj(source, goal, 2**20)
    except NotImplementedError as error:
        raise FetchError(
            f"{archive} is packed in a way that Python cannot open ({error}); "
            f"unpack it with 7-Zip (7z x {archive.name}) and give the folder as `root`"
        ) from error
    except RuntimeError as error:
        raise FetchError(f"{archive}: the password does not open {member.filename!r} ({error})") from error
    except (zipfile.BadZipFile, pyzipper.BadZipFile, zlib.error, EOFError) as error:
        raise _spoilt(archive, member, str(error)) from error


# --- ZipCrypto members, many together ---------------------------------------------------------------


def _is_zipcrypto(member: Any) -> bool:
    aes = getattr(member, "wz_aes_version", None) is not None
    strong = bool(member.flag_bits & 0x40)
    known = member.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
    return bool(member.flag_bits & 1) and known and not aes and not strong


def _decrypted(archive: Path, members: list[Any], password: bytes) -> Iterator[tuple[Any, bytes]]:
    """(member, its content) for all members, the short ones first: a wrong password shows at once."""
    queue = sorted(members, key=lambda member: member.compress_size)
    with open(archive, "rb") as file:
        while queue:
            count = 1
            while count < min(_LANES, len(queue)) and queue[count].compress_size * (count + 1) <= _TOGETHER:
                count += 1
            group, queue = queue[:count], queue[count:]
            contents = zipcrypto.decrypt([_raw(archive, file, member) for member in group], password)
            for member, content in zip(group, contents, strict=True):
                yield member, _inflated(archive, member, content)


def _raw(archive: Path, file: Any, member: Any) -> bytes:
    """The member's bytes as they lie in the archive, encryption header included."""
    file.seek(member.header_offset)
    head = file.read(30)
    if len(head) < 30 or head[:4] != b"PK\3\4":
        raise _spoilt(archive, member, "no header where the directory says")
    name_length, extra_length = struct.unpack("<HH", head[26:30])
    file.seek(name_length + extra_length, 1)
    raw = file.read(member.compress_size)
    if len(raw) < max(member.compress_size, zipcrypto.HEADER):
        raise _spoilt(archive, member, "it ends early")
    return raw


def _inflated(archive: Path, member: Any, content: bytes) -> bytes:
    if member.compress_type == zipfile.ZIP_DEFLATED:
        try:
            content = zlib.decompressobj(-zlib.MAX_WBITS).decompress(content, member.file_size + 1)
        except zlib.error as error:
            raise _spoilt(archive, member, str(error)) from error
    if len(content) != member.file_size or zlib.crc32(content) != member.CRC:
        raise _spoilt(archive, member, "its checksum differs")
    return content


def _spoilt(archive: Path, member: Any, why: str) -> FetchError:
    cause = (
        "the password is wrong or the archive is damaged"
        if member.flag_bits & 1
        else "the archive is damaged"
    )
    return FetchError(f"{archive}: {member.filename!r} cannot be unpacked, {cause} ({why}); fetch it again")
