"""AR803: loops whose threads and queues lose the context, beside those that take it along, and those that begin a trace on purpose."""

from __future__ import annotations

import asyncio
import contextvars
import json
import queue
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anthropic
import httpx
import openai
from opentelemetry import context, trace
from opentelemetry.trace import SpanKind

from tests.corpus_loops import labelled

API = "https://api.example.com"
FACTS = {"backend": {"GET https://api.example.com/orders/{id}": {"status": "shipped"}}}
ORDER: dict[str, Any] = {"type": "object", "properties": {"order_id": {"type": "string"}}, "required": ["order_id"]}
CHAT: list[Any] = [{"type": "function", "function": {"name": "get_order", "description": "The state of an order.", "parameters": ORDER}}]
CLAUDE: list[Any] = [{"name": "get_order", "description": "The state of an order.", "input_schema": ORDER}]
TOO_MANY = "I could not finish this, it took too many steps."
AGENT = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "support"}

tracer = trace.get_tracer(__name__)


def get_order(order_id: str) -> str:
    with tracer.start_as_current_span("execute_tool get_order") as span:
        span.set_attributes({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "get_order"})
        return httpx.get(f"{API}/orders/{order_id}", timeout=5).raise_for_status().text


async def get_order_soon(order_id: str) -> str:
    with tracer.start_as_current_span("execute_tool get_order") as span:
        span.set_attributes({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "get_order"})
        async with httpx.AsyncClient(timeout=5) as http:
            return (await http.get(f"{API}/orders/{order_id}")).raise_for_status().text


def chat(messages: list[Any]) -> Any:
    with tracer.start_as_current_span("chat gpt-5.1", kind=SpanKind.CLIENT) as span:
        span.set_attributes({"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-5.1"})
        answer = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT)
        assert answer.usage is not None
        span.set_attributes({"gen_ai.usage.input_tokens": answer.usage.prompt_tokens, "gen_ai.usage.output_tokens": 7})
    return answer.choices[0].message


async def chat_soon(messages: list[Any]) -> Any:
    with tracer.start_as_current_span("chat gpt-5.1", kind=SpanKind.CLIENT) as span:
        span.set_attributes({"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-5.1"})
        async with openai.AsyncOpenAI() as client:
            answer = await client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT)
    return answer.choices[0].message


def result_of(call: Any, content: str) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call.id, "content": content}


# --- the fault ---------------------------------------------------------------------------------------------------------


@labelled(FACTS, AR801="passed", AR802="passed", AR803="failed")
def in_threads_of_its_own(question: str) -> str:
    messages: list[Any] = [{"role": "user", "content": question}]
    with tracer.start_as_current_span("invoke_agent support", attributes=AGENT):
        for _ in range(10):
            message = chat(messages)
            if not message.tool_calls:
                return str(message.content)
            messages.append(message)
            results: dict[str, str] = {}

            def work(call: Any, results: dict[str, str] = results) -> None:
                results[call.id] = get_order(**json.loads(call.function.arguments))

            threads = [threading.Thread(target=work, args=(call,)) for call in message.tool_calls]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            messages += [result_of(call, results.get(call.id, "error: no answer")) for call in message.tool_calls]
    return TOO_MANY


@labelled(FACTS, AR801="passed", AR802="passed", AR803="failed")
async def in_an_executor(question: str) -> str:
    """run_in_executor, unlike asyncio.to_thread, takes no context along."""
    messages: list[Any] = [{"role": "user", "content": question}]
    with tracer.start_as_current_span("invoke_agent support", attributes=AGENT):
        for _ in range(10):
            message = await chat_soon(messages)
            if not message.tool_calls:
                return str(message.content)
            messages.append(message)
            running = asyncio.get_running_loop()
            asked = [json.loads(call.function.arguments)["order_id"] for call in message.tool_calls]
            found = await asyncio.gather(*(running.run_in_executor(None, get_order, each) for each in asked))
            messages += [result_of(call, content) for call, content in zip(message.tool_calls, found, strict=True)]
    return TOO_MANY


