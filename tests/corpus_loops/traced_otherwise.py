"""AR801 to AR805 together: loops in other manners of tracing, handlers, middlewares, graphs and loops in a thread."""

from __future__ import annotations

import asyncio
import json
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import openai
import requests
from opentelemetry import trace
from opentelemetry.trace import Status, StatusCode

from tests.corpus_loops import labelled

API = "https://api.example.com"
FACTS = {
    "backend": {
        "GET https://api.example.com/orders/{id}": {"status": "shipped"},
        "GET https://api.example.com/stock/{id}": {"left": 3},
    }
}
ID: dict[str, Any] = {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}
TOOLS: list[Any] = [
    {"type": "function", "function": {"name": "order_state", "description": "The state of an order.", "parameters": ID}},
    {"type": "function", "function": {"name": "stock", "description": "What is left of an article.", "parameters": ID}},
]
CLAUDE: list[Any] = [{"name": "order_state", "description": "The state of an order.", "input_schema": ID}]
PATHS = {"order_state": "orders", "stock": "stock"}
STOPPED = "I stop here: this took too many steps."


# --- a handler with callbacks, as frameworks have them -----------------------------------------------------------------


class Handler:
    """Spans by the id of what is run: never current, and with their parents by hand. A failed tool gets a status, and no more."""

    def __init__(self, parent: trace.Span) -> None:
        self._tracer = trace.get_tracer("handler")
        self._parent = trace.set_span_in_context(parent)
        self._open: dict[str, trace.Span] = {}

    def start(self, name: str, **attributes: Any) -> str:
        id = uuid.uuid4().hex
        told = {key.replace("__", "."): value for key, value in attributes.items()}
        self._open[id] = self._tracer.start_span(name, context=self._parent, attributes=told)
        return id

    def end(self, id: str, **attributes: Any) -> None:
        span = self._open.pop(id)
        span.set_attributes({key.replace("__", "."): value for key, value in attributes.items()})
        span.end()

    def error(self, id: str) -> None:
        span = self._open.pop(id)
        span.set_status(StatusCode.ERROR)
        span.end()


@labelled(FACTS, AR801="passed", AR802="passed", AR803="passed", AR804="failed", AR805="passed")
def with_a_handler(question: str) -> str:
    client = openai.OpenAI(max_retries=1)
    messages: list[Any] = [{"role": "user", "content": question}]
    with trace.get_tracer("graph").start_as_current_span("graph", attributes={"openinference.span.kind": "CHAIN"}) as root:
        handler = Handler(root)
        for _ in range(8):
            run = handler.start("ChatOpenAI", openinference__span__kind="LLM", llm__model_name="gpt-5.1")
            try:
                answer = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=TOOLS)
            except openai.OpenAIError as failure:
                handler.error(run)
                return f"The model cannot be reached ({type(failure).__name__})."
            assert answer.usage is not None
            handler.end(
                run, llm__token_count__prompt=answer.usage.prompt_tokens, llm__token_count__completion=answer.usage.completion_tokens
            )
            message: Any = answer.choices[0].message
            messages.append(message)
            if not message.tool_calls:
                return str(message.content)
            for call in message.tool_calls:
                run = handler.start(call.function.name, openinference__span__kind="TOOL", tool__name=call.function.name)
                try:
                    found = httpx.get(f"{API}/{PATHS[call.function.name]}/{json.loads(call.function.arguments)['id']}", timeout=4)
                    content = found.raise_for_status().text
                    handler.end(run, output__value=content)
                except httpx.HTTPError as failure:
                    content = f"failed: {failure}"
                    handler.error(run)
                messages.append({"role": "tool", "tool_call_id": call.id, "content": content})
    return STOPPED


# --- middlewares around everything -------------------------------------------------------------------------------------

Next = Callable[[dict[str, Any]], dict[str, Any]]


def tracing(request: dict[str, Any], proceed: Next) -> dict[str, Any]:
    """One middleware for models and tools: `kind` and `name` are words of this project alone."""
    with trace.get_tracer("agent").start_as_current_span(f"turn.{request['kind']}") as span:
        span.set_attributes({"kind": request["kind"], "name": request["name"]})
        answer = proceed(request)
        if "problem" in answer:
            span.add_event("exception", {"exception.type": answer["problem"], "exception.message": answer["content"]})
            span.set_status(Status(StatusCode.ERROR, answer["problem"]))
        return answer


