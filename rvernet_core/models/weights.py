"""Weights in and out of files: safetensors in half precision, and foreign PyTorch files read safely.

Nothing here ever unpickles code: `torch.load` runs with `weights_only=True`, always, and a file
that needs more is refused.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from rvernet_core import files
from rvernet_core.errors import CheckpointError


def save_weights(
    path: Path | str, state: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None
) -> None:
    """Write `state` to a safetensors file, floating-point tensors as fp16, others as they are.

    The file appears whole or not at all. `metadata` values are strings. A value that is not finite,
    or beyond what fp16 holds (65,504), raises CheckpointError: it would come back as infinity.
    """
    path, out = Path(path), {}
    for name, tensor in state.items():
        tensor = tensor.detach().cpu()
        if tensor.is_floating_point():
            tensor = tensor.to(torch.float16)
            if not bool(torch.isfinite(tensor).all()):
                raise CheckpointError(
                    f"{path.name}: tensor {name!r} holds values that fp16 cannot hold (beyond 65504); "
                    "train longer at a lower learning rate, or look for a divergence"
                )
        out[name] = tensor.contiguous().clone()  # safetensors refuses tensors that share memory
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write_bytes(path, save(out, metadata={k: str(v) for k, v in (metadata or {}).items()}))


def load_weights(path: Path | str) -> dict[str, Tensor]:
    """Read a safetensors file as float32 tensors (integers stay integers) on the CPU.

    Raises CheckpointError that names the file when it is missing, truncated or of another kind.
    """
    path = Path(path)
    _require_file(path)
    try:
        with safe_open(str(path), framework="pt", device="cpu") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(
            f"{path} {_what_is_wrong(path)}; expected a complete .safetensors file ({error})"
        ) from error
    return {name: t.float() if t.is_floating_point() else t for name, t in tensors.items()}


def load_torch_checkpoint(path: Path | str) -> dict:
    """Read a `.pth`/`.pt` file of tensors and plain containers onto the CPU, wherever it was written.

    Only tensors, numbers, strings and containers are accepted (`weights_only=True`). A file that asks
    for anything else, a truncated file and a web page raise CheckpointError; there is no unsafe fallback.
    """
    path = Path(path)
    _require_file(path)
    if path.suffix == ".safetensors":
        raise CheckpointError(f"{path} is a safetensors file; expected a PyTorch checkpoint (.pth, .pt)")
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        problem = _what_is_wrong(path)
        if problem == _UNKNOWN:
            problem = "asks to run code or to build foreign objects when it is opened, and was refused"
        raise CheckpointError(
            f"{path} {problem}; expected tensors and plain containers. "
            "If you trust its author, ask for .safetensors"
        ) from error  # torch's own advice is to run the code
    except Exception as error:  # torch and pickle raise many kinds; all mean the same here
        raise CheckpointError(
            f"{path} {_what_is_wrong(path)}; expected a complete PyTorch checkpoint; fetch it again "
            f"({_first_line(error)})"
        ) from error
    if not (isinstance(checkpoint, Mapping) and all(isinstance(name, str) for name in checkpoint)):
        raise CheckpointError(f"{path} holds a {type(checkpoint).__name__}; expected tensors by name")
    return dict(checkpoint)


# --- what a broken file is ------------------------------------------------------------------------

_UNKNOWN = "is not readable"


def _require_file(path: Path) -> None:
    if not path.is_file():
        kind = "is a folder" if path.is_dir() else "does not exist"
        raise CheckpointError(f"{path} {kind}; expected a weights file")


def _what_is_wrong(path: Path) -> str:
    """A phrase for the likeliest reason, from the file's first and last bytes."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(512)
        file.seek(max(0, size - 65_557))  # a zip's end record lies in its last 64 kB
        tail = file.read()
    text = head.lstrip().lower()
    if size == 0:
        return "is empty"
    if text.startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        return "is a web page, not a checkpoint (an error page saved by a download?)"
    if head.startswith(b"version https://git-lfs"):
        return "is a Git LFS pointer, not the file itself"
    if head.startswith(b"PK") and b"PK\x05\x06" not in tail:
        return f"is truncated at {size:,} bytes (a zip without its end)"
    if path.suffix == ".safetensors":
        return f"is truncated at {size:,} bytes, or damaged"
    return _UNKNOWN


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0][:200]
