"""Where this checkout and its published record lie. Tests that write replace the names where they are used."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
#: The published record: the executed pages; their bundles lie in `files` below.
RECORD = ROOT / "book" / "experiments"
