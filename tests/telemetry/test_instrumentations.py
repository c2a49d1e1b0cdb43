"""What the instrumentations of other people tell of a model's call is captured and read in any dialect, and loops get their due."""

from __future__ import annotations

import asyncio
import gc
import json
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anthropic
import httpx
import openai
import pytest
from opentelemetry import trace

from pytest_agentready.domain import Run, Span
from pytest_agentready.script import fail_with, say
from pytest_agentready.telemetry.dialects import Kind, Reading, read
from tests.examining import as_loop, engine, told
from tests.telemetry.instrumentations import ALL, Instrumentation
from tests.world.asking import ANTHROPIC_TOOLS, CHAT_TOOLS, ask

GPT, CLAUDE = "gpt-5.1", "claude-sonnet-5"
HI: Any = [{"role": "user", "content": "Hi"}]
USAGE = {"prompt": 12, "output": 7}
ITS_OWN_SPAN = "com.anthropic.sdk.python"  # the scope of those that the anthropic SDK makes by itself


@pytest.fixture(params=ALL, ids=lambda instrumentation: instrumentation.name)
def instrumentation(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Instrumentation]:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-test")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # their own, about each other
        with request.param.switched_on():
            yield request.param


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """Async clients that nobody has closed are not to be blamed on whatever comes next."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


# -- one call


def chat() -> Any:
    with openai.OpenAI() as client:
        return client.chat.completions.create(model=GPT, messages=HI).choices[0].message.content


def chat_streamed() -> Any:
    with openai.OpenAI() as client:
        asked: Any = {"model": GPT, "messages": HI, "stream": True, "stream_options": {"include_usage": True}}
        return "".join(chunk.choices[0].delta.content or "" for chunk in client.chat.completions.create(**asked) if chunk.choices)


async def chat_async() -> Any:
    async with openai.AsyncOpenAI() as client:
        return (await client.chat.completions.create(model=GPT, messages=HI)).choices[0].message.content


def responses() -> Any:
    with openai.OpenAI() as client:
        return client.responses.create(model=GPT, input="Hi").output_text


def messages() -> Any:
    with anthropic.Anthropic() as client:
        return client.messages.create(model=CLAUDE, max_tokens=100, messages=HI).content[0].text  # type: ignore[union-attr]


def messages_streamed() -> Any:
    with anthropic.Anthropic() as client:
        events = client.messages.create(model=CLAUDE, max_tokens=100, messages=HI, stream=True)
        return "".join(event.delta.text for event in events if event.type == "content_block_delta")  # type: ignore[union-attr]


def messages_stream_manager() -> Any:
    with anthropic.Anthropic() as client, client.messages.stream(model=CLAUDE, max_tokens=100, messages=HI) as stream:
        return "".join(stream.text_stream)


async def messages_async() -> Any:
    async with anthropic.AsyncAnthropic() as client:
        return (await client.messages.create(model=CLAUDE, max_tokens=100, messages=HI)).content[0].text  # type: ignore[union-attr]


CALLS: dict[str, list[Callable[[], Any]]] = {
    "openai": [chat, chat_streamed, chat_async, responses],
    "anthropic": [messages, messages_streamed, messages_stream_manager, messages_async],
}
STREAMED = {messages_streamed, messages_stream_manager}


def of_kind(kind: Kind, spans: tuple[Span, ...]) -> list[Reading]:
    return [found for found in map(read, spans) if found.kind == kind]


def instrumented(run: Run) -> list[Any]:
    """The spans of the model's calls, but for those of the anthropic SDK itself."""
    return [found for found in of_kind("model", run.telemetry.spans) if found.span.scope != ITS_OWN_SPAN]


def test_a_call_of_a_model_is_read_with_its_model_and_its_tokens(instrumentation: Instrumentation) -> None:
    for call in CALLS[instrumentation.sdk]:
        run = ask(call, say("Hello.").using(**USAGE))
        assert run.value == "Hello.", run.raised
        (found,) = instrumented(run)
        assert found.model == (GPT if instrumentation.sdk == "openai" else CLAUDE), call
        assert found.input_tokens == USAGE["prompt"], call
        if not (instrumentation.name == "OpenLLMetry for anthropic" and call in STREAMED):  # which adds up what the stream counts on
            assert found.output_tokens == USAGE["output"], call
        assert found.span.ended is not None
        assert run.telemetry.reaches_root(found.span)
        assert found.span.where.startswith(__file__)


