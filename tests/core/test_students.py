"""Students: two voices that are read apart, each learning from its own source."""

import numpy as np
import pytest
import torch

from rvernet_core import training
from rvernet_core.config import ModelSpec, TrainSpec
from rvernet_core.errors import ConfigError
from rvernet_core.models import backbones, students
from rvernet_core.models.rvernet import Baseline, RveRNet, build_model

IMAGES = torch.rand(4, 3, 64, 64, generator=torch.Generator().manual_seed(0))
SINGLE = {"roi": "deit-distilled"}
PAIRS = [
    {"roi": "deit-distilled", "extra_roi": "deit-distilled"},
    {"roi": "deit-distilled", "extra_roi": "mobilenetv2"},
    {"roi": "mobilenetv2", "extra_roi": "deit-distilled"},
]
LAST = {
    "class": ("classifier.0.weight", "integrated_fc2.weight"),
    "distillation": ("distilled_classifier.0.weight", "distilled_fc2.weight"),
}


def build(voices="both", **options):
    torch.manual_seed(0)
    return students.build(ModelSpec(**{"pretrained": False, "voices": voices, **options}), classes=4)


def inputs(model):
    return [IMAGES, IMAGES.flip(0)] if isinstance(model, RveRNet) else [IMAGES]


def test_the_two_heads_average_to_what_the_net_itself_says():
    net = backbones.build("deit-distilled").eval()
    with torch.inference_mode():
        one, other = backbones.two_heads(net, IMAGES)
        assert torch.allclose((one + other) / 2, net(IMAGES), atol=1e-5)
        assert not torch.allclose(one, other)
        tokens = backbones.two_heads(net, IMAGES, logits=False)
        assert torch.allclose(sum(tokens) / 2, backbones.pooled(net, IMAGES), atol=1e-5)


@pytest.mark.parametrize("options", [SINGLE, *PAIRS], ids=lambda o: "+".join(o.values()))
@pytest.mark.parametrize("fusion", ["logits", "features"])
def test_a_student_is_an_ordinary_model_whose_answer_is_that_of_its_trained_voices(options, fusion):
    for voices in students.ANSWERING:
        model = build(voices, fusion=fusion, **options).eval()
        assert isinstance(model, RveRNet if "extra_roi" in options else Baseline)
        with torch.inference_mode():
            one, other = model.voices(*inputs(model))
            expected = {"class": one, "distillation": other, "both": (one + other) / 2}[voices]
            answer = model(*inputs(model))
        assert answer.shape == (4, 4)
        assert torch.allclose(answer, expected)
        assert not torch.allclose(one, other)


def test_a_students_class_voice_begins_as_the_ordinary_model():
    student, plain = build(**SINGLE).state_dict(), build("", **SINGLE).state_dict()
    assert all(torch.equal(plain[name], student[name]) for name in plain)


def test_a_student_is_refused_where_no_net_has_two_heads_or_the_door_is_the_wrong_one():
    with pytest.raises(ConfigError, match="distillation token"):
        build(roi="deit")
    with pytest.raises(ConfigError, match="class, distillation, both"):
        build("loud", **SINGLE)
    with pytest.raises(ConfigError, match=r"students\.build"):
        build_model(ModelSpec(voices="both", **SINGLE), 4)


def taught(pairs, told, strength=0.5, kind="hard", folder=None, epochs=2, options=SINGLE):
    voices = {0: "class", 1: "distillation"}.get(strength, "both")
    model = build(voices, **options)
    lesson = {"distillation": kind, "strength": strength}
    spec = TrainSpec(epochs=epochs, batch_size=20, head_lr_factor=10.0, val_fraction=0.0, **lesson)
    return model, training.fit(model, pairs, spec, 0, folder, told=told)


def certain(pairs, classes):
    """A teacher that is sure of `classes` (N,), whether mirrored or not."""
    return torch.nn.functional.one_hot(torch.as_tensor(classes), 4).float().mul(20).expand(2, -1, -1)


@pytest.mark.parametrize("options", [SINGLE, PAIRS[0]], ids=["single", "pair"])
@pytest.mark.parametrize(("strength", "untaught"), [(0, "distillation"), (1, "class")])
def test_at_the_ends_one_voice_learns_nothing(pairs, options, strength, untaught):
    model, _ = taught(pairs, certain(pairs, pairs.labels), strength, options=options)
    fresh = build("both", **options).state_dict()
    name = next(n for n in LAST[untaught] if n in fresh)
    (other,) = (v for v in LAST if v != untaught)
    learned = next(n for n in LAST[other] if n in fresh)
    assert torch.equal(model.state_dict()[name], fresh[name])
    assert not torch.equal(model.state_dict()[learned], fresh[learned])


@pytest.mark.parametrize("kind", ["hard", "soft"])
def test_the_class_voice_learns_the_labels_and_the_distillation_voice_the_teachers_errors(pairs, kind):
    """A teacher that always takes class 0 for 1 and 1 for 0."""
    wrong = np.array([1, 0, 2, 3])[pairs.labels]
    model, _ = taught(pairs, certain(pairs, wrong), 0.5, kind, epochs=8)
    one, other = training.heard(model, pairs).argmax(2).numpy()
    told = pairs.labels < 2
    assert (one == pairs.labels)[told].mean() > 0.9
    assert (other == wrong)[told].mean() > 0.9


def test_the_teacher_is_asked_about_the_image_as_the_student_sees_it(pairs):
    teacher = build_model(ModelSpec(roi="mobilenetv2"), 4)
    told = training.lessons(teacher, pairs)
    assert told.shape == (2, 60, 4)
    assert not told.requires_grad
    with torch.inference_mode():
        some = np.array([3, 8])
        mirrored = teacher.eval()(pairs.batch("roi", some, np.array([True, True]), "cpu"))
        assert torch.allclose(told[1, some], mirrored, atol=1e-4)
        assert not torch.allclose(told[0, some], mirrored, atol=1e-4)


def test_fault_32_a_resumed_student_ends_with_the_same_weights_and_history(pairs, tmp_path, monkeypatch):
    told = certain(pairs, pairs.labels)
    whole, history = taught(pairs, told, epochs=3)
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 0.0)
    real = training._checkpoint

    def stop_after_one(*args):
        real(*args)
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "_checkpoint", stop_after_one)
    with pytest.raises(KeyboardInterrupt):
        taught(pairs, told, epochs=3, folder=tmp_path)
    monkeypatch.setattr(training, "_checkpoint", real)
    resumed, again = taught(pairs, told, epochs=3, folder=tmp_path)
    assert again == history
    ends = resumed.state_dict()
    assert all(torch.equal(tensor, ends[name]) for name, tensor in whole.state_dict().items())


def test_distillation_without_a_student_or_without_a_teacher_is_refused(pairs):
    spec = TrainSpec(epochs=1, distillation="hard", strength=0.5)
    for model, told in [(build("", **SINGLE), certain(pairs, pairs.labels)), (build(**SINGLE), None)]:
        with pytest.raises(ConfigError, match="needs a student"):
            training.fit(model, pairs, spec, 0, told=told)
