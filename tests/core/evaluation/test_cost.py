"""The counter agrees with what is known of the paper's nets, and a pair costs what its modules cost."""

import pytest

from rvernet_core.config import ModelSpec
from rvernet_core.evaluation.cost import cost
from rvernet_core.models.rvernet import build_model


def of(roi, extra_roi=None, scale="micro", size=112):
    spec = ModelSpec(roi=roi, extra_roi=extra_roi, scale=scale, pretrained=False)
    return cost(build_model(spec, 10), size, batch=1, repeats=1)


def test_the_papers_mobilenetv2_costs_what_timm_says():
    """3.50 million parameters and 0.30 GMAC with its 1000-way head; https://huggingface.co/timm."""
    found = of("mobilenetv2", scale="paper", size=224)
    assert found["gmacs"] == pytest.approx(0.30, abs=0.015)
    assert found["parameters"] == pytest.approx(3.50e6 + 10_010, rel=0.005)


def test_attention_is_counted():
    """Four blocks of 197 tokens and 64 channels: projections 12 d^2 n, attention 2 n^2 d."""
    n, d, depth = 197, 64, 4
    blocks = depth * (12 * d * d * n + 2 * n * n * d)
    patches = 196 * d * 3 * 8 * 8
    assert of("vit")["gmacs"] == pytest.approx((blocks + patches) / 1e9, rel=0.01)


def test_a_pair_costs_what_its_modules_cost():
    pair, one, other = of("vit", "mlp-mixer"), of("vit"), of("mlp-mixer")
    assert pair["gmacs"] == pytest.approx(one["gmacs"] + other["gmacs"], rel=0.02)
    assert pair["milliseconds"] > 0
