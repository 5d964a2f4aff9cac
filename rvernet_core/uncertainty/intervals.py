"""The 95 % interval of a mean over seeds and photos, its p, and the smallest difference it could find."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import special

from rvernet_core.errors import RecordError
from rvernet_core.uncertainty.behrens_fisher import KNOWN, LEVEL, Freedom, critical, detectable_errors, tail
from rvernet_core.uncertainty.measured import Kind, Measured

_ROUNDING = 1e-20  # a variance below it is zero but for rounding


@dataclass(frozen=True)
class Estimate:
    """A number's mean over seeds with its 95 % interval and its spread over seeds."""

    value: float
    low: float
    high: float
    spread: float  # standard deviation over seeds, 0 for one seed
    seeds: int
    error: float = -1.0  # standard error over seeds and photos; below zero: that of the interval
    freedom: Freedom = KNOWN

    def __post_init__(self) -> None:
        if self.error < 0:
            half = (self.high - self.low) / 2
            object.__setattr__(self, "error", half / float(critical(self.freedom)))

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"

    def columns(self, name: str) -> dict[str, float]:
        """As columns of a table: `name`, and its interval in `<name>_low` and `<name>_high`."""
        return {name: self.value, f"{name}_low": self.low, f"{name}_high": self.high}

    @property
    def over(self) -> str:
        """What the interval is over: one seed says nothing of others."""
        return over(self.seeds)

    @property
    def p(self) -> float:
        """Two-sided p of the null that the number is zero."""
        if self.error == 0:
            return float(self.value == 0)
        return float(tail(self.value / self.error, self.freedom))

    @property
    def smallest(self) -> float:
        """The smallest true difference that this comparison had found in 80 % of repetitions."""
        return detectable_errors(self.freedom) * self.error


def over(seeds: int) -> str:
    """What an interval of this many seeds is over, in words."""
    return "seeds and photos" if seeds > 1 else "photos alone (there is one seed)"


def estimate(measured: Measured, units: Sequence[Hashable] | None = None) -> Estimate:
    """Mean over seeds with its 95 % interval over seeds and photos; for one seed over photos alone.

    units: what each seed started from, where several share it, such as a pretrained checkpoint: seeds of one
    unit are not independent, and the interval is then over units.
    """
    exact = measured.exact
    variance = variance_of_mean(exact, measured.covariance, measured.photos, measured.kind, units)
    value, error = float(exact.mean()), float(variance.error)
    low, high = bounds(np.array(value), variance, measured.photos, measured.kind)
    spread = float(exact.std(ddof=1)) if len(exact) > 1 else 0.0
    freedom = variance.freedom._replace(of_seeds=float(variance.freedom.of_seeds))
    return Estimate(value, float(low), float(high), spread, len(exact), error, freedom)


class Variance(NamedTuple):
    """The variance (...) of a mean over seeds and photos."""

    between: np.ndarray  # what is each seed's own
    of_photos: np.ndarray  # what photos do to all seeds alike, and to these seeds where that is more
    free_seeds: float  # degrees of freedom
    free_photos: float

    @property
    def error(self) -> np.ndarray:
        """The standard error."""
        return np.sqrt(self.between + self.of_photos)

    @property
    def freedom(self) -> Freedom:
        """How well that error is known."""
        whole = np.asarray(self.between + self.of_photos)
        of_seeds = np.divide(self.between, whole, out=np.zeros_like(whole), where=whole > 0)
        return Freedom(of_seeds, self.free_seeds, self.free_photos)


def variance_of_mean(
    exact: np.ndarray,
    covariance: np.ndarray,
    photos: int,
    kind: Kind,
    units: Sequence[Hashable] | None = None,
) -> Variance:
    """Of scores (..., S), over seeds and photos; for one seed over photos alone.

    covariance: (..., S, S) over photos. The variance of the mean is MS / S + Cov: MS is the mean square
    between seeds, which holds their own spread and what photos do to each seed alone; Cov is what photos do
    to all seeds alike. It is at least that of the mean of these very seeds over photos: few seeds may agree
    by chance. A difference of shares is seen as if one more photo had told the two apart (as Agresti and Min
    do, https://doi.org/10.1002/sim.1781): that none of few photos did is no proof that none ever will. Where
    no photo moves a share at all, each is a binomial trial.
    """
    seeds = exact.shape[-1]
    own = np.trace(covariance, axis1=-2, axis2=-1) / seeds
    if seeds == 1:
        between, shared, free = np.zeros(exact.shape[:-1]), own, 1
    else:
        shared = (covariance.sum((-2, -1)) - own * seeds) / (seeds * (seeds - 1))
        shared = np.maximum(shared, 0)
        centred = exact - exact.mean(-1, keepdims=True)
        labels = np.arange(seeds) if units is None else np.unique(np.asarray(units), return_inverse=True)[1]
        member = np.eye(labels.max() + 1)[labels]  # (S, U)
        free = member.shape[1] - 1
        if free < 1:
            raise RecordError(f"all {seeds} seeds share one unit; expected at least two to tell their spread")
        between = ((centred @ member) ** 2).sum(-1) * (free + 1) / free / seeds**2
    of_photos = shared + np.maximum(covariance.sum((-2, -1)) / seeds**2 - between - shared, 0)
    if kind == "difference":
        of_photos = of_photos + 1 / photos**2
    elif kind == "share":
        mean = exact.mean(-1)
        unmoved = between + of_photos < _ROUNDING
        of_photos = np.where(unmoved, np.maximum(mean * (1 - mean), 0) / photos, of_photos)
    return Variance(between, of_photos, free, max(photos - 1, 1))


def bounds(value: np.ndarray, variance: Variance, photos: int, kind: Kind) -> tuple[np.ndarray, np.ndarray]:
    """Ends (...) of the 95 % interval around values (...).

    Those of shares are found on the logit scale, so that they stay in [0, 1], but go at most 2.5 times as far
    as a symmetrical interval: two seeds that differ a little near 1 would else allow anything. A share of
    exactly 0 or 1 has the exact binomial bound of its photos. Without an error (a single photo) a share can
    be anything, and what has no bounds has none.
    """
    half = critical(variance.freedom) * variance.error
    if kind != "share":
        return value - half, value + half
    inside = np.clip(value, 1e-12, 1 - 1e-12)
    logit, wide = np.log(inside / (1 - inside)), half / (inside * (1 - inside))
    low, high = special.expit(logit - wide), special.expit(logit + wide)
    low, high = np.maximum(low, value - 2.5 * half), np.minimum(high, value + 2.5 * half)
    least = ((1 - LEVEL) / 2) ** (1 / photos)
    low = np.where(value >= 1, least, np.where(value <= 0, 0.0, low))
    high = np.where(value <= 0, 1 - least, np.where(value >= 1, 1.0, high))
    unknown = ~np.isfinite(variance.error)
    return np.where(unknown, 0.0, low), np.where(unknown, 1.0, high)
