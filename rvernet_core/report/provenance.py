"""Where a page's numbers come from: profile, seeds, commit, data, packages, time, machine, command."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
from collections.abc import Sequence
from html import escape
from pathlib import Path

from rvernet_core import PROTOCOL, __version__
from rvernet_core.report import html

PACKAGES = (
    "torch",
    "torchvision",
    "timm",
    "segment-anything-py",
    "grad-cam",
    "numpy",
    "opencv-python-headless",
    "scikit-learn",
    "papermill",
)


def collect(
    *,
    profile: str,
    seeds: Sequence[int],
    command: str,
    seconds: float | None = None,
    data: dict[str, str] | None = None,
    device: str = "cpu",
) -> dict:
    """The facts as JSON-ready data. data: what each data set is called -> its fingerprint."""
    return {
        "profile": profile,
        "seeds": list(seeds),
        "commit": commit(),
        "version": __version__,
        "protocol": PROTOCOL,
        "data": dict(data or {}),
        "packages": packages(),
        "python": platform.python_version(),
        "machine": machine(device),
        "seconds": None if seconds is None else round(seconds, 1),
        "command": command,
    }


def box(facts: dict) -> html.Html:
    """The facts of `collect` as a box that opens on a click; the command is always in sight."""
    rows = {
        "profile": facts["profile"],
        "seeds": ", ".join(map(str, facts["seeds"])),
        "commit": facts["commit"] or "unknown (not a git checkout)",
        "rvernet-core": f"{facts['version']}, protocol {facts['protocol']}",
        "data": "; ".join(f"{name} {value}" for name, value in facts["data"].items()),
        "packages": ", ".join(f"{name} {value}" for name, value in facts["packages"].items()),
        "Python": facts["python"],
        "machine": facts["machine"],
        "time": "" if facts["seconds"] is None else duration(facts["seconds"]),
    }
    cells = "".join(
        f'<tr><td class="rvn-text"><strong>{escape(name)}</strong></td>'
        f'<td class="rvn-text">{escape(text)}</td></tr>'
        for name, text in rows.items()
        if text
    )
    body = (
        f'<p>This page, again:</p><pre class="rvn-command">{escape(facts["command"])}</pre>'
        "<details><summary>Provenance</summary>"
        f'<table class="rvn-table"><tbody>{cells}</tbody></table></details>'
    )
    return html.Html(
        body, "\n".join(f"{name}: {text}" for name, text in rows.items()) + f"\n{facts['command']}"
    )


def commit() -> str:
    """The checkout's commit, `+` added where files differ from it; empty outside a checkout."""
    root = Path(__file__).resolve().parents[2]
    try:
        head = _git(root, "rev-parse", "--short=12", "HEAD")
        return head + ("+" if _git(root, "status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.SubprocessError):
        return ""


def packages() -> dict[str, str]:
    """Name -> version of the packages that decide numbers, as far as they are installed."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def machine(device: str = "cpu") -> str:
    """Processor and cores, and the accelerator if one was used; never a host name."""
    cpu = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        cpu = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), cpu)
    except OSError:
        pass
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    text = f"{cpu}, {cores} core{'s' if cores != 1 else ''}, {platform.system()}"
    return text if device == "cpu" else f"{text}, {device}"


def duration(seconds: float) -> str:
    """`48 s`, `12 min 5 s` or `1 h 52 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True, timeout=20
    )
    return done.stdout.strip()
