"""How long the parts take on this machine, one thread each: `make bench`."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pandas as pd
import torch

from rvernet_core.data.cutouts import cut, letterbox
from rvernet_core.masking import Masker, build_micro
from rvernet_core.models import backbones
from rvernet_plates import PlatesSpec, render_scene

BATCH = 50
SIDE = backbones.input_size("micro")


def measure(repeats: int = 5) -> pd.DataFrame:
    """One row per part: `part`, `milliseconds` (median of `repeats`) and `per` (what they are for)."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        rows = [_rendering(size, 4 * repeats) for size in (64, 128, 224)]
        rows += [_cutting(repeats), *_segmenting(repeats)]
        rows += [row for name in backbones.BACKBONES for row in _net(name, repeats)]
    finally:
        torch.set_num_threads(threads)
    return pd.DataFrame(rows, columns=["part", "milliseconds", "per"])


def _rendering(size: int, repeats: int) -> tuple[str, float, str]:
    seeds = iter(range(10_000))
    duration = _median(lambda: render_scene(PlatesSpec(size=size), next(seeds)), repeats)
    return f"render a plate of {size} px", duration, "scene"


def _cutting(repeats: int) -> tuple[str, float, str]:
    scene = render_scene(PlatesSpec(), 0)

    def prepare() -> None:
        for cutout in cut(scene.image, scene.instances == 1):
            letterbox(cutout, SIDE)

    return f"cut out and letterbox to {SIDE} px", _median(prepare, 10 * repeats), "pair"


def _segmenting(repeats: int) -> list[tuple[str, float, str]]:
    scene = render_scene(PlatesSpec(), 0)
    masker = Masker(build_micro().eval(), "micro", "bench")  # fresh weights take as long as trained ones
    boxes = np.array([[20, 20, 60, 60]] * 4, float)
    encode = _median(lambda: masker.encode(scene.image), repeats)
    prompt = _median(lambda: masker.boxes(boxes), repeats) / len(boxes)
    return [
        ("micro Segment Anything: encode", encode, "photo"),
        ("micro Segment Anything: prompt", prompt, "box"),
    ]


def _net(name: str, repeats: int) -> list[tuple[str, float, str]]:
    net = backbones.build(name, pretrained=False).eval()
    images = torch.rand(BATCH, 3, SIDE, SIDE).to(memory_format=torch.channels_last)

    def step() -> None:
        net.zero_grad()
        net(images).square().mean().backward()

    with torch.no_grad():
        forward = _median(lambda: net(images), repeats) / BATCH
    return [
        (f"{name}: forward", forward, "image"),
        (f"{name}: forward and backward", _median(step, repeats) / BATCH, "image"),
    ]


def _median(call: Callable[[], object], repeats: int) -> float:
    """Milliseconds of the median call, after one to warm up."""
    call()
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return 1000 * float(np.median(seconds))
