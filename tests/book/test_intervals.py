"""The book's table of how often intervals hold the truth."""

from pathlib import Path

from rvernet_book import intervals
from rvernet_core.evaluation import simulated

TABLE = Path(__file__).parents[2] / "book" / "intervals.md"


def test_the_table_in_the_book_is_what_the_simulation_gives():
    regime, score = "both", "difference of F1"
    expected = [
        simulated.coverage(
            simulated.REGIMES[regime], score, seeds, intervals.PHOTOS, repetitions=intervals.REPETITIONS
        )
        for seeds in intervals.SEEDS
    ]
    (row,) = [line for line in TABLE.read_text().splitlines() if line.startswith(f"| {regime} | {score} |")]
    assert row.split("|")[3:-1] == [f" {share:.1%} " for share in expected]
    assert min(expected[1:]) >= 0.93


def test_the_page_has_a_row_for_every_regime_and_score(monkeypatch, tmp_path):
    monkeypatch.setattr(intervals, "REPETITIONS", 2)
    monkeypatch.setattr(intervals, "PHOTOS", 10)
    text = intervals.write_intervals(tmp_path).read_text()
    assert text.startswith(intervals.HEAD)
    assert text.count("\n| ") == 1 + len(simulated.REGIMES) * len(simulated.SCORES)
    assert "10 photos" in text
    assert "1 seed |" in text
