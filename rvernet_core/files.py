"""Writing files so that no reader ever sees half of one.

Everything is written under a unique temporary name next to its final one and renamed into place last. No
locks are needed: two processes that write the same thing both succeed, and one of them wins. A killed process
leaves at most hidden temporary files, which the next call that looks into the same folder removes.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import functools
import hashlib
import json
import os
import re
import shutil
import socket
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from rvernet_core.errors import DataError

_MARGIN = 32 * 2**20  # bytes left free beyond what is needed
_IDLE = 24 * 3600  # seconds without a write after which a writer that cannot be asked for counts as dead
_LOST_THE_RACE = (errno.EEXIST, errno.ENOTEMPTY)
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_TEMPORARY = re.compile(r"\..+\.([^,]+),(\d{1,9}),[0-9a-f]+\.(staging|tmp)")


@contextlib.contextmanager
def atomic_folder(path: str | Path, needed_bytes: int = 0) -> Iterator[Path]:
    """Yield an empty staging folder beside `path`; on success it becomes `path` in one rename.

    If `path` has been filled in the meantime, the winner stays and our own folder is dropped: what
    lies at `path` afterwards is complete in either case. If the block raises, nothing is left.
    Raises DataError where `needed_bytes` are not free, the disk is full, or the folder cannot be written.
    """
    path = Path(path)
    with scratch_folder(path, needed_bytes) as staging:
        yield staging
        try:
            os.rename(staging, path)
        except OSError as error:
            if error.errno not in _LOST_THE_RACE:
                raise
        else:
            _sync_folder(path.parent)


@contextlib.contextmanager
def scratch_folder(path: str | Path, needed_bytes: int = 0) -> Iterator[Path]:
    """Yield an empty hidden folder beside `path`, gone at the end. Raises DataError as `atomic_folder`."""
    path = Path(path)
    if needed_bytes:
        check_space(path, needed_bytes)
    make_folder(path.parent)
    scratch = _temporary(path, "staging")
    with _write_errors(path, scratch, needed_bytes):
        try:
            scratch.mkdir()
            yield scratch
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


@contextlib.contextmanager
def atomic_file(path: str | Path, needed_bytes: int = 0) -> Iterator[Path]:
    """Yield a free name beside `path`; the file that the block writes there becomes `path` in one rename.

    If the block raises, an old file stays and nothing else is left. Raises DataError as `atomic_folder`.
    """
    path = Path(path)
    if needed_bytes:
        check_space(path, needed_bytes)
    make_folder(path.parent)
    temporary = _temporary(path, "tmp")
    with _write_errors(path, temporary, needed_bytes):
        try:
            yield temporary
            with open(temporary, "rb+") as file:
                os.fsync(file.fileno())
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


def write_bytes(path: str | Path, data: bytes) -> Path:
    """Write `data` to `path`, replacing an old file in one step; returns `path`.

    The old file stays intact whatever happens. Raises DataError if the disk is full or read-only.
    """
    path = Path(path)
    with atomic_file(path, max(1, len(data))) as temporary:
        temporary.write_bytes(data)
    return path


def write_text(path: str | Path, text: str) -> Path:
    """Write `text` as UTF-8 with unchanged line ends; see `write_bytes`."""
    return write_bytes(path, text.encode("utf-8"))


def write_json(path: str | Path, obj: Any) -> Path:
    """Write `as_json(obj)`; see `write_bytes`."""
    return write_text(path, as_json(obj))


def as_json(obj: Any) -> str:
    """`obj` as indented JSON that ends in a newline; NaN raises ValueError."""
    return json.dumps(obj, indent=2, allow_nan=False, ensure_ascii=False) + "\n"


def new_array(path: str | Path, dtype: DTypeLike, shape: tuple[int, ...]) -> np.memmap:
    """A new .npy file of zeros, mapped into memory for writing. Its space is taken now, where that is known.

    Without that, a disk that fills up while the array is written would end the process (SIGBUS).
    """
    array = np.lib.format.open_memmap(path, "w+", np.dtype(dtype), shape)
    if hasattr(os, "posix_fallocate") and array.nbytes:
        with open(path, "rb+") as file:
            try:
                os.posix_fallocate(file.fileno(), 0, os.path.getsize(path))
            except OSError as error:
                if error.errno in _FULL:  # other errors: this file system cannot reserve
                    raise
    return array


def make_folder(folder: str | Path) -> Path:
    """Make `folder` and its parents where they are missing, and remove what killed writers left in it.

    Raises DataError where it cannot be made.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder / "...", error) from error
    sweep(folder)
    return folder


def replace_folder(new: str | Path, path: str | Path) -> None:
    """The folder `new` takes the place of `path` in one step; what was at `path` is then at `new`.

    At every moment one of the two is at `path`. Only where the system cannot exchange two names, and for a
    folder that is part of a container's image, is there a moment without. DataError where it cannot be done.
    """
    new, path = Path(new), Path(path)
    try:
        if not path.exists():
            os.rename(new, path)
        elif not _exchange(new, path):
            old = _temporary(path, "tmp")
            shutil.move(path, old)
            try:
                shutil.move(new, path)
            except OSError:
                shutil.move(old, path)
                raise
            shutil.move(old, new)
    except OSError as error:
        raise _unwritable(path, error) from error
    _sync_folder(path.parent)


