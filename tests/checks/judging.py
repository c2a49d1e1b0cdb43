"""Lets one check judge observations that were built by hand: what a real run cannot be brought to show."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pytest_agentready.domain import Finding, Judgement, Tool
from tests.examining import as_tool, engine


def judgements(check: str, **observations: Any) -> list[Judgement]:
    """What the check yields, given the observations that it asks for; `tool` is one without any facts where none is given."""
    judge = engine().registry.check(check).judge
    needs = engine().registry.check(check).needs
    assert judge is not None
    return list(judge(**{name: observations[name] if name in observations else _A_TOOL for name in needs}))


def findings(call: Callable[..., Any], check: str, **facts: Any) -> list[str]:
    """The messages of what the check finds when the tool is really run."""
    return [finding.message for finding in engine().examine(as_tool(call, facts), engine().registry.check(check)).findings]


def messages(found: list[Judgement]) -> list[str]:
    return [judgement.message if isinstance(judgement, Finding) else judgement.reason for judgement in found]


def _nothing() -> None:
    """A tool that nobody calls."""


_A_TOOL: Tool = as_tool(_nothing, {})
