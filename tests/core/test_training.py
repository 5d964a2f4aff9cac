"""Training learns, repeats itself, resumes to the same result and stops at NaN; both schedules."""

import contextlib
import ctypes
import errno
import resource
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import released_code
import torch
from damage import HARMS, damage
from small_sets import make_cutouts

from rvernet_core import files, training
from rvernet_core.config import BRANCHES, Condition, ModelSpec, Noise, TrainSpec
from rvernet_core.data.augmentation import NoisyBatch
from rvernet_core.data.cutout_set import CutoutSet
from rvernet_core.errors import ConfigError, DataError, MemoryShortageError, TrainingError
from rvernet_core.evaluation.perturbed import perturbed
from rvernet_core.features import frozen_features
from rvernet_core.models.rvernet import build_model
from rvernet_core.sealed import sealed_folder

FRESH = {"pretrained": False, "freeze_batch_norm": False}
PAIR = ModelSpec(roi="mobilenetv2", extra_roi="deit", **FRESH)
QUICK = TrainSpec(epochs=2, batch_size=20, lr=1e-3)


SMALL = ModelSpec(roi="mlp-mixer", **FRESH)
THREE = TrainSpec(epochs=3, batch_size=20, lr=1e-3)


def trained(cutouts, model=PAIR, spec=QUICK, seed=0, folder=None, watch=None):
    training.seed_everything(seed)
    net = build_model(model, 4)
    history = training.fit(net, cutouts, spec, seed, folder, watch=watch)
    return net, history


def same(a, b):
    return all(
        torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True)
    )


# --- learning ---------------------------------------------------------------------------------------


def test_context_separates_what_the_roi_cannot(cutouts, unseen):
    """Classes 2 and 3 share their looks; only with the context can a net learn to separate them."""
    spec = TrainSpec(epochs=20, batch_size=20, lr=2e-3, val_fraction=0.0)
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


# --- checkpoints ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole():
    """The net and the history of `SMALL` trained for three epochs without a break."""
    return trained(make_cutouts(0), SMALL, THREE)


def small(cutouts, folder, **changes):
    """The run of `whole`, with some changes, and with checkpoints in `folder`."""
    return trained(cutouts, **({"model": SMALL, "spec": THREE} | changes), folder=folder)


def equals(whole, resumed):
    return same(whole[0], resumed[0]) and whole[1] == resumed[1]


def stopped_after(epochs, cutouts, folder, **changes):
    """Leave the checkpoints of a run of three epochs in `folder`, after one or two of them."""
    real, calls = training._checkpoint, []

    def stop(*args):
        real(*args)
        calls.append(1)
        if len(calls) == epochs:
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "CHECKPOINT_SECONDS", 0.0)
        patch.setattr(training, "_checkpoint", stop)
        with pytest.raises(KeyboardInterrupt):
            small(cutouts, folder, **changes)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_fault_32_a_resumed_run_ends_with_the_same_weights_and_history(whole, cutouts, tmp_path):
    """Interrupted after two of three epochs."""
    stopped_after(2, cutouts, tmp_path)
    assert names(tmp_path) == ["checkpoint-00001", "checkpoint-00002"]
    assert equals(whole, small(cutouts, tmp_path))


@pytest.mark.parametrize("harm", HARMS)
def test_fault_31_a_damaged_checkpoint_gives_way_to_the_one_before_it(whole, cutouts, tmp_path, harm, caplog):
    stopped_after(2, cutouts, tmp_path)
    damage(tmp_path / "checkpoint-00002" / "state.pt", harm)
    with caplog.at_level("INFO"):
        resumed = small(cutouts, tmp_path)
    assert "resuming after epoch 1" in caplog.text
    assert equals(whole, resumed)


def test_fault_66_without_an_intact_checkpoint_training_starts_afresh(whole, cutouts, tmp_path):
    stopped_after(1, cutouts, tmp_path)
    damage(tmp_path / "checkpoint-00001" / "state.pt")
    assert equals(whole, small(cutouts, tmp_path))
    assert names(tmp_path) == ["checkpoint-00001.damaged"]


