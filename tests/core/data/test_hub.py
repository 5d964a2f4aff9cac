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
        patch.setattr(hub, "_write", lambda *row: (levels.append(pa.total_allocated_bytes()), write(*row))[1])
        hub.unpack(mirror, cache)
    assert len(levels) == 42
    assert max(levels) - before < 8e6


# --- rows that are not what they should be ------------------------------------------------------------


def change_rows(mirror, change, number=None):
    """Rewrite the train split: `change(row)` for one row by number, or for all."""
    path = next((mirror / "data").glob("train*"))
    rows = pq.read_table(path).to_pylist()
    for row in rows if number is None else [rows[number]]:
        change(row)
    pq.write_table(pa.Table.from_pylist(rows), path)


@pytest.mark.parametrize("column", ["image", "label"])
@pytest.mark.parametrize(
    ("value", "found"),
    [
        (lambda cell: None, "is null"),
        (lambda cell: {"bytes": None, "path": "00000002.jpg"}, "is without bytes"),
    ],
)
def test_fault_60_a_null_is_named_with_its_row(mirror, opened, cache, column, value, found):
    change_rows(mirror, lambda row: row.update({column: value(row[column])}), 2)
    with pytest.raises(DataError, match=rf"train-.*parquet, row 2: {column} {found}; expected"):
        opened("foodseg103-hub", mirror)
    assert not list((cache / "foodseg103-hub").iterdir())


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (lambda cell: cell["bytes"], "is bytes"),
        (lambda cell: "text", "is str"),
        (lambda cell: {"bytes": "text", "path": None}, "is without bytes"),
        (lambda cell: {"content": cell["bytes"]}, "is without bytes"),
    ],
)
def test_fault_60_a_column_of_another_kind_is_named(mirror, opened, value, found):
    change_rows(mirror, lambda row: row.update(image=value(row["image"])))
    with pytest.raises(DataError, match=rf"train-.*parquet, row 0: image {found}; expected"):
        opened("foodseg103-hub", mirror)


@pytest.mark.parametrize(
    "wrong", [lambda i: f"{i}th", float, lambda i: None if i == 0 else i, lambda i: i - 1]
)
def test_fault_60_an_id_that_is_no_number_is_named(mirror, opened, wrong):
    def change(row):
        row["image"]["path"] = None
        row["id"] = wrong(row["id"])

    change_rows(mirror, change)
    with pytest.raises(DataError, match=r"train-.*parquet, row 0: id is '.*'; expected a whole number"):
        opened("foodseg103-hub", mirror)


def test_fault_60_a_name_that_is_no_text_is_named(mirror, opened):
    path = next((mirror / "data").glob("train*"))
    table = pq.read_table(path)
    ends = pa.array(range(0, 10, 2), pa.int32()).buffers()[1]
    names = pa.StringArray.from_buffers(4, ends, pa.py_buffer(b"\xff\xfe" * 4))
    images = pa.StructArray.from_arrays(
        [table["image"].combine_chunks().field("bytes"), names], ["bytes", "path"]
    )
    pq.write_table(table.set_column(table.column_names.index("image"), "image", images), path)
    with pytest.raises(
        DataError, match=r"train-.*parquet, row 0 or one of the 8 after it: damaged \(.*utf-8"
    ):
        opened("foodseg103-hub", mirror)


@pytest.mark.parametrize("kept", [0, 3, 400, -10])
def test_fault_60_a_truncated_file_is_named(mirror, opened, kept):
    path = next((mirror / "data").glob("train*"))
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(DataError, match=r"train-.*cannot be read as parquet"):
        opened("foodseg103-hub", mirror)


def test_fault_60_a_damaged_page_is_named(mirror, opened):
    path = next((mirror / "data").glob("train*"))
    content = bytearray(path.read_bytes())
    content[4:60] = bytes(56)  # the header of the first page
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"train-.*, row 0 or one of the 8 after it: damaged"):
        opened("foodseg103-hub", mirror)


@pytest.mark.parametrize(
    "text",
    [
        '{"0": "background", "1":', "[1, 2]", "null", "3", "", "[" * 200_000,
        '{"a": "b"}', '{"1": null}', '{"1": ["x"]}', '{"1": "a", "3": "b"}', f'{{"{"9" * 30}": "a"}}', "{}",
        '{"1": "a", "1": "b"}', '{"1": "a", "01": "b"}', '{"1": "a", "2": " a "}', '{"1": " "}',
    ],
)  # fmt: skip
def test_fault_60_a_torn_or_absurd_list_of_labels_is_named(mirror, opened, cache, text):
    (mirror / "id2label.json").write_text(text)
    with pytest.raises(DataError, match=r"id2label\.json"):
        opened("foodseg103-hub", mirror)
    assert not (cache / "foodseg103-hub").exists()


def test_fault_60_a_list_of_labels_in_another_encoding(mirror, opened):
    names = json.dumps({str(i): f"crème {i}" for i in range(104)}, ensure_ascii=False)
    (mirror / "id2label.json").write_bytes(names.encode("utf-16"))
    assert opened("foodseg103-hub", mirror).classes[4] == "crème 5"
    (mirror / "id2label.json").write_bytes(names.encode("latin-1"))
    with pytest.raises(DataError, match=r"id2label\.json is not UTF-8"):
        opened("foodseg103-hub", mirror)


def test_fault_60_one_picture_kept_for_many_rows_does_not_fill_the_disk(mirror, cache):
    rows = [
        {"image": {"bytes": b"x" * 100_000, "path": None}, "label": {"bytes": b"", "path": None}, "id": i}
        for i in range(50)
    ]
    path = next((mirror / "data").glob("train*"))
    pq.write_table(pa.Table.from_pylist(rows), path)
    assert path.stat().st_size < 200_000
    with pytest.raises(DataError, match=r"row \d+: the rows hold far more than the files do"):
        hub.unpack(mirror, cache)
    assert not list((cache / "foodseg103-hub").iterdir())


def test_missing_parts_are_named(mirror, opened):
    path = next((mirror / "data").glob("train*"))
    path.rename(path.with_name("train-00001-of-00003.parquet"))
    with pytest.raises(DataError, match=r"lacks 2 files, train-00000-of-00003, train-00002-of-00003;"):
        opened("foodseg103-hub", mirror)


def test_parquet_files_of_no_known_split_are_named(mirror, opened, caplog):
    (mirror / "data/extra-00000.parquet").write_bytes(b"")
    opened("foodseg103-hub", mirror)
    assert "1 parquet files are of no known split" in caplog.text


def test_fault_66_an_unpacked_photo_that_was_edited_is_unpacked_again(mirror, cache, caplog):
    folder = hub.unpack(mirror, cache)
    photo = next(folder.rglob("*.jpg"))
    content = photo.read_bytes()
    photo.write_bytes(content[::-1])
    assert hub.unpack(mirror, cache) == folder
    assert photo.read_bytes() == content
    assert f"{folder} is damaged or was edited" in caplog.text
