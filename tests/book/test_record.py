"""What lies behind a page can be read by other code, and comes back as the predictions that were written."""

import json
import lzma

import numpy as np
import pandas as pd
import pytest
from small_sets import make_predictions

from rvernet_book.record import factored, read_predictions, read_record, write_predictions
from rvernet_core import runs
from rvernet_core.config import Condition, DataSpec, ModelSpec, Noise, PlatesSpec, RunSpec, TrainSpec
from rvernet_core.errors import RecordError
from rvernet_core.evaluation.evaluate import evaluate
from rvernet_core.runs import RunStore

DATA = DataSpec(train_scenes=10, test_scenes=12, plates=PlatesSpec(size=64))
LABELS = np.arange(8) % 4
TEACHER = RunSpec(DATA, ModelSpec(roi="mobilenetv2"))
DISTILLED = RunSpec(
    DATA, ModelSpec(roi="deit-distilled"), TrainSpec(distillation="hard", strength=0.5), teacher=TEACHER
)
KEYS = [f"rice/{i:03d}" for i in range(8)]


@pytest.fixture
def predictions():
    """Two runs, one of them distilled, and two evaluations: on fewer photos, and with a foreign context."""
    facts = {"key": KEYS, "image_id": [f"{i // 2:03d}" for i in range(8)]}
    plain = make_predictions(LABELS, LABELS, 0, run="plain", spec=TEACHER, **facts)
    heads = {"class head": LABELS, "distillation head": LABELS[::-1]}
    distilled = make_predictions(LABELS[::-1], LABELS, run="distilled", spec=DISTILLED, **facts, **heads)
    noisy = Condition(noise=Noise("translocation"), on=("roi",), photos=2)
    fewer = make_predictions(
        LABELS[:4] * 0, LABELS[:4], run="plain", spec=TEACHER, condition=noisy, key=KEYS[:4]
    )
    swapped = make_predictions(
        3 - LABELS,
        LABELS,
        run="plain",
        spec=TEACHER,
        condition=Condition(context="other"),
        **facts,
        context_source=KEYS[::-1],
    )
    return [plain, distilled, fewer, swapped]


def assert_same(read, written):
    assert read == written
    assert read.manifest == written.manifest
    columns = [c for c in written.table if c != "confidence" and not c.startswith("p ")]
    pd.testing.assert_frame_equal(read.table, written.table[columns])


def test_predictions_come_back_as_they_were_written(predictions, tmp_path):
    write_predictions("page", [*predictions, predictions[0]], tmp_path)
    stored = read_predictions("page", tmp_path)
    assert list(stored) == [entry.name for entry in predictions], "what is given twice is kept once"
    for entry in predictions[:2] + predictions[3:]:
        assert_same(stored[entry.name], entry)
    fewer = predictions[2]
    assert (stored[fewer.name].predicted == fewer.predicted).all()
    assert list(stored[fewer.name].table["key"]) == KEYS[:4]


def test_a_trained_run_and_its_evaluations_come_back(tmp_path):
    store = RunStore(tmp_path / "cache")
    spec = RunSpec(DATA, ModelSpec(roi="mlp-mixer"), TrainSpec(epochs=1))
    run = store.load_or_train(spec)
    conditions = [Condition(noise=Noise("translocation"), photos=4), Condition(context="other")]
    evaluations = [answers for (answers,) in evaluate([run], conditions, store).values()]
    packed, _ = write_predictions("page", [run.predictions, *evaluations], tmp_path)
    stored = read_record(tmp_path)
    for entry in (run.predictions, *evaluations):
        assert_same(stored[entry.name], entry)
    again = stored[run.folder.name]
    scores = runs.test_metrics(again.labels, again.predicted, store.data(DATA).classes)
    assert scores == pytest.approx(run.metrics)
    table = pd.read_csv(packed)
    assert (table[run.folder.name] == table["label"]).mean() == pytest.approx(run.metrics["accuracy"])


def test_an_evaluation_without_a_condition_does_not_replace_the_runs_own_answers(predictions, tmp_path):
    """Both have the run's name, but only the run's own table knows what each head answers."""
    distilled = predictions[1]
    bare = distilled.table.drop(columns=["class head", "distillation head"])
    clean = make_predictions(
        bare["predicted"], LABELS, run="distilled", spec=DISTILLED, **bare[["key", "image_id"]]
    )
    write_predictions("page", [distilled, clean], tmp_path)
    assert_same(read_predictions("page", tmp_path)["distilled"], distilled)


