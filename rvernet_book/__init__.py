"""Pages, figures, tables, record, site and command line of the companion. Importing it loads nothing else."""

from rvernet_core import __version__

__all__ = ["__version__"]
