"""Pages of the record whose numbers may be other ones today."""

import json
import shutil

import pytest

from rvernet_book import site
from rvernet_core import PROTOCOL
from rvernet_core.experiments.profiles import settings


@pytest.fixture
def copy(tmp_path):
    """A record as if it had been executed today."""
    copied = shutil.copytree(site.RECORD, tmp_path / "experiments")
    for source in sorted((site.ROOT / "notebooks").glob("*.ipynb")):
        shutil.copy(source, copied)
        path = copied / "files" / f"{source.stem}.page.json"
        if not path.is_file():  # newer than the record
            shutil.copy(copied / "files" / "03-rvernet.page.json", path)
        facts = json.loads(path.read_text())
        facts["provenance"] |= {"protocol": PROTOCOL, "settings": settings(facts["provenance"]["profile"])}
        path.write_text(json.dumps(facts))
    return copied


def test_a_record_that_was_executed_today_is_not_stale(copy):
    """Whether the committed one is announced where it is: see test_stale_pages."""
    assert site.stale(copy) == {}


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
