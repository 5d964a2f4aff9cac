"""Pages of the record whose numbers may be other ones today."""

import json
import shutil

import pytest

from rvernet_book import site


@pytest.fixture
def copy(tmp_path):
    return shutil.copytree(site.RECORD, tmp_path / "experiments")


def test_no_page_of_the_committed_record_is_stale():
    assert site.stale(site.RECORD) == {}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"protocol": 0}, "protocol is"),
        ({"settings": "other"}, "profile has other settings"),
    ],
)
def test_another_protocol_or_profile_makes_a_page_stale(copy, change, reason):
    path = copy / "files" / "03-rvernet.page.json"
    facts = json.loads(path.read_text())
    facts["provenance"] |= change
    path.write_text(json.dumps(facts))
    assert reason in site.stale(copy)["03-rvernet"]


def test_another_code_cell_makes_a_page_stale_and_other_prose_does_not(copy):
    for name, kind in (("03-rvernet", "code"), ("02-off-the-shelf", "markdown")):
        page = json.loads((copy / f"{name}.ipynb").read_text())
        cell = [c for c in page["cells"] if c["cell_type"] == kind][-1]
        cell["source"] = [*cell["source"], "\n# another"]
        (copy / f"{name}.ipynb").write_text(json.dumps(page))
    (copy / "04-ketchup-vs-chili.ipynb").unlink()
    found = site.stale(copy)
    assert "code has changed" in found["03-rvernet"]
    assert "02-off-the-shelf" not in found
    assert "never executed" in found["04-ketchup-vs-chili"]
