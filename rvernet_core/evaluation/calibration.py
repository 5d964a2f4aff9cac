"""How far a model's beliefs about an ambiguous item lie from the exact posterior of the ideal observer.

A belief is the probability of a pair's first class among the two. It is compared with what can be known from
the cues that a model sees: from the look for a single model, from look and company for an RveRNet.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rvernet_core.predictions import Predictions
from rvernet_core.uncertainty import Measured, measure_mean

DIGITS = 3  # of a probability, as the record publishes it
SURE = 0.01  # beliefs and posteriors are kept this far from 0 and 1, so that one item cannot decide


def beliefs(
    runs: Sequence[Predictions], pair: tuple[str, str], index: NDArray[np.int64]
) -> NDArray[np.float64] | None:
    """(S, N) in [0, 1]: probability of the first of `pair` among the two, at the samples `index` (N,).

    Half where a model gives neither any. None where the probabilities were not kept.
    """
    columns = [f"p {name}" for name in pair]
    if any(column not in run.table for run in runs for column in columns):
        return None
    p = np.stack([run.table[columns].to_numpy(float)[index] for run in runs]).round(DIGITS)  # (S, N, 2)
    if np.isnan(p).any():
        return None
    both = p.sum(-1)
    return np.where(both > 0, p[..., 0] / np.maximum(both, 1e-12), 0.5)


def distance(believed: NDArray, posterior: NDArray, photos: NDArray) -> Measured:
    """Mean absolute difference of beliefs (S, N) to the exact posterior (N,), in [0, 1]."""
    return measure_mean(np.abs(believed - posterior), photos)


def excess(believed: NDArray, posterior: NDArray, first: NDArray, photos: NDArray) -> Measured:
    """Log loss of beliefs (S, N) minus that of the posterior (N,), in nats an item; first: the truth (N,).

    What over-confidence and ignored cues cost beyond what nobody can know.
    """

    def loss(p: NDArray) -> NDArray:
        p = p.clip(SURE, 1 - SURE)
        return -np.log(np.where(first, p, 1 - p))

    return measure_mean(loss(believed) - loss(posterior), photos)
