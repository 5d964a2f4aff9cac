"""The experiments of the book: one module per page, named as its notebook, and the profiles they run at.

Further modules: of page 2 `detector_baseline` and `doubled_epochs`, of pages 2 and 3 `second_recipes`, of
page 4 `possible`, of page 5 `map_sanity` and `sauce_maps`, of page 6 `inductive_bias` and `noise_training`,
of page 7 `distillation_under_noise`; `noises` holds the noises of the last two.

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
