"""Page 4 on made-up predictions: which model is best on the ambiguous pair, which samples context decides."""

from types import SimpleNamespace

import numpy as np
import pytest
from small_sets import make_predictions

from rvernet_core.config import replace
from rvernet_core.experiments import ketchup_vs_chili as page
from rvernet_core.experiments import possible
from rvernet_core.experiments.profiles import PROFILES
from rvernet_core.experiments.study import Study

CLASSES = ("rice", "egg", "ketchup", "chili paste")
KETCHUP, CHILI = 2, 3
TRUTH = np.tile(np.arange(4), 10)
SAMPLES = [SimpleNamespace(class_name=CLASSES[label]) for label in TRUTH]
PAIR = page.Ambiguous(("ketchup", "chili paste"), [], (10, 10), None, None, {})


def study(data="plates", classes=CLASSES):
    profile = PROFILES["smoke"]
    return SimpleNamespace(
        classes=classes,
        backbones=("vit", "deit"),
        profile=replace(profile, data=replace(profile.data, name=data)),
        data=SimpleNamespace(test=SimpleNamespace(samples=SAMPLES)),
    )


def answers(wrong, seed=0):
    """Predictions that take the other sauce at the samples `wrong`, and are right everywhere else."""
    predicted = TRUTH.copy()
    predicted[wrong] = KETCHUP + CHILI - TRUTH[wrong]
    return make_predictions(predicted, TRUTH, seed)


def both(wrong):
    return [answers(wrong, seed) for seed in (0, 1)]


SAUCES = np.flatnonzero(TRUTH >= KETCHUP)
#: vit errs on ten sauces, deit on six of them; RveRNet saves all of these but two, and loses one sauce.
SINGLES = {"vit": both(SAUCES[:10]), "deit": both(SAUCES[:6])}
PAIRS = {("vit", "deit"): both([*SAUCES[:2], SAUCES[-1]]), ("deit", "deit"): both(SAUCES[:8])}


#: The ideal observers miss two sauces with both cues and four with the look alone.
IDEAL = {
    "ideal-both": both(SAUCES[:2])[:1],
    "ideal-look": both(SAUCES[:4])[:1],
    "ideal-company": both([])[:1],
}


def shown(controls):
    return possible.items(study(), PAIR.classes, SINGLES, PAIRS, controls)


@pytest.fixture
def scores():
    return page.scores(study(), PAIR, SINGLES, PAIRS)


def test_the_pair_of_the_plates_has_ceilings_from_the_law():
    pair = page.ambiguous(study(), SINGLES)
    law = study().profile.data.plates
    assert pair.classes == ("ketchup", "chili paste")
    assert pair.counts == (10, 10)
    assert pair.samples == list(SAUCES)
    assert (pair.d, pair.rho) == (law.ambiguity, law.context_strength)
    assert 0.5 < pair.ceilings["ceiling, ROI"] < pair.ceilings["ceiling, ROI + context"] < 1


def test_the_drinks_of_the_plates_have_a_law_of_their_own_and_other_data_have_none():
    (drinks,) = page.further_pairs(study())
    law = study().profile.data.plates
    assert drinks.classes == ("water", "liquor")
    assert (drinks.d, drinks.rho) == (law.drink_ambiguity, law.drink_context_strength)
    assert list(drinks.ceilings.values()) == pytest.approx([0.5, law.drink_context_strength])
    assert page.further_pairs(study("foodseg103")) == []


def test_on_other_data_the_most_confused_classes_stand_for_the_pair_without_ceilings():
    other = study("foodseg103", ("ketchup", "rice", "beef", "pork"))
    other.data.test.samples = [SimpleNamespace(class_name=other.classes[label]) for label in TRUTH]
    pair = page.ambiguous(other, SINGLES)
    assert pair.classes == ("beef", "pork")
    assert pair.counts == (10, 10)
    assert (pair.d, pair.rho, pair.ceilings) == (None, None, {})


def test_the_best_models_are_those_with_the_highest_f1(scores):
    assert list(scores["model"]) == ["vit + deit", "deit", "deit + deit", "vit"]
    assert list(scores["kind"]) == ["RveRNet", "single", "RveRNet", "single"]
    assert scores.set_index("model").loc["vit", "pair_accuracy"] == pytest.approx(0.5)
    assert page.best_single(scores) == "deit"
    assert page.best_pair(scores, PAIRS) == ("vit", "deit")


