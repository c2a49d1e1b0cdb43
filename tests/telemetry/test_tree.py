"""A run as a tree: spans as they were made, and what no span covers as the world saw it."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from pytest_agentready.domain import (
    Conversation,
    Ending,
    Message,
    ModelAnswer,
    ModelCall,
    ModelRequest,
    Request,
    Run,
    Span,
    SpanEvent,
    Telemetry,
    ToolCall,
    Turn,
    Usage,
)
from pytest_agentready.telemetry.tree import drawn

ROOT = 1


def free(calls: Iterable[ModelCall]) -> None:
    return None


def at_a_cent_per_token(calls: Iterable[ModelCall]) -> Decimal:
    return Decimal(sum(call.usage.total for call in calls if call.usage)) / 100


def span(id: int, name: str, began: float, ended: float | None, parent: int = ROOT, **more: Any) -> Span:
    return Span(name, id, 7, parent, began=began, ended=ended, **more)


def tool_span(id: int, name: str, began: float, ended: float, **more: Any) -> Span:
    return span(
        id, f"execute_tool {name}", began, ended, attributes={"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": name}, **more
    )


def asked(at: float, *calls: ToolCall, told: tuple[Message, ...] = (), span: int | None = None, tokens: int = 100) -> ModelCall:
    answer = ModelAnswer("" if calls else "done", calls, Usage(tokens - 10, 10))
    return ModelCall(ModelRequest("openai", "chat", "gpt-5.1", told), answer, at, "agent.py:7", span=span)


def a_get(at: float, status: int | None, span: int | None = None) -> Request:
    return Request("GET", "http://shop.test/orders/42?x=1", (), b"", False, True, status, True, at, "tools.py:3", span=span)


def tree(run: Run, cost: Any = free) -> list[str]:
    return drawn(run, cost).splitlines()


def test_spans_stand_in_their_order_with_their_times_tokens_and_dollars() -> None:
    spans = (
        span(2, "chat gpt-5.1", 0.0, 0.423, attributes={"gen_ai.operation.name": "chat"}),
        tool_span(3, "get_order", 0.5, 0.588),
        span(4, "query", 0.51, 0.52, parent=3),
    )
    run = Run(
        {}, telemetry=Telemetry(spans, root=ROOT), model_calls=(asked(0.1, span=2),), requests=(a_get(0.51, 200, span=4),), virtual=1.5
    )
    assert tree(run, at_a_cent_per_token) == [
        "Trace: 1 model call, 1.5 s of virtual time",
        "├── chat gpt-5.1 [423 ms, 100 tokens, $1.0000]",
        "├── execute_tool get_order [88 ms]",
        "│   └── query [10 ms]",
        "│       └── GET http://shop.test/orders/42 [200, at 0.5 s]",
        "└── answer [100 tokens, $1.0000 in all]",
    ]


def test_what_is_tried_again_after_a_failure_is_counted_until_a_breaker_opens() -> None:
    timeout = {"events": (SpanEvent("exception", {"exception.type": "httpx.ReadTimeout"}),), "status": "error"}
    opened = {"status": "error", "description": "CircuitBreakerError: timeout not elapsed yet"}
    spans = (
        tool_span(2, "get_order", 0.0, 5.0, **timeout),
        tool_span(3, "get_order", 5.0, 10.012, **timeout),
        tool_span(4, "get_order", 10.0, 10.0, **opened),
        tool_span(5, "get_order", 70.0, 70.1),
        tool_span(6, "get_order", 71.0, 71.1),
    )
    assert tree(Run({}, telemetry=Telemetry(spans, root=ROOT)))[1:-1] == [
        "├── execute_tool get_order [5,000 ms, ReadTimeout]",
        "├── execute_tool get_order [5,012 ms, ReadTimeout] → retry #1",
        "├── execute_tool get_order [0 ms, CircuitBreakerError: timeout not elapsed yet] → circuit open",
        "├── execute_tool get_order [100 ms] → retry #2",
        "├── execute_tool get_order [100 ms]",
    ]


def test_a_project_without_spans_gets_the_tree_of_what_the_world_saw() -> None:
    wanted = ToolCall("get_order", '{"id": 42}', "call-1")
    told = (Message("tool", "Traceback (most recent call last): no answer after five seconds", answers="call-1"),)
    run = Run(
        {},
        model_calls=(asked(0.0, wanted), asked(5.1, told=told)),
        requests=(a_get(0.01, None),),
        ending=Ending("runaway", "to call the model", 60),
        virtual=6.0,
    )
    assert tree(run) == [
        "Trace: 2 model calls, 6.0 s of virtual time",
        "├── openai gpt-5.1 [100 tokens]",
        '├── get_order({"id": 42}) → Traceback (most recent call last): no an...',
        "│   └── GET http://shop.test/orders/42 [no answer]",
        "├── openai gpt-5.1 [100 tokens]",
        "└── the world ended it after 60 attempts, still trying to call the model [200 tokens in all]",
    ]


def test_of_many_the_first_and_the_last_are_drawn() -> None:
    lines = tree(Run({}, model_calls=tuple(asked(number / 10) for number in range(60))))
    assert len(lines) == 15
    assert "├── ... 48 more" in lines


def test_the_turns_of_a_conversation_follow_one_another() -> None:
    turns = tuple(Turn("hello", Run({}, model_calls=(asked(0.0),)), "hi") for _ in range(2))
    assert len(drawn(Conversation(turns), free).splitlines()) == 4


def test_a_span_that_never_ended_or_was_not_sampled_says_so() -> None:
    spans = (span(2, "lost", 0.0, None), span(3, "dropped", 0.1, 0.2, sampled=False))
    assert tree(Run({}, telemetry=Telemetry(spans, root=ROOT)))[1:3] == ["├── lost [never ended]", "├── dropped [100 ms, not sampled]"]


def test_where_nothing_happened_nothing_is_drawn() -> None:
    assert drawn(Run({}), free) == ""
