"""The house: which package and which floor may import which, and where each library is known.

CONTRIBUTING.md draws the same picture; a test holds the two together.
"""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

#: package -> the packages of this project that it may import
PACKAGES = {
    "rvernet_plates": set(),
    "rvernet_core": {"rvernet_plates"},
    "rvernet_book": {"rvernet_core", "rvernet_plates"},
    "zoo": {"rvernet_core", "rvernet_plates"},
}
#: The floors of the core, from the bottom up. A room imports from floors below its own, and from itself.
FLOORS = [
    {"errors", "files", "sealed", "downloads", "fetch", "config", "metrics", "uncertainty", "environment"},
    {"data", "models", "predictions", "cues"},
    {"masking", "features", "detector"},
    {"training", "controls"},
    {"run_specs"},
    {"runs"},
    {"evaluation"},
    {"experiments"},
]
#: library -> the rooms that may import it
LIBRARIES = {
    "segment_anything": {"rvernet_core.masking", "zoo"},
    "timm": {"rvernet_core.models"},
    "sklearn": {"rvernet_core.controls", "rvernet_core.evaluation"},
    "pytorch_grad_cam": {"rvernet_core.evaluation"},
    "matplotlib": {"rvernet_book"},
    "seaborn": {"rvernet_book"},
    "papermill": {"rvernet_book"},
    "snakemake": {"rvernet_book"},
}
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}


def room_of(module: str) -> str:
    """`rvernet_core.data.photos` -> `data`; the room of a package's own `__init__` is empty."""
    return [*module.split("."), ""][1]


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def imports(path: Path) -> set[str]:
    """Full names of all modules that a file imports, at its top or inside functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_a_file_imports_only_from_where_it_may(path):
    own = module_of(path)
    package, room = own.split(".")[0], room_of(own)
    for name in imports(path):
        other = name.split(".")[0]
        if other in PACKAGES and other != package:
            assert other in PACKAGES[package], f"{own} may not import {name}"
        if package == other == "rvernet_core" and room != "__init__":
            assert room in FLOOR, f"{room} stands on no floor"
            imported = room_of(name)
            if imported in FLOOR and imported != room:
                same = FLOOR[imported] == FLOOR[room] == 0  # the ground floor: small files without a knot
                assert same or FLOOR[imported] < FLOOR[room], f"{own} may not import {name}"


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_each_library_is_known_in_one_place(path):
    own = module_of(path)
    for name in imports(path):
        rooms = LIBRARIES.get(name.split(".")[0])
        assert rooms is None or any(own.startswith(room) for room in rooms), f"only {rooms} may import {name}"


@pytest.mark.parametrize("package", ["rvernet_plates", "rvernet_core"])
def test_the_library_neither_prints_nor_exits(package):
    for path in (ROOT / package).rglob("*.py"):
        calls = [
            node.func for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)
        ]
        names = {getattr(f, "id", "") for f in calls} | {ast.unparse(f) for f in calls}
        assert not names & {"print", "exit", "sys.exit", "quit"}, path


def test_contributing_draws_the_same_floors():
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    drawn = re.findall(r"^ *([0-7])  (.+?)(?:  +|$)", text, flags=re.M)
    floors = sorted((int(number), sorted(rooms.split(", "))) for number, rooms in drawn)
    assert floors == [(number, sorted(rooms)) for number, rooms in enumerate(FLOORS)]


def test_a_file_holds_one_whole_thought():
    """No file that cannot be read at one sitting; the longest shows a page with 17 items."""
    long = [p for p in FILES if len(p.read_text("utf-8").splitlines()) > 480]
    assert not long, long
