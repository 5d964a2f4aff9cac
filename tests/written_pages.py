"""The pages of the book that `python -m rvernet_book` writes."""

WRITTEN = {"summary.md", "coverage.md", "intervals.md", "verifications.md", "search.md", "sizes.md"}
