"""Properties of the losses: zero where nothing is to be learned, and each part by its weight."""

import pytest
import torch

from rvernet_core.config import TrainSpec
from rvernet_core.errors import ConfigError
from rvernet_core.models import losses


@pytest.fixture
def logits():
    return torch.randn(8, 5, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def labels():
    return torch.arange(8) % 5


def test_equal_logits_have_no_soft_distillation_loss(logits, labels):
    parts = losses.soft_distillation(logits, logits, labels, logits, 0.7, 3.0)
    assert parts["teacher"].item() == pytest.approx(0, abs=1e-6)


def test_soft_distillation_is_non_negative_and_ignores_a_shift(logits, labels):
    other = torch.randn(8, 5, generator=torch.Generator().manual_seed(1))
    part = losses.soft_distillation(logits, other, labels, logits, 0.5, 2.0)["teacher"]
    shifted = losses.soft_distillation(logits, other + 7, labels, logits - 3, 0.5, 2.0)["teacher"]
    assert part > 0
    assert torch.isclose(part, shifted, atol=1e-5)


def test_soft_distillation_is_the_textbook_divergence(logits, labels):
    teacher = torch.randn(8, 5, generator=torch.Generator().manual_seed(2))
    p, q = (teacher / 3).softmax(1), (logits / 3).softmax(1)
    expected = 0.4 * 9 * (p * (p.log() - q.log())).sum(1).mean()
    part = losses.soft_distillation(logits, logits, labels, teacher, 0.4, 3.0)["teacher"]
    assert torch.isclose(part, expected, atol=1e-5)


@pytest.mark.parametrize("strength", [0.0, 1.0])
def test_strength_moves_the_weight_between_label_and_teacher(logits, labels, strength):
    parts = losses.hard_distillation(logits, logits, labels, logits, strength)
    assert parts["label" if strength else "teacher"].item() == 0
    assert parts["teacher" if strength else "label"].item() > 0


def test_hard_distillation_of_the_teachers_own_labels_is_the_supervised_loss(logits, labels):
    teacher = torch.nn.functional.one_hot(labels, 5).float()
    parts = losses.hard_distillation(logits, logits, labels, teacher, 0.5)
    assert torch.isclose(losses.total(parts), losses.total(losses.supervised(logits, labels)))


@pytest.mark.parametrize("strength", [-0.1, 1.1])
def test_a_strength_outside_its_range_is_refused(logits, labels, strength):
    with pytest.raises(ConfigError, match=r"\[0, 1\]"):
        losses.hard_distillation(logits, logits, labels, logits, strength)


@pytest.mark.parametrize("kind", ["hard", "soft"])
def test_the_spec_chooses_the_kind_its_strength_and_its_temperature(logits, labels, kind):
    other, teacher = logits.flip(0), logits.roll(1, 0)
    spec = TrainSpec(distillation=kind, strength=0.3, temperature=2.0)
    parts = losses.distillation(spec, logits, other, labels, teacher)
    if kind == "hard":
        expected = losses.hard_distillation(logits, other, labels, teacher, 0.3)
    else:
        expected = losses.soft_distillation(logits, other, labels, teacher, 0.3, 2.0)
    assert parts == expected
    with pytest.raises(ConfigError, match="hard or soft"):
        losses.distillation(TrainSpec(distillation="warm"), logits, other, labels, teacher)


def test_a_temperature_of_zero_is_refused(logits, labels):
    with pytest.raises(ConfigError, match="temperature"):
        losses.soft_distillation(logits, logits, labels, logits, 0.5, 0.0)
