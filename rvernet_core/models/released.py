"""Checkpoints of the released code (GitHub Seonwhee-Genome/RveRNet) as models of this project.

    model = load_released("mnet-vit_epoch_30_20240501.pth")
    log_probabilities = model(roi, extra_roi).log_softmax(1)

The release fine-tunes torchvision's MobileNetV2 (`mnet`) and ViT (`vit`), transformers' ViT (`deit`) and DeiT
(`deit-dist`), and saves them under DataParallel. The names and shapes of the tensors tell which of them a
module is, its size and the number of classes. timm's nets compute the same from the same weights; only names
differ, and query, key and value are one tensor. What no tensor shows is as `config.as_released` has it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from timm.models._efficientnet_builder import decode_arch_def
from timm.models.deit import VisionTransformerDistilled
from timm.models.efficientnet import EfficientNet
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

from rvernet_core.config import BRANCHES, ModelSpec, as_released, replace
from rvernet_core.errors import CheckpointError
from rvernet_core.models.backbones import Net
from rvernet_core.models.rvernet import Classifier, assemble
from rvernet_core.models.weights import load_torch_checkpoint

#: Blocks by width of the published ViTs and DeiTs; in others they are counted.
_DEPTHS = {192: 12, 384: 12, 768: 12, 1024: 24}


def load_released(path: Path | str, head_channels: int = 64) -> Classifier:
    """The model in a checkpoint that the release's train_RveRNet.py or train_Off-the-shelf.py wrote.

    It is in eval mode on the CPU and maps cut-outs (B, 3, S, S) in [0, 1], where S is its `input_size`, to
    logits (B, K), in the order of `data.names.RELEASED` for K = 105. Equal modules are one module that sees
    both cut-outs, as in the release; a baseline is taken as one of the ROI.

    head_channels: of each attention head, which no tensor shows; 64 in every published ViT and DeiT.

    Raises CheckpointError for a file that is damaged, asks to run code, or holds anything but such a model:
    it names the tensors that are missing, unexpected or of another shape.
    """
    file = _File(Path(path), head_channels)
    pair = any(
        name.startswith(("roi_module.", "extra_roi_module.", "integrated_fc")) for name in file.tensors
    )
    prefixes = ("roi_module.", "extra_roi_module.") if pair else ("backbone.",)
    classes, width = file.shape("integrated_fc2.weight" if pair else "classifier.0.weight", 2)
    layouts = [_layout(file, prefix) for prefix in prefixes]
    names = dict(zip(BRANCHES, (layout.backbone for layout in layouts), strict=False))
    spec = as_released(ModelSpec(**names, scale="paper", pretrained=False))
    spec = replace(spec, shared=pair and file.equal(*prefixes), head_width=width if pair else spec.head_width)
    with torch.device("meta"):  # shapes alone: they are compared before any memory is taken
        nets = [layout.build(layout, file, prefix) for layout, prefix in zip(layouts, prefixes, strict=True)]
        nets = [nets[0], nets[0]] if spec.shared else nets
        model = assemble(spec, classes, dict(zip(spec.branches, nets, strict=True)))
    sources = {name: [name] for name in model.state_dict()}
    for layout, prefix, net in zip(layouts, prefixes, nets, strict=True):
        sources |= layout.sources(net, prefix)
    file.compare(model.state_dict(), sources)
    model.load_state_dict({name: file.joined(parts) for name, parts in sources.items()}, assign=True)
    model.input_size = file.input_size(nets) or model.input_size
    for net in nets:
        net.to(memory_format=torch.channels_last)
    return model.eval()


# --- the nets of the release ------------------------------------------------------------------------


@dataclass(frozen=True)
class _Layout:
    """One of its nets, and how it names the tensors: beginning of timm's name -> of its own.

    Several names, with spaces between, are one tensor in timm: query, key and value.
    """

    backbone: str  # its name here
    origin: str  # its class there
    build: Callable[[_Layout, _File, str], Net]  # the timm net of a module's size, untrained
    sign: str  # how names begin in none of the others
    outside: dict[str, str]  # of the blocks
    block: str  # where block {} begins
    inside: dict[str, str]  # of a block
    first: dict[str, str] = field(default_factory=dict)  # of the first block, if it is another one
    start: int = 0  # its number

    def sources(self, net: Net, prefix: str) -> dict[str, list[str]]:
        """timm's name of every tensor of `net` -> its names in the file, both below `prefix`."""
        table = dict(self.outside)
        for number, block in enumerate(_blocks(net), self.start):
            inside = self.first if self.first and number == self.start else self.inside
            for ours, theirs in inside.items():
                begin = self.block.format(number)
                table[block + ours] = " ".join(begin + name for name in theirs.split())
        sources = {}
        for name in net.state_dict():
            start = next(start for start in table if name.startswith(start))
            rest = name.removeprefix(start)
            sources[prefix + name] = [prefix + theirs + rest for theirs in table[start].split()]
        return sources


