"""Nets whose knowledge of places is taken away, against what theory says of them."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from rvernet_core.config import ModelSpec
from rvernet_core.errors import ConfigError
from rvernet_core.evaluation import position as probes
from rvernet_core.models import backbones
from rvernet_core.models.backbones import BACKBONES
from rvernet_core.models.rvernet import build_model

TOKENS = [name for name in BACKBONES if name != "mobilenetv2"]
PICTURES = np.random.default_rng(0).integers(0, 256, (6, 64, 64, 3), dtype=np.uint8)
PICTURES[:, :16, 20:] //= 4  # tiles that differ


def runs(*names, **changes):
    """Pretrained nets with an untrained classifier, as runs of seed 0."""
    found = {}
    for name in names:
        torch.manual_seed(0)
        model = build_model(ModelSpec(roi=name, **changes), 5).eval()
        found[name] = [SimpleNamespace(spec=SimpleNamespace(seed=0), model=lambda classes, m=model: m)]
    return found


def test_the_grain_is_the_patch_or_the_total_stride():
    assert {name: probes.grain(backbones.build(name, pretrained=False), 64) for name in BACKBONES} == {
        name: 8 if name in TOKENS else 16 for name in BACKBONES
    }


@pytest.mark.parametrize("name", TOKENS)
def test_without_places_a_shuffle_of_own_patches_changes_nothing_and_of_half_patches_does(name):
    frame = probes.places(runs(name), PICTURES, np.zeros(6), 5).set_index("places")
    assert list(frame.index) == ["known", "taken away"]
    assert frame.loc["taken away", "change_whole"] < 1e-3 < frame.loc["known", "change_whole"]
    assert frame.loc["taken away", "same_whole"] == 1
    assert frame.loc["taken away", "change_half"] > 1e-2


@pytest.mark.parametrize("name", TOKENS)
def test_places_come_back_also_after_an_error(name):
    net = backbones.build(name).eval()
    image = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        before = net(image)

    def interrupted():
        with probes.without_places(net), torch.inference_mode():
            assert not torch.allclose(net(image), before)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        interrupted()
    with torch.inference_mode():
        assert torch.equal(net(image), before)


def test_a_cnn_has_no_places_to_take_away():
    with pytest.raises(ConfigError, match="neither"), probes.without_places(backbones.build("mobilenetv2")):
        pass
    frame = probes.places(runs("mobilenetv2"), PICTURES, np.zeros(6), 5)
    assert list(frame["places"]) == ["known"]


def test_shuffled_tiles_are_the_same_tiles_elsewhere():
    moved = probes.shuffled(PICTURES, 8)

    def tiles(pictures):
        cut = pictures.reshape(6, 8, 8, 8, 8, 3).swapaxes(2, 3).reshape(6, 64, -1)
        return [sorted(map(bytes, picture)) for picture in cut]

    assert tiles(moved) == tiles(PICTURES)
    assert (moved != PICTURES).any()
    np.testing.assert_array_equal(moved, probes.shuffled(PICTURES, 8))
    with pytest.raises(ConfigError, match="do not fill"):
        probes.shuffled(PICTURES, 9)


def test_a_roll_goes_right_and_up_and_loses_nothing():
    marked = np.zeros((1, 64, 64, 3), np.uint8)
    marked[0, 30, 30] = 255
    assert probes.rolled(marked, 4)[0, 26, 34, 0] == 255
    np.testing.assert_array_equal(probes.rolled(PICTURES, 64), PICTURES)


def test_a_transformer_without_places_does_not_see_a_roll_by_its_own_patch():
    found = runs("vit")
    net = found["vit"][0].model(5).backbone
    with probes.without_places(net):
        hidden = probes.rolls(found, PICTURES, [4, 8], 5).set_index("step")
    known = probes.rolls(found, PICTURES, [4, 8], 5).set_index("step")
    assert hidden.loc[8, "change"] < 1e-4 < hidden.loc[4, "change"]
    assert known.loc[8, "change"] > 1e-2
    assert list(known["aligned"]) == [False, True]


def test_pairs_are_refused():
    with pytest.raises(ConfigError, match="two branches"):
        probes.rolls(runs("vit", extra_roi="vit"), PICTURES, [8], 5)
