"""Maps of both branches of every backbone at both scales, and the library's metrics on them."""

import dataclasses

import numpy as np
import pytest
import torch
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.metrics.cam_mult_image import DropInConfidence, IncreaseInConfidence
from pytorch_grad_cam.utils.model_targets import ClassifierOutputSoftmaxTarget

from rvernet_core.config import ModelSpec
from rvernet_core.errors import ConfigError
from rvernet_core.evaluation import gradcam, saliency
from rvernet_core.models import backbones
from rvernet_core.models.backbones import BACKBONES
from rvernet_core.models.rvernet import BRANCHES, build_model

SOME = np.array([3, 17, 40])


def settled(spec: ModelSpec, pairs, classes: int = 4):
    """A model of pretrained micro nets whose batch statistics have seen the pairs."""
    torch.manual_seed(0)
    model = build_model(spec, classes)
    branches = BRANCHES[: 2 if spec.extra_roi else 1]
    images = [pairs.batch(b, np.arange(16), None, "cpu") for b in branches]
    for norm in (m for m in model.modules() if isinstance(m, torch.nn.BatchNorm1d)):
        norm.momentum = None  # one batch settles its statistics
    with torch.no_grad():
        model.train()(*images)
    return model.eval()


@pytest.mark.parametrize("name", BACKBONES)
def test_the_maps_are_the_librarys_before_it_scales_them(name, pairs):
    model = settled(ModelSpec(roi=name), pairs)
    found = gradcam.maps(model, "roi", pairs, SOME)
    assert found.grid.min() >= 0
    assert not found.blank.all()
    stock = GradCAM(
        model,
        [backbones.facts(name).cam_layer(model.backbone)],
        gradcam._token_map(backbones.facts(name).prefix_tokens),
    )
    theirs = stock(pairs.batch("roi", SOME, None, "cpu"), None)
    stock.activations_and_grads.release()
    ours = found.pixels()
    low, high = ours.min((1, 2)), ours.max((1, 2))
    spread = np.maximum(high - low, 1e-9)[:, None, None]
    assert np.allclose((ours - low[:, None, None]) / spread, theirs, atol=1e-3)


@pytest.mark.parametrize(("roi", "extra_roi"), [("mobilenetv2", "mlp-mixer"), ("deit-distilled", "vit")])
def test_each_branch_of_a_pair_has_maps_of_its_own_backbone(roi, extra_roi, pairs):
    model = settled(ModelSpec(roi=roi, extra_roi=extra_roi), pairs)
    side = {"mobilenetv2": 4}
    made = {b: gradcam.maps(model, b, pairs, SOME) for b in ("roi", "extra_roi")}
    assert made["roi"].grid.shape == (3, *[side.get(roi, 8)] * 2)
    assert made["extra_roi"].grid.shape == (3, *[side.get(extra_roi, 8)] * 2)
    with torch.no_grad():
        logits = model(*[pairs.batch(b, SOME, None, "cpu") for b in made])
    for found in made.values():
        assert (found.targets == logits.argmax(1).numpy()).all()
        assert found.chances == pytest.approx(logits.softmax(1).max(1).values.numpy(), abs=1e-5)


def test_the_distilled_net_loses_both_prefix_tokens(pairs):
    tokens = torch.arange(2 + 64.0)[None, :, None]
    assert gradcam._token_map(2)(tokens).flatten().tolist() == list(range(2, 66))
    assert gradcam._token_map(2)(tokens).shape == (1, 1, 8, 8)
    with pytest.raises(RuntimeError):  # one token too many: no square
        gradcam._token_map(1)(tokens)


def test_the_batch_size_changes_nothing(pairs):
    model = settled(ModelSpec(roi="mobilenetv2", extra_roi="mobilenetv2"), pairs)
    one, many = (gradcam.maps(model, "extra_roi", pairs, SOME, batch_size=n) for n in (1, 64))
    assert np.allclose(one.grid, many.grid, atol=1e-6)