def calling_the_model(request: dict[str, Any]) -> dict[str, Any]:
    body = {"model": "gpt-5.1", "messages": request["messages"], "tools": TOOLS}
    try:
        answer = requests.post("https://api.openai.com/v1/chat/completions", json=body, timeout=20)
        answer.raise_for_status()
    except requests.RequestException as failure:
        return {"problem": type(failure).__name__, "content": "The model cannot be reached."}
    return dict(answer.json()["choices"][0]["message"])


def calling_a_tool(request: dict[str, Any]) -> dict[str, Any]:
    try:
        answer = requests.get(f"{API}/{PATHS[request['name']]}/{request['arguments']['id']}", timeout=4)
        answer.raise_for_status()
    except requests.RequestException as failure:
        return {"problem": type(failure).__name__, "content": f"error: {failure}"}
    return {"content": answer.text}


@labelled(FACTS, AR801="passed", AR802="passed", AR803="passed", AR804="passed", AR805="failed")
def with_a_middleware(question: str) -> str:
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(8):
        message = tracing({"kind": "model", "name": "gpt-5.1", "messages": messages}, calling_the_model)
        if "problem" in message:
            return str(message["content"])
        messages.append(message)
        if not message.get("tool_calls"):
            return str(message["content"])
        for call in message["tool_calls"]:
            wanted = {"kind": "tool", "name": call["function"]["name"], "arguments": json.loads(call["function"]["arguments"])}
            result = tracing(wanted, calling_a_tool)["content"]
            messages.append({"role": "tool", "tool_call_id": call["id"], "content": result})
    return STOPPED


# --- an event loop of its own, in a thread -----------------------------------------------------------------------------


class Background:
    """Keeps asyncio away from a synchronous program."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, name="background", daemon=True)
        self.thread.start()

    def run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(120)

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


async def ask_soon(messages: list[Any]) -> Any:
    with trace.get_tracer("bg").start_as_current_span("chat gpt-5.1", attributes={"gen_ai.operation.name": "chat"}) as span:
        async with openai.AsyncOpenAI() as client:
            answer = await client.chat.completions.create(model="gpt-5.1", messages=messages, tools=TOOLS)
        assert answer.usage is not None
        span.set_attributes({"gen_ai.response.model": answer.model, "gen_ai.usage.input_tokens": answer.usage.prompt_tokens})
    return answer.choices[0].message


@labelled(FACTS, AR801="passed", AR802="passed", AR803="passed", AR804="failed", AR805="passed")
def with_a_loop_in_the_background(question: str) -> str:
    """What is called in another thread's loop takes the context along. Who gives up on it leaves the span of a silent model open."""
    background, messages = Background(), [{"role": "user", "content": question}]
    try:
        with trace.get_tracer("bg").start_as_current_span("invoke_agent", attributes={"gen_ai.operation.name": "invoke_agent"}):
            for _ in range(8):
                try:
                    message = background.run(ask_soon(messages))
                except openai.APIError:
                    return "The model cannot be reached."
                if not message.tool_calls:
                    return str(message.content)
                messages.append(message)
                for call in message.tool_calls:
                    try:
                        with trace.get_tracer("bg").start_as_current_span(
                            "execute_tool", attributes={"gen_ai.tool.name": call.function.name}
                        ):
                            id = json.loads(call.function.arguments)["id"]
                            content = httpx.get(f"{API}/{PATHS[call.function.name]}/{id}", timeout=4).raise_for_status().text
                    except httpx.HTTPError as failure:
                        content = f"error: {failure!r}"
                    messages.append({"role": "tool", "tool_call_id": call.id, "content": content})
    finally:
        background.close()
    return STOPPED


# --- nodes of a graph, with retries in the tools -----------------------------------------------------------------------


@dataclass
class State:
    messages: list[Any]
    calls: list[Any] = field(default_factory=list)
    answer: str = ""


