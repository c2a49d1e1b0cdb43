"""Examines a function as the marker would, without pytest around it."""

from __future__ import annotations

import atexit
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from pytest_agentready.adapters.python import adapt, adapt_loop
from pytest_agentready.collect.breaker_marker import BreakerMarks, with_facts
from pytest_agentready.collect.loop_marker import LoopMarks
from pytest_agentready.collect.marker import Marks
from pytest_agentready.domain import AnySubject, Breaker, Check, Facts, Loop, Tool, Verdict
from pytest_agentready.engine import Engine
from pytest_agentready.registry import Registry
from pytest_agentready.world import Backend

ROOT = Path(__file__).parent.parent


@cache
def engine() -> Engine:
    made = Engine(Registry(), ROOT)
    atexit.register(made.close)  # what it has set aside wants to be put back while there are modules to put it into
    return made


def as_tool(function: Callable[..., Any], facts: Mapping[str, Any]) -> Tool:
    given = dict(facts)
    args = given.pop("args", {})
    backend = given.pop("backend", None)
    tool = adapt(function)
    assert tool is not None
    calls = (args,) if isinstance(args, Mapping) else tuple(args)
    return replace(tool, facts=Facts(args=calls, backend=None if backend is None else Backend.parse(backend), **given))


def as_loop(function: Callable[..., Any], facts: Mapping[str, Any]) -> Loop:
    loop = adapt_loop(function)
    assert loop is not None
    return LoopMarks(Marks(engine().registry)).with_facts(loop, facts)


def as_breaker(function: Callable[..., Any], facts: Mapping[str, Any]) -> Breaker:
    return with_facts(BreakerMarks(Marks(engine().registry)).adapted(function), facts)


def as_subject(function: Callable[..., Any], facts: Mapping[str, Any], check: Check) -> AnySubject:
    if "breaker" in check.about:
        return as_breaker(function, facts)
    is_loop = "loop" in check.about and not ("tool" in check.about and "args" in facts)  # of a check of both, which of them the example is
    return as_loop(function, facts) if is_loop else as_tool(function, facts)


def examine(function: Callable[..., Any], facts: Mapping[str, Any]) -> dict[str, Verdict]:
    """The verdict of every check of tools, by its id."""
    tool = as_tool(function, facts)
    return {check.id: engine().examine(tool, check) for check in engine().registry.checks if "tool" in check.about}


def examine_loop(function: Callable[..., Any], facts: Mapping[str, Any]) -> dict[str, Verdict]:
    """The verdict of every check of loops, by its id."""
    loop = as_loop(function, facts)
    return {check.id: engine().examine(loop, check) for check in engine().registry.checks if "loop" in check.about}


def told(verdict: Verdict) -> str:
    """A verdict in words, for the message of a failing assertion."""
    findings = "".join(f"\n  - {finding.message} ({finding.where})" for finding in verdict.findings)
    return f"{verdict.outcome.value}: {verdict.reason}{findings}"
