"""What AR801 says of a tool by itself, whose loop may make its spans."""

from __future__ import annotations

import subprocess
from typing import Any

from tests.examining import as_tool, engine


def commits(path: str) -> dict[str, Any]:
    found = subprocess.run(["git", "-C", path, "log", "-1"], capture_output=True, text=True, timeout=5)
    return {"status": "error" if found.returncode else "success", "data": found.stdout}


def test_a_tool_whose_call_the_world_ends_before_any_span_is_not_judged() -> None:
    verdict = engine().examine(as_tool(commits, {"args": {"path": "."}, "backend": {}}), engine().registry.check("AR801"))
    assert (verdict.outcome.value, verdict.findings) == ("unproven", ())
    assert "a process (git)" in verdict.reason
