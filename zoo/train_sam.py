"""Train the micro Segment Anything of the zoo on rendered scenes. One command:

    python -m zoo.train_sam

Continues from its last checkpoint when called again, to the same weights as an uninterrupted run:
everything random is drawn from (seed, step).
"""

from __future__ import annotations

import argparse
import copy
import logging
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F
from tqdm import tqdm

from rvernet_core import files
from rvernet_core.config import PlatesSpec, to_dict
from rvernet_core.data.plates import scene_store
from rvernet_core.errors import TrainingError
from rvernet_core.fetch import cache_folder
from rvernet_core.masking.nets import build_micro
from rvernet_core.masking.prompts import box_of, interior_point, iou
from rvernet_core.masking.sam import Masker, load_sam
from rvernet_core.models import zoo
from rvernet_core.models.weights import load_torch_checkpoint, save_weights
from rvernet_plates import RENDERER_VERSION
from zoo.pretrain import native_bfloat16
from zoo.sam_examples import Namer, draw_batch, forward, initialise, losses

log = logging.getLogger(__name__)

#: The scenes to learn from and to measure on: the data sets' own law, on seeds that nothing else uses.
PLATES, CORPUS_SCENES, CORPUS_SEED, UNSEEN_SEED = PlatesSpec(), 5_000, 10_000_000, 50_000_000

# --- measuring ------------------------------------------------------------------------------------


def evaluate(model, scenes, first: int | None = None) -> dict[str, float]:
    """Mean IoU over foods (at least 24 px) of the `first` scenes, by box, interior and random point."""
    masker, rng = Masker(copy.deepcopy(model), "micro", "training"), np.random.default_rng(1)
    agreements: dict[str, list[float]] = {
        k: []
        for k in ("box", "point", "point_of_three", "random_point", "random_point_of_three", "score_error")
    }
    count = min(len(scenes), first or len(scenes))
    for i in range(count):
        instances = scenes.instances(i)
        masks = [instances == k for k in np.unique(instances) if k and np.count_nonzero(instances == k) >= 24]
        masker.encode(np.ascontiguousarray(scenes.image(i)))
        points = np.stack([interior_point(m) for m in masks])
        pixels = np.stack([_any_pixel(m, rng) for m in masks])
        boxed, scores = masker.boxes(np.stack([box_of(m) for m in masks]))
        pointed, wild = masker.points(points)[0], masker.points(pixels)[0]
        best, wild_best = masker.points(points, multimask=True)[0], masker.points(pixels, multimask=True)[0]
        for j, mask in enumerate(masks):
            agreement = iou(boxed[j], mask)
            agreements["box"].append(agreement)
            agreements["score_error"].append(abs(agreement - float(scores[j])))
            agreements["point"].append(iou(pointed[j], mask))
            agreements["point_of_three"].append(iou(best[j], mask))
            agreements["random_point"].append(iou(wild[j], mask))
            agreements["random_point_of_three"].append(iou(wild_best[j], mask))
    return {k: round(float(np.mean(v)), 4) for k, v in agreements.items()} | {
        "scenes": count,
        "prompts": len(agreements["box"]),
    }


def _any_pixel(mask, rng: np.random.Generator) -> tuple[int, int]:
    rows, columns = np.nonzero(mask)
    i = int(rng.integers(len(rows)))
    return int(columns[i]), int(rows[i])


# --- training -------------------------------------------------------------------------------------


def rate(step: int, steps: int, peak: float) -> float:
    """The learning rate: linear warm-up over 100 steps, level until 60 %, then a straight line to zero."""
    return peak * min((step + 1) / 100, 1.0, (steps - step) / (0.4 * steps))


def train(scenes, unseen, folder: Path, args: argparse.Namespace) -> tuple[torch.nn.Module, list[dict]]:
    """Train for `args.steps` steps, resuming from `folder`/last.pt; returns (averaged net, history)."""
    torch.manual_seed(args.seed)
    model = build_micro().train()
    initialise(model)
    average = copy.deepcopy(model).eval().requires_grad_(False)
    position: Any = model.image_encoder.pos_embed  # (1, h, w, D)
    namer = Namer(position.shape[-1])
    parameters = [*model.parameters(), *namer.parameters()]
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": 0.05},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.98), fused=True)
    parts = {"model": model, "average": average, "namer": namer, "optimizer": optimizer}
    first, minutes, history, last = 0, 0.0, [], folder / "last.pt"
    if last.is_file():
        saved = load_torch_checkpoint(last)
        for name, part in parts.items():
            part.load_state_dict(saved[name])
        first, minutes, history = saved["step"], saved["minutes"], saved["history"]
        log.info("continues at step %d after %.1f CPU minutes", first, minutes)
    native = native_bfloat16()  # elsewhere bfloat16 is slower than float32
    began, bar = (
        time.process_time(),
        tqdm(range(first, args.steps), initial=first, total=args.steps, disable=None),
    )
    for step in bar:
        for group in optimizer.param_groups:
            group["lr"] = rate(step, args.steps, args.lr)
        batch = draw_batch(scenes, step, args.seed, args.images, args.boxes, args.points)
        with torch.autocast("cpu", torch.bfloat16, enabled=native):
            logits, quality, tokens = (out.float() for out in forward(model, batch))
        loss = losses(logits, quality, batch, balance=max(0.0, 1 - step / 200))
        loss["names"] = 0.5 * F.cross_entropy(namer(tokens), batch["classes"], ignore_index=-1)
        total = torch.stack(list(loss.values())).sum()
        if not torch.isfinite(total):
            raise TrainingError(f"the loss is {total.item()} at step {step}; start again with a lower --lr")
        optimizer.zero_grad(set_to_none=True)
        total.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        keep = min(0.998, (step + 1) / (step + 10))
        with torch.no_grad():
            for old, new in zip(average.parameters(), model.parameters(), strict=True):
                old.lerp_(new, 1 - keep)
        bar.set_postfix_str(", ".join(f"{k} {v.item():.3f}" for k, v in loss.items()), refresh=False)
        if (step + 1) % args.every == 0 or step + 1 == args.steps:
            spent = minutes + (time.process_time() - began) / 60
            history.append({"step": step + 1, "minutes": round(spent, 1), **evaluate(average, unseen, 50)})
            log.info("%s", history[-1])
            state = {name: part.state_dict() for name, part in parts.items()}
            with files.atomic_file(last) as temporary:
                torch.save({**state, "step": step + 1, "minutes": spent, "history": history}, temporary)
    return average, history


