"""A checkpoint that runs code when it is unpickled."""

import os
from pathlib import Path

import torch


class Attack:
    """Makes a folder when it is unpickled."""

    def __init__(self, proof: Path):
        self.proof = proof

    def __reduce__(self):
        return (os.mkdir, (str(self.proof),))


def malicious_checkpoint(path: Path, proof: Path, zipped: bool = True, state: dict | None = None) -> Path:
    """Write `state` with an attack in it to `path`; `proof` appears when somebody falls for it."""
    content = {"w": torch.zeros(2)} if state is None else state
    torch.save({**content, "x": Attack(proof)}, path, _use_new_zipfile_serialization=zipped)
    return path
