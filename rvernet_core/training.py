"""Fine-tuning a model and asking it for its logits, as plain functions of a model and its data.

Training repeats itself bit for bit: every epoch has random streams of its own, named by (seed, epoch), and a
run that was interrupted goes on from its last checkpoint to the same weights.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import io
import logging
import math
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm.auto import tqdm

from rvernet_core import files
from rvernet_core.config import ModelSpec, TrainSpec, fingerprint, one_of, replace
from rvernet_core.data import augmentation
from rvernet_core.data.augmentation import NoisyBatch
from rvernet_core.data.cutout_set import CutoutSet, to_batch
from rvernet_core.errors import CheckpointError, ConfigError, DataError, MemoryShortageError, TrainingError
from rvernet_core.features import AT_ONCE, frozen_features
from rvernet_core.models import losses
from rvernet_core.models.precision import Autocast, resolve
from rvernet_core.models.rvernet import Classifier, Logits
from rvernet_core.models.weights import load_torch_checkpoint
from rvernet_core.sealed import is_intact, sealed_folder, set_aside

log = logging.getLogger(__name__)
#: After an epoch, a checkpoint is written if the last one is older than this: short runs need none.
CHECKPOINT_SECONDS = 15.0
SCHEDULES = ("as-written", "as-released")
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of glibc's <malloc.h>

#: (indices (B,), flips (B, branches), or (B, 1) for all of them, and, if any, the batch's noise) -> logits
Forward = Callable[..., Logits]


# --- fitting --------------------------------------------------------------------------------------


def seed_everything(seed: int) -> None:
    """Seed torch's global generator, on every device: initial weights, dropout, stochastic depth."""
    torch.manual_seed(seed)


