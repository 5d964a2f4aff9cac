"""Figures and tables as bundles: whole files, the same each time, described, in two variants."""

import base64
import re
import xml.dom.minidom

import numpy as np
import pandas as pd
import pytest
import stand_in

from rvernet_book import alt, charts, photo_grid, provenance, style, svg, tables
from rvernet_book.bundle import figure_bundle
from rvernet_book.page import Page
from rvernet_book.summary import BLOCK, write_summary
from rvernet_core.errors import ConfigError, RecordError

FRAME = pd.DataFrame(
    {
        "model": ["vit", "deit", "mobilenetv2 + vit"],
        "accuracy": [0.81, 0.8755, 0.9],
        "accuracy_low": [0.79, 0.86, 0.88],
        "accuracy_high": [0.83, 0.89, 0.92],
    }
)
DOTS = {"label": "model", "value": "accuracy", "low": "accuracy_low", "high": "accuracy_high"}


def figure(folder, **changes):
    options = {
        "alt": alt.of_dots(FRAME, what="accuracy", **DOTS),
        "caption": "Accuracy of `three` models.",
        "folder": folder,
        "profile": "smoke",
        "size": (5, 2),
    }
    return figure_bundle("dots", lambda ax: charts.dots(ax, FRAME, **DOTS), FRAME, **{**options, **changes})


