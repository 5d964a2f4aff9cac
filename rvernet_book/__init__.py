"""Tables, figures and provenance of a page. The only part that knows matplotlib and seaborn.

A notebook begins with `page = report.Page("03-rvernet", profile=profile, seeds=seeds)`, shows
`page.figure(...)` and `page.table(...)`, glues numbers with `page.say(...)` and ends with
`page.provenance(...)`. Charts are plain functions of (ax, data) in `charts`, `grids` and `photos`, their
alternative texts come from `alt`.
"""

from rvernet_book import alt
from rvernet_book.bundle import Bundle, figure_bundle
from rvernet_book.charts import curves, dots, paths
from rvernet_book.grids import confusion, heat
from rvernet_book.page import Page
from rvernet_book.photos import glow, grid_size, overlay, photo_grid
from rvernet_book.style import LABELS, colour, label
from rvernet_book.summary import glance, write_glance
from rvernet_book.tables import interval, table_bundle
from rvernet_book.tidy import tidy

__all__ = [
    "LABELS",
    "Bundle",
    "Page",
    "alt",
    "colour",
    "confusion",
    "curves",
    "dots",
    "figure_bundle",
    "glance",
    "glow",
    "grid_size",
    "heat",
    "interval",
    "label",
    "overlay",
    "paths",
    "photo_grid",
    "table_bundle",
    "tidy",
    "write_glance",
]
