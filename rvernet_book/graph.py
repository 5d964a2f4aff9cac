"""The graph of a study: which jobs make which runs, and which jobs and pages wait for which.

A page's runs are declared in its module of `rvernet_core.experiments` (`needs`), and nowhere else.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from rvernet_core import PROTOCOL
from rvernet_core.config import RunSpec, fingerprint
from rvernet_core.experiments import page_module
from rvernet_core.experiments.study import Study
from rvernet_core.run_specs import identity

Jobs = dict[str, list[RunSpec]]  # name of a job, fit for a file name -> the runs that one process makes


def needs_of(study: Study, page: str) -> Jobs:
    """The runs of a page; of those whose answers are recorded, the ones alone whose weights it needs."""
    module = page_module(page)
    if not study.recorded:
        return module.needs(study)
    weights = module.weights(study) if hasattr(module, "weights") else {}
    wanted = {spec for specs in weights.values() for spec in specs}
    return {
        name: [spec for spec in specs if spec in wanted or not study.knows(spec)]
        for name, specs in module.needs(study).items()
    }


def jobs_of(study: Study, pages: Sequence[str]) -> Jobs:
    """The jobs that make every run that `pages` need, each run in one job.

    A process takes seconds to start. Micro nets train in as little, so one process trains several models,
    all seeds of each, and one trains all heads on frozen features; at paper scale every run is a job.
    """
    jobs: Jobs = {}
    listed: set[RunSpec] = set()
    for page in pages:
        for name, specs in needs_of(study, page).items():  # some runs are needed under two names,
            jobs.setdefault(name, []).extend(s for s in specs if s not in listed)  # some by two pages
            listed.update(specs)
    teachers = dict.fromkeys(s.teacher for specs in jobs.values() for s in specs if s.teacher)
    if unlisted := [spec for spec in teachers if spec not in listed]:
        jobs["teachers"] = unlisted  # their own answers are recorded, those of their students are not
    if study.profile.scale == "paper":
        return {f"{name}-s{spec.seed}": [spec] for name, specs in jobs.items() for spec in specs}
    quick = [name for name, specs in jobs.items() if specs and all(map(_on_frozen_features, specs))]
    heads = [spec for name in quick for spec in jobs.pop(name)]
    names, size = [name for name, specs in jobs.items() if specs], study.profile.models_per_job
    chunks = [names[i : i + size] for i in range(0, len(names), size)]
    grouped = {_named(chunk): [spec for name in chunk for spec in jobs[name]] for chunk in chunks}
    return grouped | ({"frozen-features": heads} if heads else {})


def graph(study: Study, pages: Sequence[str], record: Path | None = None) -> dict:
    """What the Snakefile reads, JSON-ready.

    data: a fingerprint of its spec. runs: job -> a fingerprint of what decides its result. after: job -> the
    jobs that train its teachers, so that no two processes train the same one. pages: notebook -> the jobs it
    waits for. priority: notebook -> the seconds it took in the files of `record`, so that long pages start
    first. gpu, threads: what a job that trains or evaluates asks for where nobody else says. Nothing here
    depends on the machine on which it is written.
    """
    jobs = jobs_of(study, pages)
    job_of = {spec: name for name, specs in jobs.items() for spec in specs}
    after = {
        name: sorted({job_of[spec.teacher] for spec in specs if spec.teacher} - {name})
        for name, specs in jobs.items()
    }
    waits = {
        page: list(dict.fromkeys(job_of[s] for specs in needs_of(study, page).values() for s in specs))
        for page in pages
    }
    return {
        "data": fingerprint(study.profile.data, PROTOCOL),
        "runs": {name: fingerprint(*map(identity, specs)) for name, specs in jobs.items()},
        "after": {name: jobs_before for name, jobs_before in after.items() if jobs_before},
        "pages": waits,
        "priority": _seconds(record, pages) if record else {},
        "gpu": int(study.profile.scale == "paper"),
        "threads": 8 if study.profile.scale == "paper" else 1,  # micro nets compute on one, see `training`
    }


def _on_frozen_features(spec: RunSpec) -> bool:
    return len(spec.model.freeze) == len(spec.model.branches) and spec.train.flip == 0


def _named(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]}-and-{len(names) - 1}-more"


def _seconds(record: Path, pages: Sequence[str]) -> dict[str, int]:
    files = {page: record / f"{page}.page.json" for page in pages}
    return {
        page: round(json.loads(path.read_text())["provenance"]["seconds"] or 0)
        for page, path in files.items()
        if path.is_file()
    }