def test_figure_writes_both_variants_and_the_data(tmp_path):
    bundle = figure(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["dots.csv", "dots.dark.svg", "dots.light.svg"]
    light, dark = (bundle.paths[v].read_text() for v in ("light", "dark"))
    assert light != dark
    for text in (light, dark):
        xml.dom.minidom.parseString(text)
        assert "smoke profile" in text
        assert "aria-label=" in text
    assert style.COLOURS["vit"][0] in light
    assert style.COLOURS["vit"][1] in dark
    pd.testing.assert_frame_equal(pd.read_csv(bundle.paths["csv"]), FRAME)


def test_text_in_a_drawing_stays_text(tmp_path):
    assert "MobileNetV2 + ViT" in figure(tmp_path).paths["light"].read_text()


def test_the_same_drawing_has_the_same_bytes(tmp_path):
    first, second = figure(tmp_path / "a"), figure(tmp_path / "b")
    for key, path in first.paths.items():
        assert path.read_bytes() == second.paths[key].read_bytes()


def test_html_shows_both_variants_with_alt_text_and_links(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    html = figure(tmp_path / "files")._repr_html_()
    images = re.findall(
        r'<img class="only-(\w+)" alt="([^"]+)"[^>]* src="data:image/svg\+xml;base64,([^"]+)"', html
    )
    assert [variant for variant, _, _ in images] == ["light", "dark"]
    for _, text, data in images:
        assert "DeiT 0.875 [0.860, 0.890]" in text or "DeiT 0.876 [0.860, 0.890]" in text
        assert base64.b64decode(data).startswith(b"<svg")
    assert "Accuracy of <code>three</code> models." in html
    for name in ("dots.light.svg", "dots.dark.svg", "dots.csv"):
        assert f'href="files/{name}"' in html
    assert str(tmp_path) not in html  # a page names no folder of the machine that made it


@pytest.mark.parametrize("changes", [{"alt": " "}, {"folder": None}])
def test_a_figure_without_words_or_data_is_refused(tmp_path, changes):
    if changes.get("folder", tmp_path) is None:
        with pytest.raises(RecordError, match="no data"):
            figure_bundle("x", lambda ax: None, FRAME.iloc[:0], alt="a", caption="c", folder=tmp_path)
    else:
        with pytest.raises(RecordError, match="no alt text"):
            figure(tmp_path, **changes)
    assert list(tmp_path.iterdir()) == []


def test_photos_are_packed_until_the_drawing_is_light():
    noise = np.random.default_rng(0).integers(0, 256, (10, 256, 256, 3), dtype=np.uint8)
    grid = [list(noise[:5]), list(noise[5:])]
    text = svg.render(lambda ax: photo_grid.photo_grid(ax, grid), "light", name="n", limit=300_000)
    assert len(text) <= 300_000
    assert text.count("data:image/webp") == 10


def test_photos_keep_their_shape_and_are_checked():
    wide = np.zeros((40, 80, 3), np.uint8)
    mask = np.zeros((40, 80), bool)
    mask[10:20, 10:30] = True

    def draw(ax):
        photo_grid.photo_grid(ax, [[wide, None]], titles=[["one\ntwo", ""]], outlines=[[mask, None]])

    text = svg.render(draw, "dark", name="n")
    assert "two" in text
    with pytest.raises(RecordError, match="expected uint8"):
        svg.render(lambda ax: photo_grid.photo_grid(ax, [[wide.astype(float)]]), "light", name="n")


def test_table_shows_intervals_and_the_best(tmp_path):
    bundle = tables.table_bundle(
        "t",
        FRAME,
        caption="C.",
        folder=tmp_path,
        profile="demo",
        seeds=3,
        intervals=["accuracy"],
        best={"accuracy": "max"},
    )
    html = bundle._repr_html_()
    assert '<strong>0.900</strong> <span class="rvn-interval">[0.880, 0.920]</span>' in html
    assert html.count("<strong>0.") == 1
    assert "MobileNetV2 + ViT" in html
    assert "accuracy_low" not in html
    kept = pd.read_csv(bundle.paths["csv"])
    pd.testing.assert_frame_equal(kept, tables.tidy(FRAME, profile="demo", seeds=3), check_dtype=False)


def test_table_leaves_missing_values_empty(tmp_path):
    frame = pd.DataFrame({"name": ["a", None], "n": [1234, 5], "x": [0.5, float("nan")]})
    html = tables.table_bundle("t", frame, caption="C.", folder=tmp_path)._repr_html_()
    assert "nan" not in html.lower().replace("rvn", "")
    assert "1,234" in html


def test_table_names_a_missing_column(tmp_path):
    with pytest.raises(RecordError, match="accuracy_low"):
        tables.table_bundle(
            "t", FRAME[["model", "accuracy"]], caption="", folder=tmp_path, intervals=["accuracy"]
        )


def test_texts_are_escaped(tmp_path):
    frame = pd.DataFrame({"food": ["<b>stew</b> & rice"]})
    html = tables.table_bundle("t", frame, caption="1 < 2", folder=tmp_path)._repr_html_()
    assert "&lt;b&gt;stew" in html
    assert "1 &lt; 2" in html


def test_unknown_variant_is_refused():
    with pytest.raises(ConfigError, match="light, dark"), style.use("sepia"):
        pass


def test_a_page_numbers_glues_and_records(tmp_path):
    page = Page("03-rvernet", stand_in.study(), tmp_path)
    draw = lambda ax: charts.dots(ax, FRAME, **DOTS)  # noqa: E731
    for _ in range(2):  # a cell that runs again keeps its number
        html = page.figure("dots", draw, FRAME, alt="alt", caption="C")._repr_html_()
        assert "Figure 3.1." in html
    assert "Table 3.1." in page.table("t", FRAME, caption="C")._repr_html_()
    page.glue("best", 0.87349, "{:.3f}")
    page.headline("It **works**.")
    box = page.close()._repr_html_()
    assert "papermill notebooks/03-rvernet.ipynb" in box
    facts = pd.read_json(tmp_path / "03-rvernet.page.json", typ="series")
    assert facts["numbers"] == {"best": "0.873"}
    assert facts["items"] == {"Figure": ["dots"], "Table": ["t"]}
    assert facts["provenance"]["profile"] == "smoke"
    with pytest.raises(RecordError, match="already a figure"):
        page.table("dots", FRAME, caption="C")


def test_provenance_names_no_host(tmp_path):
    import socket

    facts = provenance.collect(profile="smoke", seeds=(0,), command="make book", seconds=3725)
    assert socket.gethostname() not in str(facts)
    assert provenance.duration(3725) == "1 h 2 min"
    assert {"torch", "timm"} <= set(facts["packages"])


def test_the_summary_is_written_from_the_record_alone(tmp_path):
    book, readme = tmp_path / "book", tmp_path / "README.md"
    readme.write_text(f"a\n{BLOCK.begin}\nold\n{BLOCK.end}\nz\n")
    (book / "experiments" / "files").mkdir(parents=True)
    write_summary(book, readme)
    assert "No record" in (book / "summary.md").read_text()
    page = Page("03-rvernet", stand_in.study("full"), book / "experiments" / "files")
    page.headline("RveRNet gains **+0.2**.")
    page.close()
    write_summary(book, readme)
    text = (book / "summary.md").read_text()
    assert "RveRNet gains **+0.2**. ([details](experiments/03-rvernet.ipynb))" in text
    assert "`full` profile, 2 seeds" in text
    text = readme.read_text()
    assert text.startswith("a\n<!-- result -->\n- RveRNet gains **+0.2**.")
    assert text.endswith("<!-- /result -->\nz\n")
    readme.write_text("nothing")
    with pytest.raises(RecordError, match="has no block"):
        write_summary(book, readme)


def test_a_few_photos_do_not_fill_the_page():
    heights = []
    for least in (1, 4):

        def draw(ax, least=least):
            photo_grid.photo_grid(ax, [[np.zeros((8, 8, 3), np.uint8)]], least=least)
            heights.append(ax.get_figure().get_size_inches()[1])

        svg.render(draw, "light", name="x", size=(7.4, 3.0), alt="x")
    assert heights[1] < 0.4 * heights[0]
