"""AR801 and AR802: loops whose calls leave no span, or fewer than there are calls, beside those in which each has one."""

from __future__ import annotations

import asyncio
import functools
import json
from collections.abc import Callable
from typing import Any, TypeVar

import anthropic
import httpx
import openai
import requests
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanKind

from tests.corpus_loops import labelled

API = "https://api.example.com"
FACTS = {
    "backend": {
        "GET https://api.example.com/orders/{id}": {"status": "shipped"},
        "GET https://api.example.com/parcels/{id}": {"place": "Vienna"},
    }
}
ORDER: dict[str, Any] = {"type": "object", "properties": {"order_id": {"type": "string"}}, "required": ["order_id"]}
CHAT: list[Any] = [{"type": "function", "function": {"name": "get_order", "description": "The state of an order.", "parameters": ORDER}}]
PARCEL: list[Any] = [{"type": "function", "function": {"name": "find_parcel", "description": "Where a parcel is.", "parameters": ORDER}}]
CLAUDE: list[Any] = [{"name": "get_order", "description": "The state of an order.", "input_schema": ORDER}]
TOO_MANY = "I could not finish this, it took too many steps."

tracer = trace.get_tracer("support")
Function = TypeVar("Function", bound=Callable[..., Any])


def get_order(order_id: str) -> str:
    return httpx.get(f"{API}/orders/{order_id}", timeout=5).raise_for_status().text


def find_parcel(order_id: str) -> str:
    answer = requests.get(f"{API}/parcels/{order_id}", timeout=5)
    answer.raise_for_status()
    return answer.text


def told(span: Any, usage: Any) -> None:
    span.set_attribute("gen_ai.usage.input_tokens", usage.prompt_tokens)
    span.set_attribute("gen_ai.usage.output_tokens", usage.completion_tokens)


def chat(client: openai.OpenAI, messages: list[Any], tools: list[Any]) -> Any:
    """A call of the model in a span by the book."""
    with tracer.start_as_current_span("chat gpt-5.1", kind=SpanKind.CLIENT) as span:
        span.set_attributes({"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-5.1"})
        answer = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=tools)
        told(span, answer.usage)
    return answer.choices[0].message


# --- the fault ---------------------------------------------------------------------------------------------------------


@labelled(FACTS, AR801="failed", AR802="passed", AR803="not_applicable")
def with_one_of_two_tools(question: str) -> str:
    """The second tool came later, and nobody thought of its span."""
    client, messages = openai.OpenAI(), [{"role": "user", "content": question}]
    for _ in range(10):
        message = chat(client, messages, CHAT + PARCEL)
        if not message.tool_calls:
            return str(message.content)
        messages.append(message)
        for call in message.tool_calls:
            arguments = json.loads(call.function.arguments)
            if call.function.name == "get_order":
                with tracer.start_as_current_span("execute_tool get_order") as span:
                    span.set_attributes({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "get_order"})
                    result = get_order(**arguments)
            else:
                result = find_parcel(**arguments)
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
    return TOO_MANY


@labelled(FACTS, AR801="failed", AR802="failed", AR803="not_applicable", AR804="not_applicable", AR805="not_applicable")
def with_spans_of_the_http_client_alone(question: str) -> str:
    """As opentelemetry-instrumentation-httpx makes them, and nobody else does."""

    def hook(method: str, url: str, **options: Any) -> Any:
        with tracer.start_as_current_span(method, kind=SpanKind.CLIENT) as span:
            span.set_attributes({"http.request.method": method, "url.full": url, "server.address": "api.example.com"})
            answer = httpx.request(method, url, **options)
            span.set_attribute("http.response.status_code", answer.status_code)
            return answer

    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(10):
        body = {"model": "gpt-5.1", "messages": messages, "tools": CHAT}
        answer = hook("POST", "https://api.openai.com/v1/chat/completions", json=body, timeout=30).json()
        message = answer["choices"][0]["message"]
        messages.append(message)
        if not message.get("tool_calls"):
            return str(message["content"])
        for call in message["tool_calls"]:
            result = hook("GET", f"{API}/orders/{json.loads(call['function']['arguments'])['order_id']}", timeout=5).text
            messages.append({"role": "tool", "tool_call_id": call["id"], "content": result})
    return TOO_MANY


