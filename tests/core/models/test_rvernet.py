"""RveRNet and the baseline: two modules, frozen means frozen, names of the release."""

import itertools

import pytest
import torch

from rvernet_core.config import BACKBONES, ModelSpec
from rvernet_core.errors import ConfigError
from rvernet_core.models.rvernet import build_model

IMAGES = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))


def build(**options):
    torch.manual_seed(0)
    return build_model(ModelSpec(**{"pretrained": False, "rest_statistics": False, **options}), classes=7)


@pytest.mark.parametrize(("roi", "extra_roi"), list(itertools.product(BACKBONES, BACKBONES)))
def test_every_pair_gives_logits_for_every_class(roi, extra_roi):
    model = build(roi=roi, extra_roi=extra_roi).eval()
    with torch.inference_mode():
        assert model(IMAGES, IMAGES).shape == (2, 7)


def test_a_pair_of_one_architecture_is_two_independent_modules():
    model = build(roi="vit", extra_roi="vit")
    shared = {id(p) for p in model.roi_module.parameters()} & {
        id(p) for p in model.extra_roi_module.parameters()
    }
    assert not shared


def test_the_integration_module_is_the_papers():
    model = build(roi="mobilenetv2", extra_roi="vit")
    assert model.integrated_fc1.in_features == 2 * 23  # each backbone's own logits; 2 x 1000 at paper scale
    assert model.integrated_fc1.out_features == 640
    assert model.integrated_fc2.out_features == 7


def test_the_parameters_have_the_names_of_the_release():
    names = {name.split(".")[0] for name, _ in build(roi="vit", extra_roi="mobilenetv2").named_parameters()}
    assert names == {"roi_module", "extra_roi_module", "integrated_fc1", "integrated_fc2"}
    names = {name.split(".")[0] for name, _ in build(roi="vit").named_parameters()}
    assert names == {"backbone", "classifier"}


def test_each_branch_sees_its_own_cut_out():
    model = build(roi="mobilenetv2", extra_roi="mobilenetv2").eval()
    with torch.inference_mode():
        one, other = model(IMAGES, torch.zeros_like(IMAGES)), model(torch.zeros_like(IMAGES), IMAGES)
    assert not torch.allclose(one, other)


@pytest.mark.parametrize("freeze", [("roi",), ("extra_roi",), ("roi", "extra_roi")])
def test_a_frozen_module_gets_no_gradient_and_its_statistics_rest(freeze):
    model = build(roi="mobilenetv2", extra_roi="mobilenetv2", freeze=freeze).train()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    model(IMAGES, IMAGES).sum().backward()
    for branch in ("roi", "extra_roi"):
        net = getattr(model, f"{branch}_module")
        frozen = branch in freeze
        assert all((p.grad is None) == frozen for p in net.parameters())
        statistics = [k for k in before if k.startswith(f"{branch}_module") and "running_mean" in k]
        same = all(torch.equal(before[k], model.state_dict()[k]) for k in statistics)
        assert same == frozen
    assert model.integrated_fc1.weight.grad is not None


def test_statistics_at_rest_are_the_pretrained_ones_while_the_weights_still_learn():
    model = build(roi="mobilenetv2", rest_statistics=True).train()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    model(IMAGES).sum().backward()
    after = model.state_dict()
    assert all(torch.equal(after[k], before[k]) for k in before if "backbone" in k and "running" in k)
    assert all(p.grad is not None for p in model.backbone.parameters())


def test_what_is_read_is_standardised_over_the_batch_unless_told_otherwise():
    images = torch.rand(16, 3, 64, 64)
    for standardise in (True, False):
        model = build(roi="mobilenetv2", standardise=standardise).train()
        read = model.read.norm(*model.encode(images))
        assert torch.allclose(read.mean(0), torch.zeros(23), atol=1e-4) == standardise


@pytest.mark.parametrize("fusion", ["logits", "features"])
def test_forward_is_encode_then_integrate(fusion):
    model = build(roi="deit-distilled", extra_roi="mlp-mixer", fusion=fusion).eval()
    with torch.inference_mode():
        assert torch.equal(model(IMAGES, IMAGES), model.integrate(*model.encode(IMAGES, IMAGES)))


def test_pixels_are_normalised_unless_told_otherwise():
    plain, normalised = build(roi="vit", normalise=False).eval(), build(roi="vit").eval()
    with torch.inference_mode():
        assert torch.allclose(plain((IMAGES - 0.5) / 0.5), normalised(IMAGES), atol=1e-5)


def test_contradictory_options_are_refused():
    with pytest.raises(ConfigError, match="cannot freeze 'extra_roi'"):
        build(roi="vit", freeze=("extra_roi",))
    with pytest.raises(ConfigError, match="logits, features"):
        build(roi="vit", fusion="tokens")
