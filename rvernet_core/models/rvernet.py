"""RveRNet and the single-branch baseline (paper figure 2; release RveRNets/models.py).

Both return logits; the release's log-softmax in front of a cross-entropy changes nothing and is left
out. Parameter names are the release's (`roi_module`, `extra_roi_module`, `integrated_fc1`,
`integrated_fc2`; `backbone`, `classifier`), so released checkpoints can be read.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from rvernet_core.config import ModelSpec
from rvernet_core.errors import ConfigError
from rvernet_core.models import backbones

FUSIONS = ("logits", "features")
BRANCHES = ("roi", "extra_roi")


class Branched(nn.Module):
    """What the two models share: backbones of which some are frozen, and statistics that may rest."""

    #: Frozen backbones: no gradients, no dropout, statistics at rest.
    frozen: tuple[nn.Module, ...] = ()
    #: Batch norms at rest. Nets are pretrained on whole photos (paper) or on both kinds of cut-outs
    #: (micro); the mostly black ROIs alone have other statistics, which would undo the pretraining.
    resting: tuple[nn.Module, ...] = ()

    def settle(self, spec: ModelSpec, nets: dict[str, nn.Module]) -> None:
        """Freeze what `spec` says of the backbones `nets` (branch -> net)."""
        self.frozen = tuple(net for branch, net in nets.items() if branch in spec.freeze)
        for net in self.frozen:
            net.requires_grad_(False)
        if spec.rest_statistics:
            norms = (m for net in nets.values() for m in net.modules())
            self.resting = tuple(m for m in norms if isinstance(m, nn.BatchNorm2d))

    def train(self, mode: bool = True) -> Branched:
        """As nn.Module.train, but what is frozen or at rest stays in eval mode."""
        super().train(mode)
        for module in (*self.frozen, *self.resting):
            module.eval()
        return self


class RveRNet(Branched):
    """A ROI module and an extra-ROI module on complementary cut-outs, an integration module on top."""

    def __init__(self, spec: ModelSpec, classes: int):
        """`spec.roi` and `spec.extra_roi` name two backbones; they are always two separate modules."""
        super().__init__()
        self.roi_module = backbones.build(spec.roi, spec.scale, spec.pretrained)
        self.extra_roi_module = backbones.build(spec.extra_roi, spec.scale, spec.pretrained)
        self.roi_read = Reader(spec.roi, self.roi_module, spec)
        self.extra_roi_read = Reader(spec.extra_roi, self.extra_roi_module, spec)
        self.integrated_fc1 = nn.Linear(self.roi_read.width + self.extra_roi_read.width, spec.head_width)
        self.integrated_fc2 = nn.Linear(spec.head_width, classes)
        self.settle(spec, dict(zip(BRANCHES, self.modules_of_branches(), strict=True)))

    def modules_of_branches(self) -> tuple[nn.Module, nn.Module]:
        """The two backbones in the order of BRANCHES."""
        return self.roi_module, self.extra_roi_module

    def encode(self, roi: Tensor, extra_roi: Tensor) -> tuple[Tensor, Tensor]:
        """What the integration module reads: (B, F1) and (B, F2) from images (B, 3, S, S) in [0, 1]."""
        return self.roi_read(self.roi_module, roi), self.extra_roi_read(self.extra_roi_module, extra_roi)

    def integrate(self, roi: Tensor, extra_roi: Tensor) -> Tensor:
        """Logits (B, classes) from what the two branches read."""
        joined = torch.cat([self.roi_read.norm(roi), self.extra_roi_read.norm(extra_roi)], dim=1)
        return self.integrated_fc2(torch.relu(self.integrated_fc1(joined)))

    def forward(self, roi: Tensor, extra_roi: Tensor) -> Tensor:
        """Logits (B, classes) of complementary cut-outs (B, 3, S, S), pixels in [0, 1]."""
        return self.integrate(*self.encode(roi, extra_roi))


class Baseline(Branched):
    """One backbone on one cut-out, the ROI unless `spec.sees` names the other one, and a linear classifier
    on what it reads (release Off_the_shelfs)."""

    def __init__(self, spec: ModelSpec, classes: int):
        super().__init__()
        self.sees = spec.sees
        self.backbone = backbones.build(spec.roi, spec.scale, spec.pretrained)
        self.read = Reader(spec.roi, self.backbone, spec)
        self.classifier = nn.Sequential(nn.Linear(self.read.width, classes))
        self.settle(spec, {spec.sees: self.backbone})

    def encode(self, cutout: Tensor) -> tuple[Tensor]:
        """What the classifier reads: (B, F) from images (B, 3, S, S) in [0, 1]."""
        return (self.read(self.backbone, cutout),)

    def integrate(self, read: Tensor) -> Tensor:
        """Logits (B, classes) from what the branch reads."""
        return self.classifier(self.read.norm(read))

    def forward(self, cutout: Tensor) -> Tensor:
        """Logits (B, classes) of cut-outs (B, 3, S, S), pixels in [0, 1]."""
        return self.integrate(*self.encode(cutout))


class Reader(nn.Module):
    """How a backbone is asked: for its own logits, as the paper does, or for its pooled features."""

    def __init__(self, name: str, net: nn.Module, spec: ModelSpec):
        super().__init__()
        self.name = name
        self.logits = spec.fusion == "logits"
        self.width = net.num_classes if self.logits else backbones.feature_width(net)
        self.pixels = backbones.Normalise(name) if spec.normalise else nn.Identity()
        # Presence logits of the micro nets lie around -6, features of different backbones differ in scale
        # by orders of magnitude: a fresh head learns from both quickly only when each is standardised.
        self.norm = nn.BatchNorm1d(self.width, affine=False) if spec.standardise else nn.Identity()

    def forward(self, net: nn.Module, images: Tensor) -> Tensor:
        pixels = self.pixels(images)
        return net(pixels) if self.logits else backbones.pooled(net, pixels)


def build_model(
    spec: ModelSpec, classes: int, kinds: tuple[type[RveRNet], type[Baseline]] | None = None
) -> RveRNet | Baseline:
    """The model that `spec` describes, for `classes` categories. ConfigError on contradictory options.

    `kinds` are other classes for a pair and for a single branch; `students.build` passes its own.
    """
    if spec.voices and kinds is None:
        raise ConfigError(f"a model with voices={spec.voices!r} is a student; build it with students.build")
    if spec.fusion not in FUSIONS:
        raise ConfigError(f"unknown fusion {spec.fusion!r}; expected one of {', '.join(FUSIONS)}")
    if spec.sees not in BRANCHES:
        raise ConfigError(f"sees is {spec.sees!r}; expected one of {', '.join(BRANCHES)}")
    if spec.extra_roi and spec.sees != BRANCHES[0]:
        raise ConfigError(
            f"RveRNet sees both cut-outs; sees = {spec.sees!r} is for the single-branch baseline"
        )
    allowed = BRANCHES if spec.extra_roi else (spec.sees,)
    for branch in spec.freeze:
        if branch not in allowed:
            raise ConfigError(f"cannot freeze {branch!r}; this model has: {', '.join(allowed)}")
    pair, single = kinds or (RveRNet, Baseline)
    return pair(spec, classes) if spec.extra_roi else single(spec, classes)
