"""Made-up cut-outs and predictions, small enough to check by hand; conftest.py makes fixtures of them."""

import numpy as np
import pandas as pd

from rvernet_core.config import RunSpec, to_dict
from rvernet_core.data.cutout_set import CutoutSet
from rvernet_core.models.backbones import input_size
from rvernet_core.predictions import Predictions

SIDE = input_size("micro")  # of the pictures that a micro net sees


def make_cutouts(seed: int) -> CutoutSet:
    """60 samples of 112 px from 30 photos, 4 classes: two differ by colour, two by their context alone."""
    rng = np.random.default_rng(seed)
    labels = np.tile(np.arange(4), 15)
    roi = rng.integers(0, 60, (60, SIDE, SIDE, 3)).astype(np.uint8)
    extra_roi = rng.integers(0, 60, (60, SIDE, SIDE, 3)).astype(np.uint8)
    roi[labels == 0, 28:84, 28:84, 0] = 220
    roi[labels == 1, 28:84, 28:84, 1] = 220
    roi[labels >= 2, 28:84, 28:84, 2] = 220  # 2 and 3 look alike ...
    extra_roi[labels == 3, :28, :, 1] = 220  # ... and differ in what lies beside them
    return CutoutSet.from_arrays(
        roi,
        extra_roi,
        labels=labels,
        keys=tuple(f"{c}/{i}" for i, c in enumerate(labels)),
        image_ids=tuple(f"photo{i // 2:02d}" for i in range(60)),
        classes=("rice", "egg", "ketchup", "chili paste"),
        fitted=np.full((60, 2), SIDE),
        data="fixture",
        fingerprint=f"fixture-{seed}",
    )


def make_predictions(
    predicted, labels, seed=0, *, run="", spec=None, condition=None, **columns
) -> Predictions:
    """Predictions (N,) of samples k0, k1, ... with these labels (N,), two of each photo p0, p1, ...

    `columns` are further columns of the table, or replace key, image_id and label.
    """
    samples = {
        "key": [f"k{i}" for i in range(len(labels))],
        "image_id": [f"p{i // 2}" for i in range(len(labels))],
        "label": np.asarray(labels),
    }
    spec = RunSpec(seed=seed) if spec is None else spec
    return Predictions(
        run or f"run{seed}",
        spec,
        pd.DataFrame(samples | {"predicted": np.asarray(predicted)} | columns),
        {"spec": to_dict(spec), "parameters": 7, "seconds": 2.0, "history": []},
        **({} if condition is None else {"condition": condition}),
    )
