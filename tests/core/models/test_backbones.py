"""Every backbone at both scales: shapes, facts and weights."""

import dataclasses

import pytest
import torch
from malicious import malicious_checkpoint

from rvernet_core import downloads, files
from rvernet_core.errors import CheckpointError, ConfigError, FetchError
from rvernet_core.models import backbones, zoo

SIDE = backbones.input_size("micro")


@pytest.fixture(params=backbones.BACKBONES)
def name(request):
    return request.param


def test_the_micro_net_is_a_small_net_of_the_real_class(name):
    net = backbones.build(name, pretrained=False).eval()
    images = torch.rand(2, 3, SIDE, SIDE)
    with torch.inference_mode():
        assert net(images).shape == (2, backbones.MICRO_LABELS)
        assert backbones.pooled(net, images).shape == (2, backbones.feature_width(net))
    assert type(net).__module__.startswith("timm.models.")
    assert 0.15e6 < sum(p.numel() for p in net.parameters()) < 1e6


def test_the_shipped_weights_fit_and_separate_images(name):
    """Weights load, differ from a fresh net's, and give different answers to different images."""
    net = backbones.build(name).eval()
    fresh = backbones.build(name, pretrained=False)
    assert any((a != b).any() for a, b in zip(net.parameters(), fresh.parameters(), strict=True))
    with torch.inference_mode():
        a, b = net(torch.zeros(1, 3, SIDE, SIDE)), net(torch.ones(1, 3, SIDE, SIDE))
    assert torch.isfinite(a).all()
    assert not torch.allclose(a, b)


def test_every_checkpoint_is_a_pretraining_of_its_own(name):
    """Any seed names one of them, in turn."""
    count = len(zoo.CARDS[name]["checkpoints"])
    heads = [backbones.build(name, checkpoint=k).get_classifier() for k in range(count + 1)]
    if isinstance(heads[0], tuple):
        heads = [head[0] for head in heads]
    assert len({head.weight.detach().numpy().tobytes() for head in heads[:count]}) == count
    assert torch.equal(heads[count].weight, heads[0].weight)


def test_the_paper_scale_has_one_pretraining():
    nets = []
    for k in (0, 1):
        torch.manual_seed(0)
        nets.append(backbones.build("mobilenetv2", "paper", pretrained=False, checkpoint=k))
    assert all(torch.equal(a, b) for a, b in zip(*(net.parameters() for net in nets), strict=True))


def test_the_paper_net_is_the_timm_entry_of_its_tag(name):
    import timm

    entry = backbones.facts(name)
    config = timm.get_pretrained_cfg(entry.timm_tag)
    assert (tuple(config.mean), tuple(config.std)) == entry.mean_std
    assert config.input_size == (3, 224, 224)
    assert config.num_classes == 1000


def test_paper_scale_has_the_papers_size_and_logits():
    net = backbones.build("mobilenetv2", "paper", pretrained=False).eval()
    assert sum(p.numel() for p in net.parameters()) == pytest.approx(3.50e6, rel=0.01)
    with torch.inference_mode():
        assert net(torch.zeros(1, 3, 224, 224)).shape == (1, 1000)


def test_prefix_tokens_are_what_precedes_the_patches(name):
    entry, net = backbones.facts(name), backbones.build(name, pretrained=False).eval()
    with torch.inference_mode():
        features = net.forward_features(torch.zeros(1, 3, SIDE, SIDE))
    if entry.prefix_tokens is None:
        assert features.shape[2:] == (7, 7)  # as the paper's own
    else:
        assert features.shape[1] == entry.prefix_tokens + 14 * 14


def test_a_distilled_net_pools_both_of_its_tokens():
    net = backbones.build("deit-distilled", pretrained=False).eval()
    images = torch.rand(2, 3, SIDE, SIDE)
    with torch.inference_mode():
        tokens = net.forward_features(images)
        assert torch.allclose(backbones.pooled(net, images), tokens[:, :2].mean(1))


def test_the_two_heads_average_to_what_the_net_itself_answers():
    net, images = backbones.build("deit-distilled").eval(), torch.rand(2, 3, SIDE, SIDE)
    with torch.inference_mode():
        class_logits, distillation_logits = backbones.two_heads(net, images)
        assert torch.allclose((class_logits + distillation_logits) / 2, net(images), atol=1e-5)
        assert not torch.allclose(class_logits, distillation_logits)
        tokens = backbones.two_heads(net, images, logits=False)
        assert torch.allclose(sum(tokens) / 2, backbones.pooled(net, images), atol=1e-5)


def test_one_net_has_a_distillation_token(name):
    assert backbones.has_distillation_token(name) == (name == "deit-distilled")


def test_the_cam_layer_exists_and_gets_a_gradient(name):
    net = backbones.build(name, pretrained=False).eval()
    for parameter in net.parameters():  # the Mixer's head starts at zero, which would make every map blank
        torch.nn.init.normal_(parameter, std=0.1) if parameter.ndim > 1 else None
    activations = []
    backbones.facts(name).cam_layer(net).register_forward_hook(lambda _, __, out: activations.append(out))
    (gradient,) = torch.autograd.grad(net(torch.rand(1, 3, SIDE, SIDE))[0, 0], activations)
    assert gradient.abs().sum() > 0


def test_unknown_names_and_scales_list_the_known_ones():
    with pytest.raises(ConfigError, match="mobilenetv2, vit, deit"):
        backbones.build("resnet")
    with pytest.raises(ConfigError, match="micro, paper"):
        backbones.build("vit", "huge")


def test_a_paper_net_of_which_no_weights_are_known(monkeypatch):
    monkeypatch.delitem(downloads.TIMM, "mobilenetv2_100.ra_in1k")
    with pytest.raises(CheckpointError, match=r"mobilenetv2_100\.ra_in1k; add them to downloads\.TIMM"):
        backbones.build("mobilenetv2", "paper")


def test_fault_30_malicious_timm_weights_put_by_hand_are_refused(tmp_path, monkeypatch):
    """Even where the hash is the expected one."""
    item = downloads.TIMM["mobilenetv2_100.ra_in1k"]
    path = tmp_path / item.place
    path.parent.mkdir()
    malicious_checkpoint(path, tmp_path / "ran")
    with pytest.raises(FetchError, match=item.sha256):
        backbones.build("mobilenetv2", "paper", cache=tmp_path)
    known = dataclasses.replace(item, sha256=files.sha256(path), bytes=path.stat().st_size)
    monkeypatch.setitem(downloads.TIMM, "mobilenetv2_100.ra_in1k", known)
    with pytest.raises(CheckpointError, match=r"expected a complete \.safetensors file"):
        backbones.build("mobilenetv2", "paper", cache=tmp_path)
    assert not (tmp_path / "ran").exists()


def test_the_input_size_of_known_scales_only():
    assert backbones.input_size("micro") == 112
    assert backbones.input_size("paper") == 224
    with pytest.raises(ConfigError, match="micro, paper"):
        backbones.input_size("large")