@pytest.mark.parametrize(
    "changes",
    [
        {"model": ModelSpec(roi="mobilenetv2", **FRESH)},
        {"model": ModelSpec(extra_roi="mlp-mixer", roi=None, **FRESH)},
        {"seed": 1},
        {"spec": TrainSpec(epochs=3, batch_size=20, lr=2e-3)},
        {"cutouts": make_cutouts(1)},
    ],
    ids=["another net", "another branch", "another seed", "another rate", "other data"],
)
def test_fault_46_a_checkpoint_of_another_run_is_set_aside(whole, cutouts, tmp_path, caplog, changes):
    stopped_after(1, **({"cutouts": cutouts} | changes), folder=tmp_path)
    assert equals(whole, small(cutouts, tmp_path))
    (warning,) = [message for message in caplog.messages if "set aside" in message]
    assert "checkpoint-00001 is a checkpoint of another run" in warning


@pytest.mark.parametrize("content", [{"epoch": 3}, [1, 2], b"PK no checkpoint"])
def test_fault_46_another_mapping_is_set_aside(cutouts, tmp_path, content, caplog):
    with sealed_folder(tmp_path / "checkpoint-00001") as staging:
        if isinstance(content, bytes):
            (staging / "state.pt").write_bytes(content)
        else:
            torch.save(content, staging / "state.pt")
    _, history = small(cutouts, tmp_path)
    assert len(history) == 3
    assert "set aside as checkpoint-00001.damaged" in caplog.messages[0]


def test_fault_45_two_writers_of_the_same_checkpoints_both_end_well(whole, cutouts, tmp_path, monkeypatch):
    """Just before the one is in place, the other has written the same checkpoint."""
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 0.0)
    real = training.sealed_folder

    @contextlib.contextmanager
    def raced(path, needed):
        with real(path, needed) as staging:
            yield staging
            with real(path, needed) as quicker:
                (quicker / "state.pt").write_bytes((staging / "state.pt").read_bytes())

    monkeypatch.setattr(training, "sealed_folder", raced)
    assert equals(whole, small(cutouts, tmp_path))
    assert names(tmp_path) == ["checkpoint-00002", "checkpoint-00003"]


def test_fault_45_the_other_writer_finishes_and_removes_the_checkpoints(
    whole, cutouts, tmp_path, monkeypatch
):
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 0.0)
    real = training.sealed_folder

    @contextlib.contextmanager
    def finished_meanwhile(path, needed):
        with real(path, needed) as staging:
            files.remove(path.parent)
            yield staging

    monkeypatch.setattr(training, "sealed_folder", finished_meanwhile)
    assert equals(whole, small(cutouts, tmp_path / "part"))


def test_fault_41_a_disk_that_fills_up_under_a_checkpoint(cutouts, tmp_path, monkeypatch):
    """One clear error; the checkpoint before stays."""
    stopped_after(1, cutouts, tmp_path)
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 0.0)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(training.Path, "write_bytes", full)
    with pytest.raises(DataError, match=r"checkpoint-00002: the disk is full \([\d.]+ MiB needed"):
        small(cutouts, tmp_path)
    assert names(tmp_path) == ["checkpoint-00001"]


# --- what stops a run -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limit", "expected", "sizes"),
    [(5, "5 fit: set batch_size", [20, 10, 5]), (1, "not even 2 fit", [20, 10, 5, 2])],
)
def test_fault_64_out_of_memory_says_which_batch_size_fits(cutouts, monkeypatch, limit, expected, sizes):
    real, tried = training._forward, []

    def small_device(*args, **how):
        forward = real(*args, **how)

        def limited(indices, flips, noisy=None):
            tried.append(len(indices))
            if len(indices) > limit:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
            return forward(indices, flips, noisy)

        return limited

    monkeypatch.setattr(training, "_forward", small_device)
    with pytest.raises(MemoryShortageError, match=f"cpu is out of memory with batches of 20; {expected}"):
        trained(cutouts)
    assert tried == sizes
    monkeypatch.setattr(
        training, "_forward", lambda *args, **how: lambda *_: small_device(*args, **how)(np.arange(9), None)
    )
    with pytest.raises(MemoryShortageError, match="not even 2 fit"):
        trained(cutouts)


