"""Enters a world whose model follows a script, with what the tests of models have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pytest_agentready.domain import Run
from pytest_agentready.script import Model
from pytest_agentready.world import Backend, observe
from pytest_agentready.world.leftovers import collected
from tests.world.entering import FAULT

ASK: Any = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Where is order 7?"}]
USER: Any = [{"role": "user", "content": "Where is order 7?"}]
PARAMETERS = {"type": "object", "properties": {"order_id": {"type": "string"}}, "required": ["order_id"]}
CHAT_TOOLS: Any = [{"type": "function", "function": {"name": "get_order", "description": "An order's state.", "parameters": PARAMETERS}}]
RESPONSES_TOOLS: Any = [{"type": "function", "name": "get_order", "description": "An order's state.", "parameters": PARAMETERS}]
ANTHROPIC_TOOLS: Any = [{"name": "get_order", "description": "An order's state.", "input_schema": PARAMETERS}]
Loop = Callable[..., Any]
DONE = "It is on its way."


def ask(loop: Loop, *steps: Any, backend: object = None, fault: str = "", **arguments: Any) -> Run:
    """One run of the loop, its model following the script."""
    with collected(loop):
        return observe(
            loop,
            arguments,
            backend=Backend.parse(backend or {}),
            fault=FAULT[fault] if fault else None,
            respond=Model(*steps),
        )


def conversation(run: Run, call_number: int = -1) -> list[tuple[str, str, list[str]]]:
    return [(message.role, message.text, [call.name for call in message.calls]) for message in run.model_calls[call_number].messages]


def used(client: Any) -> Any:
    return client.chat.completions.create(model="gpt-5.1", messages=ASK).usage
