"""What a call of a model costs in the world, through the providers' SDKs, and what a thousand of them leave behind.

python benchmarks/models.py
"""

from __future__ import annotations

import gc
import statistics
import tracemalloc
from collections.abc import Callable
from typing import Any

import anthropic
import openai

from pytest_agentready.domain import Run
from pytest_agentready.script import Model, for_ever
from pytest_agentready.world import observe

RUNS = 60
ASK: Any = [{"role": "user", "content": "Where is order 7?"}]
OPENAI = openai.OpenAI(api_key="x")
ANTHROPIC = anthropic.Anthropic(api_key="x")
Ask = Callable[[], Any]


def chat() -> Any:
    return OPENAI.chat.completions.create(model="gpt-5.1", messages=ASK).choices[0].message.content


def responses() -> Any:
    return OPENAI.responses.create(model="gpt-5.1", input="Where is order 7?").output_text


def messages() -> Any:
    return ANTHROPIC.messages.create(model="claude-sonnet-5", max_tokens=50, messages=ASK).content[0].text


def messages_streamed() -> Any:
    with ANTHROPIC.messages.stream(model="claude-sonnet-5", max_tokens=50, messages=ASK) as stream:
        return stream.get_final_text()


CALLS: dict[str, Ask] = {
    "openai, chat": chat,
    "openai, responses": responses,
    "anthropic": messages,
    "anthropic, streamed": messages_streamed,
}


def ask(loop: Ask) -> Run:
    run = observe(loop, {}, respond=Model(for_ever("It is on its way.")))
    assert run.value
    return run


def times(call: Ask) -> tuple[float, float]:
    """Milliseconds of a run with one call (it connects, and shakes hands), and of each further call in it: medians."""

    def many() -> Any:
        return [call() for _ in range(21)]

    ask(call)
    alone = statistics.median(ask(call).real for _ in range(RUNS)) * 1e3
    together = statistics.median(ask(many).real for _ in range(RUNS // 6)) * 1e3
    return alone, (together - alone) / 20


def left_behind(calls: int = 1_000) -> float:
    """KiB that are held after so many calls, in worlds of fifty, and were not before."""

    def fifty() -> Any:
        return [(chat(), messages()) for _ in range(25)]

    for _ in range(4):
        ask(fifty)
    gc.collect()
    tracemalloc.start()
    ask(fifty)
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(calls // 50):
        ask(fifty)
    gc.collect()
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return (after - before) / 1024


if __name__ == "__main__":
    for name, call in CALLS.items():
        alone, further = times(call)
        print(f"{name:20} {alone:5.1f} ms a run with one call, {further:4.1f} ms each further call")
    print(f"{'a thousand calls':20} {left_behind():5.1f} KiB left behind")
