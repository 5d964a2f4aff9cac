"""The hub mirror of FoodSeg103: parquet files, unpacked once into the official layout.

Columns: image {bytes, path}, label {bytes, path}, classes_on_image, id. Split `train` is the official
train split, `validation` the official test split. Training reads photos in random order, which parquet
cannot serve without decoding a whole row group a photo; files can.
"""

from __future__ import annotations

import itertools
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tqdm.auto import tqdm

from rvernet_core import downloads
from rvernet_core.config import DataSpec, fingerprint
from rvernet_core.data.contents import content_hashes
from rvernet_core.data.foodseg103 import splits_of_foodseg103
from rvernet_core.data.names import FOODSEG103, clean, in_order, read_text
from rvernet_core.data.samples import FoodSplit
from rvernet_core.errors import DataError
from rvernet_core.fetch import fetch_all
from rvernet_core.sealed import is_intact, sealed_folder

log = logging.getLogger(__name__)

SPLITS = {"train": "train", "validation": "test", "test": "test"}  # the mirror's name -> the official one
_LARGEST_EXPANSION = 4  # of rows; a file may keep one picture once for many of them
_BATCH = 8  # photos in memory at a time
_BUFFER = 2**20  # bytes read at a time; by default a whole file is read ahead


def fetch_mirror(cache: Path) -> Path:
    """Folder of the mirror's parquet files, fetched once into the cache; see `fetch`."""
    return fetch_all(downloads.FOODSEG103_HUB, cache)[0].parent


def splits_of_hub(root: Path, spec: DataSpec, cache: Path) -> dict[str, FoodSplit]:
    """Both splits of a folder that holds the mirror's parquet files."""
    return splits_of_foodseg103(unpack(root, cache), spec, cache)


