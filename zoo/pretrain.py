"""Pretraining of one micro net on rendered things: resumable, and the same for every architecture.

Everything random is drawn from (seed, step), so a training that was killed continues to the weights of an
uninterrupted one. DeiT differs from ViT by its recipe (stronger augmentation, stochastic depth),
DeiT-distilled also by its teacher, the micro MobileNetV2 of the same seed (hard labels,
https://arxiv.org/abs/2012.12877).
"""

from __future__ import annotations

import dataclasses
import functools
import json
import logging
import math
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm.auto import tqdm

from rvernet_core import files
from rvernet_core.config import fingerprint
from rvernet_core.errors import CheckpointError, TrainingError
from rvernet_core.models import backbones
from rvernet_core.models.precision import resolve
from rvernet_core.models.weights import load_torch_checkpoint, load_weights, save_weights
from rvernet_core.sealed import is_intact, sealed_folder
from rvernet_core.training import warmup_cosine
from zoo.augment import AUGMENTATION, MILD, STRONG, augment, to_pixels

PRETRAINING = 1  # raised whenever this file trains otherwise; part of a pretraining's identity
BATCH, WEIGHT_DECAY, WARMUP, SMOOTHING, CLIP = 32, 0.05, 0.05, 0.1, 1.0
TEACHER, STRENGTH = "mobilenetv2", 0.5  # of DeiT-distilled; the teacher's share of its loss, as in DeiT
CHECKPOINT_SECONDS = 60.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pictures:
    """Labelled pictures: uint8 (N, S, S, 3) RGB, perhaps memory-mapped, and class indices (N,)."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int16]

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def size(self) -> int:
        """Side of the pictures in pixels."""
        return self.images.shape[1]

    @functools.cached_property
    def fingerprint(self) -> str:
        """A short name of the labels and of some fifty pictures: the renderer or the seeds change it."""
        some = np.ascontiguousarray(self.images[:: max(1, len(self) // 50)])
        return fingerprint("pictures", some.tobytes().hex(), np.asarray(self.labels, np.int64).tolist())


@dataclass(frozen=True)
class Job:
    """A pretraining, and all that its weights depend on."""

    name: str  # backbone
    seed: int  # of the fresh weights, of the pictures' order and of their augmentation
    pictures: int  # seen in training, repeats counted
    rate: float  # peak learning rate
    train: str  # fingerprint of the pictures to learn from
    test: str  # of those to measure on
    device: str = "cpu"  # cpu | cuda
    precision: str = "float32"  # float32 | bfloat16, see `precision`
    teacher: str = ""  # identity of the job whose weights teach; empty: labels alone

    @property
    def identity(self) -> str:
        """A short name of this job, of the net's structure and of the recipe's version."""
        net = structure(backbones.build(self.name, pretrained=False))
        constants = (PRETRAINING, AUGMENTATION, BATCH, WEIGHT_DECAY, WARMUP, SMOOTHING, CLIP, STRENGTH)
        return fingerprint("pretraining", dataclasses.asdict(self), constants, net)

    def folder(self, parts: Path) -> Path:
        """Where its weights and facts lie or will lie, below `parts`."""
        return parts / f"{self.name}-{self.seed}-{self.pictures}-{self.rate:g}-{self.identity}"


def structure(net: nn.Module) -> str:
    """A short name of a module's structure and of the shapes of its tensors."""
    return fingerprint(str(net), [(name, list(t.shape)) for name, t in net.state_dict().items()])


def native_bfloat16(device: str = "cpu") -> bool:
    """Whether the device multiplies bfloat16 by itself; a processor without it is slower than in float32."""
    return resolve("auto", device) == "bfloat16"


def precision(name: str, device: str = "cpu") -> str:
    """In which precision a net's products are computed: bfloat16 where that is quicker.

    On a CPU it is not for a CNN, whose depthwise convolutions have no fast kernel in bfloat16.
    """
    quicker = native_bfloat16(device) and (device != "cpu" or backbones.facts(name).family != "cnn")
    return "bfloat16" if quicker else "float32"


# --- training -------------------------------------------------------------------------------------


