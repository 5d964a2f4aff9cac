"""Fine-tuning a model and asking it for its logits, as plain functions of a model and its data.

Training repeats itself bit for bit: every epoch has random streams of its own, named by (seed, epoch), and a
run that was interrupted goes on from its last checkpoint to the same weights.
"""

from __future__ import annotations

import contextlib
import io
import logging
import math
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm.auto import tqdm

from rvernet_core.config import ModelSpec, TrainSpec
from rvernet_core.data.cutout_set import CutoutSet
from rvernet_core.errors import CheckpointError, ConfigError, TrainingError
from rvernet_core.features import frozen_features
from rvernet_core.files import write_bytes
from rvernet_core.models import losses
from rvernet_core.models.rvernet import Classifier, Logits
from rvernet_core.models.weights import load_torch_checkpoint

log = logging.getLogger(__name__)
#: After an epoch, a checkpoint is written if the last one is older than this: short runs need none.
CHECKPOINT_SECONDS = 15.0
PRECISIONS = {"float32": None, "bfloat16": torch.bfloat16}
SCHEDULES = ("as-written", "as-released")

Forward = Callable[[np.ndarray, np.ndarray | None], Logits]  # (indices, flips or None) -> logits


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


def fit(
    model: Classifier,
    cutouts: CutoutSet,
    spec: TrainSpec,
    seed: int,
    folder: Path | None = None,
    cache: Path | None = None,
    device: str = "cpu",
    teacher_logits: Tensor | None = None,
) -> list[dict]:
    """Train `model` in place on `cutouts` and return its history, one row per epoch.

    Args:
        teacher_logits: a teacher's logits (2, N, K) on `cutouts`, from `augmented_logits`;
            `spec.distillation` needs them, and a model with two heads.
        folder: where checkpoints are kept; if it holds one, training resumes there.
        cache: where frozen features are shared between runs.

    Raises:
        ConfigError: unknown precision or schedule, or distillation without what it needs.
        TrainingError: the loss is not finite; says in which epoch and at which step.
    """
    if spec.precision not in PRECISIONS:
        raise ConfigError(f"unknown precision {spec.precision!r}; expected one of {', '.join(PRECISIONS)}")
    if bool(spec.distillation) != (teacher_logits is not None and model.heads == 2):
        raise ConfigError("distillation needs a model with two heads and the logits of its teacher")
    model.to(device)
    fit_indices, val_indices = split_validation(cutouts, spec.val_fraction, seed)
    steps = math.ceil(len(fit_indices) / spec.batch_size)
    optimizer = _adam(model, spec)
    forward = _forward(model, cutouts, spec, cache, device)
    labels = torch.from_numpy(cutouts.labels).to(device)
    teaching = None if teacher_logits is None else teacher_logits.to(device)

    history, saved = _resume(folder, model, optimizer), time.monotonic()
    for epoch in range(len(history), spec.epochs):
        rng = np.random.default_rng([seed, 2, epoch])
        seed_everything(int(rng.integers(2**31)))
        order = rng.permutation(fit_indices)
        flips = rng.random(len(order)) < spec.flip
        model.train()
        samples, correct, loss_sum = 0, 0, 0.0
        for step in tqdm(range(steps), desc=f"epoch {epoch + 1}/{spec.epochs}", disable=None, leave=False):
            share = learning_rate(spec.schedule, epoch * steps + step, steps, spec.epochs, spec.warmup)
            for group in optimizer.param_groups:
                group["lr"] = share * group["peak"]
            batch = slice(step * spec.batch_size, (step + 1) * spec.batch_size)
            if len(order[batch]) == 1 and step:  # batch normalisation needs two samples
                continue
            with _autocast(spec, device):
                chosen = torch.from_numpy(order[batch]).to(device)
                logits, target = forward(order[batch], flips[batch]), labels[chosen]
                if teaching is not None and not isinstance(logits, Tensor):
                    class_logits, distillation_logits = (head.float() for head in logits)
                    mirrored = torch.from_numpy(flips[batch]).long().to(device)
                    taught = teaching[mirrored, chosen]
                    parts = losses.distillation(spec, class_logits, distillation_logits, target, taught)
                else:
                    parts = losses.supervised(model.answer(logits).float(), target)
                loss = losses.total(parts)
            if not math.isfinite(loss.item()):
                raise TrainingError(
                    f"the loss became {loss.item()} in epoch {epoch + 1}, step {step + 1} of {steps}; "
                    "lower the learning rate, or look at the data of this batch"
                )
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            samples += len(target)
            correct += int((model.answer(logits).argmax(1) == target).sum())
            loss_sum += loss.item() * len(target)
        row = {"epoch": epoch + 1, "loss": loss_sum / max(samples, 1), "accuracy": correct / max(samples, 1)}
        if len(val_indices):
            answers = model.answer(_logits(model, forward, val_indices)).argmax(1).numpy()
            row["val_accuracy"] = float((answers == cutouts.labels[val_indices]).mean())
        history.append(row)
        log.info("epoch %d: %s", epoch + 1, row)
        if folder is not None and time.monotonic() - saved > CHECKPOINT_SECONDS:
            _checkpoint(folder, model, optimizer, history)
            saved = time.monotonic()
    return history