def remove(path: str | Path) -> None:
    """Remove the file or folder `path`, where it exists, in one step: it is there whole, or it is not there.

    Raises DataError where it cannot be removed.
    """
    path = Path(path)
    sweep(path.parent)
    doomed = _temporary(path, "tmp")
    try:
        os.rename(path, doomed)
    except FileNotFoundError:
        return
    except OSError as error:
        raise _unwritable(path, error) from error
    _discard(doomed)


def sweep(folder: str | Path) -> None:
    """Remove the temporary files and folders in `folder` whose writer is dead, or idle for a day."""
    names: list[str] = []
    with contextlib.suppress(OSError):  # there may be no such folder
        names = os.listdir(folder)
    for owner in filter(None, map(_TEMPORARY.fullmatch, names)):
        with contextlib.suppress(OSError):  # removed by another process meanwhile, or not ours to remove
            if _is_dead(owner[1], int(owner[2]), Path(folder, owner[0])):
                _discard(Path(folder, owner[0]))


def sha256(path: str | Path) -> str:
    """SHA-256 of the file at `path` as 64 hexadecimal digits; memory does not grow with its size."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_space(path: str | Path, needed_bytes: int) -> None:
    """Raise DataError unless the disk that holds `path` (which need not exist) has `needed_bytes` free."""
    folder = _existing(Path(path))
    free = shutil.disk_usage(folder).free
    if free < needed_bytes + _MARGIN:
        raise DataError(
            f"{path}: needs {_mib(needed_bytes)} of disk space, but {folder} has {_mib(free)} free; "
            "free some, or choose another disk (the cache moves with RVERNET_CACHE)"
        )


# --- errors ---------------------------------------------------------------------------------------


@contextlib.contextmanager
def _write_errors(path: Path, temporary: Path, needed_bytes: int) -> Iterator[None]:
    """An OSError about the disk or about `temporary` becomes a DataError about `path`; others pass."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            needed = f"{_mib(needed_bytes)} needed" if needed_bytes else "more needed"
            free = _mib(shutil.disk_usage(_existing(path.parent)).free)
            raise DataError(
                f"{path}: the disk is full ({needed}, {free} free); what was there before is kept, nothing "
                "half-written; free some, or choose another disk (the cache moves with RVERNET_CACHE)"
            ) from error
        if error.errno in (errno.EROFS, errno.EIO) or str(error.filename).startswith(str(temporary)):
            raise _unwritable(path, error) from error
        raise


def _unwritable(path: Path, error: OSError) -> DataError:
    return DataError(
        f"cannot write {path} ({error.strerror or error}); make {path.parent} writable, "
        "or set RVERNET_CACHE to a folder that is"
    )


def _existing(folder: Path) -> Path:
    """The nearest folder above `folder` that exists, or itself."""
    folder = folder.absolute()
    while not os.path.isdir(folder):  # unlike `Path.is_dir`, False where one may not look
        folder = folder.parent
    return folder


def _mib(count: int) -> str:
    return f"{count / 2**20:,.1f} MiB"


# --- temporary names and their owners -------------------------------------------------------------


def _temporary(path: Path, kind: str) -> Path:
    """A free hidden name beside `path` that says who writes: process table, process and a random part."""
    return path.with_name(f".{path.name[:50]}.{process_table()},{os.getpid()},{uuid.uuid4().hex[:8]}.{kind}")


@functools.cache
def process_table() -> str:
    """Eight hexadecimal digits that name the table which this process's number belongs to.

    On Linux that is one namespace of one boot: two containers may share a host's name, but not this. Where
    it cannot be told, the name is random, and no process takes another for dead before it was idle.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text()
        table = boot + os.readlink("/proc/self/ns/pid")
    except OSError:
        table = socket.gethostname() if sys.platform == "darwin" else uuid.uuid4().hex
    return hashlib.sha256(table.encode()).hexdigest()[:8]


def _is_dead(table: str, pid: int, temporary: Path) -> bool:
    if table == process_table():
        return not _alive(pid)
    written = [path.lstat().st_mtime for path in (temporary, *temporary.rglob("*"))]
    return time.time() - max(written) > _IDLE


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it lives, but belongs to somebody else
        return True
    return True


def _discard(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _exchange(one: Path, other: Path) -> bool:
    """Exchange the names of two folders in one step; False where the system or the disk cannot."""
    names = os.fsencode(one), os.fsencode(other)
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "renameat2"):
        working_directory, exchange = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
        return libc.renameat2(working_directory, names[0], working_directory, names[1], exchange) == 0
    if sys.platform == "darwin":
        return ctypes.CDLL(None).renamex_np(*names, 2) == 0  # RENAME_SWAP
    return False


def _sync_folder(folder: Path) -> None:
    """Make a rename in `folder` durable, where the file system can do that."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
