"""Detector-like nets: what their cells show, how they answer, and that they train as classifiers do."""

import dataclasses

import numpy as np
import pytest
import torch
from small_photos import CLASSES, ROIS, make_split

from rvernet_core import detector, run_specs, runs, training
from rvernet_core.config import CLEAN, DataSpec, ModelSpec, PlatesSpec, RunSpec, TrainSpec
from rvernet_core.data.cutout_set import CutoutSet
from rvernet_core.data.cutouts import letterbox
from rvernet_core.data.samples import FoodSplit
from rvernet_core.detector import CELLS, WholePhotos, answers, cells_of, shares, whole_photos
from rvernet_core.errors import ConfigError, DataError
from rvernet_core.evaluation.evaluate import evaluate
from rvernet_core.models.backbones import BACKBONES, input_size
from rvernet_core.models.rvernet import build_model
from rvernet_core.runs import RunStore

SIDE = input_size("micro")
DATA = DataSpec(train_scenes=14, test_scenes=10, plates=PlatesSpec(size=64))
MODEL = ModelSpec(roi="mobilenetv2", fusion="features", detector=True)
SPEC = RunSpec(DATA, MODEL, TrainSpec(epochs=1, batch_size=16, lr=1e-3))


@pytest.fixture
def photos(tmp_path):
    """The three photos of `small_photos` with their cells."""
    return whole_photos(make_split(), SIDE, tmp_path)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return RunStore(tmp_path_factory.mktemp("cache"))


def squares():
    """30 photos of two samples: a red square left or right, a green one on the other side, on black."""
    side, count = SIDE // CELLS, 30
    pictures = np.zeros((count, SIDE, SIDE, 3), np.uint8)
    coverage = np.zeros((2 * count, CELLS, CELLS), np.float32)
    for photo in range(count):
        for label in (0, 1):
            column = (1, 4)[(photo + label) % 2]
            pictures[photo, 2 * side : 4 * side, column * side : (column + 2) * side, label] = 220
            coverage[2 * photo + label, 2:4, column : column + 2] = 1
    labels, photo_of = np.tile([0, 1], count), np.repeat(np.arange(count), 2)
    return WholePhotos(
        labels=labels,
        keys=tuple(f"{label}/{photo}" for label, photo in zip(labels, photo_of, strict=True)),
        image_ids=tuple(f"photo{photo}" for photo in photo_of),
        classes=("red", "green"),
        fitted=np.full((2 * count, 2), SIDE),
        size=SIDE,
        data="made up",
        fingerprint="made up",
        images=lambda branch, indices: pictures[photo_of[indices]],
        photo_of=photo_of,
        cells=np.stack([cells_of(coverage[k : k + 2], labels[k : k + 2], 2) for k in range(0, 2 * count, 2)]),
        coverage=coverage,
    )


# --- cells --------------------------------------------------------------------------------------------


