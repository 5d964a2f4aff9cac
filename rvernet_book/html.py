"""What a figure, a table or a box looks like in a notebook and in the book: HTML that needs nothing else."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

#: Travels with every output, so that Jupyter, papermill's output and the book show the same.
CSS = """
.rvn{margin:1.4em 0;font-size:.95em;line-height:1.45;color:inherit}
.rvn figure,.rvn .rvn-figure{margin:0}
.rvn img{max-width:100%;height:auto;display:block;background:none!important;padding:0!important;margin:0}
html[data-theme="dark"] .rvn .only-dark,
body[data-jp-theme-light="false"] .rvn .only-dark,
.vscode-dark .rvn .only-dark {
  display:block!important;
}
html[data-theme="dark"] .rvn .only-light,
body[data-jp-theme-light="false"] .rvn .only-light,
.vscode-dark .rvn .only-light {
  display:none;
}
.rvn .rvn-caption{margin:.5em 0 .2em;font-size:.92em;opacity:.92;max-width:46em}
.rvn .rvn-links{font-size:.8em;opacity:.8}
.rvn .rvn-links a{margin-right:.9em}
.rvn .rvn-scroll{overflow-x:auto}
.rvn table.rvn-table {
  border-collapse:collapse;
  border:none;
  margin:.3em 0;
  font-size:.94em;
  font-variant-numeric:tabular-nums;
  background:none;
}
.rvn table.rvn-table th,
.rvn table.rvn-table td {
  border:none;
  border-bottom:1px solid rgba(128,138,150,.28);
  padding:.38em 1em .38em 0;
  text-align:right;
  vertical-align:baseline;
  background:none;
  white-space:nowrap;
}
.rvn table.rvn-table thead th {
  border-bottom:1.5px solid rgba(128,138,150,.75);
  font-weight:600;
  font-size:.92em;
  white-space:normal;
  vertical-align:bottom;
}
.rvn table.rvn-table tbody tr:last-child td{border-bottom:1.5px solid rgba(128,138,150,.75)}
.rvn table.rvn-table th.rvn-text,.rvn table.rvn-table td.rvn-text{text-align:left}
.rvn table.rvn-table td.rvn-long{white-space:normal}
.rvn table.rvn-table tbody tr:hover td{background:rgba(128,138,150,.08)}
.rvn .rvn-interval{opacity:.7;font-size:.86em}
.rvn .rvn-stamp {
  font-size:.76em;
  opacity:.75;
  border:1px solid rgba(128,138,150,.45);
  border-radius:1em;
  padding:.05em .6em;
  margin-right:.5em;
  white-space:nowrap;
}
.rvn details{border:1px solid rgba(128,138,150,.35);border-radius:.4em;padding:.5em .9em}
.rvn details>summary{cursor:pointer;font-weight:600}
.rvn details table td{white-space:normal!important;text-align:left!important}
.rvn pre.rvn-command {
  margin:.6em 0;
  padding:.6em .8em;
  border-radius:.3em;
  background:rgba(128,138,150,.13);
  border:none;
  overflow-x:auto;
  font-size:.88em;
  color:inherit;
}
"""
_STYLE = "<style>" + re.sub(r"\s*\n\s*", "", CSS) + "</style>"


@dataclass(frozen=True)
class Html:
    """An object that a notebook shows as HTML, and as `text` where there is no HTML."""

    body: str
    text: str

    def _repr_html_(self) -> str:
        return f'<div class="rvn">{_STYLE}{self.body}</div>'

    def __repr__(self) -> str:
        return self.text


def together(*parts: Html) -> Html:
    """Several of them as one, below each other."""
    return Html("".join(part.body for part in parts), "\n".join(part.text for part in parts))


def plain(markdown: str) -> str:
    """A sentence of our Markdown without its marks."""
    return re.sub(r"[*`]", "", markdown)


def inline(text: str) -> str:
    """Escaped text in which `code`, *emphasis* and **strong** are marked as in Markdown."""
    text = html.escape(text, quote=False)
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", text)
    text = re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", text)
    return re.sub(r"(?<![\w*])\*([^*\s][^*]*)\*(?![\w*])", r"<em>\1</em>", text)


def caption(number: str, text: str, profile: str) -> str:
    """The numbered line below a figure or above a table."""
    stamp = f'<span class="rvn-stamp">{html.escape(profile)}</span>' if profile else ""
    lead = f"<strong>{html.escape(number)}.</strong> " if number else ""
    return f'<p class="rvn-caption">{lead}{inline(text)} {stamp}</p>'


def links(files: list[tuple[str, str]], see: tuple[str, str] | None = None) -> str:
    """Download links, each (text, address), and last a link to `see`, a page of the book."""
    anchors = "".join(f'<a href="{html.escape(url)}" download>{html.escape(text)}</a>' for text, url in files)
    if see:
        anchors += f'<a href="{html.escape(see[1])}">{html.escape(see[0])}</a>'
    return f'<div class="rvn-links">{anchors}</div>'
