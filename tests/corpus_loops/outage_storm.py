"""AR702: loops that go on while their tools time out, beside those that stop by a budget of errors, a breaker, or an exception."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import anthropic
import httpx
import openai
import pybreaker
import requests

from tests.corpus_loops import labelled

ORDERS = "https://api.example.com/orders"
BACKEND = {"GET https://api.example.com/orders/{id}": {"id": "42", "status": "shipped"}}
FACTS = {"backend": BACKEND, "prices": {"gpt-5.1": {"input": 1.25, "output": 10}}}
PARAMETERS: dict[str, Any] = {"type": "object", "properties": {"order_id": {"type": "string"}}, "required": ["order_id"]}
CHAT_TOOLS: list[Any] = [
    {"type": "function", "function": {"name": "get_order", "description": "The state of an order.", "parameters": PARAMETERS}}
]
RESPONSE_TOOLS: list[Any] = [{"type": "function", "name": "get_order", "description": "The state of an order.", "parameters": PARAMETERS}]
CLAUDE_TOOLS: list[Any] = [{"name": "get_order", "description": "The state of an order.", "input_schema": PARAMETERS}]


def get_order(order_id: str) -> str:
    try:
        return requests.get(f"{ORDERS}/{order_id}", timeout=5).text
    except requests.RequestException as failure:
        return f"The request failed ({type(failure).__name__}). Please try again."


def get_order_or_raise(order_id: str) -> str:
    response = httpx.get(f"{ORDERS}/{order_id}", timeout=5)
    response.raise_for_status()
    return response.text


# --- the fault ---------------------------------------------------------------------------------------------------------


@labelled(FACTS, AR701="failed", AR702="failed")
def as_on_the_night(question: str) -> str:
    client = openai.OpenAI()
    messages: list[Any] = [{"role": "system", "content": "You help customers."}, {"role": "user", "content": question}]
    while True:
        message: Any = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT_TOOLS).choices[0].message
        messages.append(message)
        if not message.tool_calls:
            return message.content or ""
        for call in message.tool_calls:
            messages.append({"role": "tool", "tool_call_id": call.id, "content": get_order(**json.loads(call.function.arguments))})


@labelled(FACTS, AR701="passed", AR702="failed")
def only_successes_count(question: str) -> str:
    """In good health it stops after ten steps; what has failed is not counted as one."""
    client = anthropic.Anthropic()
    messages: list[Any] = [{"role": "user", "content": question}]
    steps = 0
    while steps < 10:
        answer = client.messages.create(model="claude-sonnet-4-6", max_tokens=800, messages=messages, tools=CLAUDE_TOOLS)
        messages.append({"role": "assistant", "content": answer.content})
        results: list[Any] = []
        for block in answer.content:
            if block.type == "tool_use":
                result = get_order(**block.input)  # type: ignore[arg-type]
                steps += not result.startswith("The request failed")
                results.append({"type": "tool_result", "tool_use_id": block.id, "content": result})
        if not results:
            return "".join(block.text for block in answer.content if block.type == "text")
        messages.append({"role": "user", "content": results})
    return "I could not finish this in ten steps."


@labelled(FACTS, AR702="failed")
def with_a_pause_after_each_failure(question: str) -> str:
    """It is slow, and has no end."""
    messages: list[Any] = [{"role": "user", "content": question}]
    with httpx.Client(base_url="https://api.openai.com/v1", timeout=60) as client:
        while True:
            body = {"model": "gpt-5.1", "messages": messages, "tools": CHAT_TOOLS}
            message = client.post("/chat/completions", json=body).json()["choices"][0]["message"]
            messages.append(message)
            if not message.get("tool_calls"):
                return str(message["content"])
            for call in message["tool_calls"]:
                try:
                    result = get_order_or_raise(**json.loads(call["function"]["arguments"]))
                except httpx.HTTPError as failure:
                    time.sleep(30)
                    result = f"error: {failure!r}"
                messages.append({"role": "tool", "tool_call_id": call["id"], "content": result})


@labelled(FACTS, AR701="passed", AR702="failed", AR703="unproven")
def the_tool_is_called_until_it_works(question: str) -> str:
    """The model is not even asked: the loop repeats the call by itself."""
    client = openai.OpenAI()
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(6):
        message: Any = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT_TOOLS).choices[0].message
        messages.append(message)
        if not message.tool_calls:
            return message.content or ""
        for call in message.tool_calls:
            while True:
                try:
                    result = get_order_or_raise(**json.loads(call.function.arguments))
                    break
                except httpx.HTTPError:
                    time.sleep(1)
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
    return "That took too many steps."


@labelled(FACTS, AR702="failed")
async def only_the_same_failure_is_seen(question: str) -> str:
    """It stops at the third failure of one call, and not at the hundredth of many."""
    client = anthropic.AsyncAnthropic()
    messages: list[Any] = [{"role": "user", "content": question}]
    failures: dict[str, int] = {}
    while True:
        async with client.messages.stream(model="claude-sonnet-4-6", max_tokens=800, messages=messages, tools=CLAUDE_TOOLS) as stream:
            answer = await stream.get_final_message()
        messages.append({"role": "assistant", "content": answer.content})
        results: list[Any] = []
        for block in answer.content:
            if block.type == "tool_use":
                key = json.dumps(block.input)
                async with httpx.AsyncClient(timeout=3) as http:
                    try:
                        result = (await http.get(f"{ORDERS}/{block.input['order_id']}")).text  # type: ignore[index]
                    except httpx.HTTPError:
                        failures[key] = failures.get(key, 0) + 1
                        if failures[key] == 3:
                            return "The orders cannot be looked up just now."
                        result = "timed out"
                results.append({"type": "tool_result", "tool_use_id": block.id, "content": result})
        if not results:
            return "".join(block.text for block in answer.content if block.type == "text")
        messages.append({"role": "user", "content": results})


# --- look-alikes -------------------------------------------------------------------------------------------------------


@labelled(FACTS, AR701="failed", AR702="passed")
def with_an_error_budget_alone(question: str) -> str:
    """It has no limit of its steps, which is another cause; of failures it stands three in a row."""
    client = openai.OpenAI()
    items: list[Any] = [{"role": "user", "content": question}]
    failed = 0
    while True:
        answer = client.responses.create(model="gpt-5.1", input=items, tools=RESPONSE_TOOLS)
        calls = [item for item in answer.output if item.type == "function_call"]
        if not calls:
            return answer.output_text
        items += answer.output
        for call in calls:
            output = get_order(**json.loads(call.arguments))
            failed = failed + 1 if output.startswith("The request failed") else 0
            if failed == 3:
                return "The order system does not answer. I have stopped after three attempts."
            items.append({"type": "function_call_output", "call_id": call.call_id, "output": output})


@labelled(FACTS, AR702="passed")
def by_the_exception_of_the_tool(question: str) -> str:
    """The tool's exception ends the loop at once: no word for the user, and no storm."""
    client = openai.OpenAI()
    messages: list[Any] = [{"role": "user", "content": question}]
    while True:
        message: Any = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT_TOOLS).choices[0].message
        messages.append(message)
        if not message.tool_calls:
            return message.content or ""
        for call in message.tool_calls:
            result = get_order_or_raise(**json.loads(call.function.arguments))
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result})


