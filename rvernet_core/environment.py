"""What a manifest and a page say of the code and the machine: no names of hosts, users or folders."""

from __future__ import annotations

import functools
import importlib.metadata
import os
import platform
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent

#: The packages that decide numbers.
PACKAGES = (
    "torch",
    "torchvision",
    "timm",
    "segment-anything-py",
    "grad-cam",
    "numpy",
    "scipy",
    "pillow",
    "opencv-python-headless",
    "scikit-learn",
    "papermill",
)


@functools.lru_cache
def commit() -> str:
    """The commit of this code, `+` added where tracked files differ from it; empty outside a git checkout."""
    try:
        _git("ls-files", "--error-unmatch", Path(__file__).name)  # installed: some other project's checkout
        head = _git("rev-parse", "--short=12", "HEAD")
        return head + ("+" if _git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.SubprocessError):
        return ""


def packages() -> dict[str, str]:
    """Name -> version of PACKAGES, as far as they are installed."""
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def machine(device: str = "cpu") -> str:
    """Processor and cores, and the accelerator if one was used."""
    cpu = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        cpu = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), cpu)
    except OSError:
        pass
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    text = f"{cpu}, {cores} core{'s' if cores != 1 else ''}, {platform.system()}"
    return text if device == "cpu" else f"{text}, {_accelerator(device)}"


def peak_memory() -> int:
    """Most memory this process has held so far, in MiB; 0 where the system does not tell."""
    try:
        import resource  # not on Windows
    except ImportError:
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS, KiB elsewhere
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10))


def _accelerator(device: str) -> str:
    import torch

    return torch.cuda.get_device_name(device) if device.startswith("cuda") else device


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(FOLDER), *arguments], capture_output=True, text=True, check=True, timeout=20
    )
    return done.stdout.strip()
