"""Where a page's numbers come from: profile, seeds, commit, data, packages, time, machine, command."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from rvernet_book import html
from rvernet_core import PROTOCOL, __version__, environment
from rvernet_core.experiments.profiles import PROFILES, settings


def collect(
    *,
    profile: str,
    seeds: Sequence[int],
    command: str,
    seconds: float | None = None,
    data: dict[str, str] | None = None,
    device: str = "cpu",
    runs: Mapping[str, float] | None = None,
    given: Mapping[str, Any] | None = None,
) -> dict:
    """The facts as JSON-ready data.

    data: what each data set is called -> its fingerprint. runs: id of each run used -> seconds of training.
    given: parameters of the study other than the profile's own, see `parameters.given`.
    """
    return {
        "profile": profile,
        "settings": settings(profile) if profile in PROFILES else None,
        **({"parameters": dict(given)} if given else {}),
        "seeds": list(seeds),
        "commit": environment.commit(),
        "version": __version__,
        "protocol": PROTOCOL,
        "data": dict(data or {}),
        "packages": environment.packages(),
        "python": platform.python_version(),
        "machine": environment.machine(device),
        "seconds": None if seconds is None else round(seconds, 1),
        "runs": len(runs or {}),
        "training_seconds": round(sum((runs or {}).values()), 1),
        "command": command,
    }


def box(facts: dict, sources: Sequence[tuple[str, str]] = ()) -> html.Html:
    """The facts of `collect` as a box that opens on a click; the command is always visible.

    sources: (name, address) of the files that the page's numbers can be computed from.
    """
    rows = {
        "profile": facts["profile"],
        "seeds": ", ".join(map(str, facts["seeds"])),
        "commit": facts["commit"] or "unknown (not a git checkout)",
        "rvernet-core": f"{facts['version']}, protocol {facts['protocol']}",
        "data": "; ".join(f"{name} {value}" for name, value in facts["data"].items()),
        "packages": ", ".join(f"{name} {value}" for name, value in facts["packages"].items()),
        "Python": facts["python"],
        "machine": facts["machine"],
        "time": "" if facts["seconds"] is None else f"{duration(facts['seconds'])} for this page",
        "training": f"{duration(facts['training_seconds'])} in {facts['runs']} runs" if facts["runs"] else "",
    }
    cells = "".join(
        f'<tr><td class="rvn-text"><strong>{escape(name)}</strong></td>'
        f'<td class="rvn-text">{escape(text)}</td></tr>'
        for name, text in rows.items()
        if text
    )
    body = (
        f'<p>Reproduce this page:</p><pre class="rvn-command">{escape(facts["command"])}</pre>'
        "<details><summary>Provenance</summary>"
        f'<table class="rvn-table"><tbody>{cells}</tbody></table></details>'
    )
    if sources:
        body += f"<p>Predictions and manifests of this page:</p>{html.links(list(sources))}"
    return html.Html(
        body, "\n".join(f"{name}: {text}" for name, text in rows.items()) + f"\n{facts['command']}"
    )


def training_seconds(stored: Mapping) -> dict[str, float]:
    """Run -> seconds of its training, from what a page's `.runs.json` holds."""
    same = stored["common"].get("seconds", 0.0)
    return {run: own.get("seconds", same) for run, own in stored["each"].items()}


def duration(seconds: float) -> str:
    """`48 s`, `12 min 5 s` or `1 h 52 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