@labelled(FACTS, AR801="passed", AR802="passed", AR803="failed")
async def by_a_worker_behind_a_queue(question: str) -> str:
    """It was started before the agent's span was there."""
    jobs: asyncio.Queue[Any] = asyncio.Queue()

    async def worker() -> None:
        while True:
            order_id, done = await jobs.get()
            try:
                done.set_result(await get_order_soon(order_id))
            except Exception as failure:
                done.set_exception(failure)

    task = asyncio.create_task(worker())
    messages: list[Any] = [{"role": "user", "content": question}]
    try:
        with tracer.start_as_current_span("invoke_agent support", attributes=AGENT):
            for _ in range(10):
                message = await chat_soon(messages)
                if not message.tool_calls:
                    return str(message.content)
                messages.append(message)
                for call in message.tool_calls:
                    done: asyncio.Future[str] = asyncio.get_running_loop().create_future()
                    await jobs.put((json.loads(call.function.arguments)["order_id"], done))
                    messages.append(result_of(call, await done))
    finally:
        task.cancel()
    return TOO_MANY


@labelled(FACTS, AR801="passed", AR802="passed", AR803="failed")
def with_the_model_in_a_thread(question: str) -> str:
    """So that a deadline can be put on it: the tools stay where they are."""
    client, messages = anthropic.Anthropic(), [{"role": "user", "content": question}]
    for _ in range(10):
        with ThreadPoolExecutor(1, thread_name_prefix="model") as pool:
            asked = pool.submit(client.messages.create, model="claude-sonnet-5", max_tokens=900, messages=messages, tools=CLAUDE)
            answer: Any = asked.result(timeout=60)
        messages.append({"role": "assistant", "content": answer.content})
        calls = [block for block in answer.content if block.type == "tool_use"]
        if not calls:
            return "".join(block.text for block in answer.content if block.type == "text")
        results: Any = [{"type": "tool_result", "tool_use_id": call.id, "content": get_order(**call.input)} for call in calls]
        messages.append({"role": "user", "content": results})
    return TOO_MANY


@labelled(FACTS, AR801="passed", AR802="passed", AR803="failed")
def below_a_span_that_is_never_ended(question: str) -> str:
    agent = tracer.start_span("invoke_agent support", attributes=AGENT)
    messages: list[Any] = [{"role": "user", "content": question}]
    with trace.use_span(agent):
        for _ in range(10):
            message = chat(messages)
            if not message.tool_calls:
                return str(message.content)
            messages.append(message)
            messages += [result_of(call, get_order(**json.loads(call.function.arguments))) for call in message.tool_calls]
    agent.end()
    return TOO_MANY


@labelled(FACTS, AR801="passed", AR802="passed", AR803="failed")
def by_a_thread_that_waits_for_work(question: str) -> str:
    jobs: queue.Queue[Any] = queue.Queue()

    def work() -> None:
        while (job := jobs.get()) is not None:
            order_id, found = job
            try:
                found.put(get_order(order_id))
            except httpx.HTTPError as failure:
                found.put(f"error: {failure}")

    thread = threading.Thread(target=work, name="tools", daemon=True)
    thread.start()
    messages: list[Any] = [{"role": "user", "content": question}]
    try:
        for _ in range(10):
            message = chat(messages)
            if not message.tool_calls:
                return str(message.content)
            messages.append(message)
            for call in message.tool_calls:
                found: queue.Queue[str] = queue.Queue()
                jobs.put((json.loads(call.function.arguments)["order_id"], found))
                messages.append(result_of(call, found.get()))
    finally:
        jobs.put(None)
        thread.join()
    return TOO_MANY


# --- look-alikes -------------------------------------------------------------------------------------------------------


@labelled(FACTS, AR801="passed", AR802="passed", AR803="passed")
def in_threads_with_a_copy_for_each(question: str) -> str:
    messages: list[Any] = [{"role": "user", "content": question}]
    with tracer.start_as_current_span("invoke_agent support", attributes=AGENT), ThreadPoolExecutor(4) as pool:
        for _ in range(10):
            message = chat(messages)
            if not message.tool_calls:
                return str(message.content)
            messages.append(message)
            asked = [json.loads(call.function.arguments)["order_id"] for call in message.tool_calls]
            running = [pool.submit(contextvars.copy_context().run, get_order, each) for each in asked]
            messages += [result_of(call, each.result()) for call, each in zip(message.tool_calls, running, strict=True)]
    return TOO_MANY


