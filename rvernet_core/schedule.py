"""Learning rate as a pure function of the step (paper: linear warm-up, then cosine decay).

Two schedules share one curve. `as_written` follows it step by step, as the paper's text says.
`as_released` is what the released training loop does: it advances the same curve once per *epoch*
while the curve's length is counted in *iterations*, so at the README's sizes the rate is 0 in the
first epoch, about 1.06e-4 in the thirtieth, and never reaches its peak of 4e-3.
"""

import math

from rvernet_core.errors import ConfigError

SCHEDULES = ("as-written", "as-released")


def warmup_cosine(step: int, warmup: int, total: int) -> float:
    """Share of the peak rate in [0, 1] at `step`: 0 at step 0, 1 at `warmup`, 0 at `total`."""
    if step < warmup:
        return step / max(1, warmup)
    progress = (step - warmup) / max(1, total - warmup)
    return max(0.0, 0.5 * (1.0 + math.cos(math.pi * min(1.0, progress))))


def rate(schedule: str, step: int, steps_per_epoch: int, epochs: int, warmup: float) -> float:
    """Share of the peak learning rate at the 0-based training `step`.

    Args:
        schedule: "as-written" or "as-released".
        step: number of updates already made, 0 .. steps_per_epoch * epochs - 1.
        warmup: share of all steps spent warming up, in [0, 1).
    """
    total = steps_per_epoch * epochs
    warmup_steps = round(warmup * total)
    if schedule == "as-written":
        return warmup_cosine(step, warmup_steps, total)
    if schedule == "as-released":
        return warmup_cosine(step // steps_per_epoch, warmup_steps, total)
    raise ConfigError(f"unknown schedule {schedule!r}; expected one of {', '.join(SCHEDULES)}")
