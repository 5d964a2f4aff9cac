"""Distilled models in training: two heads on one net, each learning from its own source."""

import numpy as np
import pytest
import torch

from rvernet_core import training
from rvernet_core.config import ModelSpec, TrainSpec
from rvernet_core.errors import ConfigError
from rvernet_core.models.rvernet import build_model

SINGLE = {"roi": "deit-distilled"}
PAIR = {"roi": "deit-distilled", "extra_roi": "deit-distilled"}
LAST = {  # the last weights of each head, of a baseline and of an RveRNet
    "class": ("classifier.0.weight", "integrated_fc2.weight"),
    "distillation": ("distilled_classifier.0.weight", "distilled_fc2.weight"),
}


def build(strength, **options):
    torch.manual_seed(0)
    return build_model(ModelSpec(**{"pretrained": False, **options}), 4, strength)


def distil(cutouts, teacher_logits, strength=0.5, kind="hard", folder=None, epochs=2, options=SINGLE):
    """A model trained on `cutouts` at this strength, and its history."""
    model = build(strength, **options)
    spec = TrainSpec(
        epochs=epochs,
        batch_size=20,
        head_lr_factor=10.0,
        val_fraction=0.0,
        distillation=kind,
        strength=strength,
    )
    return model, training.fit(model, cutouts, spec, 0, folder, teacher_logits=teacher_logits)


def certain(classes):
    """Logits (2, N, 4) of a teacher that is sure of `classes` (N,), whether mirrored or not."""
    return torch.nn.functional.one_hot(torch.as_tensor(classes), 4).float().mul(20).expand(2, -1, -1)


@pytest.mark.parametrize("options", [SINGLE, PAIR], ids=["single", "rvernet"])
@pytest.mark.parametrize(
    ("strength", "idle", "learning"), [(0, "distillation", "class"), (1, "class", "distillation")]
)
def test_at_either_end_one_head_learns_nothing(cutouts, options, strength, idle, learning):
    model, _ = distil(cutouts, certain(cutouts.labels), strength, options=options)
    before, after = build(0.5, **options).state_dict(), model.state_dict()
    (unchanged,) = (name for name in LAST[idle] if name in before)
    (changed,) = (name for name in LAST[learning] if name in before)
    assert torch.equal(after[unchanged], before[unchanged])
    assert not torch.equal(after[changed], before[changed])


@pytest.mark.parametrize("kind", ["hard", "soft"])
def test_the_class_head_learns_the_labels_and_the_distillation_head_the_teachers_errors(cutouts, kind):
    """A teacher that always takes class 0 for 1 and 1 for 0."""
    wrong = np.array([1, 0, 2, 3])[cutouts.labels]
    model, _ = distil(cutouts, certain(wrong), 0.5, kind, epochs=8)
    class_head, distillation_head = (logits.argmax(1).numpy() for logits in training.predict(model, cutouts))
    confused = cutouts.labels < 2
    assert (class_head == cutouts.labels)[confused].mean() > 0.9
    assert (distillation_head == wrong)[confused].mean() > 0.9


def test_the_teachers_logits_are_those_of_the_image_as_the_student_sees_it(cutouts):
    teacher = build_model(ModelSpec(roi="mobilenetv2"), 4)
    logits = training.augmented_logits(teacher, cutouts)
    assert logits.shape == (2, 60, 4)
    assert not logits.requires_grad
    chosen = np.array([3, 8])
    with torch.inference_mode():
        mirrored = teacher.eval()(cutouts.batch("roi", chosen, np.array([True, True]), "cpu"))
    assert torch.allclose(logits[1, chosen], mirrored, atol=1e-4)
    assert not torch.allclose(logits[0, chosen], mirrored, atol=1e-4)


def test_a_distilled_teacher_teaches_what_its_trained_heads_answer(cutouts):
    """At strength 1 that is the distillation head alone."""
    teacher = build(1.0, **SINGLE)
    _, distillation_logits = training.predict(teacher, cutouts)
    assert torch.allclose(training.augmented_logits(teacher, cutouts)[0], distillation_logits, atol=1e-5)


def test_fault_32_a_resumed_student_ends_with_the_same_weights_and_history(cutouts, tmp_path, monkeypatch):
    teacher_logits = certain(cutouts.labels)
    whole, history = distil(cutouts, teacher_logits, epochs=3)
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 0.0)
    real = training._checkpoint

    def stop_after_one(*args):
        real(*args)
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "_checkpoint", stop_after_one)
    with pytest.raises(KeyboardInterrupt):
        distil(cutouts, teacher_logits, epochs=3, folder=tmp_path)
    monkeypatch.setattr(training, "_checkpoint", real)
    resumed, resumed_history = distil(cutouts, teacher_logits, epochs=3, folder=tmp_path)
    assert resumed_history == history
    weights = resumed.state_dict()
    assert all(torch.equal(tensor, weights[name]) for name, tensor in whole.state_dict().items())


def test_distillation_without_two_heads_or_without_a_teacher_is_refused(cutouts):
    spec = TrainSpec(epochs=1, distillation="hard", strength=0.5)
    teacher_logits = certain(cutouts.labels)
    for model, logits in [(build(None, **SINGLE), teacher_logits), (build(0.5, **SINGLE), None)]:
        with pytest.raises(ConfigError, match="two heads and the logits of its teacher"):
            training.fit(model, cutouts, spec, 0, teacher_logits=logits)