def test_of_equal_single_models_the_first_is_best():
    scores = page.scores(study(), PAIR, {"vit": both(SAUCES[:6]), "deit": both(SAUCES[:6])}, PAIRS)
    assert page.best_single(scores) == "vit"


def test_gains_are_over_the_own_roi_module_and_over_the_best_single_model():
    gains = page.gains(study(), PAIR, SINGLES, PAIRS, "deit").set_index(["model", "against"])
    assert list(gains.index) == [("vit + deit", "vit"), ("vit + deit", "deit"), ("deit + deit", "deit")]
    against = gains.loc["vit + deit", "vit"]
    assert (against["only RveRNet right"], against["only single right"]) == (8, 1)
    assert against["McNemar p"] == pytest.approx(2 * (1 + 9) / 2**9)
    assert against["gain"] == pytest.approx(0.85 - 0.5, abs=0.01)
    assert gains.loc["deit + deit", "deit"]["gain"] < 0


def test_the_verdict_is_on_the_largest_gain_over_the_best_single_model(scores):
    gains = page.gains(study(), PAIR, SINGLES, PAIRS, "deit")
    verdict = page.verdict(study(), PAIR, SINGLES, PAIRS, scores, gains, "deit")
    row = gains[(gains["model"] == "vit + deit") & (gains["against"] == "deit")].iloc[0]
    assert (verdict.single, verdict.pair) == ("deit", "vit + deit")
    assert verdict.gain == (row["gain"], row["gain_low"], row["gain_high"])
    assert verdict.relative_gain == pytest.approx(row["gain"] / verdict.single_f1)
    assert verdict.single_f1 == pytest.approx(0.7, abs=0.01)
    assert verdict.compared == 2  # each RveRNet once, however many baselines it has
    assert verdict.significant == int(row["p"] < 0.05)
    assert verdict.singles.group[0] == "deit"
    assert verdict.pairs.group[0] == ("vit", "deit")


@pytest.mark.filterwarnings("error")
def test_a_gain_over_a_single_model_that_names_none_right_is_no_share_of_it():
    verdict = page.Verdict("deit", np.float64(0.0), "vit + deit", (np.float64(0.4), 0.3, 0.5), 1, 1)
    assert verdict.relative_gain is None
    assert page.Verdict("deit", 0.5, "vit + deit", (0.4, 0.3, 0.5), 1, 1).relative_gain == pytest.approx(0.8)


def test_without_pairs_there_is_no_gain():
    scores = page.scores(study(), PAIR, SINGLES, {})
    gains = page.gains(study(), PAIR, SINGLES, {}, "deit")
    verdict = page.verdict(study(), PAIR, SINGLES, {}, scores, gains, page.best_single(scores))
    assert (verdict.single, verdict.pair, verdict.gain, verdict.compared) == ("deit", None, None, 0)
    assert verdict.relative_gain is None
    assert page.best_pair(scores, {}) is None
    assert list(page.confusions(study(), PAIR, SINGLES, {}, "deit", None)) == ["deit"]
    assert page.decided_by_context(study(), PAIR, SINGLES, {}, None).empty
    assert page.against_paper(study(), shown({}), verdict) is None


#: The largest gain over the whole test set, as the page's own table would have it.
LARGEST = page.Verdict("deit", 0.7, "vit + deit", (0.15, 0.12, 0.18), 1, 2)


def test_the_gain_beside_the_papers_is_what_there_was_to_gain_and_what_the_nets_left_undone():
    found = page.against_paper(study(), shown(IDEAL), LARGEST)
    assert (found.pair, found.gain, found.side) == ("vit + deit", LARGEST.gain, 1)
    assert found.relative == pytest.approx(0.15 / 0.7)
    assert found.on_items[0] == pytest.approx(0.85 - 0.5, abs=0.01)
    assert found.on_items[0] == pytest.approx(found.room + found.single_short - found.pair_short)
    assert found.on_items[0] - page.CLAIMED == pytest.approx(found.by_room + found.by_nets)
    assert (found.room, found.single_short, found.pair_short) == pytest.approx((0.1, 0.3, 0.05), abs=0.01)


def test_without_a_law_the_room_for_a_gain_is_unknown():
    found = page.against_paper(study(), shown({}), LARGEST)
    assert found.on_items[0] == pytest.approx(0.35, abs=0.01)
    assert np.isnan([found.room, found.by_room, found.by_nets]).all()


