"""What a finished step leaves, and the table of all steps."""

import os
import time

from rvernet_book import steps


def test_the_table_lists_the_steps_in_the_order_in_which_they_ended_and_marks_the_new_ones(tmp_path):
    for at, name in ((200, "book"), (100, "runs/single-vit")):
        path = tmp_path / "steps" / f"{name}.json"
        steps.write_step(path, time.perf_counter() - 12, {"run": "hash"})
        os.utime(path, (at, at))
    head, first, second, total, call = steps.table(tmp_path, 150).splitlines()
    assert head.split() == ["step", "seconds", "made"]
    assert first.split() == ["runs/single-vit", "12.0", "before"]
    assert second.split() == ["book", "12.0", "now"]
    assert total.split()[-1] == "24.0"
    assert call.startswith("this call")
