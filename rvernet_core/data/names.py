"""Class names: FoodSeg103's own, their clean form, as folders of our own and of the release, and in files."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
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

#: Control characters, line breaks among them, and bytes of a file's name that are no UTF-8.
UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")

_LARGEST = 2**20  # bytes of a file that lists names
#: Byte order marks, longer ones first: that of UTF-32 begins as that of UTF-16.
_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}


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


def check_names(names: Iterable[str]) -> None:
    """Raise DataError where a name is no line of text, or two would be one folder on some disks.

    Such disks ignore case, or Unicode's forms of one letter.
    """
    seen: dict[str, str] = {}
    for name in names:
        if UNSAFE.search(name) or not name.strip():
            raise DataError(f"class {name!r} is no line of printable text; rename it")
        other = seen.setdefault(unicodedata.normalize("NFC", name).casefold(), name)
        if other != name:
            raise DataError(
                f"classes {other!r} and {name!r} differ by case (or the form of an accent) alone, so their "
                "folders are one on some disks; rename one of them, or put their photos together"
            )


def in_order(names: dict[int, str], path: Path) -> tuple[str, ...]:
    """The class names in the order of their ids 1 .. n; id 0, the background, has none.

    Raises DataError, about the file at `path`, where an id is missing or a name occurs twice.
    """
    ids = sorted(set(names) - {0})
    if not ids or ids != list(range(1, len(ids) + 1)):
        raise DataError(f"{path}: ids are {ids[:5]}...; expected every id from 1 to the class count once")
    classes = tuple(names[i] for i in ids)
    twice = [name for name, count in Counter(classes).items() if count > 1 or not name]
    if twice:
        raise DataError(f"{path}: class name {twice[0]!r} is empty or occurs twice; expected distinct names")
    return classes


# --- files that list names --------------------------------------------------------------------------


def read_lines(path: Path) -> list[str]:
    """The lines of a small text file that other programs or people write.

    Its encoding is UTF-8, or the one that its byte order mark names. Raises DataError where it is another,
    where control characters tell that it is no text, and above one megabyte.
    """
    return re.split("\r\n|\r|\n", read_text(path))


def read_text(path: Path) -> str:
    """The whole text of such a file, without its byte order mark; see `read_lines`."""
    try:
        if not path.is_file() or path.stat().st_size > _LARGEST:  # a pipe would be waited for
            raise DataError(f"{path} is no text file of at most {_LARGEST:,} bytes")
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); expected a text file") from error
    mark = next((mark for mark in _MARKS if content.startswith(mark)), b"")
    encoding = _MARKS.get(mark, "utf-8")
    try:
        text = content[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is not {encoding.upper()}: byte {error.start + len(mark)} is "
            f"{error.object[error.start]:#04x} (Latin-1 and Windows' code pages look so); save it as UTF-8"
        ) from error
    strange = re.search(r"[^\t\r\n -~\xa0-\U0010ffff]", text)
    if strange:
        raise DataError(
            f"{path} is no text in {encoding.upper()}: character {strange.start()} is {strange[0]!r} "
            "(UTF-16 without a byte order mark looks so); save it as UTF-8"
        )
    return text
