"""The four scales at which the whole companion runs.

profile_named("demo").seeds  ->  (0, 1, 2)
"""

from __future__ import annotations

from dataclasses import dataclass

from rvernet_core.config import DataSpec, ModelSpec, PlatesSpec, TrainSpec, fingerprint, one_of, replace
from rvernet_core.experiments.recipes import Recipe, at_most, chosen, tuned
from rvernet_core.models.backbones import BACKBONES


@dataclass(frozen=True)
class Altered:
    """Rendered plates under another law of the sauces, to see that models gain there what can be gained."""

    name: str  # fit for a file name
    ambiguity: float  # see PlatesSpec
    context_strength: float

    def of(self, data: DataSpec) -> DataSpec:
        """The same data under this law."""
        law = replace(data.plates, ambiguity=self.ambiguity, context_strength=self.context_strength)
        return replace(data, plates=law)


_LAW = PlatesSpec()
SAME_LOOKS = Altered("same-looks", 0.0, _LAW.context_strength)
NO_CONTEXT = Altered("no-context", _LAW.ambiguity, 0.5)
TELLING_COMPANY = Altered("telling-company", 1.0, 0.9)  # here an ideal observer gains more than a tenth by it


@dataclass(frozen=True)
class Profile:
    """One scale at which the whole companion runs. All profiles walk the same code path."""

    name: str
    purpose: str
    data: DataSpec
    scale: str  # micro | paper
    seeds: tuple[int, ...]
    single: TrainSpec  # fine-tuning of the five single-branch baselines
    pair: TrainSpec  # fine-tuning of RveRNet's pairs
    grid: TrainSpec  # the 5 x 5 grid; with frozen backbones only the integration module is trained
    grid_frozen: bool
    stabilised: bool  # ModelSpec.standardise and freeze_batch_norm; the paper and the release do without
    ablation_seeds: tuple[int, ...]  # of distilled models and ablations, which are many; empty: all
    pairs: tuple[tuple[str, str], ...]  # (ROI module, extra-ROI module) of the fine-tuned pairs
    ablated: tuple[tuple[str, str], ...]  # those of `pairs` that are taken apart in the ablations
    audit_seeds: tuple[int, ...] = ()  # of the audit of paper against code; empty: all
    audit_epochs: int = 0  # most epochs of the audit's runs, which are many; 0: as many as elsewhere
    audit_scenes: int = 0  # training scenes of the audit's runs: its schedules need epochs; 0: as elsewhere
    audited_singles: tuple[str, ...] = ("deit-distilled",)  # beside the first of `ablated`
    altered: tuple[Altered, ...] = (SAME_LOOKS, NO_CONTEXT, TELLING_COMPANY)  # other laws, of plates alone
    models_per_job: int = 1  # models that one process trains; starting a process takes seconds
    pretrained: bool = True  # False: random nets, to try the paper's scale without its weights
    sam: str = "micro"  # the Segment Anything net whose masks are compared with the exact ones
    sam_photos: int = 100  # test photos on which they are compared
    evaluation_photos: int = 0  # test photos for evaluations under noise (0: all) and on other masks (0: 300)
    map_seeds: tuple[int, ...] = ()  # of Grad-CAM, which takes minutes a seed; empty: all
    road_samples: int = 10  # test samples a seed for ROAD, the slowest measure of maps
    strengths: tuple[float, ...] = (0.0, 0.5, 1.0)  # of hard distillation, single models
    soft_strengths: tuple[float, ...] = (0.0, 0.5, 1.0)  # of soft distillation, single models
    pair_strengths: tuple[float, ...] = (0.0, 0.5, 1.0)  # of hard distillation, RveRNet
    noise_training_seeds: tuple[int, ...] = ()  # of models that are trained with noise; empty: all
    noise_training_backbones: tuple[str, ...] = ()  # single models that are trained with noise; empty: all
    detectors: tuple[str, ...] = BACKBONES  # single models that have a detector-like net beside them
    detector_seeds: tuple[int, ...] = ()  # of the detector-like nets; empty: all
    recipes: tuple[Recipe, ...] = ()  # rate and epochs of each net; for what is missing `single` and `pair`
    second_recipes: tuple[Recipe, ...] = ()  # for comparisons made again; empty: none, which spares runs
    doubled: tuple[str, ...] = ()  # single models that are trained for twice their epochs, too, as a check

    def train(self, model: ModelSpec, student: bool = False) -> TrainSpec:
        """How this profile fine-tunes `model`; `student`: while it learns from a teacher.

        As `single` or `pair` says, at the rate and for the epochs of its recipe, see `recipes.tuned`.
        """
        base = self.single if len(model.branches) == 1 else self.pair
        return tuned(base, self.recipes, model, student)


EQUAL_PAIRS = tuple((name, name) for name in BACKBONES)
MIXED_PAIRS = (("deit-distilled", "mobilenetv2"), ("vit", "mobilenetv2"), ("mobilenetv2", "deit-distilled"))

