"""What a trained net knows of places, asked of the net itself.

A transformer knows where a patch lies by its position embeddings alone, an MLP-Mixer by the weights of
its token mixing, a CNN by nothing but the frame's edge. Three questions follow: is the net blind to a
shuffle of its own patches once that knowledge is taken away (`places`), was it blind before, and how far
do its pooled features move when the picture is rolled around (`rolls`)?
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from rvernet_core.data.cutout_set import to_batch
from rvernet_core.errors import ConfigError
from rvernet_core.evaluation.noise import shuffle_tiles
from rvernet_core.models import backbones
from rvernet_core.models.rvernet import Baseline
from rvernet_core.runs import Run


def grain(net: nn.Module, size: int) -> int:
    """Side in pixels of a net's own patch; of a CNN the total stride, at input `size`."""
    embed = getattr(net, "patch_embed", None) or getattr(net, "stem", None)
    if embed is not None:
        return int(embed.patch_size[0])
    device = next(net.parameters()).device
    with torch.inference_mode():
        return size // net.forward_features(torch.zeros(1, 3, size, size, device=device)).shape[-1]


def knows_places(net: nn.Module) -> bool:
    """Whether there is a knowledge of places that `without_places` can take away."""
    return getattr(net, "pos_embed", None) is not None or bool(_token_mixing(net))


@contextlib.contextmanager
def without_places(net: nn.Module) -> Iterator[None]:
    """Within the block the backbone `net` cannot tell where a patch lies.

    A transformer gives every patch the mean of its position embeddings; class tokens keep theirs. In an
    MLP-Mixer the token mixing adds nothing. Raises ConfigError for a net that has neither.
    """
    if not knows_places(net):
        raise ConfigError(
            f"{type(net).__name__} has neither position embeddings nor token mixing to take away"
        )
    hooks = [mixing.register_forward_hook(_nothing) for mixing in _token_mixing(net)]
    embedding = getattr(net, "pos_embed", None)  # (1, prefix tokens + patches, F)
    kept = None if embedding is None else embedding.detach().clone()
    try:
        if embedding is not None:
            patches = embedding.data[:, embedding.shape[1] - net.patch_embed.num_patches :]
            patches[:] = patches.mean(dim=1, keepdim=True)
        yield
    finally:
        for hook in hooks:
            hook.remove()
        if kept is not None:
            embedding.data.copy_(kept)


def shuffled(pictures: np.ndarray, tile: int, seed: int = 0) -> np.ndarray:
    """Pictures uint8 (N, S, S, 3), each with its tiles of `tile` px in an order of its own.

    The tiles are cut from the top-left corner, as a net cuts its patches; `tile` must divide S.
    """
    size = pictures.shape[1]
    if size % tile:
        raise ConfigError(f"tiles of {tile} px do not fill a picture of {size} px")
    return np.stack(
        [shuffle_tiles(p, size, tile, 1.0, np.random.default_rng([seed, i])) for i, p in enumerate(pictures)]
    )


def rolled(pictures: np.ndarray, step: int) -> np.ndarray:
    """Pictures uint8 (N, S, S, 3) rolled around by `step` px to the right and up: nothing is lost."""
    return np.roll(pictures, (-step, step), axis=(1, 2))


def places(
    models: Mapping[str, Sequence[Run]],
    pictures: np.ndarray,
    labels: np.ndarray,
    classes: int,
    device: str = "cpu",
) -> pd.DataFrame:
    """Shuffles of a net's own patches, and of half of them, before and after its places are taken away.

    Args:
        models: a single model's name -> one run per seed.
        pictures: clean cut-outs uint8 (N, S, S, 3) that the models see; labels: (N,).

    Returns:
        One row per model, seed and `places` (known | taken away; the latter not for a CNN): grain in
        pixels, accuracy on the clean pictures, and for the shuffles of whole and of half patches the share of
        answers that stay the same (`same_whole`, `same_half`) and the largest change of any logit
        (`change_whole`, `change_half`).
    """
    rows = []
    for name, run, model in _each(models, classes, device):
        own = grain(model.backbone, pictures.shape[1])
        versions = {"whole": shuffled(pictures, own), "half": shuffled(pictures, own // 2)}
        for known in ("known", "taken away")[: 1 + knows_places(model.backbone)]:
            taken = without_places(model.backbone) if known != "known" else contextlib.nullcontext()
            with taken:
                clean = _batched(model, pictures, device)
                row = {"model": name, "seed": run.spec.seed, "places": known, "grain": own}
                row["accuracy"] = float((clean.argmax(1).numpy() == labels).mean())
                for part, version in versions.items():
                    logits = _batched(model, version, device)
                    row[f"same_{part}"] = float((logits.argmax(1) == clean.argmax(1)).float().mean())
                    row[f"change_{part}"] = float((logits - clean).abs().max())
            rows.append(row)
    return pd.DataFrame(rows)


def rolls(
    models: Mapping[str, Sequence[Run]],
    pictures: np.ndarray,
    steps: Sequence[int],
    classes: int,
    device: str = "cpu",
) -> pd.DataFrame:
    """How far a backbone's pooled features move when the picture is rolled around.

    One row per model, seed and step: the mean distance between the features of a picture and of the rolled
    one, in units of the mean distance between two pictures (1: as if it were another picture), and
    `aligned`, whether the step is a multiple of the net's grain.
    """
    rows = []
    for name, run, model in _each(models, classes, device):
        own = grain(model.backbone, pictures.shape[1])
        clean = _batched(model, pictures, device, pooled=True)
        unit = (clean - clean.roll(1, 0)).norm(dim=1).mean()
        for step in steps:
            moved = _batched(model, rolled(pictures, step), device, pooled=True)
            change = float((moved - clean).norm(dim=1).mean() / unit)
            row = {"model": name, "seed": run.spec.seed, "step": step, "change": change}
            rows.append(row | {"grain": own, "aligned": step % own == 0})
    return pd.DataFrame(rows)


def _each(
    models: Mapping[str, Sequence[Run]], classes: int, device: str
) -> Iterator[tuple[str, Run, Baseline]]:
    for name, runs in models.items():
        for run in runs:
            model = run.model(classes)
            if not isinstance(model, Baseline):
                raise ConfigError(f"{name} has two branches; these probes ask single models")
            yield name, run, model.to(device)


@torch.inference_mode()
def _batched(
    model: Baseline, pictures: np.ndarray, device: str, pooled: bool = False, batch_size: int = 100
) -> Tensor:
    """Logits (N, K), or the backbone's pooled features (N, F), on the CPU."""
    rows = []
    for start in range(0, len(pictures), batch_size):
        images = to_batch(pictures[start : start + batch_size], None, device)
        found = backbones.pooled(model.backbone, model.read.pixels(images)) if pooled else model(images)
        rows.append(found.float().cpu())
    return torch.cat(rows)


def _token_mixing(net: nn.Module) -> list[nn.Module]:
    """The modules of an MLP-Mixer that let patches learn from each other."""
    return [block.mlp_tokens for block in getattr(net, "blocks", ()) if hasattr(block, "mlp_tokens")]


def _nothing(_module: nn.Module, _inputs: tuple, output: Tensor) -> Tensor:
    return torch.zeros_like(output)
