"""What the corpus' gates have in common where that is not the point: the refusal, a key of everything, and the verdicts of a good gate."""

from __future__ import annotations

import hashlib
import json

from pytest_agentready.patterns.results import ToolResult

GATED = {f"AR40{number}": "passed" for number in range(1, 7)}
READS = {"AR401": "passed", **{f"AR40{number}": "not_applicable" for number in range(2, 7)}}
UNGATED = {"AR401": "failed", **{f"AR40{number}": "unproven" for number in range(2, 6)}, "AR406": "not_applicable"}


def refused(what: str) -> ToolResult:
    return ToolResult.permanent(f"CONFIRMATION_REQUIRED: ask the user to confirm: {what}.")


def key_of(tool: str, **arguments: object) -> str:
    return hashlib.sha256(json.dumps([tool, arguments], sort_keys=True).encode()).hexdigest()
