"""A module's registry hides its other functions: the summary says which, and how to have them examined."""

from __future__ import annotations

import pytest

from tests.project import PASS, Project

SHOP = "def buy():\n    pass\ndef sell():\n    pass\ndef lend():\n    pass\ndef _own():\n    pass\nTOOLS = [buy]\n"
TOLD = "*not examined: 2 public functions of other that are not in its registry TOOLS: sell, lend. Name such a tool as*"


@pytest.mark.parametrize("args", [("-n", "2"), ("-p", "no:xdist")])
def test_the_functions_beside_a_registry_are_named(project: Project, args: tuple[str, ...]) -> None:
    project.check("tidy", PASS)
    project.pytester.makepyfile(other=SHOP)
    result = project.run_apart("--agentready-tools", "other", *args)
    assert result.ret == pytest.ExitCode.OK
    text = " ".join(" ".join(result.outlines).split())
    assert text.count(TOLD.strip("*")) == 1, text
    assert "`other:sell`" in text


@pytest.mark.parametrize("targets", [("other:TOOLS",), ("other:sell", "other:lend", "other"), ("plain",)])
def test_nothing_is_said_where_nothing_is_hidden(project: Project, targets: tuple[str, ...]) -> None:
    project.check("tidy", PASS)
    project.pytester.makepyfile(other=SHOP, plain="def one():\n    pass\n")
    args = [part for target in targets for part in ("--agentready-tools", target)]
    project.run_apart(*args).stdout.no_fnmatch_line("*not examined:*")
