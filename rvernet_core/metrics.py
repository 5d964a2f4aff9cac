"""Accuracy and F1, all from arrays of true and predicted class indices; `uncertainty` says how sure they are.

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

#: From confusion matrices (..., K, K), rows truth, columns prediction, to numbers (...).
Metric = Callable[[np.ndarray], np.ndarray]
#: From the cell (N,) into which each sample falls, and how many cells there are, to how many samples lie
#: in each cell in every draw, such as without each of the photos: (D, cells).
Count = Callable[[np.ndarray, int], np.ndarray]


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


def once(cells: np.ndarray, kinds: int) -> np.ndarray:
    """The Count of one draw in which every sample occurs once."""
    return np.bincount(cells, minlength=kinds)[None]


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