def test_fault_34_a_loss_that_is_not_finite_stops_the_run_and_says_where(cutouts):
    with pytest.raises(TrainingError, match=r"epoch \d+, step \d+"):
        trained(cutouts, spec=TrainSpec(epochs=3, batch_size=20, lr=1e12))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_fault_48_weights_that_are_not_finite_stop_the_run_though_every_loss_was(cutouts, monkeypatch, value):
    """As after a last step that overflows: no loss of a later step would tell."""
    real = torch.optim.Adam.step

    def overflows(self, *args):
        real(self, *args)
        self.param_groups[0]["params"][0].data[0] = value

    monkeypatch.setattr(torch.optim.Adam, "step", overflows)
    with pytest.raises(TrainingError, match=r"weights roi_module\S+ became infinite or NaN in epoch 1"):
        trained(cutouts, spec=TrainSpec(epochs=1, batch_size=60, lr=1e-3, val_fraction=0.0))


def test_fault_48_logits_that_are_not_finite_are_no_answer(cutouts):
    net, _ = trained(cutouts)
    net.eval().requires_grad_(False)
    for parameter in net.backbone_of("roi").parameters():  # finite, and too large
        parameter.mul_(1e30)
    with pytest.raises(TrainingError, match=r"answers \d+ of 60 samples with infinite or NaN logits"):
        training.predict(net, cutouts)
    with pytest.raises(TrainingError, match="infinite or NaN logits"):
        training.augmented_logits(net, cutouts)


def test_a_frozen_module_keeps_its_weights_through_training(cutouts):
    spec = ModelSpec(roi="mobilenetv2", extra_roi="mobilenetv2", **FRESH, freeze=("extra_roi",))
    training.seed_everything(0)
    before = build_model(spec, 4).extra_roi_module.state_dict()
    net, _ = trained(cutouts, spec)
    assert all(torch.equal(v, before[k]) for k, v in net.extra_roi_module.state_dict().items())


def test_a_watcher_is_asked_after_every_epoch_and_changes_nothing(cutouts):
    asked = []

    def watch(model):
        asked.append(training.predict(model, cutouts).argmax(1).numpy())
        return {"seen": len(asked)}

    (model, history), (other, watched) = (
        trained(cutouts),
        trained(cutouts, watch=watch),
    )
    assert [row["seen"] for row in watched] == [1, 2]
    assert [{k: v for k, v in row.items() if k != "seen"} for row in watched] == history
    assert same(model, other)


def test_auto_trains_as_the_precision_that_it_stands_for(cutouts, monkeypatch):
    named = trained(cutouts, SMALL, TrainSpec(epochs=1, batch_size=20, precision="bfloat16"))
    exact = trained(cutouts, SMALL, TrainSpec(epochs=1, batch_size=20))
    for able, expected in (({"avx512_bf16": True}, named), ({}, exact)):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda able=able: able)
        assert equals(expected, trained(cutouts, SMALL, TrainSpec(epochs=1, batch_size=20, precision="auto")))
    assert not same(named[0], exact[0])
    assert all(p.dtype == torch.float32 for p in named[0].parameters())


