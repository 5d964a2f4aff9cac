"""A score measured on every seed, on all photos and without each of them: what intervals are made from."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import sparse

from rvernet_core.errors import RecordError
from rvernet_core.metrics import Count, once

#: From the index of a seed and a Count to one number per draw (D,).
Score = Callable[[int, Count], np.ndarray]
#: share: in [0, 1]. difference: of shares, or any sum of them. mean: of numbers without bounds.
Kind = Literal["share", "difference", "mean"]

_CHUNK = 200  # photos left out in one go; bounds memory


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


def per_unit(measured: Measured, units: Sequence[Hashable]) -> Measured:
    """The mean over the seeds of each unit, such as a pretrained checkpoint: a column a unit."""
    members = np.unique(np.asarray(units), return_inverse=True)[1]
    share = np.eye(members.max() + 1)[members]  # (S, U)
    share /= share.sum(0)
    return Measured(measured.exact @ share, measured.without @ share, measured.photos, measured.kind)


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
    Where all that do lie on one photo, the mean without it is NaN, and so are the interval and p.
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
    without = np.divide(
        sums.sum(1, keepdims=True) - sums, left, out=np.full(sums.shape, np.nan), where=left > 0
    )
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
