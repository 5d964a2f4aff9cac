"""Drawing into SVG text that is the same, byte for byte, whenever the same thing is drawn."""

from __future__ import annotations

import base64
import functools
import io
import re
from collections.abc import Callable
from html import escape
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from PIL import Image

from rvernet_book import style

_PACKING = ((1, 1), (0.8, 1), (0.7, 0.75), (0.6, 0.5))  # (quality, scale) of photos, until the limit is met
_STAMP_INCHES = 0.17  # strip at the bottom that is kept free for the stamp


def render(
    draw: Callable[[Any], None],
    variant: str,
    *,
    name: str,
    size: tuple[float, float] = (7.4, 3.6),
    grid: tuple[int, int] = (1, 1),
    stamp: str = "",
    alt: str = "",
    quality: int = 85,
    limit: int = 300_000,
    **subplots: Any,
) -> str:
    """Call `draw` once and return the drawing as SVG text with a transparent background.

    draw: gets one Axes, or an array of Axes where `grid` is not (1, 1).
    variant: light or dark. size: width and height in inches.
    name: salts the identifiers inside the file, so that several drawings can live in one page.
    stamp: small text in the lower right corner. quality: of photos, WebP, 1 to 100.
    limit: bytes; photos are packed harder until it is met.
    subplots: passed on to `Figure.subplots` (`sharex`, `width_ratios`, ...).
    """
    with style.use(variant), mpl.rc_context({"svg.hashsalt": f"{name}.{variant}"}):
        figure = Figure(figsize=size)
        layout = ConstrainedLayoutEngine()
        figure.set_layout_engine(layout)
        draw(figure.subplots(*grid, **subplots))
        size = tuple(figure.get_size_inches())  # a drawing may set its own height
        bottom = _STAMP_INCHES / size[1] if stamp else 0
        layout.set(rect=(0, bottom, 1, 1 - bottom))
        if stamp:
            figure.text(
                1 - 0.03 / size[0],
                0.03 / size[1],
                stamp,
                ha="right",
                va="bottom",
                fontsize=6.5,
                color=style.colour("muted"),
            )
        buffer = io.StringIO()
        FigureCanvasSVG(figure).print_svg(buffer, metadata={"Date": None, "Creator": None})
    return _tidy(buffer.getvalue(), alt, quality, limit)


def data_uri(svg: str) -> str:
    """The drawing as an address that an <img> can show without any file."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()


def _tidy(text: str, alt: str, quality: int, limit: int) -> str:
    """Smaller and accessible: two decimals in paths, photos as WebP, the reader's fonts, the alt text."""
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.S)
    text = re.sub(r'(?<= d=")[^"]*', lambda m: re.sub(r"(\.\d\d)\d+", r"\1", m.group()), text)
    text = text.replace("'DejaVu Sans'", style.FONT_STACK)
    if alt:
        text = text.replace("<svg ", f'<svg role="img" aria-label="{escape(alt)}" ', 1)
    packed = text
    for factor, scale in _PACKING:
        pack = functools.partial(_webp, quality=round(quality * factor), scale=scale)
        packed = re.sub(r"data:image/png;base64,[^\"]+", pack, text)
        if len(packed) <= limit:
            break
    return packed


def _webp(match: re.Match, quality: int, scale: float) -> str:
    """A photo that matplotlib embedded as PNG, as WebP where that is smaller."""
    raw = base64.b64decode(match.group().partition(",")[2])
    image = Image.open(io.BytesIO(raw))
    if image.mode == "RGBA" and image.getchannel("A").getextrema() == (255, 255):
        image = image.convert("RGB")
    if scale < 1:
        image = image.resize([max(1, round(side * scale)) for side in image.size], Image.Resampling.LANCZOS)
    packed = io.BytesIO()
    image.save(packed, "WEBP", quality=quality, method=4)
    if packed.tell() >= len(raw):
        return "data:image/png;base64," + base64.b64encode(raw).decode()
    return "data:image/webp;base64," + base64.b64encode(packed.getvalue()).decode()