@labelled(FACTS, AR702="passed")
def streamed_with_a_limit(question: str) -> Iterator[str]:
    client = openai.OpenAI()
    previous: str | None = None
    items: list[Any] = [{"role": "user", "content": question}]
    for _ in range(7):
        calls = []
        with client.responses.stream(
            model="gpt-5.1", input=items, tools=RESPONSE_TOOLS, **({"previous_response_id": previous} if previous else {})
        ) as stream:
            for event in stream:
                if event.type == "response.output_text.delta":
                    yield event.delta
            final = stream.get_final_response()
        previous = final.id
        calls = [item for item in final.output if item.type == "function_call"]
        if not calls:
            return
        items = [
            {"type": "function_call_output", "call_id": call.call_id, "output": get_order(**json.loads(call.arguments))} for call in calls
        ]
    yield "I have not found it in seven steps."


class Breaker:
    """Open after three failures in a row; the model is then told to stop, and is given no tools any more."""

    def __init__(self) -> None:
        self.failures = 0

    @property
    def is_open(self) -> bool:
        return self.failures >= 3

    def call(self, order_id: str) -> str:
        try:
            result = get_order_or_raise(order_id)
        except httpx.HTTPError:
            self.failures += 1
            return json.dumps({"status": "error", "error_type": "transient", "retry_safe": True, "message": "no answer"})
        self.failures = 0
        return result


