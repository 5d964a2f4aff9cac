"""The two pictures of the README and the book's first pages, drawn from the renderer.

`python -m rvernet_book artwork book/_static` makes them again.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from PIL import Image

from rvernet_book import style, svg
from rvernet_book.photo_grid import frame, lined, outline
from rvernet_book.style import colour
from rvernet_core import files
from rvernet_core.config import AMBIGUOUS, PlatesSpec
from rvernet_core.data.cutouts import cut
from rvernet_plates import Scene, render_scene

COVER_BYTES = 250_000  # at most
DIAGRAM_ALT = (
    "Structure of RveRNet. A photo and its mask give two complementary cut-outs. The ROI module reads the "
    "food on black, the extra-ROI module reads the rest with a black hole. An integration module of two "
    "linear layers reads both modules' logits and names the food."
)


def write_cover(
    folder: str | Path, *, rows: int = 2, columns: int = 6, size: int = 256, seed: int = 0
) -> Path:
    """`cover.webp`: rows of rendered scenes without gaps, each row as wide as `columns` squares of `size`."""
    scenes = iter(range(seed, seed + 100 * rows * columns))
    sheet = np.concatenate([_row(scenes, columns * size, size) for _ in range(rows)])
    packed = io.BytesIO()
    for quality in range(90, 10, -5):
        packed = io.BytesIO()
        Image.fromarray(sheet).save(packed, "WEBP", quality=quality, method=6)
        if packed.tell() <= COVER_BYTES:
            break
    return files.write_bytes(Path(folder) / "cover.webp", packed.getvalue())


def _row(seeds: Iterator[int], width: int, size: int) -> np.ndarray:
    """Photos of different shapes side by side, `size` high and `width` wide; the last one is cropped."""
    photos: list[np.ndarray] = []
    while sum(photo.shape[1] for photo in photos) < width:
        photo = render_scene(PlatesSpec(size=2 * size), next(seeds)).image
        across = round(size * photo.shape[1] / photo.shape[0])
        photos.append(np.asarray(Image.fromarray(photo).resize((across, size), Image.Resampling.LANCZOS)))
    return np.concatenate(photos, axis=1)[:, :width]


def write_diagram(folder: str | Path, *, seed: int = 0) -> list[Path]:
    """`rvernet.light.svg` and `rvernet.dark.svg`: from the photo to the name of the food."""
    scene, index = _with_sauce(seed)
    drawings = {
        variant: svg.render(
            lambda ax: _diagram(ax, scene, index), variant, name="rvernet", size=(7.6, 2.9), alt=DIAGRAM_ALT
        )
        for variant in style.VARIANTS
    }
    return [
        files.write_text(Path(folder) / f"rvernet.{variant}.svg", text) for variant, text in drawings.items()
    ]


def _with_sauce(seed: int) -> tuple[Scene, int]:
    """The first square scene from `seed` on with a large, unoccluded sauce, and the index of that item."""
    while True:
        scene = render_scene(PlatesSpec(size=192), seed)
        for index, item in enumerate(scene.items):
            square = scene.image.shape[0] == scene.image.shape[1]
            share = (scene.instances == index + 1).mean()
            if square and item.name in AMBIGUOUS and item.visible > 0.98 and share > 0.025:
                return scene, index
        seed += 1


def _diagram(ax: Axes, scene: Scene, index: int) -> None:
    """Axes in units of a tenth of an inch: 76 wide, 29 high."""
    mask = scene.instances == index + 1
    roi, extra_roi = cut(scene.image, mask)
    ax.set(xlim=(0, 76), ylim=(29, 0), aspect="equal")
    ax.set_axis_off()

    _photo(ax, scene.image, 0.3, 8, 12.5, "photo and mask")
    outline(ax, mask, (0.3, 12.8, 20.5, 8), "#ffffff")
    _photo(ax, roi, 19.5, 1.6, 10.5, "ROI")
    _photo(ax, extra_roi, 19.5, 16, 10.5, "extra-ROI")
    _box(ax, 35.2, 3, 13, 7.6, "ROI module", "any backbone", colour("roi"))
    _box(ax, 35.2, 17.5, 13, 7.6, "extra-ROI module", "any backbone", colour("extra_roi"))
    _box(ax, 54, 8.2, 11, 12.2, "integration\nmodule", "linear 640\nReLU\nlinear", colour("rvernet"))
    for start, end in (
        ((13.2, 12), (19, 6.9)),
        ((13.2, 16.5), (19, 21.3)),
        ((30.4, 6.9), (34.8, 6.9)),
        ((30.4, 21.3), (34.8, 21.3)),
        ((48.6, 6.9), (53.6, 11.6)),
        ((48.6, 21.3), (53.6, 17)),
        ((65.4, 14.3), (68.6, 14.3)),
    ):
        _arrow(ax, start, end)
    ax.text(16.2, 14.3, "cut out", ha="center", va="center", fontsize=7.5, color=colour("muted"))
    ax.text(52.2, 6.6, "logits", ha="center", va="center", fontsize=7.5, color=colour("muted"))
    ax.text(52.2, 22, "logits", ha="center", va="center", fontsize=7.5, color=colour("muted"))
    name = "\n".join(scene.items[index].name.split())
    ax.text(69, 14.3, name, ha="left", va="center", fontsize=9.5, weight="bold", color=colour("ink"))


def _photo(ax: Axes, image: np.ndarray, left: float, top: float, side: float, name: str) -> None:
    box = (left, left + side, top + side, top)
    ax.imshow(image, extent=box, interpolation="none")
    frame(ax, box)
    ax.text(left + side / 2, top + side + 0.5, name, ha="center", va="top", fontsize=8, color=colour("ink"))


def _box(
    ax: Axes, left: float, top: float, width: float, height: float, name: str, note: str, tint: str
) -> None:
    ax.add_patch(
        FancyBboxPatch(
            (left, top), width, height, boxstyle="round,pad=0,rounding_size=1", fc=tint, ec="none", alpha=0.14
        )
    )
    ax.add_patch(
        FancyBboxPatch(
            (left, top), width, height, boxstyle="round,pad=0,rounding_size=1", fc="none", ec=tint, lw=1.4
        )
    )
    middle, height_of_lines = left + width / 2, 1.5 * (name.count("\n") + note.count("\n") + 2) + 0.4
    y = top + (height - height_of_lines) / 2 + 0.75
    lined(ax, middle, y, name, 1.5, fontsize=8.5, weight="bold", color=colour("ink"))
    lined(ax, middle, y + 1.5 * (name.count("\n") + 1) + 0.4, note, 1.5, fontsize=7.5, color=colour("muted"))


def _arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    ax.add_patch(
        FancyArrowPatch(
            start,
            end,
            arrowstyle="-|>",
            mutation_scale=9,
            lw=1.2,
            color=colour("muted"),
            shrinkA=0,
            shrinkB=0,
        )
    )
