"""`pytest-agentready list`: the checks at a glance."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, cast

from pytest_agentready.cli.refusal import Refusal

if TYPE_CHECKING:
    from pytest_agentready.domain import Profile

EPILOG = """\
A wider profile contains the narrower ones. What the mark of a tool states may bring a check of `strict`
into `standard`; such a check is listed in both.

example:
  pytest-agentready list --profile checklist
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "list",
        help="the checks: id, slug, severity, profile, and what fails them",
        description="List the checks: id, slug, severity, the narrowest profile that it is in, and what fails it.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--profile", help="only what runs in this profile: checklist, standard or strict")
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> None:
    from pytest_agentready.domain import PROFILES, did_you_mean
    from pytest_agentready.registry import Registry, Unloadable
    from pytest_agentready.reports import explain

    if given.profile is not None and given.profile not in PROFILES:
        known = ", ".join(PROFILES)
        raise Refusal(f"There is no profile {given.profile!r}.{did_you_mean(given.profile, PROFILES)} Known: {known}.")
    profile = cast("Profile", given.profile or PROFILES[-1])
    try:
        checks = [check for check in Registry().checks if check.may_be_in(profile)]
    except Unloadable as problem:
        raise Refusal(str(problem)) from problem
    print(explain.listing(checks), end="")