@labelled(FACTS, AR801="failed", AR802="passed")
def with_one_span_for_all_calls_of_an_answer(question: str) -> str:
    client, messages = openai.OpenAI(), [{"role": "user", "content": question}]
    for _ in range(10):
        message = chat(client, messages, CHAT)
        if not message.tool_calls:
            return str(message.content)
        messages.append(message)
        with tracer.start_as_current_span("tool.get_order") as span:
            span.set_attribute("tool.name", "get_order")
            for call in message.tool_calls:
                messages.append({"role": "tool", "tool_call_id": call.id, "content": get_order(**json.loads(call.function.arguments))})
    return TOO_MANY


@labelled(FACTS, AR801="failed", AR802="passed", AR803="not_applicable")
def with_a_span_that_is_left_open(question: str) -> str:
    """It is begun, and ended only where the tool is slow."""
    client, messages = openai.OpenAI(), [{"role": "user", "content": question}]
    for _ in range(10):
        message = chat(client, messages, CHAT)
        if not message.tool_calls:
            return str(message.content)
        messages.append(message)
        for call in message.tool_calls:
            span = tracer.start_span("tool.get_order", attributes={"tool.name": "get_order"})
            result = get_order(**json.loads(call.function.arguments))
            if not result:
                span.end()
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
    return TOO_MANY


@labelled(FACTS, AR801="passed", AR802="failed", AR803="not_applicable", AR804="not_applicable")
def with_the_agents_span_around_the_model(question: str) -> str:
    """The agent's span knows the model, and is one for all its calls."""
    client, messages = openai.OpenAI(), [{"role": "user", "content": question}]
    with tracer.start_as_current_span("invoke_agent support") as agent:
        agent.set_attributes({"gen_ai.operation.name": "invoke_agent", "gen_ai.request.model": "gpt-5.1"})
        for _ in range(10):
            message: Any = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT).choices[0].message  # type: ignore[arg-type]
            if not message.tool_calls:
                return str(message.content)
            messages.append(message)
            for call in message.tool_calls:
                with tracer.start_as_current_span("execute_tool get_order", attributes={"gen_ai.tool.name": "get_order"}):
                    result = get_order(**json.loads(call.function.arguments))
                messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
    return TOO_MANY


@labelled(FACTS, AR801="passed", AR802="failed")
def with_a_guard_that_nobody_sees(question: str) -> str:
    """A small model looks at the question first, beside the instrumented client."""
    client, messages = openai.OpenAI(), [{"role": "user", "content": question}]
    asked: list[Any] = [{"role": "system", "content": "Is this about an order? Say yes or no."}, {"role": "user", "content": question}]
    client.chat.completions.create(model="gpt-5.1-mini", messages=asked)
    for _ in range(10):
        message = chat(client, messages, CHAT)
        if not message.tool_calls:
            return str(message.content)
        messages.append(message)
        for call in message.tool_calls:
            with tracer.start_as_current_span("execute_tool get_order", attributes={"gen_ai.tool.name": "get_order"}):
                result = get_order(**json.loads(call.function.arguments))
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
    return TOO_MANY


@labelled(FACTS, AR801="failed", AR802="not_applicable", AR803="not_applicable", AR804="not_applicable", AR805="not_applicable")
def with_logs_alone(question: str) -> str:
    """No span at all is one finding, and no more."""
    client, messages = openai.OpenAI(), [{"role": "user", "content": question}]
    for _ in range(10):
        message: Any = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT).choices[0].message  # type: ignore[arg-type]
        if not message.tool_calls:
            return str(message.content)
        messages.append(message)
        for call in message.tool_calls:
            print("calling", call.function.name)
            messages.append({"role": "tool", "tool_call_id": call.id, "content": get_order(**json.loads(call.function.arguments))})
    return TOO_MANY


@labelled(AR801="not_applicable", AR802="failed", AR803="not_applicable", AR804="not_applicable", AR805="not_applicable")
def a_single_question_without_a_word(question: str) -> str:
    answer = anthropic.Anthropic().messages.create(
        model="claude-sonnet-5", max_tokens=900, messages=[{"role": "user", "content": question}]
    )
    return "".join(block.text for block in answer.content if block.type == "text")


