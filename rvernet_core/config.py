"""What a result depends on, as frozen dataclasses.

A spec is plain data: it converts to a dict and back (`to_dict`, `from_dict`), and `fingerprint`
gives it a short, stable name. Unknown keys and wrong types raise `ConfigError`.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import difflib
import hashlib
import json
import types
import typing
from collections.abc import Iterable
from dataclasses import dataclass, field

from rvernet_core.errors import ConfigError
from rvernet_plates import SAUCES, PlatesSpec

AMBIGUOUS = SAUCES
BRANCHES = ("roi", "extra_roi")  # the two cut-outs of a photo, in the order of RveRNet's inputs


@dataclass(frozen=True)
class DataSpec:
    """A data set and how its samples are chosen."""

    name: str = "plates"  # plates | foodseg103 | foodseg103-hub | release | folder
    root: str | None = None  # folder of the data; None: the cache (plates are rendered, the others fetched)
    extra_classes: tuple[
        str, ...
    ] = ()  # "class name=folder": further classes, such as ketchup and chili paste
    min_area: float = 0.001  # an ROI below this share of the photo is left out and counted
    ignore_id: int | None = None  # mask value of unlabelled pixels; other foreign ids are errors
    strict: bool = False  # True: a broken file raises; False: it is left out and counted
    masks: str = "exact"  # exact | sam: whose masks cut the photos
    sam: str = "micro"  # micro | vit_b | vit_l | vit_h, where masks == "sam"
    train_scenes: int = 1200  # plates only
    test_scenes: int = 700  # plates only
    seed: int = 0  # plates only: first of the scene seeds
    plates: PlatesSpec = field(default_factory=PlatesSpec)
    pairing: str = "sample"  # sample: a ROI and its own surroundings | name: see `cutout_set.paired_by_name`


@dataclass(frozen=True)
class ModelSpec:
    """RveRNet (a backbone for each cut-out) or a single-branch baseline (None for the other cut-out)."""

    roi: str | None = "deit"  # backbone that sees the ROI cut-out, see models.backbones
    extra_roi: str | None = None  # backbone that sees the extra-ROI cut-out
    scale: str = "micro"  # micro: 112 px nets of this project's zoo | paper: the timm nets of the paper
    fusion: str = "logits"  # logits: the backbones' own pretraining heads, as the paper | features: pooled
    head_width: int = 640  # width of the integration module
    freeze: tuple[str, ...] = ()  # any of BRANCHES: backbones that are not trained
    pretrained: bool = True  # start from the zoo (micro) or the hub (paper)
    normalise: bool = True  # False: feed pixels in [0, 1] as the release does
    freeze_batch_norm: bool = True  # keep the pretrained statistics; False: re-estimated, as the release
    standardise: bool = True  # features, each over the batch, before the head; False: raw, as the paper
    class_token: bool = False  # a backbone with two tokens answers with the first alone; False: their mean
    shared: bool = False  # equal backbones are one module that sees both cut-outs; False: always two
    dropout: float = 0.0  # in training, before a CNN's own head
    layer_norm_eps: float = 1e-6  # of the two DeiTs
    fresh_head: bool = False  # True: the pretraining head of a net with two tokens starts at random
    frozen_statistics: bool = True  # False: running statistics of frozen modules move in training
    detector: bool = False  # True: roi sees whole photos and names their cells, see `rvernet_core.detector`
    control: str = ""  # "": a net; else what answers in its place, one of `controls.CONTROLS`

    @property
    def branches(self) -> tuple[str, ...]:
        """The cut-outs that the model sees, in the order of its inputs."""
        return tuple(branch for branch in BRANCHES if getattr(self, branch))


@dataclass(frozen=True)
class TrainSpec:
    """How a model is fitted."""

    epochs: int = 4
    batch_size: int = 50
    lr: float = 1e-3  # peak learning rate of the backbones
    head_lr_factor: float = 1.0  # the fresh head learns at lr times this
    schedule: str = "as-written"  # warm-up, then cosine | as-released: see `training.learning_rates`
    warmup: float = 0.1  # share of all steps
    flip: float = 0.5  # probability of a horizontal flip
    flip_together: bool = True  # both cut-outs of a photo; False: each by itself
    val_fraction: float = 0.1  # carved from train, never from test
    precision: str = "float32"  # of training: float32 | bfloat16 | auto: bfloat16 where it is native
    distillation: str = ""  # "": from labels alone | hard | soft: the distillation head learns from a teacher
    strength: float = 0.0  # weight of the teacher's part of the loss, in [0, 1]
    temperature: float = 3.0  # of soft distillation
    watch_test: bool = False  # score the test set after every epoch; nothing is chosen by it
    noise: str = ""  # "" | permutation | translocation: noise as augmentation, see `data.augmentation`
    noise_share: float = 0.5  # probability with which a batch is noised, where there is noise


@dataclass(frozen=True)
class RunSpec:
    """Everything that decides a run's numbers. Same spec, same folder."""

    data: DataSpec = field(default_factory=DataSpec)
    model: ModelSpec = field(default_factory=ModelSpec)
    train: TrainSpec = field(default_factory=TrainSpec)
    seed: int = 0
    teacher: RunSpec | None = None  # the run whose trained model teaches; None: labels alone


