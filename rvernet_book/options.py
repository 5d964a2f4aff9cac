"""What the commands take: options for every parameter of a study, and a parser that complains in one line."""

from __future__ import annotations

import argparse
import contextlib
import sys
import typing

from rvernet_core.errors import ConfigError

# The packages that compute are imported by the function that needs them: `rvernet --help` answers at once.


def stop(message: str, status: int = 2) -> typing.NoReturn:
    """End the process with one line on standard error; the status 2: it could not be done as it was asked."""
    print(message, file=sys.stderr)
    sys.exit(status)


def add_profile(parser: argparse._ActionsContainer) -> None:
    """The option that names one of the profiles."""
    from rvernet_core.experiments.profiles import PROFILES

    parser.add_argument("--profile", default="demo", help=" | ".join(PROFILES))


def add_study(parser: argparse.ArgumentParser) -> None:
    """An option for every parameter of `Study.of`, and a YAML file with any of them."""
    from rvernet_book import parameters

    for parameter in parameters.of_study():
        flag, help_text = "--" + parameter.name.replace("_", "-"), parameter.help.replace("%", "%%")
        if items := typing.get_args(parameter.hint):
            parser.add_argument(flag, nargs="+", type=items[0], help=help_text)
        else:
            parser.add_argument(flag, type=parameter.hint, help=help_text)
    parser.add_argument("--parameters", metavar="FILE", help="YAML file with any of these")


def values(options: argparse.Namespace) -> dict:
    """Every parameter of a study: from its option or the --parameters file, else its default.

    ConfigError where the two contradict each other.
    """
    from rvernet_book import parameters

    known = parameters.of_study()
    given = {p.name: getattr(options, p.name) for p in known if getattr(options, p.name) is not None}
    stored = parameters.read_yaml(options.parameters) if options.parameters is not None else {}
    for name in given.keys() & stored.keys():
        if given[name] != stored[name]:
            raise ConfigError(
                f"{name} is {given[name]!r}, but {stored[name]!r} in {options.parameters}; leave one out"
            )
    return parameters.absolute({p.name: p.default for p in known} | given | stored)


def overrides(options: argparse.Namespace) -> dict:
    """The profile, and every parameter that is not at its default."""
    from rvernet_book import parameters

    found = values(options)
    defaults = {parameter.name: parameter.default for parameter in parameters.of_study()}
    return {name: v for name, v in found.items() if name == "profile" or v != defaults[name]}


def study_of(options: argparse.Namespace):
    """The study that the options describe; ConfigError for wrong ones, before any work."""
    from rvernet_book.page import open_study

    return open_study(**values(options))


class Parser(argparse.ArgumentParser):
    """argparse whose every complaint is one line."""

    def __init__(self, **options: typing.Any) -> None:
        super().__init__(allow_abbrev=False, **options)

    def error(self, message: str) -> typing.NoReturn:
        stop(f"{self.prog}: {message}; `{self.prog} --help` lists what there is")


def at_least_one(text: str) -> int:
    """The type of an option that counts something."""
    with contextlib.suppress(ValueError):
        if (number := int(text)) >= 1:
            return number
    raise argparse.ArgumentTypeError(f"{text!r} is not a number of at least 1")
