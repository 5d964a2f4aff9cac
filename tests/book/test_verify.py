"""A fresh run against the record: equals number by number and answer by answer, others by sign."""

import json

import numpy as np
import pandas as pd
import pytest

from rvernet_book import record as stored
from rvernet_book import tables, verify
from rvernet_core.config import RunSpec
from rvernet_core.errors import RecordError
from rvernet_core.predictions import Predictions

DESIGN = {"profile": "demo", "settings": "abc", "seeds": [0, 1, 2], "protocol": 1, "data": {"test": "f"}}


def written(folder, accuracy, gain=(0.1, 0.05), predicted=None, took=10.0, **design):
    """A folder of files with one page: a table of scores, one of differences, and the answers of a run."""
    frame = pd.DataFrame(
        {
            "model": ["vit", "deit"],
            "accuracy": accuracy,
            "accuracy_low": [a - 0.02 for a in accuracy],
            "accuracy_high": [a + 0.02 for a in accuracy],
            "accuracy_spread": 0.005,
            "seconds": took,
        }
    )
    compared = pd.DataFrame({"model": ["vit", "deit"], "against": "mixer", "difference": gain})
    compared["difference_low"], compared["difference_high"] = (
        compared["difference"] + d for d in (-0.02, 0.02)
    )
    folder.mkdir()
    for name, data in (("scores", frame), ("gains", compared)):
        tables.table_bundle(name, data, caption="C.", folder=folder, profile="demo", seeds=3)
    facts = {"items": {"Table": ["scores", "gains"]}, "provenance": DESIGN | design}
    (folder / "02-page.page.json").write_text(json.dumps(facts))
    if predicted is not None:
        stored.write_predictions("02-page", [_answers("vit-0", predicted)], folder)
    return folder


def _answers(run, predicted):
    count = len(predicted)
    table = pd.DataFrame(
        {"key": [f"k{i}" for i in range(count)], "image_id": [f"i{i}" for i in range(count)], "label": 0}
    )
    manifest = {"spec": _as_dict(RunSpec()), "seconds": 1.0}
    return Predictions(run, RunSpec(), table.assign(predicted=predicted), manifest)


def _as_dict(spec):
    from rvernet_core.config import to_dict

    return to_dict(spec)


def test_a_record_is_identical_to_itself(tmp_path):
    record = written(tmp_path / "record", [0.8, 0.9], predicted=[0, 1, 0, 1])
    found = verify.compare(record, record)
    assert (found.verdict, set(found.counts), found.design) == ("identical", {"identical"}, [])
    assert len(found.runs) == 1
    assert "7 identical" in verify.summary(found)


def test_equals_agree_within_what_retraining_moves_and_no_further(tmp_path):
    record = written(tmp_path / "record", [0.80, 0.90])
    fresh = written(tmp_path / "fresh", [0.81, 0.93], gain=(0.11, 0.09), took=11.0)
    found = verify.compare(fresh, record)
    by_table = found.numbers.set_index(["table", "what"])["verdict"]
    # Student's t for 4 degrees of freedom on scores, half an interval on differences
    allowed = found.numbers.set_index("what")["allowed"]
    assert allowed["vit, accuracy"] == pytest.approx(2.7764 * 0.005 * np.sqrt(2 / 3), rel=1e-3)
    assert by_table["scores", "vit, accuracy"] == "agrees"
    assert by_table["scores", "deit, accuracy"] == "differs"
    assert by_table["scores", "vit, seconds"] == "not judged"
    assert by_table["gains", "vit, mixer, difference"] == "agrees"
    assert by_table["gains", "deit, mixer, difference"] == "differs"
    assert found.verdict == "differs"
    assert "deit, accuracy: 0.93, in the record 0.9; up to 0.0113 apart would agree" in verify.summary(found)


@pytest.mark.parametrize(
    ("fresh", "verdict"),
    [
        ([0] * 40, "identical"),
        ([1] + [0] * 39, "agrees"),
        ([1] * 12 + [0] * 28, "differs"),
        (None, "missing"),
    ],
)
def test_a_run_is_judged_by_its_answers_paired_by_sample(tmp_path, fresh, verdict):
    record = written(tmp_path / "record", [0.8, 0.9], predicted=[0] * 40)
    found = verify.compare(written(tmp_path / "fresh", [0.8, 0.9], predicted=fresh), record)
    assert found.runs["verdict"].tolist() == [verdict]
    assert found.verdict == ("differs" if verdict in verify.FAILING else found.verdict)


