"""Photos with the answer of every model beneath: a table under the pictures, right and wrong told apart.

The picture is narrow, three samples wide, so that its words can be read on a phone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from matplotlib.axes import Axes

from rvernet_book import style
from rvernet_book.photo_grid import Mask, Photo, frame, lined, outline, placed
from rvernet_book.style import colour

OUTLINES = ("#ffffff", "#56b4e9")  # tints of a sample's masks, in order
COLUMNS = 3  # samples side by side
WIDTH = 4.5  # inches
_GAP = 0.08  # between tiles, in tiles
_LINE = 0.145  # inches from one line of text to the next
_LONGEST = 18  # letters of an answer; a longer one would run into its neighbour, so it is cut off


@dataclass(frozen=True)
class Answered:
    """Some samples that have something in common, and what each model calls them."""

    title: str  # what they have in common
    photos: Mapping[str, Sequence[Photo]]  # label of a line of pictures -> one uint8 (H, W, 3) per sample
    truths: Sequence[str]
    answers: Mapping[str, Sequence[str]]  # model -> its answer to each sample
    outlines: Sequence[Sequence[Mask]] = ()  # of each sample, bool (H, W) each
    outlined: int = 1  # how many lines of pictures have them
    notes: Mapping[str, Sequence[str]] = field(default_factory=dict)  # label -> a last line of each sample

    def parts(self) -> list[Answered]:
        """As many samples in each as stand side by side; only the first has the title."""
        return [
            replace(
                self,
                title="" if start else self.title,
                photos={label: line[start : start + COLUMNS] for label, line in self.photos.items()},
                truths=self.truths[start : start + COLUMNS],
                answers={model: own[start : start + COLUMNS] for model, own in self.answers.items()},
                outlines=self.outlines[start : start + COLUMNS],
                notes={label: own[start : start + COLUMNS] for label, own in self.notes.items()},
            )
            for start in range(0, len(self.truths), COLUMNS)
        ]


def answer_grid(ax: Axes, groups: Sequence[Answered]) -> None:
    """Draw the groups below each other: pictures, the truth, and a line per model.

    A right answer has a tick, a wrong one a cross; their colours differ, too. The Axes is alone in its figure
    of the size `answer_size`.
    """
    tile = _tile(groups)
    step, top = _LINE / tile, 0.0
    for part in _parts(groups):
        if part.title:
            lined(
                ax,
                _left(groups) / tile,
                top + step / 2,
                part.title,
                step,
                ha="left",
                fontsize=8.5,
                weight="bold",
            )
            top += 1.3 * step
        for row, (label, line) in enumerate(part.photos.items()):
            style_of_label = {"ha": "right", "fontsize": 8, "color": colour("muted")}
            lined(ax, -0.06 / tile, top + 0.5, label, step, **style_of_label)
            for j, photo in enumerate(line):
                box = placed(ax, photo, j * (1 + _GAP), top)
                frame(ax, box)
                masks = part.outlines[j] if row < part.outlined and j < len(part.outlines) else ()
                for mask, tint in zip(masks, OUTLINES, strict=False):
                    outline(ax, mask, box, tint)
            top += 1 + _GAP / 2
        top = _words(ax, part, top + step / 2, tile)
        top += step
    ax.set_xlim(_left(groups) / tile, COLUMNS * (1 + _GAP) - _GAP)
    ax.set_ylim(top, 0)
    ax.set_axis_off()


def answer_size(groups: Sequence[Answered]) -> tuple[float, float]:
    """Width and height in inches of the figure that holds these groups."""
    tile, height = _tile(groups), 0.0
    for part in _parts(groups):
        height += 1.3 * _LINE * bool(part.title) + tile * len(part.photos) * (1 + _GAP / 2)
        height += _LINE * (2.5 + len(part.notes) + sum(_label(m).count("\n") + 1 for m in part.answers))
    return WIDTH, height + 0.3


def in_words(groups: Sequence[Answered], what: str) -> str:
    """The alternative text: each sample's truth, and what each model calls it."""
    texts = []
    for group in groups:
        for i, truth in enumerate(group.truths):
            own = [
                f"{style.label(model)} right"
                if answers[i] == truth
                else f"{style.label(model)} {answers[i]}, wrong"
                for model, answers in group.answers.items()
            ]
            own += [f"{label} {words[i]}" for label, words in group.notes.items()]
            texts.append(f"{truth}: {'; '.join(own)}")
        texts[-len(group.truths)] = f"{group.title}. {texts[-len(group.truths)]}"
    return f"{what}. {'. '.join(texts)}."


def _words(ax: Axes, part: Answered, top: float, tile: float) -> float:
    """The truths and the answers of every model, from `top` downwards; returns where they end."""
    step, mark = _LINE / tile, 0.05 / tile

    def written(label: str, words: Sequence[str], tint: str, weight: str = "normal") -> None:
        """One line: its label in the margin, and a word below each picture."""
        lined(ax, -0.06 / tile, top, label, step, ha="right", fontsize=7.5, color=tint, weight=weight)
        for j, word in enumerate(words):
            lined(ax, j * (1 + _GAP), top, word, step, ha="left", fontsize=8, color=tint, weight=weight)

    written("truth", part.truths, colour("ink"), "bold")
    top += step
    for model, words in part.answers.items():
        label = _label(model)
        written(label, [], colour("muted"))
        for j, (word, truth) in enumerate(zip(words, part.truths, strict=True)):
            left, tint = j * (1 + _GAP), colour("deit" if word == truth else "accent")
            _sign(ax, left + 1.4 * mark, top, mark, word == truth, tint)
            text = word if len(word) <= _LONGEST else f"{word[: _LONGEST - 1]}…"
            lined(ax, left + 3.4 * mark, top, text, step, ha="left", fontsize=8, color=tint)
        top += step * (label.count("\n") + 1)
    for label, words in part.notes.items():
        written(label, words, colour("muted"))
        top += step
    return top


def _sign(ax: Axes, x: float, y: float, size: float, right: bool, tint: str) -> None:
    """A tick or a cross around (x, y), `size` to each side, drawn so that every reader's font has it."""
    ticked = np.array([[-1, 0.1], [-0.3, 0.8], [1, -0.9]])
    crossed = np.array([[-0.8, -0.8], [0.8, 0.8], [np.nan, np.nan], [-0.8, 0.8], [0.8, -0.8]])
    points = np.array([x, y]) + size * (ticked if right else crossed)
    ax.plot(*points.T, color=tint, lw=1.4, solid_capstyle="round", clip_on=False)


def _label(model: str) -> str:
    """A model's name in the margin: two of one architecture as `2 x DeiT`, other pairs in two lines."""
    names = [style.label(name.strip()) for name in model.split("+")]
    if len(names) == 2:
        return f"2 × {names[0]}" if names[0] == names[1] else f"{names[0]}\n+ {names[1]}"
    return names[0]


def _parts(groups: Sequence[Answered]) -> list[Answered]:
    return [part for group in groups for part in group.parts()]


def _left(groups: Sequence[Answered]) -> float:
    """The margin in inches, negative: as wide as the longest name needs."""
    labels = [line for group in groups for model in group.answers for line in _label(model).split("\n")]
    labels += [label for group in groups for label in (*group.photos, *group.notes)]
    return -0.12 - 0.06 * max(map(len, labels))


def _tile(groups: Sequence[Answered]) -> float:
    """Side of a tile in inches."""
    return (WIDTH + _left(groups)) / (COLUMNS * (1 + _GAP) - _GAP)
