"""What decides a run's numbers, as a name that is known before any data is opened or any net is built."""

from __future__ import annotations

import functools

from rvernet_core import PROTOCOL, files
from rvernet_core.config import RunSpec, fingerprint
from rvernet_core.models.zoo import weights_path


def recipe(spec: RunSpec) -> str:
    """Twelve hexadecimal digits of the spec, the shipped weights it starts from and the protocol number.

    A student's recipe names its teacher's as well.
    """
    model = spec.model
    shipped = model.pretrained and model.scale == "micro"  # paper-size weights are named by the spec alone
    nets = [name for name in (model.roi, model.extra_roi) if name]
    taught = [recipe(spec.teacher)] if spec.teacher else []
    return fingerprint(spec, [_hash(name) for name in nets] if shipped else [], PROTOCOL, *taught)


@functools.lru_cache
def _hash(name: str) -> str:
    return files.sha256(weights_path(name))
