"""The catalogue: which runs each notebook needs, per profile.

study = Study.of("demo", seeds=(0, 1))
study.singles()  ->  {"deit": [RunSpec, RunSpec], ...}     one spec per seed
study.run(study.singles()["deit"])  ->  [Run, Run]          loaded, or trained where missing
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from rvernet_core import PROTOCOL, config
from rvernet_core.config import ModelSpec, Profile, RunSpec, TrainSpec, profile_named
from rvernet_core.distillation import STUDENT, TEACHER, student_of
from rvernet_core.errors import ConfigError
from rvernet_core.recipe import recipe

# `runs` brings timm and Segment Anything along, which take seconds to import; the graph, which only
# asks what there is to do, need not wait for them.
if TYPE_CHECKING:
    from rvernet_core.datasets import FoodData
    from rvernet_core.runs import Run

Pair = tuple[str, str]  # (ROI module, extra-ROI module)
Lesson = tuple[str, float]  # (hard | soft, strength of distillation)


def default_cache() -> Path:
    """Where data and runs are kept: $RVERNET_CACHE, or _build/cache below the current checkout."""
    here = Path(__file__).resolve().parents[1]
    root = here if (here / "_config.yml").exists() else Path.cwd()
    return Path(os.environ.get("RVERNET_CACHE") or root / "_build" / "cache")


@dataclass(frozen=True)
class Study:
    """A profile with the reader's changes, and where its runs are kept."""

    profile: Profile
    backbones: tuple[str, ...]
    cache: Path
    device: str

    @classmethod
    def of(
        cls,
        profile: str,
        *,
        dataset: str = "",
        data_root: str = "",
        extra_classes: Sequence[str] = (),
        masks: str = "",
        seeds: Sequence[int] = (),
        epochs: int = 0,
        backbones: Sequence[str] = (),
        device: str = "auto",
        cache: str | Path | None = None,
    ) -> Study:
        """The profile called `profile`; every other argument, where not empty or 0, changes one thing of it.

        Raises ConfigError for unknown names and impossible values, before anything is rendered or trained.
        """
        base = profile_named(profile)
        for name in backbones:
            if name not in config.BACKBONES:
                raise ConfigError(f"unknown backbone {name!r}; expected any of {', '.join(config.BACKBONES)}")
        if epochs < 0:
            raise ConfigError(f"epochs is {epochs}; expected at least 1, or 0 for the profile's")
        wishes = {"name": dataset, "root": data_root, "extra_classes": tuple(extra_classes), "masks": masks}
        data = config.replace(base.data, **{key: value for key, value in wishes.items() if value})
        changes: dict = {"data": data}
        if seeds:
            changes["seeds"] = tuple(seeds)
        if epochs:
            changes |= {
                part: config.replace(getattr(base, part), epochs=epochs) for part in ("single", "pair")
            }
            if not base.grid_frozen:
                changes["grid"] = config.replace(base.grid, epochs=epochs)
        on = pick_device(device)
        if profile == "full" and on != "cpu":  # an accelerator is at hand: fine-tune the whole grid
            changes |= {"grid": changes.get("pair", base.pair), "grid_frozen": False}
        chosen = tuple(backbones) or config.BACKBONES
        kept = tuple(p for p in base.pairs if set(p) <= set(chosen))
        return cls(
            profile=config.replace(base, **changes, pairs=kept),
            backbones=chosen,
            cache=Path(cache) if cache else default_cache(),
            device=on,
        )

    @property
    def data(self) -> FoodData:
        """The data set, opened (and rendered or indexed where that was not done before)."""
        from rvernet_core import runs

        return runs.data_of(self.profile.data, self.cache)

    def singles(self) -> dict[str, list[RunSpec]]:
        """The fine-tuned single-branch baselines on ROI-only images: backbone -> one spec per seed."""
        return {name: self._specs(ModelSpec(roi=name), self.profile.single) for name in self.backbones}

    def pairs(self) -> dict[Pair, list[RunSpec]]:
        """The fine-tuned RveRNets: (ROI module, extra-ROI module) -> one spec per seed."""
        return {
            p: self._specs(ModelSpec(roi=p[0], extra_roi=p[1]), self.profile.pair) for p in self.profile.pairs
        }

    def grid(self) -> dict[Pair, list[RunSpec]]:
        """Every combination of ROI and extra-ROI module -> one spec per seed."""
        return {
            (roi, extra): self._specs(self._grid_model(roi, extra), self.profile.grid)
            for roi in self.backbones
            for extra in self.backbones
        }

    def grid_singles(self) -> dict[str, list[RunSpec]]:
        """The single branches trained just as the grid is, for a fair comparison within it."""
        return {name: self._specs(self._grid_model(name, None), self.profile.grid) for name in self.backbones}

    def teachers(self) -> list[RunSpec]:
        """The CNN that teaches single students, one spec per seed: the fine-tuned single MobileNetV2."""
        return self._specs(ModelSpec(roi=TEACHER), self.profile.single)

    def pair_teachers(self) -> list[RunSpec]:
        """The CNN that teaches RveRNet students: the fine-tuned RveRNet of two MobileNetV2."""
        return self._specs(ModelSpec(roi=TEACHER, extra_roi=TEACHER), self.profile.pair)

    def students(self) -> dict[Lesson, list[RunSpec]]:
        """Single DeiT-distilled taught by `teachers`: (hard | soft, strength) -> one spec per seed.

        Teacher and student are these two whatever `backbones` says. At strength 0 hard and soft are one run.
        """
        profile, model = self.profile, ModelSpec(roi=STUDENT)
        lessons = {"hard": profile.strengths, "soft": profile.soft_strengths}
        return self._students(self.teachers(), model, profile.single, lessons)

    def student_pairs(self) -> dict[Lesson, list[RunSpec]]:
        """RveRNets of two DeiT-distilled taught by `pair_teachers`, as `students`; hard distillation only."""
        model = ModelSpec(roi=STUDENT, extra_roi=STUDENT)
        return self._students(
            self.pair_teachers(), model, self.profile.pair, {"hard": self.profile.pair_strengths}
        )

    def run(self, specs: Sequence[RunSpec]) -> list[Run]:
        """The runs of `specs`, in order: loaded, or trained where missing."""
        from rvernet_core import runs

        return [runs.load_or_train(spec, self.cache, self.device) for spec in specs]

    def run_all(self, grid: Mapping) -> dict:
        """`run` for every value of a mapping, with one progress bar."""
        from rvernet_core import runs

        flat = runs.load_or_train_all([s for specs in grid.values() for s in specs], self.cache, self.device)
        result, start = {}, 0
        for key, specs in grid.items():
            result[key] = flat[start : start + len(specs)]
            start += len(specs)
        return result

    def _grid_model(self, roi: str, extra_roi: str | None) -> ModelSpec:
        if not self.profile.grid_frozen:
            return ModelSpec(roi=roi, extra_roi=extra_roi)
        frozen = ("roi", "extra_roi") if extra_roi else ("roi",)
        return ModelSpec(roi=roi, extra_roi=extra_roi, fusion="features", freeze=frozen)

    def _specs(self, model: ModelSpec, train: TrainSpec) -> list[RunSpec]:
        model = self._scaled(model)
        return [RunSpec(self.profile.data, model, train, seed) for seed in self.profile.seeds]

    def _students(
        self,
        teachers: Sequence[RunSpec],
        model: ModelSpec,
        train: TrainSpec,
        lessons: Mapping[str, Sequence[float]],
    ) -> dict[Lesson, list[RunSpec]]:
        model = self._scaled(model)
        return {
            (kind, strength): [student_of(teacher, model, train, kind, strength) for teacher in teachers]
            for kind, strengths in lessons.items()
            for strength in strengths
        }

    def _scaled(self, model: ModelSpec) -> ModelSpec:
        aids = not self.profile.raw
        return config.replace(model, scale=self.profile.scale, standardise=aids, rest_statistics=aids)