def test_a_csv_reader_is_all_it_takes(predictions, tmp_path):
    packed, _ = write_predictions("page", predictions, tmp_path)
    table = pd.read_csv(packed)  # pandas unpacks .xz by itself
    assert (table["plain"] == table["label"]).all()
    assert (table["distilled"] == table["label"]).mean() == pytest.approx((LABELS[::-1] == LABELS).mean())
    assert table[predictions[2].name].count() == 4, "a sample that an evaluation left out has an empty cell"
    assert lzma.decompress(packed.read_bytes()).startswith(b"key,image_id,label,")


def test_it_is_written_the_same_twice(predictions, tmp_path):
    first = [p.read_bytes() for p in write_predictions("page", predictions, tmp_path / "a")]
    assert first == [p.read_bytes() for p in write_predictions("page", predictions, tmp_path / "b")]


def test_a_page_without_runs_has_nothing_behind_it(tmp_path):
    assert write_predictions("page", [], tmp_path) == []


def test_the_record_is_that_of_all_its_pages(predictions, tmp_path):
    with pytest.raises(RecordError, match="no published predictions"):
        read_record(tmp_path)
    write_predictions("02-page", predictions[:1], tmp_path)
    write_predictions("03-page", predictions[1:], tmp_path)
    assert set(read_record(tmp_path)) == {entry.name for entry in predictions}


def test_files_that_contradict_each_other_are_refused(predictions, tmp_path):
    write_predictions("page", predictions, tmp_path)
    write_predictions("other", predictions[:1], tmp_path)
    (tmp_path / "page.predictions.csv.xz").write_bytes((tmp_path / "other.predictions.csv.xz").read_bytes())
    with pytest.raises(RecordError, match="page: the record names plain~"):
        read_predictions("page", tmp_path)


def test_runs_on_other_data_and_on_a_part_of_it_come_back(predictions, tmp_path):
    """A page may show other laws of the plates, whose photos show other sauces, and ideal observers."""
    other = RunSpec(DataSpec(train_scenes=10, test_scenes=13, plates=PlatesSpec(size=64, ambiguity=0.0)))
    keys = [*KEYS[4:], *(f"egg/{i:03d}" for i in range(9))]
    photos = [key[-3:] for key in keys]
    labels = np.array([*LABELS[4:], *[1] * 9])
    longer = make_predictions(labels, labels, run="other", spec=other, key=keys, image_id=photos)
    part = make_predictions(
        LABELS[::3],
        LABELS[::3],
        run="part",
        spec=TEACHER,
        key=KEYS[::3],
        image_id=[k[-3:] for k in KEYS[::3]],
    )
    plain = predictions[0]
    whole = make_predictions(
        plain.predicted, plain.labels, run="plain", spec=TEACHER, key=KEYS, image_id=[k[-3:] for k in KEYS]
    )
    write_predictions("page", [part, whole, longer], tmp_path)
    stored = read_predictions("page", tmp_path)
    for entry in (part, whole):
        assert_same(stored[entry.name], entry)
    columns = ["key", "image_id", "label", "predicted"]
    found = stored["other"].table.sort_values("key", ignore_index=True)[columns]
    pd.testing.assert_frame_equal(found, longer.table.sort_values("key", ignore_index=True)[columns])


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


def test_probabilities_are_published_in_thousandths_where_a_page_asks_for_it(predictions, tmp_path):
    keys = [f"{name}/{i}" for i, name in enumerate(("ketchup", "chili paste", "rice", "egg") * 2)]
    p = np.linspace(0.0004, 0.9, 8)
    columns = {"key": keys, "confidence": 1 - p / 2, "p ketchup": p, "p chili paste": 0.95 - p}
    plain = make_predictions(LABELS, LABELS, 0, run="plain", spec=TEACHER, **columns)
    noisy = make_predictions(
        LABELS, LABELS, 0, run="plain", spec=TEACHER, condition=Condition(photos=2), **columns
    )
    write_predictions("02-other", [plain], tmp_path)
    packed, _ = write_predictions("01-beliefs", [plain, noisy], tmp_path, beliefs=True)
    read = read_record(tmp_path)["plain"]  # the page that publishes most of a run, whatever its name
    own = np.arange(8) % 4 < 2
    for column in ("p ketchup", "p chili paste"):
        assert read.table.loc[own, column].to_numpy() == pytest.approx(plain.table.loc[own, column], abs=5e-4)
        assert read.table.loc[~own, column].isna().all()
    assert read.table["confidence"].to_numpy() == pytest.approx(plain.table["confidence"], abs=5e-4)
    assert len([c for c in pd.read_csv(packed) if ":p " in c]) == 2, "clean runs alone"
    again, _ = write_predictions("01-beliefs", [read, noisy], tmp_path / "again", beliefs=True)
    assert again.read_bytes() == packed.read_bytes(), "what was read is published as it was"
