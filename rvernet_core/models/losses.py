"""The losses, each as a mapping of named parts whose sum is minimised.

Distillation follows DeiT (https://arxiv.org/abs/2012.12877, section 3): the class head learns from
the label, the distillation head from the teacher. Every part is a mean over the batch.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from rvernet_core.config import TrainSpec
from rvernet_core.errors import ConfigError


def supervised(logits: Tensor, labels: Tensor, weights: Tensor | None = None) -> dict[str, Tensor]:
    """Cross-entropy of logits (B, K, ...) with class indices (B, ...), mean over the batch and its cells.

    weights: (K,) of the classes; the mean is then a weighted one.
    """
    return {"label": F.cross_entropy(logits, labels, weights)}


def hard_distillation(
    class_logits: Tensor, distilled_logits: Tensor, labels: Tensor, teacher_logits: Tensor, strength: float
) -> dict[str, Tensor]:
    """Label for the class head, the teacher's top class for the distillation head.

    All logits are (B, K), labels (B,); `strength` in [0, 1] is the weight of the teacher's part.
    """
    _check_strength(strength)
    return {
        "label": (1 - strength) * F.cross_entropy(class_logits, labels),
        "teacher": strength * F.cross_entropy(distilled_logits, teacher_logits.argmax(1)),
    }


def soft_distillation(
    class_logits: Tensor,
    distilled_logits: Tensor,
    labels: Tensor,
    teacher_logits: Tensor,
    strength: float,
    temperature: float,
) -> dict[str, Tensor]:
    """As `hard_distillation`, with KL(teacher || student) at a temperature.

    The divergence is summed over classes and averaged over the batch ("batchmean"), then multiplied
    by temperature squared so that its gradient keeps its size. Equal logits give exactly 0.
    """
    _check_strength(strength)
    if not temperature > 0:
        raise ConfigError(f"temperature is {temperature}; expected a positive number")
    student = F.log_softmax(distilled_logits / temperature, dim=1)
    teacher = F.log_softmax(teacher_logits / temperature, dim=1)
    divergence = F.kl_div(student, teacher, reduction="batchmean", log_target=True)
    return {
        "label": (1 - strength) * F.cross_entropy(class_logits, labels),
        "teacher": strength * temperature**2 * divergence,
    }


def distillation(
    spec: TrainSpec, class_logits: Tensor, distilled_logits: Tensor, labels: Tensor, teacher_logits: Tensor
) -> dict[str, Tensor]:
    """`hard_distillation` or `soft_distillation`, at the strength and temperature of `spec`."""
    common = class_logits, distilled_logits, labels, teacher_logits
    if spec.distillation == "hard":
        return hard_distillation(*common, spec.strength)
    if spec.distillation == "soft":
        return soft_distillation(*common, spec.strength, spec.temperature)
    raise ConfigError(f"unknown distillation {spec.distillation!r}; expected hard or soft")


def total(parts: dict[str, Tensor]) -> Tensor:
    """The scalar that is minimised: the sum of all parts."""
    return torch.stack(list(parts.values())).sum()


def _check_strength(strength: float) -> None:
    if not 0 <= strength <= 1:
        raise ConfigError(f"distillation strength is {strength}; expected a number in [0, 1]")
