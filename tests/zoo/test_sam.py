"""The micro Segment Anything of the zoo: its training parts, and what the shipped weights can do."""

import argparse

import numpy as np
import pytest
import torch

from rvernet_core import files
from rvernet_core.errors import CheckpointError, TrainingError
from rvernet_core.masking.nets import build_micro
from rvernet_core.masking.sam import load_sam
from rvernet_core.models import zoo
from rvernet_plates import FOODS, PlatesSpec, render_scene
from zoo import train_sam
from zoo.sam_examples import Namer, augment, draw_batch, draw_prompts, encode, forward, initialise, losses


class Scenes:
    """Freshly rendered scenes with the store's interface."""

    def __init__(self, seeds):
        self._scenes = [render_scene(PlatesSpec(), seed) for seed in seeds]

    def __len__(self):
        return len(self._scenes)

    def image(self, i):
        return self._scenes[i].image

    def instances(self, i):
        return self._scenes[i].instances

    def items(self, i):
        return self._scenes[i].items


@pytest.fixture(scope="module")
def scenes():
    return Scenes(range(49_000_000, 49_000_008))  # neither the data sets' nor the training's


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


# --- lessons --------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(128, 128), (96, 128), (128, 96), (192, 256)])
def test_augmentation_keeps_image_and_instances_together(shape):
    rows, columns = shape
    instances = np.zeros(shape, np.uint8)
    instances[rows // 6 : rows // 2, columns // 4 : columns * 3 // 4] = 1
    image = np.where(instances[..., None] == 1, 200, 40).astype(np.uint8).repeat(3, 2)
    padded = 0
    for seed in range(40):
        picture, labels = augment(image, instances, np.random.default_rng(seed))
        assert picture.shape == (128, 128, 3)
        bright = picture.astype(int).mean(2)
        assert bright[labels == 1].mean() > bright[labels == 0].mean() + 80
        assert (labels[0] != 255).all() or (labels[:, 0] != 255).all()  # padded at the right or bottom only
        padded += (labels == 255).any()
        assert not picture[labels == 255].any()
    assert padded < 20 if rows == columns else padded > 30


def test_padding_is_zero_to_the_net_as_in_sams_own_preprocessing():
    class Wide(Scenes):
        def image(self, i):
            return super().image(i)[:96]

        def instances(self, i):
            return super().instances(i)[:96]

    model = build_micro()
    batch = draw_batch(Wide([49_000_000]), 0, 0, 6, 2, 2)
    normalised = (batch["images"] - model.pixel_mean) / model.pixel_std
    padding = (batch["classes"] == -1).repeat_interleave(2, 1).repeat_interleave(2, 2)
    assert padding.any(dim=(1, 2)).all()
    assert normalised.permute(0, 2, 3, 1)[padding].abs().max() < 1e-5


def test_prompts_lie_on_what_they_ask_for(scenes):
    rng = np.random.default_rng(0)
    for extra in (0, 2):
        for k, is_box, coords, labels in draw_prompts(scenes.instances(0), 20, 20, extra, rng):
            inside = scenes.instances(0) == k
            assert ((coords >= 0) & (coords <= 128)).all()
            if is_box:
                assert labels[:2].tolist() == [2, 3]
                assert (coords[1] > coords[0]).all()
            else:
                assert labels[:2].tolist() == [1, -1]
            for (x, y), label in zip(coords.astype(int), labels, strict=True):
                if label in (0, 1):
                    assert inside[y, x] == bool(label)
    assert draw_prompts(np.zeros((128, 128), np.uint8), 2, 2, 0, rng) == []


def test_batch_is_a_function_of_seed_and_step(scenes):
    one, two = draw_batch(scenes, 3, 0, 2, 2, 2), draw_batch(scenes, 3, 0, 2, 2, 2)
    other = draw_batch(scenes, 4, 0, 2, 2, 2)
    assert all(torch.equal(one[k], two[k]) for k in one)
    assert not torch.equal(one["images"], other["images"])
    assert one["target"].shape == (8, 1, 64, 64)
    assert one["classes"].shape == (2, 64, 64)
    assert 0 < one["classes"].max() <= len(FOODS)


@pytest.mark.parametrize("step", range(6))
def test_batched_decoder_equals_the_stock_one(scenes, step):
    torch.manual_seed(0)
    model = build_micro()
    batch = draw_batch(scenes, step, 0, 3, 2, 2)
    with torch.no_grad():
        masks, quality, tokens = forward(model, batch)
        assert tokens.shape == (3, 16, 16, 128)
        stock = model.image_encoder((batch["images"] - model.pixel_mean) / model.pixel_std)
        torch.testing.assert_close(encode(model, batch["images"])[1], stock, rtol=0, atol=1e-4)
        for i in range(len(masks)):
            coords, labels = batch["coords"][i : i + 1], batch["labels"][i : i + 1]
            if batch["is_box"][i]:
                points = (coords[:, 2:], labels[:, 2:]) if labels.shape[1] > 2 else None
                boxes = coords[:, :2].reshape(1, 4)
            else:  # the pad, second here, comes last there; attention does not mind the order
                real = labels[0] >= 0
                points, boxes = (coords[:, real], labels[:, real]), None
            sparse, dense = model.prompt_encoder(points=points, boxes=boxes, masks=None)
            alone, score = model.mask_decoder.predict_masks(
                stock[batch["index"][i]][None], model.prompt_encoder.get_dense_pe(), sparse, dense
            )
            torch.testing.assert_close(masks[i], alone[0], rtol=0, atol=1e-3)
            torch.testing.assert_close(quality[i], score[0], rtol=0, atol=1e-3)


def test_initial_weights_align_queries_and_keys():
    torch.manual_seed(0)
    model = build_micro()
    initialise(model)
    block = model.image_encoder.blocks[0].attn
    query, key, value = block.qkv.weight.view(3, 128, 128)
    assert (query.T @ key).diag().mean() > 0.3
    assert (block.proj.weight @ value).diag().mean() < -0.3
    attention = model.mask_decoder.transformer.layers[0].cross_attn_token_to_image
    assert torch.equal(attention.q_proj.weight, attention.k_proj.weight)
    assert model.prompt_encoder.pe_layer.positional_encoding_gaussian_matrix.norm(dim=0).max() <= 1.51


def test_namer_puts_each_class_in_its_place():
    namer = Namer(8)
    torch.nn.init.zeros_(namer.weight)
    with torch.no_grad():
        kinds = len(FOODS) + 1
        namer.bias.copy_(torch.arange(kinds).repeat_interleave(16) * 100 + torch.arange(16.0).repeat(kinds))
    named = namer(torch.zeros(1, 2, 3, 8))
    assert named.shape == (1, kinds, 8, 12)
    assert named[0, 7, 5, 6] == 7 * 100 + (5 % 4) * 4 + 6 % 4


def test_losses_fall_as_masks_improve(scenes):
    batch = draw_batch(scenes, 0, 0, 2, 3, 3)
    right = batch["target"].logit(eps=1e-6).expand(-1, 4, -1, -1)
    quality = torch.ones(len(right), 4)
    for balance in (0.0, 0.5, 1.0):
        good = losses(right, quality, batch, balance)
        bad = losses(-right, quality, batch, balance)
        assert good["mask"] < 1 < 5 < bad["mask"]
        assert good["quality"] < bad["quality"]


# --- training -------------------------------------------------------------------------------------


def arguments(**changes):
    settings = {"steps": 4, "lr": 1e-3, "seed": 0, "images": 2, "boxes": 2, "points": 2, "every": 2}
    return argparse.Namespace(**{**settings, **changes})


def test_schedule_warms_up_stays_and_ends_at_zero():
    assert train_sam.rate(0, 1000, 1.0) == pytest.approx(0.01)
    assert train_sam.rate(99, 1000, 1.0) == train_sam.rate(600, 1000, 1.0) == 1.0
    assert train_sam.rate(800, 1000, 1.0) == pytest.approx(0.5)
    assert train_sam.rate(999, 1000, 1.0) < 0.01


@pytest.fixture
def small_corpus(monkeypatch):
    """The training's command without the rendering of ten thousand scenes."""
    monkeypatch.setattr(train_sam, "scene_store", lambda _, seeds, *rest: Scenes(seeds))


def test_fault_32_interrupted_training_ends_with_the_same_weights(scenes, tmp_path, monkeypatch):
    monkeypatch.setattr(train_sam, "evaluate", lambda *_: {})
    for name in ("whole", "broken"):
        (tmp_path / name).mkdir()
    whole, history = train_sam.train(scenes, scenes, tmp_path / "whole", arguments())
    assert [h["step"] for h in history] == [2, 4]

    def stop(scenes, step, *rest):
        if step == 3:
            raise KeyboardInterrupt
        return draw_batch(scenes, step, *rest)

    monkeypatch.setattr(train_sam, "draw_batch", stop)
    with pytest.raises(KeyboardInterrupt):
        train_sam.train(scenes, scenes, tmp_path / "broken", arguments())
    monkeypatch.setattr(train_sam, "draw_batch", draw_batch)
    broken, history = train_sam.train(scenes, scenes, tmp_path / "broken", arguments())
    assert [h["step"] for h in history] == [2, 4]
    for one, two in zip(whole.parameters(), broken.parameters(), strict=True):
        assert torch.equal(one, two)


def test_fault_34_loss_that_is_not_finite_stops_the_training(scenes, tmp_path):
    with pytest.raises(TrainingError, match="at step 1"):
        train_sam.train(scenes, scenes, tmp_path, arguments(lr=float("inf")))
    assert not list(tmp_path.iterdir())


def test_command_writes_weights_facts_and_card(small_corpus, tmp_path):
    train_sam.main(
        [
            *("--steps=2", "--scenes=4", "--unseen=2", "--images=2", "--boxes=2", "--points=2", "--every=2"),
            *(f"--folder={tmp_path / 'f'}", f"--out={tmp_path / 'o'}"),
        ]
    )
    out = tmp_path / "o"
    assert sorted(p.name for p in out.iterdir()) == [
        f"sam-micro.{end}" for end in ("json", "md", "safetensors")
    ]
    assert files.sha256(out / "sam-micro.safetensors") in (out / "sam-micro.md").read_text()
    assert load_sam("micro", out / "sam-micro.safetensors").name == "micro"


# --- the shipped weights --------------------------------------------------------------------------


def test_card_tells_of_these_weights():
    facts, path = zoo.CARDS["sam-micro"], zoo.weights_path("sam-micro")
    assert files.sha256(path) == facts["sha256"]
    assert path.stat().st_size == facts["bytes"] < 2_500_000
    assert facts["metrics"]["box"] >= 0.88
    assert facts["metrics"]["point"] >= 0.85
    assert facts["metrics"]["scenes"] >= 200
    card = path.with_suffix(".md").read_text()
    assert facts["sha256"] in card
    assert facts["command"] in card


def test_unknown_weights_are_named():
    with pytest.raises(CheckpointError, match="sam-micro"):
        zoo.weights_path("sam-mikro")


def test_shipped_net_masks_unseen_scenes(scenes):
    measured = train_sam.evaluate(load_sam("micro").model, scenes)
    assert measured["prompts"] >= 24
    assert measured["box"] > 0.8
    assert measured["point"] > 0.75
    assert measured["score_error"] < 0.15


def test_shipped_net_finds_the_foods_by_itself(scenes):
    masker, found, total = load_sam("micro"), 0, 0
    for i in range(4):
        masks, _ = masker.automatic(scenes.image(i))
        for k in range(1, scenes.instances(i).max() + 1):
            exact = scenes.instances(i) == k
            if np.count_nonzero(exact) >= 60:
                overlaps = [(m & exact).sum() / (m | exact).sum() for m in masks]
                found, total = found + (max(overlaps, default=0) > 0.6), total + 1
    assert found / total > 0.6