def test_a_frozen_backbone_has_the_same_maps_and_the_model_comes_back_as_it_was(pairs):
    free = settled(ModelSpec(roi="deit", fusion="features"), pairs)
    frozen = build_model(ModelSpec(roi="deit", fusion="features", freeze=("roi",)), 4).eval()
    frozen.load_state_dict(free.state_dict())
    frozen.train()
    wanted = [p.requires_grad for p in frozen.parameters()]
    assert np.allclose(
        gradcam.maps(frozen, "roi", pairs, SOME).grid, gradcam.maps(free, "roi", pairs, SOME).grid
    )
    assert frozen.training
    assert not frozen.backbone.training
    assert [p.requires_grad for p in frozen.parameters()] == wanted
    assert all(p.grad is None for p in frozen.parameters())
    layer = backbones.facts("deit").cam_layer(frozen.backbone)
    assert not layer._forward_hooks


def test_the_class_explained_can_be_chosen(pairs):
    model = settled(ModelSpec(roi="mlp-mixer"), pairs)
    by_label = gradcam.maps(model, "roi", pairs, SOME, targets="true")
    assert (by_label.targets == pairs.labels[SOME]).all()
    by_hand = gradcam.maps(model, "roi", pairs, SOME, targets=pairs.labels[SOME])
    assert (by_label.grid == by_hand.grid).all()
    other = gradcam.maps(model, "roi", pairs, SOME, targets=(pairs.labels[SOME] + 1) % 4)
    assert not np.allclose(other.grid, by_label.grid)


@pytest.mark.parametrize(("branch", "targets"), [("extra_roi", "predicted"), ("roi", "likely")])
def test_a_missing_branch_and_unknown_targets_are_refused(branch, targets, pairs):
    model = build_model(ModelSpec(roi="vit"), 4)
    with pytest.raises(ConfigError, match=r"extra_roi|likely"):
        gradcam.maps(model, branch, pairs, SOME, targets=targets)


def test_the_change_in_confidence_is_that_of_the_librarys_two_metrics(pairs):
    model = settled(ModelSpec(roi="mobilenetv2"), pairs)
    found = gradcam.maps(model, "roi", pairs, SOME)
    change = gradcam.confidence_change(model, pairs, found, batch_size=2)
    targets = [ClassifierOutputSoftmaxTarget(int(c)) for c in found.targets]
    given = (pairs.batch("roi", SOME, None, "cpu"), found.normalised(), targets, model)
    assert np.maximum(-change, 0) == pytest.approx(DropInConfidence()(*given), abs=1e-5)
    assert ((change > 0) == (IncreaseInConfidence()(*given) > 0)).all()


def test_only_the_explained_branch_is_disturbed(pairs):
    """A map of ones changes nothing, whichever branch it belongs to."""
    model = settled(ModelSpec(roi="mobilenetv2", extra_roi="mlp-mixer"), pairs)
    for branch in ("roi", "extra_roi"):
        found = gradcam.maps(model, branch, pairs, SOME)
        ones = dataclasses.replace(found, grid=np.ones_like(found.grid))
        assert gradcam.confidence_change(model, pairs, ones) == pytest.approx(0, abs=1e-5)
        zeros = dataclasses.replace(found, grid=np.zeros_like(found.grid))
        assert (gradcam.confidence_change(model, pairs, zeros) != 0).all()


