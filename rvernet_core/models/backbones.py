"""The five backbones, each with every fact about it. This file and `released` alone know timm.

A backbone comes at two scales. `micro` is the real timm class at a small size for 112-px input, cut into
the paper's own grids: 14 x 14 tokens, and a last map of 7 x 7. Its weights ship with this package, some
checkpoints an architecture, each pretrained from another seed. `paper` is the timm net of the paper for
224-px input; its ImageNet weights are fetched as `downloads.TIMM` says. A new backbone is one entry here and
one row of the tests.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from rvernet_core import downloads
from rvernet_core.config import one_of
from rvernet_core.errors import CheckpointError
from rvernet_core.fetch import fetch
from rvernet_core.models.weights import load_weights
from rvernet_core.models.zoo import weights_path

# timm is imported by the functions that build with it: that takes longer than torch, and most pages do not.
Net = Any  # a timm module: its attributes (num_classes, head, blocks, ...) are typed nowhere

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
HALF = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))

#: Side of the square input in pixels.
_INPUT_SIZE = {"micro": 112, "paper": 224}

#: What the micro nets were pretrained to tell: the categories of `zoo.things`, none a food of the plates.
MICRO_LABELS = 75


@dataclass(frozen=True)
class Backbone:
    """All that is known of one architecture."""

    name: str  # as in specs, parameters and file names
    label: str  # as on figures and in tables
    colour: tuple[str, str]  # on figures, on light and on dark ground
    marker: str  # on figures, so that colour never carries a meaning alone
    family: str  # cnn | transformer | mlp: which inductive bias it stands for
    timm_tag: str  # timm's name of the paper-scale net and its weights
    micro: Callable[[int], Net]  # builds the micro net, untrained, for inputs of so many pixels a side
    mean_std: tuple[tuple[float, ...], tuple[float, ...]]  # of the pixels in [0, 1], per channel
    prefix_tokens: int | None  # tokens before the patch tokens; None: a feature map instead of tokens
    cam_layer: Callable[[Net], nn.Module]  # where Grad-CAM reads activations and gradients


def _micro_mobilenetv2(_: int) -> Net:
    """MobileNetV2 (https://arxiv.org/abs/1801.04381) whose last map is 7 x 7, the paper's own, at 112 px."""
    from timm.models._efficientnet_builder import decode_arch_def
    from timm.models.efficientnet import EfficientNet

    stages = [["ds_r1_k3_s2_c16"], ["ir_r2_k3_s2_e4_c32"], ["ir_r3_k3_s2_e4_c64"], ["ir_r2_k3_s1_e4_c96"]]
    return EfficientNet(
        decode_arch_def(stages), MICRO_LABELS, num_features=384, stem_size=16, act_layer=nn.ReLU6
    )


def _micro_vit(distilled: bool = False, **regularisation: float) -> Callable[[int], Net]:
    """Vision transformers (https://arxiv.org/abs/2010.11929) with the paper's 14 x 14 tokens at 112 px."""
    shape = {"patch_size": 8, "embed_dim": 64, "depth": 4, "num_heads": 2}

    def build(size: int) -> Net:
        from timm.models.deit import VisionTransformerDistilled
        from timm.models.vision_transformer import VisionTransformer

        net: type[Net] = VisionTransformerDistilled if distilled else VisionTransformer
        return net(img_size=size, num_classes=MICRO_LABELS, **shape, **regularisation)

    return build


def _micro_mixer(size: int) -> Net:
    """MLP-Mixer (https://arxiv.org/abs/2105.01601) of 14 x 14 tokens, the paper's own, at 112 px."""
    from timm.models.mlp_mixer import MlpMixer

    return MlpMixer(MICRO_LABELS, img_size=size, patch_size=8, num_blocks=5, embed_dim=64)


ZOO: dict[str, Backbone] = {
    entry.name: entry
    for entry in (
        Backbone(
            name="mobilenetv2",
            label="MobileNetV2",
            colour=("#c4560a", "#f5a55c"),
            marker="s",
            family="cnn",
            timm_tag="mobilenetv2_100.ra_in1k",
            micro=_micro_mobilenetv2,
            mean_std=IMAGENET,
            prefix_tokens=None,
            cam_layer=lambda net: net.conv_head,
        ),
        Backbone(
            name="vit",
            label="ViT",
            colour=("#1d6fb8", "#74b9f5"),
            marker="o",
            family="transformer",
            timm_tag="vit_base_patch16_224.augreg_in1k",
            micro=_micro_vit(),
            mean_std=HALF,
            prefix_tokens=1,
            cam_layer=lambda net: net.blocks[-1].norm1,
        ),
        Backbone(
            name="deit",
            label="DeiT",
            colour=("#0a8f70", "#45d0a8"),
            marker="D",
            family="transformer",
            timm_tag="deit_base_patch16_224.fb_in1k",
            micro=_micro_vit(drop_path_rate=0.1),
            mean_std=IMAGENET,
            prefix_tokens=1,
            cam_layer=lambda net: net.blocks[-1].norm1,
        ),
        Backbone(
            name="deit-distilled",
            label="DeiT-distilled",
            colour=("#7d4aa5", "#c9a1ea"),
            marker="^",
            family="transformer",
            timm_tag="deit_base_distilled_patch16_224.fb_in1k",
            micro=_micro_vit(distilled=True, drop_path_rate=0.1),
            mean_std=IMAGENET,
            prefix_tokens=2,
            cam_layer=lambda net: net.blocks[-1].norm1,
        ),
        Backbone(
            name="mlp-mixer",
            label="MLP-Mixer",
            colour=("#7d6b00", "#dcc850"),
            marker="P",
            family="mlp",
            timm_tag="mixer_b16_224.goog_in21k_ft_in1k",
            micro=_micro_mixer,
            mean_std=HALF,
            prefix_tokens=0,
            cam_layer=lambda net: net.blocks[-1],
        ),
    )
}

#: Names of all backbones, in the order of tables and figures.
BACKBONES = tuple(ZOO)


def input_size(scale: str) -> int:
    """Side in pixels of what a backbone sees: 112 at micro scale, 224 at paper scale; else ConfigError."""
    return _INPUT_SIZE[one_of(scale, _INPUT_SIZE, "scale")]


def facts(name: str) -> Backbone:
    """The entry of `name`; ConfigError lists the known names."""
    return ZOO[one_of(name, ZOO, "backbone")]


def build(
    name: str,
    scale: str = "micro",
    pretrained: bool = True,
    cache: Path | None = None,
    checkpoint: int = 0,
) -> Net:
    """The timm module of `name`, mapping normalised images (B, 3, S, S) to its own logits (B, K).

    S is input_size(scale); K is MICRO_LABELS at micro scale and 1000 (ImageNet) at paper scale.

    Args:
        cache: where the weights of the paper scale are fetched to, once; None: see `fetch.cache_folder`.
        checkpoint: which of the shipped pretrainings of a micro net, counted modulo their number: a run
            passes its seed, so that runs of several seeds also differ in their pretraining. The paper
            scale has one.

    Raises:
        ConfigError: unknown name or scale.
        FetchError: the weights are not to be had; says where they belong.
        CheckpointError: they are another net's.
    """
    entry = facts(name)
    if one_of(scale, _INPUT_SIZE, "scale") == "micro":
        net = untrained(name, input_size(scale))
        if pretrained:
            net.load_state_dict(load_weights(weights_path(name, checkpoint)))
        return net
    if not pretrained:
        return _from_timm(entry)
    if entry.timm_tag not in downloads.TIMM:
        raise CheckpointError(f"no weights are known of {entry.timm_tag}; add them to downloads.TIMM")
    path = fetch(downloads.TIMM[entry.timm_tag], cache)
    net = _from_timm(entry)
    try:
        net.load_state_dict(load_weights(path))
    except RuntimeError as error:
        raise CheckpointError(
            f"{path} does not hold the weights of {entry.timm_tag}: {str(error)[:300]}"
        ) from error
    return net


def untrained(name: str, size: int) -> Net:
    """The micro net of `name` with random weights, for inputs of `size` pixels a side, a multiple of 8."""
    return _channels_last(facts(name).micro(size))


def _from_timm(entry: Backbone) -> Net:
    """The net of the paper scale with random weights."""
    import timm

    return _channels_last(timm.create_model(entry.timm_tag, pretrained=False))


def _channels_last(net: Net) -> Net:
    """`net` with its weights in the memory format of `to_batch`, which halves a CNN's time on a CPU."""
    return net.to(memory_format=torch.channels_last)


def regularise(net: Net, name: str, dropout: float, layer_norm_eps: float) -> None:
    """Set in `net` what the released nets have otherwise: dropout before a CNN's head, the DeiTs' epsilon."""
    if facts(name).family == "cnn":
        net.drop_rate = dropout
    if name in ("deit", "deit-distilled"):
        for module in net.modules():
            if isinstance(module, nn.LayerNorm):
                module.eps = layer_norm_eps


def refresh_head(net: Net, name: str) -> None:
    """Draw the pretraining head of a net with two tokens anew, as the released code's loading does.

    Normal with a standard deviation of .02 and no bias, which is what transformers gives a head that its
    checkpoint lacks. Other nets stay as they are.
    """
    if has_distillation_token(name):
        nn.init.normal_(net.head.weight, std=0.02)
        nn.init.zeros_(net.head.bias)


def feature_width(net: Net) -> int:
    """Length of the pooled feature vector that `pooled` returns."""
    return int(getattr(net, "head_hidden_size", None) or net.num_features)


def has_distillation_token(name: str) -> bool:
    """Whether the backbone `name` has a distillation token beside its class token."""
    return facts(name).prefix_tokens == 2


def pooled(net: Net, images: Tensor) -> Tensor:
    """Features (B, F) of normalised images (B, 3, S, S) just before the net's own classifier.

    A distilled net returns the mean of its class token and its distillation token, as at inference.
    """
    return net.forward_head(net.forward_features(images), pre_logits=True)


def last_map(net: Net, name: str, images: Tensor) -> Tensor:
    """The last map (B, F, g, g) of normalised images (B, 3, S, S); tokens lie where their patches do."""
    features, prefix = net.forward_features(images), facts(name).prefix_tokens
    return features if prefix is None else token_map(features, prefix)


def token_map(tokens: Tensor, prefix: int) -> Tensor:
    """Tokens (B, prefix + g * g, F) -> a map (B, F, g, g) of those after the first `prefix`."""
    patches = tokens[:, prefix:]
    side = math.isqrt(patches.shape[1])
    return patches.transpose(1, 2).reshape(len(patches), -1, side, side)


def two_heads(net: Net, images: Tensor, logits: bool = True) -> tuple[Tensor, Tensor]:
    """What the class token and the distillation token of a distilled net say, kept apart in any mode.

    From normalised images (B, 3, S, S): each head's logits (B, K), or with `logits=False` each token's
    features (B, F). The net itself returns the mean of the two, see `pooled`.
    """
    tokens = net.forward_features(images)  # (B, 2 + patches, F)
    read = net.head_drop(tokens[:, 0]), net.head_drop(tokens[:, 1])
    return (net.head(read[0]), net.head_dist(read[1])) if logits else read


class Normalise(nn.Module):
    """Pixels in [0, 1], (B, 3, S, S), to the mean and standard deviation a backbone was trained with."""

    mean: Tensor  # (1, 3, 1, 1)
    std: Tensor

    def __init__(self, name: str):
        super().__init__()
        mean, std = facts(name).mean_std
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        return (images - self.mean) / self.std
