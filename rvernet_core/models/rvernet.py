"""RveRNet and the single-branch baseline (paper figure 2; release RveRNets/models.py).

Both return logits; the release's log-softmax in front of a cross-entropy changes nothing and is left
out. Parameter names are the release's (`roi_module`, `extra_roi_module`, `integrated_fc1`,
`integrated_fc2`; `backbone`, `classifier`); `released.load_released` reads its checkpoints.

A distilled model (https://arxiv.org/abs/2012.12877) has two heads and returns (class_logits,
distillation_logits): the class token's features go to the one, the distillation token's to the other. A
backbone without a distillation token gives both heads the same features.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from rvernet_core.config import BRANCHES, ModelSpec, one_of
from rvernet_core.errors import ConfigError
from rvernet_core.models import backbones

FUSIONS = ("logits", "features")
HEADS = ("class", "distillation")

Logits = Tensor | tuple[Tensor, Tensor]  # (B, K), or one of each head of a distilled model
Nets = Mapping[str, backbones.Net]  # branch -> backbone


class FeatureExtractor(nn.Module):
    """What a head takes from a backbone: the backbone's own logits, as in the paper, or pooled features.

    The backbone itself is passed in at each call: it belongs to the model, under the release's name.
    """

    width: int  # F, length of the feature vector
    norm: nn.Module
    distilled_norm: nn.Module

    def __init__(self, name: str, net: backbones.Net, spec: ModelSpec, heads: int):
        super().__init__()
        self.name = name
        self.heads = heads
        self.logits = spec.fusion == "logits"
        self.class_token = spec.class_token and backbones.has_distillation_token(name)
        self.width = net.num_classes if self.logits else backbones.feature_width(net)
        self.pixels = backbones.Normalise(name) if spec.normalise else nn.Identity()
        # Logits and features of different backbones differ in scale, features by orders of magnitude: a
        # fresh head learns from two of them quickly only when each is standardised.
        self.norm = self._norm(spec)
        if heads == 2:
            self.distilled_norm = self._norm(spec)

    def forward(self, net: backbones.Net, images: Tensor) -> Tensor:
        """Features (B, F) of images (B, 3, S, S) in [0, 1]; of a distilled model (B, 2, F), class first."""
        pixels = self.pixels(images)
        if self.heads == 2 and backbones.has_distillation_token(self.name):
            return torch.stack(backbones.two_heads(net, pixels, self.logits), dim=1)
        if self.class_token:
            return backbones.two_heads(net, pixels, self.logits)[0]
        features = net(pixels) if self.logits else backbones.pooled(net, pixels)
        return features if self.heads == 1 else features.unsqueeze(1).expand(-1, 2, -1)

    def standardise(self, features: Tensor, head: int) -> Tensor:
        """The features (B, F) for head 0 or 1, each standardised over the batch."""
        if self.heads == 1:
            return self.norm(features)
        return (self.norm, self.distilled_norm)[head](features[:, head])

    def _norm(self, spec: ModelSpec) -> nn.Module:
        return nn.BatchNorm1d(self.width, affine=False) if spec.standardise else nn.Identity()


class Classifier(nn.Module):
    """A backbone per branch and a head on their features; the base of RveRNet and of the baseline."""

    def __init__(
        self, spec: ModelSpec, classes: int, nets: Nets, names: Sequence[str], strength: float | None
    ) -> None:
        """`names`: of the backbone modules, in the order of `spec.branches`. The rest: see `assemble`."""
        super().__init__()
        self.classes = classes
        self.input_size = backbones.input_size(spec.scale)  # side in pixels of the images that it sees
        self.branches = spec.branches
        self.heads = 1 if strength is None else 2
        self.answering = tuple(range(self.heads)) if strength not in (0, 1) else (int(strength),)
        self.module_names = dict(zip(spec.branches, names, strict=True))
        for branch, name in self.module_names.items():
            backbones.regularise(nets[branch], getattr(spec, branch), spec.dropout, spec.layer_norm_eps)
            setattr(self, name, nets[branch])
            if spec.fresh_head:
                backbones.refresh_head(nets[branch], getattr(spec, branch))
        self.extractors = nn.ModuleDict(
            {
                branch: FeatureExtractor(getattr(spec, branch), self.backbone_of(branch), spec, self.heads)
                for branch in self.branches
            }
        )
        #: Frozen backbones: no gradients, no dropout, fixed statistics.
        self.frozen = tuple(self.backbone_of(branch) for branch in spec.freeze)
        for net in self.frozen:
            net.requires_grad_(False)
        if spec.fresh_head or not spec.frozen_statistics:
            self.frozen = ()  # no gradients, but not as they were pretrained either
        #: Batch norms with fixed statistics. Nets are pretrained on whole pictures; the mostly black ROIs
        #: have other statistics, which would undo pretraining.
        modules = (m for branch in self.branches for m in self.backbone_of(branch).modules())
        self.frozen_norms = tuple(
            m for m in modules if spec.freeze_batch_norm and isinstance(m, nn.BatchNorm2d)
        )

    def backbone_of(self, branch: str) -> backbones.Net:
        """The backbone that sees this cut-out. ConfigError for a branch that the model lacks."""
        if branch not in self.module_names:
            raise ConfigError(f"this model has no branch {branch!r}; it has: {', '.join(self.module_names)}")
        return getattr(self, self.module_names[branch])

    def extractor_of(self, branch: str) -> FeatureExtractor:
        """What takes the features of this branch."""
        return cast(FeatureExtractor, self.extractors[branch])

    def train(self, mode: bool = True) -> Classifier:
        """As nn.Module.train, but what is frozen stays in eval mode."""
        super().train(mode)
        for module in (*self.frozen, *self.frozen_norms):
            module.eval()
        return self

    def features(self, branch: str, images: Tensor) -> Tensor:
        """What the head takes from one branch, see `FeatureExtractor.forward`."""
        return self.extractor_of(branch)(self.backbone_of(branch), images)

    def classify(self, *features: Tensor) -> Logits:
        """Logits from the features of each branch, in the order of `branches`."""
        raise NotImplementedError

    def forward(self, *images: Tensor) -> Logits:
        """Logits (B, classes) of the cut-outs (B, 3, S, S) of each branch, pixels in [0, 1].

        A distilled model returns the logits of its class head and of its distillation head.
        """
        return self.classify(*[self.features(b, x) for b, x in zip(self.branches, images, strict=True)])

    def answer(self, logits: Logits) -> Tensor:
        """The logits (B, classes) that count: of a distilled model the mean over its trained heads."""
        if isinstance(logits, Tensor):
            return logits
        return torch.stack([logits[head] for head in self.answering]).mean(0)

    def _per_head(self, heads: Sequence[Callable[[Tensor], Tensor]], features: Sequence[Tensor]) -> Logits:
        """Each head's logits from the branches' features, standardised for it and concatenated."""
        logits = []
        for number, head in enumerate(heads):
            parts = [
                self.extractor_of(branch).standardise(own, number)
                for branch, own in zip(self.branches, features, strict=True)
            ]
            logits.append(head(torch.cat(parts, dim=1)))
        return logits[0] if len(logits) == 1 else (logits[0], logits[1])


class RveRNet(Classifier):
    """A ROI module and an extra-ROI module on complementary cut-outs, an integration module on top."""

    def __init__(self, spec: ModelSpec, classes: int, nets: Nets, strength: float | None = None) -> None:
        super().__init__(spec, classes, nets, ("roi_module", "extra_roi_module"), strength)
        width = sum(self.extractor_of(branch).width for branch in self.branches)
        self.integrated_fc1 = nn.Linear(width, spec.head_width)
        self.integrated_fc2 = nn.Linear(spec.head_width, classes)
        if self.heads == 2:
            self.distilled_fc1 = nn.Linear(width, spec.head_width)
            self.distilled_fc2 = nn.Linear(spec.head_width, classes)

    def classify(self, *features: Tensor) -> Logits:
        def class_head(x: Tensor) -> Tensor:
            return self.integrated_fc2(torch.relu(self.integrated_fc1(x)))

        def distillation_head(x: Tensor) -> Tensor:
            return self.distilled_fc2(torch.relu(self.distilled_fc1(x)))

        return self._per_head([class_head, distillation_head][: self.heads], features)


class Baseline(Classifier):
    """One backbone on one cut-out and a linear classifier on top (release Off_the_shelfs)."""

    def __init__(self, spec: ModelSpec, classes: int, nets: Nets, strength: float | None = None) -> None:
        super().__init__(spec, classes, nets, ("backbone",), strength)
        width = self.extractor_of(*self.branches).width
        self.classifier = nn.Sequential(nn.Linear(width, classes))
        if self.heads == 2:
            self.distilled_classifier = nn.Sequential(nn.Linear(width, classes))

    def classify(self, *features: Tensor) -> Logits:
        heads = [self.classifier, *([self.distilled_classifier] if self.heads == 2 else [])]
        return self._per_head(heads, features)


def build_model(
    spec: ModelSpec,
    classes: int,
    strength: float | None = None,
    cache: Path | None = None,
    checkpoint: int = 0,
) -> Classifier:
    """The model that `spec` describes, for `classes` categories.

    strength: of distillation, in [0, 1]; a number makes a distilled model with two heads, of which those
    answer that were trained: the class head below 1, the distillation head above 0. None: one head.
    cache: where paper-size weights are fetched to, see `backbones.build`.
    checkpoint: which shipped pretraining the micro backbones start from, see `backbones.build`.

    Raises ConfigError for contradictory options, FetchError where weights cannot be fetched.
    """
    one_of(spec.fusion, FUSIONS, "fusion")
    if not spec.branches:
        raise ConfigError("neither roi nor extra_roi names a backbone; expected one of them, or both")
    for branch in spec.freeze:
        if branch not in spec.branches:
            raise ConfigError(f"cannot freeze {branch!r}; this model has: {', '.join(spec.branches)}")
    if strength is not None and spec.class_token:
        raise ConfigError("a distilled model trains both tokens; with distillation set class_token=False")
    names = [getattr(spec, branch) for branch in spec.branches]
    if strength is not None and not any(map(backbones.has_distillation_token, names)):
        raise ConfigError(
            f"{' + '.join(names)} has no distillation token; a distilled model needs one of "
            f"{', '.join(n for n in backbones.ZOO if backbones.has_distillation_token(n))}"
        )
    nets: dict[str, backbones.Net] = {}
    for branch, name in zip(spec.branches, names, strict=True):
        shared = spec.shared and name == spec.roi and "roi" in nets
        nets[branch] = (
            nets["roi"] if shared else backbones.build(name, spec.scale, spec.pretrained, cache, checkpoint)
        )
    return assemble(spec, classes, nets, strength)


def assemble(spec: ModelSpec, classes: int, nets: Nets, strength: float | None = None) -> Classifier:
    """The model of `build_model` on given backbones, branch -> net; one net may serve both branches."""
    return (RveRNet if spec.branches == BRANCHES else Baseline)(spec, classes, nets, strength)
