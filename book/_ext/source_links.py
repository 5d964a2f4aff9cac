"""Links each code cell to the source of the project's functions that it calls, and writes those sources.

Below a cell that calls `off_the_shelf.scores(...)` stands the line `source: off_the_shelf.scores`. It leads
to `source/rvernet_core.experiments.off_the_shelf.html#scores`, a page with the highlighted module. Notebooks
and modules are parsed, never imported or executed.
"""

from __future__ import annotations

import ast
import functools
import importlib.util
import json
from collections.abc import Iterator
from html import escape
from pathlib import Path

from docutils import nodes

PACKAGES = ("rvernet_core", "rvernet_plates", "rvernet_book")

Link = tuple[str, str]  # (dotted name of a module, a function or class at its top level)


@functools.cache
def module_path(dotted: str) -> Path | None:
    """The file of a module of this project, or None; finding a top-level package imports nothing."""
    package, *parts = dotted.split(".")
    spec = importlib.util.find_spec(package) if package in PACKAGES else None
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        stem = Path(folder, *parts)
        for path in (stem / "__init__.py", stem.with_suffix(".py")):
            if path.is_file():
                return path
    return None


@functools.cache
def definitions(dotted: str) -> dict[str, int]:
    """The functions and classes at the top level of a module -> the line where each begins, from 1."""
    path = module_path(dotted)
    body = ast.parse(path.read_text(encoding="utf-8")).body if path else []
    return {
        node.name: min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
        for node in body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
    }


def imported(tree: ast.AST) -> Iterator[tuple[str, str, str]]:
    """(name bound, module, name within it or "") of every import of this project in `tree`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.asname and module_path(alias.name):
                    yield alias.asname, alias.name, ""
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                bound, inner = alias.asname or alias.name, f"{node.module}.{alias.name}"
                if module_path(inner):
                    yield bound, inner, ""
                elif module_path(node.module):
                    yield bound, node.module, alias.name


def defined_in(module: str, name: str) -> Link | None:
    """Where `name` of `module` is defined: there, or in a module of this project that it imports it from."""
    if name in definitions(module):
        return module, name
    path = module_path(module)
    for bound, origin, original in imported(ast.parse(path.read_text(encoding="utf-8"))) if path else ():
        if bound == name and original and origin != module:
            return defined_in(origin, original)
    return None


def cell_links(sources: list[str]) -> list[list[Link]]:
    """For each code cell, in their order: the functions and classes of this project that it calls."""
    names: dict[str, tuple[str, str]] = {}
    links = []
    for source in sources:
        try:
            tree = ast.parse(source)
        except SyntaxError:  # a magic command
            links.append([])
            continue
        names |= {bound: (module, name) for bound, module, name in imported(tree)}
        calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
        called: list[Link | None] = []
        for function in sorted(calls, key=lambda node: (node.lineno, node.col_offset)):
            if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
                module, name = names.get(function.value.id, ("", ""))
                called.append(defined_in(module, name or function.attr))  # module.function or Class.method
            elif isinstance(function, ast.Name):
                called.append(defined_in(*names.get(function.id, ("", ""))))
        links.append([link for link in dict.fromkeys(called) if link])
    return links


def notebook_links(path: Path) -> dict[int, list[Link]]:
    """Index of each code cell of a notebook, among all its cells -> its links."""
    cells = enumerate(json.loads(path.read_text(encoding="utf-8"))["cells"])
    code = {index: "".join(cell["source"]) for index, cell in cells if cell["cell_type"] == "code"}
    return dict(zip(code, cell_links(list(code.values())), strict=True))


def add_links(app, doctree: nodes.document, docname: str) -> None:
    """Put a line with the links below the input of every cell of a notebook."""
    path = Path(app.env.doc2path(docname))
    if app.builder.format != "html" or path.suffix != ".ipynb":
        return
    links = notebook_links(path)
    for cell in list(doctree.findall(nodes.container)):
        called = links.get(cell.get("cell_index", -1), [])
        first = cell.children[0] if cell.children else None
        has_input = isinstance(first, nodes.Element) and "cell_output" not in first["classes"]
        if cell.get("nb_element") != "cell_code" or not called or not has_input:
            continue
        line = nodes.paragraph("", "source: ", classes=["source-links"])
        for number, (module, name) in enumerate(called):
            address = app.builder.get_relative_uri(docname, f"source/{module}") + f"#{name}"
            label = f"{module.rpartition('.')[2]}.{name}"
            line += [nodes.Text(", " if number else ""), nodes.reference("", label, refuri=address)]
        cell.insert(1, line)


def source_pages(app) -> Iterator[tuple[str, dict, str]]:
    """A page for every module that a notebook links to: name, context and template."""
    if app.builder.format != "html":
        return
    paths = [Path(app.env.doc2path(docname)) for docname in sorted(app.env.found_docs)]
    notebooks = [path for path in paths if path.suffix == ".ipynb"]
    links = [link for path in notebooks for cell in notebook_links(path).values() for link in cell]
    for module in sorted({module for module, _ in links}):
        path = module_path(module)
        text = path.read_text(encoding="utf-8") if path else ""
        lines = app.builder.highlighter.highlight_block(text, "python", linenos=False).split("\n")
        head, _, first = lines[0].partition("<pre>")  # then one line of HTML for each line of the source
        lines[0] = first
        for name, number in definitions(module).items():
            lines[number - 1] = f'<a class="source-anchor" id="{escape(name)}"></a>{lines[number - 1]}'
        title = f"Source of <code>{module}</code>"
        body = f'<h1>{title}</h1><div class="source-page">{head}<pre>' + "\n".join(lines) + "</div>"
        yield f"source/{module}", {"title": f"Source of {module}", "body": body}, "page.html"


def setup(app) -> dict:
    """Entry point that Sphinx calls."""
    app.connect("doctree-resolved", add_links)
    app.connect("html-collect-pages", source_pages)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
