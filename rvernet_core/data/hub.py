"""The hub mirror of FoodSeg103: parquet files, unpacked once into the official layout.

Columns: image {bytes, path}, label {bytes, path}, classes_on_image, id. Split `train` is the official
train split, `validation` the official test split. Training reads photos in random order, which parquet
cannot serve without decoding a whole row group a photo; files can.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tqdm.auto import tqdm

from rvernet_core import downloads, files
from rvernet_core.config import DataSpec, fingerprint
from rvernet_core.data.foodseg103 import splits_of_foodseg103
from rvernet_core.data.names import FOODSEG103
from rvernet_core.data.samples import FoodSplit
from rvernet_core.errors import DataError
from rvernet_core.fetch import fetch_all

SPLITS = {"train": "train", "validation": "test", "test": "test"}  # the mirror's name -> the official one
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
    identity = [[path.name, path.stat().st_size, path.stat().st_mtime_ns] for path in paths]
    folder = cache / "foodseg103-hub" / fingerprint("parquet", identity)
    if folder.is_dir():
        return folder
    files.check_space(folder, sum(path.stat().st_size for path, _ in parts))
    with files.atomic_folder(folder) as staging:
        rows = sum(_opened(path).metadata.num_rows for path, _ in parts)
        with tqdm(total=rows, desc="unpacking parquet", unit="photo", disable=None) as bar:
            for path, split in parts:
                for row in _rows(path):
                    _write(staging / "Images", split, row, path)
                    bar.update()
        names = _classes(root)
        lines = ["0\tbackground", *(f"{i}\t{name}" for i, name in enumerate(names, start=1))]
        (staging / "category_id.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def _opened(path: Path) -> Any:
    import pyarrow
    import pyarrow.parquet

    try:
        file = pyarrow.parquet.ParquetFile(path, pre_buffer=False, buffer_size=_BUFFER)
    except (pyarrow.ArrowException, OSError) as error:
        raise DataError(f"{path} cannot be read as parquet ({error}); fetch it again") from error
    missing = {"image", "label", "id"} - set(file.schema_arrow.names)
    if missing:
        raise DataError(f"{path} lacks the columns {', '.join(sorted(missing))}; expected image, label, id")
    return file


def _rows(path: Path) -> Iterator[dict]:
    import pyarrow

    try:
        for batch in _opened(path).iter_batches(batch_size=_BATCH, columns=["image", "label", "id"]):
            yield from batch.to_pylist()
    except (pyarrow.ArrowException, OSError) as error:
        raise DataError(f"{path} is damaged ({error}); fetch it again") from error


def _write(folder: Path, split: str, row: dict, path: Path) -> None:
    named = Path(row["image"].get("path") or "").stem
    stem = named if re.fullmatch(r"\d{8}", named) else f"{int(row['id']):08d}"
    photo, mask = row["image"]["bytes"] or b"", row["label"]["bytes"] or b""
    suffix = ".png" if photo.startswith(b"\x89PNG") else ".jpg"
    for kind, name, content in (("img_dir", stem + suffix, photo), ("ann_dir", stem + ".png", mask)):
        target = folder / kind / split / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():
            raise DataError(f"{path}: photo {stem} occurs twice in the {split} split; fetch the mirror again")
        target.write_bytes(content)  # a missing image becomes an empty file, which the reader counts


def _classes(root: Path) -> tuple[str, ...]:
    """Names from `id2label.json` where the mirror has it, else FoodSeg103's own."""
    for path in sorted(root.rglob("id2label.json")):
        names = {int(k): " ".join(str(v).split()) for k, v in json.loads(path.read_text("utf-8")).items()}
        names.pop(0, None)
        if sorted(names) != list(range(1, len(names) + 1)):
            raise DataError(f"{path}: expected every id from 0 to the class count")
        return tuple(names[i] for i in sorted(names))
    return FOODSEG103