def split_validation(cutouts: CutoutSet, fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Split the indices of a *training* set into (fit, validation), by photo: no photo is in both."""
    rng = np.random.default_rng([seed, 1])
    photos = np.unique(np.asarray(cutouts.image_ids))
    held_out = set(rng.permutation(photos)[: round(fraction * len(photos))].tolist())
    is_held_out = np.array([photo in held_out for photo in cutouts.image_ids])
    return np.flatnonzero(~is_held_out), np.flatnonzero(is_held_out)


@contextlib.contextmanager
def freed_memory_kept() -> Iterator[None]:
    """Within the block, or the function that it decorates, freed memory is kept for the next step.

    By default glibc returns a block of more than 32 MB to the system at once. The maps of a CNN at 224 px are
    of that size, and clearing fresh pages for them again and again was a third of a training step on a CPU.
    """
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    if libc is None or not hasattr(libc, "mallopt"):  # another C library
        yield
        return
    for option in _M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD:
        libc.mallopt(option, 2**31 - 1)
    try:
        yield
    finally:
        for option in _M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD:
            libc.mallopt(option, 2**25)
        libc.malloc_trim(0)


@freed_memory_kept()
def fit(
    model: Classifier,
    cutouts: CutoutSet,
    spec: TrainSpec,
    seed: int,
    folder: Path | None = None,
    cache: Path | None = None,
    device: str = "cpu",
    teacher_logits: Tensor | None = None,
    watch: Callable[[Classifier], dict] | None = None,
) -> list[dict]:
    """Train `model` in place on `cutouts` and return its history, one row per epoch.

    Args:
        teacher_logits: a teacher's logits (2, N, K) on `cutouts`, from `augmented_logits`;
            `spec.distillation` needs them, and a model with two heads.
        folder: where checkpoints are kept; if it holds one of this very run, training resumes there.
        cache: where frozen features are shared between runs.
        watch: asked after every epoch; what it answers joins that epoch's row. It must change nothing.

    Raises:
        ConfigError: unknown precision, schedule or noise, or distillation without what it needs.
        TrainingError: the loss or a weight is not finite; says in which epoch and at which step.
        MemoryShortageError: a batch does not fit into the device's memory; says which size does.
    """
    augmentation.check(spec)
    spec = replace(spec, precision=resolve(spec.precision, device))  # so it is part of a checkpoint's name
    if bool(spec.distillation) != (teacher_logits is not None and model.heads == 2):
        raise ConfigError("distillation needs a model with two heads and the logits of its teacher")
    if spec.distillation and not spec.flip_together:
        raise ConfigError("a teacher sees whole photos; with distillation set flip_together=True")
    model.to(device)
    fit_indices, val_indices = split_validation(cutouts, spec.val_fraction, seed)
    rates = learning_rates(spec, len(fit_indices), len(cutouts))
    optimizer = _adam(model, spec)
    forward = _forward(model, cutouts, cache, device, fixed=spec.flip == 0 and not spec.noise)
    autocast = Autocast(model, spec.precision, device)
    weights = None if cutouts.class_weights is None else torch.from_numpy(cutouts.class_weights).to(device)
    teaching = None if teacher_logits is None else teacher_logits.to(device)

    def update(
        indices: np.ndarray, flips: np.ndarray, noisy: NoisyBatch | None = None
    ) -> tuple[float, float]:
        """Learn from one batch, if its loss is finite; (mean loss, number of samples answered right).

        Of a sample with many targets, such as the cells of a photo, the share answered right counts.
        """
        with autocast:
            chosen = torch.from_numpy(indices).to(device)
            logits = forward(indices, flips, noisy)
            target = torch.from_numpy(cutouts.targets(indices, flips[:, 0])).to(device)
            if teaching is not None and not isinstance(logits, Tensor):
                class_logits, distillation_logits = (head.float() for head in logits)
                taught = teaching[torch.from_numpy(flips[:, 0]).long().to(device), chosen]
                parts = losses.distillation(spec, class_logits, distillation_logits, target, taught)
            else:
                parts = losses.supervised(model.answer(logits).float(), target, weights)
            loss = losses.total(parts)
        value = loss.item()
        if math.isfinite(value):
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
        right = (model.answer(logits).argmax(1) == target).float()
        return value, float(right.reshape(len(right), -1).mean(1).sum())

    shapes = [[name, list(tensor.shape)] for name, tensor in model.state_dict().items()]
    run = fingerprint("checkpoint", spec, seed, cutouts.fingerprint, shapes)
    history, saved = _resume(folder, run, model, optimizer), time.monotonic()
    for epoch in range(len(history), spec.epochs):
        rng = np.random.default_rng([seed, 2, epoch])
        seed_everything(int(rng.integers(2**31)))
        order = rng.permutation(fit_indices)
        flips = rng.random((len(order), 1 if spec.flip_together else len(model.branches))) < spec.flip
        noisy = augmentation.noisy_batches(spec, seed, epoch, len(order))
        model.train()
        samples, correct, loss_sum = 0, 0.0, 0.0
        title = f"epoch {epoch + 1}/{spec.epochs}"
        for step, rate in enumerate(tqdm(rates[epoch], desc=title, disable=None, leave=False)):
            for group in optimizer.param_groups:
                group["lr"] = rate * group["peak"]
            batch = slice(step * spec.batch_size, (step + 1) * spec.batch_size)
            if len(order[batch]) == 1 and step:  # batch normalisation needs two samples
                continue
            try:
                loss, right = update(order[batch], flips[batch], noisy[step])
            except torch.OutOfMemoryError:
                loss, right = None, 0.0  # go on outside, where the step's tensors are free again
            if loss is None:
                raise _memory_shortage(update, order[batch], flips[batch], device)
            if not math.isfinite(loss):
                raise TrainingError(
                    f"the loss became {loss} in epoch {epoch + 1}, step {step + 1} of {len(rates[epoch])}; "
                    "lower the learning rate, or look at the data of this batch"
                )
            samples += len(order[batch])
            correct += right
            loss_sum += loss * len(order[batch])
        _require_finite_weights(model, epoch + 1)
        row = {"epoch": epoch + 1, "loss": loss_sum / max(samples, 1), "accuracy": correct / max(samples, 1)}
        if len(val_indices):
            answers = model.answer(_logits(model, forward, val_indices)).argmax(1).numpy()
            row["val_accuracy"] = float((answers == cutouts.targets(val_indices)).mean())
        if watch is not None:
            row |= watch(model)
        history.append(row)
        log.info("epoch %d: %s", epoch + 1, row)
        if folder is not None and time.monotonic() - saved > CHECKPOINT_SECONDS:
            _checkpoint(folder, run, model, optimizer, history)
            saved = time.monotonic()
    return history


def learning_rates(spec: TrainSpec, fitted: int, samples: int) -> list[list[float]]:
    """Share of the peak learning rate at each update: `spec.epochs` rows of one number per batch.

    "as-written" follows linear warm-up and cosine decay update by update, as the paper's text says.
    "as-released" is what the released training loop does: it advances the same curve once per *epoch*, while
    the curve's length is counted in *iterations*, of whole batches alone. At the README's sizes the rate is
    then 0 in the first epoch, about 1.06e-4 in the thirtieth, and never reaches its peak of 4e-3.

    Args:
        fitted: samples that an epoch goes through.
        samples: of the whole training set. The release has no validation split, so that its curve is as
            long as if all of them were fitted.
    """
    steps = math.ceil(fitted / spec.batch_size)
    if one_of(spec.schedule, SCHEDULES, "schedule") == "as-written":
        total = steps * spec.epochs
        share = functools.partial(warmup_cosine, warmup=round(spec.warmup * total), total=total)
        return [[share(epoch * steps + step) for step in range(steps)] for epoch in range(spec.epochs)]
    total = samples // spec.batch_size * spec.epochs
    return [[warmup_cosine(epoch, total * spec.warmup, total)] * steps for epoch in range(spec.epochs)]


def warmup_cosine(step: int, warmup: float, total: int) -> float:
    """Share of the peak rate in [0, 1] at `step`: 0 at step 0, 1 at `warmup`, 0 at `total`."""
    if step < warmup:
        return step / max(1, warmup)
    progress = (step - warmup) / max(1, total - warmup)
    return max(0.0, 0.5 * (1.0 + math.cos(math.pi * progress)))


# --- asking a model -------------------------------------------------------------------------------


def predict(model: Classifier, cutouts: CutoutSet, device: str = "cpu", cache: Path | None = None) -> Logits:
    """Logits (N, K) float32 on the CPU of all of `cutouts`; of a distilled model those of each head.

    Raises TrainingError where a logit is infinite or NaN.
    """
    model.to(device)
    return _logits(model, _forward(model, cutouts, cache, device, fixed=True), np.arange(len(cutouts)))


def augmented_logits(
    model: Classifier, cutouts: CutoutSet, device: str = "cpu", batch_size: int = AT_ONCE
) -> Tensor:
    """A teacher's logits (2, N, K) float32 on all of `cutouts`: as they are [0] and mirrored [1].

    Images are augmented by mirroring alone, so no other logits of a teacher are needed in training.
    """
    model.to(device)
    forward = _forward(model, cutouts, None, device, fixed=False)
    sides = [
        model.answer(_logits(model, forward, np.arange(len(cutouts)), batch_size, mirrored))
        for mirrored in (False, True)
    ]
    return torch.stack(sides)


@contextlib.contextmanager
def reproducible_threads(spec: ModelSpec, device: str) -> Iterator[int]:
    """Within the block a micro net runs on one CPU thread; yields the number of threads in use.

    With more, the order of sums, and so the last digits, would depend on the number of cores.
    """
    before = torch.get_num_threads()
    if spec.scale == "micro" and device == "cpu":
        torch.set_num_threads(1)
    try:
        yield torch.get_num_threads()
    finally:
        torch.set_num_threads(before)


# --- helpers --------------------------------------------------------------------------------------


@torch.inference_mode()
def _logits(
    model: Classifier,
    forward: Forward,
    indices: np.ndarray,
    batch_size: int = AT_ONCE,
    mirrored: bool = False,
) -> Logits:
    model.eval()
    parts = np.array_split(indices, max(1, math.ceil(len(indices) / batch_size)))
    batches = [forward(part, np.full((len(part), 1), mirrored)) for part in parts]
    by_head = [(logits,) if isinstance(logits, Tensor) else logits for logits in batches]
    heads = [torch.cat([logits.float().cpu() for logits in head]) for head in zip(*by_head, strict=True)]
    require_finite(*heads)
    return heads[0] if len(heads) == 1 else (heads[0], heads[1])


def _forward(
    model: Classifier, cutouts: CutoutSet, cache: Path | None, device: str, *, fixed: bool
) -> Forward:
    """How indices become logits: through the pixels, or through cached features where nothing can change.

    fixed: no image is flipped or made noisy. Then the short cut is exact: frozen backbones stay in eval mode.
    """
    if fixed and len(model.frozen) == len(model.branches):
        features = frozen_features(model, cutouts, cache, device)

        def from_features(indices: np.ndarray, flips: np.ndarray, noisy: None = None) -> Logits:
            chosen = torch.from_numpy(indices).to(device)
            return model.classify(*[f[chosen] for f in features])

        return from_features

    def from_pixels(indices: np.ndarray, flips: np.ndarray, noisy: NoisyBatch | None = None) -> Logits:
        own = [flips[:, k % flips.shape[1]] for k in range(len(model.branches))]
        branches = list(zip(model.branches, own, strict=True))
        if noisy is None:
            return model(*[cutouts.batch(b, indices, f, device) for b, f in branches])
        return model(*[to_batch(noisy.images(cutouts, b, indices, f), None, device) for b, f in branches])

    return from_pixels


def _adam(model: Classifier, spec: TrainSpec) -> torch.optim.Adam:
    """Adam with a peak rate per group: backbones at `lr`, the fresh head at `lr * head_lr_factor`."""
    backbones = {id(p) for branch in model.branches for p in model.backbone_of(branch).parameters()}
    trainable = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trainable if id(p) in backbones], "peak": spec.lr},
        {"params": [p for p in trainable if id(p) not in backbones], "peak": spec.lr * spec.head_lr_factor},
    ]
    return torch.optim.Adam([g for g in groups if g["params"]], lr=spec.lr, fused=True)


def _memory_shortage(
    update: Callable[[np.ndarray, np.ndarray], Any], indices: np.ndarray, flips: np.ndarray, device: str
) -> MemoryShortageError:
    """The error that says which batch size fits: halved until a step on it succeeds, which ends the run."""
    size = len(indices) // 2
    while size >= 2:
        with contextlib.suppress(torch.OutOfMemoryError):
            update(indices[:size], flips[:size])
            break
        size //= 2
    advice = f"{size} fit: set batch_size of its training to that" if size >= 2 else "not even 2 fit"
    return MemoryShortageError(
        f"{device} is out of memory with batches of {len(indices)}; {advice}, or free some of the memory"
    )


def _require_finite_weights(model: Classifier, epoch: int) -> None:
    for name, tensor in model.state_dict().items():
        if not bool(torch.isfinite(tensor).all()):
            raise TrainingError(
                f"the weights {name} became infinite or NaN in epoch {epoch}, though the loss was finite; "
                "lower the learning rate"
            )


def require_finite(*heads: Tensor) -> None:
    """Raise TrainingError if any of the logits (N, K, ...), of one head or of two, is infinite or NaN."""
    for head in heads:
        wrong = int((~torch.isfinite(head)).flatten(1).any(1).sum())
        if wrong:
            raise TrainingError(
                f"the model answers {wrong} of {len(head)} samples with infinite or NaN logits: it has "
                "diverged; lower the learning rate"
            )


# --- checkpoints ----------------------------------------------------------------------------------


def _checkpoint(
    folder: Path, run: str, model: Classifier, optimizer: torch.optim.Optimizer, history: list[dict]
) -> None:
    """Write the newest checkpoint and keep the one before it, in case this one is damaged later.

    Two processes may train the same run. If the other one has finished it and removed `folder` meanwhile,
    there is nothing to write.
    """
    state = {"run": run, "model": model.state_dict(), "optimizer": optimizer.state_dict(), "history": history}
    buffer = io.BytesIO()
    torch.save(state, buffer)
    data = buffer.getbuffer()
    try:
        with sealed_folder(folder / f"checkpoint-{len(history):05d}", len(data)) as staging:
            (staging / "state.pt").write_bytes(data)
    except DataError:
        if folder.is_dir():
            raise
        log.info("%s is gone: another process has finished this run", folder)
    for older in _checkpoints(folder)[2:]:
        files.remove(older)


def _checkpoints(folder: Path) -> list[Path]:
    """The checkpoints in `folder`, newest first."""
    return sorted(folder.glob("checkpoint-*[0-9]"), reverse=True)


def _resume(folder: Path | None, run: str, model: Classifier, optimizer: torch.optim.Optimizer) -> list[dict]:
    """Load the newest checkpoint of `run` in `folder` into model and optimizer; its history, or [].

    A checkpoint that is damaged, or of another run, is set aside.
    """
    for path in _checkpoints(folder) if folder else []:
        if not is_intact(path):
            continue
        try:
            state = load_torch_checkpoint(path / "state.pt")
        except CheckpointError as error:
            set_aside(path, f"cannot be read ({error})")
            continue
        if state.get("run") != run:
            set_aside(path, "is a checkpoint of another run")
            continue
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        log.info("resuming after epoch %d", len(state["history"]))
        return state["history"]
    return []
