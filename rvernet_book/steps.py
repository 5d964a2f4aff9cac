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
    ended = sorted((home / "steps").rglob("*.json"), key=lambda path: path.stat().st_mtime)
    rows = [
        (
            path.relative_to(home / "steps").with_suffix("").as_posix(),
            json.loads(path.read_text())["seconds"],
            "now" if path.stat().st_mtime >= begun else "before",
        )
        for path in ended
    ]
    rows.append(("sum of all steps", sum(seconds for _, seconds, _ in rows), ""))
    rows.append(("this call", time.time() - begun, ""))
    width = max(len(name) for name, _, _ in rows)
    lines = [f"{'step':{width}} {'seconds':>8}  made"]
    lines += [f"{name:{width}} {seconds:8.1f}  {made}".rstrip() for name, seconds, made in rows]
    return "\n".join(lines)
