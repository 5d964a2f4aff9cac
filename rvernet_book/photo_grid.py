"""Photos, masks and cut-outs in rows, with outlines and captions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from PIL import Image

from rvernet_book.style import colour, figure_of
from rvernet_core.errors import RecordError

MAX_SIDE = 256  # pixels of a tile's longer side
_LINE_INCHES = 0.125  # from one line of a title to the next

Photo = np.ndarray  # uint8 (H, W, 3)
Mask = np.ndarray  # bool (H, W)

#: Tints of instance masks, far apart in hue and in lightness.
TINTS = ("#ffe34d", "#56b4e9", "#2fd3a0", "#e69f00", "#e58fc0", "#d55e00", "#3f8fe0", "#d0d0d0")


def photo_grid(
    ax: Axes,
    rows: Sequence[Sequence[Photo | None]],
    *,
    titles: Sequence[Sequence[str]] | None = None,
    row_labels: Sequence[str] | None = None,
    outlines: Sequence[Sequence[Mask | Sequence[Mask] | None]] | None = None,
    good: Sequence[Sequence[bool | None]] | None = None,
    gap: float = 0.06,
    title_lines: int | None = None,
    tints: Sequence[str] = TINTS,
    least: int = 1,
) -> None:
    """Photos in rows of equal square tiles. An Axes that is alone in its figure gets the height it needs.

    rows: photos uint8 (H, W, 3) of any shape, centred in their tiles; None leaves a hole.
    titles: a short text below each tile, lines split by a newline. row_labels: left of each row.
    outlines: a mask (or several) per tile, bool (H, W), drawn as a line around it.
    good: colours a title as right (True), wrong (False) or neutral (None).
    tints: of a tile's outlines, in order.
    least: columns that there is room for at least, so that a few photos do not fill the page.
    title_lines: at least this much room below each row; otherwise as much as its titles take.
    """
    span = max(least, *(len(row) for row in rows)) * (1 + gap) - gap
    margin = 0.1 + 0.075 * _longest(row_labels) if row_labels else 0.05
    tile = _tile_inches(ax, span, margin)
    step = _LINE_INCHES / tile
    top = 0.0
    for i, row in enumerate(rows):
        for j, photo in enumerate(row):
            if photo is None:
                continue
            left = j * (1 + gap)
            box = placed(ax, photo, left, top, f"tile ({i}, {j})")
            frame(ax, box)
            for k, mask in enumerate(_masks(outlines, i, j)):
                outline(ax, mask, box, tints[k % len(tints)])
            verdict = good[i][j] if good else None
            tint = {True: colour("deit"), False: colour("accent"), None: colour("ink")}[verdict]
            text = _title(titles, i, j)
            lined(ax, left + 0.5, top + 1.02 + step * 0.55, text, step, fontsize=7.2, color=tint)
        if row_labels:
            lines = row_labels[i].count("\n")
            style = {"ha": "right", "fontsize": 8, "color": colour("ink")}
            lined(ax, -0.07 / tile, top + 0.5 - lines * step / 2, row_labels[i], step, **style)
        top += (
            1 + gap + step * max([title_lines or 0, *(_lines(_title(titles, i, j)) for j in range(len(row)))])
        )
    ax.set_xlim(0, span)
    ax.set_ylim(top - gap, 0)
    ax.set_axis_off()
    figure = figure_of(ax)
    if len(figure.axes) == 1:
        figure.set_size_inches(figure.get_size_inches()[0], tile * (top - gap) + 0.3)


def grid_size(
    rows: int,
    columns: int,
    *,
    title_lines: int = 0,
    gap: float = 0.06,
    width: float = 7.4,
    labels: float = 0.0,
) -> tuple[float, float]:
    """Width and height in inches for a `photo_grid` among other axes. labels: inches for the row labels."""
    tile = (width - labels) / (columns * (1 + gap) - gap)
    return width, tile * (rows * (1 + gap) - gap) + rows * title_lines * _LINE_INCHES + 0.25


def placed(
    ax: Axes, photo: Photo, left: float, top: float, name: str = "the photo"
) -> tuple[float, float, float, float]:
    """Draw a photo centred in the unit tile at (left, top); returns its (left, right, bottom, top)."""
    if photo.dtype != np.uint8 or photo.ndim != 3 or photo.shape[2] != 3:
        raise RecordError(f"{name} is {photo.dtype} {photo.shape}; expected uint8 (H, W, 3)")
    box = _fit(photo, left, top)
    ax.imshow(_bounded(photo), extent=box, interpolation="none", aspect="equal")
    return box


def frame(ax: Axes, box: tuple[float, float, float, float]) -> None:
    """A thin line around a picture at (left, right, bottom, top), which may be as dark as the page."""
    left, right, bottom, top = box
    edge = {"fill": False, "ec": colour("faint"), "lw": 0.7}
    ax.add_patch(Rectangle((left, top), right - left, bottom - top, **edge))


def lined(ax: Axes, x: float, y: float, text: str, step: float, **style: object) -> None:
    """Lines from `y` downwards, each drawn by itself so that it stays aligned in the reader's font."""
    for k, line in enumerate(text.split("\n")):
        ax.text(x, y + k * step, line, va="center", **{"ha": "center", **style})


