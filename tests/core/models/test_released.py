"""Checkpoints in the released format give the released answers, or one error that names what does not fit."""

import itertools
import os
from dataclasses import replace

import pytest
import released_code
import timm
import torch

from rvernet_core.errors import CheckpointError
from rvernet_core.models.backbones import two_heads
from rvernet_core.models.released import load_released

IMAGES = torch.rand(3, 3, 64, 64, generator=torch.Generator().manual_seed(0))
OTHERS = torch.rand(3, 3, 64, 64, generator=torch.Generator().manual_seed(1))
NETS = {
    "mobilenetv2": released_code.mobilenetv2,
    "vit": released_code.vit,
    "deit": released_code.deit,
    "deit-distilled": released_code.deit_distilled,
}


@pytest.fixture(autouse=True)
def same_weights():
    torch.manual_seed(0)


def log_probabilities(model, *images):
    with torch.inference_mode():
        return model(*images).log_softmax(1)


# --- what it answers --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NETS)
def test_a_baseline_answers_as_the_released_code_does(tmp_path, name):
    theirs = released_code.baseline(NETS[name]())
    model = load_released(theirs.save(tmp_path / "net.pth"))
    assert model.branches == ("roi",)
    assert not model.training
    with torch.inference_mode():
        expected = theirs.answer(IMAGES)
    assert expected.std(0).min() > 1e-3, "images must matter"
    torch.testing.assert_close(log_probabilities(model, IMAGES), expected, rtol=0, atol=2e-5)


@pytest.mark.parametrize(("roi", "extra_roi"), list(itertools.product(NETS, NETS)))
@pytest.mark.parametrize("prefix", ["module.", ""])
def test_a_pair_answers_as_the_released_code_does(tmp_path, roi, extra_roi, prefix):
    """Equal names are one module there; `module.` is DataParallel's."""
    one = NETS[roi]()
    theirs = released_code.rvernet(one, one if roi == extra_roi else NETS[extra_roi]())
    model = load_released(theirs.save(tmp_path / "net.pth", prefix))
    with torch.inference_mode():
        expected = theirs.answer(IMAGES, OTHERS)
    torch.testing.assert_close(log_probabilities(model, IMAGES, OTHERS), expected, rtol=0, atol=2e-5)
    assert (model.roi_module is model.extra_roi_module) == (roi == extra_roi)


def test_equal_nets_of_different_weights_stay_two_modules(tmp_path):
    theirs = released_code.rvernet(released_code.vit(), released_code.vit())
    model = load_released(theirs.save(tmp_path / "net.pth"))
    assert model.roi_module is not model.extra_roi_module
    with torch.inference_mode():
        expected = theirs.answer(IMAGES, OTHERS)
    torch.testing.assert_close(log_probabilities(model, IMAGES, OTHERS), expected, rtol=0, atol=2e-5)


def test_what_no_tensor_shows_is_the_release_s(tmp_path):
    theirs = released_code.rvernet(released_code.mobilenetv2(), released_code.deit_distilled(), classes=7)
    model = load_released(theirs.save(tmp_path / "net.pth"))
    assert model.integrated_fc2.out_features == 7
    assert model.input_size == 64
    assert model.roi_module.drop_rate == 0.2
    norms = [m.eps for m in model.modules() if isinstance(m, torch.nn.LayerNorm)]
    assert set(norms) == {1e-12}
    assert not list(model.extra_roi_module.head_dist.parameters())
    with torch.inference_mode():
        class_token, _ = two_heads(model.extra_roi_module, OTHERS)
        assert torch.equal(model.features("extra_roi", OTHERS), class_token)


