"""What lies behind a page: the predictions of every run and trial it shows, and what made them.

    <page>.predictions.csv.xz    a row per test sample: key, image_id, label, then a column per run or trial
    <page>.runs.json             run -> manifest, trial -> its run and condition; what all share stands once

Any number of the page can be computed from the two with a CSV reader alone.
"""

from __future__ import annotations

import dataclasses
import io
import json
import lzma
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from rvernet_core import files
from rvernet_core.config import fingerprint
from rvernet_core.evaluation.evaluate import Trial
from rvernet_core.runs import Run

SAMPLE = ["key", "image_id", "label"]


def name_of(entry: Run | Trial) -> str:
    """The column of a run (its id) or of a trial (the run's id, "~", the condition's)."""
    own = entry.folder.name
    return f"{own}~{fingerprint(entry.condition)}" if isinstance(entry, Trial) else own


def write_evidence(page: str, entries: Sequence[Run | Trial], folder: Path) -> list[Path]:
    """Write both files of `page` into `folder`; returns their paths.

    A prediction is a class index. Beside the column `<name>` there may be `<name>:<what>`, such as the
    donor of a foreign context. A sample that a trial left out has an empty cell.
    """
    unique = {name_of(entry): entry for entry in entries}
    if not unique:
        return []
    parts, manifests, trials = [], {}, {}
    for name, entry in unique.items():
        frame = entry.predictions
        kept = [c for c in frame if c not in SAMPLE and c != "confidence" and not c.startswith("p ")]
        names = {c: name if c == "predicted" else f"{name}:{c}" for c in kept}
        parts.append(frame.set_index("key")[kept].rename(columns=names))
        manifests[entry.folder.name] = entry.manifest
        if isinstance(entry, Trial):
            trials[name] = {"run": entry.folder.name, "condition": dataclasses.asdict(entry.condition)}
    whole = max((entry.predictions for entry in unique.values()), key=len)
    table = pd.concat([whole[SAMPLE].set_index("key"), *parts], axis=1)
    table = table.apply(lambda c: c.astype("Int64") if pd.api.types.is_numeric_dtype(c) else c)
    return [
        write_packed(table.reset_index(), Path(folder) / f"{page}.predictions.csv.xz"),
        files.write_text(
            Path(folder) / f"{page}.runs.json", _lines(factored(manifests) | {"trials": trials})
        ),
    ]


def _lines(stored: dict) -> str:
    """JSON with one line for each run and each trial."""
    parts = [f' "common": {json.dumps(stored["common"], indent=1)}']
    for part in ("each", "trials"):
        rows = ",\n".join(f"  {json.dumps(name)}: {json.dumps(own)}" for name, own in stored[part].items())
        parts.append(f' "{part}": {{\n{rows}\n }}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def write_packed(frame: pd.DataFrame, path: Path) -> Path:
    """A large table as CSV, packed with xz: a tenth of the size, and pandas reads it as it is."""
    return files.write_bytes(
        path, lzma.compress(frame.to_csv(index=False, lineterminator="\n").encode(), preset=9)
    )


def read_evidence(page: str, folder: Path) -> tuple[pd.DataFrame, dict[str, dict]]:
    """(predictions, column -> {"manifest"} and a trial's "condition"), as `write_evidence` was given them."""
    packed = (Path(folder) / f"{page}.predictions.csv.xz").read_bytes()
    frame = pd.read_csv(io.BytesIO(lzma.decompress(packed)), dtype={"key": str, "image_id": str})
    stored = json.loads((Path(folder) / f"{page}.runs.json").read_text())
    manifests = {name: _merged(stored["common"], own) for name, own in stored["each"].items()}
    facts = {name: {"manifest": own} for name, own in manifests.items() if name in frame}
    for name, trial in stored["trials"].items():
        facts[name] = {"manifest": manifests[trial["run"]], "condition": trial["condition"]}
    return frame, facts


def factored(facts: dict[str, dict]) -> dict:
    """{"common": what all entries share, "each": what is left of each}, through nested dicts."""
    each = list(facts.values())
    common = each[0]
    for other in each[1:]:
        common = _shared(common, other)
    return {"common": common, "each": {name: _left(own, common) for name, own in facts.items()}}


def _shared(a: dict, b: dict) -> dict:
    both: dict = {}
    for key in a.keys() & b.keys():
        if isinstance(a[key], dict) and isinstance(b[key], dict):
            both[key] = _shared(a[key], b[key])
        elif a[key] == b[key]:
            both[key] = a[key]
    return dict(sorted(both.items()))


def _left(own: dict, common: dict) -> dict:
    rest: dict = {}
    for key, value in own.items():
        if key not in common:
            rest[key] = value
        elif isinstance(value, dict):
            inner = _left(value, common[key])
            if inner or not value:
                rest[key] = inner
    return rest


def _merged(common: dict, own: dict) -> dict:
    whole = {k: _merged(v, {}) if isinstance(v, dict) else v for k, v in common.items()}
    for key, value in own.items():
        nested = isinstance(value, dict) and isinstance(whole.get(key), dict)
        whole[key] = _merged(whole[key], value) if nested else value
    return whole
