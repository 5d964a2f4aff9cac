"""Page 6, shown from made-up frames: figures, tables, glued numbers and the answer agree with the data."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import stand_in

from rvernet_book.page import Page
from rvernet_book.pages import noise_robustness as show
from rvernet_core.config import Noise
from rvernet_core.experiments.noise_robustness import Examples, NoiseFacts, ShiftFacts, Sweep
from rvernet_core.experiments.noises import PARTS, SHIFTS
from rvernet_core.models.backbones import input_size
from rvernet_core.uncertainty import Estimate, Leading, Omnibus

MODELS = ("vit", "mlp-mixer")
PAIR = ("ketchup", "chili paste")
FACTS = {
    "permutation": NoiseFacts(
        "mlp-mixer",
        "vit",
        0.5,
        0.1,
        Estimate(0.4, 0.3, 0.5, 0, 2),
        Leading(("mlp-mixer",), {}),
        Leading(("vit",), {}),
        Omnibus(25.0, (4, 8), 0.0001, 5),
        {"ROI": 0.3, "extra-ROI": 0.0, "both": 0.4},
        {"single": 2, "ROI": 3, "extra-ROI": 0, "both": 3},
        {"single": 2, "ROI": 3, "extra-ROI": 3, "both": 3},
        {"mlp-mixer": (0.6, 0.1), "vit": (0.5, 0.4)},
    ),
    "translocation": NoiseFacts(
        "vit",
        "mlp-mixer",
        0.2,
        0.15,
        Estimate(0.05, -0.01, 0.1, 0, 2),
        Leading(("vit", "mlp-mixer"), {}),
        Leading(("mlp-mixer", "vit"), {}),
        Omnibus(1.0, (4, 8), 0.4, 5),
        dict.fromkeys(("ROI", "extra-ROI", "both"), np.nan),
        {"single": 1, "ROI": 0, "extra-ROI": 0, "both": 0},
        {"single": 2, "ROI": 0, "extra-ROI": 0, "both": 0},
        {"mlp-mixer": (0.35, 0.2), "vit": (0.4, 0.2)},
    ),
}


@pytest.fixture
def page(tmp_path):
    study = stand_in.study("demo")
    study.backbones = MODELS
    samples = [SimpleNamespace(image_id=f"p{i // 2}") for i in range(40)]
    study.data.test = SimpleNamespace(samples=samples, fingerprint="abc")
    return Page("06-noise-robustness", study, tmp_path)


def written(bundle):
    return pd.read_csv(bundle.paths["csv"])


def test_the_banner_says_how_many_photos_are_behind_the_numbers(page):
    assert "evaluated again" in show.banner(page)._repr_html_()
    size = input_size("micro")
    assert page.numbers == {"photos": "20", "few": "20", "input": str(size), "tile": str(round(size / 14))}


def test_examples_name_every_noise_with_its_settings(page):
    noises = [
        {"clean": None, "tiles": Noise("permutation")},
        {"up": Noise("translocation"), "rolled": PARTS["rolled"]},
    ]
    image = np.full((16, 16, 3), 90, np.uint8)
    bundle = show.example_images(page, Examples(noises, [[image] * 2 for _ in range(4)]))
    assert list(pd.read_csv(bundle.paths["csv"], keep_default_na=False)["noise"]) == [
        "clean",
        "tiles",
        "up",
        "rolled",
    ]
    assert all(name in bundle.alt for name in ("clean", "tiles", "up", "rolled"))


# --- at the release's settings ------------------------------------------------------------------------


def costs(**columns):
    frame = pd.DataFrame({"model": list(MODELS), **columns})
    for metric in ("accuracy", "macro_f1", "pair_f1"):
        for value, middle in ((metric, 0.5), (f"{metric}_drop", 0.2)):
            frame[value] = [middle, middle + 0.1]
            frame[f"{value}_low"], frame[f"{value}_high"] = frame[value] - 0.05, frame[value] + 0.05
        frame[f"{metric}_clean"] = 0.7
        frame[f"{metric}_drop_p"], frame[f"{metric}_drop_smallest"] = [0.0123, 0.5], 0.085
    return frame


def test_cost_tables_show_accuracy_and_drops_and_keep_the_other_scores_in_their_file(page):
    bundle = show.single_table(page, "permutation", costs(), PAIR)
    text = bundle._repr_html_()
    assert "pair-F1 drop" in text
    assert "macro-F1" not in text
    assert "ketchup and chili paste" in text
    assert {"macro_f1", "accuracy_clean", "pair_f1_drop"} <= set(written(bundle)["metric"])
    strong = [part.split("<")[0].strip() for part in text.split("<strong>")[2:]]  # after the number
    assert strong == ["0.200", "0.200", "0.600"], "the least drops and the highest accuracy are bold"


def test_the_drop_of_accuracy_has_its_corrected_p_and_the_smallest_found_beside_it_and_all_are_kept(page):
    bundle = show.single_table(page, "permutation", costs(), PAIR)
    text = bundle._repr_html_()
    assert text.count("<th>p, Holm</th>") == text.count("<th>smallest found</th>") == 1
    assert text.count("<td>0.012</td>") == 1
    assert "with a power of 80 %" in text
    assert {"accuracy_drop_p", "macro_f1_drop_p", "pair_f1_drop_smallest"} <= set(written(bundle)["metric"])


def test_rvernets_say_which_input_the_noise_falls_on(page):
    bundle = show.rvernet_table(page, "translocation", costs(**{"noise on": ["ROI", "both"]}), PAIR)
    assert bundle.name == "translocation-rvernet"
    assert set(written(bundle)["noise on"]) == {"ROI", "both"}
    assert show.rvernet_table(page, "permutation", costs()[:0], PAIR) is None


def test_the_facts_are_glued_in_words(page):
    show.glue_facts(page, FACTS)
    assert page.numbers["permutation-worst"] == "MLP-Mixer"
    assert page.numbers["permutation-spread"] == "0.400 [0.300, 0.500]"
    assert page.numbers["permutation-depends"] == "depends on the architecture"
    assert page.numbers["translocation-depends"] == "does not show to depend on the architecture"
    assert page.numbers["permutation-test"] == "F = 25.0, p = 0.0001"
    assert page.numbers["permutation-losing"] == page.numbers["permutation-keeping"] == "none"
    assert page.numbers["translocation-losing"] == "MLP-Mixer", "the first is none of the others"
    assert page.numbers["permutation-levels"] == "MLP-Mixer 0.600 to 0.100, ViT 0.500 to 0.400"
    assert page.numbers["permutation-extra-ROI"] == "0.000"
    assert page.numbers["translocation-both"] == "nan"
    assert page.numbers["permutation-ROI-shown"] == "3 of 3"
    assert page.numbers["translocation-single-shown"] == "1 of 2"


def test_one_test_for_each_noise_stands_in_a_table(page):
    bundle = show.omnibus_table(page, FACTS)
    assert "p, Holm" in bundle._repr_html_()
    data = written(bundle).set_index(["noise", "metric"])["value"]
    assert data["permutation", "F"] == 25
    assert (data["permutation", "p"], data["translocation", "p"]) == (0.0001, 0.4)
    assert data["permutation", "smallest"] == pytest.approx(FACTS["permutation"].spread.smallest)


def test_the_answer_names_the_extremes_and_the_noises_for_which_the_claim_holds(page):
    show.answer(page, FACTS)
    assert page.headlines == [
        "Under permutation **MLP-Mixer** loses most accuracy (0.500, from 0.600 to 0.100) and ViT least "
        "(0.100, from 0.500 to 0.400); under translocation the architectures are not shown to differ."
    ]


def test_the_answer_has_its_verb_wherever_the_noise_that_is_shown_stands(page):
    facts = {"permutation": FACTS["translocation"], "translocation": FACTS["permutation"]}
    show.answer(page, facts)
    show.answer(page, dict.fromkeys(("permutation", "translocation"), FACTS["permutation"]))
    first, second = page.headlines
    assert first.startswith(
        "Under permutation the architectures are not shown to differ; under translocation"
    )
    assert "**MLP-Mixer** loses most accuracy (0.500" in first
    assert "; under translocation **MLP-Mixer** most (0.500" in second


def test_of_several_that_are_not_told_apart_the_number_is_the_firsts(page):
    several = dataclasses.replace(
        FACTS["permutation"],
        losing=Leading(("mlp-mixer", "deit"), {}),
        keeping=Leading(("vit", "deit", "deit-distilled"), {}),
    )
    show.answer(page, {"permutation": several})
    assert page.headlines == [
        "Under permutation **MLP-Mixer** loses most accuracy (0.500, from 0.600 to 0.100; not shown to lose "
        "less: DeiT) and ViT least (0.100, from 0.500 to 0.400; not shown to lose more: DeiT and "
        "DeiT-distilled)."
    ]


# --- over severity ------------------------------------------------------------------------------------


def sweep(groups=("single", "RveRNet")):
    """Straight lines; a group that is not among `groups` has no rows."""
    curves = {}
    for kind, steps in (("permutation", 5), ("translocation", 6)):
        for group in ("single", "RveRNet"):
            names = MODELS if group == "single" else ("vit + vit",)
            rows = [(f"step {i}", name, 0.9 - 0.1 * i) for i in range(steps) for name in names]
            frame = pd.DataFrame(rows, columns=["noise", "model", "value"])
            frame["step"] = frame["noise"].str[5:].astype(int)
            frame["low"], frame["high"], frame["seeds"] = frame["value"] - 0.02, frame["value"] + 0.02, 2
            share = frame["step"].map(dict(enumerate(SHIFTS.values())))
            curves[kind, group] = frame.assign(group=group, share=share)[: None if group in groups else 0]
    return Sweep(75, None, {}, curves)


@pytest.mark.parametrize("groups", [("single", "RveRNet"), ("single",)])
@pytest.mark.parametrize(
    ("draw", "last"),
    [
        (show.permutation_curves, "ViT from 0.900 at 0 to 0.500 at 4"),
        (show.translocation_curves, "0.40 at 0.5"),
    ],
)
def test_curves_hold_every_point_of_the_groups_that_there_are(page, draw, last, groups):
    bundle = draw(page, sweep(groups))
    assert last in bundle.alt
    assert set(written(bundle)["group"]) == set(groups)
    assert ("share" in written(bundle)) == (draw is show.translocation_curves)
    assert ("RveRNet, noise on both inputs" in bundle.paths["light"].read_text()) == (len(groups) == 2)


def test_ranks_stand_in_the_order_of_severity_and_crossings_are_worded(page):
    ranks = pd.DataFrame(
        [
            ("clean", "vit", 1, "1="),
            ("clean", "mlp-mixer", 1, "1="),
            ("an up", "vit", 2, "2"),
            ("an up", "mlp-mixer", 1, "1"),
        ],
        columns=["noise", "model", "rank", "text"],
    )
    crossings = pd.DataFrame(
        [("vit", "mlp-mixer", "clean", "an up", "translocation")],
        columns=["first", "second", "ahead_at", "behind_at", "kind"],
    )
    text = show.rank_table(page, ranks, crossings)._repr_html_()
    assert text.index("clean") < text.index("an up"), "not in alphabetical order"
    assert "1=" in text
    assert page.numbers["crossings"] == "1"
    expected = "under translocation, ViT is ahead of MLP-Mixer at “clean” and behind at “an up”"
    assert page.numbers["crossing-lines"] == expected
    show.rank_table(page, ranks, crossings[:0])
    assert page.numbers["crossing-lines"] == "no two single models change places beyond their intervals"


# --- translocation, taken apart -----------------------------------------------------------------------


def test_the_surviving_share_at_the_releases_shift_is_glued(page):
    kept = np.linspace(1, 0.5, len(SHIFTS))
    shares = pd.DataFrame({"up by": SHIFTS.values(), "ROI kept": kept, "kept whole": kept / 2, "vit": 0.5})
    shares = shares.assign(**{"ROI kept_low": kept - 0.1, "ROI kept_high": kept + 0.1})
    bundle = show.surviving_table(page, shares)
    assert page.numbers == {"kept": "60%", "kept-whole": "30%"}
    assert "38%" in bundle._repr_html_()


def apart():
    rows = [(name, model, 0.9 - 0.1 * i) for i, name in enumerate(["clean", *PARTS]) for model in MODELS]
    frame = pd.DataFrame(rows, columns=["noise", "model", "value"])
    return frame.assign(low=frame["value"] - 0.1, high=frame["value"] + 0.1, seeds=2)


@pytest.mark.parametrize(
    ("rolled", "larger"), [(0.3, "the shift is the larger part"), (0.1, "the loss is the larger part")]
)
def test_the_parts_of_the_shift_are_shown_beside_each_other(page, rolled, larger):
    lost = {"moved on gray": 0.4, "moved on black": 0.35, "rolled": rolled, "covered in black": 0.2}
    alike = {name: (rolled, 0.2) for name in MODELS}
    facts = ShiftFacts(lost, "vit", "mlp-mixer", (0.2, -0.01), "vit", 0.07, alike)
    bundle = show.apart_table(page, apart(), facts)
    assert set(written(bundle)["noise"]) == {"clean", *PARTS}
    assert page.numbers["larger-part"] == f"{larger}, for every model"
    assert page.numbers["canvas-part"] == "+0.050"
    assert page.numbers["canvas-harm"] == "it harms ViT most, by 0.070"
    assert (page.numbers["rolled-most"], page.numbers["rolled-least"]) == ("ViT", "MLP-Mixer")
    assert (page.numbers["rolled-most-cost"], page.numbers["rolled-least-cost"]) == ("+0.200", "-0.010")


@pytest.mark.parametrize(
    ("rolled", "covered", "words"),
    [
        (0.2, 0.2, "the two cost alike"),
        (0.2001, 0.2004, "the two cost alike"),
        (0.01, -0.01, "the shift is the larger part"),
        (0.0, -0.01, "neither costs accuracy"),
        (-0.02, 0.0004, "neither costs accuracy"),
    ],
)
def test_a_part_is_called_the_larger_one_only_where_it_costs_more(page, rolled, covered, words):
    lost = {"moved on gray": 0.4, "moved on black": 0.35, "rolled": rolled, "covered in black": covered}
    alike = {name: (rolled, covered) for name in MODELS}
    show.apart_table(page, apart(), ShiftFacts(lost, "vit", "mlp-mixer", (0.2, -0.01), "vit", 0.07, alike))
    assert page.numbers["larger-part"] == f"{words}, for every model"


def test_the_models_for_which_the_other_part_is_larger_are_named(page):
    lost = {"moved on gray": 0.4, "moved on black": 0.35, "rolled": 0.1, "covered in black": 0.2}
    parts = {"vit": (0.0, 0.3), "mlp-mixer": (0.2, 0.1)}
    show.apart_table(page, apart(), ShiftFacts(lost, "vit", "mlp-mixer", (0.2, 0), "vit", 0.07, parts))
    assert page.numbers["larger-part"] == "on average the loss is the larger part, but not for MLP-Mixer"


@pytest.mark.parametrize("cost", [0.0, -0.03, 0.0004])
def test_no_model_is_called_the_one_that_the_gray_canvas_harms_most_where_it_harms_none(page, cost):
    lost = dict.fromkeys(PARTS, 0.2)
    show.apart_table(page, apart(), ShiftFacts(lost, "vit", "mlp-mixer", (0.2, -0.01), "vit", cost, {}))
    assert page.numbers["canvas-harm"] == "it harms none of them by itself"


# --- RveRNet against its ROI module -------------------------------------------------------------------


def test_comparisons_with_the_roi_module_are_counted_by_verdict(page):
    against = pd.DataFrame(
        {
            "model": "vit + vit",
            "against": "vit",
            "noise": ["permutation", "translocation"],
            "loses more by": [0.2, 0.0],
            "loses more by_low": [0.1, -0.1],
            "loses more by_high": [0.3, 0.1],
            "p": [0.01, 1.0],
            "smallest": 0.1,
            "verdict": ["less robust", "undecided"],
        }
    )
    assert "+0.200" in show.against_table(page, against)._repr_html_()
    assert page.numbers == {"more-robust": "0", "less-robust": "1", "undecided": "1", "against": "2"}


def test_without_pairs_there_is_nothing_to_compare(page):
    assert show.against_table(page, pd.DataFrame([])) is None
    assert page.numbers == {"more-robust": "0", "less-robust": "0", "undecided": "0", "against": "0"}
