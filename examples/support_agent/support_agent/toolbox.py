"""Carries out what the model asks for. Whatever goes wrong is an answer that the model can read, and no exception."""

import asyncio
import inspect
import json
from typing import Any

from pydantic import TypeAdapter

from support_agent import tools
from support_agent.patterns.results import ToolResult
from support_agent.patterns.tracing import tool_call

TOOLS = {
    tool.__name__: tool
    for tool in (tools.get_order_status, tools.get_delivery_status, tools.search_knowledge_base, tools.send_email, tools.refund_order)
}
LONGEST = 12_000  # characters of a result that the model reads
FAILURES = 3  # in a row, and the services are taken to be down


class ServicesDown(Exception):
    """Calling on would only cost money."""


class Toolbox:
    """The tools of one conversation, and what has become of its calls so far."""

    def __init__(self) -> None:
        self._refused: dict[str, str] = {}  # calls that failed for good, with their answers
        self._failures = 0

    def run(self, name: str, arguments: Any) -> str:
        """Raises ServicesDown after several failures in a row."""
        key = json.dumps([name, arguments], sort_keys=True, default=str)
        if key in self._refused:
            return self._refused[key]
        result = self._result(name, arguments)
        text = result.model_dump_json(exclude_none=True)
        if result.status == "error" and not result.retry_safe:
            self._refused[key] = text
        self._failures = self._failures + 1 if result.error_type in ("transient", "rate_limit") else 0
        if self._failures >= FAILURES:
            raise ServicesDown(result.message)
        return text if len(text) <= LONGEST else f"{text[:LONGEST]} [cut: {len(text)} characters in all]"

    def _result(self, name: str, arguments: Any) -> ToolResult:
        if name not in TOOLS:
            return ToolResult.permanent(f"There is no tool {name!r}. There are: {', '.join(TOOLS)}.")
        if not isinstance(arguments, dict):
            return ToolResult.permanent("The arguments are no JSON object. Write them anew.")
        with tool_call(name, arguments) as call:
            result = TOOLS[name](**arguments)
            return call.returned(asyncio.run(result) if inspect.isawaitable(result) else result)


def described() -> list[tuple[str, str, dict[str, Any]]]:
    """Name, description and JSON Schema of each tool."""
    found = []
    for name, tool in TOOLS.items():
        schema = TypeAdapter(inspect.unwrap(tool)).json_schema()
        found.append((name, inspect.getdoc(tool) or "", schema))
    return found