# --- the released code ------------------------------------------------------------------------------

#: The switches between this companion and the released code: field of a RunSpec's parts -> its value in the
#: release. book/method.md tells what each one does.
RELEASED: dict[str, typing.Any] = {
    "normalise": False,
    "standardise": False,
    "freeze_batch_norm": False,
    "fusion": "logits",
    "head_width": 640,
    "class_token": True,
    "shared": True,
    "dropout": 0.2,
    "layer_norm_eps": 1e-12,
    "fresh_head": True,
    "frozen_statistics": False,
    "schedule": "as-released",
    "head_lr_factor": 1.0,
    "flip_together": False,
    "val_fraction": 0.0,
    "precision": "float32",
    "watch_test": True,
    "pairing": "name",
}


def as_released(spec: typing.Any, *switches: str) -> typing.Any:
    """A copy of a RunSpec, or of a part of it, that does as the released code does.

    switches: fields of `RELEASED` that take its value; none named: all that the spec has. Sizes (epochs,
    batches, peak rate, scale) stay the spec's own: there the text and the release agree.

        as_released(RunSpec())                               the release's training of this model
        as_released(TrainSpec(), "schedule")                 one difference alone

    Raises ConfigError for an unknown switch.
    """
    for name in switches:
        one_of(name, RELEASED, "switch")
    if isinstance(spec, RunSpec):
        parts = ("data", "model", "train")
        return replace(spec, **{part: as_released(getattr(spec, part), *switches) for part in parts})
    names = {f.name for f in dataclasses.fields(spec)} & set(switches or RELEASED)
    return replace(spec, **{name: RELEASED[name] for name in sorted(names)})


# --- the conditions under which a trained model is evaluated ---------------------------------------


@dataclass(frozen=True)
class Noise:
    """One of the paper's two input noises, at the release's settings by default (see `data.noise`)."""

    kind: str = "permutation"  # permutation | translocation
    severity: float = 1.0
    patch: int = 16  # permutation: side of a tile in pixels of 224, so 1/14 of the input's side
    how: str = "moved"  # translocation: moved | rolled | covered
    canvas: int = 125  # translocation: the gray level behind the photo
    grid: str = "photo"  # permutation: photo | input: what is cut into tiles, see `data.noise.shuffle_tiles`


@dataclass(frozen=True)
class Condition:
    """What is done to the test set before a model is evaluated on it. The default does nothing."""

    noise: Noise | None = None
    on: tuple[str, ...] = BRANCHES  # the cut-outs that the noise falls on
    context: str = "own"  # whose surroundings the extra-ROI module sees: own; none (black); those of a
    # sample of the same class in another photo; of another class (for the ambiguous pair: the other of it)
    masks: str = ""  # exact | sam: whose masks cut the photos; empty: those of the run's own data
    sam: str = "micro"  # micro | vit_b | vit_l | vit_h, where masks are SAM's
    grow: float = 0.0  # masks grown (below 0: shrunk) by this share of the photo's longer side
    fill: str = "black"  # black | gray | blur: what stands where the other cut-out was taken
    photos: int = 0  # only the first so many test photos; 0: all
    seed: int = 0  # of the tiles' order and of the choice of context sources


CLEAN = Condition()


# --- conversion -----------------------------------------------------------------------------------


def to_dict(spec: typing.Any) -> dict:
    """The spec as JSON-ready data (tuples become lists)."""
    return json.loads(json.dumps(dataclasses.asdict(spec)))


