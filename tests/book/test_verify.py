"""A fresh run against the record: what agrees, what does not, and what cannot be compared."""

import json

import pandas as pd
import pytest

from rvernet_book import tables
from rvernet_book import verify as compare
from rvernet_core.errors import RecordError


def written(folder, accuracy, parameters=10):
    frame = pd.DataFrame(
        {
            "model": ["vit", "deit"],
            "strength": [0.5, 1.0],
            "against": [None, "vit"],
            "accuracy": accuracy,
            "accuracy_low": [a - 0.02 for a in accuracy],
            "accuracy_high": [a + 0.02 for a in accuracy],
            "parameters": parameters,
        }
    )
    folder.mkdir()
    tables.table_bundle("scores", frame, caption="C.", folder=folder, profile="demo", keys=["strength"])
    (folder / "counts.csv").write_text("split,value,seeds\ntest,3,1\n")  # nothing in it has an interval
    (folder / "02-page.page.json").write_text(json.dumps({"items": {"Table": ["counts", "scores"]}}))
    return folder


def test_numbers_agree_where_their_intervals_overlap(tmp_path):
    record = written(tmp_path / "record", [0.80, 0.90])
    fresh = written(tmp_path / "fresh", [0.83, 0.95], parameters=11)
    found = compare.compare(fresh, record)
    assert found["agrees"].tolist() == [True, False]  # without an interval nothing is compared
    assert found["what"].tolist() == ["vit, 0.5, nan, accuracy", "deit, 1.0, vit, accuracy"]
    text = compare.summary(found)
    assert "02-page" in text
    assert "2 numbers  1 without overlap" in text
    assert "deit, 1.0, vit, accuracy: 0.950 [0.930, 0.970], in the record 0.900 [0.880, 0.920]" in text
    assert compare.summary(compare.compare(record, record)).endswith("agrees")


def test_nothing_to_compare_says_what_to_do(tmp_path):
    record = written(tmp_path / "record", [0.80, 0.90])
    (tmp_path / "empty").mkdir()
    with pytest.raises(RecordError, match="no executed pages; run `rvernet reproduce --profile "):
        compare.compare(tmp_path / "empty", record)
    other = written(tmp_path / "other", [0.80, 0.90])
    (other / "02-page.page.json").rename(other / "03-page.page.json")
    with pytest.raises(RecordError, match="no table in common"):
        compare.compare(other, record)
