"""What helps micro nets in fine-tuning besides the rate and the epochs, on scenes that no experiment uses.

    python -m zoo.train_variants [--seeds 2] [--device cpu|cuda] [--cache FOLDER]

Every candidate trains a few models on scenes of their own and is scored on other scenes of their own:
neither the data sets' training nor their test scenes are touched. The table goes to variants.md beside this
file; `experiments.profiles` follows it. Rates and epochs are searched for each net by `zoo.train_recipe`.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

import pandas as pd
from tqdm.auto import tqdm

from rvernet_core import config, files
from rvernet_core.config import DataSpec, ModelSpec, RunSpec, TrainSpec
from rvernet_core.fetch import cache_folder
from rvernet_core.runs import RunStore

#: In size between the demo's and the full profile's data; seeds between those of the data sets and those of
#: the zoo's corpus.
SCENES = DataSpec(train_scenes=512, test_scenes=300, seed=5_000_000)
MODELS = (("mobilenetv2", None), ("deit", None), ("mlp-mixer", None), ("deit", "mobilenetv2"))
BASE = TrainSpec(epochs=3, batch_size=32, lr=1e-3, head_lr_factor=10.0)

#: What is compared: the base, and one thing changed, or the rate together with the batches.
CANDIDATES: dict[str, tuple[TrainSpec, dict]] = {
    "base": (BASE, {}),
    "learning rate halved": (config.replace(BASE, lr=BASE.lr / 2), {}),
    "learning rate doubled": (config.replace(BASE, lr=BASE.lr * 2), {}),
    "learning rate and batches halved": (config.replace(BASE, lr=BASE.lr / 2, batch_size=16), {}),
    "the same in two epochs": (config.replace(BASE, lr=BASE.lr / 2, batch_size=16, epochs=2), {}),
    "head at the backbones' rate": (config.replace(BASE, head_lr_factor=1.0), {}),
    "batch norms re-estimated": (BASE, {"freeze_batch_norm": False}),
    "raw logits": (BASE, {"standardise": False}),
}


def main(arguments: list[str] | None = None) -> None:
    """Train every candidate and write the table."""
    parser = argparse.ArgumentParser(prog="python -m zoo.train_variants", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--cache", type=Path, default=cache_folder())
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    rows, store = [], RunStore(options.cache, options.device)
    jobs = [(c, m) for c in CANDIDATES for m in MODELS]
    for name, (roi, extra_roi) in tqdm(jobs, desc="candidates", disable=None):
        train, change = CANDIDATES[name]
        model = ModelSpec(roi=roi, extra_roi=extra_roi, **change)
        specs = [RunSpec(SCENES, model, train, seed) for seed in range(options.seeds)]
        scores = [store.load_or_train(spec).metrics["accuracy"] for spec in specs]
        row = {"candidate": name, "model": " + ".join(filter(None, (roi, extra_roi)))}
        rows.append({**row, "accuracy": sum(scores) / len(scores)})
        logging.getLogger(__name__).info("%s", rows[-1])
    table = pd.DataFrame(rows).pivot(index="candidate", columns="model", values="accuracy")
    table = table.loc[list(CANDIDATES), [" + ".join(filter(None, m)) for m in MODELS]]
    table["mean"] = table.mean(axis=1)
    lines = [
        f"Accuracy on {SCENES.test_scenes} scenes after training on {SCENES.train_scenes}, seeds from "
        f"{SCENES.seed:,}; mean of {options.seeds} seed(s).",
        "Written by `python -m zoo.train_variants`.",
        "",
        "| " + " | ".join(["candidate", *table.columns]) + " |",
        "|" + "---|" * (1 + len(table.columns)),
        *(
            "| " + " | ".join([name, *(f"{v:.3f}" for v in row)]) + " |"
            for name, row in zip(table.index, table.to_numpy(), strict=True)
        ),
    ]
    files.write_text(
        Path(__file__).with_name("variants.md"),
        "# What helps micro nets in fine-tuning\n\n" + "\n".join(lines) + "\n",
    )


if __name__ == "__main__":
    main()
