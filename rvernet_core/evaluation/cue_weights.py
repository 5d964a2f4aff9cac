"""How much weight a model gives to the look of an item and to its company, and what other laws would do.

Everything is computed from answers on the test set and the cues of its items (`rvernet_core.cues`), with the
one kind of interval that there is (`rvernet_core.uncertainty`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from rvernet_core.cues import Cue
from rvernet_core.errors import RecordError
from rvernet_core.uncertainty import Measured

Floats = NDArray[np.float64]
_RIDGE = 0.1  # keeps weights finite where a model's answers leave nothing to chance


@dataclass(frozen=True, eq=False)
class Items:
    """The test items of one ambiguous pair, and how models answered them.

    first: (N,) bool, whether an item is of the pair's first class. look, company: (N,) its cues. photos: (N,)
    names; items of one photo leave together.
    """

    index: NDArray[np.int64]  # (N,) in the test set
    first: NDArray[np.bool_]
    look: Floats
    company: Floats  # +1 or -1
    best: Floats  # (N,) the ideal observer's probability of the first class, from both cues
    photos: NDArray

    @classmethod
    def of(
        cls, found: dict[int, Cue], pair: tuple[str, str], names: Sequence[str], photos: Sequence
    ) -> Items:
        """From `cues`, and the classes and photos of all test samples. RecordError where there is none."""
        index = [i for i, cue in found.items() if cue.pair == pair]
        if not index:
            raise RecordError(f"the test set shows no {' and no '.join(pair)}")
        chosen = [found[i] for i in index]
        return cls(
            np.array(index),
            np.array([names[i] == pair[0] for i in index]),
            np.array([cue.look for cue in chosen]),
            np.array([float(cue.company) for cue in chosen]),
            np.array([cue.from_both for cue in chosen]),
            np.array([photos[i] for i in index]),
        )

    @property
    def agrees(self) -> NDArray[np.bool_]:
        """(N,) whether the company points to the item's own class."""
        return (self.company > 0) == self.first


def says_first(answers: Sequence[NDArray[np.int64]], pair: tuple[int, int]) -> Floats:
    """(S, N) from predicted class indices (N,) per seed: 1 for the pair's first class, 0 for the second.

    An answer that is neither says nothing of the two, and counts as one half.
    """
    stacked = np.stack(answers)
    return np.where(stacked == pair[0], 1.0, np.where(stacked == pair[1], 0.0, 0.5))


def regressed(items: Items, said: Floats) -> tuple[Measured, Measured, Measured]:
    """(of the look, of the company, company over look) of answers (S, N) from `says_first`.

    Logistic regression of the answer on look and company: the log odds of "first" that a standard deviation
    of the look adds, and that company of the first class instead of none would. For an observer who answers
    as often as it believes these are d and L of the law. A noisier model has smaller weights, but the same
    ratio. Answers outside the pair are left out. Without a photo: one Newton step from the fit on all items.
    """
    design = np.stack([np.ones_like(items.look), items.look, items.company], axis=1)  # (N, 3)
    members = np.unique(items.photos, return_inverse=True)[1]
    fits = [_logistic(design, row, members) for row in said]
    exact, without = np.stack([fit[0] for fit in fits]), np.stack([fit[1] for fit in fits], axis=1)
    photos = int(members.max()) + 1

    def measured(take: Callable[[Floats], Floats]) -> Measured:
        return Measured(take(exact), take(without), photos, "mean")

    return (
        measured(lambda c: c[..., 1]),
        measured(lambda c: c[..., 2]),
        measured(lambda c: c[..., 2] / np.where(np.abs(c[..., 1]) < 1e-9, np.nan, c[..., 1])),
    )


def _logistic(design: Floats, said: Floats, members: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Coefficients (3,) on all items (N, 3), and (P, 3) without each photo."""
    answered = said != 0.5
    count = int(members.max()) + 1
    x, y, photo = design[answered], said[answered], members[answered]
    if len(np.unique(y)) < 2:  # one answer to everything: neither cue moves it
        return np.zeros(3), np.zeros((count, 3))
    model = LogisticRegression(C=1 / _RIDGE, tol=1e-10, max_iter=1000).fit(x[:, 1:], y)
    best = np.concatenate([model.intercept_, model.coef_[0]])
    p = 1 / (1 + np.exp(-x @ best))
    slopes = np.zeros((count, 3))
    np.add.at(slopes, photo, x * (y - p)[:, None])
    curves = np.zeros((count, 3, 3))
    np.add.at(curves, photo, (p * (1 - p))[:, None, None] * np.einsum("ni,nj->nij", x, x))
    left = curves.sum(0) + np.diag([0.0, _RIDGE, _RIDGE]) - curves
    return best, best - np.linalg.solve(left, slopes[..., None])[..., 0]


def weighted_share(right: Floats, weight: Floats, photos: NDArray) -> Measured:
    """The weighted mean of `right` (S, N), each in [0, 1], with weights (N,): accuracy under another law."""
    members = np.unique(photos, return_inverse=True)[1]
    count = int(members.max()) + 1
    weighed = np.zeros((count, right.shape[0]))
    np.add.at(weighed, members, (right * weight).T)
    mass = np.bincount(members, weight, count)
    total = weight.sum()
    if not total > 0:
        raise RecordError("no item has any weight under this law")
    left = np.maximum(total - mass, 1e-12)
    without = (weighed.sum(0) - weighed) / left[:, None]
    return Measured(weighed.sum(0) / total, without, int((mass > 0).sum()), "share")


def weight_at_rho(items: Items, rho: float, trained: float) -> Floats:
    """(N,) weights that turn items drawn with context strength `trained` into items drawn with `rho`.

    Exact: given class, look and company nothing else depends on the strength.
    """
    return np.where(items.agrees, rho / trained, (1 - rho) / (1 - trained))


def weight_at_d(items: Items, d: float, drawn: float) -> Floats:
    """(N,) weights that turn looks drawn at distance `drawn` into looks at distance `d`."""
    side = np.where(items.first, 1.0, -1.0)
    return np.exp(((items.look - side * drawn / 2) ** 2 - (items.look - side * d / 2) ** 2) / 2)


def effective(weight: Floats) -> float:
    """How many items of equal weight would tell as much (Kish): (sum w)^2 / sum w^2."""
    return float(weight.sum() ** 2 / (weight**2).sum())
