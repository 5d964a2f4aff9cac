"""`python -m rvernet_book WHAT`: writes what is generated, not edited.

summary      the headlines of the record, into book/summary.md and the README
verifications  the kept verifications, into book/verifications.md
announce     a page in the record for each notebook that is newer than it
coverage     which page answers which item of the paper, into book/coverage.md
claims       when each rule for a claim was committed, the verdicts of a demo that lies here, and the README's
intervals    how often the book's intervals hold the truth, simulated, into book/intervals.md
recipes      the search for each net's recipe, into book/search.md and book/_static
parameters   the parameters cell of every notebook, from the signature of `Study.of`
artwork      the book's cover and diagram, into book/_static
bench        how quick the parts are on this machine, printed and into _build/bench.json
"""

import argparse
from pathlib import Path

from rvernet_book.places import ROOT
from rvernet_core.errors import RveRNetError

CHOICES = (
    "summary",
    "coverage",
    "claims",
    "intervals",
    "recipes",
    "verifications",
    "announce",
    "parameters",
    "artwork",
    "bench",
)


def main() -> None:
    """Parse the command line and write."""
    parser = argparse.ArgumentParser(
        prog="python -m rvernet_book", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("what", choices=CHOICES)
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
    elif options.what == "recipes":
        from rvernet_book import recipe_page

        recipe_page.write(options.folder or ROOT / "book")
    elif options.what == "parameters":
        from rvernet_book import notebooks, parameters

        for path in sorted((options.folder or ROOT / "notebooks").glob("*.ipynb")):
            notebooks.write_parameters(path, parameters.cell())
    elif options.what == "bench":
        from rvernet_book import bench

        results = bench.measure()
        print(bench.report(results))
        print(bench.write(results, options.folder or ROOT / "_build"))
    else:
        from rvernet_book import artwork

        folder = options.folder or ROOT / "book" / "_static"
        artwork.write_cover(folder)
        artwork.write_diagram(folder)


if __name__ == "__main__":
    main()