@labelled(FACTS, AR702="passed")
def with_a_breaker_that_takes_the_tools_away(question: str) -> str:
    client = openai.OpenAI()
    breaker = Breaker()
    messages: list[Any] = [{"role": "user", "content": question}]
    while True:
        offered: dict[str, Any] = {} if breaker.is_open else {"tools": CHAT_TOOLS}
        message: Any = client.chat.completions.create(model="gpt-5.1", messages=messages, **offered).choices[0].message
        messages.append(message)
        if not message.tool_calls:
            return message.content or ""
        for call in message.tool_calls:
            messages.append({"role": "tool", "tool_call_id": call.id, "content": breaker.call(**json.loads(call.function.arguments))})


# --- what cannot be seen -----------------------------------------------------------------------------------------------


@labelled(FACTS, AR702="unproven")
def the_tool_has_no_timeout(question: str) -> str:
    """It is the tool that waits for ever: AR202."""
    client = openai.OpenAI()
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(6):
        message: Any = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT_TOOLS).choices[0].message
        messages.append(message)
        if not message.tool_calls:
            return message.content or ""
        for call in message.tool_calls:
            result = requests.get(f"{ORDERS}/{json.loads(call.function.arguments)['order_id']}").text
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
    return "That took too many steps."


@labelled(AR702="unproven", AR703="unproven")
def the_tool_is_a_stub(question: str) -> str:
    client = openai.OpenAI()
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(6):
        message: Any = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT_TOOLS).choices[0].message
        messages.append(message)
        if not message.tool_calls:
            return message.content or ""
        messages += [{"role": "tool", "tool_call_id": call.id, "content": "shipped"} for call in message.tool_calls]
    return "That took too many steps."


@labelled(AR702="not_applicable", AR703="not_applicable")
def a_chat_without_tools(question: str) -> str:
    answer = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=[{"role": "user", "content": question}])
    return answer.choices[0].message.content or ""


# --- a circuit breaker of a library, for the whole process -------------------------------------------------------------

CIRCUIT = pybreaker.CircuitBreaker(fail_max=3, reset_timeout=3_600)
PATIENT = pybreaker.CircuitBreaker(fail_max=1_000, reset_timeout=3_600)


def behind(circuit: pybreaker.CircuitBreaker, question: str) -> str:
    """Steps without a limit; a failure says whether it is for good, and is counted whatever it says."""
    messages: list[Any] = [{"role": "user", "content": question}]
    while True:
        message: Any = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT_TOOLS).choices[0].message
        messages.append(message)
        if not message.tool_calls:
            return message.content or ""
        for call in message.tool_calls:
            try:
                output = circuit.call(get_order_or_raise, str(json.loads(call.function.arguments)["order_id"]))[:5_000]
            except pybreaker.CircuitBreakerError:
                return "The order system does not answer. I have stopped."
            except httpx.HTTPStatusError as failure:
                output = json.dumps(
                    {"status": "error", "retry_safe": failure.response.is_server_error, "message": "the order system refuses"}
                )
            except (httpx.HTTPError, ValueError, LookupError) as failure:
                output = json.dumps({"status": "error", "retry_safe": True, "message": type(failure).__name__})
            messages.append({"role": "tool", "tool_call_id": call.id, "content": output})


@labelled(FACTS, AR701="failed", AR702="passed", AR703="failed", AR707="passed", AR708="passed")
def a_circuit_of_a_library(question: str) -> str:
    """It opens while nobody answers; what is looked at next begins with a closed one."""
    return behind(CIRCUIT, question)


@labelled(FACTS, AR701="failed", AR702="failed", AR703="failed")
def a_circuit_that_never_opens(question: str) -> str:
    return behind(PATIENT, question)
