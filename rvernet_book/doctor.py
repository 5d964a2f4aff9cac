"""What a machine has of what the companion needs, for `rvernet doctor`."""

from __future__ import annotations

import os
import shutil
import sys

import torch

from rvernet_core import environment
from rvernet_core.experiments.study import default_cache
from rvernet_core.models.zoo import CARDS


def findings() -> dict[str, str]:
    """What was looked at -> what was found, in words."""
    cache = default_cache()
    existing = next(p for p in (cache, *cache.absolute().parents) if p.exists())
    writable = os.access(existing, os.W_OK)
    cuda = torch.cuda.is_available()
    return {
        "Python": sys.version.split()[0],
        **environment.packages(),
        "machine": environment.machine(),
        "accelerator": torch.cuda.get_device_name() if cuda else "none, everything runs on the CPU",
        "free disk": f"{shutil.disk_usage(existing).free / 2**30:.1f} GiB",
        "cache": f"{cache}{'' if writable else ' (not writable)'}",
        "zoo": ", ".join(sorted(CARDS)) or "empty",
    }
