"""Noise as augmentation: which batches of an epoch are noised in training, and how.

A noised batch is one whose every sample meets the noise of the test (`noise.add_noise`) on every cut-out that
the model sees, with tiles in an order of its own for each sample and cut-out, as in the evaluation. The
severity is drawn for each sample, evenly from none to the test's own: the test's noise is the far end of what
is trained, not the one noise that is trained. The photo is mirrored before it is noised, so that a shift goes
to the right and up as it does in the test.

    noisy_batches(TrainSpec(noise="permutation"), seed=0, epoch=3, samples=900)   # one per batch; None: clean
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rvernet_core.config import BRANCHES, Noise, TrainSpec, one_of
from rvernet_core.data.cutout_set import CutoutSet
from rvernet_core.data.cutouts import photo_inside
from rvernet_core.data.noise import KINDS, add_noise
from rvernet_core.errors import ConfigError

SEVERITY = (0.0, 1.0)  # range of the severity in training; 1 is the test's


@dataclass(frozen=True)
class NoisyBatch:
    """The noise that falls on the B samples of one batch."""

    kind: str  # permutation | translocation
    severity: np.ndarray  # (B,) in SEVERITY: one for both cut-outs of a sample, which show one photo
    streams: np.ndarray  # (B,) int64: seeds of the samples' tile orders

    def images(
        self, cutouts: CutoutSet, branch: str, indices: np.ndarray, flips: np.ndarray | None = None
    ) -> np.ndarray:
        """The cut-outs `indices` (B,) of a branch, mirrored where `flips` (B,) says so, and then noised.

        uint8 (B, S, S, 3), in place of `cutouts.images`.
        """
        batch = np.array(cutouts.images(branch, indices))
        for k, i in enumerate(indices):
            noise = Noise(self.kind, float(self.severity[k]))
            fitted = photo_inside(batch[k], cutouts.fitted[i])
            fitted = fitted[:, ::-1] if flips is not None and flips[k] else fitted
            stream = [int(self.streams[k]), BRANCHES.index(branch)]
            batch[k] = add_noise(fitted.copy(), noise, cutouts.size, stream)
        return batch


def check(spec: TrainSpec) -> None:
    """Raise ConfigError for a noise that means nothing, or that contradicts the rest of the training."""
    if not spec.noise:
        if spec.noise_share != TrainSpec.noise_share:
            raise ConfigError(
                f"a noise_share of {spec.noise_share} without noise; set train.noise to {' or '.join(KINDS)}"
            )
        return
    one_of(spec.noise, KINDS, "train.noise")
    if not 0 <= spec.noise_share <= 1:
        raise ConfigError(f"noise_share is {spec.noise_share}; expected a probability in [0, 1]")
    if spec.distillation:
        raise ConfigError(
            f"{spec.noise} in training and {spec.distillation} distillation: a teacher's logits are of clean "
            'images; set noise="" or distillation=""'
        )


def noisy_batches(spec: TrainSpec, seed: int, epoch: int, samples: int) -> Sequence[NoisyBatch | None]:
    """The noise on every batch of an epoch of `samples` samples; None where a batch stays clean.

    Each batch is noised with probability `spec.noise_share`. Everything is drawn from a stream that seed and
    epoch name and nothing else uses: with a share of 0 training is, bit for bit, the one without noise, and
    a resumed run meets the same noise. Raises ConfigError as `check`.
    """
    check(spec)
    sizes = [min(spec.batch_size, samples - k) for k in range(0, samples, spec.batch_size)]
    if not spec.noise:
        return [None] * len(sizes)
    rng = np.random.default_rng([seed, 3, epoch])
    noised = rng.random(len(sizes)) < spec.noise_share
    batches: list[NoisyBatch | None] = []
    for size, noisy in zip(sizes, noised, strict=True):
        severity = rng.uniform(*SEVERITY, size)
        streams = rng.integers(2**32, size=size)
        batches.append(NoisyBatch(spec.noise, severity, streams) if noisy else None)
    return batches
