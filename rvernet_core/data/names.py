"""Class names: FoodSeg103's own, their clean form, their form as a folder name, and the release's folders."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

from rvernet_core.config import AMBIGUOUS
from rvernet_core.errors import DataError

#: FoodSeg103's classes in the order of their ids 1 .. 103.
_IN_ORDER = """
    candy, egg tart, french fries, chocolate, biscuit, popcorn, pudding, ice cream, cheese butter, cake,
    wine, milkshake, coffee, juice, milk, tea, almond, red beans, cashew, dried cranberries, soy, walnut,
    peanut, egg, apple, date, apricot, avocado, banana, strawberry, cherry, blueberry, raspberry, mango,
    olives, peach, lemon, pear, fig, pineapple, grape, kiwi, melon, orange, watermelon, steak, pork,
    chicken duck, sausage, fried meat, lamb, sauce, crab, fish, shellfish, shrimp, soup, bread, corn,
    hamburg, pizza, hanamaki baozi, wonton dumplings, pasta, noodles, rice, pie, tofu, eggplant, potato,
    garlic, cauliflower, tomato, kelp, seaweed, spring onion, rape, ginger, okra, lettuce, pumpkin,
    cucumber, white radish, carrot, asparagus, bamboo shoots, broccoli, celery stick, cilantro mint,
    snow peas, cabbage, bean sprouts, onion, pepper, green beans, french beans, king oyster mushroom,
    shiitake, enoki mushroom, oyster mushroom, white button mushroom, salad, other ingredients
"""
FOODSEG103: tuple[str, ...] = tuple(" ".join(name.split()) for name in _IN_ORDER.split(","))

#: Labels 0 .. 104 of the release (configs/FoodSeg103.yaml): FoodSeg103's id - 1, then the two sauces.
RELEASED: tuple[str, ...] = (*FOODSEG103, *AMBIGUOUS)
#: The folders of the release whose names are not the class's own.
_RELEASED_FOLDERS = {
    "cabbage": " cabbage",
    "hanamaki baozi": " hanamaki baozi",
    "french beans": "French beans",
    "chili paste": "chilli-paste",
}

_KEPT = " ._-,()&'+!"  # besides ASCII letters and digits; harmless inside a folder name everywhere
_RESERVED = {"con", "prn", "aux", "nul", *(f"{p}{i}" for p in ("com", "lpt") for i in range(1, 10))}
_LONGEST = 200  # bytes; most file systems end at 255


def _key(name: str) -> str:
    """What is equal for all spellings of a name: "chilli-paste" and "Chili paste"."""
    return " ".join(re.split(r"[\s_-]+", name.casefold())).strip().replace("chilli", "chili")


_KNOWN = {_key(name): name for name in RELEASED}


def clean(name: str) -> str:
    """The name of one of `RELEASED` in its own spelling, any other without stray spaces.

    Spaces, hyphens and case do not matter, as in the release's " cabbage", "French beans", "chilli-paste".
    """
    return _KNOWN.get(_key(name), " ".join(name.split()))


def folder_name(class_name: str) -> str:
    """A folder name for any class name; `class_name_of` gives the name back exactly.

    Plain names stay as they are. Everything that could leave the folder, vanish or differ between
    systems (slashes, dots or spaces at the ends, non-ASCII letters, '%') is percent-encoded as UTF-8.
    """
    if not class_name:
        raise DataError("a class has an empty name; give it one")
    safe = quote(class_name, safe=_KEPT)
    head, tail = safe[0], safe[-1]
    if len(safe) > 1 and tail in " .":
        safe = safe[:-1] + f"%{ord(tail):02X}"
    if head in " .":
        safe = f"%{ord(head):02X}" + safe[1:]
    if safe.split(".")[0].lower() in _RESERVED:
        safe = f"%{ord(safe[0]):02X}" + safe[1:]
    if len(safe) > _LONGEST:
        raise DataError(
            f"class name {class_name[:40]!r}... needs a folder name of {len(safe)} bytes; at most {_LONGEST}"
        )
    return safe


def class_name_of(folder: str) -> str:
    """The class in a folder: what `folder_name` or `released_folder` was given, else its own name."""
    name = unquote(folder)
    return _KNOWN.get(_key(name), name)


def released_folder(class_name: str) -> str:
    """The folder in which the released code looks for a class; `folder_name` of one that it does not know."""
    return _RELEASED_FOLDERS.get(class_name) or folder_name(class_name)


def label_order(names: set[str]) -> tuple[str, ...]:
    """Classes of folders in a fixed order: FoodSeg103's, then all others by name, the two sauces last."""
    rank = {name: i for i, name in enumerate(FOODSEG103)}
    last = {name: i for i, name in enumerate(AMBIGUOUS, start=1)}
    return tuple(sorted(names, key=lambda name: (last.get(name, 0), rank.get(name, len(rank)), name)))
