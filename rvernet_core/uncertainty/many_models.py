"""Many comparisons: Holm's correction, one test for many models, and who leads."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from rvernet_core.errors import RecordError
from rvernet_core.uncertainty.behrens_fisher import LEVEL
from rvernet_core.uncertainty.intervals import estimate
from rvernet_core.uncertainty.measured import Measured, combined, per_unit, photo_covariance


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


def omnibus(models: Sequence[Measured], units: Sequence[Hashable] | None = None) -> Omnibus:
    """F test of equal means over models, all measured on as many seeds and on the same photos.

    F = MS(models) / (MS(models x seeds) + S (Cov2 - Cov3)), with Cov2 between seeds of one model and Cov3
    between seeds of different models, over photos; for one seed over photos alone. Where models do not vary
    alike, both degrees of freedom shrink by Box's factor (https://doi.org/10.1214/aoms/1177728786).

    units: what each seed started from, as in `estimate`: seeds of one unit count as one, by their mean.
    """
    if units is not None:
        models = [per_unit(model, units) for model in models]
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
    if np.isnan(whole):  # a single photo tells nothing
        return Omnibus(float("nan"), (count - 1, float("nan")), float("nan"), count)
    if whole == 0:
        return Omnibus(0.0, (count - 1, float("inf")), float(between == 0), count)
    spread = scores.var(1, ddof=1) / seeds if seeds > 1 else np.zeros(count)
    box = _box_factor(blocks.mean((1, 3)) + np.diag(spread + one_photo / seeds))
    df = float(mixed_df(noise, free * box, of_photos, photos - 1))
    statistic, first = between / whole, (count - 1) * box
    return Omnibus(statistic, (first, df), float(stats.f.sf(statistic, first, df)), count)


def mixed_df(between: Any, free: float, of_photos: Any, free_photos: int) -> np.ndarray:
    """Degrees of freedom of the sum of two variances: those of each, harmonically, weighted by its share.

    For `omnibus`, whose models tell the spread of seeds together; see `tail` for why not for one mean.
    """
    whole = np.asarray(between + of_photos)
    with np.errstate(divide="ignore", invalid="ignore"):
        df = whole / (between / free + of_photos / max(free_photos, 1))
    return np.where(whole > 0, df, np.inf)


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
