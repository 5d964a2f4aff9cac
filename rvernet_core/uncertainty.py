"""How sure a number is: one interval for everything, and the tests that go with it.

A score is measured on every seed and every photo. Seeds are drawn from all trainings that might have been
run, photos from all that might have been taken, so a number must hold over both. Here seeds are what readers
are in studies of diagnostic imaging, and photos are their cases: the model is that of Obuchowski and Rockette
(https://doi.org/10.1080/03610919508813243) as Hillis uses it (https://doi.org/10.1002/sim.2532), with another
distribution, see `tail`. The spread over photos comes from leaving out one photo at a time, with all its
samples; so nothing is random. `rvernet_core.evaluation.simulated` measures what the intervals cover. The
training set is the same for all seeds: what another one would have taught is not in any interval.

    deit, vit = measure(score_of_deit, 3, photos), measure(score_of_vit, 3, photos)
    estimate(deit)         ->  0.873 [0.861, 0.884]
    estimate(deit - vit)   ->  0.012 [-0.003, 0.027]     the same seeds and photos, so what they share cancels
    omnibus([deit, vit])   ->  p = 0.1
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from scipy import optimize, sparse, special, stats

from rvernet_core.errors import RecordError
from rvernet_core.metrics import Count, once

#: From the index of a seed and a Count to one number per draw (D,).
Score = Callable[[int, Count], np.ndarray]
#: share: in [0, 1]. difference: of shares, or any sum of them. mean: of numbers without bounds.
Kind = Literal["share", "difference", "mean"]

LEVEL = 0.95
POWER = 0.8
_CHUNK = 200  # photos left out in one go; bounds memory
_ROUNDING = 1e-20  # a variance below it is zero but for rounding


class Freedom(NamedTuple):
    """How well a standard error is known: what part of its square rests on few seeds, and what on photos."""

    of_seeds: Any = 0.0  # share (...) of the variance that is the seeds' own
    seeds: float = 1.0  # degrees of freedom: independent seeds less one
    photos: float = float("inf")  # degrees of freedom: photos less one


KNOWN = Freedom()  # of an error that is known exactly


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


# --- measuring ----------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Measured:
    """A score of every seed, on all photos and without each of them.

    Differences and sums of what was measured on the same seeds and photos are measured again: what the two
    have in common cancels.
    """

    exact: np.ndarray  # (S,) on all photos
    without: np.ndarray  # (P, S) with one photo left out
    photos: int  # photos that the score is about: for a pair of classes those that show one of them
    kind: Kind

    def __sub__(self, other: Measured) -> Measured:
        return combined([1, -1], [self, other])

    @property
    def covariance(self) -> np.ndarray:
        """Jackknife covariance (S, S) of the seeds' scores over photos; NaN for a single photo."""
        return photo_covariance(self.without)


def combined(weights: Sequence[float], parts: Sequence[Measured]) -> Measured:
    """The sum of weight times part, by seed and photo; RecordError where seeds or photos differ in number."""
    if len({part.without.shape for part in parts}) > 1:
        shapes = ", ".join(
            f"{s} seeds on {p} photos" for p, s in dict.fromkeys(q.without.shape for q in parts)
        )
        raise RecordError(f"compared are {shapes}; expected the same seeds and the same photos")
    return Measured(
        sum(w * part.exact for w, part in zip(weights, parts, strict=True)),  # type: ignore[arg-type]
        sum(w * part.without for w, part in zip(weights, parts, strict=True)),  # type: ignore[arg-type]
        min(part.photos for part in parts),
        "mean" if any(part.kind == "mean" for part in parts) else "difference",
    )


