"""RveRNet and the baseline: a module per branch, frozen means frozen, names of the release, two heads."""

import itertools

import numpy as np
import pytest
import torch

from rvernet_core import training
from rvernet_core.config import BRANCHES, ModelSpec
from rvernet_core.data.cutout_set import CutoutSet
from rvernet_core.errors import ConfigError
from rvernet_core.models.backbones import BACKBONES, MICRO_LABELS, input_size, two_heads
from rvernet_core.models.rvernet import build_model

SIDE = input_size("micro")
IMAGES = torch.rand(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))


def build(strength=None, **options):
    torch.manual_seed(0)
    return build_model(ModelSpec(**{"pretrained": False, "freeze_batch_norm": False, **options}), 7, strength)


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
    assert model.integrated_fc1.in_features == 2 * MICRO_LABELS  # own logits; 2 x 1000 at paper scale
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
def test_a_frozen_module_gets_no_gradient_and_keeps_its_statistics(freeze):
    model = build(roi="mobilenetv2", extra_roi="mobilenetv2", freeze=freeze).train()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    model(IMAGES, IMAGES).sum().backward()
    for branch in BRANCHES:
        net = model.backbone_of(branch)
        frozen = branch in freeze
        assert all((p.grad is None) == frozen for p in net.parameters())
        statistics = [k for k in before if k.startswith(f"{branch}_module") and "running_mean" in k]
        same = all(torch.equal(before[k], model.state_dict()[k]) for k in statistics)
        assert same == frozen
    assert model.integrated_fc1.weight.grad is not None


def test_as_in_the_release_the_statistics_of_a_frozen_module_may_move_but_no_weight():
    model = build(roi="mobilenetv2", freeze=("roi",), frozen_statistics=False, freeze_batch_norm=False)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    model.train()(torch.rand(8, 3, 64, 64)).sum().backward()
    moved = {
        n for n, tensor in model.state_dict().items() if "backbone" in n and not (tensor == before[n]).all()
    }
    assert moved
    assert all("running" in name or "num_batches" in name for name in moved)
    assert all(p.grad is None for p in model.backbone_of("roi").parameters())
    assert model.frozen == ()  # so that a run stores what has moved


def test_a_fresh_head_is_drawn_anew_where_there_are_two_tokens_and_nothing_else():
    shipped, fresh = (build(roi="deit-distilled", fresh_head=new).state_dict() for new in (False, True))
    changed = {
        name for name in shipped if name.startswith("backbone") and not (shipped[name] == fresh[name]).all()
    }
    assert changed == {"backbone.head.weight"}  # its bias was zero before, too
    assert fresh["backbone.head.weight"].std() == pytest.approx(0.02, rel=0.1)
    plain, same = (build(roi="vit", fresh_head=new).state_dict() for new in (False, True))
    assert all((plain[name] == same[name]).all() for name in plain if name.startswith("backbone"))


def test_frozen_batch_norms_keep_the_pretrained_statistics_while_the_weights_learn():
    model = build(roi="mobilenetv2", freeze_batch_norm=True).train()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    model(IMAGES).sum().backward()
    after = model.state_dict()
    assert all(torch.equal(after[k], before[k]) for k in before if "backbone" in k and "running" in k)
    assert all(p.grad is not None for p in model.backbone.parameters())


def test_features_are_standardised_over_the_batch_unless_switched_off():
    images = torch.rand(16, 3, SIDE, SIDE)
    for standardise in (True, False):
        model = build(roi="mobilenetv2", standardise=standardise).train()
        features = model.extractors["roi"].standardise(model.features("roi", images), 0)
        assert torch.allclose(features.mean(0), torch.zeros(MICRO_LABELS), atol=1e-4) == standardise


