"""Execute a notebook with parameters. The only file that knows papermill."""

from __future__ import annotations

import html
import os
from pathlib import Path

import nbformat
import papermill
from nbclient.exceptions import DeadKernelError
from papermill.exceptions import PapermillExecutionError

from rvernet_core import files
from rvernet_core.config import one_of
from rvernet_core.errors import ConfigError, RecordError

WIDGET = "application/vnd.jupyter.widget-view+json"
INJECTED = "injected-parameters"  # papermill's tag of the cell that it puts after the parameters cell


def source_of(folder: Path, name: str) -> Path:
    """The notebook called `name` in `folder`; ConfigError names those that there are."""
    return folder / f"{one_of(name, sorted(path.stem for path in folder.glob('*.ipynb')), 'notebook')}.ipynb"


def execute(source: Path, output: Path, parameters: dict) -> None:
    """Run the notebook `source` with `parameters` in the folder of `output`, and write it there whole.

    Raises RecordError if a cell fails or its kernel dies; the notebook up to that cell is then kept next to
    `output`, with `.failed` in its name. The old output stays.
    """
    output = output.absolute()
    if output.is_dir():
        raise ConfigError(f"{output} is a folder; expected the name of a notebook in it")
    failed = output.with_name(output.stem + ".failed.ipynb")
    with files.scratch_folder(output) as scratch:
        unfinished = scratch / output.name
        try:
            notebook = papermill.execute_notebook(
                source, unfinished, parameters, kernel_name="python3", cwd=output.parent, progress_bar=True
            )
        except PapermillExecutionError as error:
            os.replace(unfinished, failed)
            reason = " ".join(str(error.evalue).split())
            raise RecordError(f"{source.name} failed: {error.ename}: {reason} (see {failed})") from error
        except DeadKernelError as error:
            raise RecordError(f"{source.name}: its kernel died, perhaps out of memory ({error})") from error
        _strip_machine(notebook)
        _show_parameters(notebook, parameters)
        files.write_text(output, nbformat.writes(notebook))
    failed.unlink(missing_ok=True)


def write_parameters(path: Path, cell: str) -> None:
    """Replace the source of the notebook's parameters cell."""
    notebook = nbformat.read(path, as_version=4)
    for candidate in notebook.cells:
        if "parameters" in candidate.metadata.get("tags", ()) and candidate.source != cell:
            candidate.source = cell
            files.write_text(path, nbformat.writes(notebook) + "\n")


def _strip_machine(notebook: nbformat.NotebookNode) -> None:
    """Drop the folders of this machine, and progress bars: they need a network to show."""
    for key in ("input_path", "output_path"):
        notebook.metadata.papermill.pop(key, None)
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [o for o in cell.outputs if WIDGET not in o.get("data", {})]


def _show_parameters(notebook: nbformat.NotebookNode, parameters: dict) -> None:
    """Hide papermill's injected cell in the book; one quiet line below it shows the values."""
    for index, cell in enumerate(notebook.cells):
        if INJECTED in cell.metadata.get("tags", ()):
            cell.metadata.tags.append("remove-cell")
            notebook.cells.insert(index + 1, _injected_line(parameters))
            return


def _injected_line(parameters: dict) -> nbformat.NotebookNode:
    """`run with profile=full, seeds=0,1`, in the form in which papermill's `-p` takes them."""
    given = [
        f"{name}={','.join(map(str, value)) if isinstance(value, list | tuple) else value}"
        for name, value in parameters.items()
    ]
    line = ", ".join(f"<code>{html.escape(text, quote=False)}</code>" for text in given)
    cell = nbformat.v4.new_markdown_cell(f'<p class="injected-line">run with {line}</p>', id="injected-line")
    cell.metadata["tags"] = ["injected-line"]
    return cell
