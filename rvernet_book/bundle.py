"""A figure as a bundle: a light and a dark SVG and the tidy CSV that they draw."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd

from rvernet_book import html, svg
from rvernet_core import files
from rvernet_core.errors import RecordError

#: Where a viewer drops our style sheet, one variant shows, not two.
_HIDDEN = {"light": "", "dark": ' style="display:none"'}
MAX_BYTES = 300_000  # of one SVG: a page must stay light


@dataclass(frozen=True)
class Bundle:
    """A figure or table: its files, and how a notebook shows it."""

    name: str
    paths: dict[str, Path]  # light, dark and csv of a figure; csv of a table
    html: html.Html
    alt: str = ""

    def _repr_html_(self) -> str:
        return self.html._repr_html_()

    def __repr__(self) -> str:
        return self.html.text


def figure_bundle(
    name: str,
    draw: Callable[[Any], None],
    data: pd.DataFrame,
    *,
    alt: str,
    caption: str,
    folder: str | Path,
    profile: str = "",
    number: str = "",
    size: tuple[float, float] = (7.4, 3.6),
    grid: tuple[int, int] = (1, 1),
    quality: int = 85,
    see: tuple[str, str] | None = None,
    **subplots: Any,
) -> Bundle:
    """Draw twice, write `<name>.light.svg`, `<name>.dark.svg` and `<name>.csv` whole, and return them.

    quality: of photos at first, 1 to 100; they are packed harder until MAX_BYTES is met.
    draw: called once per variant with one Axes, or with an array of Axes where `grid` is not (1, 1).
    data: what is drawn, tidy: one row per mark. alt: the figure in words, made from the
    data, see `rvernet_book.alt`. profile: stamped into the lower right corner.
    see: (text, address) of a last link, to a page of the book.
    folder: links are relative to the working directory, so a notebook runs in the folder that holds it.
    Raises RecordError where the alt text or the data is missing or the drawing is heavier than MAX_BYTES.
    """
    if not alt.strip() or data.empty:
        raise RecordError(f"figure {name!r} has no {'data' if alt.strip() else 'alt text'}; pass both")
    stamp = f"{profile} profile" if profile else ""
    drawings = {
        variant: svg.render(
            draw,
            variant,
            name=name,
            size=size,
            grid=grid,
            stamp=stamp,
            alt=alt,
            quality=quality,
            limit=MAX_BYTES,
            **subplots,
        )
        for variant in ("light", "dark")
    }
    paths = {}
    for variant, text in drawings.items():
        if len(text) > MAX_BYTES:
            raise RecordError(
                f"figure {name!r} takes {len(text):,} bytes, more than {MAX_BYTES:,}; show fewer photos"
            )
        paths[variant] = files.write_text(Path(folder) / f"{name}.{variant}.svg", text)
    paths["csv"] = write_csv(Path(folder) / f"{name}.csv", data)
    images = "".join(
        f'<img class="only-{variant}" alt="{escape(alt)}"{_HIDDEN[variant]} src="{svg.data_uri(text)}">'
        for variant, text in drawings.items()
    )
    body = (
        f'<figure id="{escape(name)}"><div class="rvn-figure">{images}</div></figure>'
        + html.caption(number, caption, "")
        + html.links(
            [
                ("SVG", link(paths["light"])),
                ("SVG, dark", link(paths["dark"])),
                ("data (CSV)", link(paths["csv"])),
            ],
            see,
        )
    )
    return Bundle(name, paths, html.Html(body, f"{number or name}: {caption} [{alt}]"), alt)


def write_csv(path: Path, data: pd.DataFrame) -> Path:
    """The frame as CSV with line feeds and full precision; a named index becomes columns."""
    named = any(level is not None for level in data.index.names)
    return files.write_text(path, data.to_csv(index=named, lineterminator="\n"))


def link(path: Path) -> str:
    """The address of `path` for a page in the working directory."""
    return Path(os.path.relpath(path.absolute(), Path.cwd())).as_posix()
