"""Photos with every model's answer beneath: what is written, how it is marked, and whether it can be read."""

import numpy as np
import pytest

from rvernet_book import style, svg
from rvernet_book.answer_grid import COLUMNS, WIDTH, Answered, answer_grid, answer_size, in_words

PHOTO = np.full((12, 16, 3), 90, np.uint8)
MASK = np.pad(np.ones((4, 4), bool), 4)
MODELS = ("vit", "deit + deit", "deit-distilled + mobilenetv2")


def group(count=2, title="told by one", truth="egg", **options):
    """`count` eggs that the ViT calls rice and the others egg."""
    answers = {MODELS[0]: ["rice"] * count, MODELS[1]: ["egg"] * count, MODELS[2]: ["egg"] * count}
    return Answered(title, {"photo": [PHOTO] * count}, [truth] * count, answers, **options)


def draw(groups, variant="light"):
    """(SVG, lines of signs as (colour, number of points), texts with colours) of a drawing."""
    seen = {}

    def keep(ax):
        answer_grid(ax, groups)
        seen["signs"] = [(line.get_color(), len(line.get_xdata())) for line in ax.lines]
        seen["texts"] = [(text.get_text(), text.get_color(), text.get_fontsize()) for text in ax.texts]
        seen["limits"] = (ax.get_xlim(), ax.get_ylim())
        seen["places"] = [text.get_position() for text in ax.texts]

    text = svg.render(keep, variant, name="x", size=answer_size(groups), grid=(1, 1), stamp="", alt="x")
    return text, seen


def test_the_truth_and_every_answer_are_written_once_for_each_sample():
    _, seen = draw([group()])
    words = [text for text, _, _ in seen["texts"]]
    assert words.count("rice") == 2
    assert words.count("egg") == 2 + 2 * 2
    assert {"truth", "photo", "told by one", "ViT", "2 × DeiT", "DeiT-distilled", "+ MobileNetV2"} <= set(
        words
    )


@pytest.mark.parametrize("variant", style.VARIANTS)
def test_right_and_wrong_differ_in_colour_and_in_sign(variant):
    _, seen = draw([group()], variant)
    with style.use(variant):
        right, wrong = style.colour("deit"), style.colour("accent")
    assert seen["signs"].count((wrong, 5)) == 2  # a cross
    assert seen["signs"].count((right, 3)) == 4  # a tick
    assert {tint for text, tint, _ in seen["texts"] if text == "rice"} == {wrong}


def test_three_samples_stand_side_by_side_and_more_go_on_below_without_the_title():
    parts = group(5, outlines=[[MASK]] * 5, notes={"share": list("abcde")}).parts()
    assert [len(part.truths) for part in parts] == [COLUMNS, 2]
    assert [part.title for part in parts] == ["told by one", ""]
    assert [part.notes["share"] for part in parts] == [list("abc"), list("de")]
    assert answer_size([group(5)])[1] > 1.8 * answer_size([group(2)])[1]


def test_everything_lies_within_the_picture_and_the_words_can_be_read_on_a_phone():
    _, seen = draw([group(3), group(4, "told by none", notes={"on companions": ["10%"] * 4})])
    (left, right), (bottom, top) = seen["limits"]
    assert all(left <= x <= right and top <= y <= bottom for x, y in seen["places"])
    phone = 350  # px of the text column
    assert min(size for _, _, size in seen["texts"]) / 72 * phone / WIDTH >= 8


def test_a_long_answer_is_cut_in_the_picture_and_whole_in_words():
    long = group(1, truth="white button mushroom")
    assert "white button mushroom" in in_words([long], "Foods")
    other = Answered("", {"photo": [PHOTO]}, ["egg"], {"vit": ["white button mushroom"]})
    assert "white button mush…" in [text for text, _, _ in draw([other])[1]["texts"]]
    assert "ViT white button mushroom, wrong" in in_words([other], "Foods")


def test_the_alternative_text_says_what_every_model_answers():
    words = in_words([group(1), group(1, "told by none", notes={"share": ["10%"]})], "Two eggs")
    right = "DeiT + DeiT right; DeiT-distilled + MobileNetV2 right"
    assert words == (
        f"Two eggs. told by one. egg: ViT rice, wrong; {right}. "
        f"told by none. egg: ViT rice, wrong; {right}; share 10%."
    )


def test_outlines_are_drawn_on_as_many_lines_of_pictures_as_asked():
    lines = {"photo": [PHOTO], "map": [PHOTO]}
    one, two = (
        Answered("", lines, ["egg"], {"vit": ["egg"]}, [[MASK, MASK]], outlined=count) for count in (1, 2)
    )
    counts = [draw([shown])[0].count("<path") for shown in (one, two)]
    assert counts[1] > counts[0]