@labelled(FACTS, AR801="passed", AR802="passed", AR803="passed")
async def with_to_thread(question: str) -> str:
    messages: list[Any] = [{"role": "user", "content": question}]
    with tracer.start_as_current_span("invoke_agent support", attributes=AGENT):
        for _ in range(10):
            message = await chat_soon(messages)
            if not message.tool_calls:
                return str(message.content)
            messages.append(message)
            asked = [json.loads(call.function.arguments)["order_id"] for call in message.tool_calls]
            found = await asyncio.gather(*(asyncio.to_thread(get_order, each) for each in asked))
            messages += [result_of(call, content) for call, content in zip(message.tool_calls, found, strict=True)]
    return TOO_MANY


@labelled(FACTS, AR801="passed", AR802="passed", AR803="passed")
async def with_the_context_on_the_queue(question: str) -> str:
    jobs: asyncio.Queue[Any] = asyncio.Queue()

    async def worker() -> None:
        while True:
            order_id, around, done = await jobs.get()
            token = context.attach(around)
            try:
                done.set_result(await get_order_soon(order_id))
            except Exception as failure:
                done.set_exception(failure)
            finally:
                context.detach(token)

    tasks = [asyncio.create_task(worker()) for _ in range(2)]
    messages: list[Any] = [{"role": "user", "content": question}]
    try:
        with tracer.start_as_current_span("invoke_agent support", attributes=AGENT):
            for _ in range(10):
                message = await chat_soon(messages)
                if not message.tool_calls:
                    return str(message.content)
                messages.append(message)
                waiting = []
                for call in message.tool_calls:
                    waiting.append(asyncio.get_running_loop().create_future())
                    await jobs.put((json.loads(call.function.arguments)["order_id"], context.get_current(), waiting[-1]))
                messages += [result_of(call, await done) for call, done in zip(message.tool_calls, waiting, strict=True)]
    finally:
        for task in tasks:
            task.cancel()
    return TOO_MANY


@labelled(FACTS, AR801="passed", AR802="passed", AR803="passed")
def in_a_trace_of_its_own(question: str) -> str:
    """Each session is a trace by itself, and on purpose: it is whole."""
    messages: list[Any] = [{"role": "user", "content": question}]
    with tracer.start_as_current_span("session", context=context.Context()):
        for _ in range(10):
            message = chat(messages)
            if not message.tool_calls:
                return str(message.content)
            messages.append(message)
            messages += [result_of(call, get_order(**json.loads(call.function.arguments))) for call in message.tool_calls]
    return TOO_MANY


@labelled(FACTS, AR801="passed", AR802="passed", AR803="passed")
async def streamed_by_a_generator(question: str) -> AsyncIterator[str]:
    """Two models at a time: a guard beside the agent, each with its own span."""
    messages: list[Any] = [{"role": "user", "content": question}]

    async def guard() -> str:
        with tracer.start_as_current_span("chat guard", attributes={"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-5.1"}):
            async with openai.AsyncOpenAI() as client:
                asked: list[Any] = [{"role": "user", "content": f"Is this rude? {question}"}]
                return str((await client.chat.completions.create(model="gpt-5.1-mini", messages=asked)).choices[0].message.content)

    async def agent() -> str:
        with tracer.start_as_current_span("invoke_agent support", attributes=AGENT):
            for _ in range(10):
                message = await chat_soon(messages)
                if not message.tool_calls:
                    return str(message.content)
                messages.append(message)
                for call in message.tool_calls:
                    messages.append(result_of(call, await get_order_soon(**json.loads(call.function.arguments))))
            return TOO_MANY

    _, answer = await asyncio.gather(guard(), agent())
    for word in answer.split(" "):
        yield f"{word} "


@labelled(FACTS, AR801="passed", AR802="passed", AR803="passed")
def flat_below_the_caller(question: str) -> str:
    """There is no agent's span: the calls stand beside each other, as the article draws them."""
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(10):
        message = chat(messages)
        if not message.tool_calls:
            return str(message.content)
        messages.append(message)
        messages += [result_of(call, get_order(**json.loads(call.function.arguments))) for call in message.tool_calls]
    return TOO_MANY
