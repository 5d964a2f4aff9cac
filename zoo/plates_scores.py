"""What the shipped micro nets are worth on plates: linear probe and short fine-tuning, for their cards."""

from __future__ import annotations

from collections.abc import Sequence

from rvernet_core.config import DataSpec, ModelSpec, RunSpec, TrainSpec
from rvernet_core.runs import RunStore

#: Scenes of their own: their seeds lie between those of the recipes' search and of Segment Anything's corpus.
SCENES = DataSpec(train_scenes=600, test_scenes=400, seed=6_000_000)
PROBE = TrainSpec(epochs=20, batch_size=32, lr=3e-3)
TUNING = TrainSpec(epochs=6, batch_size=32, lr=1e-3, head_lr_factor=10.0)


def plates_scores(name: str, card: dict, seeds: Sequence[int], store: RunStore) -> dict:
    """The card of `name`, the accuracy of its checkpoints of these seeds on plates added to it.

    A linear probe is a linear layer on the pooled features of the frozen net; both see the ROI alone.
    """
    checkpoints = []
    for number, entry in enumerate(card["checkpoints"]):
        if entry["seed"] in seeds:
            probe = ModelSpec(roi=name, fusion="features", freeze=("roi",))
            specs = {
                "linear_probe": RunSpec(SCENES, probe, PROBE, number),
                "fine_tuned": RunSpec(SCENES, ModelSpec(roi=name), TUNING, number),
            }
            runs = {key: store.load_or_train(spec) for key, spec in specs.items()}
            scores = {key: round(run.metrics["accuracy"], 4) for key, run in runs.items()}
            entry = {**entry, "plates": scores}
        checkpoints.append(entry)
    test = (
        f"accuracy on ROIs of {SCENES.test_scenes} scenes after {SCENES.train_scenes}: a linear layer on "
        f"frozen features, {PROBE.epochs} epochs, and the whole net, {TUNING.epochs} epochs"
    )
    return {**card, "plates_test": test, "checkpoints": checkpoints}