@contextmanager
def node(name: str, **attributes: Any) -> Iterator[trace.Span]:
    with trace.get_tracer("nodes").start_as_current_span(name) as span:
        span.set_attributes({key.replace("__", "."): value for key, value in attributes.items()})
        yield span


def think(state: State) -> None:
    """The node is around the model's call and what is made of it; the client is not instrumented."""
    body = {"model": "claude-sonnet-5", "max_tokens": 700, "messages": state.messages, "tools": CLAUDE}
    with node("node.think"):
        headers = {"anthropic-version": "2023-06-01", "x-api-key": "key"}
        answer = httpx.post("https://api.anthropic.com/v1/messages", json=body, headers=headers, timeout=30).raise_for_status().json()
        state.messages.append({"role": "assistant", "content": answer["content"]})
        state.calls = [block for block in answer["content"] if block["type"] == "tool_use"]
        state.answer = "".join(block["text"] for block in answer["content"] if block["type"] == "text")


def act(state: State) -> None:
    """Three attempts, each with a span; only the last one's failure gets out."""
    results = []
    with node("node.act"):
        for call in state.calls:
            try:
                with node("execute_tool order_state", gen_ai__operation__name="execute_tool", gen_ai__tool__name=call["name"]):
                    content = attempted(call["input"]["id"])
            except httpx.HTTPError as failure:
                content = f"error: {failure}"
            results.append({"type": "tool_result", "tool_use_id": call["id"], "content": content})
    state.messages.append({"role": "user", "content": results})


def attempted(id: str) -> str:
    for attempt in range(3):
        try:
            with node("attempt", number=attempt):
                return httpx.get(f"{API}/orders/{id}", timeout=1).raise_for_status().text
        except httpx.HTTPError:
            if attempt == 2:
                raise
    return ""


@labelled(FACTS, AR801="passed", AR802="passed", AR803="passed", AR804="passed", AR805="failed")
def with_nodes(question: str) -> str:
    state = State([{"role": "user", "content": question}])
    with node("graph.run"):
        for _ in range(8):
            try:
                think(state)
            except httpx.HTTPError as failure:
                return f"The model cannot be reached: {type(failure).__name__}."
            if not state.calls:
                return state.answer
            act(state)
    return STOPPED


# --- a generator of events, whose model is wrapped at the transport ----------------------------------------------------


class Traced(httpx.HTTPTransport):
    """The spans of models are made where their requests go out, one for each attempt."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        model = json.loads(request.content)["model"]
        with trace.get_tracer("wire").start_as_current_span("inference") as span:
            span.set_attributes({"gen_ai.system": "openai", "gen_ai.request.model": model})
            answer = super().handle_request(request)
            answer.read()
            if answer.status_code >= 400:
                span.set_attribute("error.type", str(answer.status_code))
                span.set_status(StatusCode.ERROR)
            else:
                usage = answer.json()["usage"]
                span.set_attribute("gen_ai.usage.input_tokens", usage["prompt_tokens"])
                span.set_attribute("gen_ai.usage.output_tokens", usage["completion_tokens"])
            return answer


@labelled(FACTS, AR801="failed", AR802="passed", AR803="not_applicable", AR804="not_applicable", AR805="not_applicable")
def with_spans_at_the_transport(question: str) -> Iterator[str]:
    """The models are told of, each attempt by itself; for the tools there are events of the agent's span, and no spans."""
    client = openai.OpenAI(http_client=httpx.Client(transport=Traced()))
    messages: list[Any] = [{"role": "user", "content": question}]
    with trace.get_tracer("events").start_as_current_span("agent") as span:
        for _ in range(8):
            try:
                message: Any = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=TOOLS).choices[0].message
            except openai.APIError:
                yield "The model cannot be reached."
                return
            if not message.tool_calls:
                yield str(message.content)
                return
            messages.append(message)
            for call in message.tool_calls:
                span.add_event("tool", {"tool.name": call.function.name})
                try:
                    id = json.loads(call.function.arguments)["id"]
                    content = httpx.get(f"{API}/{PATHS[call.function.name]}/{id}", timeout=4).raise_for_status().text
                except httpx.HTTPError as failure:
                    content = f"error: {failure}"
                messages.append({"role": "tool", "tool_call_id": call.id, "content": content})
    yield STOPPED
