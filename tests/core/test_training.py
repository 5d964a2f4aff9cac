"""Training learns, repeats itself, resumes to the same result and stops at NaN; both schedules."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from rvernet_core import training
from rvernet_core.config import ModelSpec, TrainSpec
from rvernet_core.errors import ConfigError, TrainingError
from rvernet_core.features import frozen_features
from rvernet_core.models.rvernet import build_model

FRESH = {"pretrained": False, "freeze_batch_norm": False}
PAIR = ModelSpec(roi="mobilenetv2", extra_roi="deit", **FRESH)
QUICK = TrainSpec(epochs=2, batch_size=20, lr=1e-3)


def trained(cutouts, model=PAIR, spec=QUICK, seed=0, folder=None):
    training.seed_everything(seed)
    net = build_model(model, 4)
    history = training.fit(net, cutouts, spec, seed, folder)
    return net, history


def same(a, b):
    return all(
        torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True)
    )


# --- learning ---------------------------------------------------------------------------------------


def test_context_separates_what_the_roi_cannot(cutouts, unseen):
    """Classes 2 and 3 share their looks; only with the context can a net learn to separate them."""
    spec = TrainSpec(epochs=12, batch_size=20, lr=2e-3, val_fraction=0.0)
    models = [
        ModelSpec(roi="mobilenetv2", **FRESH),
        ModelSpec(roi="mobilenetv2", extra_roi="mobilenetv2", **FRESH),
        ModelSpec(roi=None, extra_roi="mobilenetv2", **FRESH),
    ]
    roi, both, context = (
        training.predict(trained(cutouts, model, spec)[0], unseen).argmax(1).numpy() for model in models
    )
    alike = unseen.labels >= 2
    right = unseen.labels
    assert (roi == right)[~alike].mean() > 0.9
    assert (roi == right)[alike].mean() < 0.75
    assert (both == right)[alike].mean() > 0.9
    assert (context == right)[right == 3].mean() > 0.9, "the context-only baseline sees the mark of class 3"
    assert (context == right)[right < 3].mean() < 0.6, "and none of the others"


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(cutouts):
    first, history = trained(cutouts)
    again, history_again = trained(cutouts)
    other, _ = trained(cutouts, seed=1)
    assert same(first, again)
    assert history == history_again
    assert not same(first, other)


@pytest.mark.parametrize("broken_newest", [False, True])
def test_fault_32_a_resumed_run_ends_with_the_same_weights_and_history(
    cutouts, tmp_path, monkeypatch, broken_newest
):
    """Interrupted after two of three epochs. A damaged newest checkpoint: the one before it is used."""
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 0.0)
    spec = TrainSpec(epochs=3, batch_size=20, lr=1e-3)
    whole, history = trained(cutouts, spec=spec)
    real, calls = training._checkpoint, []

    def stop_after_two(*args):
        real(*args)
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(training, "_checkpoint", stop_after_two)
    with pytest.raises(KeyboardInterrupt):
        trained(cutouts, spec=spec, folder=tmp_path)
    monkeypatch.setattr(training, "_checkpoint", real)
    if broken_newest:
        newest = tmp_path / "checkpoint.pt"
        newest.write_bytes(newest.read_bytes()[:1000])
    resumed, resumed_history = trained(cutouts, spec=spec, folder=tmp_path)
    assert same(whole, resumed)
    assert history == resumed_history


def test_fault_34_a_loss_that_is_not_finite_stops_the_run_and_says_where(cutouts):
    with pytest.raises(TrainingError, match=r"epoch \d+, step \d+"):
        trained(cutouts, spec=TrainSpec(epochs=3, batch_size=20, lr=1e12))


def test_a_frozen_module_keeps_its_weights_through_training(cutouts):
    spec = ModelSpec(roi="mobilenetv2", extra_roi="mobilenetv2", **FRESH, freeze=("extra_roi",))
    training.seed_everything(0)
    before = build_model(spec, 4).extra_roi_module.state_dict()
    net, _ = trained(cutouts, spec)
    assert all(torch.equal(v, before[k]) for k, v in net.extra_roi_module.state_dict().items())


def test_a_bad_precision_is_refused(cutouts):
    with pytest.raises(ConfigError, match="float32, bfloat16"):
        trained(cutouts, spec=TrainSpec(precision="float8"))


# --- data -------------------------------------------------------------------------------------------


def test_both_branches_are_flipped_together(cutouts):
    flips = np.array([True, False, True])
    for branch in ("roi", "extra_roi"):
        plain = cutouts.batch(branch, np.arange(3), None, "cpu")
        flipped = cutouts.batch(branch, np.arange(3), flips, "cpu")
        assert torch.equal(flipped[1], plain[1])
        assert torch.equal(flipped[0], plain[0].flip(-1))
        assert torch.equal(flipped[2], plain[2].flip(-1))


def test_validation_is_split_off_by_photo_and_is_the_same_for_a_seed(cutouts):
    fit, val = training.split_validation(cutouts, 0.2, 0)
    assert sorted([*fit, *val]) == list(range(len(cutouts)))
    photos = np.asarray(cutouts.image_ids)
    assert not set(photos[fit]) & set(photos[val])
    assert len(val) == 12
    assert (training.split_validation(cutouts, 0.2, 0)[1] == val).all()


def test_cached_features_of_frozen_backbones_change_nothing(cutouts, tmp_path):
    frozen = ModelSpec(
        roi="mobilenetv2", extra_roi="vit", **FRESH, fusion="features", freeze=("roi", "extra_roi")
    )
    spec = TrainSpec(epochs=2, batch_size=20, lr=1e-3, flip=0.0)
    training.seed_everything(0)
    short = build_model(frozen, 4)
    training.fit(short, cutouts, spec, 0, cache=tmp_path)
    training.seed_everything(0)
    long = build_model(frozen, 4)
    images = [cutouts.batch(branch, np.arange(len(cutouts)), None, "cpu") for branch in long.branches]
    long.frozen, kept = (), long.frozen  # the same net, without the short cut through cached features
    for net in kept:
        net.eval()
        net.train = lambda mode=True: None
    training.fit(long, cutouts, spec, 0)
    with torch.inference_mode():
        assert torch.allclose(short.eval()(*images), long.eval()(*images), atol=1e-4)
    assert len(list((tmp_path / "features").glob("*.npy"))) == 2
    again = frozen_features(short, cutouts, tmp_path)
    assert torch.allclose(again[0], frozen_features(short, cutouts, None)[0])


# --- asking a model ---------------------------------------------------------------------------------


def test_predictions_are_logits_in_the_order_of_the_samples(cutouts):
    net, _ = trained(cutouts)
    logits = training.predict(net, cutouts)
    assert logits.shape == (60, 4)
    assert logits.dtype == torch.float32
    with torch.inference_mode():
        images = [cutouts.batch(branch, np.arange(3), None, "cpu") for branch in net.branches]
        assert torch.allclose(net.eval()(*images), logits[:3], atol=1e-4)


@pytest.mark.parametrize(("scale", "device", "expected"), [("micro", "cpu", 1), ("paper", "cpu", 2)])
def test_micro_nets_run_on_one_thread_and_the_number_of_threads_comes_back(scale, device, expected):
    torch.set_num_threads(2)
    try:
        with training.reproducible_threads(ModelSpec(scale=scale), device) as threads:
            assert threads == torch.get_num_threads() == expected
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)


# --- the learning rate ------------------------------------------------------------------------------


def test_the_curve_starts_at_zero_peaks_after_the_warm_up_and_ends_at_zero():
    values = [training.warmup_cosine(step, 10, 100) for step in range(101)]
    assert values[0] == 0
    assert values[10] == max(values) == 1
    assert values[100] == pytest.approx(0, abs=1e-12)
    assert all(a < b for a, b in pairwise(values[:11]))
    assert all(a > b for a, b in pairwise(values[10:]))


def test_without_warm_up_the_first_step_is_the_peak():
    assert training.learning_rate("as-written", 0, 10, 3, 0.0) == 1


def test_as_written_follows_the_steps_across_epochs():
    values = [training.learning_rate("as-written", step, 10, 3, 0.1) for step in range(30)]
    assert values.index(max(values)) == 3
    assert values[-1] < 0.01


def test_as_released_never_leaves_its_warm_up_at_the_sizes_of_the_readme():
    """18,320 images, batch 50, 30 epochs: 10,980 iterations, 1,098 of them warm-up, one step per epoch."""
    steps = 366
    rates = [
        4e-3 * training.learning_rate("as-released", epoch * steps, steps, 30, 0.1) for epoch in range(30)
    ]
    assert rates[0] == 0
    assert rates[29] == pytest.approx(1.06e-4, rel=0.01)
    assert max(rates) == rates[29]


def test_an_unknown_schedule_names_the_known_ones():
    with pytest.raises(ConfigError, match="as-written, as-released"):
        training.learning_rate("cosine", 0, 1, 1, 0.0)
