"""All categories: name -> drawing, a function (sheet, rng) that fills a Sheet within radius 1.

A drawing takes all its variety from the generator. A new category is one function and one entry.
"""

from __future__ import annotations

from collections.abc import Callable

from rvernet_plates.textures import Rng
from zoo.things import metalware
from zoo.things.sheet import Sheet

DRAWINGS: dict[str, Callable[[Sheet, Rng], None]] = {
    "key": metalware.key,
    "coin": metalware.coin,
    "gear": metalware.gear,
}
#: Things with a top: they are turned by little, the others by any angle.
UPRIGHT: frozenset[str] = frozenset()
CATEGORIES: tuple[str, ...] = tuple(DRAWINGS)
