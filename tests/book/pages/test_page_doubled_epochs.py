"""What twice the epochs change, shown: the table and the sentence."""

import pandas as pd
import pytest
import stand_in

from rvernet_book.page import Page
from rvernet_book.pages import doubled_epochs as show
from rvernet_core.experiments.doubled_epochs import Doubled

ROWS = [
    {"model": name, "epochs": 4, "accuracy": 0.5, "twice the epochs": 0.5 + gain, "gain": gain}
    | {"gain_low": gain - 0.01, "gain_high": gain + 0.01, "p": 0.5, "smallest": 0.015, "seeds": 3}
    for name, gain in (("vit", 0.03), ("deit", -0.02))
]
FOUND = Doubled(pd.DataFrame(ROWS), ["vit"], ["deit"], (["deit", "vit"], ["vit", "deit"]))


@pytest.fixture
def page(tmp_path):
    return Page("02-off-the-shelf", stand_in.study("full"), tmp_path)


def test_the_table_has_both_accuracies_and_the_gain_over_its_own_number_of_seeds(page):
    bundle = show.gain_table(page, FOUND)
    text = bundle._repr_html_()
    assert "+0.030" in text
    assert "paired over 3 seeds and photos" in text
    assert "<th>seeds</th>" not in text
    data = pd.read_csv(bundle.paths["csv"])
    assert {"accuracy", "twice the epochs", "gain", "p", "smallest"} == set(data["metric"])
    assert set(data["epochs"]) == {4}


def with_p(*values):
    return Doubled(FOUND.table.assign(p=values), FOUND.more, FOUND.less, FOUND.order)


def test_the_sentence_names_both_sides_of_the_bar_and_the_order():
    assert show.sentence("full", FOUND) == (
        "Of ViT and DeiT, trained for twice the epochs, none is shown to gain "
        "(mean gains from -0.020 to +0.030). "
        "The whole interval of the gain is above 0.01 for ViT and below it for DeiT. "
        "By the means the order changes, which no test has asked about, from DeiT and ViT to ViT and DeiT."
    )
    same = Doubled(FOUND.table, [], ["vit", "deit"], (["vit"], ["vit"]))
    assert "above 0.01 for none and below it for both" in show.sentence("full", same)
    assert "order of the means is the same" in show.sentence("full", same)


def test_the_first_that_stays_first_is_told_from_the_order_of_the_others():
    found = Doubled(FOUND.table, [], [], (["mlp-mixer", "vit", "deit"], ["mlp-mixer", "deit", "vit"]))
    assert show.sentence("full", found).endswith(
        "By the means MLP-Mixer stays first; the order of the others changes, which no test has asked about, "
        "from ViT and DeiT to DeiT and ViT."
    )


def test_the_answer_of_the_page_says_what_twice_the_epochs_change(page):
    show.gain_table(page, with_p(0.01, 0.01))
    assert page.headlines == [
        "Of ViT and DeiT, trained for twice the epochs, a gain is shown for ViT and a loss is shown for DeiT "
        "(mean gains from -0.020 to +0.030); by the means ViT is first instead of DeiT among them."
    ]


def test_the_sentence_says_who_is_shown_to_gain_and_when_none_is_trained_to_its_end():
    assert "epochs, a gain is shown for ViT (mean gains" in show.sentence("full", with_p(0.01, 0.5))
    every = FOUND.table.assign(gain=[0.03, 0.06], p=0.01)
    found = show.sentence("full", Doubled(every, [], [], ([], [])))
    assert "epochs, each gains, by +0.030 to +0.060, so none of them is trained to its end." in found


def test_where_the_check_is_spared_one_sentence_says_so_and_no_file_is_written(page, tmp_path):
    assert show.gain_table(page, Doubled(pd.DataFrame(), [], [], ([], []))) is None
    assert page.numbers["doubled-epochs"] == "The full profile spares this check."
    assert page.headlines == []
    assert not list(tmp_path.iterdir())
