"""`pytest-agentready explain`: a check in its own words, as `pytest --agentready-explain` prints it."""

from __future__ import annotations

import argparse

from pytest_agentready.cli.refusal import Refusal

EPILOG = """\
A check goes by its id, its slug or both: AR401, ungated-effect, AR401-ungated-effect.

example:
  pytest-agentready explain AR202 retry-storm
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "explain",
        help="why a check exists and how to pass it, with an example of each",
        description="Say why a check exists and how to pass it, with an example that fails and one that passes.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("names", nargs="+", metavar="CHECK", help="such as AR401 or ungated-effect")
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> None:
    from pytest_agentready.registry import Registry, UnknownName, Unloadable
    from pytest_agentready.reports import explain

    registry = Registry()
    found, problems = [], []
    try:
        for name in given.names:
            try:
                found.append(registry.check(name))
            except UnknownName as unknown:
                problems.append(unknown.problem)
    except Unloadable as problem:
        raise Refusal(str(problem)) from problem
    if problems:
        raise Refusal(*problems, "`pytest-agentready list` lists the checks.")
    print("\n\n\n".join(explain.render(check) for check in dict.fromkeys(found)))