def catalogue(study: Study) -> dict[str, list[RunSpec]]:
    """Jobs for the graph: name -> runs that one process makes. Names are stable and fit in a file name.

    A process takes seconds to start. Micro nets train in as little, so one process makes all seeds of a
    model, and one the whole frozen grid; at paper scale every run is a job of its own.
    """
    fine = {f"single-{name}": specs for name, specs in study.singles().items()}
    fine |= {f"pair-{roi}+{extra}": specs for (roi, extra), specs in study.pairs().items()}
    fine |= {f"single-{TEACHER}": study.teachers(), f"pair-{TEACHER}+{TEACHER}": study.pair_teachers()}
    lessons = {f"student-{kind}-{s:g}": specs for (kind, s), specs in study.students().items()}
    lessons |= {f"student-pair-{kind}-{s:g}": specs for (kind, s), specs in study.student_pairs().items()}
    made: dict = {  # hard and soft at 0 are one
        tuple(specs): name for name, specs in reversed(lessons.items())
    }
    taught = {name: specs for name, specs in lessons.items() if made[tuple(specs)] == name}
    grid = {f"grid-{name}": specs for name, specs in study.grid_singles().items()}
    grid |= {f"grid-{roi}+{extra}": specs for (roi, extra), specs in study.grid().items()}
    known = {
        spec for specs in fine.values() for spec in specs
    }  # an unfrozen grid repeats the fine-tuned pairs
    grid = {name: specs for name, specs in grid.items() if not known.issuperset(specs)}
    if study.profile.scale == "paper":
        return {
            f"{name}-s{spec.seed}": [spec] for name, specs in (fine | taught | grid).items() for spec in specs
        }
    if study.profile.grid_frozen:
        grid = {"grid": [spec for specs in grid.values() for spec in specs]}
    return fine | taught | grid


def graph(study: Study) -> dict:
    """What the Snakefile reads of the data and of every job of the catalogue.

    data: a fingerprint of its spec. runs: job -> a fingerprint of what decides its result. after: job -> the
    jobs that make its students' teachers, so that no two processes train the same one.
    """
    jobs = catalogue(study)
    makers = {spec: name for name, specs in jobs.items() for spec in specs}
    after = {
        name: sorted({makers[spec.teacher] for spec in specs if spec.teacher in makers})
        for name, specs in jobs.items()
    }
    return {
        "data": config.fingerprint(study.profile.data, PROTOCOL),
        "runs": {name: config.fingerprint(*map(recipe, specs)) for name, specs in jobs.items()},
        "after": {name: jobs for name, jobs in after.items() if jobs},
    }


def pick_device(wish: str) -> str:
    """ "auto" becomes "cuda" where a GPU is usable, else "cpu"; anything else is checked and kept."""
    if wish == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(1, device=wish)
    except (RuntimeError, AssertionError) as error:
        raise ConfigError(f"device {wish!r} is not usable here ({error}); try auto or cpu") from error
    return wish