def unpack(root: Path, cache: Path) -> Path:
    """Unpack the parquet files below `root` into `cache`, once; returns a folder in the official layout.

    Reads a few rows at a time. Raises DataError for files that are no such parquet, and where disk
    space is short.
    """
    paths = sorted(root.rglob("*.parquet"))
    parts = [(path, split) for path in paths if (split := SPLITS.get(re.split(r"[-_.]", path.name)[0]))]
    for official in ("train", "test"):
        if official not in {split for _, split in parts}:
            raise DataError(
                f"{root} holds no parquet file of the {official} split; expected names that begin with "
                f"{' or '.join(k for k, v in SPLITS.items() if v == official)}"
            )
    if missing := _missing_parts(paths):
        raise DataError(
            f"{root} lacks {len(missing)} files, {', '.join(missing[:4])}; fetch all of the mirror"
        )
    if len(parts) < len(paths):
        log.warning("%s: %d parquet files are of no known split and not read", root, len(paths) - len(parts))
    labels, paths = sorted(root.rglob("id2label.json"))[:1], [path for path, _ in parts]
    content = content_hashes([*paths, *labels], cache, "reading parquet: content")
    folder = cache / "foodseg103-hub" / fingerprint("parquet", [path.name for path in paths], content)
    if is_intact(folder):
        return folder
    names = _classes(labels[0]) if labels else FOODSEG103
    stated = sum(_stated_bytes(path) for path in paths)
    with sealed_folder(folder, stated) as staging:
        _unpack_rows(parts, staging / "Images", _LARGEST_EXPANSION * stated)
        lines = ["0\tbackground", *(f"{i}\t{name}" for i, name in enumerate(names, start=1))]
        (staging / "category_id.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def _missing_parts(paths: list[Path]) -> list[str]:
    """Parts `...-00001-of-00003...` that the names of `paths` count and that are not among them."""
    found: dict[tuple[str, str], set[int]] = {}
    for path in paths:
        if match := re.match(r"(.*?)-(\d{5})-of-(\d{5})", path.name):
            found.setdefault((match[1], match[3]), set()).add(int(match[2]))
    return [
        f"{name}-{number:05d}-of-{count}"
        for (name, count), numbers in sorted(found.items())
        for number in range(int(count))
        if number not in numbers
    ]


def _unpack_rows(parts: list[tuple[Path, str]], folder: Path, most: int) -> None:
    """Write the photos and masks of all rows, at most `most` bytes, into the layout's folder `Images`."""
    for kind, split in itertools.product(("img_dir", "ann_dir"), ("train", "test")):
        (folder / kind / split).mkdir(parents=True)
    count = sum(_opened(path).metadata.num_rows for path, _ in parts)
    with tqdm(total=count, desc="unpacking parquet", unit="photo", disable=None) as bar:
        for path, split in parts:
            for number, row in enumerate(_rows(path)):
                where = f"{path}, row {number}"
                most -= _write(folder, split, row, where)
                if most < 0:
                    raise DataError(
                        f"{where}: the rows hold far more than the files do; fetch the mirror again"
                    )
                bar.update()


def _stated_bytes(path: Path) -> int:
    """How much a file holds when it is not compressed."""
    meta = _opened(path).metadata
    return sum(meta.row_group(i).total_byte_size for i in range(meta.num_row_groups))


def _opened(path: Path) -> Any:
    import pyarrow
    import pyarrow.parquet

    try:
        file = pyarrow.parquet.ParquetFile(path, pre_buffer=False, buffer_size=_BUFFER)
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as parquet ({error}); fetch it again") from error
    missing = {"image", "label", "id"} - set(file.schema_arrow.names)
    if missing:
        raise DataError(f"{path} lacks the columns {', '.join(sorted(missing))}; expected image, label, id")
    return file


def _rows(path: Path) -> Iterator[dict]:
    import pyarrow

    done = 0
    try:
        for batch in _opened(path).iter_batches(batch_size=_BATCH, columns=["image", "label", "id"]):
            rows = batch.to_pylist()
            yield from rows
            done += len(rows)
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise DataError(
            f"{path}, row {done} or one of the {_BATCH} after it: damaged ({error}); fetch the file again"
        ) from error


def _write(folder: Path, split: str, row: dict, where: str) -> int:
    """Write the photo and the mask of a row; returns how many bytes they take."""
    photo, name = _picture(row, "image", where)
    mask, _ = _picture(row, "label", where)
    stem = Path(name).stem
    if not re.fullmatch(r"[0-9]{8}", stem):
        if type(row["id"]) is not int or not 0 <= row["id"] < 10**8:
            raise DataError(
                f"{where}: id is {str(row['id'])[:40]!r}; expected a whole number of at most 8 digits"
            )
        stem = f"{row['id']:08d}"
    suffix = ".png" if photo.startswith(b"\x89PNG") else ".jpg"
    for kind, name, content in (("img_dir", stem + suffix, photo), ("ann_dir", stem + ".png", mask)):
        target = folder / kind / split / name
        if target.exists():
            raise DataError(
                f"{where}: photo {stem} occurs twice in the {split} split; fetch the mirror again"
            )
        target.write_bytes(content)
    return len(photo) + len(mask)


def _picture(row: dict, column: str, where: str) -> tuple[bytes, str]:
    """(content, name) of a picture in a row; the content may be empty, which the reader of files counts."""
    cell = row[column]
    if not isinstance(cell, dict) or not isinstance(cell.get("bytes"), bytes):
        found = "null" if cell is None else "without bytes" if isinstance(cell, dict) else type(cell).__name__
        raise DataError(f"{where}: {column} is {found}; expected {{bytes, path}}. Fetch the mirror again")
    return cell["bytes"], str(cell.get("path") or "")


def _classes(path: Path) -> tuple[str, ...]:
    """Names from the mirror's `id2label.json`."""
    try:
        pairs = json.loads(
            read_text(path), object_pairs_hook=list
        )  # a dict would hide that an id occurs twice
    except (ValueError, RecursionError):
        pairs = None
    if not isinstance(pairs, list) or not all(map(_is_label, pairs)):
        raise DataError(
            f'{path} is torn or no list of class names; expected {{"0": "background", "1": ...}}. '
            "Fetch it again"
        )
    names = {int(key): clean(name) for key, name in pairs}
    if len(names) < len(pairs):
        raise DataError(f"{path}: an id occurs twice; expected every id from 0 to the class count once")
    return in_order(names, path)


def _is_label(pair: Any) -> bool:
    return isinstance(pair, tuple) and isinstance(pair[1], str) and bool(re.fullmatch("[0-9]{1,5}", pair[0]))
