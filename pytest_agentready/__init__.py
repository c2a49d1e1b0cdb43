"""pytest-agentready proves, before release, that an AI agent's tools survive production.

These are the names that users import. They are loaded when first touched, so that pytest starts without them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_agentready.domain import Check, Effect, Finding, NotApplicable, Severity, Unproven
    from pytest_agentready.patterns.results import ToolResult
    from pytest_agentready.script import (
        call,
        cut_stream,
        fail_with,
        for_ever,
        instruction,
        malformed,
        obey,
        repeat_the_system_prompt,
        say,
        unknown_tool,
    )
    from pytest_agentready.world.faults import Hang
    from pytest_agentready.world.messages import IncomingRequest, Response
    from pytest_agentready.world.statements import DatabaseError, Statement
    from pytest_agentready.world.wire import HTTPFault, WireFault

__version__ = "0.1.0"
__all__ = [
    "Check",
    "DatabaseError",
    "Effect",
    "Finding",
    "HTTPFault",
    "Hang",
    "IncomingRequest",
    "NotApplicable",
    "Response",
    "Severity",
    "Statement",
    "ToolResult",
    "Unproven",
    "WireFault",
    "call",
    "cut_stream",
    "fail_with",
    "for_ever",
    "instruction",
    "malformed",
    "obey",
    "repeat_the_system_prompt",
    "say",
    "unknown_tool",
]

_HOMES = {
    "DatabaseError": "world.statements",
    "HTTPFault": "world.wire",
    "Hang": "world.faults",
    "IncomingRequest": "world.backend",
    "Response": "world.backend",
    "Statement": "world.statements",
    "ToolResult": "patterns.results",
    "WireFault": "world.wire",
    **dict.fromkeys(
        (
            "call",
            "cut_stream",
            "fail_with",
            "for_ever",
            "instruction",
            "malformed",
            "obey",
            "repeat_the_system_prompt",
            "say",
            "unknown_tool",
        ),
        "script",
    ),
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES.get(name, 'domain')}"), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