def from_dict(cls: type, data: dict, where: str = "") -> typing.Any:
    """Build the dataclass `cls` from `data`. Unknown keys and wrong types raise ConfigError."""
    return cls(**_checked(cls, data, where))


def replace(spec: typing.Any, **changes: typing.Any) -> typing.Any:
    """A copy of `spec` with some fields changed, type-checked like `from_dict`."""
    return dataclasses.replace(spec, **_checked(type(spec), changes, ""))


def _checked(cls: type, data: dict, where: str) -> dict:
    """`data` with every value coerced to its field's type; ConfigError names what does not fit."""
    hints = typing.get_type_hints(cls)
    for key in data:
        if key not in hints:
            raise ConfigError(f"unknown key {where + key!r}; {cls.__name__} knows: {', '.join(hints)}")
    return {key: coerce(value, hints[key], where + key) for key, value in data.items()}


def coerce(value: typing.Any, hint: typing.Any, name: str) -> typing.Any:
    """`value` as the type `hint`; ConfigError names what does not fit, by `name`.

    hint: str, int, float, bool, a dataclass, tuple[X, ...], list[X] or Sequence[X] of these, or any of
    them | None. A list may also come as text with commas ("0,1,2") or as a single int, the two forms in
    which the command line of papermill passes it; a tuple, the type of the specs, may not. Such text names
    at least one item and leaves none empty.
    """
    origin = typing.get_origin(hint)
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        if isinstance(value, hint):
            return value
        if isinstance(value, dict):
            return from_dict(hint, value, name + ".")
    elif isinstance(hint, types.UnionType):
        if value is None and type(None) in hint.__args__:
            return None
        return coerce(value, next(a for a in hint.__args__ if a is not type(None)), name)
    elif origin in (tuple, list, collections.abc.Sequence):
        inner = typing.get_args(hint)[0]
        if origin is not tuple and isinstance(value, str):
            parts = [part.strip() for part in value.split(",")]
            if "" in parts:
                raise ConfigError(f"{name} is {value!r}; expected items with a comma between two of them")
            value = [_parse(part, inner) for part in parts]
        elif origin is not tuple and inner is int and type(value) is int:
            value = [value]
        if isinstance(value, list | tuple):
            items = [coerce(item, inner, f"{name}[{i}]") for i, item in enumerate(value)]
            return tuple(items) if origin is tuple else items
    elif isinstance(value, bool):
        if hint is bool:
            return value
    elif hint is float and isinstance(value, int | float):
        return float(value)
    elif hint in (int, str) and isinstance(value, hint):
        return value
    expected = str(hint) if origin else hint.__name__
    raise ConfigError(f"{name} is {value!r} ({type(value).__name__}); expected {expected}")


def one_of(value: typing.Any, valid: Iterable[str], name: str) -> str:
    """`value` itself; ConfigError says what `name` may be, and what is spelt most like it, if it is none."""
    valid = list(valid)
    if value in valid:
        return value
    near = difflib.get_close_matches(str(value).casefold(), valid, n=1)
    hint = f"did you mean {near[0]!r}? Expected" if near else "expected"
    raise ConfigError(f"{name} is {value!r}; {hint} one of {', '.join(valid)}")


def _parse(text: str, hint: type) -> typing.Any:
    try:
        return hint(text)
    except ValueError:
        return text  # `coerce` names it


def fingerprint(*parts: typing.Any) -> str:
    """Twelve hexadecimal digits that name the given specs or JSON-ready values.

    Only fields that differ from their default count, so that a field added later with a neutral
    default leaves every older name as it was. Whoever changes a default raises `PROTOCOL`.
    """
    plain = [_changed(p) if dataclasses.is_dataclass(p) else p for p in parts]
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _changed(spec: typing.Any) -> dict:
    """The spec's fields that differ from their default, recursively, under the class's name."""
    changed: dict = {"": type(spec).__name__}
    for f in dataclasses.fields(spec):
        value = getattr(spec, f.name)
        default = f.default if f.default_factory is dataclasses.MISSING else f.default_factory()
        if value != default:  # a field without a default always counts: MISSING equals nothing
            changed[f.name] = _plain(value)
    return changed


def _plain(value: typing.Any) -> typing.Any:
    """JSON-ready: specs by what they change, also those in a tuple."""
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return _changed(value) if dataclasses.is_dataclass(value) else value
