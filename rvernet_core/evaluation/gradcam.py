"""Grad-CAM (https://arxiv.org/abs/1610.02391) of any branch of a model, and measures of its maps.

The only file that knows pytorch_grad_cam. Two things differ from using that library bare. A model with
several branches has several inputs: one is explained while the features of the others stay fixed. And maps
stay unscaled, at the layer's own resolution: the library subtracts each map's minimum, which would change
its shares of energy.
"""

from __future__ import annotations

import contextlib
import copy
import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

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
from rvernet_core.data.cutout_set import CutoutSet
from rvernet_core.errors import ConfigError
from rvernet_core.evaluation.saliency import Maps, energy_inside, pointing_game
from rvernet_core.models import backbones
from rvernet_core.models.rvernet import Classifier, build_model


def maps(
    model: Classifier,
    branch: str,
    cutouts: CutoutSet,
    indices: np.ndarray | None = None,
    targets: str | np.ndarray = "predicted",
    batch_size: int = 64,
    device: str = "cpu",
) -> Maps:
    """Grad-CAM maps of `branch`, one of `model.branches`, for the samples at `indices` (None: all of them).

    targets: the class to explain, "predicted" | "true", or class indices (N,) in the order of `indices`.
    The model comes back as it was: mode, frozen weights and gradients. Raises ConfigError for a branch that
    the model lacks and for unknown targets.
    """
    indices = np.arange(len(cutouts)) if indices is None else np.asarray(indices)
    if isinstance(targets, str) and targets not in ("predicted", "true"):
        raise ConfigError(f"targets is {targets!r}; expected predicted, true or an array of class indices")
    given = cutouts.labels[indices] if isinstance(targets, str) else np.asarray(targets)
    predicted = isinstance(targets, str) and targets == "predicted"
    layer, prefix_tokens = _layer(model, branch)
    grids, classes, probabilities, features = [], [], [], []
    with _gradients_from(layer, model.to(device)):
        for start in range(0, len(indices), batch_size):
            part = slice(start, start + batch_size)
            features.append(_other_features(model, branch, cutouts, indices[part], device))
            cam = _Unscaled(OneBranch(model, branch, features[-1]), [layer], _token_map(prefix_tokens))
            explained: list[Any] | None = None
            if not predicted:
                explained = [ClassifierOutputTarget(int(c)) for c in given[part]]
            try:
                grids.append(cam(cutouts.batch(branch, indices[part], None, device), explained))
            finally:
                cam.activations_and_grads.release()
            outputs = cam.outputs.detach().softmax(1).cpu().numpy()
            classes.append(outputs.argmax(1) if predicted else given[part])
            probabilities.append(outputs[np.arange(len(outputs)), classes[-1]])
    return Maps(
        branch,
        np.concatenate(grids),
        indices,
        np.concatenate(classes),
        np.concatenate(probabilities),
        size=cutouts.size,
        other_features={name: torch.cat([f[name] for f in features]).cpu().numpy() for name in features[0]},
    )


# --- what a map does to the prediction ----------------------------------------------------------------


def confidence_change(
    model: Classifier, cutouts: CutoutSet, maps: Maps, batch_size: int = 128, device: str = "cpu"
) -> np.ndarray:
    """Change (N,) in [-1, 1] of the explained class's probability when the cut-out is multiplied by its map.

    The map is normalised by its maximum, so what it ignores turns black; the other branches keep their
    cut-outs. grad-cam's "drop in confidence" is max(-change, 0), its "increase in confidence" is change > 0.
    """
    metric = functools.partial(CamMultImageConfidenceChange(), return_diff=False)
    return _score(metric, model, cutouts, maps, Maps.normalised, batch_size, device) - maps.probabilities


def road(
    model: Classifier,
    cutouts: CutoutSet,
    maps: Maps,
    removed: tuple[int, ...] = (10, 25, 40),
    device: str = "cpu",
) -> np.ndarray:
    """ROAD (N,): removing the least relevant pixels first against removing the most relevant ones first.

    Half the difference of the explained class's probability, averaged over the percentages `removed`; above
    0 the map ranks pixels better than chance. Removed pixels are filled in from their neighbours. Only a
    map's order counts; equal cells are ordered at random, so a blank map scores 0 on average. Takes some
    50 ms a sample at 64 px. Source: https://arxiv.org/abs/2202.00449.
    """
    rng = np.random.default_rng(0)

    def ranks(part: Maps) -> np.ndarray:
        """Ranks in [0, 1]: an area of equal pixels has no percentile, and the library would remove it all."""
        flat = part.pixels().reshape(len(part), -1)
        order = np.lexsort((rng.random(flat.shape), flat), axis=1).argsort(1)
        return (order / (flat.shape[1] - 1)).astype(np.float32).reshape(-1, part.size, part.size)

    with torch.random.fork_rng():
        torch.manual_seed(0)  # the imputer adds noise
        metric = ROADCombined([100 - share for share in removed])
        return _score(metric, model, cutouts, maps, ranks, 64, device)


def measure(
    model: Classifier,
    cutouts: CutoutSet,
    maps: Maps,
    masks: np.ndarray,
    road_on: np.ndarray | None = None,
    device: str = "cpu",
) -> pd.DataFrame:
    """All measures of some maps against the ROIs `masks`, bool (N, S, S): one row per map.

    Columns: sample, photo, label, target, probability (of the target), area, energy, hit, their values under
    another sample's map (energy_other, hit_other), blank, change in confidence, and road for the samples in
    `road_on` (None: for none; it is slow).
    """
    with_road = np.isin(maps.indices, [] if road_on is None else road_on)
    columns = {
        "sample": maps.indices,
        "photo": np.asarray(cutouts.image_ids)[maps.indices],
        "label": cutouts.labels[maps.indices],
        "target": maps.targets,
        "probability": maps.probabilities,
        "area": masks.mean((1, 2)),
    }
    for suffix, measured in (("", maps), ("_other", maps.shuffled())):
        columns[f"energy{suffix}"] = energy_inside(measured, masks)
        columns[f"hit{suffix}"] = pointing_game(measured, masks)
    columns |= {"blank": maps.blank, "change": confidence_change(model, cutouts, maps, device=device)}
    columns["road"] = np.full(len(maps), np.nan)
    columns["road"][with_road] = road(model, cutouts, maps[with_road], device=device)
    return pd.DataFrame(columns)


