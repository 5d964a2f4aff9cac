"""Writing files so that no reader ever sees half of one.

Everything is written under a unique temporary name next to its final one and renamed into place last. No
locks are needed: two processes that write the same thing both succeed, and one of them wins. A
killed process leaves at most a hidden staging folder, which the next call on that machine removes.
"""

from __future__ import annotations

import contextlib
import errno
import glob
import hashlib
import json
import os
import shutil
import socket
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rvernet_core.errors import DataError

_MARGIN = 32 * 2**20  # bytes left free beyond what is needed
_STALE = 3600  # seconds after which a temporary file that nobody writes belongs to a dead process
_LOST_THE_RACE = (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR)


@contextlib.contextmanager
def atomic_folder(path: str | Path) -> Iterator[Path]:
    """Yield an empty staging folder beside `path`; on success it becomes `path` in one rename.

    If `path` has been filled in the meantime, the winner stays and our own folder is dropped: what
    lies at `path` afterwards is complete in either case. If the block raises, nothing is left.
    Raises DataError where the parent folder cannot be written.
    """
    path = Path(path)
    _make_parent(path)
    _sweep(path)
    staging = path.with_name(f".{path.name}.{_owner()}.staging")
    try:
        staging.mkdir()
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        yield staging
        try:
            os.rename(staging, path)
        except OSError as error:
            if error.errno not in _LOST_THE_RACE or not path.is_dir():
                raise
        else:
            _sync_folder(path.parent)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


@contextlib.contextmanager
def atomic_file(path: str | Path) -> Iterator[Path]:
    """Yield a free name beside `path`; the file that the block writes there becomes `path` in one rename.

    If the block raises, an old file stays and nothing else is left. What a killed process left is removed
    when nobody has written to it for an hour. Raises DataError where the parent folder cannot be made.
    """
    path = Path(path)
    _make_parent(path)
    for stale in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
        with contextlib.suppress(OSError):  # finished or removed by another process meanwhile
            if time.time() - stale.stat().st_mtime > _STALE:
                stale.unlink()
    temporary = path.with_name(f".{path.name}.{_owner()}.tmp")
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
    _make_parent(path)
    check_space(path, len(data))
    try:
        with atomic_file(path) as temporary:
            temporary.write_bytes(data)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise DataError(f"{path}: the disk is full; {len(data)} bytes needed, old file kept") from error
        raise _unwritable(path, error) from error
    return path


def write_text(path: str | Path, text: str) -> Path:
    """Write `text` as UTF-8 with unchanged line ends; see `write_bytes`."""
    return write_bytes(path, text.encode("utf-8"))


def write_json(path: str | Path, obj: Any) -> Path:
    """Write `obj` as indented JSON that ends in a newline; NaN raises ValueError. See `write_bytes`."""
    return write_text(path, json.dumps(obj, indent=2, allow_nan=False, ensure_ascii=False) + "\n")


def sha256(path: str | Path) -> str:
    """SHA-256 of the file at `path` as 64 hexadecimal digits; memory does not grow with its size."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_space(path: str | Path, needed_bytes: int) -> None:
    """Raise DataError unless the disk that holds `path` (which need not exist) has `needed_bytes` free."""
    folder = Path(path).absolute()
    while not folder.is_dir():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if free < needed_bytes + _MARGIN:
        raise DataError(
            f"{path}: needs {_mib(needed_bytes)} of disk space, but {folder} has {_mib(free)} free; "
            "free some, or choose another disk (the cache moves with RVERNET_CACHE)"
        )


# --- helpers --------------------------------------------------------------------------------------


def _mib(count: int) -> str:
    return f"{count / 2**20:,.1f} MiB"


def _owner() -> str:
    """Who writes: machine, process and a random part, joined by commas (none of the three has one)."""
    return f"{socket.gethostname()},{os.getpid()},{uuid.uuid4().hex[:8]}"


def _make_parent(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> DataError:
    return DataError(
        f"cannot write {path} ({error.strerror or error}); make {path.parent} writable, "
        "or set RVERNET_CACHE to a folder that is"
    )


def _sweep(path: Path) -> None:
    """Remove staging folders of `path` whose process on this machine is dead."""
    prefix = f".{path.name}.{socket.gethostname()},"
    for stale in path.parent.glob(f".{glob.escape(path.name)}.*.staging"):
        pid = stale.name.removeprefix(prefix).split(",")[0]
        if stale.name.startswith(prefix) and pid.isdigit() and not _alive(int(pid)):
            shutil.rmtree(stale, ignore_errors=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it lives, but belongs to somebody else
        return True
    return True


def _sync_folder(folder: Path) -> None:
    """Make a rename in `folder` durable, where the file system can do that."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