@pytest.mark.parametrize("fusion", ["logits", "features"])
def test_forward_is_the_branches_features_then_the_head(fusion):
    model = build(roi="deit-distilled", extra_roi="mlp-mixer", fusion=fusion).eval()
    with torch.inference_mode():
        features = [model.features(branch, IMAGES) for branch in model.branches]
        assert torch.equal(model(IMAGES, IMAGES), model.classify(*features))
        widths = [extractor.width for extractor in model.extractors.values()]
        assert [f.shape for f in features] == [(2, width) for width in widths]


def test_pixels_are_normalised_unless_switched_off():
    plain, normalised = build(roi="vit", normalise=False).eval(), build(roi="vit").eval()
    with torch.inference_mode():
        assert torch.allclose(plain((IMAGES - 0.5) / 0.5), normalised(IMAGES), atol=1e-5)


# --- as the released code does it -------------------------------------------------------------------


def test_equal_backbones_are_one_module_where_they_are_shared():
    model = build(roi="vit", extra_roi="vit", shared=True)
    assert model.roi_module is model.extra_roi_module
    assert build(roi="vit", extra_roi="deit", shared=True).extra_roi_module is not model.roi_module
    again = build(roi="vit", extra_roi="vit", shared=True)
    again.load_state_dict(model.state_dict())
    assert set(model.state_dict()) == set(build(roi="vit", extra_roi="vit").state_dict())


@pytest.mark.parametrize("fusion", ["logits", "features"])
def test_the_class_token_alone_answers_where_it_is_asked_for(fusion):
    """Without a teacher, as the release evaluates DeiT-distilled; by default the mean of both tokens."""
    both, alone = (build(roi="deit-distilled", fusion=fusion, class_token=c).eval() for c in (False, True))
    with torch.inference_mode():
        tokens = two_heads(alone.backbone, alone.extractors["roi"].pixels(IMAGES), fusion == "logits")
        assert torch.equal(alone.features("roi", IMAGES), tokens[0])
        assert torch.allclose(both.features("roi", IMAGES), (tokens[0] + tokens[1]) / 2, atol=1e-6)
        plain, asked = (build(roi="deit", class_token=c).eval()(IMAGES) for c in (False, True))
    assert torch.equal(plain, asked), "a net with one token has nothing else"


def test_dropout_falls_on_the_features_before_a_cnn_s_own_head():
    model = build(roi="mobilenetv2", extra_roi="vit", dropout=0.2).train()
    given = []
    model.roi_module.classifier.register_forward_hook(lambda module, inputs, output: given.append(inputs[0]))
    torch.manual_seed(1)
    model(IMAGES.repeat(8, 1, 1, 1), IMAGES.repeat(8, 1, 1, 1))
    plain = build(roi="mobilenetv2", extra_roi="vit").train()
    plain.roi_module.classifier.register_forward_hook(lambda module, inputs, output: given.append(inputs[0]))
    plain(IMAGES.repeat(8, 1, 1, 1), IMAGES.repeat(8, 1, 1, 1))
    dropped = (given[0] == 0) & (given[1] != 0)
    assert dropped.sum() / (given[1] != 0).sum() == pytest.approx(0.2, abs=0.03)
    kept = ~dropped
    assert torch.allclose(given[0][kept], given[1][kept] / 0.8, atol=1e-5)


def test_the_epsilon_of_the_deits_is_set_and_of_no_other_net():
    model = build(roi="deit", extra_roi="deit-distilled", layer_norm_eps=1e-12)
    norms = [m for m in model.modules() if isinstance(m, torch.nn.LayerNorm)]
    assert {m.eps for m in norms} == {1e-12}
    others = build(roi="vit", extra_roi="mlp-mixer", layer_norm_eps=1e-12).modules()
    assert {m.eps for m in others if isinstance(m, torch.nn.LayerNorm)} == {1e-6}


def test_a_distilled_model_needs_both_tokens():
    with pytest.raises(ConfigError, match="class_token=False"):
        build(roi="deit-distilled", strength=0.5, class_token=True)