def test_fault_32_a_run_in_bfloat16_resumes_to_the_same_weights_and_another_precision_starts_afresh(
    cutouts, tmp_path, caplog, monkeypatch
):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    spec = TrainSpec(epochs=3, batch_size=20, lr=1e-3, precision="auto")
    model = ModelSpec(roi="deit", **FRESH)
    stopped_after(2, cutouts, tmp_path, model=model, spec=spec)
    with caplog.at_level("INFO"):
        assert equals(trained(cutouts, model, spec), small(cutouts, tmp_path, model=model, spec=spec))
    assert "resuming after epoch 2" in caplog.text
    caplog.clear()
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)  # continued on another processor
    with caplog.at_level("INFO"):
        exact = trained(cutouts, model, TrainSpec(epochs=3, batch_size=20, lr=1e-3))
        assert equals(exact, small(cutouts, tmp_path, model=model, spec=spec))
    assert "is a checkpoint of another run" in caplog.text


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


@pytest.mark.parametrize("together", [True, False])
def test_the_branches_of_a_sample_are_flipped_together_or_each_by_itself_as_the_release(
    cutouts, monkeypatch, together
):
    given, real = [], CutoutSet.batch

    def batch(self, branch, indices, flips, device):
        given.append((branch, list(indices), list(flips)))
        return real(self, branch, indices, flips, device)

    monkeypatch.setattr(CutoutSet, "batch", batch)
    spec = TrainSpec(epochs=3, batch_size=60, val_fraction=0.0, flip_together=together)
    trained(cutouts, ModelSpec(roi="mlp-mixer", extra_roi="mlp-mixer", **FRESH), spec)
    roi, extra_roi = ([entry[1:] for entry in given if entry[0] == branch] for branch in BRANCHES)
    assert [indices for indices, _ in roi] == [indices for indices, _ in extra_roi]
    agree = np.equal([flips for _, flips in roi], [flips for _, flips in extra_roi]).mean()
    assert agree == 1 if together else 0.3 < agree < 0.7
    assert 0.3 < np.mean([flips for _, flips in extra_roi]) < 0.7


def test_a_teacher_needs_both_branches_flipped_together(cutouts):
    spec = TrainSpec(epochs=1, distillation="hard", strength=0.5, flip_together=False)
    model = build_model(ModelSpec(roi="deit-distilled", pretrained=False), 4, 0.5)
    with pytest.raises(ConfigError, match="flip_together=True"):
        training.fit(model, cutouts, spec, 0, teacher_logits=torch.zeros(2, 60, 4))


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
    assert len(list(tmp_path.glob("features/*/features.npy"))) == 2
    again = frozen_features(short, cutouts, tmp_path)
    assert torch.allclose(again[0], frozen_features(short, cutouts, None)[0])


def test_fault_66_damaged_features_are_computed_again(cutouts, tmp_path, caplog):
    model = ModelSpec(roi="vit", **FRESH, fusion="features", freeze=("roi",))
    net = build_model(model, 4)
    (first,) = frozen_features(net, cutouts, tmp_path)
    (path,) = tmp_path.glob("features/*/features.npy")
    damage(path)
    (again,) = frozen_features(net, cutouts, tmp_path)
    assert torch.equal(first, again)
    assert "(features.npy has another hash" in caplog.messages[0]


# --- noise in training ------------------------------------------------------------------------------

NOISY = replace(QUICK, noise="permutation")


def test_a_share_of_zero_is_training_without_noise_bit_for_bit(cutouts):
    plain, history = trained(cutouts)
    none, history_of_none = trained(cutouts, spec=replace(NOISY, noise_share=0.0))
    assert same(plain, none)
    assert history == history_of_none
    noisy, _ = trained(cutouts, spec=replace(NOISY, noise_share=1.0))
    assert not same(plain, noisy)


@pytest.mark.parametrize("kind", ["permutation", "translocation"])
def test_training_with_noise_repeats_itself_and_resumes_to_the_same_numbers(cutouts, tmp_path, kind):
    spec = replace(THREE, noise=kind)
    whole = small(cutouts, None, spec=spec)
    assert equals(whole, small(cutouts, None, spec=spec))
    stopped_after(2, cutouts, tmp_path, spec=spec)
    assert equals(whole, small(cutouts, tmp_path, spec=spec))