# --- the command ----------------------------------------------------------------------------------


def main(argv: list[str] | None = None) -> None:
    """Render, train, measure on unseen scenes, write weights, facts and model card."""
    parser = argparse.ArgumentParser(prog="python -m zoo.train_sam", description=__doc__)
    parser.add_argument("--steps", type=int, default=5_000, help="optimiser steps")
    parser.add_argument("--scenes", type=int, default=CORPUS_SCENES, help="rendered scenes to learn from")
    parser.add_argument("--unseen", type=int, default=200, help="rendered scenes to measure on")
    parser.add_argument("--images", type=int, default=8, help="scenes a step")
    parser.add_argument("--boxes", type=int, default=4, help="box prompts a scene")
    parser.add_argument("--points", type=int, default=4, help="point prompts a scene")
    parser.add_argument("--lr", type=float, default=1e-3, help="peak learning rate")
    parser.add_argument("--every", type=int, default=250, help="steps between measurements and checkpoints")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--cache", type=Path, default=cache_folder())
    parser.add_argument("--folder", type=Path, default=Path("_build/zoo/sam-micro"), help="checkpoints")
    parser.add_argument("--out", type=Path, default=zoo.WEIGHTS, help="where the weights and their card go")
    args = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(args.threads)
    files.make_folder(args.folder)
    scenes, unseen = (
        scene_store(PLATES, range(first, first + count), args.cache, args.threads)
        for first, count in ((CORPUS_SEED, args.scenes), (UNSEEN_SEED, args.unseen))
    )
    model, history = train(scenes, unseen, args.folder, args)
    write_zoo(model, history, unseen, args)


def write_zoo(model: torch.nn.Module, history: list[dict], unseen, args: argparse.Namespace) -> None:
    """Write sam-micro.safetensors, .json and .md; the metrics are those of the half-precision weights."""
    path = args.out / "sam-micro.safetensors"
    command = f"python -m zoo.train_sam --steps {args.steps} --scenes {args.scenes} --seed {args.seed}"
    save_weights(path, model.state_dict(), {"name": "sam-micro", "command": command})
    masker = load_sam("micro", path)
    facts = {
        "name": "sam-micro",
        "parameters": sum(p.numel() for p in model.parameters()),
        "bytes": path.stat().st_size,
        "sha256": files.sha256(path),
        "command": command,
        "training": {
            "training_scenes": args.scenes,
            "first_seed": CORPUS_SEED,
            "plates": to_dict(PLATES),
            "renderer": RENDERER_VERSION,
            "steps": args.steps,
            "scenes_per_step": args.images,
            "prompts_per_scene": args.boxes + args.points,
            "peak_learning_rate": args.lr,
            "seed": args.seed,
            "threads": args.threads,
            "precision": "bfloat16" if native_bfloat16() else "float32",
            "cpu_minutes": history[-1]["minutes"],
        },
        "metrics": evaluate(masker.model, unseen),
        "history": history,
    }
    files.write_json(args.out / "sam-micro.json", facts)
    files.write_text(args.out / "sam-micro.md", CARD.format(**facts, **facts["training"], **facts["metrics"]))


CARD = """# sam-micro

A small Segment Anything: the classes of `segment_anything` (Sam, ImageEncoderViT, PromptEncoder,
MaskDecoder, TwoWayTransformer) at 128 px, patches of 8, width 128, depth 4, prompt width 64;
{parameters:,} parameters in half precision, {bytes:,} bytes. It masks this project's rendered
plates on a CPU. It has never seen a photograph: for photographs use vit_b, vit_l or vit_h.

## Measured

On {scenes} rendered scenes that it was not trained on (the data sets' own law, other seeds):
{prompts} foods of at least 24 px.

| prompt | mean IoU |
|---|---|
| box around the exact mask | {box:.3f} |
| most interior point of the exact mask | {point:.3f} |
| the same, best-scored of three candidates | {point_of_three:.3f} |
| random point of the exact mask | {random_point:.3f} |
| the same, best-scored of three candidates | {random_point_of_three:.3f} |

Its own estimate of a box's IoU is off by {score_error:.3f} on average.

## Training

    {command}

{steps:,} steps of {scenes_per_step} scenes with {prompts_per_scene} prompts each, {cpu_minutes:.0f} CPU
minutes on {threads} thread(s), {precision}. The scenes are drawn from {training_scenes:,} rendered ones of
the data sets' own law and shapes (seeds from {first_seed:,}; renderer {renderer}), turned, mirrored, cropped,
recoloured and padded to a square as SAM pads a photo.
Prompts: boxes, half of them jittered; points, half of them well inside, one in eight beside all food;
one step in ten adds further points. Losses: cross-entropy relative to the food's area, dice, squared
error of the IoU estimate; best of three candidates for a lone point. While training, a linear layer on
the encoder also names the foods; it is not shipped. AdamW; the running average of the weights is kept.
The branch of the prompt encoder that reads masks was not trained.

SHA-256: `{sha256}`
"""

if __name__ == "__main__":
    main()
