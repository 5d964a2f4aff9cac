"""Answers that are right or wrong by chance, two samples a photo, and the accuracy measured on them."""

import numpy as np

from rvernet_core import metrics
from rvernet_core.uncertainty import measure

PHOTOS = np.arange(200) // 2


def accuracy(right, photos=PHOTOS):
    """Measured accuracy of answers that are right (S, N) on samples of these photos."""
    right = np.atleast_2d(right).astype(np.int64)

    def score(i, count):
        return metrics.accuracy(metrics.confusions(count, np.ones(len(photos), int), right[i], 2))

    return measure(score, len(right), photos)


def draws(*levels, seed=0, samples=200):
    rng = np.random.default_rng(seed)
    return np.stack([rng.random(samples) < level for level in levels])
