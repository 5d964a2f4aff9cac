"""Controls: they answer as what they know allows, and are runs like any other, without weights."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.svm import SVC

from rvernet_core import controls, run_specs, runs
from rvernet_core.config import Condition, DataSpec, ModelSpec, Noise, PlatesSpec, RunSpec, TrainSpec
from rvernet_core.controls import IDEAL, colour_histogram, control, other_foods
from rvernet_core.data import FoodData
from rvernet_core.errors import ConfigError, DataError
from rvernet_core.evaluation.evaluate import evaluate
from rvernet_core.predictions import WITHIN_PAIR
from rvernet_core.runs import RunStore
from rvernet_plates import (
    AMBIGUOUS_PAIRS,
    DRINKS,
    FOODS,
    SAUCES,
    context_ceiling,
    plan_scene,
    render_scene,
    roi_ceiling,
)

DATA = DataSpec(train_scenes=12, test_scenes=10, plates=PlatesSpec(size=64))
pytestmark = pytest.mark.filterwarnings("ignore:The number of unique classes")
ON_ALL = ("histogram", "companions", "majority")


class Split:
    """Samples (class, photo) with a photo of one colour for each; the ROI is a box."""

    def __init__(self, samples, classes, colours=None, noise=0):
        self.classes, self._colours, self._noise = tuple(classes), colours or {}, noise
        self.samples = [
            SimpleNamespace(
                key=f"{name}/{photo}", image_id=photo, label=self.classes.index(name), class_name=name
            )
            for name, photo in samples
        ]
        self.labels = np.array([sample.label for sample in self.samples])
        self.fingerprint = "made up"

    def __len__(self):
        return len(self.samples)

    def mask(self, i):
        mask = np.zeros((12, 16), bool)
        mask[3 : 6 + i % 5, 4:12] = True
        return mask

    def photo(self, i):
        rng = np.random.default_rng([self._noise, i])
        photo = rng.integers(0, 255, (12, 16, 3)).astype(np.uint8)
        inside = self.mask(i)
        tint = self._colours[self.samples[i].class_name]
        photo[inside] = np.clip(rng.normal(tint, 12, (inside.sum(), 3)), 0, 255)
        return photo


def made_up(samples, classes, colours=None):
    split = Split(samples, classes, colours)
    return FoodData(split.classes, split, split)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return RunStore(tmp_path_factory.mktemp("cache"))


# --- runs like any other ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", controls.CONTROLS)
def test_a_control_is_a_run_with_answers_and_without_weights(store, name, monkeypatch):
    spec = control(name, DATA)
    run, data = store.load_or_train(spec), store.data(DATA)
    assert runs.read_run(run.folder).spec == spec
    assert {path.name for path in run.folder.iterdir()} >= {
        "predictions.csv",
        "metrics.json",
        "manifest.json",
    }
    assert not (run.folder / runs.WEIGHTS).exists()
    with pytest.raises(ConfigError, match=f"is the control '{name}', which is no net"):
        run.model()
    assert run.manifest["parameters"] >= 0
    assert run.manifest["seconds"] >= 0
    assert run.manifest["data"]["test"] == data.test.fingerprint
    answered = [s for s in data.test.samples if name in ON_ALL or s.class_name in (*SAUCES, *DRINKS)]
    predictions = run.predictions
    assert list(predictions.table["key"]) == [s.key for s in answered]
    assert run.manifest["samples"]["test"] == len(answered) == len(run.logits)
    assert (run.logits.argmax(1) == predictions.predicted).all()
    assert run.metrics["accuracy"] == pytest.approx((predictions.predicted == predictions.labels).mean())
    monkeypatch.setattr(controls, "answer", lambda *_: pytest.fail("asked again"))
    assert store.load_or_train(spec).metrics == run.metrics


def test_a_control_is_not_evaluated_under_noise(store):
    run = store.load_or_train(control("majority", DATA))
    with pytest.raises(ConfigError, match="which is no net"):
        evaluate([run], [Condition(noise=Noise("translocation"))], store)


def test_every_control_and_every_law_has_a_run_of_its_own(store):
    other = dataclasses.replace(DATA, plates=PlatesSpec(size=64, ambiguity=0.0))
    specs = [control(name, data) for name in controls.CONTROLS for data in (DATA, other)]
    assert len({run_specs.identity(spec) for spec in specs}) == len(specs)
    assert run_specs.identity(RunSpec()) not in {run_specs.identity(spec) for spec in specs}


def test_what_is_no_control_or_cannot_be_one_is_refused_before_any_work(store):
    wrong = [
        (
            dataclasses.replace(control("majority", DATA), model=ModelSpec(roi=None, control="majorty")),
            "did you mean",
        ),
        (RunSpec(DATA, ModelSpec(control="histogram")), "has no backbones"),
        (dataclasses.replace(control("histogram", DATA), train=TrainSpec(epochs=9)), "no training"),
        (dataclasses.replace(control("histogram", DATA), teacher=RunSpec()), "no teacher"),
        (control("ideal-look", DataSpec(name="folder", root=".")), "folder has none"),
    ]
    for spec, message in wrong:
        with pytest.raises(ConfigError, match=message):
            store.load_or_train(spec)
    assert controls.controls_of(DataSpec(name="folder")) == ON_ALL
    assert set(controls.controls_of(DATA)) == {*ON_ALL, *IDEAL}


# --- the colours of the ROI ---------------------------------------------------------------------------


def test_the_histogram_sees_the_colours_inside_the_mask_and_no_shape():
    rng = np.random.default_rng(0)
    photo = rng.integers(0, 255, (20, 30, 3)).astype(np.uint8)
    mask = rng.random((20, 30)) < 0.4
    found = colour_histogram(photo, mask)
    assert (found**2).sum() == pytest.approx(1)
    outside = np.where(mask[..., None], photo, 0).astype(np.uint8)
    assert np.array_equal(colour_histogram(outside, mask), found), "the background counts nowhere"
    shuffled = photo.copy()
    shuffled[mask] = rng.permutation(photo[mask])
    assert np.array_equal(colour_histogram(shuffled, mask), found)
    assert not np.array_equal(colour_histogram(255 - photo, mask), found)


def test_the_histogram_tells_classes_by_colour_and_cannot_tell_equal_colours():
    samples = [(name, f"photo{i}") for i in range(30) for name in ("apple", "lime", "tomato")]
    colours = {"apple": (200, 30, 30), "lime": (60, 180, 40), "tomato": (200, 30, 30)}
    classes = ("apple", "lime", "tomato", "unseen")
    split = Split(samples, classes, colours)
    data = FoodData(classes, split, Split(samples, classes, colours, noise=1))
    answers = controls.answer(control("histogram", DATA), data)
    predicted, green = answers.logits.argmax(1), data.test.labels == 1
    assert (predicted[green] == 1).all()
    assert (predicted[~green] != 1).all()
    assert 0.2 < (predicted == data.test.labels)[~green].mean() < 0.8
    assert (predicted != 3).all(), "a class without training samples is never answered"
    assert set(answers.chosen) == {"C", "gamma"}


def test_a_training_set_of_one_class_is_refused():
    data = made_up([("apple", "a"), ("apple", "b")], ("apple", "lime"), {"apple": (9, 9, 9)})
    for name in ("histogram", "companions"):
        with pytest.raises(DataError, match="at least two"):
            controls.answer(control(name, DATA), data)


def test_settings_are_chosen_on_whole_photos_of_all_parts_of_the_training_set():
    photos = np.repeat([f"{i:03d}" for i in range(40)], 5)
    some = controls._whole_photos(photos, 50)
    assert len(some) == 50
    assert {photos[0], photos[-1]} <= set(photos[some])
    assert len(controls._whole_photos(photos, 999)) == 200


# --- the other foods ----------------------------------------------------------------------------------


def test_the_other_foods_are_those_of_the_same_photo_without_the_own_class():
    split = Split([("egg", "a"), ("rice", "a"), ("egg", "b"), ("soup", "a")], ("egg", "rice", "soup"))
    assert other_foods(split).tolist() == [[0, 1, 1], [1, 0, 1], [0, 0, 0], [1, 1, 0]]


def test_companions_tell_the_pair_that_looks_the_same():
    """Each sauce comes with a food of its own. Told that it is a sauce, the list of foods says which."""
    rows = []
    for i in range(20):
        sauce, food = ("ketchup", "fries") if i % 2 else ("chili paste", "rice")
        rows += [(sauce, f"photo{i}"), (food, f"photo{i}"), *[("egg", f"photo{i}")] * (i % 3 == 0)]
    data = made_up(rows, ("ketchup", "chili paste", "fries", "rice", "egg"))
    answers = controls.answer(control("companions", DATA), data)
    sauces = data.test.labels < 2
    assert (answers.within_pair[sauces] == data.test.labels[sauces]).all()
    assert (answers.within_pair[~sauces] == answers.logits.argmax(1)[~sauces]).all()


def test_within_the_pair_counts_only_where_the_pair_is_read(store):
    predictions = store.load_or_train(control("companions", DATA)).predictions
    classes = store.data(DATA).classes
    labels = [classes.index(name) for name in SAUCES]
    part = predictions.among(labels)
    assert set(part.labels) <= set(labels)
    assert set(part.predicted) <= set(labels)
    assert WITHIN_PAIR in predictions.table
    assert (predictions.table["predicted"] != predictions.table[WITHIN_PAIR]).any()


# --- nothing ------------------------------------------------------------------------------------------


def test_the_majority_answers_the_most_frequent_class_of_the_training_set():
    data = made_up([("egg", "a"), ("rice", "a"), ("rice", "b")], ("egg", "rice", "soup"))
    answers = controls.answer(control("majority", DATA), data)
    assert (answers.logits.argmax(1) == 1).all()
    assert np.exp(answers.logits[0]) == pytest.approx(np.array([2, 3, 1]) / 6)


# --- the law ------------------------------------------------------------------------------------------


def planned(spec, scenes):
    """A test split of all items of planned scenes: nothing is rendered."""
    rows = [(item.name, f"{seed:010d}") for seed in range(scenes) for item in plan_scene(spec, seed).items]
    return made_up(rows, FOODS)


def accuracy(name, spec, data, pair, seed=0):
    answers = controls.answer(control(name, DataSpec(plates=spec), seed), data)
    labels = data.test.labels[answers.indices]
    items = np.isin(labels, [data.classes.index(member) for member in pair])
    return (answers.logits.argmax(1) == labels)[items].mean(), items.sum()


def test_the_ideal_observers_answer_all_ambiguous_items_and_reach_the_ceilings():
    spec = PlatesSpec(sauce_rate=0.9, drink_rate=0.9)
    data = planned(spec, 300)
    answers = controls.answer(control("ideal-both", DataSpec(plates=spec)), data)
    ambiguous = {name for pair in AMBIGUOUS_PAIRS for name in pair}
    assert [data.test.samples[i].class_name in ambiguous for i in range(len(data.test))] == [
        i in set(answers.indices) for i in range(len(data.test))
    ]
    expected = {
        ("ideal-look", SAUCES): roi_ceiling(spec.ambiguity).accuracy,
        ("ideal-company", SAUCES): spec.context_strength,
        ("ideal-both", SAUCES): context_ceiling(spec.ambiguity, spec.context_strength).accuracy,
        ("ideal-look", DRINKS): 0.5,
        ("ideal-company", DRINKS): spec.drink_context_strength,
        ("ideal-both", DRINKS): spec.drink_context_strength,
    }
    for (name, pair), ceiling in expected.items():
        found, count = accuracy(name, spec, data, pair)
        assert found == pytest.approx(ceiling, abs=4 * np.sqrt(0.25 / count)), (name, pair)


def test_an_even_chance_is_a_coin_of_the_seed_and_nothing_else_is():
    spec = PlatesSpec(sauce_rate=0.9, drink_rate=0.9)
    data = planned(spec, 60)

    def answered(name, seed):
        return controls.answer(control(name, DataSpec(plates=spec), seed), data).logits.argmax(1)

    drinks = np.isin(answered("ideal-look", 0), [data.classes.index(name) for name in DRINKS])
    first, second = answered("ideal-look", 0), answered("ideal-look", 1)
    assert (first[~drinks] == second[~drinks]).all()
    assert 0.2 < (first[drinks] == second[drinks]).mean() < 0.8
    assert (answered("ideal-look", 0) == first).all()
    assert (answered("ideal-company", 0) == answered("ideal-company", 1)).all()
    assert controls.is_random("ideal-look")
    assert not controls.is_random("histogram")


# --- the built-in negative control ----------------------------------------------------------------------


def drink_rois(d, seeds):
    """What a classifier may see of the drinks' ROIs: colours, and a small picture of each; and the class."""
    spec = PlatesSpec(size=64, drink_ambiguity=d, drink_rate=1.0, sauce_rate=0.0, min_items=2, max_items=2)
    rows, labels = [], []
    for seed in seeds:
        scene = render_scene(spec, seed)
        (number,) = (k for k, item in enumerate(scene.items, start=1) if item.name in DRINKS)
        mask = scene.instances == number
        if not mask.any():
            continue
        ys, xs = np.nonzero(mask)
        roi = np.where(mask[..., None], scene.image, 0)[ys.min() : ys.max() + 1, xs.min() : xs.max() + 1]
        at = [np.linspace(0, side - 1, 8).round().astype(int) for side in roi.shape[:2]]
        small = roi[np.ix_(*at)].ravel() / 255
        rows.append(np.concatenate([2 * colour_histogram(scene.image, mask), small / np.linalg.norm(small)]))
        labels.append(DRINKS.index(scene.items[number - 1].name))
    return np.array(rows), np.array(labels)


def test_drinks_of_the_same_look_cannot_be_told_from_their_rois():
    """A machine that is trained on their ROIs stays at chance, and tells them where the looks differ."""
    for d, scenes in ((0.0, 90), (4.0, 40)):
        train, labels = drink_rois(d, range(scenes))
        test, truth = drink_rois(d, range(5000, 5000 + scenes))
        right = (SVC(C=10.0).fit(train, labels).predict(test) == truth).mean()
        if d == 0:
            assert abs(right - 0.5) < 3 * np.sqrt(0.25 / len(truth))
        else:
            assert right > 0.75