def _layout(file: _File, prefix: str) -> _Layout:
    """The layout of the module below `prefix`."""
    for layout in _LAYOUTS:
        if any(name.startswith(prefix + layout.sign) for name in file.tensors):
            return layout
    held = _some([name for name in file.tensors if name.startswith(prefix)] or list(file.tensors))
    known = ", ".join(layout.origin for layout in _LAYOUTS)
    raise file.error(f"has no net of the release in {prefix[:-1]}, but {held}; expected one of {known}")


def _blocks(net: Net) -> list[str]:
    """How timm's names of the tensors of each block begin; MobileNetV2's lie in stages."""
    if hasattr(net, "conv_stem"):
        return [f"blocks.{s}.{b}." for s, stage in enumerate(net.blocks) for b in range(len(stage))]
    return [f"blocks.{number}." for number in range(len(net.blocks))]


def _mobilenetv2(layout: _Layout, file: _File, prefix: str) -> Net:
    def width(name: str) -> int:
        return file.shape(prefix + name + ".weight", 4)[0]

    stages = ["ds_r1_k3_s1", "ir_r2_k3_s2_e6", "ir_r3_k3_s2_e6", "ir_r4_k3_s2_e6"]
    stages += ["ir_r3_k3_s1_e6", "ir_r3_k3_s2_e6", "ir_r1_k3_s1_e6"]
    last = [
        "1.conv.1",
        *(f"{block}.conv.2" for block in (2, 4, 7, 11, 14, 17)),
    ]  # of each stage's first block
    widths = [width(f"features.{name}") for name in last]
    return EfficientNet(
        decode_arch_def([[f"{stage}_c{width}"] for stage, width in zip(stages, widths, strict=True)]),
        num_classes=file.shape(prefix + "classifier.1.weight", 2)[0],
        num_features=width("features.18.0"),
        stem_size=width("features.0.0"),
        act_layer=nn.ReLU6,
    )


def _transformer(layout: _Layout, file: _File, prefix: str) -> Net:
    def shape(name: str, dimensions: int = 2) -> tuple[int, ...]:
        return file.shape(prefix + name, dimensions)

    width, _, patch, _ = shape(layout.outside["patch_embed.proj."] + "weight", 4)
    _, tokens, _ = shape(layout.outside["pos_embed"], 3)
    hidden, _ = shape(layout.block.format(0) + layout.inside["mlp.fc1."] + "weight")
    distilled = "dist_token" in layout.outside
    patches = tokens - 1 - distilled
    if patches < 1 or math.isqrt(patches) ** 2 != patches:
        raise file.error(f"has {patches} patches in {prefix[:-1]}; expected a square of patches")
    if width % file.head_channels:
        raise file.error(
            f"has {width} channels in {prefix[:-1]}; expected attention heads of {file.head_channels}, or "
            "head_channels=<those of a head>"
        )
    number = re.compile(re.escape(prefix + layout.block).replace(r"\{\}", r"(\d+)"))
    numbers = [int(match[1]) for match in map(number.match, file.tensors) if match]
    net: Net = (VisionTransformerDistilled if distilled else VisionTransformer)(
        img_size=math.isqrt(patches) * patch,
        patch_size=patch,
        embed_dim=width,
        depth=_DEPTHS.get(width, 1 + max(numbers)),
        num_heads=width // file.head_channels,
        mlp_ratio=(hidden + 0.5) / width,  # of which timm takes the floor
        num_classes=shape(layout.outside["head."] + "weight")[0],
    )
    if distilled:
        net.head_dist = nn.Identity()  # the release has none: its class token answers alone
    return net


def _of_transformers(root: str) -> dict[str, str]:
    return {
        "cls_token": f"{root}.embeddings.cls_token",
        "pos_embed": f"{root}.embeddings.position_embeddings",
        "patch_embed.proj.": f"{root}.embeddings.patch_embeddings.projection.",
        "norm.": f"{root}.layernorm.",
        "head.": "classifier.",
    }


_INSIDE_TRANSFORMERS = {
    "norm1.": "layernorm_before.",
    "attn.qkv.": "attention.attention.query. attention.attention.key. attention.attention.value.",
    "attn.proj.": "attention.output.dense.",
    "norm2.": "layernorm_after.",
    "mlp.fc1.": "intermediate.dense.",
    "mlp.fc2.": "output.dense.",
}

