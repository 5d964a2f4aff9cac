"""Folders of photos and masks: which belong to each other, one cached scan for areas and defects, reading."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import PIL

from rvernet_core.config import DataSpec, fingerprint
from rvernet_core.data.contents import content_hashes, in_threads, recall, remember
from rvernet_core.data.names import UNSAFE
from rvernet_core.data.photos import (
    FORMATS,
    MASK_SUFFIXES,
    SUFFIXES,
    SizeMismatchError,
    check_photo,
    class_areas,
    read_mask_of,
    read_photo,
)
from rvernet_core.data.samples import Candidate, FoodSplit, MaskedSource, build_split
from rvernet_core.errors import DataError

SCAN = 3  # raised when a scan finds something else in the same files
LeftOut = tuple[str, str]  # (file, why it is left out)


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
        return values != 0 if self._binary else values == class_id

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
) -> tuple[list[MaskedPhoto], list[LeftOut]]:
    """(photos and masks of equal stem in order of name, the files that belong to no such pair)."""
    photo_of, no_photos = by_stem(photos, SUFFIXES)
    mask_of, no_masks = by_stem(masks, MASK_SUFFIXES)
    matched = [
        MaskedPhoto(stem, photo_of[stem], mask_of[stem], (turns or {}).get(stem))
        for stem in photo_of
        if stem in mask_of
    ]
    known = {Path(path).stem for path, _ in no_photos + no_masks}  # a pair is left out once
    alone = [
        (str(own), f"{own} has no {what} in {folder}")
        for of, others, what, folder in (
            (photo_of, mask_of, "mask", masks),
            (mask_of, photo_of, "photo", photos),
        )
        for stem, own in of.items()
        if stem not in others and stem not in known
    ]
    return matched, no_photos + no_masks + alone


def by_stem(folder: Path, suffixes: Sequence[str]) -> tuple[dict[str, Path], list[LeftOut]]:
    """(stem -> path of the files with one of the `suffixes`, in order of name; whatever else lies there).

    Hidden files count only where their suffix says that they are meant.
    """
    paths: dict[str, Path] = {}
    others: list[LeftOut] = []
    for path in entries(folder):
        if reason := _unreadable(path, suffixes):
            if not path.name.startswith(".") or path.suffix.lower() in suffixes:
                others.append((str(path), f"{UNSAFE.sub('?', str(path))} {reason}"))
        elif path.stem in paths:
            raise DataError(f"{folder} holds both {paths[path.stem].name} and {path.name}; keep one of them")
        else:
            paths[path.stem] = path
    return paths, others


def entries(folder: Path) -> list[Path]:
    """What lies in a folder of photos, in order of name; DataError if it cannot be listed."""
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise DataError(f"{folder} is not a folder that can be read ({error.strerror})") from error


def _unreadable(path: Path, suffixes: Sequence[str]) -> str:
    """Why the file at `path` cannot be one of a data set, as the end of a sentence; "" if it can."""
    suffix = path.suffix.lower()
    if path.name.startswith("."):
        return "is hidden; rename it"
    if path.is_dir():
        return "is a folder; photos in it are not read"
    if not path.is_file():
        return "is a link to nowhere" if path.is_symlink() else "is not a file"
    if suffix in (".heic", ".heif", ".hif") and suffix not in suffixes:
        return "is read only where pillow-heif is installed; install it, or save the photo as JPEG"
    if suffix not in suffixes:
        return "is not of a kind that is read here; save it as PNG, or take it out of the folder"
    if UNSAFE.search(path.name):
        return "has a line break or another control character in its name; rename it"
    return ""


# --- scanning ---------------------------------------------------------------------------------------


def split_of_masked_photos(
    name: str,
    classes: Sequence[str],
    photos: Sequence[MaskedPhoto],
    alone: Sequence[LeftOut],
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
        content=[[item.image_id, *record["sha256"]] for item, record in good],
        min_area=spec.min_area,
        photos=len(good),
        broken=broken,
    )


def left_out(records: Sequence[dict], strict: bool, alone: Sequence[LeftOut] = ()) -> list[LeftOut]:
    """Every file that a scan found broken, after those in `alone`.

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

    The kept list is valid while `key`, the names and the content of all `paths` are unchanged. Each record
    says in "sha256" what its files hold, see `content_hashes`.
    """
    hashes = iter(content_hashes([path for group in paths for path in group], cache, f"{title}: content"))
    named = [[(str(path), next(hashes)) for path in group] for group in paths]
    index = cache / "index" / f"{fingerprint('scan', SCAN, PIL.__version__, FORMATS, key, named)}.json"
    records = recall(index)
    if records is None:
        records = in_threads(scan, range(len(paths)), title)
        remember(index, records)
    return [
        record | {"sha256": [digest for _, digest in group]}
        for record, group in zip(records, named, strict=True)
    ]


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
    except DataError as error:
        return {"file": str(item.photo), "broken": str(error)}
    try:
        values = (values != 0).astype(np.uint8) if binary else values
        pixels = class_areas(values, classes, str(item.mask), None if binary else ignore)
    except DataError as error:
        return {"wrong": str(error)}
    if not pixels and not binary:
        return {"file": str(item.mask), "broken": f"{item.mask} holds background alone and no class"}
    areas = {class_id: count / values.size for class_id, count in (pixels or {1: 0}).items()}
    return {"areas": areas, "turn": turn}


def _turned_mask(item: MaskedPhoto) -> np.ndarray | None:
    """The mask's values if it fits the photo in the orientation to assume, else None."""
    try:
        return read_mask_of(item.photo, item.mask, item.turn) if item.turn else None
    except SizeMismatchError:
        return None
