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
from rvernet_core.models.rvernet import build_model

SOME = np.array([3, 17, 40])


def calibrated(spec: ModelSpec, cutouts, classes: int = 4):
    """A model of pretrained micro nets whose batch statistics are those of the cut-outs."""
    torch.manual_seed(0)
    model = build_model(spec, classes)
    images = [cutouts.batch(branch, np.arange(16), None, "cpu") for branch in model.branches]
    for norm in (m for m in model.modules() if isinstance(m, torch.nn.BatchNorm1d)):
        norm.momentum = None  # one batch decides its statistics
    with torch.no_grad():
        model.train()(*images)
    return model.eval()


@pytest.mark.parametrize("name", BACKBONES)
def test_the_maps_are_the_librarys_before_it_scales_them(name, cutouts):
    model = calibrated(ModelSpec(roi=name), cutouts)
    maps = gradcam.maps(model, "roi", cutouts, SOME)
    assert maps.grid.min() >= 0
    assert not maps.blank.all()
    stock = GradCAM(
        model,
        [backbones.facts(name).cam_layer(model.backbone)],
        gradcam._token_map(backbones.facts(name).prefix_tokens),
    )
    theirs = stock(cutouts.batch("roi", SOME, None, "cpu"), None)
    stock.activations_and_grads.release()
    ours = maps.pixels()
    low, high = ours.min((1, 2)), ours.max((1, 2))
    spread = np.maximum(high - low, 1e-9)[:, None, None]
    assert np.allclose((ours - low[:, None, None]) / spread, theirs, atol=1e-3)


@pytest.mark.parametrize(("roi", "extra_roi"), [("mobilenetv2", "mlp-mixer"), ("deit-distilled", "vit")])
def test_each_branch_of_a_pair_has_maps_of_its_own_backbone(roi, extra_roi, cutouts):
    model = calibrated(ModelSpec(roi=roi, extra_roi=extra_roi), cutouts)
    side = {"mobilenetv2": 7}
    by_branch = {b: gradcam.maps(model, b, cutouts, SOME) for b in ("roi", "extra_roi")}
    assert by_branch["roi"].grid.shape == (3, *[side.get(roi, 14)] * 2)
    assert by_branch["extra_roi"].grid.shape == (3, *[side.get(extra_roi, 14)] * 2)
    with torch.no_grad():
        logits = model(*[cutouts.batch(b, SOME, None, "cpu") for b in by_branch])
    for maps in by_branch.values():
        assert (maps.targets == logits.argmax(1).numpy()).all()
        assert maps.probabilities == pytest.approx(logits.softmax(1).max(1).values.numpy(), abs=1e-5)


def test_the_distilled_net_loses_both_prefix_tokens():
    tokens = torch.arange(2 + 64.0)[None, :, None]
    assert gradcam._token_map(2)(tokens).flatten().tolist() == list(range(2, 66))
    assert gradcam._token_map(2)(tokens).shape == (1, 1, 8, 8)
    with pytest.raises(RuntimeError):  # one token too many: no square
        gradcam._token_map(1)(tokens)


def test_the_batch_size_changes_nothing(cutouts):
    model = calibrated(ModelSpec(roi="mobilenetv2", extra_roi="mobilenetv2"), cutouts)
    one, many = (gradcam.maps(model, "extra_roi", cutouts, SOME, batch_size=n) for n in (1, 64))
    assert np.allclose(one.grid, many.grid, atol=1e-6)


def test_a_frozen_backbone_has_the_same_maps_and_the_model_comes_back_as_it_was(cutouts):
    free = calibrated(ModelSpec(roi="deit", fusion="features"), cutouts)
    frozen = build_model(ModelSpec(roi="deit", fusion="features", freeze=("roi",)), 4).eval()
    frozen.load_state_dict(free.state_dict())
    frozen.train()
    trainable = [p.requires_grad for p in frozen.parameters()]
    assert np.allclose(
        gradcam.maps(frozen, "roi", cutouts, SOME).grid, gradcam.maps(free, "roi", cutouts, SOME).grid
    )
    assert frozen.training
    assert not frozen.backbone.training
    assert [p.requires_grad for p in frozen.parameters()] == trainable
    assert all(p.grad is None for p in frozen.parameters())
    layer = backbones.facts("deit").cam_layer(frozen.backbone)
    assert not layer._forward_hooks