# --- look-alikes -------------------------------------------------------------------------------------------------------


def observed(kind: str) -> Callable[[Function], Function]:
    """A decorator of the project's own: a span named after the function, and nothing in it."""

    def decorate(function: Function) -> Function:
        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            with tracer.start_as_current_span(f"{kind}.{function.__name__}"):
                return function(*args, **kwargs)

        return wrapper  # type: ignore[return-value]

    return decorate


@observed("llm")
def complete(messages: list[Any]) -> Any:
    body = {"model": "gpt-5.1", "messages": messages, "tools": CHAT + PARCEL}
    return (
        httpx.post("https://api.openai.com/v1/chat/completions", json=body, timeout=30).raise_for_status().json()["choices"][0]["message"]
    )


DECORATED = {"get_order": observed("tool")(get_order), "find_parcel": observed("tool")(find_parcel)}


@labelled(FACTS, AR801="passed", AR802="passed", AR803="passed", AR804="passed", AR805="failed")
def with_a_decorator_of_its_own(question: str) -> str:
    """Names alone: spans they are all the same. What a tool raises leaves its span, and is told to the model."""
    messages: list[Any] = [{"role": "user", "content": question}]
    with tracer.start_as_current_span("support.run"):
        for step in range(10):
            with tracer.start_as_current_span(f"step {step}"):
                message = complete(messages)
                messages.append(message)
                if not message.get("tool_calls"):
                    return str(message["content"])
                for call in message["tool_calls"]:
                    try:
                        result = DECORATED[call["function"]["name"]](**json.loads(call["function"]["arguments"]))
                    except (httpx.HTTPError, requests.RequestException) as failure:
                        result = f"error: {failure}"
                    messages.append({"role": "tool", "tool_call_id": call["id"], "content": result})
    return TOO_MANY


@labelled(FACTS, AR801="passed", AR802="passed", AR803="passed", AR805="passed")
async def with_spans_that_are_never_current(question: str) -> str:
    """OpenInference's attributes, on spans that are begun and ended by hand."""
    messages: list[Any] = [{"role": "user", "content": question}]
    async with openai.AsyncOpenAI() as client, httpx.AsyncClient(timeout=5) as http:

        async def run(call: Any) -> dict[str, Any]:
            span = tracer.start_span(call.function.name)
            span.set_attributes(
                {"openinference.span.kind": "TOOL", "tool.name": call.function.name, "input.value": call.function.arguments}
            )
            try:
                result = (await http.get(f"{API}/orders/{json.loads(call.function.arguments)['order_id']}")).raise_for_status().text
            except httpx.HTTPError as error:
                span.record_exception(error)
                span.set_status(trace.Status(trace.StatusCode.ERROR))
                result = "The order service does not answer."
            finally:
                span.end()
            return {"role": "tool", "tool_call_id": call.id, "content": result}

        for _ in range(10):
            span = tracer.start_span("ChatCompletion", attributes={"openinference.span.kind": "LLM", "llm.model_name": "gpt-5.1"})
            answer = await client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT)
            assert answer.usage is not None
            span.set_attributes({"llm.token_count.prompt": answer.usage.prompt_tokens, "llm.token_count.total": answer.usage.total_tokens})
            span.end()
            message = answer.choices[0].message
            if not message.tool_calls:
                return message.content or ""
            messages.append(message)
            messages += await asyncio.gather(*map(run, message.tool_calls))
    return TOO_MANY


@labelled(FACTS, AR801="passed", AR802="passed", AR803="passed", AR805="passed")
def with_two_instrumentations(question: str) -> str:
    """A framework's spans within another's: each call is told twice, and is one."""
    client, messages = openai.OpenAI(), [{"role": "user", "content": question}]
    for _ in range(10):
        with tracer.start_as_current_span("ChatOpenAI", attributes={"openinference.span.kind": "LLM"}):
            message = chat(client, messages, CHAT)
        if not message.tool_calls:
            return str(message.content)
        messages.append(message)
        for call in message.tool_calls:
            with (
                tracer.start_as_current_span("get_order", attributes={"openinference.span.kind": "TOOL", "tool.name": "get_order"}),
                tracer.start_as_current_span("execute_tool get_order") as span,
            ):
                span.set_attributes({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "get_order"})
                result = get_order(**json.loads(call.function.arguments))
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
    return TOO_MANY


