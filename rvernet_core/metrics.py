"""Accuracy, F1 and their uncertainty, all from arrays of true and predicted class indices.

Definitions, stated once:
- F1 of a class is one-vs-rest over the whole test set, 2 TP / (2 TP + FP + FN).
- macro-F1 is the mean over the classes that occur in the truth or in the predictions. A class of
  the training set that is absent from both has no F1 and is not averaged in; one that is only
  predicted counts as 0. There is never a NaN.
- pair F1 is the mean of the F1 of the two ambiguous classes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest

#: From a confusion matrix (K, K), rows truth, columns prediction, to a number.
Metric = Callable[[np.ndarray], float]
#: From the index of a seed and the samples' weights (N,), None: all equal, to a number.
Score = Callable[[int, np.ndarray | None], float]


def confusion(
    truth: np.ndarray, predicted: np.ndarray, classes: int, weights: np.ndarray | None = None
) -> np.ndarray:
    """Confusion matrix (K, K), rows truth, columns prediction; `weights` (N,) count samples several times."""
    cells = truth.astype(np.int64) * classes + predicted.astype(np.int64)
    return np.bincount(cells, weights=weights, minlength=classes * classes).reshape(classes, classes)


def accuracy(matrix: np.ndarray) -> float:
    """Top-1 accuracy in [0, 1]; 0 for an empty matrix."""
    return float(np.trace(matrix) / max(matrix.sum(), 1e-12))


def f1_per_class(matrix: np.ndarray) -> np.ndarray:
    """F1 (K,) in [0, 1]; NaN marks a class that occurs neither in the truth nor in the predictions."""
    occurs = matrix.sum(0) + matrix.sum(1)
    return np.where(occurs > 0, 2 * np.diag(matrix) / np.maximum(occurs, 1e-12), np.nan)


def macro_f1(matrix: np.ndarray) -> float:
    """Mean F1 over the classes that occur (see the module's head); 0 when none does."""
    scores = f1_per_class(matrix)
    return float(np.nanmean(scores)) if np.isfinite(scores).any() else 0.0


def pair_f1(pair: Sequence[int]) -> Metric:
    """The metric "mean F1 of the classes in `pair`"; a class that does not occur counts as 0."""

    def metric(matrix: np.ndarray) -> float:
        return float(np.nan_to_num(f1_per_class(matrix))[list(pair)].mean())

    return metric


def pair_accuracy(pair: Sequence[int]) -> Metric:
    """The metric "share of the true samples of `pair` that are classified right"."""

    def metric(matrix: np.ndarray) -> float:
        rows = matrix[list(pair)]
        return float(sum(rows[i, c] for i, c in enumerate(pair)) / max(rows.sum(), 1e-12))

    return metric


@dataclass(frozen=True)
class Estimate:
    """A metric's mean over seeds with its 95 % interval and its spread over seeds."""

    value: float
    low: float
    high: float
    spread: float  # standard deviation over seeds, 0 for one seed
    seeds: int

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def estimate(
    truth: np.ndarray,
    predictions: Sequence[np.ndarray],
    metric: Metric,
    classes: int,
    groups: np.ndarray | None = None,
    against: Sequence[np.ndarray] | None = None,
    draws: int = 1000,
    seed: int = 0,
) -> Estimate:
    """Mean of `metric` over seeds, with a percentile bootstrap over seeds and over test samples.

    Each draw resamples the seeds and, jointly for all of them, the photos: samples cut from one photo
    share its table, light and companions, so they are drawn together.

    Args:
        truth: (N,) class indices.
        predictions: one (N,) array per seed.
        groups: (N,) any hashable photo names; None: every sample is its own group.
        against: if given, the same seeds of another model; the estimate is then of the difference
            metric(predictions) - metric(against), seed by seed and sample by sample.
    """

    def score(index: int, weights: np.ndarray | None) -> float:
        value = metric(confusion(truth, predictions[index], classes, weights))
        if against is not None:
            value -= metric(confusion(truth, against[index], classes, weights))
        return value

    members = np.arange(len(truth)) if groups is None else groups
    return bootstrap(score, len(predictions), members, draws, seed)


def bootstrap(score: Score, seeds: int, groups: np.ndarray, draws: int = 1000, seed: int = 0) -> Estimate:
    """`estimate` for any number that can be computed from one seed's results and weights of the samples.

    Args:
        score: of the seed with this index, each sample counted `weights` (N,) times, or once for None.
        seeds: how many there are. groups: (N,) any hashable photo names.
    """
    rng = np.random.default_rng(seed)
    members = np.unique(groups, return_inverse=True)[1]
    photos = int(members.max()) + 1
    exact = np.array([score(i, None) for i in range(seeds)])
    sampled = np.empty(draws)
    for draw in range(draws):
        weights = np.bincount(rng.integers(photos, size=photos), minlength=photos)[members].astype(float)
        chosen = rng.integers(seeds, size=seeds)
        sampled[draw] = np.mean([score(i, weights) for i in chosen])
    low, high = np.quantile(sampled, [0.025, 0.975])
    spread = float(exact.std(ddof=1)) if len(exact) > 1 else 0.0
    return Estimate(float(exact.mean()), float(low), float(high), spread, len(exact))


@dataclass(frozen=True)
class McNemar:
    """Exact McNemar test of two models on the same samples."""

    only_first: int  # samples that only the first model gets right
    only_second: int
    p_value: float  # two-sided, of the null that both are equally likely


def mcnemar(truth: np.ndarray, first: np.ndarray, second: np.ndarray) -> McNemar:
    """Exact binomial McNemar test (https://doi.org/10.1007/BF02295996) on (N,) predictions."""
    right_first, right_second = first == truth, second == truth
    b = int((right_first & ~right_second).sum())
    c = int((~right_first & right_second).sum())
    return McNemar(b, c, float(binomtest(b, b + c).pvalue) if b + c else 1.0)
