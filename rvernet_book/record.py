"""The predictions behind a page, as they are published and as they are read again.

    <page>.predictions.csv.xz   a row per test sample: key, image_id, label, a column per run or evaluation
    <page>.runs.json            run -> manifest, evaluation -> run and condition; what all share stands once

Any number of the page can be computed from the two with a CSV reader alone; `read_record` gives them back as
`Predictions`, so that a page can be executed without training.
"""

from __future__ import annotations

import dataclasses
import io
import json
import lzma
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from rvernet_core import files
from rvernet_core.config import CLEAN, Condition, RunSpec, from_dict
from rvernet_core.errors import RecordError
from rvernet_core.predictions import SAMPLE, TEXT, Predictions
from rvernet_plates import AMBIGUOUS_PAIRS

#: Probabilities. They do not pack well, so they are published where a page asks for it, in thousandths: the
#: top class's everywhere, those of an ambiguous pair at its own samples (elsewhere UNKNOWN).
_BELIEFS = ("confidence", "p ")
UNKNOWN = -1


def write_predictions(
    page: str, predictions: Sequence[Predictions], folder: Path, beliefs: bool = False
) -> list[Path]:
    """Write both files of `page` into `folder`; returns their paths.

    beliefs: with the probabilities of clean runs, rounded to thousandths.
    A prediction is a class index. Beside the column `<name>` there may be `<name>:<what>`, such as the
    context source. A sample that an evaluation left out has an empty cell.
    """
    by_name: dict[str, Predictions] = {}
    for entry in predictions:  # a run's own answers come before those of its evaluation without a condition
        by_name.setdefault(entry.name, entry)
    if not by_name:
        return []
    parts, manifests, evaluations = [], {}, {}
    for name, entry in by_name.items():
        kept = _in_thousandths(entry.table) if beliefs and entry.condition == CLEAN else entry.table
        foreign = () if kept is not entry.table else _BELIEFS
        answers = [c for c in kept if c not in SAMPLE and not (foreign and c.startswith(foreign))]
        columns = [name if c == "predicted" else f"{name}:{c}" for c in answers]
        parts.append(kept.set_index("key")[answers].set_axis(columns, axis=1))
        manifests[entry.run] = entry.manifest
        if entry.condition != CLEAN:
            evaluations[name] = {"run": entry.run, "condition": dataclasses.asdict(entry.condition)}
    table = pd.concat([_samples(list(by_name.values())), *parts], axis=1)
    table = table.apply(lambda c: c.astype("Int64") if pd.api.types.is_numeric_dtype(c) else c)
    stored = factored(manifests) | {"evaluations": evaluations}
    return [
        write_packed(table.reset_index(), Path(folder) / f"{page}.predictions.csv.xz"),
        files.write_text(Path(folder) / f"{page}.runs.json", _lines(stored)),
    ]


def read_predictions(page: str, folder: Path) -> dict[str, Predictions]:
    """Name -> the predictions that `write_predictions` was given for `page`.

    Raises RecordError where the two files contradict each other.
    """
    packed = (Path(folder) / f"{page}.predictions.csv.xz").read_bytes()
    csv = lzma.decompress(packed)
    columns = pd.read_csv(io.BytesIO(csv), nrows=0).columns
    text: dict[Hashable, Any] = {c: str for c in columns if c.rpartition(":")[2] in TEXT}
    table = pd.read_csv(io.BytesIO(csv), dtype=text)
    stored = json.loads((Path(folder) / f"{page}.runs.json").read_text())
    manifests = {run: _merged(stored["common"], own) for run, own in stored["each"].items()}
    sources = {run: (run, CLEAN) for run in manifests if run in table}
    for name, entry in stored["evaluations"].items():
        sources[name] = (entry["run"], from_dict(Condition, entry["condition"]))
    absent = [name for name, (run, _) in sources.items() if name not in table or run not in manifests]
    if absent:
        raise RecordError(f"{page}: the record names {absent[0]}, but holds no predictions or manifest of it")
    return {
        name: Predictions(
            run, from_dict(RunSpec, manifests[run]["spec"]), _answers(table, name), manifests[run], condition
        )
        for name, (run, condition) in sources.items()
    }


