"""`python -m rvernet_book WHAT`: writes what is generated, not edited.

summary      the headlines of the record, into book/summary.md and the README
verifications  the kept verifications, into book/verifications.md
announce     a page in the record for each notebook that is newer than it
coverage     which page answers which item of the paper, into book/coverage.md
claims       when each rule for a claim was committed, and the verdicts in the README
intervals    how often the book's intervals hold the truth, simulated, into book/intervals.md
parameters   the parameters cell of every notebook, from the signature of `Study.of`
artwork      the book's cover and diagram, into book/_static
bench        seconds of the parts on this machine, printed
"""

import argparse
from pathlib import Path

from rvernet_core.errors import RveRNetError

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Parse the command line and write."""
    parser = argparse.ArgumentParser(
        prog="python -m rvernet_book", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "what",
        choices=(
            "summary",
            "coverage",
            "claims",
            "intervals",
            "verifications",
            "announce",
            "parameters",
            "artwork",
            "bench",
        ),
    )
    parser.add_argument("folder", type=Path, nargs="?", help="default: book, notebooks or book/_static")
    options = parser.parse_args()
    if options.folder and not options.folder.is_dir():
        parser.exit(2, f"{parser.prog}: {options.folder} is not a folder\n")
    try:
        _write(options)
    except (RveRNetError, OSError) as error:
        parser.exit(2, f"{parser.prog}: {error}\n")


def _write(options: argparse.Namespace) -> None:
    if options.what == "summary":
        from rvernet_book.summary import write_summary

        write_summary(options.folder or ROOT / "book", None if options.folder else ROOT / "README.md")
    elif options.what == "coverage":
        from rvernet_book.items import write_coverage

        write_coverage(options.folder or ROOT / "book")
    elif options.what == "claims":
        from rvernet_book.ledger import write_ledger

        write_ledger(options.folder or ROOT / "book", None if options.folder else ROOT / "README.md")
    elif options.what == "announce":
        from rvernet_book.published import RECORD, announce

        print("\n".join(announce(RECORD, options.folder or ROOT / "notebooks")) or "the record lacks no page")
    elif options.what == "verifications":
        from rvernet_book.certificate import write_page

        write_page(options.folder or ROOT / "book")
    elif options.what == "intervals":
        from rvernet_book.intervals import write_intervals

        write_intervals(options.folder or ROOT / "book")
    elif options.what == "parameters":
        from rvernet_book import notebooks, parameters

        for path in sorted((options.folder or ROOT / "notebooks").glob("*.ipynb")):
            notebooks.write_parameters(path, parameters.cell())
    elif options.what == "bench":
        from rvernet_book import bench
        from rvernet_core import environment

        table = bench.measure()
        print(f"{environment.machine()}, one thread\n")
        print(table.to_string(index=False, float_format="{:.2f}".format))
    else:
        from rvernet_book import artwork

        folder = options.folder or ROOT / "book" / "_static"
        artwork.write_cover(folder)
        artwork.write_diagram(folder)


if __name__ == "__main__":
    main()
