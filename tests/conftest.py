"""What tests share: one thread, no network, tiny data."""

from __future__ import annotations

import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # no test may reach a hub
os.environ.setdefault("TQDM_DISABLE", "1")

import pytest
import torch
from small_sets import make_cutouts, make_predictions

from rvernet_core.data.cutout_set import CutoutSet

torch.set_num_threads(1)


@pytest.fixture
def cutouts() -> CutoutSet:
    """The small training set of `make_cutouts`."""
    return make_cutouts(0)


@pytest.fixture
def unseen() -> CutoutSet:
    """Another draw from the same law."""
    return make_cutouts(1)


@pytest.fixture(name="make_predictions")
def _make_predictions():
    """`small_sets.make_predictions`, for tests that build their own models' answers."""
    return make_predictions
