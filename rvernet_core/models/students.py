"""Students of a teacher: DeiT-distilled with its class token and its distillation token read apart.

timm's distilled DeiT answers with the mean of its two heads. A student keeps them apart up to the end: each
voice has its own fresh classifier (single) or its own integration module (RveRNet), so that the class voice
can learn from labels and the distillation voice from the teacher. A branch without a distillation token
says the same to both voices. In use a student is an ordinary model: images in, logits out.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from rvernet_core.config import ModelSpec
from rvernet_core.distillation import STUDENT
from rvernet_core.errors import ConfigError
from rvernet_core.models import backbones
from rvernet_core.models.rvernet import Baseline, Reader, RveRNet, build_model

VOICES = ("class", "distillation")
ANSWERING = {"class": (0,), "distillation": (1,), "both": (0, 1)}


class TwoReader(Reader):
    """What both voices read of one backbone: (B, 2, F), class voice first."""

    def __init__(self, name: str, net: nn.Module, spec: ModelSpec):
        super().__init__(name, net, spec)
        self.apart = name == STUDENT
        self.distilled_norm = nn.BatchNorm1d(self.width, affine=False) if spec.standardise else nn.Identity()

    def forward(self, net: nn.Module, images: Tensor) -> Tensor:
        if not self.apart:
            return super().forward(net, images).unsqueeze(1).expand(-1, 2, -1)  # (B, F) -> (B, 2, F)
        return torch.stack(backbones.two_heads(net, self.pixels(images), self.logits), dim=1)

    def norms(self, read: Tensor) -> tuple[Tensor, Tensor]:
        """Each voice's reading (B, F) of `read` (B, 2, F), standardised over its own batch."""
        return self.norm(read[:, 0]), self.distilled_norm(read[:, 1])


class Voiced:
    """What the two students share: voices that are heard apart, and an answer of those that were trained."""

    def voices(self, *images: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (B, classes) of the class voice and of the distillation voice, in any mode."""
        return self.integrate_voices(*self.encode(*images))

    def integrate(self, *read: Tensor) -> Tensor:
        """Logits (B, classes): the answer to what the branches read, each (B, 2, F)."""
        return self.answer(self.integrate_voices(*read))

    def answer(self, voices: tuple[Tensor, Tensor]) -> Tensor:
        """Mean logits (B, classes) of the voices that were trained."""
        return torch.stack([voices[i] for i in self.answering]).mean(0)


class StudentPair(Voiced, RveRNet):
    """RveRNet with an integration module per voice."""

    def __init__(self, spec: ModelSpec, classes: int):
        super().__init__(spec, classes)
        self.answering = ANSWERING[spec.voices]
        self.roi_read = TwoReader(spec.roi, self.roi_module, spec)
        self.extra_roi_read = TwoReader(spec.extra_roi, self.extra_roi_module, spec)
        self.distilled_fc1 = nn.Linear(self.integrated_fc1.in_features, spec.head_width)
        self.distilled_fc2 = nn.Linear(spec.head_width, classes)

    def integrate_voices(self, roi: Tensor, extra_roi: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (B, classes) of both voices from what the branches read, each (B, 2, F)."""
        read = zip(self.roi_read.norms(roi), self.extra_roi_read.norms(extra_roi), strict=True)
        one, other = (torch.cat(pair, dim=1) for pair in read)
        return (
            self.integrated_fc2(torch.relu(self.integrated_fc1(one))),
            self.distilled_fc2(torch.relu(self.distilled_fc1(other))),
        )


class StudentBaseline(Voiced, Baseline):
    """One distilled DeiT on the ROI alone with a linear classifier per voice."""

    def __init__(self, spec: ModelSpec, classes: int):
        super().__init__(spec, classes)
        self.answering = ANSWERING[spec.voices]
        self.read = TwoReader(spec.roi, self.backbone, spec)
        self.distilled_classifier = nn.Sequential(nn.Linear(self.read.width, classes))

    def integrate_voices(self, roi: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (B, classes) of both voices from what the branch reads (B, 2, F)."""
        one, other = self.read.norms(roi)
        return self.classifier(one), self.distilled_classifier(other)


def build(spec: ModelSpec, classes: int) -> RveRNet | Baseline:
    """The model of any spec, students included. ConfigError on contradictory options."""
    if not spec.voices:
        return build_model(spec, classes)
    if spec.voices not in ANSWERING:
        raise ConfigError(f"unknown voices {spec.voices!r}; expected one of {', '.join(ANSWERING)}")
    if STUDENT not in (spec.roi, spec.extra_roi):
        raise ConfigError(f"voices={spec.voices!r} needs a distillation token, which only {STUDENT} has")
    return build_model(spec, classes, (StudentPair, StudentBaseline))
