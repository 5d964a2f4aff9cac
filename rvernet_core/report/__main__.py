"""`python -m rvernet_core.report glance | coverage | pictures | bench`: what is made, not written."""

import argparse
from pathlib import Path

from rvernet_core.report.coverage import write_coverage
from rvernet_core.report.glance import write_glance
from rvernet_core.report.page import ROOT


def main() -> None:
    """Parse the command line and write."""
    parser = argparse.ArgumentParser(prog="python -m rvernet_core.report", description=__doc__)
    parser.add_argument("what", choices=("glance", "coverage", "pictures", "bench"))
    parser.add_argument("folder", type=Path, nargs="?", help="default: book, or book/_static for pictures")
    options = parser.parse_args()
    if options.what == "glance":
        book = options.folder or ROOT / "book"
        write_glance(book, None if options.folder else ROOT / "README.md")
    elif options.what == "coverage":
        write_coverage(options.folder or ROOT / "book")
    elif options.what == "bench":
        from rvernet_core import environment
        from rvernet_core.report import bench

        table = bench.measure()
        print(f"{environment.machine()}, one thread\n")
        print(table.to_string(index=False, float_format="{:.2f}".format))
    else:
        from rvernet_core.report import pictures

        folder = options.folder or ROOT / "book" / "_static"
        pictures.write_cover(folder)
        pictures.write_diagram(folder)


if __name__ == "__main__":
    main()
