"""Made-up ambiguous pairs, and the scores of two nets on them."""

import pandas as pd

from rvernet_core.experiments.ketchup_vs_chili import Ambiguous

CLASSES = ("ketchup", "chili paste")
CEILINGS = {"ceiling, ROI": 0.691, "ceiling, ROI + context": 0.9012}
PAIR = Ambiguous(CLASSES, list(range(10)), (6, 4), 1.0, 0.9, CEILINGS)
DRINKS = Ambiguous(
    ("water", "liquor"), [0, 1], (3, 4), 0.0, 0.9, dict(zip(CEILINGS, (0.5, 0.9), strict=True))
)
OTHER = Ambiguous(("beef", "pork"), [0, 1], (1, 1), None, None, {})


def scores():
    return pd.DataFrame(
        {
            "model": ["vit + mobilenetv2", "vit"],
            "kind": ["RveRNet", "single"],
            "seeds": 2,
            "parameters": [250, 100],
            "seconds": [2.0, 1.0],
        }
        | {
            f"{metric}{bound}": [0.8 + step, 0.6 + step]
            for metric in ("pair_f1", "pair_accuracy")
            for bound, step in (("", 0), ("_low", -0.05), ("_high", 0.05), ("_spread", 0.01))
        }
    )
