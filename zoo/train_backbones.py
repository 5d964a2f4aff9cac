"""Pretrain the five micro backbones on rendered plates that no experiment uses.

    python -m zoo.train_backbones [NAME ...] [--images 240000] [--threads 1]

The task stands in for ImageNet: tell which foods are visible in a cut-out, half of them ROIs, half
extra-ROIs. Both sauces are one label, "sauce", and companions are drawn independently of the sauce,
so that nothing about ketchup against chili paste is learned here. DeiT differs from ViT by its recipe
(stronger augmentation, stochastic depth), DeiT-distilled also by its teacher, the micro MobileNetV2
(hard labels, https://arxiv.org/abs/2012.12877).
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from datetime import date
from pathlib import Path

import numpy as np
import torch
from sklearn.metrics import average_precision_score
from torch import Tensor, nn
from tqdm.auto import tqdm

from rvernet_core import config, files
from rvernet_core.config import BRANCHES, DataSpec, PlatesSpec
from rvernet_core.data import open_data
from rvernet_core.data.cutout_set import CutoutSet, cutout_set
from rvernet_core.models import backbones, losses
from rvernet_core.models.weights import save_weights
from rvernet_core.models.zoo import WEIGHTS
from rvernet_core.training import warmup_cosine

#: Scenes for pretraining. Their seeds lie far from those of every data set.
CORPUS = DataSpec(
    train_scenes=10_000, test_scenes=400, seed=10_000_000, plates=PlatesSpec(context_strength=0.5)
)

BATCH, PEAK_LR, WEIGHT_DECAY, WARMUP = 100, 1.5e-3, 0.03, 0.05
TEACHER, STRENGTH = "mobilenetv2", 0.5

#: Cut-outs seen in training. The CNN is done with half of what the others need to come level with it.
IMAGES = dict.fromkeys(backbones.BACKBONES, 240_000) | {"mobilenetv2": 120_000}


def pretraining_labels(classes: tuple[str, ...]) -> tuple[str, ...]:
    """The 23 labels: every food but the sauces, then "sauce"."""
    return (*[name for name in classes if name not in config.AMBIGUOUS], "sauce")


def presence_targets(cutouts: CutoutSet) -> dict[str, np.ndarray]:
    """Per branch a (N, 23) float32 array: 1 where that food is visible in the cut-out."""
    labels = pretraining_labels(cutouts.classes)
    to_label = np.array(
        [labels.index("sauce" if name in config.AMBIGUOUS else name) for name in cutouts.classes]
    )
    roi = np.eye(len(labels), dtype=np.float32)[to_label[cutouts.labels]]
    photo = np.unique(np.asarray(cutouts.image_ids), return_inverse=True)[1]
    whole = np.zeros((photo.max() + 1, len(labels)), dtype=np.float32)
    np.add.at(whole, photo, roi)
    return {"roi": roi, "extra_roi": np.minimum(whole[photo] - roi, 1)}


def augment(images: Tensor, strong: bool, rng: np.random.Generator) -> Tensor:
    """Mirror each image (B, 3, S, S) at random; `strong` adds DeiT's crops, brightness and erasing."""
    b, _, s, _ = images.shape
    mirrored = torch.from_numpy(rng.random(b) < 0.5)
    images[mirrored] = images[mirrored].flip(-1)
    mirrored = torch.from_numpy(rng.random(b) < 0.5)  # plates are seen from above: upside down is as natural
    images[mirrored] = images[mirrored].flip(-2)
    if strong:
        scale = torch.from_numpy(rng.uniform(0.8, 1.1, (b, 1, 1))).float()
        shift = torch.from_numpy(rng.uniform(-0.12, 0.12, (b, 2, 1))).float()
        theta = torch.cat([scale * torch.eye(2), shift], dim=2)  # (B, 2, 3)
        grid = nn.functional.affine_grid(theta, list(images.shape), align_corners=False)
        images = nn.functional.grid_sample(images, grid, align_corners=False)
        images = images * torch.from_numpy(rng.uniform(0.85, 1.15, (b, 1, 1, 1))).float()
        for i in np.flatnonzero(rng.random(b) < 0.25):  # random erasing
            h, w = rng.integers(s // 8, s // 3, 2)
            y, x = rng.integers(0, s - h), rng.integers(0, s - w)
            images[i, :, y : y + h, x : x + w] = float(rng.random())
        images = images.clamp(0, 1)
    return images


def pretrain(name: str, train: CutoutSet, images: int, seed: int = 0) -> nn.Module:
    """Train the micro net `name` from scratch on about `images` cut-outs; returns it in eval mode."""
    torch.manual_seed(seed)
    rng = np.random.default_rng([seed, 3])
    net, normalise = backbones.build(name, pretrained=False), backbones.Normalise(name)
    distilled, strong = name == "deit-distilled", name.startswith("deit")
    teacher = backbones.build(TEACHER).eval() if distilled else None
    teacher_normalise = backbones.Normalise(TEACHER)
    if distilled:
        net.set_distilled_training(True)
    targets = presence_targets(train)
    decayed = [p for p in net.parameters() if p.ndim > 1]
    others = [p for p in net.parameters() if p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": WEIGHT_DECAY}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=PEAK_LR)
    steps = images // BATCH
    order = np.concatenate(
        [rng.permutation(2 * len(train)) for _ in range(math.ceil(images / (2 * len(train))))]
    )
    progress = tqdm(range(steps), desc=f"pretraining {name}", disable=None)
    for step in progress:
        for group in optimizer.param_groups:
            group["lr"] = PEAK_LR * warmup_cosine(step + 1, round(WARMUP * steps), steps + 1)
        chosen = order[step * BATCH : (step + 1) * BATCH]
        pixels, target = [], []
        for number, branch in enumerate(BRANCHES):
            indices = np.sort(chosen[chosen % 2 == number] // 2)
            pixels.append(train.batch(branch, indices, None, "cpu"))
            target.append(torch.from_numpy(targets[branch][indices]))
        batch, presence = augment(torch.cat(pixels), strong, rng), torch.cat(target)
        net.train()
        out = net(normalise(batch))
        if teacher is not None:
            with torch.inference_mode():
                teacher_logits = teacher(teacher_normalise(batch))
            class_logits, distilled_logits = out
            parts = losses.hard_presence_distillation(
                class_logits, distilled_logits, presence, teacher_logits.clone(), STRENGTH
            )
        else:
            parts = losses.presence(out, presence)
        loss = losses.total(parts)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        if step % 20 == 0:
            progress.set_postfix(loss=f"{loss.item():.4f}")
    return net.eval()


@torch.inference_mode()
def quality(name: str, net: nn.Module, test: CutoutSet) -> dict[str, float]:
    """Top-1 accuracy on ROIs, and mean average precision over the labels for both kinds of cut-outs."""
    normalise, targets, result = backbones.Normalise(name), presence_targets(test), {}
    for branch in BRANCHES:
        parts = np.array_split(np.arange(len(test)), math.ceil(len(test) / 200))
        logits = torch.cat([net(normalise(test.batch(branch, p, None, "cpu"))) for p in parts]).numpy()
        result[f"{branch} mean average precision"] = float(average_precision_score(targets[branch], logits))
        if branch == "roi":
            result["roi top-1 accuracy"] = float((logits.argmax(1) == targets["roi"].argmax(1)).mean())
    return {key: round(value, 4) for key, value in result.items()}


def write_card(name: str, facts: dict) -> None:
    """Facts as JSON and the same as a short model card beside the weights."""
    files.write_json(WEIGHTS / f"{name}.json", facts)
    rows = "\n".join(f"| {key} | {value} |" for key, value in facts["metrics"].items())
    files.write_text(
        WEIGHTS / f"{name}.md",
        f"# {backbones.facts(name).label}, micro\n\n{facts['what']}\n\n"
        f"- Data: {facts['data']}\n- Command: `{facts['command']}`\n"
        f"- Time: {facts['minutes']} minutes on one CPU thread\n- Parameters: {facts['parameters']:,}\n"
        f"- Trained: {facts['date']}\n- SHA-256: `{facts['sha256']}`\n\n"
        f"| on {facts['test']} | |\n|---|---|\n{rows}\n",
    )


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Pretrain the micro backbones of the zoo.")
    parser.add_argument("names", nargs="*", default=None, help="backbones; default: all, the teacher first")
    parser.add_argument("--images", type=int, help="cut-outs seen in training; default: as shipped")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--cache", type=Path, default=Path("_build/cache"))
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    data = open_data(CORPUS, options.cache)
    size = backbones.input_size("micro")
    train, test = cutout_set(data.train, size, options.cache), cutout_set(data.test, size, options.cache)
    for name in options.names or backbones.BACKBONES:
        start, images = time.perf_counter(), options.images or IMAGES[name]
        net = pretrain(name, train, images)
        path = WEIGHTS / f"{name}.safetensors"
        save_weights(path, net.state_dict())
        shipped = backbones.build(name).eval()  # judged as it ships: in half precision
        facts = {
            "what": f"timm's {type(net).__name__} at 64 px, pretrained to tell which foods are visible.",
            "data": f"{CORPUS.train_scenes:,} rendered scenes, {images:,} cut-outs seen",
            "command": f"python -m zoo.train_backbones {name} --images {images}",
            "minutes": round((time.perf_counter() - start) / 60, 1),
            "parameters": sum(p.numel() for p in net.parameters()),
            "test": f"{len(test):,} ROIs of {CORPUS.test_scenes} unseen scenes",
            "metrics": quality(name, shipped, test),
            "teacher": f"{TEACHER}, hard labels, strength {STRENGTH}" if name == "deit-distilled" else None,
            "sha256": files.sha256(path),
            "date": date.today().isoformat(),
        }
        write_card(name, facts)
        sys.stderr.write(json.dumps({name: facts["metrics"], "minutes": facts["minutes"]}) + "\n")


if __name__ == "__main__":
    main()