def test_a_context_only_baseline_is_explained_on_its_extra_roi_branch_and_has_no_other(cutouts):
    model = calibrated(ModelSpec(roi=None, extra_roi="mobilenetv2"), cutouts)
    maps = gradcam.maps(model, "extra_roi", cutouts, SOME, targets="true")
    only_context = dataclasses.replace(cutouts, images=lambda branch, i: cutouts.images("extra_roi", i))
    same_weights = build_model(ModelSpec(roi="mobilenetv2"), 4).eval()
    same_weights.load_state_dict({n.replace("extra_roi", "roi"): t for n, t in model.state_dict().items()})
    expected = gradcam.maps(same_weights, "roi", only_context, SOME, targets="true")
    assert maps.branch == "extra_roi"
    assert maps.grid.any()
    assert (maps.grid == expected.grid).all()  # computed on the extra-ROI cut-outs, not on the ROIs
    assert maps.other_features == {}
    assert np.isfinite(gradcam.confidence_change(model, cutouts, maps)).all()
    with pytest.raises(ConfigError, match=r"no branch 'roi'; it has: extra_roi"):
        gradcam.maps(model, "roi", cutouts, SOME)


@pytest.mark.parametrize("strength", [0, 0.5, 1])
def test_of_a_distilled_model_the_answer_is_explained(strength, cutouts):
    torch.manual_seed(0)
    spec = ModelSpec(roi="deit-distilled", extra_roi="mobilenetv2", standardise=False)
    model = build_model(spec, 4, strength).eval()
    with torch.no_grad():
        logits = model.answer(model(*[cutouts.batch(b, SOME, None, "cpu") for b in model.branches]))
    for branch in model.branches:
        maps = gradcam.maps(model, branch, cutouts, SOME)
        assert (maps.targets == logits.argmax(1).numpy()).all()
        assert maps.probabilities == pytest.approx(logits.softmax(1).max(1).values.numpy(), abs=1e-5)
        assert set(maps.other_features) == {*model.branches} - {branch}
        ones = dataclasses.replace(maps, grid=np.ones_like(maps.grid))
        assert gradcam.confidence_change(model, cutouts, ones) == pytest.approx(0, abs=1e-5)
    fresh = gradcam.randomised(model, spec, 4, 1, seed=1)
    assert fresh.answering == model.answering
    assert not torch.equal(fresh.distilled_fc1.weight, model.distilled_fc1.weight)


def test_the_class_explained_can_be_chosen(cutouts):
    model = calibrated(ModelSpec(roi="mlp-mixer"), cutouts)
    by_label = gradcam.maps(model, "roi", cutouts, SOME, targets="true")
    assert (by_label.targets == cutouts.labels[SOME]).all()
    by_hand = gradcam.maps(model, "roi", cutouts, SOME, targets=cutouts.labels[SOME])
    assert (by_label.grid == by_hand.grid).all()
    other = gradcam.maps(model, "roi", cutouts, SOME, targets=(cutouts.labels[SOME] + 1) % 4)
    assert not np.allclose(other.grid, by_label.grid)


@pytest.mark.parametrize(("branch", "targets"), [("extra_roi", "predicted"), ("roi", "likely")])
def test_a_missing_branch_and_unknown_targets_are_refused(branch, targets, cutouts):
    model = build_model(ModelSpec(roi="vit"), 4)
    with pytest.raises(ConfigError, match=r"extra_roi|likely"):
        gradcam.maps(model, branch, cutouts, SOME, targets=targets)


def test_the_change_in_confidence_is_that_of_the_librarys_two_metrics(cutouts):
    model = calibrated(ModelSpec(roi="mobilenetv2"), cutouts)
    maps = gradcam.maps(model, "roi", cutouts, SOME)
    change = gradcam.confidence_change(model, cutouts, maps, batch_size=2)
    targets = [ClassifierOutputSoftmaxTarget(int(c)) for c in maps.targets]
    given = (cutouts.batch("roi", SOME, None, "cpu"), maps.normalised(), targets, model)
    assert np.maximum(-change, 0) == pytest.approx(DropInConfidence()(*given), abs=1e-5)
    assert ((change > 0) == (IncreaseInConfidence()(*given) > 0)).all()


def test_only_the_explained_branch_is_disturbed(cutouts):
    """A map of ones changes nothing, whichever branch it belongs to."""
    model = calibrated(ModelSpec(roi="mobilenetv2", extra_roi="mlp-mixer"), cutouts)
    for branch in ("roi", "extra_roi"):
        maps = gradcam.maps(model, branch, cutouts, SOME)
        ones = dataclasses.replace(maps, grid=np.ones_like(maps.grid))
        assert gradcam.confidence_change(model, cutouts, ones) == pytest.approx(0, abs=1e-5)
        zeros = dataclasses.replace(maps, grid=np.zeros_like(maps.grid))
        assert (gradcam.confidence_change(model, cutouts, zeros) != 0).all()


