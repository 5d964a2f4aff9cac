"""What frozen branches read, computed once per (backbone, split) and kept on disk.

A frozen backbone says the same of an image in every epoch and in every run, so the 25 pairs of the
grid share ten arrays, and training an integration module on them takes a second.
"""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from rvernet_core.config import fingerprint
from rvernet_core.data.cutout_set import Pairs
from rvernet_core.files import write_bytes
from rvernet_core.models.rvernet import BRANCHES, Baseline, Reader, RveRNet

Part = tuple[str, nn.Module, Reader]  # a branch, its backbone, and how that is asked


def parts(model: RveRNet | Baseline) -> list[Part]:
    """The branches of `model` in the order in which `model.integrate` takes what they read."""
    if isinstance(model, RveRNet):
        readers = model.roi_read, model.extra_roi_read
        return list(zip(BRANCHES, model.modules_of_branches(), readers, strict=True))
    return [(model.sees, model.backbone, model.read)]


@torch.inference_mode()
def read_branch(part: Part, pairs: Pairs, device: str = "cpu", batch_size: int = 200) -> Tensor:
    """What one branch reads of all of `pairs`, in eval mode: (N, F) float32 on `device`."""
    branch, net, read = part
    net.eval()
    rows = []
    for start in tqdm(
        range(0, len(pairs), batch_size), desc=f"features of the {branch} cut-outs", disable=None, leave=False
    ):
        indices = np.arange(start, min(start + batch_size, len(pairs)))
        rows.append(read(net, pairs.batch(branch, indices, None, device)).float())
    return torch.cat(rows)


def frozen_features(
    model: RveRNet | Baseline, pairs: Pairs, cache: Path | None, device: str = "cpu", batch_size: int = 200
) -> list[Tensor]:
    """One (N, F) float32 tensor per branch of `model`, whose backbones must all be frozen.

    With a `cache`, arrays are shared under a name made of the backbone's weights, what is read from
    it, the pairs and the branch.
    """
    arrays = []
    for branch, net, read in parts(model):
        path = None
        if cache is not None:
            name = fingerprint(
                "features", _digest(net), read.logits, str(read.pixels), pairs.fingerprint, branch
            )
            path = Path(cache) / "features" / f"{name}.npy"
        if path is not None and path.exists():
            arrays.append(torch.from_numpy(np.load(path)).to(device))
            continue
        features = read_branch((branch, net, read), pairs, device, batch_size).clone()
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            buffer = io.BytesIO()
            np.save(buffer, features.cpu().numpy())
            write_bytes(path, buffer.getvalue())
        arrays.append(features)
    return arrays


def _digest(net: nn.Module) -> str:
    """SHA-256 of a module's tensors, in order."""
    digest = hashlib.sha256(type(net).__name__.encode())
    for tensor in net.state_dict().values():
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
