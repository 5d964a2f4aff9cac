"""Folders of photos and masks: pairing, one cached scan for areas and defects, and reading."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from rvernet_core import files
from rvernet_core.config import fingerprint
from rvernet_core.data.photos import check_photo, class_areas, fit_mask, photo_size, read_mask, read_photo
from rvernet_core.data.samples import Candidate, FoodSplit, MaskedSource, build_split
from rvernet_core.errors import DataError

log = logging.getLogger(__name__)

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif")
SCAN = 1  # raised when a scan finds something else in the same files


@dataclass(frozen=True)
class Pair:
    """One photo and its mask of class ids."""

    image_id: str
    photo: Path
    mask: Path
    turn: int | None = None  # EXIF orientation to assume if the photo states none and only then fits its mask


class PairSource(MaskedSource):
    """Reads photos and masks; `ref` is (pair, class id, (full size, read size), assumed orientation)."""

    def __init__(self, binary: bool = False) -> None:
        self._binary = binary
        self._last: dict[str, tuple[Path, np.ndarray]] = {}

    def photo(self, ref: Any) -> np.ndarray:
        pair, _, _, turn = ref
        return self._remembered("photo", pair.photo, lambda: read_photo(pair.photo, orientation=turn))

    def mask(self, ref: Any) -> np.ndarray:
        pair, class_id, (full, read), _ = ref
        values = self._remembered(
            "mask", pair.mask, lambda: fit_mask(read_mask(pair.mask), full, read, str(pair.mask))
        )
        return values > 0 if self._binary else values == class_id

    def _remembered(self, what: str, path: Path, read: Callable[[], np.ndarray]) -> np.ndarray:
        """Samples of one photo lie side by side: keep the last photo and the last mask, read-only."""
        known, array = self._last.get(what, (None, None))
        if known != path or array is None:
            array = read()
            array.flags.writeable = False
            self._last[what] = (path, array)
        return array

    def photo_key(self, ref: Any) -> Path:
        return ref[0].photo


def pair_up(
    photos: Path, masks: Path, turns: dict[str, int] | None = None
) -> tuple[list[Pair], list[tuple[str, str]]]:
    """(pairs of equal stem in order of name, files without a partner as (file, reason))."""
    pictures, labels = by_stem(photos, SUFFIXES), by_stem(masks, (".png", ".tif", ".tiff", ".bmp", ".gif"))
    pairs = [
        Pair(stem, path, labels[stem], (turns or {}).get(stem))
        for stem, path in pictures.items()
        if stem in labels
    ]
    alone = [
        (str(path), f"{path} has no mask in {masks}") for stem, path in pictures.items() if stem not in labels
    ]
    alone += [
        (str(path), f"{path} has no photo in {photos}")
        for stem, path in labels.items()
        if stem not in pictures
    ]
    return pairs, alone


def by_stem(folder: Path, suffixes: Sequence[str]) -> dict[str, Path]:
    if not folder.is_dir():
        raise DataError(
            f"{folder} is not a folder; expected one with {'/'.join(s[1:] for s in suffixes[:3])} files"
        )
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.suffix.lower() not in suffixes:
            continue
        if path.stem in found:
            raise DataError(f"{folder} holds both {found[path.stem].name} and {path.name}; keep one of them")
        found[path.stem] = path
    return found


# --- scanning ---------------------------------------------------------------------------------------


def split_of_pairs(
    name: str,
    classes: Sequence[str],
    pairs: Sequence[Pair],
    alone: Sequence[tuple[str, str]],
    *,
    cache: Path,
    min_area: float,
    strict: bool,
    ignore: int | None = None,
    binary: bool = False,
) -> FoodSplit:
    """The split of index masks (id k is classes[k - 1]) or, if `binary`, of masks of one class.

    Scans every file once, then keeps what it found in the cache. Broken files are left out and
    counted, or raise DataError if `strict`; a mask of another size than its photo always raises.
    """
    count = 1 if binary else len(classes)
    records = scanned(
        [(pair.photo, pair.mask) for pair in pairs],
        lambda i: _scan_pair(pairs[i], count, ignore, binary),
        key=[count, ignore, binary, [pair.turn for pair in pairs]],
        cache=cache,
        title=f"reading {name} masks",
    )
    wrong = [record["wrong"] for record in records if "wrong" in record]
    if wrong:
        raise DataError(wrong[0] + (f" (and {len(wrong) - 1} more such files)" if len(wrong) > 1 else ""))
    broken = [*alone, *((r["file"], r["broken"]) for r in records if "broken" in r)]
    if broken and strict:
        raise DataError(f"{broken[0][1]} (strict: {len(broken)} such files)")
    candidates = [
        Candidate(pair.image_id, classes[int(k) - 1], pixels / (record["read"][0] * record["read"][1]),
                  (pair, int(k), (tuple(record["full"]), tuple(record["read"])), record["turn"]))
        for pair, record in zip(pairs, records, strict=True)
        for k, pixels in record.get("areas", {}).items()
    ]  # fmt: skip
    good = [(pair, record) for pair, record in zip(pairs, records, strict=True) if "areas" in record]
    content = [[pair.image_id, record["bytes"], record["mask_sha256"]] for pair, record in good]
    return build_split(
        name,
        classes,
        candidates,
        PairSource(binary),
        content=content,
        min_area=min_area,
        photos=len(good),
        broken=broken,
    )


def scanned(
    paths: Sequence[tuple[Path, ...]],
    scan: Callable[[int], dict],
    *,
    key: Any,
    cache: Path,
    title: str,
) -> list[dict]:
    """[scan(i) for each i], done once in threads with a progress bar and kept in `cache`/index.

    The kept list is valid while `key` and the names, sizes and times of all `paths` are unchanged.
    """
    stats = [[str(path), *_stat(path)] for group in paths for path in group]
    index = cache / "index" / f"{fingerprint('scan', SCAN, key, stats)}.json"
    try:
        return json.loads(index.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        pass
    workers = min(8, os.cpu_count() or 1)
    with ThreadPoolExecutor(workers) as pool:
        try:
            records = list(
                tqdm(pool.map(scan, range(len(paths))), title, len(paths), unit="photo", disable=None)
            )
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    try:
        files.write_json(index, records)
    except DataError as error:  # it costs only the next scan
        log.warning("the scan cannot be kept: %s", error)
    return records


def _scan_pair(pair: Pair, classes: int, ignore: int | None, binary: bool) -> dict:
    """What a scan keeps of a pair; {"broken": reason} or {"wrong": reason} where it cannot be used."""
    try:
        check_photo(pair.photo)
        full, read = photo_size(pair.photo)
        raw = read_mask(pair.mask)
        digest = files.sha256(pair.mask)
        size = pair.photo.stat().st_size
    except (DataError, OSError) as error:
        return {"file": str(pair.photo), "broken": str(error)}
    turn = None
    if pair.turn and raw.shape != full[::-1]:
        turned = photo_size(pair.photo, orientation=pair.turn)
        if raw.shape == turned[0][::-1]:
            turn, (full, read) = pair.turn, turned
    try:
        values = fit_mask(raw, full, read, str(pair.mask))
        values = (values > 0).astype(np.uint8) if binary else values
        areas = class_areas(values, classes, str(pair.mask), ignore)
    except DataError as error:
        return {"wrong": str(error)}
    return {
        "full": full,
        "read": read,
        "turn": turn,
        "areas": areas,
        "bytes": size,
        "mask_sha256": digest,
    }


def _stat(path: Path) -> tuple[int, int]:
    try:
        stat = path.stat()
    except OSError:
        return 0, 0
    return stat.st_size, stat.st_mtime_ns


def text_digest(path: Path) -> str:
    """SHA-256 of a small text file, or '' where there is none."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