_LAYOUTS = (
    _Layout(
        backbone="mobilenetv2",
        origin="MobileNetV2 (torchvision)",
        build=_mobilenetv2,
        sign="features.",
        outside={
            "conv_stem.": "features.0.0.",
            "bn1.": "features.0.1.",
            "conv_head.": "features.18.0.",
            "bn2.": "features.18.1.",
            "classifier.": "classifier.1.",
        },
        block="features.{}.conv.",
        inside={
            "conv_pw.": "0.0.",
            "bn1.": "0.1.",
            "conv_dw.": "1.0.",
            "bn2.": "1.1.",
            "conv_pwl.": "2.",
            "bn3.": "3.",
        },
        first={"conv_dw.": "0.0.", "bn1.": "0.1.", "conv_pw.": "1.", "bn2.": "2."},
        start=1,
    ),
    _Layout(
        backbone="vit",
        origin="ViT (torchvision)",
        build=_transformer,
        sign="encoder.",
        outside={
            "cls_token": "class_token",
            "pos_embed": "encoder.pos_embedding",
            "patch_embed.proj.": "conv_proj.",
            "norm.": "encoder.ln.",
            "head.": "heads.head.",
        },
        block="encoder.layers.encoder_layer_{}.",
        inside={
            "norm1.": "ln_1.",
            "attn.qkv.": "self_attention.in_proj_",
            "attn.proj.": "self_attention.out_proj.",
            "norm2.": "ln_2.",
            "mlp.fc1.": "mlp.0.",
            "mlp.fc2.": "mlp.3.",
        },
    ),
    _Layout(
        backbone="deit",
        origin="ViT (transformers)",
        build=_transformer,
        sign="vit.",
        outside=_of_transformers("vit"),
        block="vit.encoder.layer.{}.",
        inside=_INSIDE_TRANSFORMERS,
    ),
    _Layout(
        backbone="deit-distilled",
        origin="DeiT (transformers)",
        build=_transformer,
        sign="deit.",
        outside=_of_transformers("deit") | {"dist_token": "deit.embeddings.distillation_token"},
        block="deit.encoder.layer.{}.",
        inside=_INSIDE_TRANSFORMERS,
    ),
)


# --- the file ---------------------------------------------------------------------------------------


class _File:
    """The tensors of a checkpoint by name, without DataParallel's `module.`; says what is wrong with them."""

    def __init__(self, path: Path, head_channels: int) -> None:
        self.path, self.head_channels = path, head_channels
        self.tensors = {name.removeprefix("module."): t for name, t in load_torch_checkpoint(path).items()}
        for name, tensor in self.tensors.items():
            if not _is_plain(tensor):
                raise self.error(f"holds {name!r}, which is no ordinary tensor; expected a state dict alone")
            if not bool(torch.isfinite(tensor).all()):
                raise self.error(f"holds infinite values or NaN in {name!r}: this training had diverged")

    def error(self, what: str) -> CheckpointError:
        return CheckpointError(f"{self.path} {what}")

    def shape(self, name: str, dimensions: int) -> tuple[int, ...]:
        """The shape of a tensor that must be there."""
        if name not in self.tensors:
            raise self.error(f"lacks {name!r}, and holds {_some(list(self.tensors))}; {_EXPECTED}")
        shape = tuple(self.tensors[name].shape)
        if len(shape) != dimensions or 0 in shape:
            raise self.error(f"has {name!r} of shape {shape}; expected {dimensions} dimensions")
        return shape

    def equal(self, *prefixes: str) -> bool:
        """Whether the tensors below two prefixes are the same."""
        one, other = (
            {name.removeprefix(prefix): t for name, t in self.tensors.items() if name.startswith(prefix)}
            for prefix in prefixes
        )
        return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)

    def input_size(self, nets: Sequence[Net]) -> int | None:
        """The side in pixels for which the transformers among `nets` were built; None without any."""
        sides = sorted({net.patch_embed.img_size[0] for net in nets if hasattr(net, "patch_embed")})
        if len(sides) > 1:
            raise self.error(f"has modules for images of {sides} pixels; expected one size")
        return sides[0] if sides else None

    def compare(self, wanted: Mapping[str, Tensor], sources: Mapping[str, list[str]]) -> None:
        """CheckpointError unless the file holds the `sources` of the tensors `wanted`, and nothing else."""
        expected = {}
        for name, parts in sources.items():
            shape = wanted[name].shape
            own = tuple(shape) if len(parts) == 1 else (shape[0] // len(parts), *shape[1:])
            expected |= dict.fromkeys(parts, own)
        found = {name: tuple(tensor.shape) for name, tensor in self.tensors.items()}
        both = [name for name in expected if name in found]
        defects = {
            "missing": [name for name in expected if name not in found],
            "unexpected": [name for name in found if name not in expected],
            "of another shape": [
                f"{n} {found[n]}, not {expected[n]}" for n in both if found[n] != expected[n]
            ],
        }
        told = [f"{len(names)} {what} ({_some(names)})" for what, names in defects.items() if names]
        if told:
            raise self.error(f"does not fit: of its tensors {'; '.join(told)}. {_EXPECTED.capitalize()}")

    def joined(self, parts: Sequence[str]) -> Tensor:
        """The tensors of these names as one, on top of each other."""
        tensor = (
            torch.cat([self.tensors[name] for name in parts]) if len(parts) > 1 else self.tensors[parts[0]]
        )
        return tensor.float() if tensor.is_floating_point() else tensor


_EXPECTED = "expected a checkpoint of the released code"


def _is_plain(tensor: object) -> bool:
    """Whether it is a dense tensor of numbers, in memory, with all that its shape says."""
    return (
        isinstance(tensor, Tensor)
        and tensor.layout == torch.strided
        and tensor.device.type == "cpu"
        and not (tensor.is_quantized or tensor.is_complex() or tensor.is_nested)
        and tensor.untyped_storage().nbytes() >= tensor.numel() * tensor.element_size()
    )


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
