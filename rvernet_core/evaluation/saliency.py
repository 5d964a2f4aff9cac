"""Maps of which pixels speak for a class, and where they point. `gradcam` computes them.

A map can be blank: no pixel speaks for the class. Blank maps are counted, and score as a map without any
preference does: their energy is spread evenly, and every pixel is their maximum.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import cv2
import numpy as np
import torch
from scipy.stats import rankdata
from torch.nn import functional

from rvernet_core.errors import ConfigError

_TIE = 1e-5  # pixels this near to a map's maximum, relative to it, share the maximum


@dataclass(frozen=True)
class Maps:
    """Maps of one branch of a model, at the resolution of the layer that they were computed at."""

    branch: str
    grid: np.ndarray  # (N, g, g) float32, non-negative, in the units of logit times activation
    indices: np.ndarray  # (N,) the samples of the cut-outs that are explained
    targets: np.ndarray  # (N,) int64, the class that each map explains
    probabilities: np.ndarray  # (N,) the model's probability of that class
    size: int  # side of the input in pixels, S
    other_features: Mapping[str, np.ndarray] = field(default_factory=dict)  # every other branch -> (N, F)

    def __len__(self) -> int:
        return len(self.grid)

    def __getitem__(self, chosen: np.ndarray | slice) -> Maps:
        """The maps at these positions (a slice or an index array)."""
        names = ("grid", "indices", "targets", "probabilities")
        parts = {name: getattr(self, name)[chosen] for name in names}
        features = {branch: values[chosen] for branch, values in self.other_features.items()}
        return dataclasses.replace(self, **parts, other_features=features)

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
        maximum = pixels.max((1, 2), keepdims=True)
        return pixels / np.where(maximum > 0, maximum, 1)

    def shuffled(self, seed: int = 0) -> Maps:
        """Every sample with the map of another sample: the reference of maps that ignore their photo."""
        ring = np.random.default_rng(seed).permutation(len(self))
        grid = np.empty_like(self.grid)
        grid[ring] = self.grid[np.roll(ring, 1)]
        return dataclasses.replace(self, grid=grid)


def energy_inside(maps: Maps, masks: np.ndarray) -> np.ndarray:
    """Share (N,) in [0, 1] of each map's sum that lies inside its mask, bool (N, S, S).

    A blank map scores the mask's share of the area. Source: the energy-based pointing game of
    Score-CAM, https://arxiv.org/abs/1910.01279. Raises ConfigError for masks of another shape.
    """
    return np.concatenate([_energy(part.pixels(), mask) for part, mask in _parts(maps, masks)])


def pointing_game(maps: Maps, masks: np.ndarray, tolerance: int = 0) -> np.ndarray:
    """1 where a map's maximum lies inside its mask, bool (N, S, S), or within `tolerance` px of it; else 0.

    Where several pixels share the maximum, the score is the share of them inside: the probability of a hit
    when one is drawn. Source: https://arxiv.org/abs/1608.00507. Raises ConfigError as `energy_inside`.
    """
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * tolerance + 1,) * 2)
    scores = []
    for part, mask in _parts(maps, masks):
        if tolerance:
            mask = np.stack([cv2.dilate(m.astype(np.uint8), kernel) for m in mask]).astype(bool)
        pixels = part.pixels()
        maximum = pixels >= pixels.max((1, 2), keepdims=True) * (1 - _TIE)
        scores.append((maximum & mask).sum((1, 2)) / maximum.sum((1, 2)))
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


def _parts(maps: Maps, masks: np.ndarray, batch: int = 256) -> Iterator[tuple[Maps, np.ndarray]]:
    """Maps and masks in parts that fit in memory. ConfigError where their shapes do not match."""
    expected = (len(maps), maps.size, maps.size)
    if masks.shape != expected:
        raise ConfigError(f"masks are {masks.shape}; expected {expected}: one per map, at the input's size")
    for start in range(0, len(maps), batch):
        yield maps[start : start + batch], masks[start : start + batch]
