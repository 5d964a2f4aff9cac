"""What a trained net knows of positions, measured on the net itself.

A transformer knows where a patch lies by its position embeddings alone, an MLP-Mixer by the weights of
its token mixing, a CNN by nothing but the frame's edge. Three questions follow: is the net blind to a
shuffle of its own patches once that information is removed (`blindness`), was it blind before, and how far
do its pooled features move when the image is rolled around (`rolled_features`)?
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from rvernet_core.data.cutout_set import to_batch
from rvernet_core.data.noise import shuffle_tiles
from rvernet_core.errors import ConfigError
from rvernet_core.models import backbones
from rvernet_core.models.backbones import Net
from rvernet_core.models.rvernet import Classifier
from rvernet_core.runs import Run

KEPT, REMOVED = "kept", "removed"  # position information


def patch_size(net: Net, size: int) -> int:
    """Side in pixels of a net's own patch; of a CNN the total stride, at input `size`."""
    embed = getattr(net, "patch_embed", None) or getattr(net, "stem", None)
    if embed is not None:
        return int(embed.patch_size[0])
    device = next(net.parameters()).device
    with torch.inference_mode():
        return size // net.forward_features(torch.zeros(1, 3, size, size, device=device)).shape[-1]


def has_position_information(net: Net) -> bool:
    """Whether there is position information that `without_positions` can remove."""
    return getattr(net, "pos_embed", None) is not None or bool(_token_mixing(net))


@contextlib.contextmanager
def without_positions(net: Net) -> Iterator[None]:
    """Within the block the backbone `net` cannot tell where a patch lies.

    A transformer gives every patch the mean of its position embeddings; class tokens keep theirs. In an
    MLP-Mixer the token mixing adds nothing. Raises ConfigError for a net that has neither.
    """
    if not has_position_information(net):
        raise ConfigError(f"{type(net).__name__} has neither position embeddings nor token mixing to remove")
    hooks = [mixing.register_forward_hook(_zero) for mixing in _token_mixing(net)]
    embedding = getattr(net, "pos_embed", None)  # (1, prefix tokens + patches, F)
    before = None if embedding is None else embedding.detach().clone()
    try:
        if embedding is not None:
            patches = embedding.data[:, embedding.shape[1] - net.patch_embed.num_patches :]
            patches[:] = patches.mean(dim=1, keepdim=True)
        yield
    finally:
        for hook in hooks:
            hook.remove()
        if embedding is not None:
            embedding.data.copy_(before)


def shuffled(images: np.ndarray, tile: int, seed: int = 0) -> np.ndarray:
    """Images uint8 (N, S, S, 3), each with its tiles of `tile` px in an order of its own.

    The tiles are cut from the top-left corner, as a net cuts its patches; `tile` must divide S.
    """
    size, rng = images.shape[1], np.random.default_rng
    return np.stack(
        [shuffle_tiles(p, size, tile, 1.0, rng([seed, i]), "input") for i, p in enumerate(images)]
    )


def rolled(images: np.ndarray, step: int) -> np.ndarray:
    """Images uint8 (N, S, S, 3) rolled around by `step` px to the right and up: nothing is lost."""
    return np.roll(images, (-step, step), axis=(1, 2))