def test_a_table_that_equals_should_have_is_missing(tmp_path):
    record = written(tmp_path / "record", [0.8, 0.9])
    fresh = written(tmp_path / "fresh", [0.8, 0.9])
    (fresh / "02-page.page.json").write_text(
        json.dumps({"items": {"Table": ["scores"]}, "provenance": DESIGN})
    )
    found = verify.compare(fresh, record)
    assert found.numbers.groupby("table")["verdict"].unique().map(list).to_dict() == {
        "scores": ["identical"],
        "gains": ["missing"],
    }
    assert found.verdict == "differs"


def test_a_row_is_named_by_what_was_asked_and_never_by_what_was_found(tmp_path):
    """p, verdicts and ranks move when nets are trained again: the row is the same, its p is not judged."""
    folders = [written(tmp_path / name, [0.8, 0.9]) for name in ("record", "fresh")]
    for folder, p, verdict in zip(folders, (0.04, 0.06), ("ahead", "open"), strict=True):
        path = folder / "gains.csv"
        frame = pd.read_csv(path)
        frame.assign(p=p, smallest=0.03, verdict=verdict, rank=p, text=f"p = {p}").to_csv(path, index=False)
    found = verify.compare(folders[1], folders[0])
    assert found.verdict == "agrees"
    gains = found.numbers[found.numbers["table"] == "gains"].set_index("what")["verdict"]
    assert gains.to_dict() == {
        "vit, mixer, difference": "identical",
        "deit, mixer, difference": "identical",
        "vit, mixer, difference, p": "not judged",
        "deit, mixer, difference, p": "not judged",
        "vit, mixer, difference, smallest": "identical",
        "deit, mixer, difference, smallest": "identical",
    }


def test_the_tidy_data_of_a_figure_is_compared_and_other_data_left_alone(tmp_path):
    folders = [written(tmp_path / name, [0.8, 0.9]) for name in ("record", "fresh")]
    for folder, value in zip(folders, (0.5, 0.9), strict=True):
        curve = {"model": ["vit"], "value": [value], "low": [value - 0.1], "high": [value + 0.1]}
        pd.DataFrame(curve).to_csv(folder / "curve.csv", index=False)
        pd.DataFrame({"x": [value]}).to_csv(folder / "sketch.csv", index=False)
        facts = {"items": {"Table": ["scores", "gains"], "Figure": ["curve", "sketch", "photos"]}}
        (folder / "02-page.page.json").write_text(json.dumps(facts | {"provenance": DESIGN}))
    found = verify.compare(folders[1], folders[0])
    verdicts = found.numbers.groupby("table")["verdict"].unique().map(list).to_dict()
    assert verdicts == {"scores": ["identical"], "gains": ["identical"], "curve": ["differs"]}


def test_other_designs_are_compared_by_sign_and_order_alone(tmp_path):
    record = written(tmp_path / "record", [0.80, 0.90], gain=(0.10, 0.01), profile="full", predicted=[0, 1])
    fresh = written(tmp_path / "fresh", [0.40, 0.55], gain=(0.30, 0.10), predicted=[0, 1])
    found = verify.compare(fresh, record)
    assert found.design == ["profile: demo, in the record full"]
    assert found.runs.empty
    verdicts = found.numbers.set_index("what")["verdict"]
    assert verdicts["deit, accuracy above vit, accuracy"] == "agrees"
    assert verdicts["vit, mixer, difference"] == "agrees"
    assert verdicts["deit, mixer, difference"] == "undecided"
    assert found.verdict == "agrees"
    assert "only signs and orders are compared, not sizes" in verify.summary(found)


def test_other_designs_differ_where_a_sign_or_an_order_is_reversed(tmp_path):
    record = written(tmp_path / "record", [0.80, 0.90], profile="full")
    fresh = written(tmp_path / "fresh", [0.90, 0.80], gain=(-0.1, 0.05))
    found = verify.compare(fresh, record)
    differing = found.numbers[found.numbers["verdict"] == "differs"]["what"].tolist()
    assert differing == ["deit, accuracy above vit, accuracy", "vit, mixer, difference"]
    assert found.verdict == "differs"


def test_nothing_to_compare_says_what_to_do(tmp_path):
    record = written(tmp_path / "record", [0.80, 0.90])
    (tmp_path / "empty").mkdir()
    with pytest.raises(RecordError, match="no executed pages; run `rvernet reproduce --profile "):
        verify.compare(tmp_path / "empty", record)
    other = written(tmp_path / "other", [0.80, 0.90])
    (other / "02-page.page.json").rename(other / "03-page.page.json")
    with pytest.raises(RecordError, match="no table in common"):
        verify.compare(other, record)