@labelled(FACTS, AR801="passed", AR802="passed", AR803="passed", AR804="passed", AR805="passed")
def with_the_spans_of_the_sdk(question: str) -> str:
    """Anthropic's SDK makes them by itself, and they are worth something where the project has set up OpenTelemetry."""
    client = anthropic.Anthropic()
    messages: list[Any] = [{"role": "user", "content": question}]
    with tracer.start_as_current_span("invoke_agent support") as agent:
        agent.set_attributes({"gen_ai.operation.name": "invoke_agent", "gen_ai.request.model": "claude-sonnet-5"})
        for _ in range(10):
            answer = client.messages.create(model="claude-sonnet-5", max_tokens=900, messages=messages, tools=CLAUDE)
            messages.append({"role": "assistant", "content": answer.content})
            calls = [block for block in answer.content if block.type == "tool_use"]
            if not calls:
                return "".join(block.text for block in answer.content if block.type == "text")
            results = []
            for call in calls:
                with tracer.start_as_current_span("execute_tool get_order", attributes={"gen_ai.tool.name": call.name}):
                    output = get_order(**call.input)  # type: ignore[arg-type]
                results.append({"type": "tool_result", "tool_use_id": call.id, "content": output})
            messages.append({"role": "user", "content": results})
    return TOO_MANY


class Callbacks:
    """Makes the span of a call when that is over, as callbacks of a router do."""

    def on_success(self, answer: Any) -> None:
        with tracer.start_as_current_span("litellm_request", kind=SpanKind.CLIENT) as span:
            span.set_attributes({"gen_ai.operation.name": "chat", "gen_ai.system": "openai", "gen_ai.request.model": answer.model})
            told(span, answer.usage)


@labelled(FACTS, AR801="passed", AR802="passed", AR803="passed", AR804="failed", AR805="passed")
def with_spans_of_a_callback(question: str) -> str:
    """A call that fails is never called back: AR804's matter."""
    client, callbacks = openai.OpenAI(max_retries=0), Callbacks()
    messages: list[Any] = [{"role": "user", "content": question}]
    with tracer.start_as_current_span("invoke_agent support", attributes={"gen_ai.operation.name": "invoke_agent"}):
        for _ in range(10):
            try:
                answer = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT)
            except openai.APIError:
                return "The assistant cannot be reached just now."
            callbacks.on_success(answer)
            message: Any = answer.choices[0].message
            if not message.tool_calls:
                return str(message.content)
            messages.append(message)
            for call in message.tool_calls:
                with tracer.start_as_current_span("execute_tool get_order", attributes={"gen_ai.tool.name": "get_order"}):
                    result = get_order(**json.loads(call.function.arguments))
                messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
    return TOO_MANY


silent = TracerProvider(sampler=ALWAYS_OFF).get_tracer("support")


@labelled(FACTS, AR801="unproven", AR802="unproven", AR803="not_applicable", AR804="not_applicable", AR805="not_applicable")
def with_a_sampler_that_drops_all(question: str) -> str:
    client, messages = openai.OpenAI(), [{"role": "user", "content": question}]
    for _ in range(10):
        with silent.start_as_current_span("chat gpt-5.1", attributes={"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-5.1"}):
            message: Any = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT).choices[0].message  # type: ignore[arg-type]
        if not message.tool_calls:
            return str(message.content)
        messages.append(message)
        for call in message.tool_calls:
            with silent.start_as_current_span("execute_tool get_order", attributes={"gen_ai.tool.name": "get_order"}):
                result = get_order(**json.loads(call.function.arguments))
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
    return TOO_MANY


EXPERT: list[Any] = [{"type": "function", "function": {"name": "ask_expert", "description": "Ask the expert.", "parameters": ORDER}}]


