"""The weights that ship with this package: half-precision safetensors, each with a model card and facts."""

from __future__ import annotations

import json
from pathlib import Path

from rvernet_core import files
from rvernet_core.errors import CheckpointError

WEIGHTS = Path(__file__).parent


def weights_path(name: str) -> Path:
    """The safetensors file of `name`, for instance "sam-micro".

    Raises CheckpointError for an unknown name, and for a file that is not the one its card names by its hash.
    """
    path = WEIGHTS / f"{name}.safetensors"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in WEIGHTS.glob("*.safetensors"))) or "nothing"
        raise CheckpointError(f"the zoo has no {name!r}; it holds: {known}")
    if files.sha256(path) != CARDS.get(name, {}).get("sha256"):
        raise CheckpointError(
            f"{path} is damaged or was edited: its SHA-256 is not that of its card {name}.json; "
            "install the package again, or restore the file with git"
        )
    return path


def _cards() -> dict[str, dict]:
    return {p.stem: json.loads(p.read_text(encoding="utf-8")) for p in sorted(WEIGHTS.glob("*.json"))}


CARDS: dict[str, dict] = _cards()  # name -> the facts of its model card (data, command, metrics, hash)
