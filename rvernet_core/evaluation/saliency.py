"""Maps of what a net looked at, and where they point. `gradcam` makes them.

A map can be blank: nothing in it speaks for the class. Blank maps are counted, and score as a map without
any preference does: their energy is spread evenly, their maximum is everywhere.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from scipy.stats import rankdata
from torch.nn import functional

from rvernet_core.errors import ConfigError

_TIE = 1e-5  # pixels this near to a map's maximum, relative to it, share the maximum


@dataclass(frozen=True)
class Maps:
    """Grad-CAM maps of one branch, as fine as the layer they were read from."""

    branch: str
    grid: np.ndarray  # (N, g, g) float32, non-negative, in the units of logit times activation
    indices: np.ndarray  # (N,) samples of the pairs that were explained
    targets: np.ndarray  # (N,) int64, the class that each map explains
    chances: np.ndarray  # (N,) the model's probability of that class
    size: int  # side of the input in pixels, S
    beside: np.ndarray | None = None  # (N, F) what the other branch of a pair read of its cut-out

    def __len__(self) -> int:
        return len(self.grid)

    def __getitem__(self, chosen: np.ndarray | slice) -> Maps:
        """The maps at these positions (a slice or an index array)."""
        names = ("grid", "indices", "targets", "chances", *["beside"] * (self.beside is not None))
        parts = {name: getattr(self, name)[chosen] for name in names}
        return dataclasses.replace(self, **parts)

    @property
    def blank(self) -> np.ndarray:
        """(N,) bool: maps without any energy."""
        return self.grid.max((1, 2)) <= 0

    def pixels(self) -> np.ndarray:
        """The maps at the input's size, float32 (N, S, S), bilinear as in the library, not normalised."""
        grid = torch.from_numpy(self.grid)[:, None]
        size = (self.size, self.size)
        return functional.interpolate(grid, size=size, mode="bilinear", align_corners=False)[:, 0].numpy()

    def normalised(self) -> np.ndarray:
        """`pixels` with a maximum of 1, float32 (N, S, S) in [0, 1]; a blank map stays 0."""
        pixels = self.pixels()
        top = pixels.max((1, 2), keepdims=True)
        return pixels / np.where(top > 0, top, 1)

    def of_others(self, seed: int = 0) -> Maps:
        """Every sample with the map of another sample: what maps score that know nothing of the photo."""
        ring = np.random.default_rng(seed).permutation(len(self))
        moved = np.empty_like(self.grid)
        moved[ring] = self.grid[np.roll(ring, 1)]
        return dataclasses.replace(self, grid=moved)


def energy_inside(found: Maps, masks: np.ndarray) -> np.ndarray:
    """Share (N,) in [0, 1] of each map's sum that lies inside its mask, bool (N, S, S).

    A blank map scores the mask's share of the area. Source: the energy-based pointing game of
    Score-CAM, https://arxiv.org/abs/1910.01279.
    """
    return np.concatenate([_energy(part.pixels(), mask) for part, mask in _parts(found, masks)])


def pointing_game(found: Maps, masks: np.ndarray, tolerance: int = 0) -> np.ndarray:
    """1 where a map's maximum lies inside its mask, bool (N, S, S), or within `tolerance` px of it; else 0.

    Where several pixels share the maximum, the score is the share of them inside: the chance of a hit when
    one is drawn. Source: https://arxiv.org/abs/1608.00507.
    """
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * tolerance + 1,) * 2)
    scores = []
    for part, mask in _parts(found, masks):
        if tolerance:
            mask = np.stack([cv2.dilate(m.astype(np.uint8), kernel) for m in mask]).astype(bool)
        pixels = part.pixels()
        top = pixels >= pixels.max((1, 2), keepdims=True) * (1 - _TIE)
        scores.append((top & mask).sum((1, 2)) / top.sum((1, 2)))
    return np.concatenate(scores)


def rank_correlation(first: Maps, second: Maps) -> np.ndarray:
    """Spearman's rank correlation (N,) of two sets of maps, cell by cell; 0 where one map is flat."""
    a, b = (m.grid if first.grid.shape == second.grid.shape else m.pixels() for m in (first, second))
    a, b = (rankdata(m.reshape(len(m), -1), axis=1) for m in (a, b))
    a, b = a - a.mean(1, keepdims=True), b - b.mean(1, keepdims=True)
    norm = np.sqrt((a**2).sum(1) * (b**2).sum(1))
    return (a * b).sum(1) / np.where(norm > 0, norm, np.inf)


def _energy(pixels: np.ndarray, masks: np.ndarray) -> np.ndarray:
    total = pixels.sum((1, 2))
    share = (pixels * masks).sum((1, 2)) / np.where(total > 0, total, 1)
    return np.where(total > 0, share, masks.mean((1, 2)))


def _parts(found: Maps, masks: np.ndarray, batch: int = 256) -> Iterator[tuple[Maps, np.ndarray]]:
    """Maps and masks in parts that fit in memory. ConfigError where they do not fit each other."""
    if masks.shape != (len(found), found.size, found.size):
        raise ConfigError(f"masks are {masks.shape}; expected {(len(found), found.size, found.size)}")
    for start in range(0, len(found), batch):
        yield found[start : start + batch], masks[start : start + batch]
