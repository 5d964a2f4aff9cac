"""Charts draw in both variants, say what they show, and keep to the fixed colours."""

import numpy as np
import pandas as pd
import pytest

from rvernet_book import alt, charts, grids, photo_grid, style, svg
from rvernet_core.models.backbones import BACKBONES

GRID = pd.DataFrame(np.linspace(0.5, 0.9, 25).reshape(5, 5), index=list(BACKBONES), columns=list(BACKBONES))
CURVES = pd.DataFrame(
    {"epoch": [1, 2, 1, 2], "loss": [1.0, 0.5, 0.9, 0.6], "model": ["vit", "vit", "deit", "deit"]}
)
STEPS = pd.DataFrame(
    {
        "taught": ["hard single"] * 3 + ["hard rvernet"] * 3,
        "strength": [1.0, 0.0, 0.5] * 2,
        "gain": [0.9, 0.1, 0.4, 0.8, 0.2, 0.3],
        "price": [0.3, 0.6, 0.5, 0.4, 0.7, 0.6],
    }
)
STEPS = STEPS.assign(**{f"{c}_{end}": STEPS[c] for c in ("gain", "price") for end in ("low", "high")})
SIDES = {"x": "gain", "y": "price", "series": "taught", "step": "strength"}
MATRIX = pd.DataFrame(
    [[30, 10], [5, 35]], index=["ketchup", "chili paste"], columns=["ketchup", "chili paste"]
)
PAIRED = pd.DataFrame(
    {"b": ["vit", "vit", "deit", "deit"], "kind": ["single", "rvernet"] * 2, "f1": [0.5, 0.8, 0.6, 0.7]}
)


@pytest.mark.parametrize("variant", style.VARIANTS)
@pytest.mark.parametrize(
    ("draw", "text"),
    [
        (lambda ax: grids.heat(ax, GRID, notes=GRID.map("[{:.1f}]".format)), "0.900"),
        (lambda ax: grids.heat(ax, GRID.where(GRID > 0.6)), "DeiT-distilled"),
        (lambda ax: grids.confusion(ax, MATRIX), "88%"),
        (lambda ax: charts.curves(ax, CURVES, x="epoch", y="loss", series="model"), "ViT"),
        (lambda ax: charts.paths(ax, STEPS, **SIDES, title="the price"), "the price"),
        (
            lambda ax: charts.curves(
                ax, CURVES, x="epoch", y="loss", series="model", ticks={1: "clean", 2: "noisy"}
            ),
            "noisy",
        ),
        (
            lambda ax: charts.dots(
                ax, PAIRED, label="b", value="f1", series="kind", references={"chance": 0.5, "ceiling": 0.52}
            ),
            "ceiling",
        ),
    ],
)
def test_every_chart_draws_in_both_variants(draw, text, variant):
    assert text in svg.render(draw, variant, name="chart", stamp="smoke profile")


def test_every_backbone_has_its_own_colour_marker_and_label():
    for table in (style.COLOURS, style.MARKERS, style.LABELS):
        assert len({table[name] for name in BACKBONES}) == len(BACKBONES)


@pytest.mark.parametrize("variant", style.VARIANTS)
def test_colours_stand_out_from_the_page(variant):
    """Contrast of at least 3 to 1, as WCAG asks of graphics, against the page's background."""
    with style.use(variant):
        page = grids.luminance(_rgb(style.colour("paper")))
        for name in set(style.COLOURS) - {"paper", "faint"}:
            ink = grids.luminance(_rgb(style.colour(name)))
            bright, dark = max(page, ink), min(page, ink)
            assert (bright + 0.05) / (dark + 0.05) >= 3, name


def test_labels_of_pairs_and_of_unknown_names():
    assert style.label("vit+mobilenetv2") == style.label("vit + mobilenetv2") == "ViT + MobileNetV2"
    assert style.label("kelp") == "kelp"


def test_alt_texts_hold_the_numbers():
    heat = alt.of_heat(GRID, what="accuracy")
    assert "Highest 0.900 at MLP-Mixer and MLP-Mixer, lowest 0.500 at MobileNetV2 and MobileNetV2" in heat
    assert "ViT from 1.000 at 1 to 0.500 at 2" in alt.of_curves(
        CURVES, what="loss", x="epoch", y="loss", series="model"
    )
    assert "ketchup taken for chili paste: 10" in alt.of_confusion(MATRIX, what="the sauces")
    dots = alt.of_dots(PAIRED, what="F1", label="b", value="f1", series="kind", references={"top": 0.9})
    assert "DeiT, RveRNet 0.700" in dots
    assert "Dashed line: top at 0.900." in dots
    assert "Row 2: rice, not pasta." in alt.of_photos([["a"], ["rice,\nnot pasta"]], what="Foods")


def test_names_at_line_ends_do_not_overlap():
    placed = charts._spread([0.5, 0.5, 0.52, 0.9], 0.1)
    assert np.diff(sorted(placed)).min() >= 0.1 - 1e-6
    assert placed[3] == pytest.approx(0.9)


def test_overlay_tints_inside_and_dims_outside():
    photo = np.full((8, 8, 3), 200, np.uint8)
    mask = np.zeros((8, 8), bool)
    mask[2:5, 2:5] = True
    out = photo_grid.overlay(photo, [mask])
    assert out.dtype == np.uint8
    assert (out[0, 0] < 200).all()
    assert not (out[3, 3] == out[0, 0]).all()


def test_glow_brightens_with_heat_and_shows_the_photo_where_there_is_none():
    photo = np.full((8, 12, 3), 60, np.uint8)
    photo[:, 6:] = 120
    heat = np.zeros((4, 6))
    heat[0, 0], heat[3, 0] = 0.5, 1
    out = photo_grid.glow(photo, heat)
    assert out.shape == photo.shape
    assert out.dtype == np.uint8
    light = out.mean(axis=2)
    assert light[7, 0] > light[0, 0] > light[4, 5]
    assert light[4, 11] > light[4, 5] + 30


def _rgb(text):
    return [int(text[i : i + 2], 16) / 255 for i in (1, 3, 5)]


def test_all_names_at_line_ends_are_drawn_and_mixed_pairs_are_dashed():
    names = ["vit", "deit", "mlp-mixer", "vit + vit", "vit + deit"]
    frame = pd.DataFrame(
        [{"model": n, "x": x, "y": x + 0.001 * i} for i, n in enumerate(names) for x in (1, 0)]
    )
    drawn = svg.render(
        lambda ax: charts.curves(ax, frame.assign(y=-frame["y"]), x="x", y="y", series="model"),
        "light",
        name="ends",
    )
    assert all(style.label(name) in drawn for name in names)
    assert drawn.count("stroke-dasharray") == 1


def test_a_path_goes_through_its_steps_in_their_order_whatever_that_of_the_rows():
    from matplotlib.figure import Figure

    ax = Figure().subplots()
    charts.paths(ax, STEPS, **SIDES)
    lines = [list(line.get_xdata()) for line in ax.get_lines()]
    assert lines == [[0.1, 0.4, 0.9], [0.2, 0.3, 0.8]]
    assert [text.get_text() for text in ax.texts] == ["0", "1"] * 2
    told = alt.of_paths(STEPS, what="gain and price", **SIDES)
    assert "single, hard 0.100 and 0.600 at 0, 0.400 and 0.500 at 0.5, 0.900 and 0.300 at 1" in told