def test_road_separates_a_good_order_from_its_reverse_and_leaves_global_randomness_alone(cutouts):
    """What decides is a bright square: a map of it must beat a map of all the rest."""
    model = calibrated(ModelSpec(roi="mobilenetv2"), cutouts)
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    fit = np.arange(24)
    for _ in range(10):
        loss = torch.nn.functional.cross_entropy(
            model.train()(cutouts.batch("roi", fit, None, "cpu")), torch.from_numpy(cutouts.labels[fit])
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    some = np.array([0, 1, 4, 5])
    maps = gradcam.maps(model, "roi", cutouts, some, targets="true")
    square = np.zeros((4, 8, 8), np.float32)
    square[:, 2:6, 2:6] = 1
    before = torch.random.get_rng_state()
    good = gradcam.road(model, cutouts, dataclasses.replace(maps, grid=square))
    bad = gradcam.road(model, cutouts, dataclasses.replace(maps, grid=1 - square))
    assert (before == torch.random.get_rng_state()).all()
    assert np.isfinite([good, bad]).all()
    assert good.mean() > bad.mean()
    assert gradcam.road(model, cutouts, dataclasses.replace(maps, grid=square)) == pytest.approx(good)


def test_the_frame_of_measures_has_one_row_a_map_and_road_where_asked(cutouts):
    model = calibrated(ModelSpec(roi="mobilenetv2", extra_roi="vit"), cutouts)
    maps = gradcam.maps(model, "extra_roi", cutouts, SOME)
    masks = np.zeros((3, 112, 112), bool)
    masks[:, 28:84, 28:84] = True
    frame = gradcam.measure(model, cutouts, maps, masks, road_on=SOME[1:2])
    assert frame["sample"].tolist() == SOME.tolist()
    assert frame["photo"].tolist() == [cutouts.image_ids[i] for i in SOME]
    assert frame["road"].notna().tolist() == [False, True, False]
    assert frame.drop(columns="road").notna().all(axis=None)
    assert (frame["area"] == 0.25).all()
    assert frame["energy"].tolist() == saliency.energy_inside(maps, masks).tolist()


def test_randomising_renews_the_upper_share_and_no_more(cutouts):
    spec = ModelSpec(roi="vit", extra_roi="vit")
    model = calibrated(spec, cutouts)
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


def test_maps_of_a_randomised_net_differ(cutouts):
    spec = ModelSpec(roi="mobilenetv2")
    model = calibrated(spec, cutouts)
    predicted = gradcam.maps(model, "roi", cutouts)
    fresh = gradcam.randomised(model, spec, 4, 1)
    again = gradcam.maps(fresh, "roi", cutouts, targets=predicted.targets)
    own = saliency.rank_correlation(predicted, predicted)
    assert own[~predicted.blank] == pytest.approx(1)  # a blank map resembles nothing
    assert predicted.blank.mean() < 0.1
    assert saliency.rank_correlation(predicted, again).mean() < 0.5


@pytest.fixture
def large(cutouts):
    """Both cut-outs of two samples at 224 px."""

    def images(branch, indices):
        return cutouts.images(branch, indices).repeat(4, 1).repeat(4, 2)[:, :224, :224]

    return dataclasses.replace(cutouts, size=224, images=images, labels=cutouts.labels[:2])


def untrained(roi: str, extra_roi: str | None = None):
    torch.manual_seed(0)
    plain = {"pretrained": False, "standardise": False, "freeze_batch_norm": False}
    return build_model(ModelSpec(roi, extra_roi, scale="paper", **plain), 3).eval()


def test_at_the_papers_scale_both_layouts_fit(large):
    """A random net may speak against one class everywhere, but not against all of them."""
    model = untrained("mobilenetv2", "vit")
    for branch, side in (("roi", 7), ("extra_roi", 14)):
        maps = [gradcam.maps(model, branch, large, targets=np.full(2, c)) for c in range(3)]
        assert maps[0].grid.shape == (2, side, side)
        assert maps[0].pixels().shape == (2, 224, 224)
        assert not all(f.blank.all() for f in maps)


def test_an_untrained_mixer_is_blank_because_timm_starts_its_head_at_zero(large):
    maps = gradcam.maps(untrained("mlp-mixer"), "roi", large)
    assert maps.grid.shape == (2, 14, 14)
    assert maps.blank.all()
    assert (maps.normalised() == 0).all()
