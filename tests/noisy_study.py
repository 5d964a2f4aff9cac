"""A study of 100 made-up photos whose models err as WRONG says, clean and under noise."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
from small_sets import make_predictions

from rvernet_core.config import CLEAN
from rvernet_core.experiments.profiles import PROFILES

CLASSES = ("rice", "egg", "ketchup", "chili paste")
LABELS = np.tile(np.arange(4), 50)  # of 100 photos, two samples each
VIT_MIXER = ("vit", "mlp-mixer")
#: Samples in twenty that each model gets wrong: clean, and under each noise.
WRONG = {
    "vit": {"": 2, "permutation": 4, "translocation": 12},
    "mlp-mixer": {"": 2, "permutation": 12, "translocation": 4},
    VIT_MIXER: {"": 2, "permutation": 8, "translocation": 12},
}


def answers(model, kind="", condition=CLEAN):
    """Predictions of a model at two seeds; noise on the extra-ROI alone costs nothing."""
    wrong = WRONG[model]["" if condition.on == ("extra_roi",) else kind]
    predicted = np.where(np.arange(200) % 20 < wrong, (LABELS + 1) % 4, LABELS)
    keys = {f"k{i}" for i in range(2 * (condition.photos or 100))}
    return [make_predictions(predicted, LABELS, seed, condition=condition).on(keys) for seed in (0, 1)]


class MadeUp:
    """A study whose models err as WRONG says; `evaluated` keeps the conditions that were asked for."""

    profile = replace(PROFILES["demo"], evaluation_photos=80)
    backbones, classes = ("vit", "mlp-mixer"), CLASSES
    store = SimpleNamespace(device="cpu")

    def __init__(self, pairs=(VIT_MIXER,)):
        samples = [SimpleNamespace(key=f"k{i}", image_id=f"p{i // 2}") for i in range(200)]
        self.data = SimpleNamespace(test=SimpleNamespace(samples=samples, mask=self.mask))
        self._pairs = pairs
        self.evaluated = []

    def mask(self, i):
        """Even samples fill the photo, odd ones lie in its uppermost rows."""
        mask = np.zeros((64, 64), bool)
        mask[: 64 if i % 2 == 0 else 8] = True
        return mask

    def singles(self):
        return dict.fromkeys(self.backbones)

    def pairs(self):
        return dict.fromkeys(self._pairs)

    def predictions(self, models):
        return {model: answers(model) for model in models}

    def evaluate(self, models, conditions):
        self.evaluated += conditions.values()
        return {
            name: {model: answers(model, c.noise.kind, c) for model in models}
            for name, c in conditions.items()
        }