def test_batches_are_noised_whole_on_both_cut_outs_and_never_in_validation(cutouts, monkeypatch):
    seen, real = [], training._forward

    def watched(*args, **how):
        forward = real(*args, **how)

        def note(indices, flips, noisy=None):
            seen.append((len(indices), flips, noisy))
            return forward(indices, flips, noisy)

        return note

    monkeypatch.setattr(training, "_forward", watched)
    asked, images = [], NoisyBatch.images

    def noised(self, cutouts, branch, indices, flips):
        asked.append(branch)
        return images(self, cutouts, branch, indices, flips)

    monkeypatch.setattr(NoisyBatch, "images", noised)
    spec = replace(NOISY, epochs=20, batch_size=10, val_fraction=0.1)
    trained(cutouts, ModelSpec(roi="mlp-mixer", extra_roi="mlp-mixer", **FRESH), spec)
    validation = [noisy for _, flips, noisy in seen if not flips.any() and len(flips) == 6]
    assert validation
    assert not any(validation)
    noisy = [batch for _, _, batch in seen if batch is not None]
    assert all(len(batch.severity) == n for n, _, batch in seen if batch is not None)
    steps = 20 * 6
    assert 0.35 < len(noisy) / steps < 0.65
    assert asked == [*BRANCHES] * len(noisy)


def test_a_net_learns_what_it_is_trained_with(cutouts, unseen):
    """Trained on shifted pictures alone, a net is better on them than one that never saw any."""
    spec = TrainSpec(epochs=12, batch_size=20, lr=2e-3, val_fraction=0.0)
    model = ModelSpec(roi="mobilenetv2", **FRESH)
    shifted = perturbed(unseen, Condition(noise=Noise("translocation")))
    easy = unseen.labels < 2
    scores = [
        (training.predict(net, shifted).argmax(1).numpy() == unseen.labels)[easy].mean()
        for net, _ in (
            trained(cutouts, model, train)
            for train in (spec, replace(spec, noise="translocation", noise_share=1.0))
        )
    ]
    assert scores[1] > scores[0] + 0.1


def test_with_noise_frozen_backbones_see_the_pixels_and_not_kept_features(cutouts, tmp_path):
    frozen = ModelSpec(roi="vit", **FRESH, fusion="features", freeze=("roi",))
    training.fit(build_model(frozen, 4), cutouts, replace(NOISY, flip=0.0), 0, cache=tmp_path)
    assert not list(tmp_path.glob("features/*"))
    training.fit(build_model(frozen, 4), cutouts, replace(QUICK, flip=0.0), 0, cache=tmp_path)
    assert list(tmp_path.glob("features/*"))


def test_an_unknown_noise_and_a_teacher_under_noise_are_refused(cutouts):
    with pytest.raises(ConfigError, match="did you mean 'permutation'"):
        trained(cutouts, spec=replace(QUICK, noise="permutatoin"))
    model = build_model(ModelSpec(roi="deit-distilled", pretrained=False), 4, 0.5)
    spec = replace(NOISY, distillation="hard", strength=0.5)
    with pytest.raises(ConfigError, match="a teacher's logits are of clean images"):
        training.fit(model, cutouts, spec, 0, teacher_logits=torch.zeros(2, 60, 4))


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


def shares(epochs, fitted, samples=None, batch_size=10, **changes):
    spec = TrainSpec(epochs=epochs, batch_size=batch_size, **changes)
    return training.learning_rates(spec, fitted, fitted if samples is None else samples)


def test_without_warm_up_the_first_step_is_the_peak():
    assert shares(3, 100, warmup=0.0)[0][0] == 1


def test_as_written_follows_the_steps_across_epochs():
    values = [share for epoch in shares(3, 96) for share in epoch]
    assert len(values) == 30
    assert values.index(max(values)) == 3
    assert values[-1] < 0.01