def test_it_is_trained_on_as_any_other_model(tmp_path):
    one = released_code.mobilenetv2()
    path = released_code.rvernet(one, one).save(tmp_path / "net.pth")
    model = load_released(path).train()
    before = model.state_dict()["roi_module.bn1.running_mean"].clone()
    model(IMAGES, OTHERS).sum().backward()
    assert all(p.grad is not None and p.is_leaf for p in model.parameters())
    assert not torch.equal(before, model.state_dict()["roi_module.bn1.running_mean"])
    stems = [m.weight for m in model.modules() if isinstance(m, torch.nn.Conv2d)]
    assert all(w.is_contiguous(memory_format=torch.channels_last) for w in stems)


def test_attention_heads_of_another_width_are_never_guessed(tmp_path):
    theirs = released_code.baseline(released_code.deit(width=48, head_channels=16))
    refused(
        theirs,
        tmp_path / "net.pth",
        "has 48 channels in backbone; expected attention heads of 64, or head_ch",
    )
    model = load_released(tmp_path / "net.pth", head_channels=16)
    with torch.inference_mode():
        expected = theirs.answer(IMAGES)
    torch.testing.assert_close(log_probabilities(model, IMAGES), expected, rtol=0, atol=2e-5)


def test_a_cnn_alone_sees_the_images_of_the_paper(tmp_path):
    path = released_code.baseline(released_code.mobilenetv2()).save(tmp_path / "net.pth")
    assert load_released(path).input_size == 224


def test_the_mobilenetv2_of_full_width_is_timms(tmp_path):
    path = released_code.baseline(released_code.mobilenetv2(outputs=1000, width=1.0)).save(
        tmp_path / "net.pth"
    )
    ours, theirs = load_released(path).backbone, timm.create_model("mobilenetv2_100")
    assert {n: t.shape for n, t in ours.state_dict().items()} == {
        n: t.shape for n, t in theirs.state_dict().items()
    }
    ours.load_state_dict(theirs.state_dict())
    with torch.inference_mode():
        torch.testing.assert_close(ours.eval()(IMAGES), theirs.eval()(IMAGES))


# --- what it refuses --------------------------------------------------------------------------------


def refused(net, path, message):
    net.save(path)
    with pytest.raises(CheckpointError, match=message) as caught:
        load_released(path)
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) < 700


def test_tensors_that_do_not_fit_are_named_and_counted(tmp_path):
    net = released_code.rvernet(released_code.deit(), released_code.mobilenetv2())
    for number in range(4):
        net.state[f"extra_roi_module.more.{number}"] = torch.zeros(2)
    del net.state["roi_module.vit.encoder.layer.1.attention.attention.key.bias"]
    net.state["roi_module.vit.layernorm.bias"] = torch.zeros(5)
    refused(
        net,
        tmp_path / "net.pth",
        r"1 missing \(roi_module\.vit\.encoder\.layer\.1\.attention\.attention\.key\.bias\); "
        r"4 unexpected \(extra_roi_module\.more\.0, .*more\.2 and 1 more\); "
        r"1 of another shape \(roi_module\.vit\.layernorm\.bias \(5,\), not \(128,\)\)",
    )


@pytest.mark.parametrize("name", NETS)
def test_every_tensor_is_needed(tmp_path, name):
    whole = released_code.baseline(NETS[name]())
    first, *_, last = whole.state
    for left_out in (
        first,
        last,
        *itertools.islice(whole.state, 1, None, 11 if name != "mobilenetv2" else 41),
    ):
        net = replace(whole, state={n: t for n, t in whole.state.items() if n != left_out})
        refused(net, tmp_path / "net.pth", left_out.replace(".", r"\."))


def test_a_net_of_a_known_width_with_fewer_blocks_is_torn(tmp_path):
    torn = released_code.baseline(released_code.deit(width=192, depth=11))
    refused(torn, tmp_path / "net.pth", r"16 missing \(backbone\.vit\.encoder\.layer\.11\.")
    whole = released_code.baseline(released_code.deit(width=192, depth=12))
    assert len(load_released(whole.save(tmp_path / "net.pth")).backbone.blocks) == 12


