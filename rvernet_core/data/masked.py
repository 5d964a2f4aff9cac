"""Folders of photos and masks: which belong to each other, one cached scan for areas and defects, reading."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from rvernet_core import files
from rvernet_core.config import DataSpec, fingerprint
from rvernet_core.data.photos import SizeMismatchError, check_photo, class_areas, read_mask_of, read_photo
from rvernet_core.data.samples import Candidate, FoodSplit, MaskedSource, build_split
from rvernet_core.errors import DataError

log = logging.getLogger(__name__)

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif")
SCAN = 2  # raised when a scan finds something else in the same files


@dataclass(frozen=True)
class MaskedPhoto:
    """A photo and its mask of class ids."""

    image_id: str
    photo: Path
    mask: Path
    turn: int | None = None  # EXIF orientation to assume if the photo states none and only then fits its mask


class MaskedPhotoSource(MaskedSource):
    """Reads photos and masks; `ref` is (MaskedPhoto, class id). A binary mask holds one class."""

    def __init__(self, binary: bool = False) -> None:
        self._binary = binary
        self._last: dict[str, tuple[Path, np.ndarray]] = {}

    def photo(self, ref: Any) -> np.ndarray:
        item, _ = ref
        return self._remembered("photo", item.photo, lambda: read_photo(item.photo, orientation=item.turn))

    def mask(self, ref: Any) -> np.ndarray:
        item, class_id = ref
        values = self._remembered("mask", item.mask, lambda: read_mask_of(item.photo, item.mask, item.turn))
        return values > 0 if self._binary else values == class_id

    def photo_key(self, ref: Any) -> Path:
        return ref[0].photo

    def _remembered(self, kind: str, path: Path, read: Callable[[], np.ndarray]) -> np.ndarray:
        """Samples of one photo lie side by side: keep the last photo and the last mask, read-only."""
        last, array = self._last.get(kind, (None, None))
        if last != path or array is None:
            array = read()
            array.flags.writeable = False
            self._last[kind] = (path, array)
        return array


def match_masks(
    photos: Path, masks: Path, turns: dict[str, int] | None = None
) -> tuple[list[MaskedPhoto], list[tuple[str, str]]]:
    """(photos and masks of equal stem in order of name, files without a partner as (file, reason))."""
    mask_suffixes = (".png", ".tif", ".tiff", ".bmp", ".gif")
    photo_of, mask_of = by_stem(photos, SUFFIXES), by_stem(masks, mask_suffixes)
    matched = [
        MaskedPhoto(stem, photo_of[stem], mask_of[stem], (turns or {}).get(stem))
        for stem in photo_of
        if stem in mask_of
    ]
    reasons = {
        path: f"{path} has no mask in {masks}" for stem, path in photo_of.items() if stem not in mask_of
    }
    for stem, path in mask_of.items():
        if stem not in photo_of:
            reasons[path] = f"{path} has no photo in {photos}"
    return matched, [(str(path), reason) for path, reason in reasons.items()]


def by_stem(folder: Path, suffixes: Sequence[str]) -> dict[str, Path]:
    """Stem -> path of the visible files with one of the `suffixes`, in order of name."""
    if not folder.is_dir():
        raise DataError(
            f"{folder} is not a folder; expected one with {'/'.join(s[1:] for s in suffixes[:3])} files"
        )
    paths: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.suffix.lower() not in suffixes:
            continue
        if path.stem in paths:
            raise DataError(f"{folder} holds both {paths[path.stem].name} and {path.name}; keep one of them")
        paths[path.stem] = path
    return paths


# --- scanning ---------------------------------------------------------------------------------------


def split_of_masked_photos(
    name: str,
    classes: Sequence[str],
    photos: Sequence[MaskedPhoto],
    alone: Sequence[tuple[str, str]],
    spec: DataSpec,
    cache: Path,
    binary: bool = False,
) -> FoodSplit:
    """The split of index masks (id k is classes[k - 1]) or, if `binary`, of masks of one class.

    Scans every file once, then keeps the result in the cache. Broken files and those in `alone` are left
    out and counted, or raise DataError if `spec.strict`; a mask of another size than its photo always raises.
    """
    count = 1 if binary else len(classes)
    records = scanned(
        [(item.photo, item.mask) for item in photos],
        lambda i: _scan_masked_photo(photos[i], count, spec.ignore_id, binary),
        key=[count, spec.ignore_id, binary, [item.turn for item in photos]],
        cache=cache,
        title=f"reading {name} masks",
    )
    broken = left_out(records, spec.strict, alone)
    good = [(item, record) for item, record in zip(photos, records, strict=True) if "areas" in record]
    candidates = [
        Candidate(item.image_id, classes[int(k) - 1], area, (replace(item, turn=record["turn"]), int(k)))
        for item, record in good
        for k, area in record["areas"].items()
    ]
    return build_split(
        name,
        classes,
        candidates,
        MaskedPhotoSource(binary),
        content=[[item.image_id, record["bytes"], record["mask_sha256"]] for item, record in good],
        min_area=spec.min_area,
        photos=len(good),
        broken=broken,
    )


def left_out(
    records: Sequence[dict], strict: bool, alone: Sequence[tuple[str, str]] = ()
) -> list[tuple[str, str]]:
    """(file, reason) of every file that a scan found broken, after those in `alone`.

    Raises DataError for a file that is whole but contradicts another, and if `strict` for any at all.
    """
    wrong = [record["wrong"] for record in records if "wrong" in record]
    if wrong:
        raise DataError(wrong[0] + (f" (and {len(wrong) - 1} more such files)" if len(wrong) > 1 else ""))
    broken = [*alone, *((record["file"], record["broken"]) for record in records if "broken" in record)]
    if broken and strict:
        raise DataError(f"{broken[0][1]} (strict: {len(broken)} such files)")
    return broken


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


def _scan_masked_photo(item: MaskedPhoto, classes: int, ignore: int | None, binary: bool) -> dict:
    """What a scan keeps of a photo; {"broken": reason} or {"wrong": reason} where it cannot be used.

    areas: class id -> share of the photo; turn: the orientation to assume, or None.
    """
    turn = None
    try:
        check_photo(item.photo)
        try:
            values = read_mask_of(item.photo, item.mask)
        except SizeMismatchError as error:
            turn, values = item.turn, _turned_mask(item)
            if values is None:
                return {"wrong": str(error)}
        digest, size = files.sha256(item.mask), item.photo.stat().st_size
    except (DataError, OSError) as error:
        return {"file": str(item.photo), "broken": str(error)}
    try:
        values = (values > 0).astype(np.uint8) if binary else values
        pixels = class_areas(values, classes, str(item.mask), ignore)
    except DataError as error:
        return {"wrong": str(error)}
    areas = {class_id: count / values.size for class_id, count in pixels.items()}
    return {"areas": areas, "turn": turn, "bytes": size, "mask_sha256": digest}


def _turned_mask(item: MaskedPhoto) -> np.ndarray | None:
    """The mask's values if it fits the photo in the orientation to assume, else None."""
    try:
        return read_mask_of(item.photo, item.mask, item.turn) if item.turn else None
    except SizeMismatchError:
        return None


def _stat(path: Path) -> tuple[int, int]:
    try:
        stat = path.stat()
    except OSError:
        return 0, 0
    return stat.st_size, stat.st_mtime_ns
