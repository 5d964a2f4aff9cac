"""The table that decides the size of the micro nets' pictures, on a handful of made-up ones."""

import numpy as np
import pytest
import torch

from rvernet_core.models import backbones
from zoo import pretrain as engine
from zoo import train_backbones, train_sizes
from zoo.pretrain import Pictures


@pytest.fixture
def few(tmp_path, monkeypatch):
    """The command on few noisy pictures of two brightnesses, writing below tmp_path."""
    rng = np.random.default_rng(0)
    labels = (np.arange(16) % 2).astype(np.int16)
    images = rng.integers(0, 90, (16, 112, 112, 3), dtype=np.uint8)
    images[labels == 1] += 160
    monkeypatch.setattr(train_backbones, "thing_corpus", lambda *_: (images, labels))
    monkeypatch.setattr(train_backbones.Zoo, "best_rate", lambda *_: 1e-3)
    monkeypatch.setattr(engine, "BATCH", 8)
    page = tmp_path / "sizes.md"
    places = [f"--cache={tmp_path}", f"--parts={tmp_path / 'parts'}", f"--out={page}"]
    return lambda: train_sizes.main(["--sizes", "64", "112", "--pictures", "16", *places]), page


def test_every_net_is_measured_at_every_size_and_nothing_twice(few, monkeypatch):
    command, page = few
    command()
    text = page.read_text()
    assert text.count("| MLP-Mixer | ") == text.count("| MobileNetV2 | ") == 2
    assert "|  | 64 px | 112 px |" in text
    monkeypatch.setattr(engine, "batch_of", lambda *_: pytest.fail("trained again"))
    command()
    assert page.read_text() == text


def test_pictures_are_averaged_not_picked():
    checks = (np.indices((4, 112, 112)).sum(0) % 2 * 200).astype(np.uint8)
    pictures = Pictures(np.repeat(checks[..., None], 3, 3), np.zeros(4, np.int16))
    small = train_sizes.resized(pictures, 56, 3)
    assert small.images.shape == (3, 56, 56, 3)
    assert (small.images == 100).all()
    assert np.array_equal(train_sizes.resized(pictures, 112, 4).images, pictures.images)


@pytest.mark.parametrize("name", backbones.BACKBONES)
def test_the_nets_take_the_sizes_that_are_compared(name):
    for size in train_sizes.SIZES:
        net = backbones.untrained(name, size).eval()
        assert net(torch.zeros(1, 3, size, size)).shape == (1, backbones.MICRO_LABELS)
