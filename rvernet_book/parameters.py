"""The parameters of a study, as the command line and every notebook offer them.

They are those of `Study.of`: names, types and defaults stand in its signature, a line about each in its
docstring, and nowhere else. papermill only
warns of an unknown parameter and enforces no types, so the cell after a notebook's imports checks what
the cell tagged `parameters`, and papermill's injected cell after it, have set:

    params = parameters.declared(globals())

Whatever these cells set and the notebook did not declare is a misspelt parameter, also where an import has
overwritten it meanwhile (`Page`), or where it hides something else (`_profile`, `exit`, `print`).
"""

from __future__ import annotations

import ast
import collections.abc
import difflib
import inspect
import os
import re
import sys
import types
import typing
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml

from rvernet_core.config import coerce
from rvernet_core.errors import ConfigError


@dataclass(frozen=True)
class Parameter:
    """One parameter of a study."""

    name: str
    hint: typing.Any  # str, int, or list of either
    default: typing.Any
    help: str

    @property
    def line(self) -> str:
        """Its line in the parameters cell of a notebook."""
        kind = self.hint.__name__ if isinstance(self.hint, type) else str(self.hint)
        default = f'"{self.default}"' if isinstance(self.default, str) else repr(self.default)
        return f"{self.name}: {kind} = {default}  # {self.help}"


def of_study() -> list[Parameter]:
    """The parameters of `Study.of` that are plain values, in its order, each with its line of the docstring.

    Those that default to None (the cache, the record) are chosen by the surroundings, not by the reader.
    """
    from rvernet_core.experiments.study import Study  # imports torch

    hints = typing.get_type_hints(Study.of)
    described = dict(
        re.findall(r"^ +(\w+): (.+(?:\n(?!    \w+:) {4,}.+)*)", inspect.getdoc(Study.of) or "", re.M)
    )
    parameters = []
    for name, parameter in inspect.signature(Study.of).parameters.items():
        hint, default = hints[name], parameter.default
        if default is None:
            continue
        if typing.get_origin(hint) is collections.abc.Sequence:
            hint, default = list[typing.get_args(hint)[0]], list(default)
        text = " ".join(described.get(name, "").split()).rstrip(".")
        parameters.append(Parameter(name, hint, default, text))
    return parameters


def cell() -> str:
    """The source of the parameters cell, the same in every notebook."""
    return "\n".join(parameter.line for parameter in of_study())


def declared(namespace: dict) -> dict[str, typing.Any]:
    """The declared parameters of a notebook's `namespace` and their values, each of its declared type.

    A list parameter may also come as text with commas ("0,1,2"), the form that `papermill -p` can pass.

    Raises:
        ConfigError: a name that was not declared (names it, the nearest and all valid ones), or a value
            of another type than declared.
    """
    annotations = namespace.get("__annotations__")  # a parameter of this name would have replaced them
    hints = annotations if isinstance(annotations, dict) else _hints()
    shell = kernel()
    _check_names(_set_to_values(namespace) if shell is None else _set_by_cells(shell, hints), hints)
    return {name: coerce(namespace[name], hint, f"parameter {name}") for name, hint in hints.items()}


#: Parameters that change no number: which profile stands beside, where and how the answers are computed.
NO_CHANGE = ("profile", "device", "runs")


def given(values: dict[str, typing.Any]) -> dict[str, typing.Any]:
    """Those of the declared parameters that make another study than the profile's own."""
    defaults = {parameter.name: parameter.default for parameter in of_study()}
    return {name: v for name, v in values.items() if name not in NO_CHANGE and v != defaults[name]}


def kernel() -> typing.Any:
    """The notebook's kernel that this code runs in; None outside one."""
    return sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None


def read_yaml(path: str | Path) -> dict[str, typing.Any]:
    """The parameters in a YAML file, each of its type.

    Raises ConfigError where the file cannot be read, is no YAML mapping, or names or types are wrong.
    """
    try:
        stored = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"--parameters {path} cannot be read ({error}); pass a YAML file") from error
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"--parameters {path} is not YAML: {reason}") from error
    stored = {} if stored is None else stored
    if not isinstance(stored, dict):
        raise ConfigError(
            f"--parameters {path} holds a {type(stored).__name__}; expected a mapping such as 'profile: demo'"
        )
    hints = _hints()
    _check_names(stored, hints)
    for name, value in stored.items():
        if value == []:
            raise ConfigError(f"parameter {name} is an empty list; leave it out for the profile's")
    return {name: coerce(value, hints[name], f"parameter {name}") for name, value in stored.items()}


def absolute(values: dict[str, typing.Any]) -> dict[str, typing.Any]:
    """The parameters with whole paths: they were typed in another folder than a notebook is executed in."""
    root, extra = values["data_root"], values["extra_classes"]
    entries = [entry.partition("=") for entry in extra]
    return values | {
        "data_root": _absolute(root),
        "extra_classes": [f"{name}{equals}{_absolute(folder)}" for name, equals, folder in entries],
    }


def _absolute(folder: str) -> str:
    return os.path.abspath(os.path.expanduser(folder.strip())) if folder else folder


def _hints() -> dict[str, typing.Any]:
    return {parameter.name: parameter.hint for parameter in of_study()}


def _set_by_cells(shell: typing.Any, declared: Iterable[str]) -> list[str]:
    """The names that earlier cells have set to plain values, from the last one on that set all `declared`.

    A parameter is always a plain value; other assignments are work of a notebook whose cells run again.
    """
    names: list[str] = []
    for source in reversed(shell.history_manager.input_hist_parsed[:-1]):
        names = [*_assigned(source), *names]
        if set(declared) <= set(names):
            break
    return names


def _assigned(source: str) -> Iterable[str]:
    try:
        body = ast.parse(source).body
    except SyntaxError:  # a cell that could not be executed either
        return
    for node in body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        value = getattr(node, "value", None)
        if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "float":
            value = next(iter(value.args), None)  # papermill's form of not-a-number and infinity
        try:
            ast.literal_eval(value)  # type: ignore[arg-type]
        except (ValueError, TypeError):
            continue
        yield from (target.id for target in targets if isinstance(target, ast.Name))


def _set_to_values(namespace: dict) -> list[str]:
    """The public names of a namespace that hold values: neither functions nor modules."""
    return [
        name
        for name, value in namespace.items()
        if not (name.startswith("_") or callable(value) or isinstance(value, types.ModuleType))
    ]


def _check_names(names: Iterable[typing.Any], valid: Iterable[str]) -> None:
    for name in names:
        if name not in valid:
            near = difflib.get_close_matches(str(name).casefold(), valid, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else "."
            raise ConfigError(f"unknown parameter {name!r}{hint} Valid parameters: {', '.join(valid)}")
