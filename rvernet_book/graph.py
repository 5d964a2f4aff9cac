"""The catalogue of a study: every run that a notebook asks for, as jobs of the graph."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rvernet_core import PROTOCOL, config
from rvernet_core.config import RunSpec
from rvernet_core.distillation import TEACHER
from rvernet_core.experiments.study import Study
from rvernet_core.recipe import recipe

#: The methods of a study that name runs. A notebook's source shows which of them it asks.
FAMILIES = (
    *("singles", "pairs", "grid", "grid_singles", "teachers", "pair_teachers", "students", "student_pairs"),
    *("context_only", "ablations", "widths"),
)


def catalogue(study: Study) -> dict[str, list[RunSpec]]:
    """Jobs for the graph: name -> runs that one process makes. Names are stable and fit in a file name.

    A process takes seconds to start. Micro nets train in as little, so one process makes all seeds of a
    model, and one the whole frozen grid; at paper scale every run is a job of its own.
    """
    fine = {f"single-{name}": specs for name, specs in study.singles().items()}
    fine |= {f"pair-{roi}+{extra}": specs for (roi, extra), specs in study.pairs().items()}
    few = study.fewer()
    fine |= {f"single-{TEACHER}": study.teachers(), f"pair-{TEACHER}+{TEACHER}": study.pair_teachers()}
    fine |= {f"student-{kind}-{s:g}": specs for (kind, s), specs in few.students().items()}
    fine |= {f"student-pair-{kind}-{s:g}": specs for (kind, s), specs in few.student_pairs().items()}
    fine |= {f"context-{name}": specs for name, specs in few.context_only().items()}
    for change, pairs in few.ablations().items():
        slug = change.lower().replace(" ", "-")
        fine |= {f"ablation-{slug}-{roi}+{extra}": specs for (roi, extra), specs in pairs.items()}
    grid = {f"grid-{name}": specs for name, specs in study.grid_singles().items()}
    grid |= {f"grid-{roi}+{extra}": specs for (roi, extra), specs in study.grid().items()}
    grid |= {f"width-{roi}+{extra}-{w}": specs for ((roi, extra), w), specs in few.widths().items()}
    jobs, listed = {}, set()
    for name, specs in (fine | grid).items():  # some are asked for twice, such as the grid's width of 640
        jobs[name] = [spec for spec in specs if spec not in listed]
        listed.update(specs)
    if study.profile.scale == "paper":
        return {f"{name}-s{spec.seed}": [spec] for name, specs in jobs.items() for spec in specs}
    if study.profile.grid_frozen:
        jobs["grid"] = [spec for name in grid for spec in jobs.pop(name)]
    names, size = [name for name, specs in jobs.items() if specs], study.profile.together
    chunks = [names[i : i + size] for i in range(0, len(names), size)]
    return {_called(chunk): [spec for name in chunk for spec in jobs[name]] for chunk in chunks}


def _called(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]}-and-{len(names) - 1}-more"


def asked(study: Study, source: str) -> list[str]:
    """The jobs that make what a notebook with this source asks for, by the families that it names."""
    families = [name for name in FAMILIES if f".{name}(" in source]
    wanted = {spec for name in families for spec in _specs(getattr(study, name)())}
    return [name for name, specs in catalogue(study).items() if wanted & set(specs)]


def _specs(tree: RunSpec | Mapping | list) -> Iterator[RunSpec]:
    """All specs in nested mappings and lists."""
    if isinstance(tree, RunSpec):
        yield tree
    else:
        for part in tree.values() if isinstance(tree, Mapping) else tree:
            yield from _specs(part)


def graph(study: Study, sources: Mapping[str, str]) -> dict:
    """What the Snakefile reads of the data, of every job of the catalogue, and of the notebooks `sources`.

    data: a fingerprint of its spec. runs: job -> a fingerprint of what decides its result. after: job -> the
    jobs that make its students' teachers, so that no two processes train the same one. pages: notebook ->
    the jobs that it waits for.
    """
    jobs = catalogue(study)
    makers = {spec: name for name, specs in jobs.items() for spec in specs}
    after = {
        name: sorted({makers[spec.teacher] for spec in specs if spec.teacher} - {name})
        for name, specs in jobs.items()
    }
    return {
        "data": config.fingerprint(study.profile.data, PROTOCOL),
        "runs": {name: config.fingerprint(*map(recipe, specs)) for name, specs in jobs.items()},
        "after": {name: before for name, before in after.items() if before},
        "pages": {page: asked(study, source) for page, source in sources.items()},
    }
