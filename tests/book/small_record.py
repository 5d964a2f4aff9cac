"""A checkout with a small published record, and executed pages that may take its place."""

import json
import shutil

import nbformat
from nbformat import v4

from rvernet_book import items, published, site, summary, svg
from rvernet_core import PROTOCOL, files
from rvernet_core.experiments.profiles import settings

ITEM = "- {id: i, kind: table, title: T, shows: S, source: own, page: 01-one, items: [scores], status: Ours}"


def glued(*texts):
    """An executed cell that glued name, text, name, text, ..."""
    outputs = [
        v4.new_output(
            "display_data",
            {"application/papermill.record/text/plain": repr(text)},
            metadata={"scrapbook": {"name": name}},
        )
        for name, text in zip(texts[::2], texts[1::2], strict=True)
    ]
    return v4.new_code_cell("show()", outputs=outputs, execution_count=1)


def executed_pages(folder, number, **parameters):
    """Two executed notebooks and their files in `folder`, with `number` in each; returns `folder`."""
    (folder / "files").mkdir(parents=True)
    drawing = f"<svg>{number}</svg>"
    (folder / "files" / "scores.csv").write_text(f"value\n{number}\n")
    for name, figures in (("01-one", ["dots"]), ("02-two", [])):
        facts = {
            "page": name,
            "headlines": [f"It is **{number}**."],
            "numbers": {"best": number},
            "files": {"scores.csv": files.sha256(folder / "files" / "scores.csv")},
            "items": {"Figure": figures, "Table": ["scores"]},
            "provenance": {
                "profile": "full",
                "settings": settings("full"),
                "protocol": PROTOCOL,
                "seeds": [0],
                "machine": "m",
                "commit": "c",
                "seconds": 1,
                "data": {"test": "d"},
                "packages": {"torch": "2"},
            },
        }
        (folder / "files" / f"{name}.page.json").write_text(json.dumps(facts))
        shown = v4.new_output("execute_result", {"text/html": f'<img src="{svg.data_uri(drawing)}">'})
        cell = glued("best", number, "answer", f"It is {number}.")
        cell.outputs.append(shown)
        metadata = {"papermill": {"parameters": {"profile": "full", **parameters}}}
        nbformat.write(v4.new_notebook(cells=[cell], metadata=metadata), folder / f"{name}.ipynb")
    for variant in ("light", "dark"):
        (folder / "files" / f"dots.{variant}.svg").write_text(drawing)
    return folder


def checkout(folder, monkeypatch, number="0.5"):
    """A checkout in `folder` whose published record shows `number`; the book's modules take it for theirs."""
    shutil.rmtree(folder, ignore_errors=True)
    record = executed_pages(folder / "book" / "experiments", number)
    (folder / "book" / "paper-items.yml").write_text(ITEM)
    (folder / "README.md").write_text(f"# T\n{summary.BLOCK.begin}\n{summary.BLOCK.end}\n")
    for name in ("_config.yml", "_toc.yml"):
        (folder / name).write_text("")
    (folder / "notebooks").mkdir()
    for name in ("01-one", "02-two"):
        nbformat.write(
            v4.new_notebook(cells=[v4.new_code_cell("show()")]), folder / f"notebooks/{name}.ipynb"
        )
    published.seal(record)
    summary.write_summary(folder / "book", folder / "README.md")
    items.write_coverage(folder / "book")
    for module in (published, site):
        monkeypatch.setattr(module, "ROOT", folder)
        monkeypatch.setattr(module, "RECORD", record)
    return folder
