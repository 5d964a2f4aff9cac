"""What a model costs: parameters, multiply-adds, time."""

from __future__ import annotations

import time

import numpy as np
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from rvernet_core.models.rvernet import Classifier


@torch.inference_mode()
def cost(model: Classifier, size: int, batch: int = 32, repeats: int = 5) -> dict[str, float]:
    """The cost of one sample (a pair of cut-outs for RveRNet) of `size` px, on the CPU and in eval mode.

    Returns parameters (count), gmacs (1e9 multiply-adds of matrix products and convolutions, attention
    included, as torch counts them) and milliseconds a sample, the median of `repeats` batches.
    """
    model.eval()
    inputs = [torch.zeros(batch, 3, size, size)] * len(model.branches)
    counter = FlopCounterMode(display=False)
    with counter, sdpa_kernel(SDPBackend.MATH):  # fused attention is not counted on the CPU
        model(*[x[:1] for x in inputs])
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        model(*inputs)
        times.append(time.perf_counter() - start)
    return {
        "parameters": sum(p.numel() for p in model.parameters()),
        "gmacs": counter.get_total_flops() / 2e9,
        "milliseconds": 1000 * float(np.median(times)) / batch,
    }
