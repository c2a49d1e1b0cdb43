"""What the capture of telemetry costs: for each span, and for all that is examined of a loop that makes spans as it should.

python benchmarks/telemetry.py

Shares are of CPU time, with and without in turn, and the least of many rounds counts: other work on the machine only ever adds to it.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from time import thread_time
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT)]

import httpx  # noqa: E402
import openai  # noqa: E402
from opentelemetry.sdk.trace import TracerProvider  # noqa: E402

from pytest_agentready.telemetry import capture  # noqa: E402
from pytest_agentready.world import observe  # noqa: E402
from tests.examining import as_loop, engine  # noqa: E402

SPANS = 300
ROUNDS = 60
LOOPS = 5
MODEL = "gpt-5.1"
BACKEND = {"GET https://api.example.com/orders/{order_id}": {"id": "42", "status": "shipped"}}
PARAMETERS = {"type": "object", "properties": {"order_id": {"type": "string"}}, "required": ["order_id"]}
TOOLS: Any = [{"type": "function", "function": {"name": "get_order", "description": "An order's state.", "parameters": PARAMETERS}}]
tracer = TracerProvider().get_tracer("shop")


def spans() -> float:
    """Microseconds for each span, with one attribute."""
    start = thread_time()
    for _ in range(SPANS):
        with tracer.start_as_current_span("execute_tool get_order") as span:
            span.set_attribute("gen_ai.tool.name", "get_order")
    return (thread_time() - start) / SPANS * 1e6


@contextlib.contextmanager
def blind() -> Iterator[None]:
    """Worlds that see no spans."""
    concerned = capture._concerned
    capture._concerned = lambda: None
    try:
        yield
    finally:
        capture._concerned = concerned


def in_a_world() -> float:
    microseconds = observe(spans, {}).value
    assert isinstance(microseconds, float)
    return microseconds


def in_a_blind_world() -> float:
    with blind():
        return in_a_world()


def get_order(order_id: str) -> str:
    try:
        with tracer.start_as_current_span("execute_tool get_order") as span:
            span.set_attributes({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "get_order"})
            return httpx.get(f"https://api.example.com/orders/{order_id}", timeout=5).raise_for_status().text
    except httpx.HTTPError as failure:
        return f"error: {type(failure).__name__}"


def loop(text: str) -> str:
    """An agent as one would want it: a span for the whole, for each of the model's calls, and for each of a tool's."""
    client = openai.OpenAI()
    messages: list[Any] = [{"role": "user", "content": text}]
    with tracer.start_as_current_span("invoke_agent support", attributes={"gen_ai.operation.name": "invoke_agent"}):
        for _ in range(10):
            with tracer.start_as_current_span(f"chat {MODEL}") as span:
                done = client.chat.completions.create(model=MODEL, messages=messages, tools=TOOLS)
                span.set_attributes({"gen_ai.operation.name": "chat", "gen_ai.request.model": MODEL})
                if done.usage is not None:
                    used = {"input": done.usage.prompt_tokens, "output": done.usage.completion_tokens}
                    span.set_attributes({f"gen_ai.usage.{kind}_tokens": tokens for kind, tokens in used.items()})
            answer = done.choices[0].message
            messages.append(answer)
            if not answer.tool_calls:
                break
            for call in answer.tool_calls:
                result = get_order(**json.loads(call.function.arguments))  # type: ignore[union-attr]
                messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
    return str(answer.content)


def examined(wanted: Callable[[str], bool]) -> float:
    """CPU seconds for these checks of the loop."""
    subject, start = as_loop(loop, {"token_budget": 50_000, "backend": BACKEND}), time.process_time()
    for check in engine().registry.checks:
        if "loop" in check.about and wanted(check.id):
            engine().examine(subject, check)
    seconds = time.process_time() - start
    engine().forget(subject)
    return seconds


def examined_blindly() -> float:
    with blind():
        return examined(lambda check: not check.startswith("AR8"))


def least(rounds: int, *measures: Callable[[], float]) -> list[float]:
    """Of each, taken in turn."""
    return [min(found) for found in zip(*([measure() for measure in measures] for _ in range(rounds)), strict=True)]


def main() -> None:
    os.environ.setdefault("OPENAI_API_KEY", "sk-test")
    print("| what | measured | target |\n|---|---|---|")
    bare, world, seen = least(ROUNDS, spans, in_a_blind_world, in_a_world)
    print(f"| a span of the SDK, outside of a world | {bare:.1f} us | |")
    print(f"| the same in a world that does not look | {world:.1f} us | |")
    print(f"| captured | {seen:.1f} us, {seen - world:.1f} more | at most 20 us more |")
    examined(lambda _: True)  # warm: the SDK's own imports
    others, looking, all_of_them = least(
        LOOPS, examined_blindly, lambda: examined(lambda check: not check.startswith("AR8")), lambda: examined(lambda _: True)
    )
    print(f"| every other check of a loop that makes spans, nothing captured | {others:.2f} s | |")
    print(f"| the same, captured | {looking:.2f} s, {looking / others - 1:+.1%} | |")
    print(f"| with the checks of its telemetry | {all_of_them:.2f} s, {all_of_them / others - 1:+.1%} | at most +10 % |")


if __name__ == "__main__":
    main()
