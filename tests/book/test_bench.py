"""The benchmark measures what it names; how long anything takes is nobody's business here."""

import json

import pytest
import torch

from rvernet_book import bench


@pytest.fixture(scope="module")
def results():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bench, "BATCH", 2)
        return bench.measure(steps=2, models=[("mobilenetv2",), ("mobilenetv2", "mlp-mixer")])


def test_a_step_is_measured_in_every_precision_beside_a_plain_loop(results):
    rows = results["training"]
    assert [row["precision"].split()[0] for row in rows] == ["float32", "auto"] * 2
    assert [row["model"] for row in rows] == ["mobilenetv2"] * 2 + ["mobilenetv2 + mlp-mixer"] * 2
    for row in rows:
        assert row["images/s"] == pytest.approx(2 * row["steps/s"])
        assert all(row["seconds"][what] > 0 for what in ("step", "plain", "forward and backward"))
        assert 0 < row["outside"] < 1
        assert row["outside"] == pytest.approx(
            1 - row["seconds"]["forward and backward"] / row["seconds"]["step"]
        )


def test_the_hooks_of_the_measurement_are_gone_afterwards(results):
    """What is trained next is not measured: no list grows with it."""
    model = bench._model(("mobilenetv2",))
    with bench._inside(model) as spans:
        pass
    optimizer = torch.optim.Adam(model.parameters())
    model.classifier[0].weight.sum().backward()
    optimizer.step()
    assert not spans
    assert not model._forward_pre_hooks


def test_the_report_names_every_part_and_the_file_holds_all_of_it(results, tmp_path):
    text = bench.report(results)
    assert all(part["part"] in text and part["per second"] > 0 for part in results["parts"])
    assert "mobilenetv2" in text
    assert "peak memory" in text
    assert json.loads(bench.write(results, tmp_path).read_text()) == results
