"""What the companion needs and this machine has, for `rvernet doctor`."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import torch

from rvernet_book import published
from rvernet_book.places import ROOT
from rvernet_core import environment
from rvernet_core.models.zoo import CARDS


def findings() -> dict[str, str]:
    """What was checked -> the finding, in words."""
    cache = Path(os.environ.get("RVERNET_CACHE") or ROOT / "_build" / "cache")
    existing = next(p for p in (cache, *cache.absolute().parents) if p.exists())
    writable = existing.is_dir() and os.access(existing, os.W_OK)
    damage = published.damage(ROOT / "book", ROOT / "README.md")
    built = [page.parents[3].name for page in (ROOT / "_build").glob("*/book/_build/html/index.html")]
    cuda = torch.cuda.is_available()
    return {
        "Python": sys.version.split()[0],
        **environment.packages(),
        "machine": environment.machine(),
        "accelerator": torch.cuda.get_device_name() if cuda else "none, everything runs on the CPU",
        "free disk": f"{shutil.disk_usage(existing).free / 2**30:.1f} GiB",
        "cache": f"{cache}{'' if writable else ' (not writable)'}",
        "zoo": ", ".join(sorted(CARDS)) or "empty",
        "record": f"{len(damage)} differences, see `rvernet verify`" if damage else "as it was published",
        "books": ", ".join(sorted(built)) or "none yet; `make book` makes the demo profile's",
    }
