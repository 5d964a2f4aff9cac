"""Random photos of every shape, for tests that compare transforms pixel by pixel."""

import numpy as np

#: (width, height): odd and even, wide and tall, the longer side equal to, below and above the target
SIZES = [
    (640, 480),
    (481, 640),
    (224, 224),
    (224, 100),
    (99, 224),
    (113, 57),
    (31, 500),
    (500, 375),
    (17, 16),
]
SIZES += [(196, 150), (107, 64), (64, 64), (225, 223), (1000, 333)]


def photo(width, height, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
