"""In which precision a model is trained, and what makes bfloat16 pay on a CPU.

resolve("auto", "cpu")  ->  "bfloat16" on a processor that multiplies in it, else "float32"
with Autocast(model, "bfloat16", "cpu"): ...
"""

from __future__ import annotations

import contextlib
import types
from typing import Any

import torch
from torch import Tensor, nn

from rvernet_core.config import one_of

PRECISIONS = ("float32", "bfloat16", "auto")

#: Features of a CPU that multiplies bfloat16 natively. Others convert to float32 and back, which is slower.
_NATIVE = ("avx512_bf16", "amx_bf16")


def resolve(precision: str, device: str = "cpu") -> str:
    """What `precision` means on `device`: float32 or bfloat16; "auto" is bfloat16 where that is native.

    Weights, optimiser, losses and every evaluation are float32 whatever this says. Raises ConfigError for an
    unknown precision.
    """
    if one_of(precision, PRECISIONS, "precision") != "auto":
        return precision
    return "bfloat16" if _native(device) else "float32"


def _native(device: str) -> bool:
    kind = torch.device(device).type
    if kind == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    able = torch.cpu.get_capabilities() if kind == "cpu" else {}
    return any(able.get(feature, False) for feature in _NATIVE)


class Autocast:
    """Within `with`, `model` computes in a resolved precision; it can be entered again and again.

    In bfloat16 on a CPU two operations take another way, which gives the same up to rounding. Measured with
    torch 2.12 on a processor with avx512_bf16, for micro nets: the backward pass of fused attention takes 5
    times as long as in float32, that of a depthwise convolution with a stride 40 to 100 times; three such
    layers doubled the time of a whole step. So attention multiplies and takes its softmax in separate steps,
    and strided depthwise convolutions stay in float32.
    """

    def __init__(self, model: nn.Module, precision: str, device: str) -> None:
        """`precision`: float32 or bfloat16, see `resolve`."""
        self.kind = torch.device(device).type
        self.enabled = precision == "bfloat16"
        modules: list[Any] = list(model.modules()) if self.enabled and self.kind == "cpu" else []
        self.attention = [m for m in modules if getattr(m, "fused_attn", False)]
        self.strided = [m for m in modules if isinstance(m, nn.Conv2d) and m.groups > 1 and max(m.stride) > 1]
        self._entered = contextlib.ExitStack()

    def __enter__(self) -> None:
        with contextlib.ExitStack() as stack:
            stack.enter_context(torch.autocast(self.kind, dtype=torch.bfloat16, enabled=self.enabled))
            stack.callback(self._restore)
            for module in self.attention:
                module.fused_attn = False
            for module in self.strided:
                module.forward = types.MethodType(_in_float32, module)
            self._entered = stack.pop_all()

    def __exit__(self, *error: object) -> None:
        self._entered.close()

    def _restore(self) -> None:
        for module in self.attention:
            module.fused_attn = True
        for module in self.strided:
            vars(module).pop("forward", None)


def _in_float32(module: nn.Conv2d, images: Tensor) -> Tensor:
    """`module` on images (B, C, H, W) of any precision; its output is float32."""
    with torch.autocast("cpu", enabled=False):
        return type(module).forward(module, images.float())
