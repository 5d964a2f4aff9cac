"""The committed record's numbers come from its own prediction files: recomputed here with pandas alone."""

import json
from pathlib import Path

import pandas as pd
import pytest

from rvernet_book import published

FILES = Path(__file__).resolve().parents[2] / "book" / "experiments" / "files"
RECIPES = Path(__file__).resolve().parents[2] / "rvernet_core" / "experiments" / "recipes.json"
DRINKS = ("water", "liquor")


def stored(page):
    """What a page tells of its runs: of each its spec, and how it was evaluated."""
    return json.loads((FILES / f"{page}.runs.json").read_text())


def specs_of(page):
    """run -> (model, train) of the runs behind a page, as plain dicts."""
    shared, made = stored(page)["common"].get("spec", {}), {}
    for name, own in stored(page)["each"].items():
        made[name] = tuple(
            {**shared.get(part, {}), **own.get("spec", {}).get(part, {})} for part in ("model", "train")
        )
    return made


def fewer_epochs(page):
    """How many times fewer epochs than its recipe a net had: 4 in the record of 1,280 scenes, then 1."""
    return 4 if stored(page)["common"]["spec"]["data"]["train_scenes"] == 1280 else 1


def singles_of(page, times=1):
    """run -> its net, of the single models that were trained clean, each by its first recipe.

    times: how many times its epochs.
    """
    recipes = [row for row in json.loads(RECIPES.read_text()) if (row["kind"], row["rank"]) == ("single", 1)]
    less = fewer_epochs(page)
    ways = {row["architecture"]: (row["lr"], max(1, row["epochs"] // less) * times) for row in recipes}
    other = ("extra_roi", "detector", "freeze", "control")  # empty or False of a single model
    return {
        name: model["roi"]
        for name, (model, train) in specs_of(page).items()
        if not any(model[key] for key in other)
        and not train["noise"]
        and (train["lr"], train["epochs"]) == ways[model["roi"]]
    }


def seeds_of(page):
    """run -> its seed."""
    shared = stored(page)["common"].get("spec", {}).get("seed", 0)
    return {name: own.get("spec", {}).get("seed", shared) for name, own in stored(page)["each"].items()}


def predictions_of(page):
    return pd.read_csv(FILES / f"{page}.predictions.csv.xz", low_memory=False)


def table_of(name, metric):
    table = pd.read_csv(FILES / f"{name}.csv")
    return table[table["metric"] == metric]


def means(scores):
    """model -> mean of its runs' scores."""
    frame = pd.DataFrame(scores, columns=["model", "score"])
    return frame.groupby("model")["score"].mean().to_dict()


def accuracies(page, chosen=slice(None)):
    """net -> mean accuracy of its single models on some of the test samples."""
    predictions = predictions_of(page)[chosen]
    return means(
        [(net, (predictions[run] == predictions["label"]).mean()) for run, net in singles_of(page).items()]
    )


def test_the_accuracies_of_page_2():
    table = table_of("off-the-shelf", "accuracy").set_index("model")["value"].to_dict()
    assert accuracies("02-off-the-shelf") == pytest.approx(table, abs=1e-9)


def test_twice_the_epochs_of_page_2_on_the_seeds_that_both_have():
    page, scores = "02-off-the-shelf", {}
    predictions, seeds = predictions_of(page), seeds_of(page)
    for times in (1, 2):
        for run, net in singles_of(page, times).items():
            scores[times, net, seeds[run]] = (predictions[run] == predictions["label"]).mean()
    gains = means([(net, s - scores[1, net, seed]) for (times, net, seed), s in scores.items() if times == 2])
    table = table_of("doubled-epochs", "gain").set_index("model")["value"]
    assert gains == pytest.approx(table.to_dict(), abs=1e-9)


def test_the_lead_over_the_colours_of_page_2():
    predictions = predictions_of("02-off-the-shelf")
    (run,) = [
        name for name, (model, _) in specs_of("02-off-the-shelf").items() if model["control"] == "histogram"
    ]
    colours = (predictions[run] == predictions["label"]).mean()
    ahead = table_of("off-the-shelf-controls", "ahead").set_index("model")["value"]
    best = max(accuracies("02-off-the-shelf").values())
    assert ahead["histogram"] == pytest.approx(best - colours, abs=1e-9)


def test_no_single_model_tells_the_drinks_apart():
    """The control that is built into the plates: nothing in a glass says what is in it."""
    table = table_of("drinks", "pair_accuracy").set_index("model")
    kinds = predictions_of("02-off-the-shelf")["key"].str.split("/").str[0]
    found = accuracies("02-off-the-shelf", kinds.isin(DRINKS))
    assert found == pytest.approx(table.loc[list(found), "value"].to_dict(), abs=1e-9)
    assert "above chance" not in set(table["verdict"])


def test_the_clean_and_noisy_accuracies_of_page_6():
    page, scores = "06-noise-robustness", []
    predictions, singles = predictions_of(page), singles_of(page)
    for name, evaluation in stored(page)["evaluations"].items():
        noise = evaluation["condition"]["noise"] or {}
        released = {"kind": "permutation", "patch": 16, "grid": "photo"}.items() <= noise.items()
        if released and evaluation["run"] in singles:
            tested = predictions.dropna(subset=[name])
            scores.append((singles[evaluation["run"]], (tested[name] == tested["label"]).mean()))
    table = table_of("permutation-single", "accuracy").set_index("model")
    assert means(scores) == pytest.approx(table["value"].to_dict(), abs=1e-9)
    assert len(scores) == table["seeds"].sum()


def test_fault_56_no_file_of_the_record_was_edited_since_it_was_published():
    """Nor the texts that are written from it."""
    assert published.damage(published.ROOT / "book", published.ROOT / "README.md") == []
