"""The certificate names both sides, holds every number, and is kept without those that agree."""

import json

import pytest

from rvernet_book import certificate, verify
from rvernet_core.errors import RecordError
from tests.book.test_verify import written

WHERE = {"commit": "c0ffee", "machine": "M <1>", "packages": {"torch": "2"}, "seconds": 3.0}


@pytest.fixture
def facts(tmp_path):
    record = written(tmp_path / "record", [0.8, 0.9], predicted=[0] * 40, **WHERE)
    fresh = written(tmp_path / "fresh", [0.8, 0.95], predicted=[0] * 40, **WHERE | {"commit": "facade"})
    return certificate.certificate(verify.compare(fresh, record), fresh, record, watts=36.0)


def test_it_names_both_sides_and_holds_every_number(facts, tmp_path):
    assert facts["record"]["commits"] == ["c0ffee"]
    assert facts["fresh"]["commits"] == ["facade"]
    assert (facts["verdict"], facts["fresh"]["runs"]) == ("differs", 1)
    assert len(facts["numbers"]) + len(facts["runs"]) == sum(facts["counts"].values())
    written_json, page = certificate.write(facts, tmp_path)
    assert json.loads(written_json.read_text()) == facts
    text = page.read_text()
    assert all(row["what"] in text for row in facts["numbers"])
    assert "M &lt;1&gt;" in text
    assert "differs from the record" in text


def test_energy_is_the_time_of_training_times_the_assumed_watts(tmp_path):
    folder = written(tmp_path / "record", [0.8, 0.9], predicted=[0] * 40, **WHERE)
    found = verify.compare(folder, folder)
    manifests = json.loads((folder / "02-page.runs.json").read_text())
    manifests["common"]["seconds"] = 7200.0
    (folder / "02-page.runs.json").write_text(json.dumps(manifests))
    assert (
        certificate.certificate(found, folder, folder, watts=10)["energy"]["watt-hours of training"] == 20.0
    )
    with pytest.raises(RecordError, match="watts is 0; expected a positive number"):
        certificate.certificate(found, folder, folder, watts=0)


def test_what_is_kept_is_listed_newest_first_without_what_agrees(facts, tmp_path):
    book = tmp_path / "book"
    assert certificate.NONE in certificate.page_text(book)
    certificate.keep(facts | {"date": "2026-01-01"}, book / "verifications")
    kept = certificate.keep(facts | {"date": "2026-01-02"}, book / "verifications")
    assert kept.name == "2026-01-02-demo.json"
    failing = json.loads(kept.read_text())["failing"]
    assert [row["what"] for row in failing] == ["deit, accuracy"]
    text = certificate.write_page(book).read_text()
    assert text.index("2026-01-02") < text.index("2026-01-01")
    assert "**differs**" in text
