"""Examines a function as the marker would, without pytest around it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from pytest_agentready.adapters.python import adapt
from pytest_agentready.domain import Facts, Tool, Verdict
from pytest_agentready.engine import Engine
from pytest_agentready.registry import Registry
from pytest_agentready.world import Backend

ROOT = Path(__file__).parent.parent


@cache
def engine() -> Engine:
    return Engine(Registry(), ROOT)


def as_tool(function: Callable[..., Any], facts: Mapping[str, Any]) -> Tool:
    given = dict(facts)
    args = given.pop("args", {})
    backend = given.pop("backend", None)
    tool = adapt(function)
    assert tool is not None
    calls = (args,) if isinstance(args, Mapping) else tuple(args)
    return replace(tool, facts=Facts(args=calls, backend=None if backend is None else Backend.parse(backend), **given))


def examine(function: Callable[..., Any], facts: Mapping[str, Any]) -> dict[str, Verdict]:
    """The verdict of every check, by its id."""
    tool = as_tool(function, facts)
    return {check.id: engine().examine(tool, check) for check in engine().registry.checks}


def told(verdict: Verdict) -> str:
    """A verdict in words, for the message of a failing assertion."""
    findings = "".join(f"\n  - {finding.message} ({finding.where})" for finding in verdict.findings)
    return f"{verdict.outcome.value}: {verdict.reason}{findings}"