def overlay(
    photo: Photo, masks: Sequence[Mask], tints: Sequence[str] = TINTS, strength: float = 0.5
) -> Photo:
    """The photo, dimmed outside the masks and tinted inside them; returns uint8 (H, W, 3)."""
    out = photo.astype(np.float32)
    inside = np.zeros(photo.shape[:2], bool)
    for k, mask in enumerate(masks):
        tint = np.array([int(tints[k % len(tints)][c : c + 2], 16) for c in (1, 3, 5)], np.float32)
        out[mask] = out[mask] * (1 - strength) + tint * strength
        inside |= mask
    gray = out.mean(axis=2, keepdims=True)
    out[~inside] = (0.4 * out + 0.15 * gray)[~inside]
    return out.round().clip(0, 255).astype(np.uint8)


def glow(photo: Photo, heat: np.ndarray, strength: float = 0.75) -> Photo:
    """The photo with a map (h, w) in [0, 1] over it; returns uint8 (H, W, 3).

    The photo turns gray and dark; the more heat, the more of the colour that stands for it. The colours
    (matplotlib's inferno, from violet to yellow) grow evenly lighter, so they are also read without hues.
    """
    height, width = photo.shape[:2]
    scaled = Image.fromarray(heat.astype(np.float32)).resize((width, height), Image.Resampling.BILINEAR)
    amount = np.asarray(scaled).clip(0, 1)
    tint = 255 * colormaps["inferno"](0.2 + 0.75 * amount)[..., :3]
    cover = strength * np.sqrt(amount)[..., None]
    dim = 0.35 * photo + 0.35 * photo.mean(axis=2, keepdims=True) + 12
    return (dim * (1 - cover) + tint * cover).round().clip(0, 255).astype(np.uint8)


def outline(ax: Axes, mask: Mask, box: tuple[float, float, float, float], tint: str) -> None:
    """A line around the mask, dark below and bright above so that it shows on every photo."""
    if not mask.any() or mask.all():
        return
    padded = np.pad(mask.astype(float), 1)
    left, right, bottom, top = box
    x = left + (np.arange(-1, mask.shape[1] + 1) + 0.5) / mask.shape[1] * (right - left)
    y = top + (np.arange(-1, mask.shape[0] + 1) + 0.5) / mask.shape[0] * (bottom - top)
    ax.contour(x, y, padded, levels=[0.5], colors="#14181e", linewidths=2.2, alpha=0.8)
    ax.contour(x, y, padded, levels=[0.5], colors=tint, linewidths=1.3)


def _masks(outlines: Sequence | None, i: int, j: int) -> list[Mask]:
    outline = outlines[i][j] if outlines and i < len(outlines) and j < len(outlines[i]) else None
    if outline is None:
        return []
    return [outline] if isinstance(outline, np.ndarray) and outline.ndim == 2 else list(outline)


def _title(titles: Sequence[Sequence[str]] | None, i: int, j: int) -> str:
    return titles[i][j] if titles and i < len(titles) and j < len(titles[i]) else ""


def _lines(text: str) -> int:
    return text.count("\n") + 1 if text else 0


def _longest(labels: Sequence[str]) -> int:
    return max(len(line) for label in labels for line in label.split("\n"))


def _tile_inches(ax: Axes, span: float, margin: float) -> float:
    """Side of a tile, with `span` tiles and a left margin in inches across the Axes' share of the figure."""
    spec = ax.get_subplotspec()
    columns = spec.get_gridspec().ncols if spec else 1
    return (figure_of(ax).get_size_inches()[0] / columns - margin - 0.05) / span


def _fit(photo: Photo, left: float, top: float) -> tuple[float, float, float, float]:
    """The photo's place (left, right, bottom, top), centred in the unit tile at (left, top)."""
    height, width = photo.shape[:2]
    w, h = width / max(width, height), height / max(width, height)
    x, y = left + (1 - w) / 2, top + (1 - h) / 2
    return x, x + w, y + h, y


def _bounded(photo: Photo) -> Photo:
    """The photo, scaled down to MAX_SIDE: a page is no place for twelve megapixels."""
    longest = max(photo.shape[:2])
    if longest <= MAX_SIDE:
        return photo
    size = [max(1, round(side * MAX_SIDE / longest)) for side in (photo.shape[1], photo.shape[0])]
    return np.asarray(Image.fromarray(photo).resize(size, Image.Resampling.LANCZOS))
