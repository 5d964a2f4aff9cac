"""Training learns, repeats itself, resumes to the same result and stops at NaN."""

import numpy as np
import pytest
import torch

from rvernet_core import training
from rvernet_core.config import ModelSpec, TrainSpec
from rvernet_core.errors import TrainingError
from rvernet_core.features import frozen_features
from rvernet_core.models.rvernet import build_model

FRESH = {"pretrained": False, "rest_statistics": False}
PAIR = ModelSpec(roi="mobilenetv2", extra_roi="deit", **FRESH)
QUICK = TrainSpec(epochs=2, batch_size=20, lr=1e-3)


def trained(pairs, model=PAIR, spec=QUICK, seed=0, folder=None):
    training.seed_everything(seed)
    net = build_model(model, 4)
    history = training.fit(net, pairs, spec, seed, folder)
    return net, history


def same(a, b):
    return all(
        torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True)
    )


def test_context_tells_apart_what_the_roi_cannot(pairs, unseen):
    """Classes 2 and 3 share their looks; only the pair can learn what tells them apart on new images."""
    spec = TrainSpec(epochs=12, batch_size=20, lr=2e-3, val_fraction=0.0)
    alone, _ = trained(pairs, ModelSpec(roi="mobilenetv2", **FRESH), spec)
    both, _ = trained(pairs, ModelSpec(roi="mobilenetv2", extra_roi="mobilenetv2", **FRESH), spec)
    alike = unseen.labels >= 2
    right = [(training.predict(net, unseen).argmax(1) == unseen.labels) for net in (alone, both)]
    assert right[0][~alike].mean() > 0.9
    assert right[0][alike].mean() < 0.75
    assert right[1][alike].mean() > 0.9


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(pairs):
    first, history = trained(pairs)
    again, history_again = trained(pairs)
    other, _ = trained(pairs, seed=1)
    assert same(first, again)
    assert history == history_again
    assert not same(first, other)


@pytest.mark.parametrize("broken_newest", [False, True])
def test_fault_32_a_resumed_run_ends_with_the_same_weights_and_history(
    pairs, tmp_path, monkeypatch, broken_newest
):
    """Interrupted after two of three epochs. A damaged newest checkpoint: the one before it is used."""
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 0.0)
    spec = TrainSpec(epochs=3, batch_size=20, lr=1e-3)
    whole, history = trained(pairs, spec=spec)
    real, calls = training._checkpoint, []

    def stop_after_two(*args):
        real(*args)
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(training, "_checkpoint", stop_after_two)
    with pytest.raises(KeyboardInterrupt):
        trained(pairs, spec=spec, folder=tmp_path)
    monkeypatch.setattr(training, "_checkpoint", real)
    if broken_newest:
        newest = tmp_path / "checkpoint.pt"
        newest.write_bytes(newest.read_bytes()[:1000])
    resumed, resumed_history = trained(pairs, spec=spec, folder=tmp_path)
    assert same(whole, resumed)
    assert history == resumed_history


def test_fault_34_a_loss_that_is_not_finite_stops_the_run_and_says_where(pairs):
    with pytest.raises(TrainingError, match=r"epoch \d+, step \d+"):
        trained(pairs, spec=TrainSpec(epochs=3, batch_size=20, lr=1e12))


def test_cached_features_of_frozen_backbones_change_nothing(pairs, tmp_path):
    frozen = ModelSpec(
        roi="mobilenetv2", extra_roi="vit", **FRESH, fusion="features", freeze=("roi", "extra_roi")
    )
    spec = TrainSpec(epochs=2, batch_size=20, lr=1e-3, flip=0.0)
    training.seed_everything(0)
    short = build_model(frozen, 4)
    training.fit(short, pairs, spec, 0, cache=tmp_path)
    training.seed_everything(0)
    long = build_model(frozen, 4)
    images = [pairs.batch(branch, np.arange(len(pairs)), None, "cpu") for branch in ("roi", "extra_roi")]
    long.frozen, kept = (), long.frozen  # the same net, told nothing of the short cut
    for net in kept:
        net.eval()
        net.train = lambda mode=True: None
    training.fit(long, pairs, spec, 0)
    with torch.inference_mode():
        assert torch.allclose(short.eval()(*images), long.eval()(*images), atol=1e-4)
    assert len(list((tmp_path / "features").glob("*.npy"))) == 2
    again = frozen_features(short, pairs, tmp_path)
    assert torch.allclose(again[0], frozen_features(short, pairs, None)[0])


def test_both_branches_are_flipped_together(pairs):
    flips = np.array([True, False, True])
    for branch in ("roi", "extra_roi"):
        plain = pairs.batch(branch, np.arange(3), None, "cpu")
        flipped = pairs.batch(branch, np.arange(3), flips, "cpu")
        assert torch.equal(flipped[1], plain[1])
        assert torch.equal(flipped[0], plain[0].flip(-1))
        assert torch.equal(flipped[2], plain[2].flip(-1))


def test_validation_is_carved_by_photo_and_is_the_same_for_a_seed(pairs):
    fit, val = training.carve_validation(pairs, 0.2, 0)
    assert sorted([*fit, *val]) == list(range(len(pairs)))
    photos = np.asarray(pairs.image_ids)
    assert not set(photos[fit]) & set(photos[val])
    assert len(val) == 12
    assert (training.carve_validation(pairs, 0.2, 0)[1] == val).all()


def test_a_frozen_module_keeps_its_weights_through_training(pairs):
    spec = ModelSpec(roi="mobilenetv2", extra_roi="mobilenetv2", **FRESH, freeze=("extra_roi",))
    training.seed_everything(0)
    before = build_model(spec, 4).extra_roi_module.state_dict()
    net, _ = trained(pairs, spec)
    assert all(torch.equal(v, before[k]) for k, v in net.extra_roi_module.state_dict().items())


def test_predictions_are_probabilities_in_the_order_of_the_samples(pairs):
    net, _ = trained(pairs)
    chances = training.predict(net, pairs)
    assert chances.shape == (60, 4)
    assert np.allclose(chances.sum(1), 1, atol=1e-5)
    with torch.inference_mode():
        images = [pairs.batch(branch, np.arange(3), None, "cpu") for branch in ("roi", "extra_roi")]
        assert np.allclose(net.eval()(*images).softmax(1).numpy(), chances[:3], atol=1e-4)


def test_a_bad_precision_is_refused(pairs):
    with pytest.raises(ValueError, match="float32, bfloat16"):
        trained(pairs, spec=TrainSpec(precision="float8"))