def test_as_released_never_leaves_its_warm_up_at_the_sizes_of_the_readme():
    """18,320 images, batch 50, 30 epochs: 10,980 iterations, 1,098 of them warm-up, one step per epoch."""
    rates = [4e-3 * epoch[0] for epoch in shares(30, 18320, batch_size=50, schedule="as-released")]
    assert rates[0] == 0
    assert rates[29] == pytest.approx(1.06e-4, rel=0.01)
    assert max(rates) == rates[29]


@pytest.mark.parametrize("samples", [18320, 18321, 18299, 6000, 149, 60, 50, 49, 7])
@pytest.mark.parametrize("epochs", [1, 4, 30])
def test_as_released_is_the_rate_of_the_released_loop_with_or_without_a_validation_split(samples, epochs):
    """Also where a batch is not full, and where not one is: then its cosine goes up again."""
    for fitted in (samples, round(0.9 * samples)):
        ours = shares(epochs, fitted, samples, batch_size=50, schedule="as-released")
        assert all(len(epoch) == -(-fitted // 50) for epoch in ours)
        theirs = released_code.learning_rates(samples, 50, epochs, 4e-3)
        assert [{4e-3 * share for share in epoch} for epoch in ours] == [{rate} for rate in theirs]


@pytest.mark.parametrize("val_fraction", [0.0, 0.2])
def test_the_training_loop_uses_the_released_rate(cutouts, monkeypatch, val_fraction):
    theirs = released_code.learning_rates(60, 16, 4, 4e-3)
    used, real = [], torch.optim.Adam.step

    def step(self, *args):
        used.append([group["lr"] for group in self.param_groups])
        return real(self, *args)

    monkeypatch.setattr(torch.optim.Adam, "step", step)
    spec = TrainSpec(epochs=4, batch_size=16, lr=4e-3, schedule="as-released", val_fraction=val_fraction)
    trained(cutouts, SMALL, spec)
    steps = -(-round(60 * (1 - val_fraction)) // 16)
    assert used == [[rate, rate] for rate in theirs for _ in range(steps)]


def test_an_unknown_schedule_names_the_known_ones():
    with pytest.raises(ConfigError, match="as-written, as-released"):
        shares(1, 10, schedule="cosine")


# --- at the size of the paper, on a CPU -------------------------------------------------------------


def test_a_training_step_keeps_the_memory_format_that_is_fast_on_a_cpu(cutouts):
    """channels_last from the batch to the gradient, in every convolution of both nets of a pair."""
    model = build_model(ModelSpec(roi="mobilenetv2", extra_roi="mobilenetv2", scale="paper", **FRESH), 4)
    convolutions = [m for m in model.modules() if isinstance(m, torch.nn.Conv2d)]
    seen = []

    def look(module, inputs, output):
        for tensor in (*inputs, module.weight, output):
            seen.append(tensor.is_contiguous(memory_format=torch.channels_last))

    for module in convolutions:
        module.register_forward_hook(look)
    spec = TrainSpec(epochs=1, batch_size=30, val_fraction=0.5)
    training.fit(model, cutouts, spec, 0)
    assert len(seen) == 2 * 52 * 3 * 2, "52 convolutions in each net, in one step and one validation"
    assert all(seen)
    assert all(m.weight.grad.stride() == m.weight.stride() for m in convolutions)


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="another C library")
@pytest.mark.parametrize("above", [False, True])
def test_memory_that_a_step_frees_is_kept_for_the_next_one(above):
    """A large block costs fresh pages once, no longer at every step; afterwards all is as before."""

    def pages_of_a_block():
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        torch.empty(2**26, dtype=torch.uint8).fill_(1)
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    ctypes.CDLL(None).malloc_trim(0)  # no pages are left over from before
    with training.freed_memory_kept():
        first, *later = (pages_of_a_block() for _ in range(8))
        # what lives on above the freed block keeps its place in the heap, but not its pages
        _above = torch.zeros(2**10) if above else None
    after = [pages_of_a_block() for _ in range(2)]
    assert first > 10 * min(later)
    assert max(after) > 10 * min(later), "what was kept went back to the system"
    assert max(after) > first / 2
