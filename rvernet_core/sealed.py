"""What the cache keeps: folders sealed with the hash of every file, and opened only as they were sealed.

    folder = cache / "features" / name
    if not is_intact(folder):
        with sealed_folder(folder) as staging:
            np.save(staging / "features.npy", compute())
    return np.load(folder / "features.npy")

A folder that was damaged or edited is named in a warning, set aside and made again; it is never used.
"""

from __future__ import annotations

import contextlib
import functools
import json
import logging
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from rvernet_core import files
from rvernet_core.errors import DataError

log = logging.getLogger(__name__)
SEAL = "sha256.json"  # name of a file -> its SHA-256


@contextlib.contextmanager
def sealed_folder(path: str | Path, needed_bytes: int = 0) -> Iterator[Path]:
    """`files.atomic_folder` whose last file holds the hash of every other, see `is_intact`."""
    with files.atomic_folder(path, needed_bytes) as staging:
        yield staging
        (staging / SEAL).write_text(files.as_json(hashes_of(staging)), encoding="utf-8")


def hashes_of(folder: Path) -> dict[str, str]:
    """Name -> SHA-256 of every file in `folder` and below, but of the seal itself, in the names' order."""
    found = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}
    return {name: files.sha256(found[name]) for name in sorted(found) if name != SEAL}


def is_intact(folder: str | Path) -> bool:
    """Whether `folder` exists with every file as it was sealed. One that is not is set aside.

    Every file is read and hashed once in a process, at about 1,900 MiB/s (measured on one core with SHA
    instructions), and again only if its size, its times or its inode change. Files added later are ignored.
    Raises DataError where a damaged folder cannot be set aside, or a file cannot be read.
    """
    folder = Path(folder)
    files.sweep(folder.parent)
    while inode := _inode(folder):
        if not (damage := _damage(folder)):
            return True
        if _inode(folder) == inode:  # and not another's, made again while this one was looked at
            set_aside(folder, damage)
    return False


def set_aside(folder: Path, why: str) -> None:
    """Rename `folder` to `<name>.damaged`, in place of an earlier one, and say so in a warning.

    `why` ends a sentence that begins with the folder. Raises DataError where it cannot be renamed.
    """
    aside = folder.with_name(f"{folder.name}.damaged")
    try:
        files.remove(aside)
        os.rename(folder, aside)
    except FileNotFoundError:  # another process was quicker
        return
    except (OSError, DataError) as error:
        raise DataError(
            f"{folder} {why}, and cannot be set aside ({error}); make {folder.parent} writable, "
            "or set RVERNET_CACHE to another folder"
        ) from error
    log.warning("%s %s; set aside as %s, to be made again", folder, why, aside.name)


def _inode(folder: Path) -> tuple[int, int] | None:
    try:
        found = folder.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise _unreadable(error) from error
    return found.st_dev, found.st_ino


def _damage(folder: Path) -> str:
    """What is wrong with the folder, as the end of a sentence; empty if nothing is."""
    try:
        hashes = json.loads((folder / SEAL).read_text("utf-8"))
        if not hashes:
            return f"is damaged or was edited ({SEAL} is empty)"
        for name, expected in hashes.items():
            if _hash(folder / name) != expected:
                return f"is damaged or was edited ({name} has another hash than when it was written)"
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        return f"is incomplete or of an older version ({Path(error.filename).name} is missing)"
    except OSError as error:
        raise _unreadable(error) from error
    except (ValueError, AttributeError):
        return f"is damaged or was edited ({SEAL} does not hold hashes)"
    return ""


def _unreadable(error: OSError) -> DataError:
    return DataError(f"cannot read {error.filename} ({error.strerror}); make it readable")


def _hash(path: Path) -> str:
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        return "not a file"
    return _hash_once(path, found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)


@functools.lru_cache(maxsize=2**16)
def _hash_once(path: Path, *state: int) -> str:
    return files.sha256(path)