def test_contradictory_options_are_refused():
    with pytest.raises(ConfigError, match="cannot freeze 'extra_roi'"):
        build(roi="vit", freeze=("extra_roi",))
    with pytest.raises(ConfigError, match="cannot freeze 'roi'"):
        build(roi=None, extra_roi="vit", freeze=("roi",))
    with pytest.raises(ConfigError, match="logits, features"):
        build(roi="vit", fusion="tokens")
    with pytest.raises(ConfigError, match="neither roi nor extra_roi"):
        build(roi=None)


# --- the single-branch baseline ---------------------------------------------------------------------


@pytest.mark.parametrize("branch", BRANCHES)
def test_a_baseline_has_the_one_branch_that_its_spec_names(branch):
    other = next(name for name in BRANCHES if name != branch)
    model = build(**{branch: "vit", other: None}).eval()
    assert model.branches == (branch,)
    assert model.backbone_of(branch) is model.backbone
    with pytest.raises(ConfigError, match=f"no branch '{other}'; it has: {branch}"):
        model.backbone_of(other)
    with torch.inference_mode():
        assert torch.equal(model(IMAGES), model.classify(model.features(branch, IMAGES)))


def test_a_context_only_baseline_is_shown_that_cut_out_and_no_other(cutouts):
    """Asked about a whole set of cut-outs, its answers do not depend on the ROIs."""
    model = build(roi=None, extra_roi="mobilenetv2")
    roi, extra_roi = (cutouts.images(branch, np.arange(len(cutouts))) for branch in BRANCHES)
    facts = {name: getattr(cutouts, name) for name in ("labels", "keys", "image_ids", "classes", "fitted")}
    facts |= {"data": "", "fingerprint": ""}
    whole, no_roi, no_context = (
        training.predict(model, CutoutSet.from_arrays(*arrays, **facts))
        for arrays in ((roi, extra_roi), (0 * roi, extra_roi), (roi, 0 * extra_roi))
    )
    assert torch.equal(whole, no_roi)
    assert not torch.allclose(whole, no_context)


# --- distilled models -------------------------------------------------------------------------------

DISTILLED = [
    {"roi": "deit-distilled"},
    {"roi": None, "extra_roi": "deit-distilled"},
    {"roi": "deit-distilled", "extra_roi": "deit-distilled"},
    {"roi": "mobilenetv2", "extra_roi": "deit-distilled"},
]


@pytest.mark.parametrize("options", DISTILLED)
@pytest.mark.parametrize("fusion", ["logits", "features"])
def test_a_distilled_model_returns_the_logits_of_two_heads(options, fusion):
    model = build(strength=0.5, fusion=fusion, **options).eval()
    inputs = [IMAGES, IMAGES.flip(0)][: len(model.branches)]
    with torch.inference_mode():
        class_logits, distillation_logits = model(*inputs)
    assert model.heads == 2
    assert class_logits.shape == distillation_logits.shape == (2, 7)
    assert not torch.allclose(class_logits, distillation_logits)


@pytest.mark.parametrize(("strength", "heads"), [(0.0, [0]), (0.01, [0, 1]), (0.5, [0, 1]), (1.0, [1])])
def test_only_heads_that_were_trained_answer(strength, heads):
    """At strength 0 nothing is learned from the teacher, at 1 nothing from the labels."""
    logits = torch.rand(5, 7), torch.rand(5, 7)
    answer = build(roi="deit-distilled", strength=strength).answer(logits)
    assert torch.allclose(answer, sum(logits[head] for head in heads) / len(heads))


def test_an_ordinary_model_answers_with_its_logits():
    logits = torch.rand(5, 7)
    assert build(roi="deit-distilled").answer(logits) is logits


def test_a_distilled_models_class_head_begins_as_the_ordinary_model():
    distilled, plain = (build(roi="deit-distilled", strength=s).state_dict() for s in (0.5, None))
    assert all(torch.equal(plain[name], distilled[name]) for name in plain)


def test_a_distilled_model_needs_a_distillation_token():
    with pytest.raises(ConfigError, match=r"vit \+ deit has no distillation token.*deit-distilled"):
        build(roi="vit", extra_roi="deit", strength=0.5)
