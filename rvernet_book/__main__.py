"""`python -m rvernet_book glance | coverage | pictures | bench`: what is made, not written."""

import argparse
from pathlib import Path

from rvernet_book.items import write_coverage
from rvernet_book.page import ROOT
from rvernet_book.summary import write_glance


def main() -> None:
    """Parse the command line and write."""
    parser = argparse.ArgumentParser(prog="python -m rvernet_book", description=__doc__)
    parser.add_argument("what", choices=("glance", "coverage", "pictures", "bench"))
    parser.add_argument("folder", type=Path, nargs="?", help="default: book, or book/_static for pictures")
    options = parser.parse_args()
    if options.what == "glance":
        book = options.folder or ROOT / "book"
        write_glance(book, None if options.folder else ROOT / "README.md")
    elif options.what == "coverage":
        write_coverage(options.folder or ROOT / "book")
    elif options.what == "bench":
        from rvernet_book import bench
        from rvernet_core import environment

        table = bench.measure()
        print(f"{environment.machine()}, one thread\n")
        print(table.to_string(index=False, float_format="{:.2f}".format))
    else:
        from rvernet_book import pictures

        folder = options.folder or ROOT / "book" / "_static"
        pictures.write_cover(folder)
        pictures.write_diagram(folder)


if __name__ == "__main__":
    main()
