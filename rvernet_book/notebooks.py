"""Execute a notebook with parameters. The only file that knows papermill."""

from __future__ import annotations

import os
from pathlib import Path

import nbformat
import papermill
from papermill.exceptions import PapermillExecutionError

from rvernet_core import files
from rvernet_core.errors import RecordError

WIDGET = "application/vnd.jupyter.widget-view+json"


def execute(source: Path, output: Path, parameters: dict) -> None:
    """Run the notebook `source` with `parameters` in the folder of `output`, and write it there whole.

    Raises RecordError if a cell fails; the notebook as far as it came lies beside `output`, with
    `.failed` in its name. The old output stays.
    """
    output = output.absolute()
    output.parent.mkdir(parents=True, exist_ok=True)
    unfinished = output.with_name(f".{output.stem}.{os.getpid()}.ipynb")
    try:
        made = papermill.execute_notebook(
            source, unfinished, parameters, kernel_name="python3", cwd=output.parent, progress_bar=True
        )
    except PapermillExecutionError as error:
        failed = output.with_name(output.stem + ".failed.ipynb")
        os.replace(unfinished, failed)
        raise RecordError(f"{source.name} failed: {error.ename}: {error.evalue} (see {failed})") from error
    except BaseException:  # interrupted
        unfinished.unlink(missing_ok=True)
        raise
    _tidy(made)
    files.write_text(output, nbformat.writes(made))
    unfinished.unlink()
    output.with_name(output.stem + ".failed.ipynb").unlink(missing_ok=True)


def _tidy(notebook: nbformat.NotebookNode) -> None:
    """Drop the folders of the machine that made the page, and progress bars: they need a network to show."""
    for place in ("input_path", "output_path"):
        notebook.metadata.papermill.pop(place, None)
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [o for o in cell.outputs if WIDGET not in o.get("data", {})]