def pretrain(job: Job, train: Pictures, test: Pictures, parts: Path, teacher: Path | None = None) -> dict:
    """The facts of `job`: top-1 accuracy on `test`, minutes and more; trained unless its folder is there.

    The folder, below `parts`, holds weights.safetensors in half precision and facts.json. A checkpoint is
    written beside it about once a minute.

    teacher: folder of the job whose weights teach DeiT-distilled.

    Raises TrainingError where the loss is not finite, CheckpointError where the teacher is missing.
    """
    folder = job.folder(parts)
    if not is_intact(folder):
        files.make_folder(parts)
        net, seconds = _fit(job, train, parts / f"{folder.name}.pt", teacher)
        with sealed_folder(folder) as staging:
            save_weights(staging / "weights.safetensors", net.state_dict())
            net.load_state_dict(load_weights(staging / "weights.safetensors"))  # judged as it ships
            facts = {
                **dataclasses.asdict(job),
                "top1": round(top1(job.name, net, test, job.device), 4),
                "test_pictures": len(test),
                "train_pictures": len(train),
                "minutes": round(seconds / 60, 1),
                "pictures_per_second": round(job.pictures / seconds, 1),
                "parameters": sum(p.numel() for p in net.parameters()),
            }
            files.write_json(staging / "facts.json", facts)
        files.remove(parts / f"{folder.name}.pt")
    return json.loads((folder / "facts.json").read_text("utf-8"))


