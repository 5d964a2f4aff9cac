"""How quick the parts are on this machine, one thread each: `make bench`.

One training step of a micro net is measured on the same batches in the loop of `training.fit` and in a plain
PyTorch loop beside it. Hooks tell how much of the former is forward, loss and backward; the rest is data,
optimiser and bookkeeping.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.optim.optimizer import register_optimizer_step_pre_hook

from rvernet_core import environment, files, training
from rvernet_core.config import ModelSpec, TrainSpec
from rvernet_core.data.cutout_set import CutoutSet, to_batch
from rvernet_core.data.cutouts import cut, letterbox
from rvernet_core.masking import Masker
from rvernet_core.masking.nets import build_micro
from rvernet_core.models import backbones
from rvernet_core.models.precision import resolve
from rvernet_core.models.rvernet import Classifier, build_model
from rvernet_plates import PlatesSpec, render_scene

BATCH, STEPS, CLASSES = 16, 12, 44
PRECISIONS = ("float32", "auto")
#: The modules of what is trained: single models, and the RveRNets of two CNNs and of two distilled DeiTs.
MODELS = (*((name,) for name in backbones.BACKBONES), ("mobilenetv2",) * 2, ("deit-distilled",) * 2)
SIDE = backbones.input_size("micro")


def measure(steps: int = STEPS, models: Sequence[tuple[str, ...]] = MODELS) -> dict[str, Any]:
    """Everything, JSON-ready: `parts` (seconds of single things), `training` (steps), machine and memory."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        parts = [_rendering(size, 2 * steps) for size in (64, 128, 224)]
        parts += [_cutting(steps), *_segmenting(max(2, steps // 4))]
        rows = [_training(modules, precision, steps) for modules in models for precision in PRECISIONS]
    finally:
        torch.set_num_threads(threads)
    return {
        "machine": environment.machine(),
        "packages": environment.packages(),
        "batch": BATCH,
        "parts": parts,
        "training": rows,
        "peak_memory_mib": environment.peak_memory(),
    }


def report(results: dict[str, Any]) -> str:
    """`measure`'s results as text."""
    parts = pd.DataFrame(results["parts"])
    steps = pd.DataFrame(results["training"]).drop(columns="seconds")
    return "\n".join(
        [
            f"{results['machine']}, one thread; peak memory {results['peak_memory_mib']:,} MiB",
            "",
            parts.to_string(index=False, float_format="{:.1f}".format),
            "",
            f"One training step of {results['batch']} cut-outs for each module; plain: a plain PyTorch loop",
            "on them; outside: share of our step before its forward and after its backward pass",
            "",
            steps.to_string(index=False, float_format="{:.2f}".format),
            "",
        ]
    )


def write(results: dict[str, Any], folder: Path) -> Path:
    """Write bench.json into `folder`; returns its path."""
    return files.write_json(Path(folder) / "bench.json", results)


# --- training -----------------------------------------------------------------------------------------


def _training(modules: tuple[str, ...], precision: str, steps: int) -> dict[str, Any]:
    """Steps a second of a model of these modules: our loop, a plain one, and what is neither."""
    cutouts = _cutouts(BATCH * steps)
    used = resolve(precision)
    spec = TrainSpec(epochs=1, batch_size=BATCH, lr=1e-3, val_fraction=0.0, precision=precision, warmup=0.0)
    warm = _cutouts(2 * BATCH)  # the first steps of a process are slower
    training.fit(_model(modules), warm, spec, 0)
    _plain_loop(_model(modules), warm, used)
    model, other = _model(modules), _model(modules)
    with _inside(model) as inside:
        whole = _once(lambda: training.fit(model, cutouts, spec, 0)) / steps
    plain = _once(lambda: _plain_loop(other, cutouts, used)) / steps
    core = sum(inside) / steps
    return {
        "model": " + ".join(modules),
        "precision": f"{precision} ({used})" if precision == "auto" else precision,
        "steps/s": 1 / whole,
        "images/s": BATCH / whole,
        "plain, steps/s": 1 / plain,
        "outside": 1 - core / whole,
        "seconds": {"step": whole, "plain": plain, "forward and backward": core},
    }


def _model(modules: tuple[str, ...]) -> Classifier:
    training.seed_everything(0)
    spec = ModelSpec(**dict(zip(("roi", "extra_roi"), modules, strict=False)), pretrained=False)
    return build_model(spec, CLASSES)


def _cutouts(count: int) -> CutoutSet:
    """Noise in the shape of cut-outs: how long a step takes does not depend on what is shown."""
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 255, (count, SIDE, SIDE, 3), dtype=np.uint8)
    return CutoutSet.from_arrays(
        pictures,
        pictures,
        labels=np.arange(count) % CLASSES,
        keys=tuple(f"{i}" for i in range(count)),
        image_ids=tuple(f"{i}" for i in range(count)),
        classes=tuple(f"class {k}" for k in range(CLASSES)),
        fitted=np.full((count, 2), SIDE),
        data="bench",
        fingerprint="bench",
    )


def _plain_loop(model: Classifier, cutouts: CutoutSet, precision: str) -> None:
    """What anyone would write: batch, forward, cross-entropy, backward, Adam."""
    model.train()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    order = np.random.default_rng(0).permutation(len(cutouts))
    for start in range(0, len(order), BATCH):
        chosen = order[start : start + BATCH]
        images = [to_batch(cutouts.images(branch, chosen), None, "cpu") for branch in model.branches]
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            logits = model(*images)
            loss = nn.functional.cross_entropy(logits.float(), torch.from_numpy(cutouts.labels[chosen]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@contextlib.contextmanager
def _inside(model: Classifier) -> Iterator[list[float]]:
    """Seconds of each training step within the block, from its forward pass to the optimiser's turn."""
    starts: list[float] = []
    spans: list[float] = []
    hooks = [
        model.register_forward_pre_hook(lambda *_: starts.append(time.perf_counter())),
        register_optimizer_step_pre_hook(lambda *_: spans.append(time.perf_counter() - starts[-1])),
    ]
    try:
        yield spans
    finally:
        for hook in hooks:
            hook.remove()


# --- single parts -------------------------------------------------------------------------------------


def _rendering(size: int, repeats: int) -> dict[str, Any]:
    seeds = iter(range(10_000))
    seconds = _median(lambda: render_scene(PlatesSpec(size=size), next(seeds)), repeats)
    return _part(f"render a plate of {size} px", seconds, "scene")


def _cutting(repeats: int) -> dict[str, Any]:
    scene = render_scene(PlatesSpec(), 0)

    def prepare() -> None:
        for cutout in cut(scene.image, scene.instances == 1):
            letterbox(cutout, SIDE)

    return _part(f"cut out and letterbox to {SIDE} px", _median(prepare, 10 * repeats), "pair")


def _segmenting(repeats: int) -> list[dict[str, Any]]:
    scene = render_scene(PlatesSpec(), 0)
    masker = Masker(build_micro().eval(), "micro", "bench")  # fresh weights take as long as trained ones
    boxes = np.array([[20, 20, 60, 60]] * 4, float)
    return [
        _part(
            "micro Segment Anything: encode", _median(lambda: masker.encode(scene.image), repeats), "photo"
        ),
        _part(
            "micro Segment Anything: prompt",
            _median(lambda: masker.boxes(boxes), repeats) / len(boxes),
            "box",
        ),
    ]


def _part(name: str, seconds: float, per: str) -> dict[str, Any]:
    return {"part": name, "milliseconds": 1000 * seconds, "per second": 1 / seconds, "per": per}


def _median(call: Callable[[], object], repeats: int) -> float:
    """Seconds of the median call, after one to warm up."""
    call()
    return float(np.median([_once(call) for _ in range(repeats)]))


def _once(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
