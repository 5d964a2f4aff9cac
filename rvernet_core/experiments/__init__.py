"""The experiments of the book: one module per page, named as its notebook, and the profiles they run at.

Two pages have further modules beside their own: page 6 `inductive_bias` and `noise_training`, page 7
`distillation_under_noise`; `noises` holds the noises of both.

A page's module declares the runs that the page `needs` (and, where it needs more of some than their
predictions, whose `weights`), computes its tidy frames and facts, and reaches its verdict. How these are
drawn and worded is the book's part.
"""

from __future__ import annotations

import importlib
from types import ModuleType


def page_module(page: str) -> ModuleType:
    """The module of a page: "04-ketchup-vs-chili" -> `experiments.ketchup_vs_chili`."""
    _, _, name = page.partition("-")
    return importlib.import_module(f"{__name__}.{name.replace('-', '_')}")
