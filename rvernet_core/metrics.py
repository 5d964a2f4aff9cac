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
from scipy import sparse
from scipy.stats import binomtest

#: From confusion matrices (..., K, K), rows truth, columns prediction, to numbers (...).
Metric = Callable[[np.ndarray], np.ndarray]
#: From the cell (N,) into which each sample falls, and how many cells there are, to how many samples lie
#: in each cell in every draw of the bootstrap: (D, cells).
Count = Callable[[np.ndarray, int], np.ndarray]
#: From the index of a seed and a Count to one number per draw (D,).
Score = Callable[[int, Count], np.ndarray]


def confusion(truth: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Confusion matrix (K, K), rows truth, columns prediction, of class indices (N,)."""
    return confusions(once, truth, predicted, classes)[0]


def confusions(count: Count, truth: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Confusion matrices (D, K, K), one for every draw of `count`."""
    cells = truth.astype(np.int64) * classes + predicted.astype(np.int64)
    return count(cells, classes * classes).reshape(-1, classes, classes)


def accuracy(matrix: np.ndarray) -> np.ndarray:
    """Top-1 accuracy in [0, 1] of matrices (..., K, K); 0 for an empty one."""
    return np.trace(matrix, axis1=-2, axis2=-1) / np.maximum(matrix.sum((-2, -1)), 1e-12)


def f1_per_class(matrix: np.ndarray) -> np.ndarray:
    """F1 (..., K) in [0, 1]; NaN marks a class that occurs neither in the truth nor in the predictions."""
    occurs = matrix.sum(-2) + matrix.sum(-1)
    hits = np.diagonal(matrix, axis1=-2, axis2=-1)
    return np.where(occurs > 0, 2 * hits / np.maximum(occurs, 1e-12), np.nan)


def macro_f1(matrix: np.ndarray) -> np.ndarray:
    """Mean F1 over the classes that occur (see the module's head); 0 when none does."""
    scores = f1_per_class(matrix)
    return np.nansum(scores, -1) / np.maximum(np.isfinite(scores).sum(-1), 1)


def pair_f1(pair: Sequence[int]) -> Metric:
    """The metric "mean F1 of the classes in `pair`"; a class that does not occur counts as 0."""

    def metric(matrix: np.ndarray) -> np.ndarray:
        return np.nan_to_num(f1_per_class(matrix))[..., list(pair)].mean(-1)

    return metric


def pair_accuracy(pair: Sequence[int]) -> Metric:
    """The metric "share of the true samples of `pair` that are classified right"."""

    def metric(matrix: np.ndarray) -> np.ndarray:
        rows = matrix[..., list(pair), :]
        hits = sum(rows[..., i, c] for i, c in enumerate(pair))
        return hits / np.maximum(rows.sum((-2, -1)), 1e-12)

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

    def score(i: int, count: Count) -> np.ndarray:
        value = metric(confusions(count, truth, predictions[i], classes))
        if against is not None:
            value = value - metric(confusions(count, truth, against[i], classes))
        return value

    members = np.arange(len(truth)) if groups is None else groups
    return bootstrap(score, len(predictions), members, draws, seed)


def bootstrap(score: Score, seeds: int, groups: np.ndarray, draws: int = 1000, seed: int = 0) -> Estimate:
    """`estimate` for any number that can be computed from how many samples of one seed fall into which cell.

    Args:
        score: of the seed with this index, for every draw of a Count.
        seeds: how many there are. groups: (N,) any hashable photo names.
    """
    members = np.unique(groups, return_inverse=True)[1]
    weights, chosen = _resamples(int(members.max()) + 1, seeds, draws, seed)
    parts = [_counting(members, part) for part in np.array_split(weights, -(-draws // 200))]  # bounds memory
    exact, sampled = np.empty(seeds), np.zeros(draws)
    for i in range(seeds):
        exact[i] = score(i, once)[0]
        sampled += chosen[:, i] * np.concatenate([score(i, count) for count in parts])
    return _estimate(exact, sampled)


def estimate_mean(
    values: np.ndarray, groups: np.ndarray | None = None, draws: int = 1000, seed: int = 0
) -> Estimate:
    """Mean of numbers measured per sample, with the bootstrap of `estimate`.

    values: (N,), or (seeds, N) for several runs on the same samples; give differences to compare in pairs.
    groups: (N,) any hashable photo names; None: every sample is its own group.
    """
    values = np.atleast_2d(np.asarray(values, float))
    runs, samples = values.shape
    members = np.arange(samples) if groups is None else np.unique(groups, return_inverse=True)[1]
    photos = int(members.max()) + 1
    sums = np.stack([np.bincount(members, row, photos) for row in values])  # (seeds, photos)
    sizes = np.bincount(members, minlength=photos)
    weights, chosen = _resamples(photos, runs, draws, seed)
    sampled = ((weights @ sums.T) * chosen).sum(1) / np.maximum(weights @ sizes, 1)
    return _estimate(values.mean(1), sampled)


def _resamples(photos: int, seeds: int, draws: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """How often each photo is drawn, (draws, photos), and the share of each seed, (draws, seeds)."""
    rng = np.random.default_rng(seed)
    weights = rng.multinomial(photos, np.full(photos, 1 / photos), size=draws)
    return weights, rng.multinomial(seeds, np.full(seeds, 1 / seeds), size=draws) / seeds


def _counting(members: np.ndarray, weights: np.ndarray) -> Count:
    """The Count of draws with photo p `weights` (D, photos) times; `members` (N,): the p of each sample."""

    def count(cells: np.ndarray, kinds: int) -> np.ndarray:
        entries = (np.ones(len(cells), np.int64), (cells, members))
        table = sparse.coo_array(entries, shape=(kinds, weights.shape[1])).tocsr()  # sums what coincides
        return (table @ weights.T).T

    return count


def once(cells: np.ndarray, kinds: int) -> np.ndarray:
    """The Count of one draw in which every sample occurs once."""
    return np.bincount(cells, minlength=kinds)[None]


def _estimate(exact: np.ndarray, sampled: np.ndarray) -> Estimate:
    """From the numbers of the seeds (S,) and those of the draws (D,)."""
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
