"""A study without data, nets or runs, for tests of what a page writes."""

from types import SimpleNamespace

from rvernet_core.config import replace
from rvernet_core.experiments.profiles import PROFILES


def study(profile="smoke", seeds=(0, 1)):
    """What `Page` asks of a study."""
    split = SimpleNamespace(fingerprint="abc")
    return SimpleNamespace(
        profile=replace(PROFILES[profile], seeds=seeds),
        data=SimpleNamespace(train=split, test=split),
        used=[],
        store=SimpleNamespace(device="cpu"),
    )
