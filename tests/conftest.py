"""What tests share: one thread, no network, tiny data."""

from __future__ import annotations

import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # no test may reach a hub
os.environ.setdefault("TQDM_DISABLE", "1")

import numpy as np
import pytest
import torch

from rvernet_core.data.cutout_set import Pairs

torch.set_num_threads(1)


def make_pairs(seed: int) -> Pairs:
    """60 pairs of 64-px cut-outs from 30 photos, 4 classes told by colour, two of them by context only."""
    rng = np.random.default_rng(seed)
    labels = np.tile(np.arange(4), 15)
    roi = rng.integers(0, 60, (60, 64, 64, 3)).astype(np.uint8)
    extra_roi = rng.integers(0, 60, (60, 64, 64, 3)).astype(np.uint8)
    roi[labels == 0, 16:48, 16:48, 0] = 220
    roi[labels == 1, 16:48, 16:48, 1] = 220
    roi[labels >= 2, 16:48, 16:48, 2] = 220  # 2 and 3 look alike ...
    extra_roi[labels == 3, :16, :, 1] = 220  # ... and are told by what lies beside them
    return Pairs(
        roi=roi,
        extra_roi=extra_roi,
        labels=labels,
        keys=tuple(f"{c}/{i}" for i, c in enumerate(labels)),
        image_ids=tuple(f"photo{i // 2:02d}" for i in range(60)),
        classes=("rice", "egg", "ketchup", "chili paste"),
        fitted=np.full((60, 2), 64),
        fingerprint=f"fixture-{seed}",
    )


@pytest.fixture
def pairs() -> Pairs:
    """The small training set of `make_pairs`."""
    return make_pairs(0)


@pytest.fixture
def unseen() -> Pairs:
    """Another draw from the same law."""
    return make_pairs(1)
