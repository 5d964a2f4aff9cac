"""The parameters cell of a notebook, checked before any work.

papermill only warns of an unknown parameter and enforces no types. Here the cell tagged `parameters`
declares each parameter with a type annotation, papermill's injected cell follows it, and the cell
after the imports reads both:

    params = parameters.declared(globals())

Any public value in the notebook that was not declared is then a misspelt parameter.
"""

from __future__ import annotations

import difflib
import types
import typing

from rvernet_core.errors import ConfigError

_IPYTHON = {"In", "Out", "exit", "quit", "open", "get_ipython", "papermill_description"}


def declared(namespace: dict) -> dict[str, typing.Any]:
    """The declared parameters and their values, each of its declared type.

    A list parameter may also come as text with commas ("0,1,2"), the form that `papermill -p` can pass.

    Raises:
        ConfigError: a name that was not declared (names it, the nearest and all valid ones), or a value
            of another type than declared.
    """
    hints = namespace.get("__annotations__", {})
    for name, value in namespace.items():
        if name.startswith("_") or name in hints or name in _IPYTHON:
            continue
        if callable(value) or isinstance(value, types.ModuleType):  # imported, not a parameter
            continue
        near = difflib.get_close_matches(name, hints, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else "."
        raise ConfigError(f"unknown parameter {name!r}{hint} Valid parameters: {', '.join(hints)}")
    return {name: coerce(namespace[name], hint, name) for name, hint in hints.items()}


def coerce(value: typing.Any, hint: typing.Any, name: str) -> typing.Any:
    """`value` as the type `hint`: str, int, float, bool, list[...] of these, or any of them | None."""
    if isinstance(hint, types.UnionType):
        if value is None:
            return None
        hint = next(a for a in hint.__args__ if a is not type(None))
    if typing.get_origin(hint) is list:
        (inner,) = typing.get_args(hint)
        if isinstance(value, str):
            value = [_parse(part.strip(), inner) for part in value.split(",") if part.strip()]
        elif isinstance(value, int) and inner is int and not isinstance(value, bool):
            value = [value]  # `-p seeds 3`
        if isinstance(value, list | tuple):
            return [coerce(item, inner, f"{name}[{i}]") for i, item in enumerate(value)]
    elif hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    elif isinstance(value, hint) and not (hint is int and isinstance(value, bool)):
        return value
    expected = getattr(hint, "__name__", None) if typing.get_origin(hint) is None else str(hint)
    raise ConfigError(f"parameter {name} is {value!r} ({type(value).__name__}); expected {expected}")


def _parse(text: str, inner: type) -> typing.Any:
    if inner is str:
        return text
    try:
        return inner(text)
    except ValueError:
        return text  # `coerce` names it