_FINE = TrainSpec(epochs=3, batch_size=16, lr=5e-4, head_lr_factor=10.0, precision="auto")
_BRIEF = replace(_FINE, epochs=2)
_HEAD_OF_PAIR = 3.0  # its two layers learn too fast at ten times the rate of the backbones
_ONCE = TrainSpec(epochs=1, batch_size=32, lr=1e-3, head_lr_factor=10.0, precision="auto")
_HEAD = TrainSpec(epochs=10, lr=2e-3, flip=0.0)
_STRENGTHS = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0)

PROFILES: dict[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile(
            name="smoke",
            purpose="tests and CI: the whole book in a few minutes",
            data=DataSpec(train_scenes=60, test_scenes=30, plates=PlatesSpec(size=64)),
            scale="micro",
            seeds=(0, 1),
            ablation_seeds=(0,),
            audit_seeds=(0,),
            single=_ONCE,
            pair=_ONCE,
            grid=TrainSpec(epochs=5, lr=2e-3, flip=0.0),
            grid_frozen=True,
            stabilised=True,
            pairs=(EQUAL_PAIRS[0], MIXED_PAIRS[0]),
            ablated=EQUAL_PAIRS[:1],
            sam_photos=10,
            evaluation_photos=10,
            road_samples=2,
            models_per_job=12,
            strengths=(0.0, 1.0),
            soft_strengths=(),
            pair_strengths=(0.0, 1.0),
            noise_training_seeds=(0,),
            noise_training_backbones=("mobilenetv2", "deit-distilled"),
            detectors=("mobilenetv2",),
            detector_seeds=(0,),
        ),
        Profile(
            name="demo",
            purpose="the default: everything re-run in minutes on two CPU cores",
            data=DataSpec(train_scenes=240, test_scenes=300),
            scale="micro",
            seeds=(0, 1, 2),
            ablation_seeds=(0, 1),
            audit_seeds=(0,),
            audit_epochs=1,
            single=_BRIEF,
            pair=replace(_BRIEF, head_lr_factor=_HEAD_OF_PAIR),
            grid=_HEAD,
            grid_frozen=True,
            stabilised=True,
            pairs=(EQUAL_PAIRS[0], EQUAL_PAIRS[3], MIXED_PAIRS[0]),
            ablated=EQUAL_PAIRS[:1],
            evaluation_photos=40,
            models_per_job=10,
            soft_strengths=(0.0, 1.0),
            pair_strengths=(0.0, 1.0),
            noise_training_seeds=(0,),
            detectors=("mobilenetv2", "deit"),
            recipes=at_most(_BRIEF.epochs, chosen()),
        ),
        Profile(
            name="full",
            purpose="the published record: five seeds, nets trained by their recipes, more test scenes",
            data=DataSpec(train_scenes=480, test_scenes=940),  # what hours allow at full epochs
            scale="micro",
            seeds=(0, 1, 2, 3, 4),
            ablation_seeds=(0, 1, 2),
            audit_epochs=5,
            audit_scenes=320,
            single=_FINE,
            pair=replace(_FINE, head_lr_factor=_HEAD_OF_PAIR),
            grid=_HEAD,
            grid_frozen=True,
            stabilised=True,
            pairs=(*EQUAL_PAIRS, *MIXED_PAIRS),
            ablated=(EQUAL_PAIRS[0], EQUAL_PAIRS[3]),
            sam_photos=300,
            evaluation_photos=200,
            map_seeds=(0, 1, 2),
            road_samples=30,
            strengths=(0.0, 0.25, 0.5, 0.75, 1.0),
            soft_strengths=(0.0, 0.5, 1.0),
            noise_training_seeds=(0, 1, 2),
            detector_seeds=(0, 1, 2),
            recipes=chosen(),
            second_recipes=chosen(rank=2),
            doubled=("mobilenetv2", "deit", "mlp-mixer"),
        ),
        Profile(
            name="paper",
            purpose="the paper's own scale: FoodSeg103 and two sauces, pretrained timm nets, one GPU",
            data=DataSpec(name="foodseg103-hub"),  # of known hashes; the official archive has none
            altered=(),
            scale="paper",
            seeds=(0, 1, 2),
            ablation_seeds=(),
            single=TrainSpec(epochs=30, lr=4e-3, precision="bfloat16"),
            pair=TrainSpec(epochs=30, lr=4e-3, precision="bfloat16"),
            grid=TrainSpec(epochs=30, lr=4e-3, precision="bfloat16"),
            grid_frozen=False,
            stabilised=False,
            pairs=(*EQUAL_PAIRS, *MIXED_PAIRS),
            ablated=(EQUAL_PAIRS[0], EQUAL_PAIRS[3]),
            sam="vit_h",
            sam_photos=300,
            road_samples=60,
            strengths=_STRENGTHS,
            soft_strengths=_STRENGTHS,
            pair_strengths=(0.0, 0.25, 0.5, 0.75, 1.0),
        ),
    )
}


def settings(name: str) -> str:
    """A fingerprint of what the profile called `name` decides: its fields but those that move no number."""
    return fingerprint(replace(profile_named(name), purpose="", models_per_job=1))


def profile_named(name: str) -> Profile:
    """The profile called `name`; ConfigError lists the four."""
    return PROFILES[one_of(name, PROFILES, "profile")]
