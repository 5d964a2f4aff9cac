"""Unpacking a zip archive from an untrusted source, with ZipCrypto encryption or without.

ZipCrypto is decrypted by the program `unzip` where there is one, else by the standard library, in plain
Python at about 1 MB a second.
"""

from __future__ import annotations

import contextlib
import io
import logging
import re
import shutil
import stat
import subprocess
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, cast

from tqdm.auto import tqdm

from rvernet_core.errors import FetchError
from rvernet_core.sealed import SEAL, sealed_folder

log = logging.getLogger(__name__)

MAX_BYTES = 16 * 2**30  # unpacked; FoodSeg103 has about a tenth
MAX_MEMBERS = 100_000  # FoodSeg103 has about 14,000
MAX_DEPTH = 32  # folders within folders
MAX_RATIO = 100  # unpacked bytes per packed byte, above 64 MiB; photos and masks hardly shrink

_PIECE = 2**20  # bytes unpacked at a time
_DIRECTORY = 2**23  # bytes of the archive's table of members; FoodSeg103's has less than a quarter
_NAME = 255  # bytes of a file's name that every file system takes
_READABLE = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the others unpack a piece to any size in memory
_AES = 99  # stands for the method of compression where a member is AES-encrypted
_ENCRYPTED, _STRONG = 0x01, 0x40  # bits of a member's flags; strong: PKWARE's own encryption

Opener = Callable[[zipfile.ZipInfo], IO[bytes]]


def extract(archive: Path, folder: Path, password: str | None = None, max_bytes: int = MAX_BYTES) -> Path:
    """Unpack `archive` into `folder`, which must be new, all of it or nothing, and seal it; returns `folder`.

    Raises FetchError, before anything is written, for a member whose name leaves the folder or cannot be its
    own on every file system, for links and devices, for more than `max_bytes`, a hundred times the archive's
    size, 100,000 members or 32 folders within one another, for a missing password, for AES and whatever else
    Python cannot unpack in bounded memory; and later, leaving nothing, for a wrong password and for damage.
    """
    archive = Path(archive)
    with _open(archive) as file:
        _check(archive, file.infolist(), max_bytes)
        members = [member for member in file.infolist() if not member.is_dir()]
        encrypted = any(member.flag_bits & _ENCRYPTED for member in members)
        if encrypted and not password:
            raise FetchError(f"{archive} is encrypted; give the password that its authors published")
        total = sum(member.file_size for member in members)
        title = f"unpacking {archive.name}"
        with (
            sealed_folder(folder, total) as staging,
            _reader(archive, file, members, password if encrypted else None) as contents,
            tqdm(total=total, desc=title, unit="B", unit_scale=True, disable=None) as bar,
        ):
            for member in members:
                target = staging / member.filename
                try:
                    target.parent.mkdir(parents=True, exist_ok=True)
                    _copy(contents(member), member, target)
                except OSError:  # of the disk, which `sealed_folder` explains
                    raise
                except Exception as error:  # whatever a parser says of bytes that nobody vouches for
                    cause = "the password is wrong or the archive" if encrypted else "the archive"
                    raise FetchError(
                        f"{archive}: {member.filename!r} cannot be unpacked, {cause} is damaged ({error}); "
                        "fetch it again"
                    ) from error
                bar.update(member.file_size)
    return folder


class _Bounded(io.BufferedReader):
    """A file that is never read in larger pieces than an honest archive's table of members."""

    def read(self, size: int | None = -1, /) -> bytes:
        if (size or 0) > _DIRECTORY:
            raise zipfile.BadZipFile(
                f"its table of members has {size:,} bytes, at most {_DIRECTORY:,} are read"
            )
        return super().read(size)


@contextlib.contextmanager
def _open(archive: Path) -> Iterator[zipfile.ZipFile]:
    try:
        raw = _Bounded(io.FileIO(archive))
    except OSError as error:
        raise FetchError(f"{archive} cannot be read ({error.strerror})") from error
    with raw:
        try:
            file = zipfile.ZipFile(raw)
        except Exception as error:  # as above
            raw.seek(0)
            raise FetchError(
                f"{archive} is not a complete zip archive ({error}; it begins with {raw.read(12)!r}); "
                "delete it and fetch it again"
            ) from error
        yield file


def _check(archive: Path, members: list[zipfile.ZipInfo], max_bytes: int) -> None:
    """Raise FetchError if the archive must not or cannot be unpacked."""
    total = sum(member.file_size for member in members)
    most = min(max_bytes, max(2**26, MAX_RATIO * archive.stat().st_size))
    if total > most or len(members) > MAX_MEMBERS:
        raise FetchError(
            f"{archive} unpacks to {total:,} bytes in {len(members):,} members; at most {most:,} "
            f"bytes and {MAX_MEMBERS:,} members are accepted, so nothing was unpacked"
        )
    taken = {SEAL: (SEAL, True)}
    for member in members:
        name = member.orig_filename
        if fault := _fault(member) or _clash(member, taken):
            raise FetchError(
                f"{archive}: member {name[:80]!r} {fault}; nothing was unpacked, so do not use it"
            )
        if member.compress_type not in _READABLE or member.flag_bits & _STRONG:
            how = (
                "AES-encrypted" if member.compress_type == _AES else "packed as Python cannot safely open it"
            )
            raise FetchError(
                f"{archive}: member {name!r} is {how}; unpack the archive with 7-Zip "
                f"(7z x {archive.name}) and give the folder as `root`"
            )


def _fault(member: zipfile.ZipInfo) -> str | None:
    """Why no file may have the member's name, or None."""
    name = member.orig_filename  # as it stands in the archive; `filename` ends at a NUL
    parts = name.removesuffix("/").split("/")
    if name.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", name) or re.match("[A-Za-z]:", name):
        return "leads out of its folder"
    if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is not a plain file"
    if len(parts) > MAX_DEPTH:
        return f"lies {len(parts) - 1} folders deep, at most {MAX_DEPTH - 1} are accepted"
    if not {"", "."}.isdisjoint(parts) or re.search(r"[\x00-\x1f\x7f\\:]", name):
        return "has a name that no file can have everywhere"
    longest = max(len(part.encode("utf-8", "surrogatepass")) for part in parts)
    return f"has a name of {longest} bytes, at most {_NAME} are accepted" if longest > _NAME else None


def _clash(member: zipfile.ZipInfo, taken: dict[str, tuple[str, bool]]) -> str | None:
    """Why the member's name and those `taken` before cannot all be files of their own, or None; takes it."""
    parts = member.filename.removesuffix("/").split("/")
    for depth in range(1, len(parts) + 1):
        path, is_file = "/".join(parts[:depth]), depth == len(parts) and not member.is_dir()
        before = taken.setdefault(unicodedata.normalize("NFC", path).casefold(), entry := (path, is_file))
        if before is not entry and (is_file or before != entry):
            return f"has the place of {before[0]!r}"
    return None


@contextlib.contextmanager
def _reader(
    archive: Path, file: zipfile.ZipFile, members: list[zipfile.ZipInfo], password: str | None
) -> Iterator[Opener]:
    """Yield a function that opens the members one by one, in the order of the archive."""
    program = _unzip() if password and password.isascii() and password.isalnum() else None
    if program:
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
        while left and (chunk := source.read(min(left, _PIECE))):
            file.write(chunk)
            left -= len(chunk)
            checksum = zlib.crc32(chunk, checksum)
    if left or checksum != member.CRC:
        raise ValueError("it ends early" if left else "its checksum differs")
