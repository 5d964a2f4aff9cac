"""Fit, predict, resume. No notebook, no printing.

Randomness of epoch e is drawn from (seed, e) alone: order, flips, dropout. A run resumed after epoch
e therefore ends with the same weights as one that was never interrupted (same machine, same threads).
"""

from __future__ import annotations

import io
import logging
import math
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm.auto import tqdm

from rvernet_core.config import TrainSpec
from rvernet_core.data.cutout_set import Pairs
from rvernet_core.errors import CheckpointError, ConfigError, TrainingError
from rvernet_core.features import frozen_features
from rvernet_core.files import write_bytes
from rvernet_core.models import losses
from rvernet_core.models.rvernet import BRANCHES, Baseline, RveRNet
from rvernet_core.models.students import Voiced
from rvernet_core.models.weights import load_torch_checkpoint
from rvernet_core.schedule import rate

log = logging.getLogger(__name__)
#: After an epoch, a checkpoint is written if the last one is older than this: short runs need none.
CHECKPOINT_SECONDS = 15.0
PRECISIONS = {"float32": None, "bfloat16": torch.bfloat16}

Model = RveRNet | Baseline
Forward = Callable[[np.ndarray, np.ndarray | None], Tensor]  # (indices, flips or None) -> logits (B, K)


def seed_everything(seed: int) -> None:
    """Seed torch's global generator, on every device: initial weights, dropout, stochastic depth."""
    torch.manual_seed(seed)


