"""Masks as run lengths, and many of them in one compact file.

The runs are COCO's uncompressed counts: the lengths of the alternating stretches of False and True, in
column-major order, beginning with False (so the first count may be 0).
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rvernet_core import files
from rvernet_core.errors import DataError

_MAGIC = b"RVERLE1\n"


def encode(mask: NDArray[np.bool_]) -> NDArray[np.uint32]:
    """The counts of a bool mask (H, W)."""
    flat = np.asarray(mask, bool).ravel(order="F")
    if not flat.size:
        return np.zeros(0, np.uint32)
    edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    counts = np.diff(np.concatenate([[0], edges, [flat.size]]))
    return np.concatenate([[0], counts] if flat[0] else [counts]).astype(np.uint32)


def decode(counts: NDArray[np.uint32], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """The mask (H, W) of `counts`. DataError when they do not fill `shape` exactly."""
    counts = np.asarray(counts, np.int64)
    if counts.sum() != shape[0] * shape[1]:
        raise DataError(f"run lengths cover {counts.sum()} pixels; expected {shape[0]} x {shape[1]}")
    values = np.arange(len(counts)) % 2 == 1
    return np.ascontiguousarray(np.repeat(values, counts).reshape(shape, order="F"))


class MaskFile:
    """Read access to a file of named masks. The index is in memory; masks stay on disk until asked for."""

    def __init__(self, path: Path) -> None:
        """Open a file that `write` made. DataError when it is missing, truncated or of another kind."""
        self.path = path
        try:
            size = path.stat().st_size
            with path.open("rb") as file:
                head = file.read(16)
                length = int.from_bytes(head[8:], "little")
                if head[:8] != _MAGIC or len(head) < 16 or length > size:
                    raise ValueError("it does not begin as one")
                self._index = json.loads(zlib.decompress(file.read(length)))
            self._start = 16 + length
            expected = self._start + sum(entry[3] for entry in self._index.values())
            if size != expected:
                raise ValueError(f"it has {size} bytes, its index promises {expected}")
        except (OSError, ValueError, zlib.error) as error:
            raise DataError(
                f"{path} is not a complete file of masks ({error}); delete it and run again"
            ) from error

    def __len__(self) -> int:
        return len(self._index)

    def __contains__(self, key: str) -> bool:
        return key in self._index

    def keys(self) -> Iterable[str]:
        return self._index.keys()

    def score(self, key: str) -> float:
        """The number stored beside the mask."""
        return self._index[key][4]

    def mask(self, key: str) -> NDArray[np.bool_]:
        """The mask (H, W) stored under `key`."""
        height, width, offset, length, _ = self._index[key]
        with self.path.open("rb") as file:
            file.seek(self._start + offset)
            counts = np.frombuffer(zlib.decompress(file.read(length)), "<u4")
        return decode(counts, (height, width))

    def blob(self, key: str) -> bytes:
        """The compressed run lengths under `key`, to copy them into another file."""
        _, _, offset, length, _ = self._index[key]
        with self.path.open("rb") as file:
            file.seek(self._start + offset)
            return file.read(length)

    def entries(self) -> dict[str, tuple[tuple[int, int], bytes, float]]:
        """Everything, as `write` takes it."""
        return {k: ((e[0], e[1]), self.blob(k), e[4]) for k, e in self._index.items()}


def pack(mask: NDArray[np.bool_]) -> bytes:
    """The compressed run lengths of one mask."""
    return zlib.compress(encode(mask).astype("<u4").tobytes(), 6)


def write(path: Path, entries: dict[str, tuple[tuple[int, int], bytes, float]]) -> None:
    """Write masks {key: ((H, W), packed, score)} as one file, whole or not at all."""
    index, offset = {}, 0
    for key, (shape, blob, score) in entries.items():
        index[key] = [int(shape[0]), int(shape[1]), offset, len(blob), float(score)]
        offset += len(blob)
    header = zlib.compress(json.dumps(index).encode(), 6)
    blobs = b"".join(blob for _, blob, _ in entries.values())
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write_bytes(path, _MAGIC + len(header).to_bytes(8, "little") + header + blobs)
