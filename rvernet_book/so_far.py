"""The record on its way: answers of finished runs, kept so that a record need not be made in one sitting.

    book/so-far/runs.predictions.csv.xz   as the bundle of a page, see `record`
    book/so-far/runs.runs.json
    book/so-far/profile.txt               whose record is on its way
    book/so-far/sha256.json               the hash of each, by which an edit is known

`rvernet keep JOB...` writes the folder, and `rvernet reproduce --record` removes it when it has published.
While it is there, a run of this profile that it holds is not trained again for its answers, on whatever
machine; for its weights it is.
"""

from __future__ import annotations

import dataclasses
import fnmatch
import json
from collections.abc import Sequence
from pathlib import Path

from rvernet_book.graph import jobs_of
from rvernet_book.places import RECORD, ROOT
from rvernet_book.record import read_predictions, read_record, write_predictions
from rvernet_core import files
from rvernet_core.config import CLEAN
from rvernet_core.errors import ConfigError, RecordError
from rvernet_core.evaluation.evaluate import evaluated
from rvernet_core.experiments.study import Study
from rvernet_core.predictions import Predictions
from rvernet_core.runs import read_run
from rvernet_core.sealed import SEAL, hashes_of, is_intact

FOLDER = ROOT / "book" / "so-far"
_NAME, _PROFILE = "runs", "profile.txt"


def read(profile: str) -> dict[str, Predictions]:
    """Name -> what is kept for the record of `profile`; empty where none is on its way.

    Raises RecordError where the folder is not as it was written.
    """
    if not FOLDER.is_dir():
        return {}
    try:
        whole = json.loads((FOLDER / SEAL).read_text("utf-8")) == hashes_of(FOLDER)
    except (OSError, ValueError):
        whole = False
    if not whole:
        raise RecordError(
            f"{FOLDER} is not as `rvernet keep` wrote it; `git checkout book/so-far` brings it back, "
            "or remove it"
        )
    own = (FOLDER / _PROFILE).read_text("utf-8").strip() == profile
    return read_predictions(_NAME, FOLDER) if own else {}


def keep(study: Study, pages: Sequence[str], patterns: Sequence[str]) -> tuple[Path, int]:
    """Add the finished runs of the jobs that match `patterns`; returns the folder, and how many runs it has.

    patterns: names of jobs, with * and ? as in a shell. Keep a job when its models were evaluated, too: a
    later sitting would else train them again, one after the other, to evaluate them. A run and its
    evaluations are taken from the cache, else from the published record, where it is the same to the last
    digit of its name. Raises ConfigError for a pattern that no job matches.
    """
    jobs = jobs_of(dataclasses.replace(study, recorded={}), pages)
    for pattern in patterns:
        if not fnmatch.filter(jobs, pattern):
            raise ConfigError(f"no job is called {pattern!r}; `rvernet jobs` lists them")
    names = [name for name in jobs if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)]
    published = read_record(RECORD / "files") if any(RECORD.glob("files/*.runs.json")) else {}
    found = dict(study.recorded)
    for spec in (spec for name in names for spec in jobs[name]):
        folder = study.store.folder(spec)
        if is_intact(folder):
            run = read_run(folder)
            found |= {p.name: p for p in (run.predictions, *evaluated(run, study.store))}
        else:
            found |= {name: p for name, p in published.items() if p.run == folder.name}
    if not found:
        raise ConfigError(f"none of the {len(names)} jobs has a finished run; `rvernet run JOB` trains them")
    with files.scratch_folder(FOLDER) as new:
        write_predictions(_NAME, list(found.values()), new, beliefs=True)
        files.write_text(new / _PROFILE, f"{study.profile.name}\n")
        files.write_json(new / SEAL, hashes_of(new))
        files.replace_folder(new, FOLDER)
    return FOLDER, sum(p.condition == CLEAN for p in found.values())


def seconds(profile: str) -> float:
    """Seconds that the kept runs took in earlier sittings."""
    return sum(p.manifest["seconds"] for p in read(profile).values() if p.condition == CLEAN)


def forget() -> None:
    """Remove the folder: its runs are in the record now."""
    if FOLDER.is_dir():
        files.remove(FOLDER)
