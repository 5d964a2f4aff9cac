"""Page 2, continued: classifiers against detector-like nets, on made-up answers and on three small photos."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from small_photos import CLASSES as SMALL_CLASSES
from small_photos import make_study

from rvernet_core.config import DataSpec, RunSpec, replace
from rvernet_core.detector import build_detector, whole_photos
from rvernet_core.experiments import detector_baseline as page
from rvernet_core.experiments.profiles import PROFILES
from rvernet_core.experiments.study import Study
from rvernet_core.models.backbones import BACKBONES, input_size

CLASSES = ("rice", "egg", "ketchup", "chili paste")
TRUTH = np.tile(np.arange(4), 25)
SLIPS = np.where(np.arange(100) % 5 == 0, (TRUTH + 1) % 4, TRUTH)  # a fifth is wrong


@pytest.fixture
def study():
    return Study.of("smoke", device="cpu")


def test_a_detector_like_net_is_trained_as_the_classifier_of_its_backbone_and_seed(study):
    for name, specs in page.specs(study.with_seeds((0, 1))).items():
        classifiers = {spec.seed: spec for spec in study.singles()[name]}
        for spec in specs:
            classifier = classifiers[spec.seed]
            assert spec.model.detector
            assert (spec.train, spec.data, spec.teacher) == (classifier.train, classifier.data, None)
            alike = replace(spec.model, fusion=classifier.model.fusion, detector=False)
            assert alike == classifier.model


def test_the_profile_says_which_and_the_first_stands_in_where_none_is_left(study):
    assert list(page.specs(study)) == list(study.profile.detectors) == ["mobilenetv2"]
    assert [spec.seed for spec in page.specs(study)["mobilenetv2"]] == [0]
    others = Study.of("smoke", backbones=["vit", "deit"], seeds=[4, 5], device="cpu")
    assert [spec.seed for spec in page.specs(others)["vit"]] == [4, 5]
    assert list(page.specs(others)) == ["vit"]


def test_the_published_record_has_every_backbone_with_the_seeds_that_the_rule_asks_for():
    full = page.specs(Study.of("full", device="cpu"))
    assert list(full) == list(BACKBONES)
    assert all(len(specs) >= 3 for specs in full.values())


def test_data_of_finished_cutouts_have_no_detectors(study):
    released = SimpleNamespace(profile=replace(study.profile, data=DataSpec(name="release")))
    assert page.specs(released) == page.needs(released) == page.weights(released) == {}
    assert page.shown(released) == ("", [])
    assert page.against(released, {}, {}).empty


def test_only_the_net_that_is_shown_needs_its_weights(study):
    needs = page.needs(study.with_seeds((0, 1)))
    assert {name: specs[:1] for name, specs in needs.items()} == page.weights(study)


def test_classifiers_are_compared_with_their_detectors_over_the_seeds_of_both(make_predictions):
    study = SimpleNamespace(classes=CLASSES)
    singles = {"deit": [make_predictions(TRUTH, TRUTH, seed) for seed in (2, 1, 0)]}
    finds = [np.arange(100) < count for count in (30, 50)]
    nets = [
        make_predictions(SLIPS, TRUTH, seed, found=found.astype(int))
        for seed, found in zip((0, 1), finds, strict=True)
    ]
    (row,) = page.against(study, singles, {"deit": nets}).to_dict("records")
    assert (row["model"], row["seeds"]) == ("deit", 2)
    assert (row["classifier"], row["detector"]) == pytest.approx((1.0, 0.8))
    assert row["difference"] == pytest.approx(0.2)
    assert 0 < row["difference_low"] < 0.2 < row["difference_high"]
    assert row["p"] < 0.05
    assert row["found"] == pytest.approx(0.4)
    assert (row["classifier_seconds"], row["detector_seconds"]) == (2, 2)


def test_a_pair_of_another_seed_is_never_taken(make_predictions):
    study = SimpleNamespace(classes=CLASSES)
    singles = {"deit": [make_predictions(TRUTH, TRUTH, 0)]}
    with pytest.raises(KeyError):
        page.against(study, singles, {"deit": [make_predictions(TRUTH, TRUTH, 1, found=TRUTH)]})


@pytest.fixture
def small(tmp_path, make_predictions):
    """Three photos with four foods, and an untrained net that found the second food."""
    study, size = make_study(tmp_path), input_size("micro")
    spec = RunSpec(model=replace(RunSpec().model, roi="mobilenetv2", fusion="features", detector=True))
    torch.manual_seed(0)
    net = build_detector(spec.model, len(SMALL_CLASSES)).eval()
    run = SimpleNamespace(
        spec=spec,
        model=lambda: net,
        predictions=make_predictions(TRUTH[:4], TRUTH[:4], found=[0, 1, 0, 0]),
    )
    asked = []
    study.backbones, study.used = ("mobilenetv2",), []
    study.with_seeds = lambda seeds: SimpleNamespace(singles=lambda: {"mobilenetv2": [RunSpec()]})
    study.runs = lambda models: asked.append(models) or {"mobilenetv2": [run]}
    study.store.whole_photos = lambda data, split, size: whole_photos(
        getattr(study.data, split), size, tmp_path
    )
    return study, net, whole_photos(study.data.test, size, tmp_path), asked


def test_the_photos_with_the_most_foods_are_shown_with_what_their_cells_are_given(small):
    study, net, photos, asked = small
    name, shown = page.shown(study, count=2)
    assert name == "mobilenetv2"
    assert [[spec.model.detector for spec in models["mobilenetv2"]] for models in asked] == [[True]]
    assert [one.image_id for one in shown] == ["two", "one"]
    two = shown[0]
    assert (two.foods, two.found) == (("egg", "rice"), (True, False))
    assert two.masks.shape == (2, photos.size, photos.size)
    assert (two.photo == photos.images("roi", np.array([1]))[0]).all()
    with torch.inference_mode():
        given = net(photos.batch("roi", np.array([1]), None, "cpu"))[0].argmax(0).numpy()
    assert (two.named == np.array([*SMALL_CLASSES, ""])[given]).all()
    assert set(two.cells.ravel()) == {"egg", "rice", ""}


def test_every_profile_has_detector_like_nets_of_its_own_backbones():
    for profile in PROFILES.values():
        assert profile.detectors
        assert set(profile.detectors) <= set(BACKBONES)
        assert set(profile.detector_seeds) <= set(profile.seeds)