@labelled(FACTS, AR801="passed", AR802="passed", AR803="passed", AR805="passed")
def with_an_agent_in_an_agent(question: str) -> str:
    """The expert is a tool, and has a tool of its own."""
    client = openai.OpenAI()

    def expert(order_id: str) -> str:
        messages: list[Any] = [{"role": "system", "content": "You are the expert."}, {"role": "user", "content": f"Where is {order_id}?"}]
        with tracer.start_as_current_span("invoke_agent expert") as span:
            span.set_attributes({"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "expert", "gen_ai.request.model": "gpt-5.1"})
            return converse(messages, CHAT, {"get_order": get_order})

    def converse(messages: list[Any], tools: list[Any], functions: dict[str, Callable[..., str]]) -> str:
        for _ in range(6):
            message = chat(client, messages, tools)
            if not message.tool_calls:
                return str(message.content)
            messages.append(message)
            for call in message.tool_calls:
                name = call.function.name
                with tracer.start_as_current_span(f"execute_tool {name}") as span:
                    span.set_attributes({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": name})
                    result = functions[name](**json.loads(call.function.arguments))
                messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
        return TOO_MANY

    with tracer.start_as_current_span("invoke_agent front", attributes={"gen_ai.operation.name": "invoke_agent"}):
        return converse([{"role": "user", "content": question}], EXPERT, {"ask_expert": expert})


@labelled(FACTS, AR801="passed", AR802="passed", AR803="passed", AR805="passed")
def with_embeddings_beside(question: str) -> str:
    """The question is embedded and looked at by a traced guard before; neither disturbs the spans of the others."""
    client, messages = openai.OpenAI(), [{"role": "user", "content": question}]
    with tracer.start_as_current_span("embeddings text-embedding-3-small") as span:
        span.set_attributes({"gen_ai.operation.name": "embeddings", "gen_ai.request.model": "text-embedding-3-small"})
        client.embeddings.create(model="text-embedding-3-small", input=question)
    asked: list[Any] = [{"role": "system", "content": "Is this about an order? Say yes or no."}, {"role": "user", "content": question}]
    with tracer.start_as_current_span("guardrail", attributes={"openinference.span.kind": "GUARDRAIL"}):
        chat(client, asked, [{"type": "function", "function": {"name": "flag", "parameters": {"type": "object", "properties": {}}}}])
    for _ in range(10):
        message = chat(client, messages, CHAT)
        if not message.tool_calls:
            return str(message.content)
        messages.append(message)
        for call in message.tool_calls:
            with tracer.start_as_current_span("execute_tool get_order", attributes={"gen_ai.tool.name": "get_order"}):
                result = get_order(**json.loads(call.function.arguments)) if call.function.name == "get_order" else "flagged"
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
    return TOO_MANY


# --- results that the model is told as the user --------------------------------------------------------------------------


def as_an_observation(messages: list[Any], ask: Callable[..., Any], carry_out: Callable[[str], str]) -> str:
    """What a tool says goes into a message of the user's, under no id."""
    client = openai.OpenAI()
    for _ in range(6):
        message = ask(client, messages, CHAT)
        if not message.tool_calls:
            return message.content or ""
        for call in message.tool_calls:
            said = carry_out(json.loads(call.function.arguments)["order_id"])
            messages.append({"role": "assistant", "content": f"Calling {call.function.name}"})
            messages.append({"role": "user", "content": f"Observation: {said}"})
    return TOO_MANY


def untraced(client: openai.OpenAI, messages: list[Any], tools: list[Any]) -> Any:
    return client.chat.completions.create(model="gpt-5.1", messages=messages, tools=tools).choices[0].message


@labelled(FACTS, AR801="failed", AR802="not_applicable")
def observations_and_no_span(question: str) -> str:
    return as_an_observation([{"role": "user", "content": question}], untraced, get_order)


@labelled(FACTS, AR801="failed", AR802="passed")
def observations_and_a_span_of_the_model_alone(question: str) -> str:
    return as_an_observation([{"role": "user", "content": question}], chat, get_order)


@labelled(FACTS, AR801="passed", AR802="passed")
def observations_with_a_span_for_each_call(question: str) -> str:
    def carry_out(order_id: str) -> str:
        with tracer.start_as_current_span("execute_tool get_order") as span:
            span.set_attributes({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "get_order"})
            return get_order(order_id)

    return as_an_observation([{"role": "user", "content": question}], chat, carry_out)