def read_record(folder: Path) -> dict[str, Predictions]:
    """Name -> predictions of every run and evaluation behind the pages whose files lie in `folder`."""
    pages = [path.name.removesuffix(".runs.json") for path in sorted(Path(folder).glob("*.runs.json"))]
    if not pages:
        raise RecordError(f"{folder} holds no published predictions; run `make record`, or train")
    record: dict[str, Predictions] = {}
    for page in pages:
        for name, read in read_predictions(page, folder).items():
            if name not in record or len(read.table.columns) > len(record[name].table.columns):
                record[name] = read  # the page that publishes most of a run
    return record


def recorded_profile(folder: Path) -> str:
    """The profile of the pages whose files lie in `folder`; RecordError unless it is one and the same."""
    pages = sorted(Path(folder).glob("*.page.json"))
    profiles = {json.loads(path.read_text())["provenance"]["profile"] for path in pages}
    if len(profiles) != 1:
        raise RecordError(f"{folder} holds pages of {sorted(profiles) or 'no profile'}; expected one profile")
    return profiles.pop()


def write_packed(frame: pd.DataFrame, path: Path) -> Path:
    """A large table as CSV, packed with xz: a tenth of the size, and pandas reads it as it is."""
    return files.write_bytes(
        path, lzma.compress(frame.to_csv(index=False, lineterminator="\n").encode(), preset=9)
    )


def _samples(entries: Sequence[Predictions]) -> pd.DataFrame:
    """Every sample that was answered, by key: those of the first entry's data in their order, then others.

    A page may show runs on several data sets, and some answer a part of the samples. A key names a class
    and a photo, so what two data sets call alike has one label.
    """
    own = [entry.table for entry in entries if entry.spec.data == entries[0].spec.data]
    tables = [max(own, key=len), *(entry.table for entry in entries)]
    samples = pd.concat([table[list(SAMPLE)] for table in tables]).drop_duplicates("key")
    return samples.set_index("key")


def _answers(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """The table of one run or evaluation: samples that it answered, with its own columns."""
    own = [c for c in table if c == name or c.startswith(f"{name}:")]
    frame = table.filter(items=[*SAMPLE, *own]).loc[lambda rows: rows[name].notna()].reset_index(drop=True)
    frame.columns = [*SAMPLE, *(c[len(name) + 1 :] or "predicted" for c in own)]
    numeric = [c for c in frame if c not in TEXT]
    frame = frame.astype(dict.fromkeys(numeric, "int64"))
    for column in (c for c in frame if c.startswith(_BELIEFS)):
        frame[column] = (frame[column] / 1000).where(frame[column] != UNKNOWN)
    return frame


def _in_thousandths(table: pd.DataFrame) -> pd.DataFrame:
    """The table with probabilities as whole numbers; those of a pair at its own samples alone."""
    table = table.copy()
    for column in (c for c in table if c.startswith(_BELIEFS)):
        table[column] = (table[column] * 1000).round().fillna(UNKNOWN).astype(int)
    for pair in AMBIGUOUS_PAIRS:
        columns = [f"p {name}" for name in pair]
        if set(columns) <= set(table):
            own = table["key"].str.rpartition("/")[0].isin(pair)
            table.loc[~own, columns] = UNKNOWN
    return table


# --- manifests: what all share stands once ----------------------------------------------------------


def factored(facts: dict[str, dict]) -> dict:
    """{"common": what all entries share, "each": what is left of each}, through nested dicts."""
    each = list(facts.values())
    common = each[0]
    for other in each[1:]:
        common = _shared(common, other)
    return {"common": common, "each": {name: _left(own, common) for name, own in facts.items()}}


def _lines(stored: dict) -> str:
    """JSON with one line for each run and each evaluation."""
    parts = [f' "common": {json.dumps(stored["common"], indent=1)}']
    for part in ("each", "evaluations"):
        rows = ",\n".join(f"  {json.dumps(name)}: {json.dumps(own)}" for name, own in stored[part].items())
        parts.append(f' "{part}": {{\n{rows}\n }}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


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
