"""The weights that ship with this package: half-precision safetensors, each with a model card and facts.

A micro backbone ships as several checkpoints, NAME-SEED.safetensors, each pretrained from a seed of its own,
with one card; Segment Anything as one, sam-micro.safetensors.
"""

from __future__ import annotations

import json
from pathlib import Path

from rvernet_core import files
from rvernet_core.errors import CheckpointError

WEIGHTS = Path(__file__).parent


def weights_path(name: str, checkpoint: int = 0) -> Path:
    """The safetensors file of `name`, for instance "sam-micro", or of one of its pretrainings.

    checkpoint: counted modulo the number of checkpoints that ship, in the order of their seeds, so that any
    run's seed names one.

    Raises CheckpointError for an unknown name, and for a file that is not the one its card names by its hash.
    """
    shipped = CARDS.get(name, {}).get("checkpoints")
    if shipped:
        entry = shipped[checkpoint % len(shipped)]
        path, known = WEIGHTS / f"{name}-{entry['seed']}.safetensors", entry["sha256"]
    else:
        path, known = WEIGHTS / f"{name}.safetensors", CARDS.get(name, {}).get("sha256")
    if not path.is_file():
        names = ", ".join(sorted(p.stem for p in WEIGHTS.glob("*.safetensors"))) or "nothing"
        raise CheckpointError(f"the zoo has no {path.stem!r}; it holds: {names}")
    if files.sha256(path) != known:
        raise CheckpointError(
            f"{path} is damaged or was edited: its SHA-256 is not that of its card {name}.json; "
            "install the package again, or restore the file with git"
        )
    return path


def read_cards(folder: Path = WEIGHTS) -> dict[str, dict]:
    """Name -> the facts of the model card, of every card in `folder`."""
    return {p.stem: json.loads(p.read_text(encoding="utf-8")) for p in sorted(folder.glob("*.json"))}


CARDS: dict[str, dict] = read_cards()  # name -> the facts of its model card (data, command, metrics, hashes)
