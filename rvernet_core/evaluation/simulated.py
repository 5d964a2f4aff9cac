"""How often the intervals of `uncertainty` hold the truth: made-up test sets whose true scores are known.

Photos of two ambiguous foods are answered by models at several seeds. Whether an answer is right is a probit
of a level, plus what is drawn for the seed, for the photo (shared by its samples and by all seeds) and for
the sample (shared by all seeds); every seed leans towards one of the two foods. So the expected score over
all seeds and photos is an integral of normal distributions, and a repetition is one draw of seeds and photos.

    coverage(REGIMES["seeds"], "accuracy", seeds=3)   ->  0.95
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtr  # the normal distribution

from rvernet_core import uncertainty

SAMPLES = 2  # of a photo, one of each food
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(48)
SCORES = ("accuracy", "F1", "difference of accuracies", "difference of F1")


@dataclass(frozen=True)
class Regime:
    """What makes scores vary: standard deviations on the probit scale."""

    seed: float  # of the level between seeds
    leaning: float  # of a seed's preference for one of the two foods
    photo: float
    sample: float
    level: float = 1.0
    other: float = 0.9  # level of the other model of a difference


#: Which of the two says most about the spread of a mean over five seeds on 150 photos.
REGIMES = {
    "seeds": Regime(seed=0.5, leaning=0.4, photo=0.1, sample=0.2),
    "photos": Regime(seed=0.02, leaning=0.02, photo=1.5, sample=1.5),
    "both": Regime(seed=0.15, leaning=0.15, photo=0.7, sample=0.9),
    "neither": Regime(seed=0.0, leaning=0.0, photo=0.0, sample=0.0),
    "nearly perfect": Regime(seed=0.1, leaning=0.1, photo=0.5, sample=0.5, level=2.6, other=2.6),
}


def truth(regime: Regime, score: str, level: float | None = None) -> float:
    """The expected score over all seeds and photos."""
    level = regime.level if level is None else level
    if score.startswith("difference"):
        of = {"difference of accuracies": "accuracy", "difference of F1": "F1"}[score]
        return truth(regime, of) - truth(regime, of, regime.other)
    spread = np.sqrt(1 + regime.photo**2 + regime.sample**2)
    seed, leaning = np.meshgrid(level + regime.seed * NODES, regime.leaning * NODES, indexing="ij")
    right = np.stack([ndtr((seed + leaning) / spread), ndtr((seed - leaning) / spread)])  # of each food
    weights = np.outer(WEIGHTS, WEIGHTS) / WEIGHTS.sum() ** 2
    return float((_score(score, right, np.ones(2)) * weights).sum())


def coverage(
    regime: Regime, score: str, seeds: int, photos: int = 150, repetitions: int = 2000, seed: int = 0
) -> float:
    """Share of the repetitions whose 95 % interval holds the true score."""
    rng = np.random.default_rng([seed, seeds, photos])
    covered, expected = 0, truth(regime, score)
    for part in np.array_split(np.arange(repetitions), -(-repetitions // 500)):  # bounds memory
        exact, without = _scores(regime, score, len(part), seeds, photos, rng)
        kind = "difference" if score.startswith("difference") else "share"
        covariance = uncertainty.photo_covariance(without)
        variance = uncertainty.variance_of_mean(exact, covariance, photos, kind)
        low, high = uncertainty.bounds(exact.mean(-1), variance, photos, kind)
        covered += int(((low <= expected) & (expected <= high)).sum())
    return covered / repetitions


def coverage_table(
    repetitions: int = 2000, seeds: tuple[int, ...] = (1, 3, 5), photos: int = 150
) -> pd.DataFrame:
    """One row per regime, score and number of seeds; at one seed the interval is over photos alone."""
    rows = [
        {
            "regime": name,
            "score": score,
            "seeds": count,
            "coverage": coverage(r, score, count, photos, repetitions),
        }
        for name, r in REGIMES.items()
        for score in SCORES
        for count in seeds
    ]
    return pd.DataFrame(rows)


def _scores(
    regime: Regime, score: str, repetitions: int, seeds: int, photos: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Scores (R, S) on all photos, and (R, P, S) with one left out."""
    shape = (repetitions, 1, photos, SAMPLES)
    hard = regime.photo * rng.standard_normal((repetitions, 1, photos, 1))
    hard = hard + regime.sample * rng.standard_normal(shape)
    levels = (regime.level, regime.other) if score.startswith("difference") else (regime.level,)
    scores = []
    for level in levels:
        own = level + regime.seed * rng.standard_normal((repetitions, seeds, 1, 1))
        leaning = regime.leaning * rng.standard_normal((repetitions, seeds, 1, 1)) * np.array([1, -1])
        chance = rng.standard_normal((repetitions, seeds, photos, SAMPLES), dtype=np.float32)
        right = (own + leaning + hard + chance > 0).astype(np.int16)  # (R, S, P, food)
        total = right.sum(2)
        whole = np.full(2, photos)
        exact = _score(score, np.moveaxis(total, -1, 0), whole)
        left = _score(score, np.moveaxis(total[:, :, None] - right, -1, 0), whole - 1)
        scores.append((exact, np.swapaxes(left, 1, 2)))
    if len(scores) == 1:
        return scores[0]
    return scores[0][0] - scores[1][0], scores[0][1] - scores[1][1]


def _score(score: str, right: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Accuracy or mean F1 of two foods, of which `right` (2, ...) of `count` (2,) are right each."""
    if "accurac" in score:
        return right.sum(0) / count.sum()
    wrong = [count[0] - right[0], count[1] - right[1]]
    f1 = [2 * right[k] / np.maximum(2 * right[k] + wrong[k] + wrong[1 - k], 1e-12) for k in (0, 1)]
    return (f1[0] + f1[1]) / 2
