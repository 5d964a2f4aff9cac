"""How pictures are changed in pretraining: mirror, crop and a touch of colour for all nets, more for DeiT."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

#: Raised whenever an augmented picture changes; part of a pretraining's identity.
AUGMENTATION = 1

_LUMA = np.array([0.299, 0.587, 0.114])  # of R, G, B (ITU-R BT.601)


@dataclass(frozen=True)
class Augmentation:
    """How far each change may go; everything is drawn uniformly."""

    crop: tuple[float, float]  # side of the crop as a share of the picture's
    stretch: float  # log of how much the crop may be wider than high
    brightness: float  # gain within 1 +- this
    contrast: float  # around middle gray, within 1 +- this
    saturation: float  # within 1 +- this
    temperature: float  # gain of each channel by itself, within 1 +- this
    erasing: float = 0.0  # probability that a rectangle becomes noise
    erased: tuple[float, float] = (0.02, 0.33)  # its area as a share of the picture's


#: For every architecture.
MILD = Augmentation((0.8, 1.0), 0.08, 0.15, 0.15, 0.2, 0.05)
#: DeiT's recipe (https://arxiv.org/abs/2012.12877, table 9), with crops that leave the thing in the picture.
STRONG = Augmentation((0.55, 1.0), 0.28, 0.3, 0.3, 0.3, 0.05, erasing=0.25)


def augment(pictures: NDArray[np.uint8], how: Augmentation, rng: np.random.Generator) -> Tensor:
    """Changed copies of pictures (B, S, S, 3) as float32 (B, 3, S, S) in [0, 1], stored channels last.

    Half of them mirrored, each cropped and scaled back to S, recoloured, perhaps partly erased. Everything is
    drawn for the whole batch; the pixels are moved by OpenCV picture by picture, in the processor's cache,
    which is several times faster than tensor operations on the batch.
    """
    count, side = pictures.shape[:2]
    maps, colours = _maps(count, side, how, rng), _colours(count, how, rng)
    out = np.empty_like(pictures)
    for i in range(count):
        moved = cv2.warpAffine(
            pictures[i],
            maps[i],
            (side, side),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REFLECT_101,
        )
        cv2.transform(moved, colours[i], dst=out[i])
    if how.erasing:
        _erase(out, how, rng)
    return to_pixels(out)


def to_pixels(pictures: NDArray[np.uint8]) -> Tensor:
    """Pictures (B, S, S, 3) as float32 (B, 3, S, S) in [0, 1], in the memory format channels_last."""
    pixels = torch.from_numpy(np.require(pictures, requirements="W"))  # a mapped file may be read-only
    return pixels.permute(0, 3, 1, 2).float().div_(255)


def _maps(count: int, side: int, how: Augmentation, rng: np.random.Generator) -> NDArray[np.float64]:
    """From pixels of the result to pixels of the picture: affine (B, 2, 3)."""
    share = rng.uniform(*how.crop, count)
    stretch = np.exp(rng.uniform(-how.stretch, how.stretch, count) / 2)
    shares = np.stack([share * stretch, share / stretch], axis=1).clip(max=1.0)  # of x and of y
    centre = (side - 1) / 2
    shift = rng.uniform(-1, 1, (count, 2)) * (1 - shares) * centre
    sign = np.stack([np.where(rng.random(count) < 0.5, -1.0, 1.0), np.ones(count)], axis=1)
    maps = np.zeros((count, 2, 3))
    scales = sign * shares
    maps[:, 0, 0], maps[:, 1, 1] = scales[:, 0], scales[:, 1]
    maps[:, :, 2] = centre + shift - scales * centre
    return maps


def _colours(count: int, how: Augmentation, rng: np.random.Generator) -> NDArray[np.float64]:
    """What makes of (R, G, B, 1) in 0..255 the new colour: (B, 3, 4)."""
    saturation = rng.uniform(1 - how.saturation, 1 + how.saturation, (count, 1, 1))
    contrast = rng.uniform(1 - how.contrast, 1 + how.contrast, (count, 1, 1))
    gain = rng.uniform(1 - how.brightness, 1 + how.brightness, (count, 1, 1))
    gains = gain * rng.uniform(1 - how.temperature, 1 + how.temperature, (count, 3, 1))
    mixed = saturation * np.eye(3) + (1 - saturation) * _LUMA  # (B, 3, 3)
    offset = np.broadcast_to(127.5 * (1 - contrast), (count, 3, 1))
    return np.concatenate([contrast * gains * mixed, offset], axis=2)


def _erase(pictures: NDArray[np.uint8], how: Augmentation, rng: np.random.Generator) -> None:
    """Put noise in a rectangle of some of the pictures (B, S, S, 3), in place."""
    count, side = pictures.shape[:2]
    for i in np.flatnonzero(rng.random(count) < how.erasing):
        root, stretch = side * np.sqrt(rng.uniform(*how.erased)), np.exp(rng.uniform(-0.5, 0.5))
        height, width = (int(np.clip(root * s, 1, side)) for s in (stretch, 1 / stretch))
        top, left = int(rng.integers(side - height + 1)), int(rng.integers(side - width + 1))
        noise = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
        pictures[i, top : top + height, left : left + width] = noise
