"""Unpacking a zip archive that nobody vouches for, encrypted or not."""

from __future__ import annotations

import os
import re
import shutil
import stat
import zipfile
import zlib
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path, PurePosixPath
from typing import Any

from tqdm.auto import tqdm

from rvernet_core import files
from rvernet_core.errors import FetchError

MAX_BYTES = 16 * 2**30  # unpacked; FoodSeg103 has about a tenth
MAX_MEMBERS = 200_000
_PARALLEL = 50 * 2**20  # bytes of encrypted content from which on several processes pay


def extract(archive: Path, goal: Path, password: str | None = None, max_bytes: int = MAX_BYTES) -> Path:
    """Unpack `archive` into the new folder `goal`, all of it or nothing; returns `goal`.

    Refuses the whole archive, before writing anything, if a member's name leaves the folder, if one
    is a link, or if it unpacks to more than `max_bytes` or 200,000 members. Reads ZipCrypto and AES;
    decrypting ZipCrypto runs at about 1 MB a second and core.
    """
    with _opened(archive) as file:
        members = file.infolist()
        total = _check(archive, members, max_bytes)
        encrypted = any(member.flag_bits & 1 for member in members)
    if encrypted and not password:
        raise FetchError(f"{archive} is encrypted; give the password that its authors published")
    files.check_space(goal, total)
    with files.atomic_folder(goal) as staging:
        chosen = [(i, m.file_size) for i, m in enumerate(members) if not m.is_dir()]
        workers = (os.cpu_count() or 1) if encrypted and total > _PARALLEL else 1
        with tqdm(
            total=total, desc=f"unpacking {archive.name}", unit="B", unit_scale=True, disable=None
        ) as bar:
            if workers == 1:
                for done in _unpack(archive, staging, [i for i, _ in chosen], password):
                    bar.update(done)
            else:
                chunks = [[i for i, _ in chosen[k : k + 50]] for k in range(0, len(chosen), 50)]
                with ProcessPoolExecutor(workers) as pool:
                    jobs = [pool.submit(_unpack_chunk, archive, staging, chunk, password) for chunk in chunks]
                    try:
                        for job in jobs:
                            bar.update(job.result())
                    except BaseException:
                        pool.shutdown(cancel_futures=True)
                        raise
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
            f"bytes and {MAX_MEMBERS:,} members, so nothing was unpacked"
        )
    return total


def _unpack_chunk(archive: Path, staging: Path, numbers: list[int], password: str | None) -> int:
    return sum(_unpack(archive, staging, numbers, password))


def _unpack(archive: Path, staging: Path, numbers: list[int], password: str | None) -> Any:
    """Write the members of these numbers below `staging`; yields the bytes of each."""
    import pyzipper

    with _opened(archive) as file:
        members = file.infolist()
        file.setpassword(password.encode() if password else None)
        for number in numbers:
            member = members[number]
            target = staging.joinpath(*PurePosixPath(member.filename.replace("\\", "/")).parts)
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                with file.open(member) as source, open(target, "wb") as goal:
                    shutil.copyfileobj(source, goal, 2**20)
            except NotImplementedError as error:
                raise FetchError(
                    f"{archive} is packed in a way that Python cannot open ({error}); "
                    f"unpack it with 7-Zip (7z x {archive.name}) and give the folder as `root`"
                ) from error
            except RuntimeError as error:  # a password that fails its check byte
                raise FetchError(
                    f"{archive}: the password does not open {member.filename!r} ({error})"
                ) from error
            except (zipfile.BadZipFile, pyzipper.BadZipFile, zlib.error, EOFError) as error:
                why = "the password is wrong or it is damaged" if member.flag_bits & 1 else "it is damaged"
                raise FetchError(
                    f"{archive}: {member.filename!r} cannot be unpacked, {why} ({error}); fetch it again"
                ) from error
            yield member.file_size