def test_a_share_is_the_part_of_a_cell_inside_the_mask():
    masks = np.zeros((2, SIDE, SIDE), bool)
    side = SIDE // CELLS
    masks[0, :side, side : 2 * side] = True
    masks[1, : side // 2, : 2 * side] = True
    one, half = shares(masks)
    assert one[0, 1] == 1
    assert one.sum() == 1
    assert (half[0, :2] == 0.5).all()
    assert half.sum() * side**2 == masks[1].sum()


def test_a_cell_shows_what_covers_most_of_it_be_that_food_or_background():
    coverage = np.zeros((2, CELLS, CELLS), np.float32)
    coverage[:, 0, 0] = 0.6, 0.4
    coverage[:, 0, 1] = 0.3, 0.4
    coverage[:, 0, 2] = 0.3, 0.1
    coverage[:, 0, 3] = 0.5, 0
    cells = cells_of(coverage, np.array([5, 7]), 9)
    assert cells[0, :4].tolist() == [5, 7, 9, 5]
    assert (cells[1:] == 9).all()


def test_a_food_that_would_own_no_cell_takes_the_one_it_covers_most():
    coverage = np.zeros((3, CELLS, CELLS), np.float32)
    coverage[0, :2, :2] = 0.8
    coverage[1, 1, 1], coverage[1, 1, 2] = 0.2, 0.1
    cells = cells_of(coverage, np.array([5, 7, 8]), 9)
    assert cells[:2, :2].tolist() == [[5, 5], [5, 7]]
    assert (cells == 7).sum() == 1
    assert not (cells == 8).any(), "what lies in no cell owns none"


# --- whole photos -------------------------------------------------------------------------------------


def test_every_sample_stands_beside_its_whole_photo(photos):
    split = make_split()
    assert list(photos.keys) == [sample.key for sample in split.samples]
    assert photos.photo_of.tolist() == [0, 1, 1, 2]
    for i in range(len(split)):
        group = {"one": 0, "two": 1, "three": 3}[ROIS[i][1]]  # the first sample of the same photo
        (picture,) = photos.images("roi", np.array([i]))
        assert (picture == letterbox(split.photo(group), SIDE)).all()
    assert photos.fitted.tolist() == [[112, 84]] * 4
    two = photos.targets(np.array([1, 2]))
    assert (two[0] == two[1]).all()
    assert set(two[0].ravel()) == {CLASSES.index("egg"), CLASSES.index("rice"), len(CLASSES)}


def test_whole_photos_are_computed_once(photos, tmp_path, monkeypatch):
    monkeypatch.setattr(FoodSplit, "photo", lambda *_: pytest.fail("read again"))
    again = whole_photos(make_split(), SIDE, tmp_path)
    assert again.fingerprint == photos.fingerprint
    assert (again.cells == photos.cells).all()
    assert (again.coverage == photos.coverage).all()


def test_cells_are_mirrored_with_their_photo(photos):
    indices, flips = np.array([0, 1]), np.array([False, True])
    plain, mirrored = photos.targets(indices), photos.targets(indices, flips)
    assert (mirrored[0] == plain[0]).all()
    assert (mirrored[1] == plain[1][:, ::-1]).all()
    assert (mirrored[1] != plain[1]).any()
    assert (photos.targets(indices) == plain).all(), "the set itself stays as it is"


def test_background_counts_as_much_as_all_foods(photos):
    weights = photos.class_weights
    cells = photos.targets(np.arange(len(photos)))
    background = cells == len(CLASSES)
    assert (weights[:-1] == 1).all()
    assert weights[-1] * background.sum() == pytest.approx((~background).sum(), rel=1e-5)


def test_a_photo_in_pieces_is_refused(tmp_path):
    split = make_split()
    source = split._places[0][0]
    source = type("Pieces", (type(source),), {"photo_key": lambda self, ref: ref})()
    items = [(sample, source, ref) for sample, (_, ref) in zip(split.samples, split._places, strict=True)]
    apart = FoodSplit("test", CLASSES, items, "pieces", split.report)
    with pytest.raises(DataError, match="photo 'two' of the test split comes in 2 pieces"):
        whole_photos(apart, SIDE, tmp_path)


# --- the net and its answers --------------------------------------------------------------------------


@pytest.mark.parametrize("name", BACKBONES)
def test_every_backbone_names_the_same_cells_and_keeps_no_head_of_its_own(name):
    torch.manual_seed(0)
    spec = dataclasses.replace(MODEL, roi=name)
    net = detector.build_detector(spec, 4).eval()
    with torch.inference_mode():
        logits = net(torch.rand(2, 3, SIDE, SIDE))
    assert logits.shape == (2, 5, CELLS, CELLS)
    whole = build_model(dataclasses.replace(spec, detector=False), 4)
    count = {key: sum(p.numel() for p in model.parameters()) for key, model in (("d", net), ("c", whole))}
    assert 0.8 * count["c"] < count["d"] < count["c"]


def test_a_cell_is_named_from_its_own_place():
    """A bright square moves the logits of its own cells most."""
    net = detector.build_detector(MODEL, 4).eval()
    dark, lit = torch.zeros(2, 1, 3, SIDE, SIDE)
    lit[..., 16:32, 80:96] = 1
    with torch.inference_mode():
        change = (net(lit) - net(dark)).abs().sum(1)[0]
    row, column = divmod(int(change.argmax()), CELLS)
    assert abs(row - 1) <= 1
    assert abs(column - 5) <= 1


def logits_of(photos, named):
    """Cell logits (N, K + 1, 7, 7) of a net that gives each photo's cells `named` (P, 7, 7), surely."""
    cells = torch.from_numpy(named[photos.photo_of])
    return 20.0 * torch.nn.functional.one_hot(cells, len(photos.classes) + 1).movedim(-1, 1).float()


def test_a_perfect_net_names_and_finds_what_owns_its_cells():
    photos = squares()
    logits, found = answers(logits_of(photos, photos.cells), photos)
    assert logits.shape == (60, 2)
    assert (logits.argmax(1).numpy() == photos.labels).all()
    assert found.all()
    assert torch.allclose(logits.softmax(1), logits.exp(), atol=1e-5), "these are log probabilities"


def test_background_is_no_answer_and_finds_nothing():
    photos = squares()
    cell_logits = logits_of(photos, np.full_like(photos.cells, 2))
    cell_logits[:, 1] += 1.0  # green comes second everywhere
    logits, found = answers(cell_logits, photos)
    assert (logits.argmax(1) == 1).all()
    assert not found.any()


def test_only_covered_cells_answer_and_half_of_them_find_a_food():
    photos = squares()
    named = photos.cells.copy()
    named[photos.cells == 2] = 1 - photos.labels[0]  # what lies beside says nothing
    named[:, 2] = 2  # the upper half of every food is missed
    logits, found = answers(logits_of(photos, named), photos)
    assert (logits.argmax(1).numpy() == photos.labels).all()
    assert found.all()
    named[:, 3, [1, 4]] = 2
    assert not answers(logits_of(photos, named), photos)[1].any(), "a quarter is not enough"


def test_a_food_without_a_pixel_is_answered_from_everywhere():
    photos = squares()
    nowhere = dataclasses.replace(photos, coverage=np.zeros_like(photos.coverage))
    logits, _ = answers(logits_of(photos, photos.cells), nowhere)
    assert torch.isfinite(logits).all()
    assert logits.exp()[:, 0] == pytest.approx(0.5, abs=1e-3)


# --- training -----------------------------------------------------------------------------------------


def test_it_learns_where_the_squares_are():
    """Mirrored, the squares change places: without their cells mirrored, too, nothing could be learned."""
    photos = squares()
    training.seed_everything(0)
    model = detector.build_detector(MODEL, 2)
    spec = TrainSpec(epochs=5, batch_size=20, lr=2e-3, head_lr_factor=5.0)
    history = training.fit(model, photos, spec, 0)
    assert history[-1]["loss"] < history[0]["loss"] / 2
    assert 0.9 < history[-1]["accuracy"] <= 1, "of cells"
    assert 0.9 < history[-1]["val_accuracy"] <= 1
    logits, found = answers(training.predict(model, photos), photos)
    assert (logits.argmax(1).numpy() == photos.labels).mean() > 0.95
    assert found.mean() > 0.9


def test_it_meets_the_samples_that_a_classifier_meets_in_the_same_order_and_mirrored_alike(monkeypatch):
    photos, spec, steps = squares(), TrainSpec(epochs=2, batch_size=16), {}
    for kind in (CutoutSet, WholePhotos):
        steps[kind] = []

        def targets(self, indices, flips=None, kind=kind, plain=kind.targets):
            if flips is not None:
                steps[kind].append((indices.tolist(), flips.tolist()))
            return plain(self, indices, flips)

        monkeypatch.setattr(kind, "targets", targets)
    cutouts = CutoutSet(**{f.name: getattr(photos, f.name) for f in dataclasses.fields(CutoutSet)})
    training.fit(build_model(ModelSpec(roi="mobilenetv2"), 2), cutouts, spec, 3)
    training.fit(detector.build_detector(MODEL, 2), photos, spec, 3)
    assert len(steps[CutoutSet]) == 2 * 4, "54 samples are fitted"
    assert steps[CutoutSet] == steps[WholePhotos]


def test_fault_32_a_stopped_detector_resumes_to_the_same_weights(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 0.0)
    photos, spec = squares(), TrainSpec(epochs=3, batch_size=16)

    def fitted(folder=None, watch=None):
        training.seed_everything(0)
        model = detector.build_detector(MODEL, 2)
        return training.fit(model, photos, spec, 3, folder, watch=watch), model.state_dict()

    def stop(_):
        if list(tmp_path.glob("checkpoint-*")):
            raise KeyboardInterrupt
        return {}

    with pytest.raises(KeyboardInterrupt):
        fitted(tmp_path, stop)
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-00001"]
    (history, resumed), (whole, weights) = fitted(tmp_path), fitted()
    assert history == whole
    assert all(torch.equal(resumed[name], weight) for name, weight in weights.items())


def test_a_detectors_run_holds_what_its_weights_answer(store):
    run = store.load_or_train(SPEC)
    photos = store.whole_photos(DATA, "test", SIDE)
    logits, found = answers(training.predict(run.model(), photos), photos)
    assert list(run.predictions.table["key"]) == [s.key for s in store.data(DATA).test.samples]
    assert (run.predictions.predicted == logits.argmax(1).numpy()).all()
    assert (run.predictions.table["found"] == found).all()
    assert np.allclose(run.logits, logits, atol=1e-3)
    assert runs.read_run(run.folder).spec == SPEC


def test_a_detector_is_another_run_than_the_classifier_of_its_backbone():
    classifier = dataclasses.replace(SPEC, model=dataclasses.replace(MODEL, detector=False))
    assert run_specs.identity(SPEC) != run_specs.identity(classifier)


def test_a_detector_is_not_evaluated_under_conditions_of_cutouts(store):
    with pytest.raises(ConfigError, match="is a detector of whole photos"):
        evaluate([store.load_or_train(SPEC)], [CLEAN], store)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data": DataSpec(name="release", root=".")}, "release has cut-outs of one food each"),
        ({"model": dataclasses.replace(MODEL, extra_roi="vit")}, "has one backbone"),
        ({"model": dataclasses.replace(MODEL, roi=None, extra_roi="vit")}, "has one backbone"),
        ({"model": dataclasses.replace(MODEL, fusion="logits")}, "fusion 'logits'"),
        ({"model": dataclasses.replace(MODEL, freeze=("roi",))}, "cannot have freeze"),
        ({"train": TrainSpec(noise="permutation")}, "cannot have noise"),
        ({"train": TrainSpec(watch_test=True)}, "cannot have watch_test"),
        ({"data": dataclasses.replace(DATA, pairing="name")}, "cannot have pairing"),
    ],
)
def test_what_a_detector_cannot_do_is_refused_before_any_work(tmp_path, changes, message):
    with pytest.raises(ConfigError, match=message):
        RunStore(tmp_path).load_or_train(dataclasses.replace(SPEC, **changes))
    assert not list(tmp_path.iterdir())
