"""The house rules: who may import whom, and how long a file may be."""

import ast
from pathlib import Path

import pytest

CORE = Path(__file__).parents[1] / "rvernet_core"
LAYERS = [
    {"errors"},
    {"config"},
    {"profiles"},
    {"files", "environment"},
    {"steps"},
    {"cutouts", "metrics", "losses", "schedule", "parameters", "rle", "prompts", "notebooks"},
    {"images", "noise"},
    {"plates"},
    {"zipcrypto"},
    {"archives"},
    {"fetch"},
    {"checkpoints", "zoo"},
    {"recipe", "distillation"},
    {"datasets"},
    {"sam_masks"},
    {"masking"},
    {"export", "pairs", "backbones", "saliency"},
    {"models"},
    {"students"},
    {"features", "cost"},
    {"training"},
    {"runs"},
    {"conditions", "photo"},
    {"trials"},
    {"experiments", "results", "evidence", "gradcam", "probes"},
    {"jobs", "slopes", "robustness", "doctor"},
    {"report"},
    {"site"},
    {"cli"},
]
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
KNOWS = {
    "segment_anything": {"masking", "zoo"},
    "timm": {"backbones"},
    "pytorch_grad_cam": {"gradcam"},
    "matplotlib": {"report"},
    "seaborn": {"report"},
    "papermill": {"notebooks"},
}
FILES = sorted(CORE.rglob("*.py"))


def part(path: Path) -> str:
    return path.relative_to(CORE).parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    """Full names of all modules that a file imports at its top or inside functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(CORE)))
def test_a_file_imports_only_from_layers_above_it(path):
    own = part(path)
    if own == "__init__":
        return
    assert own in LEVEL, f"{own} has no place in LAYERS"
    if "train_" in path.stem:  # scripts of the zoo stand on top of the house
        return
    for name in imports(path):
        head, _, rest = name.partition(".")
        other = rest.split(".")[0]
        if head == "rvernet_core" and other in LEVEL and other != own:
            assert LEVEL[other] < LEVEL[own], f"{own} may not import {other}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(CORE)))
def test_each_library_is_known_in_one_place(path):
    for name in imports(path):
        allowed = KNOWS.get(name.split(".")[0])
        assert allowed is None or part(path) in allowed, f"only {allowed} may import {name}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(CORE)))
def test_a_file_can_be_read_at_one_sitting(path):
    assert len(path.read_text().splitlines()) <= 300
