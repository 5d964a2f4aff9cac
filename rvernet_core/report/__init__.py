"""Tables, figures and provenance of a page. The only part that knows matplotlib and seaborn.

A notebook begins with `page = report.Page("03-rvernet", profile=profile, seeds=seeds)`, shows
`page.figure(...)` and `page.table(...)`, glues numbers with `page.say(...)` and ends with
`page.provenance(...)`. Charts are plain functions of (ax, data) in `charts`, `grids` and `photos`, their
alternative texts come from `alt`.
"""

from rvernet_core.report import alt
from rvernet_core.report.bundle import Bundle, figure_bundle
from rvernet_core.report.charts import curves, dots, paths
from rvernet_core.report.glance import glance, write_glance
from rvernet_core.report.grids import confusion, heat
from rvernet_core.report.page import Page
from rvernet_core.report.photos import glow, grid_size, overlay, photo_grid
from rvernet_core.report.style import LABELS, colour, label
from rvernet_core.report.tables import interval, table_bundle
from rvernet_core.report.tidy import tidy

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