def learning_rate(schedule: str, step: int, steps_per_epoch: int, epochs: int, warmup: float) -> float:
    """Share of the peak learning rate at the 0-based training `step` (paper: linear warm-up, cosine decay).

    "as-written" follows the curve step by step, as the paper's text says. "as-released" is what the released
    training loop does: it advances the same curve once per *epoch* while the curve's length is counted in
    *iterations*, so at the README's sizes the rate is 0 in the first epoch, about 1.06e-4 in the thirtieth,
    and never reaches its peak of 4e-3.

    Args:
        step: number of updates made before, 0 .. steps_per_epoch * epochs - 1.
        warmup: share of all steps spent warming up, in [0, 1).
    """
    total = steps_per_epoch * epochs
    warmup_steps = round(warmup * total)
    if schedule == "as-written":
        return warmup_cosine(step, warmup_steps, total)
    if schedule == "as-released":
        return warmup_cosine(step // steps_per_epoch, warmup_steps, total)
    raise ConfigError(f"unknown schedule {schedule!r}; expected one of {', '.join(SCHEDULES)}")


def warmup_cosine(step: int, warmup: int, total: int) -> float:
    """Share of the peak rate in [0, 1] at `step`: 0 at step 0, 1 at `warmup`, 0 at `total`."""
    if step < warmup:
        return step / max(1, warmup)
    progress = (step - warmup) / max(1, total - warmup)
    return max(0.0, 0.5 * (1.0 + math.cos(math.pi * min(1.0, progress))))


# --- asking a model -------------------------------------------------------------------------------


def predict(model: Classifier, cutouts: CutoutSet, device: str = "cpu", cache: Path | None = None) -> Logits:
    """Logits (N, K) float32 on the CPU of all of `cutouts`; of a distilled model those of each head."""
    model.to(device)
    return _logits(model, _forward(model, cutouts, None, cache, device), np.arange(len(cutouts)))


def augmented_logits(
    model: Classifier, cutouts: CutoutSet, device: str = "cpu", batch_size: int = 200
) -> Tensor:
    """A teacher's logits (2, N, K) float32 on all of `cutouts`: as they are [0] and mirrored [1].

    Images are augmented by mirroring alone, so no other logits of a teacher are needed in training.
    """
    model.to(device)
    forward = _forward(model, cutouts, TrainSpec(flip=1.0), None, device)
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
    model: Classifier, forward: Forward, indices: np.ndarray, batch_size: int = 200, mirrored: bool = False
) -> Logits:
    model.eval()
    parts = np.array_split(indices, max(1, math.ceil(len(indices) / batch_size)))
    batches = [forward(part, np.full(len(part), True) if mirrored else None) for part in parts]
    by_head = [(logits,) if isinstance(logits, Tensor) else logits for logits in batches]
    heads = [torch.cat([logits.float().cpu() for logits in head]) for head in zip(*by_head, strict=True)]
    return heads[0] if len(heads) == 1 else (heads[0], heads[1])


def _forward(
    model: Classifier, cutouts: CutoutSet, spec: TrainSpec | None, cache: Path | None, device: str
) -> Forward:
    """How indices become logits: through the pixels, or through cached features where nothing can change.

    The short cut is exact: frozen backbones stay in eval mode, and without flips an image never changes.
    """
    if len(model.frozen) == len(model.branches) and (spec is None or spec.flip == 0):
        features = frozen_features(model, cutouts, cache, device)

        def from_features(indices: np.ndarray, flips: np.ndarray | None) -> Logits:
            chosen = torch.from_numpy(indices).to(device)
            return model.classify(*[f[chosen] for f in features])

        return from_features

    def from_pixels(indices: np.ndarray, flips: np.ndarray | None) -> Logits:
        return model(*[cutouts.batch(branch, indices, flips, device) for branch in model.branches])

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


def _autocast(spec: TrainSpec, device: str) -> torch.autocast:
    dtype = PRECISIONS[spec.precision]
    return torch.autocast(torch.device(device).type, dtype=dtype, enabled=dtype is not None)


def _checkpoint(
    folder: Path, model: Classifier, optimizer: torch.optim.Optimizer, history: list[dict]
) -> None:
    """Write the newest checkpoint and keep the one before it, in case this one is damaged later."""
    buffer = io.BytesIO()
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "history": history}, buffer)
    newest = folder / "checkpoint.pt"
    if newest.exists():
        os.replace(newest, folder / "checkpoint.previous.pt")
    write_bytes(newest, buffer.getvalue())


def _resume(folder: Path | None, model: Classifier, optimizer: torch.optim.Optimizer) -> list[dict]:
    """Load the newest whole checkpoint in `folder` into model and optimizer; its history, or []."""
    if folder is None:
        return []
    for path in (folder / "checkpoint.pt", folder / "checkpoint.previous.pt"):
        if not path.exists():
            continue
        try:
            state = load_torch_checkpoint(path)
        except CheckpointError as error:
            log.warning("%s; falling back to an earlier checkpoint", error)
            continue
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        log.info("resuming after epoch %d", len(state["history"]))
        return state["history"]
    return []
