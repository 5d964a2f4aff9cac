"""A profile with the reader's overrides, and the predictions of its models.

study = Study.of("demo", seeds=(0, 1))
study.singles()  ->  {"deit": [RunSpec, RunSpec], ...}              one spec per seed
study.predictions(study.singles())["deit"]  ->  [Predictions, Predictions]
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import torch

from rvernet_core import config, controls, downloads
from rvernet_core.config import Condition, ModelSpec, RunSpec, TrainSpec
from rvernet_core.data import FoodData
from rvernet_core.data import check as check_data
from rvernet_core.downloads import Download
from rvernet_core.errors import ConfigError
from rvernet_core.evaluation.evaluate import evaluate
from rvernet_core.experiments.profiles import Profile, profile_named
from rvernet_core.fetch import cache_folder
from rvernet_core.models.backbones import ZOO
from rvernet_core.predictions import Predictions, name_of
from rvernet_core.run_specs import run_name
from rvernet_core.runs import Run, RunStore

Modules = tuple[str, str]  # (ROI module, extra-ROI module)
Key = TypeVar("Key", bound=Hashable)
Name = TypeVar("Name", bound=Hashable)
SOURCES = ("train", "record")
DEVICES = ("auto", "cpu", "cuda")


@dataclass(frozen=True)
class Study:
    """A profile with the reader's overrides, and where the predictions of its models come from."""

    profile: Profile
    backbones: tuple[str, ...]
    store: RunStore
    recorded: Mapping[str, Predictions] = field(default_factory=dict, repr=False)
    used: list[Predictions] = field(default_factory=list, compare=False, repr=False)  # handed out so far

    @classmethod
    def of(
        cls,
        profile: str = "demo",
        *,
        dataset: str = "",
        data_root: str = "",
        extra_classes: Sequence[str] = (),
        masks: str = "",
        seeds: Sequence[int] = (),
        epochs: int = 0,
        backbones: Sequence[str] = (),
        device: str = "auto",
        runs: str = "train",
        cache: str | Path | None = None,
        recorded: Mapping[str, Predictions] | None = None,
    ) -> Study:
        """The profile called `profile`; every other argument, where not empty or 0, overrides a part of it.

        Args:
            profile: smoke | demo | full | paper: the scale of everything.
            dataset: plates | foodseg103 | foodseg103-hub | release | folder; empty: the profile's.
            data_root: folder of the data set; empty: rendered or fetched into the cache.
            extra_classes: further classes, each as NAME, equals sign, FOLDER.
            masks: exact | sam: whose masks cut the photos; empty: the profile's.
            seeds: seeds of the runs; empty: the profile's.
            epochs: epochs of fine-tuning; 0: the profile's.
            backbones: any of the five; empty: all.
            device: auto | cpu | cuda.
            runs: train | record: train, or read the published predictions and train for weights alone.
            cache: folder of data and runs; None: $RVERNET_CACHE, or _build/cache below the working directory.
            recorded: name -> predictions that count as the answers of the very runs they are of; for
                `runs="record"` those of the published record.

        Raises ConfigError for unknown names and impossible values, before anything is rendered or trained.
        """
        base = profile_named(profile)
        backbones = _distinct(config.coerce(backbones, Sequence[str], "backbones"), "backbones")
        seeds = _distinct(config.coerce(seeds, Sequence[int], "seeds"), "seeds")
        for i, name in enumerate(backbones):
            config.one_of(name, ZOO, f"backbones[{i}]")
        if not all(0 <= seed < 2**32 for seed in seeds):
            raise ConfigError(f"seeds is {list(seeds)}; expected numbers from 0 to {2**32 - 1}")
        if config.coerce(epochs, int, "epochs") < 0:
            raise ConfigError(f"epochs is {epochs}; expected at least 1, or 0 for the profile's")
        if config.one_of(runs, SOURCES, "runs") == "record" and recorded is None:
            raise ConfigError(
                "runs is 'record', but no record was given; expected recorded=<name -> predictions>"
            )
        overrides = {
            "name": dataset,
            "root": data_root,
            "extra_classes": tuple(config.coerce(extra_classes, Sequence[str], "extra_classes")),
            "masks": masks,
            "sam": base.sam if masks == "sam" else "",  # the profile's own net
        }
        changes: dict = {"data": config.replace(base.data, **{k: v for k, v in overrides.items() if v})}
        check_data(changes["data"])
        if seeds:
            fewer = ("ablation_seeds", "audit_seeds", "detector_seeds", "map_seeds", "noise_training_seeds")
            changes |= {"seeds": seeds, **dict.fromkeys(fewer, ())}
        if epochs:
            changes |= {
                part: config.replace(getattr(base, part), epochs=epochs) for part in ("single", "pair")
            }
            for part in ("recipes", "second_recipes"):
                changes[part] = tuple(config.replace(one, epochs=epochs) for one in getattr(base, part))
            changes["audit_epochs"] = 0
            if not base.grid_frozen:
                changes["grid"] = config.replace(base.grid, epochs=epochs)
        chosen = backbones or tuple(ZOO)
        fallback = ((chosen[0], chosen[0]),)  # where none of the profile's pairs is left
        for part in ("pairs", "ablated"):
            kept = tuple(pair for pair in getattr(base, part) if set(pair) <= set(chosen))
            changes[part] = kept or changes.get("pairs", fallback)[:1]
        cache = cache or cache_folder()
        return cls(
            profile=config.replace(base, **changes),
            backbones=chosen,
            store=RunStore(cache, pick_device(device)),
            recorded=recorded or {},
        )

    # --- data -------------------------------------------------------------------------------------

    @property
    def data(self) -> FoodData:
        """The data set, opened (and rendered or indexed where that was not done before)."""
        return self.store.data(self.profile.data)

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes of the data set, in label order."""
        return self.data.classes

    def downloads(self) -> list[Download]:
        """What the study needs and `fetch_all` can get beforehand: weights first, the data set last."""
        profile = self.profile
        wanted = [downloads.SAM[profile.sam]] if profile.sam in downloads.SAM else []
        if profile.scale == "paper" and profile.pretrained:
            wanted += [downloads.TIMM[ZOO[name].timm_tag] for name in self.backbones]
        if not profile.data.root:
            wanted += downloads.DATA.get(profile.data.name, ())
        return wanted

    # --- which models -----------------------------------------------------------------------------

    def specs(self, model: ModelSpec, train: TrainSpec | None = None) -> list[RunSpec]:
        """One spec per seed of a model, brought to the profile's scale; `train` None: by its recipe."""
        model, train = self.scaled(model), train or self.profile.train(model)
        return [RunSpec(self.profile.data, model, train, seed) for seed in self.profile.seeds]

    def singles(self) -> dict[str, list[RunSpec]]:
        """The fine-tuned single-branch baselines on ROI-only images: backbone -> one spec per seed."""
        return {name: self.specs(ModelSpec(roi=name)) for name in self.backbones}

    def pairs(self) -> dict[Modules, list[RunSpec]]:
        """The fine-tuned RveRNets: (ROI module, extra-ROI module) -> one spec per seed."""
        return {
            (roi, extra): self.specs(ModelSpec(roi=roi, extra_roi=extra)) for roi, extra in self.profile.pairs
        }

    def grid(self) -> dict[Modules, list[RunSpec]]:
        """Every combination of ROI and extra-ROI module -> one spec per seed."""
        return {
            (roi, extra): self.specs(self.grid_model(roi, extra), self.profile.grid)
            for roi in self.backbones
            for extra in self.backbones
        }

    def grid_singles(self) -> dict[str, list[RunSpec]]:
        """The single branches trained just as the grid is, for a fair comparison within it."""
        return {name: self.specs(self.grid_model(name, None), self.profile.grid) for name in self.backbones}

    def controls(self, *names: str) -> dict[str, list[RunSpec]]:
        """The controls of these names that the data can have: one spec per seed where chance has a part."""
        profile = self.profile
        return {
            name: [
                controls.control(name, profile.data, seed)
                for seed in (profile.seeds if controls.is_random(name) else (0,))
            ]
            for name in controls.controls_of(profile.data)
            if name in names
        }

    def few(self) -> Study:
        """The same study with the pairs and the fewer seeds of the ablations."""
        fewer = self.with_ablation_seeds()
        return dataclasses.replace(fewer, profile=config.replace(fewer.profile, pairs=fewer.profile.ablated))

    def altered(self) -> dict[str, Study]:
        """The `few` models under each of the profile's other laws of the plates; nothing on other data.

        What is used there counts as used here.
        """
        profile = self.few().profile
        return {
            law.name: dataclasses.replace(self, profile=config.replace(profile, data=law.of(profile.data)))
            for law in profile.altered
            if profile.data.name == "plates"
        }

    def grid_model(self, roi: str, extra_roi: str | None) -> ModelSpec:
        """A model of the grid: on frozen, pooled features where the profile says so."""
        if not self.profile.grid_frozen:
            return ModelSpec(roi=roi, extra_roi=extra_roi)
        frozen = ("roi", "extra_roi") if extra_roi else ("roi",)
        return ModelSpec(roi=roi, extra_roi=extra_roi, fusion="features", freeze=frozen)

    def scaled(self, model: ModelSpec) -> ModelSpec:
        """`model` at the profile's scale, with or without what stabilises micro nets."""
        profile = self.profile
        return config.replace(
            model,
            scale=profile.scale,
            pretrained=profile.pretrained,
            standardise=profile.stabilised,
            freeze_batch_norm=profile.stabilised,
        )

    def with_ablation_seeds(self) -> Study:
        """The same study with the profile's fewer seeds, for pages that need many kinds of models."""
        return self.with_seeds(self.profile.ablation_seeds)

    def with_seeds(self, seeds: Sequence[int]) -> Study:
        """The same study with these seeds; with its own where there are none."""
        seeds = tuple(seeds) or self.profile.seeds
        return dataclasses.replace(self, profile=config.replace(self.profile, seeds=seeds))

    def under_second_recipe(self) -> Study:
        """The same study, each net by the second recipe of its search, with the ablations' fewer seeds.

        It has the singles where each of them has a second recipe, else none, and so have its pairs: a
        comparison in which some nets are trained by another rule would say nothing of either.
        """
        few, second = self.with_ablation_seeds(), self.profile.second_recipes
        known = {(recipe.architecture, recipe.kind) for recipe in second}
        paired = {name for pair in few.profile.pairs for name in pair}
        pairs = few.profile.pairs if known >= {(name, "pair") for name in paired} else ()
        return dataclasses.replace(
            few,
            profile=config.replace(few.profile, recipes=second, pairs=pairs),
            backbones=self.backbones if known >= {(name, "single") for name in self.backbones} else (),
        )

    def for_twice_the_epochs(self) -> Study:
        """Single models alone, each trained for twice its epochs, with the ablations' fewer seeds.

        Those that the profile names (`Profile.doubled`), which may spare this check.
        """
        few = self.with_ablation_seeds()
        single, *recipes = (
            config.replace(one, epochs=2 * one.epochs) for one in (few.profile.single, *few.profile.recipes)
        )
        return dataclasses.replace(
            few,
            profile=config.replace(few.profile, single=single, recipes=tuple(recipes), pairs=()),
            backbones=tuple(name for name in self.backbones if name in self.profile.doubled),
        )

    # --- what they answer -------------------------------------------------------------------------

    def predictions(self, specs: Mapping[Key, Sequence[RunSpec]]) -> dict[Key, list[Predictions]]:
        """The answers of every model on the test set, one per seed: recorded, loaded, or trained for."""
        missing = [s for part in specs.values() for s in part if self._recorded(s) is None]
        trained = dict(zip(missing, self.store.load_or_train_all(missing), strict=True))
        answers = {
            key: [self._recorded(spec) or trained[spec].predictions for spec in part]
            for key, part in specs.items()
        }
        self.used.extend(p for part in answers.values() for p in part)
        return answers

    def runs(self, specs: Mapping[Key, Sequence[RunSpec]]) -> dict[Key, list[Run]]:
        """The runs with their weights, whatever the record holds: loaded, or trained where missing.

        Where the record holds a run, its published predictions count as used: a run has one set of answers.
        """
        flat = iter(self.store.load_or_train_all([spec for part in specs.values() for spec in part]))
        runs = {key: [next(flat) for _ in part] for key, part in specs.items()}
        self.used.extend(
            self._recorded(run.spec) or run.predictions for part in runs.values() for run in part
        )
        return runs

    def histories(self, specs: Mapping[Key, Sequence[RunSpec]]) -> dict[Key, list[list[dict]]]:
        """The history by epoch of every run: of the manifest, else of a run that is loaded or trained."""
        answers = self.predictions(specs)
        return {
            key: [
                p.manifest.get("history") or self.store.load_or_train(p.spec).manifest["history"]
                for p in part
            ]
            for key, part in answers.items()
        }

    def evaluate(
        self, models: Mapping[Key, Sequence[Predictions]], conditions: Mapping[Name, Condition]
    ) -> dict[Name, dict[Key, list[Predictions]]]:
        """Every model under every condition: name of the condition -> model -> one Predictions per seed."""
        results: dict[Name, dict[Key, list[Predictions]]] = {
            name: {key: [] for key in models} for name in conditions
        }
        for key, part in models.items():
            for predictions in part:
                missing = [c for c in conditions.values() if self._recorded(predictions.spec, c) is None]
                run = [self.store.load_or_train(predictions.spec)] if missing else []
                computed = evaluate(run, missing, self.store)
                for name, condition in conditions.items():
                    recorded = self._recorded(predictions.spec, condition)
                    results[name][key].append(recorded or computed[condition][0])
        self.used.extend(p for by_key in results.values() for part in by_key.values() for p in part)
        return results

    def knows(self, spec: RunSpec) -> bool:
        """Whether the record has the answers of just this run; opens no data."""
        return spec in self._known

    @functools.cached_property
    def _known(self) -> frozenset[RunSpec]:
        """The runs of the record that would have the same name today: no weights, no protocol is another."""
        return frozenset(
            p.spec
            for p in self.recorded.values()
            if p.condition == config.CLEAN and p.run == run_name(p.spec, **p.manifest["data"])
        )

    def _recorded(self, spec: RunSpec, condition: Condition = config.CLEAN) -> Predictions | None:
        """The published predictions of a run under a condition; None where there are none."""
        return self.recorded.get(name_of(self.store.run_id(spec), condition)) if self.recorded else None


def named(kind: str, models: Mapping) -> dict[str, list[RunSpec]]:
    """A family of models by job name, for `needs`: "single", {"deit": ...} -> {"single-deit": ...}."""
    return {f"{kind}-{'+'.join(k) if isinstance(k, tuple) else k}": specs for k, specs in models.items()}


def pick_device(name: str) -> str:
    """ "auto" becomes "cuda" where a GPU is usable, else "cpu"; "cuda" and "cuda:1" must be usable."""
    config.one_of(re.sub(r"^(cuda):\d+$", r"\1", name), DEVICES, "device")
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(1, device=name)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ConfigError(f"device {name!r} is not usable here ({reason}); try auto or cpu") from error
    return name


def _distinct(items: Sequence[Key], name: str) -> tuple[Key, ...]:
    """The items as a tuple; ConfigError names one that stands twice."""
    for item in items:
        if items.count(item) > 1:
            raise ConfigError(f"{name} is {list(items)}; expected each once, and {item!r} stands twice")
    return tuple(items)
