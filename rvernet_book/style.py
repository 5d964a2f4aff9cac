"""The house style of every chart: two variants, one fixed colour per thing.

`use("light")` and `use("dark")` set matplotlib's parameters and make `colour` answer for that
variant. Text stays text in SVG. Layout is measured with the font that ships with matplotlib, the
same on every machine, and shown in the reader's own sans-serif, which is never wider.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from contextvars import ContextVar
from typing import cast

import matplotlib as mpl
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rvernet_core.config import one_of
from rvernet_core.models.backbones import ZOO
from rvernet_core.uncertainty import Leading

VARIANTS = ("light", "dark")

#: name -> (on light, on dark). Hues differ in lightness as well, for readers who cannot tell hues apart.
COLOURS = {name: entry.colour for name, entry in ZOO.items()} | {
    "roi": ("#0f4c81", "#8fc4f4"),
    "extra_roi": ("#b07d05", "#e8c05c"),
    "both": ("#5b3a8c", "#c3a5f0"),
    "ketchup": ("#e0492b", "#ff8464"),
    "chili paste": ("#6d1528", "#c2566f"),
    "box": ("#0a7f8f", "#4fd0df"),  # prompts of Segment Anything
    "point": ("#c4560a", "#f5a55c"),
    "single": ("#6b7684", "#9aa5b1"),
    "rvernet": ("#0a7f8f", "#4fd0df"),
    "hard single": ("#7d4aa5", "#c9a1ea"),  # distilled models: kind of distillation, kind of model
    "soft single": ("#c4560a", "#f5a55c"),
    "hard rvernet": ("#0a7f8f", "#4fd0df"),
    "tested clean": ("#6b7684", "#9aa5b1"),  # models that were trained with noise
    "tested under permutation": ("#0a7f8f", "#4fd0df"),
    "tested under translocation": ("#c4560a", "#f5a55c"),
    "ink": ("#1f2933", "#e6e9ed"),
    "muted": ("#5f6b78", "#9aa5b1"),
    "faint": ("#d5dae0", "#3b444e"),
    "paper": ("#ffffff", "#121212"),
    "accent": ("#c0392b", "#ff8464"),
}
#: A fixed marker per backbone and prompt, so that colour never carries a meaning alone.
MARKERS = {name: entry.marker for name, entry in ZOO.items()}
MARKERS |= {"point": "D", "hard single": "^", "soft single": "D", "hard rvernet": "o"}
MARKERS |= {"tested clean": "o", "tested under permutation": "s", "tested under translocation": "D"}
#: How the backbones and the branches are written for readers.
LABELS = {name: entry.label for name, entry in ZOO.items()} | {
    "roi": "ROI",
    "extra_roi": "extra-ROI",
    "single": "single model",
    "rvernet": "RveRNet",
    "hard single": "single, hard",
    "soft single": "single, soft",
    "hard rvernet": "RveRNet, hard",
    "histogram": "colour histogram",
    "majority": "most frequent class",
    "ideal-look": "ideal, from the look",
    "ideal-company": "ideal, from the company",
    "ideal-both": "ideal, from both",
}
#: The reader's fonts, in the order of the book's theme.
FONT_STACK = "-apple-system, 'Segoe UI', 'Helvetica Neue', Arial, 'Liberation Sans', sans-serif"

_variant: ContextVar[str] = ContextVar("variant", default="light")


def colour(name: str) -> str:
    """The colour of a thing in the variant in use; a name that is no key is returned as it is."""
    pair = COLOURS.get(name)
    return pair[VARIANTS.index(_variant.get())] if pair else name


def label(name: str) -> str:
    """How a backbone, a branch or a pair `roi+extra_roi` of backbones is written for readers."""
    if "+" in name:
        return " + ".join(LABELS.get(part.strip(), part.strip()) for part in name.split("+"))
    return LABELS.get(name, name)


def listed(names: Iterable[str | tuple[str, ...]], strong: bool = False) -> str:
    """Backbones or pairs of them as a reader lists them: `DeiT, ViT and MLP-Mixer`; `strong`: in bold."""
    texts = [label("+".join(name) if isinstance(name, tuple) else name) for name in names]
    texts = [f"**{text}**" for text in texts] if strong else texts
    return " and ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)


def which(names: Iterable[str | tuple[str, ...]], of: int, none: str = "none") -> str:
    """Those of `of` things that something is true of: `none`, their names as `listed`, `both` or `all 5`."""
    names = list(names)
    if len(names) == of > 1:
        return "both" if of == 2 else f"all {of}"
    return listed(names) or none


def unbeaten(leading: Leading) -> str:
    """Who is not shown to be behind the highest, itself among them, as `which` writes it."""
    return which(leading.group, 1 + len(leading.p))


def leads(names: Sequence[str | tuple[str, ...]], alone: str = "is best", several: str = "lead") -> str:
    """`**DeiT** is best`, or `**DeiT** and **ViT** lead` where none of them is shown to be ahead."""
    return f"{listed(names, strong=True)} {alone if len(names) == 1 else several}"


def marker(name: str) -> str:
    """The marker of a backbone (of a pair: of its ROI module); a circle for everything else."""
    return MARKERS.get(name.split("+")[0].strip(), "o")


def figure_of(ax: Axes) -> Figure:
    """The whole figure that holds `ax`; drawings of the book have no sub-figures."""
    return cast(Figure, ax.figure)


def variant() -> str:
    """The variant in use: `light` or `dark`."""
    return _variant.get()


@contextlib.contextmanager
def use(name: str) -> Iterator[None]:
    """Draw in this variant within the block. Raises ConfigError for an unknown one."""
    one_of(name, VARIANTS, "variant")
    token = _variant.set(name)
    try:
        with mpl.rc_context(_parameters()):
            yield
    finally:
        _variant.reset(token)


def _parameters() -> dict:
    ink, muted, faint = colour("ink"), colour("muted"), colour("faint")
    return {
        "font.family": ["DejaVu Sans"],
        "font.size": 9,
        "axes.titlesize": 10,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.titlepad": 8,
        "axes.titlecolor": ink,
        "axes.labelsize": 9,
        "axes.labelcolor": muted,
        "axes.edgecolor": faint,
        "axes.facecolor": "none",
        "axes.linewidth": 0.8,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "axes.prop_cycle": cycler(color=[colour(name) for name in MARKERS]),
        "figure.facecolor": "none",
        "figure.dpi": 100,
        "grid.color": faint,
        "grid.linewidth": 0.6,
        "legend.frameon": False,
        "legend.fontsize": 8.5,
        "lines.linewidth": 1.8,
        "lines.markersize": 6,
        "savefig.facecolor": "none",
        "svg.fonttype": "none",
        "text.color": ink,
        "xtick.color": faint,
        "xtick.labelcolor": muted,
        "xtick.labelsize": 8.5,
        "ytick.color": faint,
        "ytick.labelcolor": ink,
        "ytick.labelsize": 8.5,
        "xtick.major.size": 3,
        "ytick.major.size": 0,
    }
