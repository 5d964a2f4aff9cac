"""Features of frozen branches, computed once per (backbone, split) and kept on disk.

A frozen backbone gives the same features for an image in every epoch and in every run, so the 25 models of
the grid share ten arrays of each split, and training an integration module on them takes a second.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from rvernet_core.config import fingerprint
from rvernet_core.data.cutout_set import CutoutSet
from rvernet_core.files import new_array
from rvernet_core.models.rvernet import Classifier
from rvernet_core.sealed import is_intact, sealed_folder

#: Images that go through a net at once where nothing is learned: on a CPU larger batches outgrow its cache.
AT_ONCE = 64


@torch.inference_mode()
def branch_features(
    model: Classifier, branch: str, cutouts: CutoutSet, device: str = "cpu", batch_size: int = AT_ONCE
) -> Tensor:
    """Features (N, F) float32 on `device` of one branch for all of `cutouts`, in eval mode."""
    model.backbone_of(branch).eval()
    parts = []
    starts = range(0, len(cutouts), batch_size)
    for start in tqdm(starts, desc=f"features of the {branch} cut-outs", disable=None, leave=False):
        indices = np.arange(start, min(start + batch_size, len(cutouts)))
        parts.append(model.features(branch, cutouts.batch(branch, indices, None, device)).float())
    return torch.cat(parts)


def frozen_features(
    model: Classifier, cutouts: CutoutSet, cache: Path | None, device: str = "cpu", batch_size: int = AT_ONCE
) -> list[Tensor]:
    """Features (N, F) float32 of each branch of `model`, whose backbones must all be frozen.

    With a `cache`, arrays are shared under a name made of the backbone's weights, what is taken from it,
    the cut-outs and the branch.
    """
    arrays = []
    for branch in model.branches:
        if cache is None:
            arrays.append(branch_features(model, branch, cutouts, device, batch_size).clone())
            continue
        extractor = model.extractors[branch]
        weights = _digest(model.backbone_of(branch))
        taken = [extractor.logits, extractor.class_token, str(extractor.pixels)]
        name = fingerprint("features", weights, *taken, cutouts.fingerprint, branch)
        folder = Path(cache) / "features" / name
        if not is_intact(folder):
            features = branch_features(model, branch, cutouts, device, batch_size)
            with sealed_folder(folder, features.nbytes) as staging:
                stored = new_array(staging / "features.npy", np.float32, tuple(features.shape))
                stored[:] = features.cpu().numpy()
        arrays.append(torch.from_numpy(np.load(folder / "features.npy")).to(device))
    return arrays


def _digest(net: nn.Module) -> str:
    """SHA-256 of a module's structure, such as its epsilon, and of its tensors in order."""
    digest = hashlib.sha256(str(net).encode())
    for tensor in net.state_dict().values():
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
