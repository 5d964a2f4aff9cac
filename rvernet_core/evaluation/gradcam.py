"""Grad-CAM (https://arxiv.org/abs/1610.02391) of either branch of a model, and what its maps are worth.

The only file that knows pytorch_grad_cam. Two things differ from using that library bare. A pair has two
inputs: one is explained while what the other branch has read stays fixed. And maps stay unscaled, at the
layer's own resolution: the library subtracts each map's minimum, which would change its shares of energy.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import math
from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
import torch
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.metrics.cam_mult_image import CamMultImageConfidenceChange
from pytorch_grad_cam.metrics.road import ROADCombined
from pytorch_grad_cam.utils.model_targets import ClassifierOutputSoftmaxTarget, ClassifierOutputTarget
from torch import Tensor, nn

from rvernet_core import config
from rvernet_core.config import ModelSpec
from rvernet_core.data.cutout_set import Pairs
from rvernet_core.errors import ConfigError
from rvernet_core.evaluation.saliency import Maps, energy_inside, pointing_game
from rvernet_core.models import backbones
from rvernet_core.models.rvernet import BRANCHES, Baseline, RveRNet, build_model

Model = RveRNet | Baseline


def maps(
    model: Model,
    branch: str,
    pairs: Pairs,
    indices: np.ndarray | None = None,
    targets: str | np.ndarray = "predicted",
    batch_size: int = 64,
    device: str = "cpu",
) -> Maps:
    """Grad-CAM maps of `branch`, "roi" or "extra_roi", for the samples at `indices` (None: all of them).

    targets: the class to explain, "predicted" | "true", or class indices (N,) in the order of `indices`.
    The model comes back as it was: mode, frozen weights and gradients. Raises ConfigError for a branch that
    the model lacks and for unknown targets.
    """
    indices = np.arange(len(pairs)) if indices is None else np.asarray(indices)
    if isinstance(targets, str) and targets not in ("predicted", "true"):
        raise ConfigError(f"targets is {targets!r}; expected predicted, true or an array of class indices")
    wanted = pairs.labels[indices] if isinstance(targets, str) else np.asarray(targets)
    _, entry, net = _branch(model, branch)
    layer, grids, classes, chances, beside = entry.cam_layer(net), [], [], [], []
    with _gradients_from(layer, model.to(device)):
        for start in range(0, len(indices), batch_size):
            part = slice(start, start + batch_size)
            beside.append(_beside(model, branch, pairs, indices[part], device))
            view = OneInput(model, branch, beside[-1])
            cam = _Unscaled(view, [layer], _token_map(entry.prefix_tokens))
            asked = None
            if not (isinstance(targets, str) and targets == "predicted"):
                asked = [ClassifierOutputTarget(int(c)) for c in wanted[part]]
            try:
                grids.append(cam(pairs.batch(branch, indices[part], None, device), asked))
            finally:
                cam.activations_and_grads.release()
            shares = cam.outputs.detach().softmax(1).cpu().numpy()
            classes.append(shares.argmax(1) if asked is None else wanted[part])
            chances.append(shares[np.arange(len(shares)), classes[-1]])
    parts = (np.concatenate(grids), indices, np.concatenate(classes), np.concatenate(chances))
    known = None if beside[0] is None else torch.cat(beside).cpu().numpy()
    return Maps(branch, *parts, size=pairs.roi.shape[1], beside=known)


# --- what a map does to the prediction ----------------------------------------------------------------


def confidence_change(
    model: Model, pairs: Pairs, found: Maps, batch_size: int = 128, device: str = "cpu"
) -> np.ndarray:
    """Change (N,) in [-1, 1] of the explained class's probability when the cut-out is multiplied by its map.

    The map is normalised by its maximum, so what it ignores turns black; the other branch keeps its photo.
    grad-cam's "drop in confidence" is max(-change, 0), its "increase in confidence" is change > 0.
    """
    metric = functools.partial(CamMultImageConfidenceChange(), return_diff=False)
    return _score(metric, model, pairs, found, Maps.normalised, batch_size, device) - found.chances


def road(
    model: Model,
    pairs: Pairs,
    found: Maps,
    removed: tuple[int, ...] = (10, 25, 40),
    device: str = "cpu",
) -> np.ndarray:
    """ROAD (N,): removing the least relevant pixels first against removing the most relevant ones first.

    Half the difference of the explained class's probability, averaged over the percentages `removed`; above
    0 the map ranks pixels better than chance. Removed pixels are filled in from their neighbours. Only a
    map's order counts; equal cells are ordered at random, so a blank map scores 0 on average. Takes some
    50 ms a photo at 64 px. Source: https://arxiv.org/abs/2202.00449.
    """
    rng = np.random.default_rng(0)

    def order(part: Maps) -> np.ndarray:
        """Ranks in [0, 1]: an area of equal pixels has no percentile, and the library would remove it all."""
        flat = part.pixels().reshape(len(part), -1)
        ranks = np.lexsort((rng.random(flat.shape), flat), axis=1).argsort(1)
        return (ranks / (flat.shape[1] - 1)).astype(np.float32).reshape(-1, part.size, part.size)

    with torch.random.fork_rng():
        torch.manual_seed(0)  # the imputer adds noise
        return _score(
            ROADCombined([100 - share for share in removed]), model, pairs, found, order, 64, device
        )


def measure(
    model: Model,
    pairs: Pairs,
    found: Maps,
    masks: np.ndarray,
    road_on: np.ndarray | None = None,
    device: str = "cpu",
) -> pd.DataFrame:
    """All measures of some maps against the ROIs `masks`, bool (N, S, S): one row per map.

    Columns: sample, photo, label, target, chance (the model's probability of the target), area, energy,
    hit, their values under another sample's map (energy_other, hit_other), blank, change in confidence, and
    road for the samples in `road_on` (None: for none; it is slow).
    """
    others, slow = found.of_others(), np.isin(found.indices, [] if road_on is None else road_on)
    photos = np.asarray(pairs.image_ids)[found.indices]
    made = {"sample": found.indices, "photo": photos, "label": pairs.labels[found.indices]}
    made |= {"target": found.targets, "chance": found.chances, "area": masks.mean((1, 2))}
    for suffix, maps_used in (("", found), ("_other", others)):
        made[f"energy{suffix}"] = energy_inside(maps_used, masks)
        made[f"hit{suffix}"] = pointing_game(maps_used, masks)
    made |= {"blank": found.blank, "change": confidence_change(model, pairs, found, device=device)}
    made["road"] = np.full(len(found), np.nan)
    made["road"][slow] = road(model, pairs, found[slow], device=device)
    return pd.DataFrame(made)


# --- sanity: the same net without what it has learnt ---------------------------------------------------


def randomised(model: Model, spec: ModelSpec, classes: int, share: float, seed: int = 0) -> Model:
    """A copy of `model`, built from `spec`, whose upper part has fresh weights.

    share: of each backbone's tensors, counted from the output; 0 renews what stands on the backbones alone,
    1 renews everything. Source: the cascading test of https://arxiv.org/abs/1810.03292.
    """
    if not 0 <= share <= 1:
        raise ConfigError(f"share is {share}; expected 0 (the head alone) to 1 (the whole net)")
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        fresh = build_model(config.replace(spec, pretrained=False), classes).state_dict()
    state = model.state_dict()
    nets = ("roi_module.", "extra_roi_module.") if isinstance(model, RveRNet) else ("backbone.",)
    for net in nets:
        names = [name for name in state if name.startswith(net)]
        for name in names[: round(len(names) * (1 - share))]:
            fresh[name] = state[name]
    renewed = copy.deepcopy(model)
    renewed.load_state_dict(fresh)
    return renewed.eval()


# --- how -----------------------------------------------------------------------------------------------


class OneInput(nn.Module):
    """A model as a function of one branch's images (B, 3, S, S), so that only that cut-out is explained.

    beside: (B, F), what the other branch read of its cut-outs, in the order of the images; None for a
    single model.
    """

    def __init__(self, model: Model, branch: str, beside: Tensor | None) -> None:
        super().__init__()
        self.model, self.beside, self.first = model, beside, branch == BRANCHES[0]
        self.reader, _, self.net = _branch(model, branch)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (B, classes)."""
        read = self.reader(self.net, images)
        if self.beside is None:
            return self.model.integrate(read)
        return self.model.integrate(*((read, self.beside) if self.first else (self.beside, read)))


@torch.no_grad()
def _beside(model: Model, branch: str, pairs: Pairs, indices: np.ndarray, device: str) -> Tensor | None:
    """What the other branch reads of its cut-outs, (B, F); None for a single model."""
    if isinstance(model, Baseline):
        return None
    other = BRANCHES[1 - BRANCHES.index(branch)]
    reader, _, net = _branch(model.eval(), other)
    return reader(net, pairs.batch(other, indices, None, device))


class _Unscaled(GradCAM):
    """The library's Grad-CAM up to its rectification: no scaling, no resizing."""

    def compute_cam_per_layer(
        self, input_tensor: Tensor, targets: list, eigen_smooth: bool = False
    ) -> np.ndarray:
        (activations,), (gradients,) = (
            self.activations_and_grads.activations,
            self.activations_and_grads.gradients,
        )
        weights = self.get_cam_weights(input_tensor, self.target_layers[0], targets, None, gradients.numpy())
        found = np.einsum("bc,bchw->bhw", weights, activations.numpy())
        return np.maximum(found, 0).astype(np.float32)

    def aggregate_multi_layers(self, cam_per_target_layer: np.ndarray) -> np.ndarray:
        return cam_per_target_layer


def _branch(model: Model, branch: str) -> tuple[nn.Module, backbones.Backbone, nn.Module]:
    """(reader, facts, backbone) of a branch."""
    known = BRANCHES if isinstance(model, RveRNet) else BRANCHES[:1]
    if branch not in known:
        raise ConfigError(f"this model has no branch {branch!r}; it has: {', '.join(known)}")
    if isinstance(model, Baseline):
        reader, net = model.read, model.backbone
    else:
        reader, net = getattr(model, f"{branch}_read"), getattr(model, f"{branch}_module")
    return reader, backbones.facts(reader.name), net


@contextlib.contextmanager
def _gradients_from(layer: nn.Module, model: Model) -> Iterator[None]:
    """Gradients reach back to the layer's output and no further, whether or not the backbone is frozen."""
    trained, learning = model.training, [p for p in model.parameters() if p.requires_grad]
    for parameter in learning:
        parameter.requires_grad_(False)
    hook = layer.register_forward_hook(lambda module, given, output: output.requires_grad_())
    try:
        yield
    finally:
        hook.remove()
        for parameter in learning:
            parameter.requires_grad_(True)
        model.train(trained)


def _token_map(prefix: int | None) -> Callable[[Tensor], Tensor] | None:
    """Tokens (B, prefix + g * g, C) -> map (B, C, g, g); None for a layer whose output is a map already."""
    if prefix is None:
        return None

    def reshape(tokens: Tensor) -> Tensor:
        patches = tokens[:, prefix:]
        side = math.isqrt(patches.shape[1])
        return patches.transpose(1, 2).reshape(len(patches), -1, side, side)

    return reshape


def _score(metric, model, pairs, found, shape, batch_size, device) -> np.ndarray:
    """One of the library's perturbation metrics (N,), batch by batch; `shape` makes its maps (B, S, S)."""
    scores = [np.empty(0, np.float32)]
    model.to(device).eval()
    for start in range(0, len(found), batch_size):
        part = found[start : start + batch_size]
        beside = None if part.beside is None else torch.from_numpy(part.beside).to(device)
        view = OneInput(model, part.branch, beside)
        asked = [ClassifierOutputSoftmaxTarget(int(c)) for c in part.targets]
        images = pairs.batch(part.branch, part.indices, None, device)
        scores.append(metric(images, shape(part), asked, view))
    return np.concatenate(scores)
