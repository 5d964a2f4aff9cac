"""Which runs each notebook needs, per profile.

study = Study.of("demo", seeds=(0, 1))
study.singles()  ->  {"deit": [RunSpec, RunSpec], ...}     one spec per seed
study.run(study.singles()["deit"])  ->  [Run, Run]          loaded, or trained where missing
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from rvernet_core import config
from rvernet_core.config import ModelSpec, RunSpec, TrainSpec
from rvernet_core.distillation import STUDENT, TEACHER, student_of
from rvernet_core.errors import ConfigError
from rvernet_core.experiments.profiles import Profile, profile_named

# `runs` brings timm and Segment Anything along, which take seconds to import; the graph, which only
# asks what there is to do, need not wait for them.
if TYPE_CHECKING:
    from rvernet_core.data import FoodData
    from rvernet_core.evaluation.perturbed import Condition
    from rvernet_core.runs import Run

Pair = tuple[str, str]  # (ROI module, extra-ROI module)
Lesson = tuple[str, float]  # (hard | soft, strength of distillation)

#: Widths of the integration module to compare; 640 is the paper's.
WIDTHS = (40, 160, 640, 2560)


def default_cache() -> Path:
    """Where data and runs are kept: $RVERNET_CACHE, or _build/cache below the current checkout."""
    here = Path(__file__).resolve().parents[2]
    root = here if (here / "_config.yml").exists() else Path.cwd()
    return Path(os.environ.get("RVERNET_CACHE") or root / "_build" / "cache")


@dataclass(frozen=True)
class Study:
    """A profile with the reader's changes, and where its runs are kept."""

    profile: Profile
    backbones: tuple[str, ...]
    cache: Path
    device: str
    used: list = field(default_factory=list, compare=False, repr=False)  # runs and trials handed out so far

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
            changes |= {"seeds": tuple(seeds), "few_seeds": ()}
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
        some = ((chosen[0], chosen[0]),)  # where none of the profile's pairs is left
        for part in ("pairs", "ablated"):
            kept = tuple(p for p in getattr(base, part) if set(p) <= set(chosen))
            changes[part] = kept or changes.get("pairs", some)[:1]
        return cls(
            profile=config.replace(base, **changes),
            backbones=chosen,
            cache=Path(cache) if cache else default_cache(),
            device=on,
        )

    @property
    def data(self) -> FoodData:
        """The data set, opened (and rendered or indexed where that was not done before)."""
        from rvernet_core import runs

        return runs.data_of(self.profile.data, self.cache)

    def fewer(self) -> Study:
        """The same study with the profile's few seeds, for the pages that need many kinds of runs."""
        seeds = self.profile.few_seeds or self.profile.seeds
        return dataclasses.replace(self, profile=config.replace(self.profile, seeds=seeds), used=[])

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

    def context_only(self) -> dict[str, list[RunSpec]]:
        """Baselines that see the extra-ROI cut-out alone, for the ROI modules of the ablated pairs."""
        names = dict.fromkeys(roi for roi, _ in self.profile.ablated)
        return {n: self._specs(ModelSpec(roi=n, sees="extra_roi"), self.profile.single) for n in names}

    def ablations(self) -> dict[str, dict[Pair, list[RunSpec]]]:
        """The ablated pairs with one thing changed each: what was changed -> pair -> one spec per seed."""
        changes: dict[str, dict] = {
            "ROI module frozen": {"freeze": ("roi",)},
            "extra-ROI module frozen": {"freeze": ("extra_roi",)},
            "both modules frozen": {"freeze": ("roi", "extra_roi")},
            "pooled features": {"fusion": "features"},
        }
        return {
            name: {
                (roi, extra): self._specs(ModelSpec(roi=roi, extra_roi=extra, **change), self.profile.pair)
                for roi, extra in self.profile.ablated
            }
            for name, change in changes.items()
        }

    def widths(self) -> dict[tuple[Pair, int], list[RunSpec]]:
        """The ablated pairs with integration modules of several widths, trained as the grid is."""
        return {
            (pair, width): self._specs(
                config.replace(self._grid_model(*pair), head_width=width), self.profile.grid
            )
            for pair in self.profile.ablated
            for width in WIDTHS
        }

    def run(self, specs: Sequence[RunSpec]) -> list[Run]:
        """The runs of `specs`, in order: loaded, or trained where missing."""
        from rvernet_core import runs

        made = [runs.load_or_train(spec, self.cache, self.device) for spec in specs]
        self.used.extend(made)
        return made

    def run_all(self, grid: Mapping) -> dict:
        """`run` for every value of a mapping, with one progress bar."""
        from rvernet_core import runs

        flat = runs.load_or_train_all([s for specs in grid.values() for s in specs], self.cache, self.device)
        self.used.extend(flat)
        result, start = {}, 0
        for key, specs in grid.items():
            result[key] = flat[start : start + len(specs)]
            start += len(specs)
        return result

    def try_all(self, models: Mapping, conditions: Mapping[str, Condition]) -> dict[str, dict]:
        """Every run of `models` under every condition: name -> model -> one Trial per seed."""
        from rvernet_core.evaluation import evaluate as trials

        flat = [run for runs in models.values() for run in runs]
        made = trials.try_all(flat, list(conditions.values()), self.cache, self.device)
        result: dict[str, dict] = {}
        for name, condition in conditions.items():
            self.used.extend(made[condition])
            rest = iter(made[condition])
            result[name] = {model: [next(rest) for _ in runs] for model, runs in models.items()}
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
        profile, aids = self.profile, not self.profile.raw
        return config.replace(
            model,
            scale=profile.scale,
            pretrained=profile.pretrained,
            standardise=aids,
            rest_statistics=aids,
        )


def pick_device(wish: str) -> str:
    """ "auto" becomes "cuda" where a GPU is usable, else "cpu"; anything else is checked and kept."""
    if wish == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(1, device=wish)
    except (RuntimeError, AssertionError) as error:
        raise ConfigError(f"device {wish!r} is not usable here ({error}); try auto or cpu") from error
    return wish
