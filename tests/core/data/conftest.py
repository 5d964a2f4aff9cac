"""Fixtures for the readers: a small FoodSeg103 and a door to open it."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from small_data import SIZES, write_pair

from rvernet_core.config import DataSpec
from rvernet_core.data import open_data
from rvernet_core.data.names import FOODSEG103


@pytest.fixture
def official(tmp_path):
    """A FoodSeg103 of four train and two test photos, 103 classes, with stray spaces in category_id.txt."""
    home = tmp_path / "FoodSeg103"
    for i, size in enumerate(SIZES):
        write_pair(home, "train", f"{i:08d}", ids=(3, 5 + i), size=size)
    for i, size in enumerate(SIZES[:2]):
        write_pair(home, "test", f"{50 + i:08d}", ids=(3, 103), size=size)
    stray = {5: " biscuit ", 9: "cheese  butter", 24: "egg "}
    lines = ["0\tbackground"] + [f"{i}\t{stray.get(i, name)}" for i, name in enumerate(FOODSEG103, start=1)]
    (home / "category_id.txt").write_text("\n".join(lines) + "\n")
    (home / "ImageSets").mkdir()
    for split in ("train", "test"):
        names = sorted(p.name for p in (home / "Images/img_dir" / split).iterdir())
        (home / "ImageSets" / f"{split}.txt").write_text("\n".join(names) + "\n")
    (home / "Readme.txt").write_text("fixture\n")
    return home


@pytest.fixture
def mirror(official, tmp_path):
    """The official fixture as the mirror keeps it: validation is the official test split."""
    root = tmp_path / "mirror"
    (root / "data").mkdir(parents=True)
    for ours, theirs in (("train", "train"), ("test", "validation")):
        rows = []
        for number, photo in enumerate(sorted((official / "Images/img_dir" / ours).iterdir())):
            mask = official / "Images/ann_dir" / ours / f"{photo.stem}.png"
            rows.append({
                "image": {"bytes": photo.read_bytes(), "path": photo.name},
                "label": {"bytes": mask.read_bytes(), "path": mask.name},
                "classes_on_image": [0, 3],
                "id": number,
            })  # fmt: skip
        path = root / "data" / f"{theirs}-00000-of-00001-0123abcd.parquet"
        pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=2)
    return root


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def opened(cache):
    """Open a folder by name: opened("foodseg103", root, strict=True)."""

    def open_named(name, root, **changes):
        return open_data(DataSpec(name=name, root=str(root), **changes), Path(cache))

    return open_named