def test_road_tells_a_good_order_from_its_reverse_and_leaves_global_randomness_alone(pairs):
    """What decides is a bright square: a map of it must beat a map of all the rest."""
    model = settled(ModelSpec(roi="mobilenetv2"), pairs)
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    fit = np.arange(24)
    for _ in range(10):
        loss = torch.nn.functional.cross_entropy(
            model.train()(pairs.batch("roi", fit, None, "cpu")), torch.from_numpy(pairs.labels[fit])
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    some = np.array([0, 1, 4, 5])
    found = gradcam.maps(model, "roi", pairs, some, targets="true")
    square = np.zeros((4, 8, 8), np.float32)
    square[:, 2:6, 2:6] = 1
    before = torch.random.get_rng_state()
    good = gradcam.road(model, pairs, dataclasses.replace(found, grid=square))
    bad = gradcam.road(model, pairs, dataclasses.replace(found, grid=1 - square))
    assert (before == torch.random.get_rng_state()).all()
    assert np.isfinite([good, bad]).all()
    assert good.mean() > bad.mean()
    assert gradcam.road(model, pairs, dataclasses.replace(found, grid=square)) == pytest.approx(good)


def test_the_frame_of_measures_has_one_row_a_map_and_road_where_asked(pairs):
    model = settled(ModelSpec(roi="mobilenetv2", extra_roi="vit"), pairs)
    found = gradcam.maps(model, "extra_roi", pairs, SOME)
    masks = np.zeros((3, 64, 64), bool)
    masks[:, 16:48, 16:48] = True
    frame = gradcam.measure(model, pairs, found, masks, road_on=SOME[1:2])
    assert frame["sample"].tolist() == SOME.tolist()
    assert frame["photo"].tolist() == [pairs.image_ids[i] for i in SOME]
    assert frame["road"].notna().tolist() == [False, True, False]
    assert frame.drop(columns="road").notna().all(axis=None)
    assert (frame["area"] == 0.25).all()
    assert frame["energy"].tolist() == saliency.energy_inside(found, masks).tolist()


def test_randomising_renews_the_upper_share_and_no_more(pairs):
    spec = ModelSpec(roi="vit", extra_roi="vit")
    model = settled(spec, pairs)
    state = model.state_dict()
    changed = {}
    for share in (0, 0.5, 1):
        fresh = gradcam.randomised(model, spec, 4, share).state_dict()
        changed[share] = {name for name in state if not torch.equal(state[name], fresh[name])}
    assert changed[0]
    assert not any("_module." in name for name in changed[0])
    assert changed[0] < changed[0.5] < changed[1]
    assert {n for n in changed[0.5] if "module.blocks.3" in n}
    assert not {n for n in changed[0.5] if "patch_embed" in n}
    assert {n for n in changed[1] if "patch_embed" in n}
    assert all(torch.equal(state[n], model.state_dict()[n]) for n in state)
    with pytest.raises(ConfigError, match="share"):
        gradcam.randomised(model, spec, 4, 2)


def test_maps_of_a_randomised_net_differ(pairs):
    spec = ModelSpec(roi="mobilenetv2")
    model = settled(spec, pairs)
    predicted = gradcam.maps(model, "roi", pairs)
    fresh = gradcam.randomised(model, spec, 4, 1)
    again = gradcam.maps(fresh, "roi", pairs, targets=predicted.targets)
    assert saliency.rank_correlation(predicted, predicted) == pytest.approx(1)
    assert saliency.rank_correlation(predicted, again).mean() < 0.5


@pytest.fixture
def large(pairs):
    """Two pairs of 224-px cut-outs."""
    roi, extra_roi = (
        photos[:2].repeat(4, 1).repeat(4, 2)[:, :224, :224] for photos in (pairs.roi, pairs.extra_roi)
    )
    return dataclasses.replace(pairs, roi=roi, extra_roi=extra_roi, labels=pairs.labels[:2])


def untrained(roi: str, extra_roi: str | None = None):
    torch.manual_seed(0)
    plain = {"pretrained": False, "standardise": False, "rest_statistics": False}
    return build_model(ModelSpec(roi, extra_roi, scale="paper", **plain), 3).eval()


def test_at_the_papers_scale_both_layouts_fit(large):
    """A random net may speak against one class everywhere, but not against all of them."""
    model = untrained("mobilenetv2", "vit")
    for branch, side in (("roi", 7), ("extra_roi", 14)):
        found = [gradcam.maps(model, branch, large, targets=np.full(2, c)) for c in range(3)]
        assert found[0].grid.shape == (2, side, side)
        assert found[0].pixels().shape == (2, 224, 224)
        assert not all(f.blank.all() for f in found)


def test_an_untrained_mixer_is_blank_because_timm_starts_its_head_at_zero(large):
    found = gradcam.maps(untrained("mlp-mixer"), "roi", large)
    assert found.grid.shape == (2, 14, 14)
    assert found.blank.all()
    assert (found.normalised() == 0).all()
