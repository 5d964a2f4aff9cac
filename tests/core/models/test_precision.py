"""The precision of training: what "auto" is on which processor, and a bfloat16 that is quick on a CPU."""

import copy

import pytest
import torch
from torch import nn

from rvernet_core.errors import ConfigError
from rvernet_core.models import backbones, precision
from rvernet_core.models.precision import Autocast, resolve


@pytest.mark.parametrize(
    ("able", "expected"),
    [
        ({"avx512_bf16": True}, "bfloat16"),
        ({"avx512_bf16": False, "amx_bf16": True}, "bfloat16"),
        ({"avx512_bf16": False, "avx512_f": True}, "float32"),
        ({}, "float32"),
    ],
)
def test_auto_is_bfloat16_only_where_the_processor_multiplies_in_it(able, expected, monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: able)
    assert resolve("auto", "cpu") == expected


@pytest.mark.parametrize(("able", "expected"), [(True, "bfloat16"), (False, "float32")])
def test_auto_asks_the_gpu_itself_and_not_for_an_emulation(able, expected, monkeypatch):
    asked = []
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **how: asked.append(how) or able)
    assert resolve("auto", "cuda:1") == expected
    assert asked == [{"including_emulation": False}]


def test_a_named_precision_is_taken_as_it_is_whatever_the_processor(monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: pytest.fail("the processor was asked"))
    assert [resolve(name) for name in ("float32", "bfloat16")] == ["float32", "bfloat16"]


def test_an_unknown_precision_names_the_known_ones():
    with pytest.raises(ConfigError, match="float32, bfloat16, auto"):
        resolve("float8")


def small_net(name):
    torch.manual_seed(0)
    return backbones.build(name, pretrained=False).train()


@pytest.mark.parametrize("name", backbones.BACKBONES)
def test_bfloat16_is_as_near_to_the_gradients_of_float32_as_the_librarys_own(name):
    """The other ways round the slow operations are no coarser than the fused ones."""
    exact = small_net(name)
    for module in exact.modules():  # what is random differs between two passes
        if hasattr(module, "drop_prob"):
            module.drop_prob = 0.0
    for parameter in exact.parameters():  # a head that starts at zero would let no gradient through
        if not parameter.any():
            nn.init.normal_(parameter, std=0.02)
    images = torch.rand(8, 3, *[backbones.input_size("micro")] * 2)

    def gradients(net, context):
        with context:
            answers = net(images)
        answers.float().square().mean().backward()
        return torch.cat([p.grad.flatten() for p in net.parameters()])

    copies = copy.deepcopy(exact), copy.deepcopy(exact)
    true = gradients(exact, Autocast(exact, "float32", "cpu"))
    ours = gradients(copies[0], Autocast(copies[0], "bfloat16", "cpu"))
    plain = gradients(copies[1], torch.autocast("cpu", dtype=torch.bfloat16))
    assert not torch.equal(true, ours)
    near, reference = (torch.cosine_similarity(true, other, dim=0) for other in (ours, plain))
    assert near > max(0.85, reference - 0.02)


def test_within_bfloat16_the_two_slow_operations_take_another_way_and_afterwards_the_first_again():
    cnn, transformer = small_net("mobilenetv2"), small_net("vit")
    strided = [m for m in cnn.modules() if isinstance(m, nn.Conv2d) and m.groups > 1 and max(m.stride) > 1]
    assert strided
    seen = []
    for module in strided:
        module.register_forward_hook(lambda m, inputs, output: seen.append(output.dtype))
    attention = [m for m in transformer.modules() if hasattr(m, "fused_attn")]
    assert attention
    before = [m.fused_attn for m in attention]
    images = torch.rand(2, 3, *[backbones.input_size("micro")] * 2)
    autocasts = Autocast(cnn, "bfloat16", "cpu"), Autocast(transformer, "bfloat16", "cpu")
    for _ in range(2):
        with autocasts[0], autocasts[1]:
            cnn(images)
            assert not any(m.fused_attn for m in attention)
        assert [m.fused_attn for m in attention] == before
        assert not any("forward" in vars(m) for m in strided)
    assert seen == [torch.float32] * 2 * len(strided)


def test_an_error_within_leaves_the_net_as_it_was():
    net = small_net("mobilenetv2")
    with pytest.raises(RuntimeError), Autocast(net, "bfloat16", "cpu"):
        net(torch.rand(1, 4, 8, 8))  # an image has three channels
    assert not any("forward" in vars(m) for m in net.modules())
    assert not torch.is_autocast_enabled("cpu")


def test_float32_changes_nothing():
    net = small_net("vit")
    with Autocast(net, "float32", "cpu"):
        assert net(torch.rand(1, 3, *[backbones.input_size("micro")] * 2)).dtype == torch.float32
        assert not torch.is_autocast_enabled("cpu")
    assert not Autocast(net, "float32", "cpu").attention


def test_every_precision_can_be_named():
    assert precision.PRECISIONS == ("float32", "bfloat16", "auto")
