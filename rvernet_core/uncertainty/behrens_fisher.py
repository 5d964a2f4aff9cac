"""The distribution of a mean whose error is known from few seeds and from photos: that of Behrens and Fisher.

freedom = Freedom(of_seeds=0.7, seeds=2, photos=300)     three seeds, which make 70 % of the variance
tail(3.0, freedom)                                       two-sided p of a mean 3 standard errors from zero
critical(freedom)                                        how many the 95 % interval reaches to each side
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import numpy as np
from scipy import optimize, special, stats

LEVEL = 0.95
POWER = 0.8


class Freedom(NamedTuple):
    """How well a standard error is known: what part of its square rests on few seeds, and what on photos."""

    of_seeds: Any = 0.0  # share (...) of the variance that is the seeds' own
    seeds: float = 1.0  # degrees of freedom: independent seeds less one
    photos: float = float("inf")  # degrees of freedom: photos less one


KNOWN = Freedom()  # of an error that is known exactly


def tail(t: Any, freedom: Freedom) -> np.ndarray:
    """Two-sided p (...) of a mean that is `t` (...) standard errors from zero: that of Behrens and Fisher.

    The variance of the seeds is known from few of them. Hillis follows Satterthwaite and gives the sum of
    both variances one number of degrees of freedom; where the seeds agree by chance that is the photos', and
    a p of .0025 then comes four times too often with three seeds and fifteen times with two, which is what a
    correction for many comparisons rests on. Instead both variances are averaged over all values that they
    may have (https://doi.org/10.1111/j.1469-1809.1935.tb02120.x). Of one kind of spread alone that is the t
    distribution; in between it errs on the side of caution, at any level.
    """
    of_seeds = np.asarray(freedom.of_seeds, float)[..., None, None]
    (seeds, of_their_own), (photos, weights) = map(_variance_ratios, (freedom.seeds, freedom.photos))
    errors = np.sqrt(of_seeds / seeds[:, None] + (1 - of_seeds) / photos)  # (..., Q, Q'), in estimated ones
    above = special.ndtr(-np.abs(np.asarray(t, float))[..., None, None] / errors)
    return 2 * (above @ weights @ of_their_own)


def critical(freedom: Freedom, p: float = 1 - LEVEL) -> np.ndarray:
    """The number (...) of standard errors whose `tail` is `p`."""
    low, high = np.zeros(np.shape(freedom.of_seeds)), np.full(np.shape(freedom.of_seeds), 1e3)
    for _ in range(40):  # halves the bracket
        middle = (low + high) / 2
        inside = tail(middle, freedom) > p
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    return (low + high) / 2


@functools.lru_cache(maxsize=64)
def _variance_ratios(free: float) -> tuple[np.ndarray, np.ndarray]:
    """Estimated over true variance at `free` degrees of freedom: values (Q,) and their weights, sum 1.

    Gauss and Legendre's nodes over the probability, denser at its lower end, where seeds agree by chance.
    """
    if np.isinf(free):
        return np.ones(1), np.ones(1)
    nodes, weights = np.polynomial.legendre.leggauss(64 if free < 10 else 24)
    nodes, weights = (nodes + 1) / 2, weights / 2
    return stats.chi2.ppf(nodes**3, free) / free, weights * 3 * nodes**2


@functools.lru_cache(maxsize=256)
def detectable_errors(freedom: Freedom, power: float = POWER) -> float:
    """How many standard errors a true difference must have to be found with this power."""
    ratios, weights = _variance_ratios(freedom.seeds)
    seeds, photos = freedom.of_seeds * ratios, 1 - freedom.of_seeds
    needed = critical(freedom._replace(of_seeds=seeds / (seeds + photos))) * np.sqrt(seeds + photos)

    def found(difference: float) -> float:
        return float((special.ndtr(difference - needed) * weights).sum()) - power

    root: Any = optimize.brentq(found, 0, 20 * float(needed.max()))
    return float(root)
