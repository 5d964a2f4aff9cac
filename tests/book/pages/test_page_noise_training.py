"""Page 6, shown: models trained with noise, from made-up frames."""

import itertools

import numpy as np
import pandas as pd
import pytest
import stand_in

from rvernet_book.page import Page
from rvernet_book.pages import noise_training as show
from rvernet_core.experiments.noise_training import TRAININGS, VERDICTS, Trained, TrainingFacts
from rvernet_core.uncertainty import Estimate, Leading, Omnibus

MODELS = ("mobilenetv2", "vit", "mobilenetv2 + mobilenetv2")
NOISES = TRAININGS[1:]


@pytest.fixture
def page(tmp_path):
    return Page("06-noise-robustness", stand_in.study("demo"), tmp_path)


def frame(trainings):
    """Tidy values that grow with the model, the training and the test; bounds lie 0.05 around them."""
    rows = [
        (model, training, test, 0.1 * m + 0.03 * t + 0.01 * k)
        for t, training in enumerate(trainings)
        for m, model in enumerate(MODELS)
        for k, test in enumerate(TRAININGS)
    ]
    made = pd.DataFrame(rows, columns=["model", "trained with", "tested", "value"])
    return made.assign(low=made["value"] - 0.05, high=made["value"] + 0.05, seeds=2)


@pytest.fixture
def trained():
    return Trained({"clean": {"clean": {"a": [], "b": [], "c": []}}}, 80, 0.5)


def written(bundle):
    return pd.read_csv(bundle.paths["csv"])


def test_the_table_has_the_trainings_of_a_model_together_and_the_numbers_of_their_tests(page, trained):
    bundle = show.score_table(page, trained, frame(TRAININGS))
    text = bundle._repr_html_()
    first, *rest = text.split("<tr>")[2:]
    assert "MobileNetV2" in first
    assert first.count("[") == 3
    assert [row.split("</td>")[1].split(">")[1] for row in (first, *rest)] == [*TRAININGS] * 3
    assert "noise on 50% of the batches" in text
    assert "on the first 80" in text
    assert set(written(bundle)["seeds"]) == {2}, "not those of the page"
    assert len(written(bundle)) == 27
    assert page.numbers == {
        "noise-share": "50%",
        "noise-severity": "0 to 1",
        "noise-trained-photos": "80",
        "noise-trained-seeds": "2 seeds",
        "noise-trained-models": "3",
    }


def test_the_chart_has_a_panel_per_noise_and_says_every_dot(page):
    changes = frame(NOISES)
    bundle = show.change_chart(page, changes)
    drawn = bundle.paths["light"].read_text()
    assert drawn.count("trained clean") == 2
    for kind in NOISES:
        assert f"accuracy trained with {kind}, minus accuracy trained clean" in drawn
        assert f"training with {kind}" in bundle.alt
    assert bundle.alt.count("tested under translocation") == 2 * len(MODELS)
    assert "MobileNetV2 + MobileNetV2, tested clean +0.200 [+0.150, +0.250]" in bundle.alt
    assert bundle.alt.count("Dashed line: no change at +0.000") == 2
    assert len(written(bundle)) == len(changes) == 18
    assert bundle.paths["dark"].exists()


def profits():
    rows = [
        dict(model=model, **{"trained with": kind, "lost before": 0.5, "verdict": "profits", "seeds": 2})
        | {"comes back": np.nan if model == "vit" else 0.4}
        | {f"{name}{end}": 0.1 * i + shift for i, name in enumerate(show.NUMBERS) for end, shift in ENDS}
        | {f"{name}_p": 0.0123 * i for i, name in enumerate(show.NUMBERS)}
        | {f"{name}_smallest": 0.07 for name in show.NUMBERS}
        for model, kind in itertools.product(MODELS, NOISES)
    ]
    return pd.DataFrame(rows)


ENDS = (("", 0.0), ("_low", -0.05), ("_high", 0.05))


def test_who_profits_is_a_line_per_model_and_noise(page):
    bundle = show.profit_table(page, profits())
    text = bundle._repr_html_()
    assert text.count("<tr>") == 1 + 6
    assert "under this noise" in text
    assert "+0.100" in text
    assert "40%" in text
    assert "nan" not in text, "an unclear loss leaves its cell empty"
    data = written(bundle)
    measured = {f"{name}{end}" for name in show.NUMBERS for end in ("", "_p", "_smallest")}
    assert measured | {"lost before", "comes back"} == set(data["metric"])
    assert text.count("<th>p, Holm</th>") == 3
    assert text.count("<td>0.025</td>") == 6
    assert set(data["verdict"]) == {"profits"}


FACTS = {
    "permutation": TrainingFacts(
        -0.01,
        0.2,
        0.03,
        dict(zip(VERDICTS, (2, 1, 0, 4), strict=True)),
        3,
        1,
        ("mobilenetv2", 0.4),
        ("vit", 0.05),
        Estimate(0.35, 0.3, 0.4, 0.0, 2),
        Leading(("mobilenetv2",), {}),
        Omnibus(25.0, (4, 8), 0.0001, 5),
        6,
    ),
    "translocation": TrainingFacts(
        0.0,
        0.1,
        -0.02,
        dict(zip(VERDICTS, (7, 0, 0, 0), strict=True)),
        0,
        0,
        ("vit", 0.2),
        ("mobilenetv2 + mobilenetv2", 0.05),
        Estimate(0.15, -0.01, 0.2, 0.0, 2),
        Leading(("vit", ("mobilenetv2", "mobilenetv2")), {}),
        Omnibus(1.0, (4, 8), 0.4, 5),
        7,
    ),
}


def test_the_answer_says_what_each_noise_buys_and_costs_and_who_gains(page):
    sentence = show.answer(page, FACTS).text
    assert page.headlines == [sentence]
    assert sentence == (
        "Training with permutation changes accuracy under it by +0.200 on average, from +0.050 (ViT) to "
        "**+0.400** (MobileNetV2), on clean photos by -0.010 and under the other noise by +0.030; shown to "
        "gain under permutation: 3 of 7 models (6 have an interval of their own above zero). "
        "Training with translocation changes accuracy under it by +0.100 on average, from +0.050 "
        "(MobileNetV2 + MobileNetV2) to **+0.200** (ViT), on clean photos by +0.000 and under the other "
        "noise by -0.020; shown to gain under translocation: 7 of 7 models (7 have an interval of their own "
        "above zero)."
    )
    assert page.numbers["trained-permutation-spread"] == "+0.350 [+0.300, +0.400]"
    assert page.numbers["trained-permutation-test"] == "F = 25.0, p = 0.0001"
    assert page.numbers["trained-permutation-gaining"] == "none", "the first is none of the others"
    assert page.numbers["trained-translocation-gaining"] == "MobileNetV2 + MobileNetV2"
    assert page.numbers["trained-permutation-pays-gain-not-shown"] == "0"
    assert (page.numbers["trained-permutation-shown"], page.numbers["trained-permutation-above"]) == (
        "3 of 7",
        "6 of 7",
    )
    assert page.numbers["trained-permutation-depends"] == "depends on the architecture"
    assert page.numbers["trained-translocation-depends"] == "does not show to depend on the architecture"
    assert page.numbers["trained-permutation-profits-at-a-price"] == "1"
    assert page.numbers["trained-translocation-profits"] == "7"
    assert page.numbers["trained-permutation-carried"] == "3"
    assert page.numbers["trained-permutation-harmed"] == "1"
    assert page.numbers["trained-translocation-most"] == "ViT (+0.200)"
