"""The benchmark measures what it names; how long anything takes is nobody's business here."""

import json

import pytest

from rvernet_book import bench


@pytest.fixture(scope="module")
def results():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bench, "BATCH", 2)
        return bench.measure(steps=2, names=("mobilenetv2",))


def test_a_step_is_measured_in_every_precision_beside_a_plain_loop(results):
    rows = results["training"]
    assert [row["precision"].split()[0] for row in rows] == ["float32", "auto"]
    for row in rows:
        assert row["images/s"] == pytest.approx(2 * row["steps/s"])
        assert all(row["seconds"][what] > 0 for what in ("step", "plain", "forward and backward"))
        assert 0 <= row["outside"] < 1


def test_the_report_names_every_part_and_the_file_holds_all_of_it(results, tmp_path):
    text = bench.report(results)
    assert all(part["part"] in text and part["per second"] > 0 for part in results["parts"])
    assert "mobilenetv2" in text
    assert "peak memory" in text
    assert json.loads(bench.write(results, tmp_path).read_text()) == results
