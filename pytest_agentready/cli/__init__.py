"""The command line, `pytest-agentready`: what does not run pytest itself.

Each subcommand is a module with an `add`, which names its `run`.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
from collections.abc import Sequence

from pytest_agentready import __version__
from pytest_agentready.cli import alerts, explain, listing, scaffold
from pytest_agentready.cli.refusal import Refusal

COMMANDS = (scaffold, listing, explain, alerts)
DESCRIPTION = """\
Look up what pytest-agentready checks, take over code that passes, and have alerts written.
The examination itself is a run of pytest: `pytest --agentready-tools shop.tools`.
"""
EPILOG = """\
examples:
  pytest-agentready scaffold                          which patterns there are
  pytest-agentready scaffold gate --into src/shop/    copy one of them into your code
  pytest-agentready list --profile checklist          the checks that no agent should fail
  pytest-agentready explain AR202                     one of them, with its fix
  pytest-agentready alerts --budget-tokens-per-day 2000000    rules for Prometheus

Each command tells more by `pytest-agentready COMMAND --help`.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line asks for; gives the exit code: 0; 2 for what is refused, with nothing done; 130 for Ctrl-C."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal of few letters is no reason to fail
    root = parser()
    given, behind = root.parse_known_args(arguments)
    if given.command is None:
        root.print_help(sys.stderr)
        return 2
    if behind and ("names" not in given or any(word.startswith("-") for word in behind)):
        root.error(f"unrecognized arguments: {' '.join(behind)}")
    if behind:
        given.names += behind  # argparse leaves over what stands behind an option: `scaffold results --into src gate`
    try:
        given.run(given)
        sys.stdout.flush()
    except Refusal as refusal:
        for problem in refusal.problems:
            print(f"pytest-agentready {given.command}: {problem}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130  # as a shell calls it
    except OSError as failure:  # of the output: whatever else may fail is refused by the command
        with contextlib.suppress(OSError):  # an output that is no file has nothing to flush
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the flush at the exit
        if not isinstance(failure, BrokenPipeError):  # `| head` has seen enough
            print(f"pytest-agentready {given.command}: {failure.strerror or failure}", file=sys.stderr)
            return 2
    return 0


def parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(
        "pytest-agentready",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    root.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = root.add_subparsers(title="commands", dest="command", metavar="COMMAND")
    for command in COMMANDS:
        command.add(commands)
    return root