def carve_validation(pairs: Pairs, fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Split the indices of a *training* set into (fit, validation), by photo: no photo is in both."""
    rng = np.random.default_rng([seed, 1])
    photos = np.unique(np.asarray(pairs.image_ids))
    held = set(rng.permutation(photos)[: round(fraction * len(photos))].tolist())
    is_held = np.array([photo in held for photo in pairs.image_ids])
    return np.flatnonzero(~is_held), np.flatnonzero(is_held)


def fit(
    model: Model,
    pairs: Pairs,
    spec: TrainSpec,
    seed: int,
    folder: Path | None = None,
    cache: Path | None = None,
    device: str = "cpu",
    told: Tensor | None = None,
) -> list[dict]:
    """Train `model` in place on `pairs` and return its history, one row per epoch.

    Args:
        told: what a teacher says of `pairs`, from `lessons`; `spec.distillation` needs it and `model` is a
            student then.
        folder: where checkpoints are kept; if it holds one, training resumes there.
        cache: where frozen features are shared between runs.

    Raises:
        TrainingError: the loss is not finite; says in which epoch and at which step.
    """
    if spec.precision not in PRECISIONS:
        raise ConfigError(f"unknown precision {spec.precision!r}; expected one of {', '.join(PRECISIONS)}")
    model.to(device)
    fit_indices, val_indices = carve_validation(pairs, spec.val_fraction, seed)
    steps = math.ceil(len(fit_indices) / spec.batch_size)
    optimizer = _adam(model, spec)
    forward = _forward(model, pairs, spec, cache, device)
    labels = torch.from_numpy(pairs.labels).to(device)
    if spec.distillation and (told is None or not isinstance(model, Voiced)):
        raise ConfigError("distillation needs a student as the model and what its teacher says")
    if spec.distillation:
        hear, told = _voices(model, pairs, device), told.to(device)

    history, saved = _resume(folder, model, optimizer, device), time.monotonic()
    for epoch in range(len(history), spec.epochs):
        rng = np.random.default_rng([seed, 2, epoch])
        seed_everything(int(rng.integers(2**31)))
        order = rng.permutation(fit_indices)
        flips = rng.random(len(order)) < spec.flip
        model.train()
        seen, right, loss_sum = 0, 0, 0.0
        for step in tqdm(range(steps), desc=f"epoch {epoch + 1}/{spec.epochs}", disable=None, leave=False):
            share = rate(spec.schedule, epoch * steps + step, steps, spec.epochs, spec.warmup)
            for group in optimizer.param_groups:
                group["lr"] = share * group["peak"]
            part = slice(step * spec.batch_size, (step + 1) * spec.batch_size)
            if len(order[part]) == 1 and step:  # batch normalisation needs two samples
                continue
            with _autocast(spec, device):
                chosen = torch.from_numpy(order[part]).to(device)
                target = labels[chosen]
                if spec.distillation:
                    voices = hear(order[part], flips[part])
                    logits = model.answer(voices)
                    mirrored = torch.from_numpy(flips[part]).long().to(device)
                    parts = losses.distillation(spec, *voices, target, told[mirrored, chosen])
                else:
                    logits = forward(order[part], flips[part])
                    parts = losses.supervised(logits.float(), target)
                loss = losses.total(parts)
            if not math.isfinite(loss.item()):
                raise TrainingError(
                    f"the loss became {loss.item()} in epoch {epoch + 1}, step {step + 1} of {steps}; "
                    "lower the learning rate, or look at the data of this batch"
                )
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            seen += len(target)
            right += int((logits.argmax(1) == target).sum())
            loss_sum += loss.item() * len(target)
        row = {"epoch": epoch + 1, "loss": loss_sum / max(seen, 1), "accuracy": right / max(seen, 1)}
        if len(val_indices):
            chances = _chances(model, forward, val_indices)
            row["val_accuracy"] = float((chances.argmax(1) == pairs.labels[val_indices]).mean())
        history.append(row)
        log.info("epoch %d: %s", epoch + 1, row)
        if folder is not None and time.monotonic() - saved > CHECKPOINT_SECONDS:
            _checkpoint(folder, model, optimizer, history)
            saved = time.monotonic()
    return history


def predict(model: Model, pairs: Pairs, device: str = "cpu", cache: Path | None = None) -> np.ndarray:
    """Class probabilities (N, K) float32 of all of `pairs`, in order."""
    model.to(device)
    return _chances(model, _forward(model, pairs, None, cache, device), np.arange(len(pairs)))


@torch.no_grad()
def lessons(teacher: Model, pairs: Pairs, device: str = "cpu", batch_size: int = 200) -> Tensor:
    """The teacher's logits (2, N, K) float32 on all of `pairs`: as they are [0] and mirrored [1].

    Images are augmented by mirroring alone, so this is all that a teacher can be asked in training.
    """
    teacher.to(device).eval()
    ask = _forward(teacher, pairs, TrainSpec(flip=1.0), None, device)
    parts = np.array_split(np.arange(len(pairs)), max(1, math.ceil(len(pairs) / batch_size)))
    sides = [
        torch.cat([ask(part, np.full(len(part), mirrored)).float() for part in parts])
        for mirrored in (False, True)
    ]
    return torch.stack(sides)


@torch.inference_mode()
def heard(model: Model, pairs: Pairs, device: str = "cpu", batch_size: int = 200) -> Tensor:
    """Both voices' logits (2, N, K) of a student on all of `pairs`, class voice first, on the CPU.

    `model.answer` makes the student's own logits of them.
    """
    model.to(device).eval()
    hear = _voices(model, pairs, device)
    parts = np.array_split(np.arange(len(pairs)), max(1, math.ceil(len(pairs) / batch_size)))
    return torch.cat([torch.stack(hear(part, None)).cpu() for part in parts], dim=1)


@torch.inference_mode()
def _chances(model: Model, forward: Forward, indices: np.ndarray, batch_size: int = 200) -> np.ndarray:
    model.eval()
    parts = np.array_split(indices, max(1, math.ceil(len(indices) / batch_size)))
    return np.concatenate([forward(part, None).float().softmax(1).cpu().numpy() for part in parts])


def _forward(model: Model, pairs: Pairs, spec: TrainSpec | None, cache: Path | None, device: str) -> Forward:
    """How indices become logits: through the pixels, or through cached features where nothing can change.

    The short cut is exact: frozen backbones rest in eval mode, and without flips an image never changes.
    """
    branches = _branches(model)
    if len(model.frozen) == len(branches) and (spec is None or spec.flip == 0):
        features = frozen_features(model, pairs, cache, device)

        def integrate(indices: np.ndarray, flips: np.ndarray | None) -> Tensor:
            chosen = torch.from_numpy(indices).to(device)
            return model.integrate(*[f[chosen] for f in features])

        return integrate

    def whole(indices: np.ndarray, flips: np.ndarray | None) -> Tensor:
        return model(*[pairs.batch(branch, indices, flips, device) for branch in branches])

    return whole


def _branches(model: Model) -> tuple[str, ...]:
    """The cut-outs that the model sees, in the order of its arguments."""
    return (model.sees,) if isinstance(model, Baseline) else BRANCHES


def _voices(model: Model, pairs: Pairs, device: str) -> Callable:
    """How indices become both voices' logits, (B, K) each."""
    branches = _branches(model)

    def hear(indices: np.ndarray, flips: np.ndarray | None) -> tuple[Tensor, Tensor]:
        one, other = model.voices(*[pairs.batch(branch, indices, flips, device) for branch in branches])
        return one.float(), other.float()

    return hear


def _adam(model: Model, spec: TrainSpec) -> torch.optim.Adam:
    """Adam with a peak rate per group: backbones at `lr`, the fresh head at `lr * head_lr_factor`."""
    backbones: set[int] = set()
    for net in model.modules_of_branches() if isinstance(model, RveRNet) else (model.backbone,):
        backbones |= {id(p) for p in net.parameters()}
    trainable = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trainable if id(p) in backbones], "peak": spec.lr},
        {"params": [p for p in trainable if id(p) not in backbones], "peak": spec.lr * spec.head_lr_factor},
    ]
    return torch.optim.Adam([g for g in groups if g["params"]], lr=spec.lr, fused=True)


def _autocast(spec: TrainSpec, device: str) -> torch.autocast:
    dtype = PRECISIONS[spec.precision]
    return torch.autocast(torch.device(device).type, dtype=dtype, enabled=dtype is not None)


def _checkpoint(folder: Path, model: Model, optimizer: torch.optim.Optimizer, history: list[dict]) -> None:
    """Write the newest checkpoint and keep the one before it, in case this one is damaged later."""
    buffer = io.BytesIO()
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "history": history}, buffer)
    newest = folder / "checkpoint.pt"
    if newest.exists():
        os.replace(newest, folder / "checkpoint.previous.pt")
    write_bytes(newest, buffer.getvalue())


def _resume(folder: Path | None, model: Model, optimizer: torch.optim.Optimizer, device: str) -> list[dict]:
    """Load the newest whole checkpoint in `folder` into model and optimizer; its history, or []."""
    for name in ("checkpoint.pt", "checkpoint.previous.pt") if folder is not None else ():
        if not (folder / name).exists():
            continue
        try:
            state = load_torch_checkpoint(folder / name)
        except CheckpointError as error:
            log.warning("%s; falling back to an earlier checkpoint", error)
            continue
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        log.info("resuming after epoch %d", len(state["history"]))
        return state["history"]
    return []
