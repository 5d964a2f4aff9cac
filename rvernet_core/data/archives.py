"""Unpacking a zip archive from an untrusted source, with ZipCrypto encryption or without.

ZipCrypto is decrypted by the program `unzip` where there is one, else by the standard library, in plain
Python at about 1 MB a second.
"""

from __future__ import annotations

import contextlib
import logging
import re
import shutil
import stat
import subprocess
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO, cast

from tqdm.auto import tqdm

from rvernet_core import files
from rvernet_core.errors import FetchError

log = logging.getLogger(__name__)

MAX_BYTES = 16 * 2**30  # unpacked; FoodSeg103 has about a tenth
MAX_MEMBERS = 200_000

_READABLE = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
_AES = 99  # stands for the method of compression where a member is AES-encrypted
_ENCRYPTED, _STRONG = 0x01, 0x40  # bits of a member's flags; strong: PKWARE's own encryption

Opener = Callable[[zipfile.ZipInfo], IO[bytes]]


def extract(archive: Path, folder: Path, password: str | None = None, max_bytes: int = MAX_BYTES) -> Path:
    """Unpack `archive` into `folder`, which must be new, all of it or nothing; returns `folder`.

    Raises FetchError, before writing anything, if a member's name leaves the folder, if one is a link, if
    it unpacks to more than `max_bytes` or 200,000 members, or if it is AES-encrypted; and later for a
    wrong password and for damage.
    """
    archive = Path(archive)
    with _open(archive) as file:
        _check(archive, file.infolist(), max_bytes)
        members = [member for member in file.infolist() if not member.is_dir()]
        encrypted = any(member.flag_bits & _ENCRYPTED for member in members)
        if encrypted and not password:
            raise FetchError(f"{archive} is encrypted; give the password that its authors published")
        total = sum(member.file_size for member in members)
        files.check_space(folder, total)
        title = f"unpacking {archive.name}"
        with (
            files.atomic_folder(folder) as staging,
            _reader(archive, file, members, password if encrypted else None) as contents,
            tqdm(total=total, desc=title, unit="B", unit_scale=True, disable=None) as bar,
        ):
            for member in members:
                target = staging.joinpath(*_parts(member))
                target.parent.mkdir(parents=True, exist_ok=True)
                try:
                    _copy(contents(member), member, target)
                except (RuntimeError, zipfile.BadZipFile, zlib.error, EOFError, ValueError) as error:
                    cause = "the password is wrong or the archive" if encrypted else "the archive"
                    raise FetchError(
                        f"{archive}: {member.filename!r} cannot be unpacked, {cause} is damaged ({error}); "
                        "fetch it again"
                    ) from error
                bar.update(member.file_size)
    return folder


def _open(archive: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(archive)
    except zipfile.BadZipFile as error:
        with open(archive, "rb") as file:
            head = file.read(12)
        raise FetchError(
            f"{archive} is not a complete zip archive ({error}; it begins with {head!r}); "
            "delete it and fetch it again"
        ) from error
    except OSError as error:
        raise FetchError(f"{archive} cannot be read ({error.strerror})") from error


def _check(archive: Path, members: list[zipfile.ZipInfo], max_bytes: int) -> None:
    """Raise FetchError if the archive must not or cannot be unpacked."""
    for member in members:
        name = member.filename
        kind = stat.S_IFMT(member.external_attr >> 16)
        leaves = ".." in _parts(member) or re.match(r"[/\\]|[A-Za-z]:", name)
        if leaves or "\0" in name or kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            what = "leads out of its folder" if leaves else "is not a plain file"
            raise FetchError(f"{archive}: member {name!r} {what}; nothing was unpacked, so do not use it")
        if member.compress_type not in _READABLE or member.flag_bits & _STRONG:
            how = "AES-encrypted" if member.compress_type == _AES else "packed as Python cannot open it"
            raise FetchError(
                f"{archive}: member {name!r} is {how}; unpack the archive with 7-Zip "
                f"(7z x {archive.name}) and give the folder as `root`"
            )
    total = sum(member.file_size for member in members)
    if total > max_bytes or len(members) > MAX_MEMBERS:
        raise FetchError(
            f"{archive} unpacks to {total:,} bytes in {len(members):,} members; at most {max_bytes:,} "
            f"bytes and {MAX_MEMBERS:,} members are accepted, so nothing was unpacked"
        )


def _parts(member: zipfile.ZipInfo) -> tuple[str, ...]:
    return PurePosixPath(member.filename.replace("\\", "/")).parts


@contextlib.contextmanager
def _reader(
    archive: Path, file: zipfile.ZipFile, members: list[zipfile.ZipInfo], password: str | None
) -> Iterator[Opener]:
    """Yield a function that opens the members one by one, in the order of the archive."""
    program = _unzip() if password else None
    if program and all(member.compress_type in _READABLE[:2] for member in members):
        # -p writes the contents of all members one after the other to a pipe. Names, sizes and checksums
        # stay ours to judge: unzip itself writes no file.
        command = [program, "-p", "-P", password, str(archive.absolute())]
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as process:
            yield lambda member: cast(IO[bytes], process.stdout)
        return
    if password:
        log.warning("no program `unzip` is here, so %s is decrypted slowly", archive.name)
        file.setpassword(password.encode())
    yield file.open


def _unzip() -> str | None:
    """Info-ZIP's program; others of that name do not take a password."""
    program = shutil.which("unzip")
    if program is None:
        return None
    facts = subprocess.run([program, "-v"], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return program if facts.stdout.startswith(b"UnZip") else None


def _copy(source: IO[bytes], member: zipfile.ZipInfo, target: Path) -> None:
    """Write the next `member.file_size` bytes of `source`; ValueError if they are not the member's."""
    left, checksum = member.file_size, 0
    with open(target, "wb") as file:
        while left and (chunk := source.read(min(left, 2**20))):
            file.write(chunk)
            left -= len(chunk)
            checksum = zlib.crc32(chunk, checksum)
    if left or checksum != member.CRC:
        raise ValueError("it ends early" if left else "its checksum differs")
