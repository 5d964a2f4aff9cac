"""What lies behind a page can be read by other code, and gives the page's numbers again."""

import json
import lzma

import pandas as pd
import pytest

from rvernet_book.record import factored, name_of, read_evidence, write_evidence
from rvernet_core import runs
from rvernet_core.config import DataSpec, ModelSpec, PlatesSpec, RunSpec, TrainSpec
from rvernet_core.evaluation.evaluate import try_all
from rvernet_core.evaluation.perturbed import Condition, Noise

DATA = DataSpec(train_scenes=10, test_scenes=12, plates=PlatesSpec(size=64))


@pytest.fixture(scope="module")
def entries(tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")
    spec = RunSpec(DATA, ModelSpec(roi="mlp-mixer"), TrainSpec(epochs=1))
    made = [runs.load_or_train(RunSpec(DATA, spec.model, spec.train, seed), cache) for seed in (0, 1)]
    conditions = [Condition(noise=Noise("translocation"), photos=4), Condition(context="other")]
    tried = try_all(made[:1], conditions, cache)
    return [*made, *made, *[tried[c][0] for c in conditions]]


def test_every_prediction_comes_back(entries, tmp_path):
    write_evidence("page", entries, tmp_path)
    table, facts = read_evidence("page", tmp_path)
    assert set(facts) == {name_of(e) for e in entries}, "what is given twice is kept once"
    for entry in entries:
        own = entry.predictions.set_index("key")["predicted"]
        stored = table.set_index("key")[name_of(entry)].dropna()
        assert stored.astype(int).to_dict() == own.to_dict()
        assert facts[name_of(entry)]["manifest"] == entry.manifest
    donors = table.set_index("key")[f"{name_of(entries[-1])}:donor"]
    assert donors.to_dict() == entries[-1].predictions.set_index("key")["donor"].to_dict()


def test_a_csv_reader_is_all_it_takes(entries, tmp_path):
    packed, _ = write_evidence("page", entries, tmp_path)
    table = pd.read_csv(packed)  # pandas unpacks .xz by itself
    run = entries[0]
    assert (table[name_of(run)] == table["label"]).mean() == pytest.approx(run.metrics["accuracy"])
    assert lzma.decompress(packed.read_bytes()).startswith(b"key,image_id,label,")


def test_it_is_written_the_same_twice(entries, tmp_path):
    first = [p.read_bytes() for p in write_evidence("page", entries, tmp_path / "a")]
    assert first == [p.read_bytes() for p in write_evidence("page", entries, tmp_path / "b")]


def test_a_page_without_runs_has_nothing_behind_it(tmp_path):
    assert write_evidence("page", [], tmp_path) == []


def test_what_all_share_stands_once():
    facts = {
        "a": {"x": {"p": 1, "q": 2}, "only": 3},
        "b": {"x": {"p": 1, "q": 5}, "y": {}},
        "c": {"x": {"p": 1, "q": 2}},
    }
    packed = factored(facts)
    assert packed["common"] == {"x": {"p": 1}}
    assert packed["each"]["b"] == {"x": {"q": 5}, "y": {}}
    assert json.dumps(packed)
