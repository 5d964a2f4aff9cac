"""The committed record's numbers come from its own prediction files: recomputed here with pandas alone."""

import json
from pathlib import Path

import pandas as pd
import pytest

from rvernet_book import published

FILES = Path(__file__).resolve().parents[2] / "book" / "experiments" / "files"


def runs_of(page):
    """run -> (ROI module, extra-ROI module or None) of the runs behind a page."""
    stored = json.loads((FILES / f"{page}.runs.json").read_text())
    shared = stored["common"].get("spec", {}).get("model", {})
    made = {}
    for name, own in stored["each"].items():
        model = {**shared, **own.get("spec", {}).get("model", {})}
        made[name] = (model["roi"], model.get("extra_roi"))
    return made


def test_the_accuracies_of_page_2():
    predictions = pd.read_csv(FILES / "02-off-the-shelf.predictions.csv.xz")
    scores = {}
    for name, (roi, _) in runs_of("02-off-the-shelf").items():
        scores.setdefault(roi, []).append((predictions[name] == predictions["label"]).mean())
    table = pd.read_csv(FILES / "off-the-shelf.csv").query("metric == 'accuracy'").set_index("model")["value"]
    assert set(scores) == set(table.index)
    for model, accuracies in scores.items():
        assert sum(accuracies) / len(accuracies) == pytest.approx(table[model], abs=1e-9)


def test_the_clean_and_noisy_accuracies_of_page_6():
    predictions = pd.read_csv(FILES / "06-noise-robustness.predictions.csv.xz", low_memory=False)
    stored = json.loads((FILES / "06-noise-robustness.runs.json").read_text())
    runs, table = runs_of("06-noise-robustness"), pd.read_csv(FILES / "permutation-single.csv")
    for row in table[table["metric"] == "accuracy"].to_dict("records"):
        accuracies = []
        for name, evaluation in stored["evaluations"].items():
            noise = evaluation["condition"]["noise"]
            release = noise and noise["kind"] == "permutation" and noise["patch"] == 16
            if runs[evaluation["run"]] == (row["model"], None) and release:
                tested = predictions.dropna(subset=[name])
                accuracies.append((tested[name] == tested["label"]).mean())
        assert len(accuracies) == row["seeds"]
        assert sum(accuracies) / len(accuracies) == pytest.approx(row["value"], abs=1e-9)


def test_fault_56_no_file_of_the_record_was_edited_since_it_was_published():
    """Nor the texts that are written from it."""
    assert published.damage(published.ROOT / "book", published.ROOT / "README.md") == []
