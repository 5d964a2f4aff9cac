"""Pages, figures, tables, record, site and command line of the companion. Importing it loads nothing else."""

import importlib

from rvernet_core import __version__

__all__ = ["__version__"]

# To be deleted when no notebook says `import rvernet_book as report` any more: each name is looked up in
# its module when it is first used, so that `rvernet --help` loads neither torch nor matplotlib.
_REPORT = {
    "bundle": ("Bundle", "figure_bundle"),
    "charts": ("curves", "dots", "paths"),
    "grids": ("confusion", "heat"),
    "page": ("Page",),
    "photos": ("glow", "grid_size", "overlay", "photo_grid"),
    "style": ("LABELS", "colour", "label"),
    "tables": ("interval", "table_bundle", "tidy"),
}


def __getattr__(name: str):
    if name == "alt":
        return importlib.import_module("rvernet_book.alt")
    for module, names in _REPORT.items():
        if name in names:
            return getattr(importlib.import_module(f"rvernet_book.{module}"), name)
    raise AttributeError(f"module 'rvernet_book' has no attribute {name!r}")