# --- sanity: the same net without what it has learnt ---------------------------------------------------


def randomised(model: Classifier, spec: ModelSpec, classes: int, share: float, seed: int = 0) -> Classifier:
    """A copy of `model`, built from `spec`, whose upper part has fresh weights.

    share: of each backbone's tensors, counted from the output; 0 renews what stands on the backbones alone,
    1 renews everything. Raises ConfigError for a share outside of [0, 1]. Source: the cascading test of
    https://arxiv.org/abs/1810.03292.
    """
    if not 0 <= share <= 1:
        raise ConfigError(f"share is {share}; expected 0 (the head alone) to 1 (the whole net)")
    strength = 0.5 if model.heads == 2 else None  # any strength builds both heads
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        fresh = build_model(config.replace(spec, pretrained=False), classes, strength).state_dict()
    state = model.state_dict()
    for net in model.module_names.values():
        names = [name for name in state if name.startswith(f"{net}.")]
        for name in names[: round(len(names) * (1 - share))]:
            fresh[name] = state[name]
    renewed = copy.deepcopy(model)
    renewed.load_state_dict(fresh)
    return renewed.eval()


# --- how -----------------------------------------------------------------------------------------------


class OneBranch(nn.Module):
    """A model as a function of one branch's images (B, 3, S, S), so that only that cut-out is explained.

    other_features: every other branch -> features (B, F) of its cut-outs, in the order of the images.
    """

    def __init__(self, model: Classifier, branch: str, other_features: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.model = model
        self.branch = branch
        self.other_features = dict(other_features)

    def forward(self, images: Tensor) -> Tensor:
        """The logits (B, classes) that count."""
        features = self.other_features | {self.branch: self.model.features(self.branch, images)}
        return self.model.answer(self.model.classify(*[features[branch] for branch in self.model.branches]))


@torch.no_grad()
def _other_features(
    model: Classifier, branch: str, cutouts: CutoutSet, indices: np.ndarray, device: str
) -> dict[str, Tensor]:
    """Every branch of `model` but `branch` -> the features (B, F) of its cut-outs."""
    model.eval()
    return {
        other: model.features(other, cutouts.batch(other, indices, None, device))
        for other in model.branches
        if other != branch
    }


class _Unscaled(GradCAM):
    """The library's Grad-CAM up to its rectification: no scaling, no resizing."""

    def compute_cam_per_layer(
        self, input_tensor: Tensor, targets: list, eigen_smooth: bool = False
    ) -> np.ndarray:
        (activations,) = self.activations_and_grads.activations
        (gradients,) = self.activations_and_grads.gradients
        weights = self.get_cam_weights(input_tensor, self.target_layers[0], targets, None, gradients.numpy())
        grid = np.einsum("bc,bchw->bhw", weights, activations.numpy())
        return np.maximum(grid, 0).astype(np.float32)

    def aggregate_multi_layers(self, cam_per_target_layer: np.ndarray) -> np.ndarray:
        return cam_per_target_layer


def _layer(model: Classifier, branch: str) -> tuple[nn.Module, int | None]:
    """The layer of a branch that Grad-CAM reads, and the prefix tokens of its output (None: a map)."""
    net = model.backbone_of(branch)
    facts = backbones.facts(model.extractor_of(branch).name)
    return facts.cam_layer(net), facts.prefix_tokens


@contextlib.contextmanager
def _gradients_from(layer: nn.Module, model: Classifier) -> Iterator[None]:
    """Gradients reach back to the layer's output and no further, whether or not the backbone is frozen."""
    was_training, trainable = model.training, [p for p in model.parameters() if p.requires_grad]
    for parameter in trainable:
        parameter.requires_grad_(False)
    hook = layer.register_forward_hook(lambda module, inputs, output: output.requires_grad_())
    try:
        yield
    finally:
        hook.remove()
        for parameter in trainable:
            parameter.requires_grad_(True)
        model.train(was_training)


def _token_map(prefix: int | None) -> Callable[[Tensor], Tensor] | None:
    """Tokens (B, prefix + g * g, C) -> map (B, C, g, g); None for a layer whose output is a map already."""
    return None if prefix is None else functools.partial(backbones.token_map, prefix=prefix)


def _score(
    metric: Callable,
    model: Classifier,
    cutouts: CutoutSet,
    maps: Maps,
    weights_of: Callable[[Maps], np.ndarray],
    batch_size: int,
    device: str,
) -> np.ndarray:
    """One of the library's perturbation metrics (N,), batch by batch; `weights_of` a part are (B, S, S)."""
    scores = [np.empty(0, np.float32)]
    model.to(device).eval()
    for start in range(0, len(maps), batch_size):
        part = maps[start : start + batch_size]
        features = {name: torch.from_numpy(f).to(device) for name, f in part.other_features.items()}
        targets = [ClassifierOutputSoftmaxTarget(int(c)) for c in part.targets]
        images = cutouts.batch(part.branch, part.indices, None, device)
        scores.append(metric(images, weights_of(part), targets, OneBranch(model, part.branch, features)))
    return np.concatenate(scores)