def test_two_transformers_for_images_of_different_size(tmp_path):
    small = released_code.deit()
    small.state["vit.embeddings.position_embeddings"] = torch.zeros(1, 10, 128)
    refused(released_code.rvernet(released_code.vit(), small), tmp_path / "net.pth", r"\[48, 64\] pixels")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"backbone.conv_proj.weight": torch.zeros(5)}, "shape.*expected 4 dimensions"),
        ({"backbone.conv_proj.weight": torch.zeros(0, 3, 16, 16)}, "shape"),
        ({"backbone.conv_proj.weight": torch.zeros(64, 3, 16, 16)}, "of another shape"),
        ({"backbone.conv_proj.weight": torch.zeros(2**18, 3, 1, 1)}, "of another shape"),
        ({"backbone.encoder.pos_embedding": torch.zeros(1, 1, 128)}, "expected a square of patches"),
        ({"backbone.encoder.pos_embedding": torch.zeros(1, 4, 128)}, "expected a square of patches"),
        ({"classifier.0.weight": torch.zeros(5, 13)}, r"classifier\.0\.weight \(5, 13\), not \(5, 12\)"),
        (
            {"classifier.0.bias": torch.full((5,), torch.nan)},
            r"infinite values or NaN in 'classifier\.0\.bias'",
        ),
        ({"classifier.0.bias": torch.zeros(1).expand(5)}, "no ordinary tensor"),
        ({"classifier.0.bias": torch.zeros(5).to_sparse()}, "no ordinary tensor"),
        ({"classifier.0.bias": torch.zeros(5, dtype=torch.complex64)}, "no ordinary tensor"),
        ({"classifier.0.bias": [0.0] * 5}, "no ordinary tensor"),
        ({"epoch": 3}, "'epoch', which is no ordinary tensor"),
    ],
)
def test_tensors_that_are_none_or_make_no_net(tmp_path, change, message):
    net = released_code.baseline(released_code.vit())
    net.state |= change
    refused(net, tmp_path / "net.pth", message)


def test_other_models_are_told_from_released_ones(tmp_path):
    vit = released_code.vit()
    other = {"backbone.trunk.weight": torch.zeros(2, 2), "classifier.0.weight": torch.zeros(5, 12)}
    for state, message in (
        ({}, "lacks 'classifier.0.weight'"),
        (vit.state, "lacks 'classifier.0.weight', and holds class_token, "),
        ({"roi_module.x": torch.zeros(2)}, r"lacks 'integrated_fc2\.weight', and holds roi_module\.x"),
        (
            other,
            r"no net of the release in backbone, but backbone\.trunk\.weight; expected one of MobileNetV2",
        ),
    ):
        refused(replace(vit, state=state), tmp_path / "net.pth", message)
    torch.save({"state_dict": vit.state}, tmp_path / "wrapped.pth")
    with pytest.raises(CheckpointError, match="'state_dict', which is no ordinary tensor"):
        load_released(tmp_path / "wrapped.pth")


class Attack:
    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return (os.mkdir, (str(self.target),))


def test_fault_30_a_released_checkpoint_that_runs_code_is_refused(tmp_path):
    net = released_code.baseline(released_code.mobilenetv2())
    net.state["backbone.extra"] = Attack(tmp_path / "ran")
    refused(net, tmp_path / "net.pth", "refused")
    assert not (tmp_path / "ran").exists()


def test_fault_31_a_truncated_released_checkpoint_is_named(tmp_path):
    path = released_code.baseline(released_code.vit()).save(tmp_path / "net.pth")
    whole = path.read_bytes()
    for kept in (0, 100, len(whole) // 2, len(whole) - 10):
        path.write_bytes(whole[:kept])
        with pytest.raises(CheckpointError, match=r"net\.pth"):
            load_released(path)
    with pytest.raises(CheckpointError, match="does not exist"):
        load_released(tmp_path / "none.pth")