def test_a_call_that_fails_is_one_span_however_often_it_is_sent(instrumentation: Instrumentation) -> None:
    for call in CALLS[instrumentation.sdk]:
        for failure in ("server_error", "timeout"):
            run = ask(call, *[fail_with(failure)] * 3)  # type: ignore[arg-type]
            assert run.raised is not None
            assert len(run.model_calls) == 3
            (found,) = instrumented(run)
            assert found.model == (GPT if instrumentation.sdk == "openai" else CLAUDE), call
            assert found.output_tokens is None
            if not (instrumentation.name == "OpenLLMetry for anthropic" and call is messages_stream_manager):  # which never ends it
                assert found.span.status == "error", call
                assert found.span.ended is not None


def test_nothing_stays_instrumented(instrumentation: Instrumentation) -> None:
    """Each test has its own alone, or the others would count its spans."""
    for call in CALLS[instrumentation.sdk]:
        scopes = {found.span.scope for found in instrumented(ask(call, "Hello."))}
        assert len(scopes) == 1


# -- the SDK of anthropic makes spans of its own


def test_the_sdk_of_anthropic_tells_of_its_calls_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-test")
    for call in CALLS["anthropic"]:
        run = ask(call, say("Hello.").using(**USAGE))
        (found,) = of_kind("model", run.telemetry.spans)
        assert (found.span.scope, found.model, found.input_tokens, found.output_tokens) == (ITS_OWN_SPAN, CLAUDE, 12, 7)
        assert {call.span for call in run.model_calls} == {found.span.id}
        run = ask(call, *[fail_with("server_error")] * 3)
        (found,) = of_kind("model", run.telemetry.spans)
        assert (found.span.status, found.model, {call.span for call in run.model_calls}) == ("error", CLAUDE, {found.span.id})


def test_an_instrumented_call_of_it_has_two_spans(instrumentation: Instrumentation) -> None:
    if instrumentation.sdk != "anthropic":
        pytest.skip("the SDK of openai makes no spans of its own")
    run = ask(messages, "Hello.")
    outer, inner = (found.span for found in of_kind("model", run.telemetry.spans))
    assert (inner.scope, outer.scope == ITS_OWN_SPAN) == (ITS_OWN_SPAN, False)
    beside = instrumentation.name.startswith("OpenLLMetry")  # which does not make its span the current one
    assert inner.parent == (run.telemetry.root if beside else outer.id)
    assert {call.span for call in run.model_calls} == {inner.id}


# -- a loop

ORDERS = {"GET https://api.example.com/orders/{order_id}": {"status": "shipped"}}


def get_order(order_id: str) -> str:
    answer = httpx.get(f"https://api.example.com/orders/{order_id}", timeout=5)
    answer.raise_for_status()
    return answer.text


Conduct = Callable[[str, dict[str, Any]], str]  # how a loop calls a tool: its name, its arguments


def on_openai(conduct: Conduct) -> Callable[[str], str]:
    def loop(text: str) -> str:
        client = openai.OpenAI()
        conversation: Any = [{"role": "user", "content": text}]
        for _ in range(10):
            answer = client.chat.completions.create(model=GPT, messages=conversation, tools=CHAT_TOOLS).choices[0].message
            conversation.append(answer)
            if not answer.tool_calls:
                break
            for call in answer.tool_calls:
                result = conduct(call.function.name, json.loads(call.function.arguments))  # type: ignore[union-attr]
                conversation.append({"role": "tool", "tool_call_id": call.id, "content": result})
        return str(answer.content)

    return loop


