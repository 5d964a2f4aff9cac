"""The hub mirror's parquet files."""

import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rvernet_core import files
from rvernet_core.config import DataSpec
from rvernet_core.data import hub, open_data
from rvernet_core.errors import DataError


def test_the_mirror_gives_the_same_samples_as_the_archive(official, mirror, opened):
    archive, unpacked = opened("foodseg103", official), opened("foodseg103-hub", mirror)
    for split in ("train", "test"):
        ours, theirs = getattr(archive, split), getattr(unpacked, split)
        assert ours.samples == theirs.samples
        assert ours.fingerprint == theirs.fingerprint
        for i in range(len(ours)):
            for one, two in zip(ours.cutouts(i), theirs.cutouts(i), strict=True):
                np.testing.assert_array_equal(one, two)


def test_names_come_from_id2label(mirror, opened):
    names = {"0": "background", **{str(i): f" food  {i}" for i in range(1, 104)}}
    (mirror / "id2label.json").write_text(json.dumps(names))
    assert opened("foodseg103-hub", mirror).classes[4] == "food 5"


def test_numbers_stand_in_for_missing_paths(mirror, opened):
    path = next((mirror / "data").glob("train*"))
    rows = pq.read_table(path).to_pylist()
    for row in rows:
        row["image"]["path"] = row["label"]["path"] = ""
    pq.write_table(pa.Table.from_pylist(rows), path)
    assert [s.image_id for s in opened("foodseg103-hub", mirror).train.samples[:3]] == ["00000000"] * 2 + [
        "00000001"
    ]


def test_it_is_unpacked_once_and_whole(mirror, cache, monkeypatch):
    home = hub.unpack(mirror, cache)
    monkeypatch.setattr(hub, "_rows", None)
    assert hub.unpack(mirror, cache) == home


def test_fault_05_a_killed_unpacking_leaves_nothing(mirror, cache, monkeypatch):
    def dying(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(hub, "_write", dying)
        with pytest.raises(KeyboardInterrupt):
            hub.unpack(mirror, cache)
    assert list((cache / "foodseg103-hub").iterdir()) == []
    assert hub.unpack(mirror, cache).is_dir()


def test_fault_10_11_several_unpack_at_once(mirror, cache):
    with ThreadPoolExecutor(3) as pool:
        homes = set(pool.map(lambda _: hub.unpack(mirror, cache), range(3)))
    assert len(homes) == 1
    assert [p.name for p in (cache / "foodseg103-hub").iterdir()] == [homes.pop().name]


def test_fault_03_a_web_page_saved_as_parquet(mirror, opened):
    next((mirror / "data").glob("train*")).write_bytes(b"<!DOCTYPE html>" * 10)
    with pytest.raises(DataError, match=r"train-.*cannot be read as parquet"):
        opened("foodseg103-hub", mirror)


def test_missing_splits_and_columns_are_named(mirror, opened, tmp_path):
    pq.write_table(pa.table({"image": [1]}), next((mirror / "data").glob("train*")))
    with pytest.raises(DataError, match="lacks the columns id, label"):
        opened("foodseg103-hub", mirror)
    next((mirror / "data").glob("validation*")).unlink()
    with pytest.raises(DataError, match="no parquet file of the test split"):
        opened("foodseg103-hub", mirror)


def test_fault_04_space_is_checked_before_unpacking(mirror, cache, monkeypatch):
    monkeypatch.setattr(
        files, "check_space", lambda path, needed: (_ for _ in ()).throw(DataError(f"needs {needed}"))
    )
    with pytest.raises(DataError, match="needs"):
        hub.unpack(mirror, cache)
    assert not (cache / "foodseg103-hub").exists()


def test_a_photo_twice_is_an_error(mirror, opened):
    path = next((mirror / "data").glob("train*"))
    table = pq.read_table(path)
    pq.write_table(pa.concat_tables([table, table]), path)
    with pytest.raises(DataError, match="occurs twice"):
        opened("foodseg103-hub", mirror)


def test_without_a_folder_it_is_fetched(mirror, cache, monkeypatch):
    monkeypatch.setattr(hub, "fetch_mirror", lambda cache: mirror)
    assert len(open_data(DataSpec(name="foodseg103-hub"), cache).train) == 8


def test_memory_does_not_grow_with_the_file(mirror, cache, monkeypatch):
    """Twenty row groups of 1 MB: at most a few of them are in memory."""
    path = next((mirror / "data").glob("train*"))
    photo = np.random.default_rng(0).bytes(500_000)
    names = pa.array([f"{i:08d}.jpg" for i in range(40)])
    pictures = [
        pa.StructArray.from_arrays([pa.array([content] * 40), names], ["bytes", "path"])
        for content in (photo, b"mask")
    ]
    table = pa.table({"image": pictures[0], "label": pictures[1], "id": pa.array(range(40))})
    pq.write_table(table, path, row_group_size=2, use_dictionary=False)
    assert path.stat().st_size > 19e6
    del pictures, table
    before = pa.total_allocated_bytes()
    levels, write = [], hub._write
    with monkeypatch.context() as patch:
        patch.setattr(hub, "_write", lambda *row: (levels.append(pa.total_allocated_bytes()), write(*row)))
        hub.unpack(mirror, cache)
    assert len(levels) == 42
    assert max(levels) - before < 8e6
