"""The small files by which a step tells the graph that it is done, and the table that is made of them."""

from __future__ import annotations

import json
import time
from pathlib import Path

from rvernet_core import files


def write_step(path: Path, begun: float, made: dict) -> None:
    """Leave the file of a finished step: its seconds since `begun` (perf_counter), and what came of it."""
    files.write_json(path, {"seconds": round(time.perf_counter() - begun, 1), "made": made})


def table(home: Path, begun: float) -> str:
    """The steps of the profile in `home`, in the order in which they ended, with their seconds.

    "now" marks those that ended after `begun` (seconds since the epoch), in this call.
    """
    steps = sorted((home / "steps").rglob("*.json"), key=lambda path: path.stat().st_mtime)
    lines, total = [f"{'step':46} {'seconds':>8}  made"], 0.0
    for path in steps:
        name = path.relative_to(home / "steps").with_suffix("").as_posix()
        seconds = json.loads(path.read_text())["seconds"]
        lines.append(f"{name:46} {seconds:8.1f}  {'now' if path.stat().st_mtime >= begun else 'before'}")
        total += seconds
    lines += [f"{'sum of all steps':46} {total:8.1f}", f"{'this call':46} {time.time() - begun:8.1f}"]
    return "\n".join(lines)
