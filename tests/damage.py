"""Files and folders as accidents leave them."""

import os
from contextlib import contextmanager
from pathlib import Path

HARMS = ("truncated", "changed", "empty", "missing", "a folder")


def damage(path: Path, harm: str = "changed") -> None:
    """Harm the file `path`. A changed one keeps its size and its times."""
    content, times = path.read_bytes(), path.stat()
    path.unlink()
    if harm == "a folder":
        path.mkdir()
    elif harm == "changed":
        middle = len(content) // 2
        path.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    elif harm != "missing":
        path.write_bytes(content[: len(content) * 2 // 3] if harm == "truncated" else b"")


@contextmanager
def read_only(folder: Path, mode: int = 0o555):
    """Within the block this process can list `folder` and cannot write it, even if it runs as root.

    Root becomes nobody, so the folders above must let others pass: `tempfile`'s do, `tmp_path` does not.
    """
    user = os.geteuid()
    folder.chmod(mode)
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)
        folder.chmod(0o755)
