"""How the book lists names."""

import pytest

from rvernet_book import style
from rvernet_core.uncertainty import Leading


@pytest.mark.parametrize(
    ("names", "of", "text"),
    [
        ([], 3, "none"),
        (["deit"], 1, "DeiT"),
        (["deit", "vit"], 3, "DeiT and ViT"),
        (["deit", "vit"], 2, "both"),
        (["deit", "vit", "mlp-mixer"], 3, "all 3"),
    ],
)
def test_a_list_of_all_is_no_list_of_names(names, of, text):
    assert style.which(names, of) == text
    assert style.which(iter(names), of, "nobody") == ("nobody" if not names else text)


def test_who_is_not_shown_to_be_behind_is_counted_with_the_highest():
    pair = ("deit", "vit")
    assert style.unbeaten(Leading(("deit",), {"vit": 0.01})) == "DeiT"
    assert style.unbeaten(Leading(("deit", pair), {pair: 0.3, "vit": 0.01})) == "DeiT and DeiT + ViT"
    assert style.unbeaten(Leading(("deit", "vit", pair), {"vit": 0.3, pair: 0.2})) == "all 3"
