"""Where the repository's parts lie. Tests that write point a module's own name elsewhere."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
#: The published record: the executed pages; their bundles lie in `files` below.
RECORD = ROOT / "book" / "experiments"