def blindness(
    models: Mapping[str, Sequence[Run]], images: np.ndarray, labels: np.ndarray, device: str = "cpu"
) -> pd.DataFrame:
    """Shuffles of a net's own patches, and of half of them, with and without its position information.

    Args:
        models: a single model's name -> one run per seed.
        images: clean cut-outs uint8 (N, S, S, 3) that the models see; labels: (N,).

    Returns:
        One row per model, seed and `positions` (kept | removed; the latter not for a CNN): patch size in
        pixels, accuracy on the clean images, and for the shuffles of whole and of half patches the share of
        answers that stay the same (`same_whole`, `same_half`) and the largest change of any logit
        (`change_whole`, `change_half`).
    """
    rows = []
    for name, run, model, net in _each(models, device):
        patch = patch_size(net, images.shape[1])
        versions = {"whole": shuffled(images, patch), "half": shuffled(images, patch // 2)}
        for positions in (KEPT, REMOVED)[: 1 + has_position_information(net)]:
            with without_positions(net) if positions == REMOVED else contextlib.nullcontext():
                clean = _logits(model, images, device)
                row = {"model": name, "seed": run.spec.seed, "positions": positions, "patch": patch}
                row["accuracy"] = float((clean.argmax(1).numpy() == labels).mean())
                for part, version in versions.items():
                    logits = _logits(model, version, device)
                    row[f"same_{part}"] = float((logits.argmax(1) == clean.argmax(1)).float().mean())
                    row[f"change_{part}"] = float((logits - clean).abs().max())
            rows.append(row)
    return pd.DataFrame(rows)


def blindness_over_seeds(frame: pd.DataFrame) -> pd.DataFrame:
    """`blindness` by (model, positions): means over seeds, and the largest change of any logit."""
    how = {"patch": "first", "accuracy": "mean", "same_whole": "mean", "change_whole": "max"}
    how |= {"same_half": "mean", "change_half": "max"}
    return frame.groupby(["model", "positions"], sort=False).agg(how)


def rolled_features(
    models: Mapping[str, Sequence[Run]], images: np.ndarray, steps: Sequence[int], device: str = "cpu"
) -> pd.DataFrame:
    """How far a backbone's pooled features move when the image is rolled around.

    One row per model, seed and step: the mean distance between the features of an image and of the rolled
    one, in units of the mean distance between two images (1: as if it were another image), and
    `aligned`, whether the step is a multiple of the net's patch size.
    """
    rows = []
    for name, run, model, net in _each(models, device):
        patch = patch_size(net, images.shape[1])
        clean = _logits(model, images, device, pooled=True)
        unit = (clean - clean.roll(1, 0)).norm(dim=1).mean()
        for step in steps:
            moved = _logits(model, rolled(images, step), device, pooled=True)
            change = float((moved - clean).norm(dim=1).mean() / unit)
            row = {"model": name, "seed": run.spec.seed, "step": step, "change": change}
            rows.append(row | {"patch": patch, "aligned": step % patch == 0})
    return pd.DataFrame(rows)


def rolled_over_seeds(frame: pd.DataFrame) -> pd.DataFrame:
    """`rolled_features`, one row per model and step: the mean change, and its range as `low` and `high`."""
    columns = {"change": ("change", "mean"), "low": ("change", "min"), "high": ("change", "max")}
    columns |= {name: (name, "first") for name in ("patch", "aligned")}
    return frame.groupby(["model", "step"], sort=False).agg(**columns).reset_index()


def _each(models: Mapping[str, Sequence[Run]], device: str) -> Iterator[tuple[str, Run, Classifier, Net]]:
    """Every run of the single models, with its model and its backbone."""
    for name, runs in models.items():
        for run in runs:
            model = run.model()
            if len(model.branches) > 1:
                raise ConfigError(f"{name} has two branches; expected single models")
            yield name, run, model.to(device), model.backbone_of(*model.branches)


@torch.inference_mode()
def _logits(
    model: Classifier, images: np.ndarray, device: str, pooled: bool = False, batch_size: int = 100
) -> Tensor:
    """Logits (N, K), or the backbone's pooled features (N, F), on the CPU."""
    (branch,) = model.branches
    net, pixels = model.backbone_of(branch), model.extractor_of(branch).pixels
    rows = []
    for start in range(0, len(images), batch_size):
        batch = to_batch(images[start : start + batch_size], None, device)
        output = backbones.pooled(net, pixels(batch)) if pooled else model.answer(model(batch))
        rows.append(output.float().cpu())
    return torch.cat(rows)


def _token_mixing(net: Net) -> list[nn.Module]:
    """The modules of an MLP-Mixer that let patches exchange information."""
    return [block.mlp_tokens for block in getattr(net, "blocks", ()) if hasattr(block, "mlp_tokens")]


def _zero(_module: nn.Module, _inputs: Any, output: Tensor) -> Tensor:
    return torch.zeros_like(output)