def measure(
    score: Score, seeds: int, groups: np.ndarray, kind: Kind = "share", about: np.ndarray | None = None
) -> Measured:
    """`score` of each seed, on all photos and without each of them.

    Args:
        score: of the seed with this index, for every draw of a Count.
        seeds: how many there are.
        groups: (N,) any hashable photo names; samples of one name leave together.
        about: (N,) bool, the samples that the score is about; None: all.
    """
    names, members = np.unique(groups, return_inverse=True)
    chosen = members if about is None or not about.any() else members[about]
    exact, without = np.empty(seeds), np.empty((len(names), seeds))
    parts = np.array_split(np.arange(len(names)), -(-len(names) // _CHUNK))
    counts = [_leaving_out(members, len(names), part) for part in parts]
    for i in range(seeds):
        exact[i] = score(i, once)[0]
        without[:, i] = np.concatenate([score(i, count) for count in counts])
    return Measured(exact, without, len(np.unique(chosen)), kind)


def measure_mean(values: np.ndarray, groups: np.ndarray | None = None) -> Measured:
    """The mean of numbers measured per sample: (N,), or (S, N) for several runs on the same samples.

    A sample that does not count for a run is NaN there; every run needs one that does, else RecordError.
    groups: (N,) any hashable photo names; None: every sample is its own group.
    """
    values = np.atleast_2d(np.asarray(values, float))
    known = ~np.isnan(values)
    if not known.any(1).all():
        raise RecordError("a run has no sample that counts; expected at least one, leave such a run out")
    members = np.arange(values.shape[1]) if groups is None else np.unique(groups, return_inverse=True)[1]
    photos = int(members.max()) + 1
    sums, counts = (
        np.stack([np.bincount(members, row, photos) for row in rows])  # (S, P)
        for rows in (np.where(known, values, 0), known)
    )
    left = counts.sum(1, keepdims=True) - counts
    without = (sums.sum(1, keepdims=True) - sums) / np.maximum(left, 1)
    return Measured(np.nanmean(values, 1), without.T, photos, "mean")


def _leaving_out(members: np.ndarray, photos: int, left_out: np.ndarray) -> Count:
    """The Count that leaves out each of the photos `left_out`; `members` (N,): the photo of each sample."""

    def count(cells: np.ndarray, kinds: int) -> np.ndarray:
        entries = (np.ones(len(cells), np.int64), (members, cells))
        table = sparse.coo_array(entries, shape=(photos, kinds)).tocsr()  # sums what coincides
        return np.bincount(cells, minlength=kinds) - table[left_out].toarray()

    return count


def photo_covariance(without: np.ndarray) -> np.ndarray:
    """Jackknife covariance (..., S, S) of scores (..., P, S) with one of P photos left out."""
    photos = without.shape[-2]
    if photos < 2:
        return np.full((*without.shape[:-2], without.shape[-1], without.shape[-1]), np.nan)
    centred = without - without.mean(-2, keepdims=True)
    return np.swapaxes(centred, -1, -2) @ centred * ((photos - 1) / photos)


# --- the interval -------------------------------------------------------------------------------------


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


def mixed_df(between: Any, free: float, of_photos: Any, free_photos: int) -> np.ndarray:
    """Degrees of freedom of the sum of two variances: those of each, harmonically, weighted by its share.

    For `omnibus`, whose models tell the spread of seeds together; see `tail` for why not for one mean.
    """
    whole = np.asarray(between + of_photos)
    with np.errstate(divide="ignore", invalid="ignore"):
        df = whole / (between / free + of_photos / max(free_photos, 1))
    return np.where(whole > 0, df, np.inf)


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


# --- many comparisons ---------------------------------------------------------------------------------


def holm(p_values: Sequence[float]) -> np.ndarray:
    """Holm's adjusted p (https://www.jstor.org/stable/4615733), in the given order; NaN stays NaN."""
    p = np.asarray(p_values, float)
    known = np.flatnonzero(np.isfinite(p))
    adjusted = np.full(len(p), np.nan)
    order = known[np.argsort(p[known], kind="stable")]
    steps = p[order] * (len(order) - np.arange(len(order)))
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1) if len(order) else steps
    return adjusted


@dataclass(frozen=True)
class Omnibus:
    """One test of whether any of several models differs from the others."""

    statistic: float  # F
    df: tuple[float, float]
    p: float
    models: int

    @property
    def differs(self) -> bool:
        """Whether the null of no difference is rejected at 5 %."""
        return self.p < 1 - LEVEL


def omnibus(models: Sequence[Measured]) -> Omnibus:
    """F test of equal means over models, all measured on as many seeds and on the same photos.

    F = MS(models) / (MS(models x seeds) + S (Cov2 - Cov3)), with Cov2 between seeds of one model and Cov3
    between seeds of different models, over photos; for one seed over photos alone. Where models do not vary
    alike, both degrees of freedom shrink by Box's factor (https://doi.org/10.1214/aoms/1177728786).
    """
    if len(models) < 2:
        return Omnibus(0.0, (0.0, float("inf")), 1.0, len(models))
    combined([1] * len(models), models)  # the same seeds and photos
    scores = np.stack([m.exact for m in models])  # (M, S)
    count, seeds = scores.shape
    photos = min(m.photos for m in models)
    covariance = photo_covariance(np.concatenate([m.without for m in models], axis=1))
    blocks = covariance.reshape(count, seeds, count, seeds)
    same_model, same_seed = (
        np.eye(count, dtype=bool)[:, None, :, None],
        np.eye(seeds, dtype=bool)[None, :, None],
    )

    def mean(of_model: bool, of_seed: bool) -> float:
        chosen = np.broadcast_to((same_model == of_model) & (same_seed == of_seed), blocks.shape)
        return float(blocks[chosen].mean())

    between = seeds * scores.mean(1).var(ddof=1)
    one_photo = 0.5 * seeds / photos**2 if models[0].kind != "mean" else 0.0
    if seeds == 1:
        noise, free = 0.0, 1
        of_photos = max(mean(True, True) - mean(False, True), 0) + one_photo
    else:
        rest = scores - scores.mean(1, keepdims=True) - scores.mean(0) + scores.mean()
        free = (count - 1) * (seeds - 1)
        noise = float((rest**2).sum() / free)
        of_photos = seeds * max(mean(True, False) - mean(False, False), 0) + one_photo
    whole = noise + of_photos
    if not whole > 0:
        return Omnibus(0.0, (count - 1, float("inf")), float(between == 0), count)
    spread = scores.var(1, ddof=1) / seeds if seeds > 1 else np.zeros(count)
    box = _box_factor(blocks.mean((1, 3)) + np.diag(spread + one_photo))
    df = float(mixed_df(noise, free * box, of_photos, photos - 1))
    statistic, first = between / whole, (count - 1) * box
    return Omnibus(statistic, (first, df), float(stats.f.sf(statistic, first, df)), count)


def _box_factor(covariance: np.ndarray) -> float:
    """From 1 (all differences vary alike) down to 1 / (M - 1), of the covariance (M, M) of M means."""
    count = len(covariance)
    centring = np.eye(count) - 1 / count
    own = centring @ covariance @ centring
    total = float((own**2).sum())
    return float(np.trace(own) ** 2 / ((count - 1) * total)) if total > 0 else 1.0


@dataclass(frozen=True)
class Leading:
    """Who leads: one model where it is shown to be ahead of every other, else all that may be it."""

    group: tuple[Any, ...]  # the highest mean first, then those not shown to be behind it
    p: dict[Any, float]  # every other model -> Holm's p of its difference to the best

    @property
    def best(self) -> Any | None:
        """The one model that leads; None where several do."""
        return self.group[0] if len(self.group) == 1 else None


def leading_group(
    models: Mapping[Any, Measured], units: Sequence[Hashable] | None = None, lowest: bool = False
) -> Leading:
    """The model with the highest mean (or the lowest), and all that are not shown to differ from it.

    Shown: the paired difference to it has a p below 5 % after Holm's correction over all models.
    Raises RecordError for no models.
    """
    if not models:
        raise RecordError("no models were given; expected at least one to say which leads")
    sign = -1 if lowest else 1
    order = sorted(models, key=lambda name: -sign * models[name].exact.mean())
    first, others = order[0], order[1:]
    p = holm([estimate(models[first] - models[name], units).p for name in others])
    by_name = dict(zip(others, p.tolist(), strict=True))
    return Leading((first, *[name for name in others if by_name[name] >= 1 - LEVEL]), by_name)