@pytest.mark.parametrize(("low", "high", "side"), [(0.11, 0.3, 1), (0.05, 0.2, 0), (-0.1, 0.09, -1)])
def test_a_gain_is_beside_a_tenth_only_with_its_whole_interval(low, high, side):
    gain = (0.1, low, high)
    assert page.AgainstPaper("vit + deit", gain, 0.2, gain, 0.1, 0.0, 0.0).side == side


def test_the_grid_is_read_on_the_pair_alone():
    errors = {("vit", "vit"): 1, ("vit", "deit"): 9, ("deit", "vit"): 0, ("deit", "deit"): 2}
    grid = {modules: both(SAUCES[: 2 * count]) for modules, count in errors.items()}
    result = page.grid_on_pair(study(), PAIR, grid, {})
    assert result.against is None, "nothing is fine-tuned"
    assert result.best.group[0] == ("deit", "vit")
    assert result.f1.loc["deit", "vit"] == 1
    assert result.best_extra_roi.group[0] == "vit"
    assert list(result.f1.index) == ["vit", "deit"]


def test_confusions_are_of_the_best_models_over_all_seeds():
    confusions = page.confusions(study(), PAIR, SINGLES, PAIRS, "deit", ("vit", "deit"))
    assert list(confusions) == ["deit", "vit + deit"]
    assert confusions["deit"].loc["ketchup", "chili paste"] == 2 * 3
    assert confusions["vit + deit"].to_numpy().sum() == 2 * 20


def test_context_rescues_what_all_single_models_get_wrong_and_every_rvernet_right():
    cases = page.decided_by_context(study(), PAIR, SINGLES, PAIRS, ("vit", "deit"))
    rescued, lost = (cases[cases["case"] == case] for case in ("rescued", "lost"))
    assert list(rescued["sample"]) == list(SAUCES[2:6])
    assert list(rescued["truth"]) == [CLASSES[TRUTH[i]] for i in SAUCES[2:6]]
    assert list(lost["sample"]) == [SAUCES[-1]]


def test_every_model_gives_its_own_answer_to_a_case_that_context_decides():
    cases = page.decided_by_context(study(), PAIR, SINGLES, PAIRS, ("vit", "deit"))
    assert list(cases.columns[3:]) == ["vit", "deit", "vit + deit", "deit + deit"]
    rescued, lost = (cases[cases["case"] == case] for case in ("rescued", "lost"))
    for wrong in ("vit", "deit", "deit + deit"):
        assert (rescued[wrong] != rescued["truth"]).all()
    assert (rescued["vit + deit"] == rescued["truth"]).all()
    assert (lost["vit + deit"] != lost["truth"]).all()
    assert (lost[["vit", "deit", "deit + deit"]].eq(lost["truth"], axis=0)).all(axis=None)


def test_most_runs_of_a_single_model_decide_and_every_run_of_rvernet():
    """A sauce is rescued though one of three runs of a single model has it right."""
    vit = [answers(SAUCES[:4], 0), answers(SAUCES[:4], 1), answers(SAUCES[2:4], 2)]
    ours = {("vit", "vit"): [answers([], seed) for seed in range(3)]}
    cases = page.decided_by_context(study(), PAIR, {"vit": vit}, ours, ("vit", "vit"))
    assert list(cases["sample"]) == list(SAUCES[:4])


def test_one_seed_of_rvernet_that_is_wrong_rescues_nothing():
    pairs = {("vit", "deit"): [answers([]), answers(SAUCES[:6], 1)]}
    cases = page.decided_by_context(study(), PAIR, SINGLES, pairs, ("vit", "deit"))
    assert "rescued" not in set(cases["case"])


def test_other_classes_do_not_count_as_rescued():
    wrong = np.where(TRUTH == 0, 1, TRUTH)
    singles = {"vit": [make_predictions(wrong, TRUTH)]}
    cases = page.decided_by_context(study(), PAIR, singles, PAIRS, ("vit", "deit"))
    assert "rescued" not in set(cases["case"])


def test_the_page_needs_every_model_that_it_asks_for():
    real = Study.of("smoke", backbones=["vit", "mobilenetv2"], device="cpu")
    needed = {spec for specs in page.needs(real).values() for spec in specs}
    few = [family for part in real.altered().values() for family in possible.models_under(part)]
    controls = real.controls("companions", "ideal-look", "ideal-company", "ideal-both")
    assert len(controls) == 4
    for family in (
        real.singles(),
        real.pairs(),
        real.grid(),
        controls,
        *few,
        *possible.models_under(real.few()),
    ):
        assert {spec for specs in family.values() for spec in specs} <= needed