def _fit(job: Job, train: Pictures, checkpoint: Path, teacher: Path | None) -> tuple[backbones.Net, float]:
    """The trained net, in eval mode, and the seconds that its training took in all."""
    torch.manual_seed(job.seed)
    net = fresh(job.name, train.size).to(job.device)
    advice = _Teacher(job, teacher) if job.teacher else None
    optimizer = adamw(net, job.rate)
    first, spent = _resume(checkpoint, net, optimizer)
    steps, began, kept = max(1, job.pictures // BATCH), time.perf_counter(), time.perf_counter()
    progress = tqdm(
        range(first, steps),
        desc=f"{job.name}, seed {job.seed}, rate {job.rate:g}",
        initial=first,
        total=steps,
        disable=None,
    )
    for step in progress:
        for group in optimizer.param_groups:
            group["lr"] = job.rate * warmup_cosine(step + 1, round(WARMUP * steps), steps + 1)
        loss = _step(job, net, optimizer, *batch_of(job, train, step), step, advice)
        if step % 20 == 19 or step + 1 == steps:
            if not math.isfinite(value := loss.item()):
                raise TrainingError(f"the loss of {job.name} is {value} at step {step}; lower the peak rate")
            progress.set_postfix(loss=f"{value:.3f}")
        now = time.perf_counter()
        if now - kept > CHECKPOINT_SECONDS and step + 1 < steps:
            state = {"net": net.state_dict(), "optimizer": optimizer.state_dict(), "step": step + 1}
            with files.atomic_file(checkpoint) as temporary:
                torch.save({**state, "seconds": spent + now - began}, temporary)
            kept = time.perf_counter()
    return net.eval(), spent + time.perf_counter() - began


def fresh(name: str, size: int) -> backbones.Net:
    """An untrained micro net in train mode for pictures of `size` px; two tokens, if any, answer apart."""
    net = backbones.untrained(name, size).train()
    for module in net.modules():
        if hasattr(module, "fused_attn"):  # on short sequences the plain products are quicker: 230 against
            module.fused_attn = False  # 150 pictures a second for ViT on one core, in bfloat16
    if backbones.has_distillation_token(name):
        net.set_distilled_training(True)
    return net


def adamw(net: nn.Module, rate: float) -> torch.optim.AdamW:
    """AdamW that decays matrices and filters, not biases and norms."""
    decayed = [p for p in net.parameters() if p.ndim > 1]
    others = [p for p in net.parameters() if p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": WEIGHT_DECAY}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=rate, fused=True)


def batch_of(job: Job, train: Pictures, step: int) -> tuple[Tensor, Tensor]:
    """The training batch of `step`, a pure function of its arguments: pixels (B, 3, S, S), labels (B,).

    Every epoch goes through all pictures in an order of its own, but for the rest that fills no batch.
    """
    size = min(BATCH, len(train))
    epoch, number = divmod(step, len(train) // size)
    chosen = _order(job.seed, epoch, len(train))[number * size : (number + 1) * size]
    how = STRONG if job.name.startswith("deit") else MILD
    pixels = augment(train.images[chosen], how, np.random.default_rng([job.seed, 1, step]))
    return pixels, torch.from_numpy(train.labels[chosen].astype(np.int64))


@functools.lru_cache(maxsize=2)
def _order(seed: int, epoch: int, count: int) -> NDArray[np.int64]:
    return np.random.default_rng([seed, 0, epoch]).permutation(count)


def _step(
    job: Job,
    net: backbones.Net,
    optimizer: torch.optim.Optimizer,
    pixels: Tensor,
    labels: Tensor,
    step: int,
    advice: _Teacher | None,
) -> Tensor:
    """One update on pixels (B, 3, S, S) and labels (B,); returns the loss."""
    torch.manual_seed(1_000_003 * (job.seed + 1) + step)  # stochastic depth knows no other generator
    pixels, labels = pixels.to(job.device), labels.to(job.device)
    normalise = _normalise(job.name, job.device)
    with _autocast(job):
        out = net(normalise(pixels))
    answers = [each.float() for each in (out if isinstance(out, tuple) else (out,))]
    loss = F.cross_entropy(answers[0], labels, label_smoothing=SMOOTHING)
    if advice is not None:
        loss = (1 - STRENGTH) * loss + STRENGTH * F.cross_entropy(answers[1], advice(pixels))
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(net.parameters(), CLIP)
    optimizer.step()
    return loss.detach()


class _Teacher:
    """What the micro CNN calls the pictures that its student sees: pixels (B, 3, S, S) -> labels (B,)."""

    def __init__(self, job: Job, folder: Path | None) -> None:
        if folder is None or not is_intact(folder):
            raise CheckpointError(
                f"{job.name} learns from {TEACHER} of seed {job.seed}, which is not trained yet; "
                f"first: python -m zoo.train_backbones {TEACHER} --seeds {job.seed}"
            )
        self.job = job
        self.net = backbones.build(TEACHER, pretrained=False).to(job.device).eval()
        self.net.load_state_dict(load_weights(folder / "weights.safetensors"))

    @torch.no_grad()
    def __call__(self, pixels: Tensor) -> Tensor:
        return self.net(_normalise(TEACHER, self.job.device)(pixels)).argmax(1)


def _resume(checkpoint: Path, net: nn.Module, optimizer: torch.optim.Optimizer) -> tuple[int, float]:
    """The step to go on with and the seconds spent so far; net and optimiser as they were then."""
    if not checkpoint.is_file():
        return 0, 0.0
    state = load_torch_checkpoint(checkpoint)
    net.load_state_dict(state["net"])
    optimizer.load_state_dict(state["optimizer"])
    log.info("%s continues at step %d", checkpoint.stem, state["step"])
    return state["step"], state["seconds"]


@functools.lru_cache
def _normalise(name: str, device: str) -> backbones.Normalise:
    return backbones.Normalise(name).to(device)


def _autocast(job: Job) -> torch.autocast:
    return torch.autocast(job.device, torch.bfloat16, enabled=job.precision == "bfloat16")


# --- measuring ------------------------------------------------------------------------------------


@torch.inference_mode()
def top1(name: str, net: backbones.Net, pictures: Pictures, device: str = "cpu") -> float:
    """Share of the pictures that the net, in eval mode, names rightly at first guess."""
    normalise, right = _normalise(name, device), 0
    net.eval()
    for start in range(0, len(pictures), 2 * BATCH):
        chosen = slice(start, start + 2 * BATCH)
        logits = net(normalise(to_pixels(pictures.images[chosen]).to(device)))
        right += int((logits.argmax(1).cpu().numpy() == pictures.labels[chosen]).sum())
    return right / len(pictures)