def on_anthropic(conduct: Conduct) -> Callable[[str], str]:
    async def loop(text: str) -> str:
        client = anthropic.AsyncAnthropic()
        conversation: Any = [{"role": "user", "content": text}]
        for _ in range(10):
            answer = await client.messages.create(model=CLAUDE, max_tokens=500, messages=conversation, tools=ANTHROPIC_TOOLS)
            conversation.append({"role": "assistant", "content": answer.content})
            calls = [block for block in answer.content if block.type == "tool_use"]
            if not calls:
                break
            results = [await asyncio.to_thread(conduct, block.name, block.input) for block in calls]
            told: Any = zip(calls, results, strict=True)
            blocks: Any = [{"type": "tool_result", "tool_use_id": block.id, "content": result} for block, result in told]
            conversation.append({"role": "user", "content": blocks})
        return "".join(block.text for block in answer.content if block.type == "text")

    return lambda text: asyncio.run(loop(text))


tracer = trace.get_tracer("shop")


def in_genai_words(name: str) -> Any:
    return tracer.start_as_current_span(
        f"execute_tool {name}", attributes={"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": name}
    )


def in_openinference_words(name: str) -> Any:
    return tracer.start_as_current_span(name, attributes={"openinference.span.kind": "TOOL", "tool.name": name})


def in_the_articles_words(name: str) -> Any:
    return tracer.start_as_current_span(f"tool.{name}", attributes={"tool.name": name, "tool.retry_safe": True, "tool.status": "called"})


def in_no_words(name: str) -> Any:
    return tracer.start_as_current_span("step")


TOLD = [in_genai_words, in_openinference_words, in_the_articles_words]


def conducted(traced: Callable[[str], Any]) -> Conduct:
    """An error leaves the span, and is then told to the model."""

    def conduct(name: str, arguments: dict[str, Any]) -> str:
        try:
            with traced(name):
                return get_order(**arguments)
        except httpx.HTTPError as failure:
            return f"error: {type(failure).__name__}"

    return conduct


def with_errors_kept(name: str, arguments: dict[str, Any]) -> str:
    with in_genai_words(name):
        try:
            return get_order(**arguments)
        except httpx.HTTPError as failure:
            return f"error: {type(failure).__name__}"


def in_a_bare_thread(name: str, arguments: dict[str, Any]) -> str:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(conducted(in_genai_words), name, arguments).result()


CONDUCTS: dict[str, list[Conduct]] = {
    "well": [conducted(traced) for traced in TOLD],
    "no tool told": [conducted(in_no_words)],
    "errors kept": [with_errors_kept],
    "context lost": [in_a_bare_thread],
}
# What each check says of a loop that tells of its tools in each of these ways, and has an instrumentation for its model.
SEE_AR801 = {"no tool told": "not_applicable"}
VERDICTS: dict[str, dict[str, str]] = {
    "AR801": {"no tool told": "failed"},
    "AR802": {},
    "AR803": {"context lost": "failed", **SEE_AR801},
    "AR804": {"errors kept": "failed", **SEE_AR801},
    "AR805": SEE_AR801,
}


@pytest.mark.parametrize("way", CONDUCTS)
def test_an_instrumented_loop_gets_the_verdicts_that_it_deserves(way: str, instrumentation: Instrumentation) -> None:
    make = on_openai if instrumentation.sdk == "openai" else on_anthropic
    for conduct in CONDUCTS[way]:
        loop = as_loop(make(conduct), {"backend": ORDERS})
        verdicts = {check.id: engine().examine(loop, check) for check in engine().registry.checks if check.id in VERDICTS}
        found = {check_id: verdict.outcome.value for check_id, verdict in verdicts.items()}
        deserved = {check_id: others.get(way, "passed") for check_id, others in VERDICTS.items()}
        assert found == deserved, "\n".join(f"{check_id} {told(verdict)}" for check_id, verdict in verdicts.items())
        engine().forget(loop)


def test_the_span_of_a_tool_is_read_in_each_dialect() -> None:
    for traced in TOLD:
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("OPENAI_API_KEY", "sk-test")
            run = ask(lambda: _within(traced), "Hello.")
        (found,) = of_kind("tool", run.telemetry.spans)
        assert found.tool == "get_order"
        assert [read(span).kind for span in run.telemetry.spans] == ["tool"]


def _within(traced: Callable[[str], Any]) -> None:
    with traced("get_order"):
        chat()
