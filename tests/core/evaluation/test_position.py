"""Nets without their position information, against what theory says of them."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from rvernet_core.config import ModelSpec, Noise
from rvernet_core.data.cutout_set import to_batch
from rvernet_core.data.noise import add_noise
from rvernet_core.errors import ConfigError
from rvernet_core.evaluation import position
from rvernet_core.models import backbones
from rvernet_core.models.backbones import BACKBONES
from rvernet_core.models.rvernet import build_model

SIDE = backbones.input_size("micro")
TOKENS = [name for name in BACKBONES if name != "mobilenetv2"]
IMAGES = np.random.default_rng(0).integers(0, 256, (6, SIDE, SIDE, 3), dtype=np.uint8)
IMAGES[:, :16, 20:] //= 4  # tiles that differ


def runs(*names, **changes):
    """Pretrained nets with an untrained classifier, as runs of seed 0."""
    models = {}
    for name in names:
        torch.manual_seed(0)
        model = build_model(ModelSpec(roi=name, **changes), 5).eval()
        models[name] = [SimpleNamespace(spec=SimpleNamespace(seed=0), model=lambda m=model: m)]
    return models


def test_the_patch_size_is_the_patch_or_the_total_stride():
    assert {
        name: position.patch_size(backbones.build(name, pretrained=False), SIDE) for name in BACKBONES
    } == {name: 8 if name in TOKENS else 16 for name in BACKBONES}


@pytest.mark.parametrize("name", TOKENS)
def test_without_positions_a_shuffle_of_own_patches_changes_nothing_and_of_half_patches_does(name):
    frame = position.blindness(runs(name), IMAGES, np.zeros(6)).set_index("positions")
    assert list(frame.index) == ["kept", "removed"]
    assert frame.loc["removed", "change_whole"] < 1e-3 < frame.loc["kept", "change_whole"]
    assert frame.loc["removed", "same_whole"] == 1
    assert frame.loc["removed", "change_half"] > 1e-2


@pytest.mark.parametrize("name", TOKENS)
def test_without_positions_the_noise_of_own_patches_changes_nothing_and_the_releases_does(name):
    """On a photo that is not square, whose tiles of the patch's size lie across the patches."""
    photo = IMAGES[0, :84]
    noisy = [
        add_noise(photo, Noise(severity=s, grid=g), SIDE, [0])
        for s, g in ((0, "input"), (1, "input"), (1, "photo"))
    ]
    model = runs(name)[name][0].model()
    with position.without_positions(model.backbone), torch.inference_mode():
        clean, own, released = model(to_batch(np.stack(noisy), None, "cpu"))
    assert (own - clean).abs().max() < 1e-3 < 1e-2 < (released - clean).abs().max()


@pytest.mark.parametrize("name", TOKENS)
def test_positions_come_back_also_after_an_error(name):
    net = backbones.build(name).eval()
    image = torch.rand(1, 3, SIDE, SIDE)
    with torch.inference_mode():
        before = net(image)

    def interrupted():
        with position.without_positions(net), torch.inference_mode():
            assert not torch.allclose(net(image), before)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        interrupted()
    with torch.inference_mode():
        assert torch.equal(net(image), before)


def test_a_cnn_has_no_position_information_to_remove():
    with (
        pytest.raises(ConfigError, match="neither"),
        position.without_positions(backbones.build("mobilenetv2")),
    ):
        pass
    frame = position.blindness(runs("mobilenetv2"), IMAGES, np.zeros(6))
    assert list(frame["positions"]) == ["kept"]


def test_shuffled_tiles_are_the_same_tiles_elsewhere():
    moved = position.shuffled(IMAGES, 8)

    def tiles(images):
        cut = images.reshape(6, 14, 8, 14, 8, 3).swapaxes(2, 3).reshape(6, 14 * 14, -1)
        return [sorted(map(bytes, image)) for image in cut]

    assert tiles(moved) == tiles(IMAGES)
    assert (moved != IMAGES).any()
    np.testing.assert_array_equal(moved, position.shuffled(IMAGES, 8))
    with pytest.raises(ConfigError, match="do not fill"):
        position.shuffled(IMAGES, 9)


def test_a_roll_goes_right_and_up_and_loses_nothing():
    marked = np.zeros((1, SIDE, SIDE, 3), np.uint8)
    marked[0, 30, 30] = 255
    assert position.rolled(marked, 4)[0, 26, 34, 0] == 255
    np.testing.assert_array_equal(position.rolled(IMAGES, SIDE), IMAGES)


def test_a_transformer_without_positions_does_not_see_a_roll_by_its_own_patch():
    models = runs("vit")
    net = models["vit"][0].model().backbone
    with position.without_positions(net):
        hidden = position.rolled_features(models, IMAGES, [4, 8]).set_index("step")
    kept = position.rolled_features(models, IMAGES, [4, 8]).set_index("step")
    assert hidden.loc[8, "change"] < 1e-4 < hidden.loc[4, "change"]
    assert kept.loc[8, "change"] > 1e-2
    assert list(kept["aligned"]) == [False, True]


def test_over_seeds_changes_of_logits_are_the_largest_and_the_rest_are_means():
    frame = pd.DataFrame(
        {"model": "vit", "seed": [0, 1], "positions": "kept", "patch": 8, "accuracy": [0.4, 0.6]}
    )
    frame = frame.assign(same_whole=[0, 1], change_whole=[3, 1], same_half=[0.2, 0.4], change_half=[2, 5])
    (row,) = position.blindness_over_seeds(frame).reset_index().to_dict("records")
    assert row == pytest.approx(
        {"model": "vit", "positions": "kept", "patch": 8, "accuracy": 0.5}
        | {"same_whole": 0.5, "change_whole": 3, "same_half": 0.3, "change_half": 5}
    )


def test_over_seeds_a_rolls_change_has_its_range():
    frame = pd.DataFrame(
        {"model": "vit", "seed": [0, 1, 0, 1], "step": [8, 8, 4, 4], "change": [0.2, 0.4, 0.5, 0.5]}
    )
    over = position.rolled_over_seeds(frame.assign(patch=8, aligned=frame["step"] == 8))
    assert list(over["step"]) == [8, 4], "in the order of the steps"
    assert list(over.loc[0, ["change", "low", "high", "aligned"]]) == pytest.approx([0.3, 0.2, 0.4, True])


def test_pairs_are_refused():
    with pytest.raises(ConfigError, match="two branches"):
        position.rolled_features(runs("vit", extra_roi="vit"), IMAGES, [8])
