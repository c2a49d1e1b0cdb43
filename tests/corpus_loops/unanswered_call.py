"""AR707: loops that mix up or forget one of several calls at once, beside those that answer each under its id."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any

import anthropic
import httpx
import openai
import requests

from tests.corpus_loops import labelled

API = "https://api.example.com"
FACTS = {"backend": {"GET https://api.example.com/orders/{id}": {"status": "shipped", "carrier": "Post"}}}
NOTHING = {"backend": {"GET https://api.example.com/orders/{id}": {"count": 3}}}
ORDER: dict[str, Any] = {"type": "object", "properties": {"order_id": {"type": "string"}}, "required": ["order_id"]}
CHAT: list[Any] = [{"type": "function", "function": {"name": "get_order", "description": "The state of an order.", "parameters": ORDER}}]
RESPONSES: list[Any] = [{"type": "function", "name": "get_order", "description": "The state of an order.", "parameters": ORDER}]
CLAUDE: list[Any] = [{"name": "get_order", "description": "The state of an order.", "input_schema": ORDER}]
TOO_MANY = "I could not finish this, it took too many steps."


def get_order(order_id: str) -> str:
    try:
        return requests.get(f"{API}/orders/{order_id}", timeout=5).text
    except requests.RequestException as failure:
        return f"error: {failure}"


def count_of(order_id: str) -> str:
    return f"{requests.get(f'{API}/orders/{order_id}', timeout=5).json()['count']} parcels"


# --- the fault ---------------------------------------------------------------------------------------------------------


@labelled(FACTS, AR707="failed")
def the_first_call_alone(question: str) -> str:
    client = anthropic.Anthropic()
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(10):
        answer = client.messages.create(model="claude-sonnet-5", max_tokens=900, messages=messages, tools=CLAUDE)
        messages.append({"role": "assistant", "content": answer.content})
        call = next((block for block in answer.content if block.type == "tool_use"), None)
        if call is None:
            return "".join(block.text for block in answer.content if block.type == "text")
        result = {"type": "tool_result", "tool_use_id": call.id, "content": get_order(**call.input)}  # type: ignore[arg-type]
        messages.append({"role": "user", "content": [result]})
    return TOO_MANY


@labelled(FACTS, AR707="failed")
async def as_they_are_ready(question: str) -> str:
    """The results are put under the ids in the order in which they came."""
    messages: list[Any] = [{"role": "user", "content": question}]
    async with openai.AsyncOpenAI() as client, httpx.AsyncClient(timeout=5) as http:

        async def look_up(arguments: str) -> str:
            return (await http.get(f"{API}/orders/{json.loads(arguments)['order_id']}")).text

        for _ in range(10):
            done = await client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT)
            message = done.choices[0].message
            messages.append(message)
            calls = [call for call in message.tool_calls or () if call.type == "function"]
            if not calls:
                return message.content or ""
            results = [await run for run in asyncio.as_completed([look_up(call.function.arguments) for call in calls])]
            for call, result in zip(calls, results, strict=True):
                messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
    return TOO_MANY


@labelled(FACTS, AR707="failed")
def by_threads_as_they_are_ready(question: str) -> str:
    client = openai.OpenAI()
    items: list[Any] = [{"role": "user", "content": question}]
    for _ in range(10):
        answer = client.responses.create(model="gpt-5.1", input=items, tools=RESPONSES)
        calls = [item for item in answer.output if item.type == "function_call"]
        if not calls:
            return answer.output_text
        items += answer.output
        with ThreadPoolExecutor(4) as pool:
            running = [pool.submit(get_order, **json.loads(call.arguments)) for call in calls]
            ready = [future.result() for future in as_completed(running)]
        items += [
            {"type": "function_call_output", "call_id": call.call_id, "output": output} for call, output in zip(calls, ready, strict=True)
        ]
    return TOO_MANY


@labelled(FACTS, AR707="failed")
def the_answer_of_the_model_with_each(question: str) -> str:
    """The message of the assistant stands there once for each of its calls, and the others are open each time."""
    client = openai.OpenAI()
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(10):
        message = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT).choices[0].message
        if not message.tool_calls:
            return message.content or ""
        for call in message.tool_calls:
            assert call.type == "function"
            messages.append(message)
            messages.append({"role": "tool", "tool_call_id": call.id, "content": get_order(**json.loads(call.function.arguments))})
    return TOO_MANY


@labelled(FACTS, AR707="failed")
def streamed_into_one(question: str) -> str:
    """Parts of the arguments of all calls end up in one text: it knows no index."""
    client = openai.OpenAI()
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(10):
        text, id, name, arguments = "", "", "", ""
        for chunk in client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT, stream=True):
            delta = chunk.choices[0].delta
            text += delta.content or ""
            for part in delta.tool_calls or ():
                assert part.function is not None
                id, name, arguments = part.id or id, part.function.name or name, arguments + (part.function.arguments or "")
        if not name:
            return text
        call = {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}
        output = get_order(**json.loads(arguments))
        messages += [{"role": "assistant", "tool_calls": [call]}, {"role": "tool", "tool_call_id": id, "content": output}]
    return TOO_MANY


@labelled(FACTS, AR707="failed")
def once_more_for_the_record(question: str) -> str:
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(10):
        body = {"model": "gpt-5.1", "messages": messages, "tools": CHAT}
        answer = requests.post("https://api.openai.com/v1/chat/completions", json=body, timeout=30).json()
        message = answer["choices"][0]["message"]
        messages.append(message)
        calls = message.get("tool_calls") or []
        if not calls:
            return str(message["content"])
        results = []
        for call in calls:
            results.append({"role": "tool", "tool_call_id": call["id"], "content": get_order(**json.loads(call["function"]["arguments"]))})
            messages += results
    return TOO_MANY


@labelled(FACTS, AR707="failed")
def the_last_one_for_all(question: str) -> str:
    """What is to be done is put off until the loop over the calls has come to its last."""
    client = openai.OpenAI()
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(10):
        message = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT).choices[0].message
        messages.append(message)
        calls = [call for call in message.tool_calls or () if call.type == "function"]
        if not calls:
            return message.content or ""
        jobs = {}
        for call in calls:
            jobs[call.id] = lambda: get_order(**json.loads(call.function.arguments))
        with ThreadPoolExecutor(4) as pool:
            running = {id: pool.submit(job) for id, job in jobs.items()}
        messages += [{"role": "tool", "tool_call_id": id, "content": one.result()} for id, one in running.items()]
    return TOO_MANY


# --- look-alikes -------------------------------------------------------------------------------------------------------


@labelled({"backend": {"GET https://api.example.com/floors/{floor}": {"desks": 7}}}, AR707="passed")
def nothing_but_an_enum(question: str) -> str:
    """Other values than those that the schema lists are refused, so these have to do."""
    floors = ["ground", "first", "second"]
    schema = {"type": "object", "properties": {"floor": {"type": "string", "enum": floors}}, "required": ["floor"]}
    client = anthropic.Anthropic()
    messages: list[Any] = [{"role": "user", "content": question}]
    tools: list[Any] = [{"name": "free_desks", "description": "Free desks of a floor.", "input_schema": schema}]
    for _ in range(10):
        answer = client.messages.create(model="claude-sonnet-5", max_tokens=900, messages=messages, tools=tools)
        messages.append({"role": "assistant", "content": answer.content})
        results: list[Any] = []
        for block in answer.content:
            if block.type == "tool_use":
                floor = block.input.get("floor")
                output = requests.get(f"{API}/floors/{floor}", timeout=5).text if floor in floors else f"There are {floors}."
                results.append({"type": "tool_result", "tool_use_id": block.id, "content": output})
        if not results:
            return "".join(block.text for block in answer.content if block.type == "text")
        messages.append({"role": "user", "content": results})
    return TOO_MANY


@labelled(FACTS, AR707="passed")
async def gathered(question: str) -> str:
    messages: list[Any] = [{"role": "user", "content": question}]
    async with openai.AsyncOpenAI() as client, httpx.AsyncClient(timeout=5) as http:

        async def look_up(arguments: str) -> str:
            return (await http.get(f"{API}/orders/{json.loads(arguments)['order_id']}")).text

        for _ in range(10):
            done = await client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT)
            message = done.choices[0].message
            messages.append(message)
            calls = [call for call in message.tool_calls or () if call.type == "function"]
            if not calls:
                return message.content or ""
            results = await asyncio.gather(*(look_up(call.function.arguments) for call in calls))
            for call, result in zip(calls, results, strict=True):
                messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
    return TOO_MANY


@labelled(FACTS, AR707="passed")
def by_threads_that_know_their_call(question: str) -> str:
    """The results stand in the order in which they were ready, each under its own id: that is allowed."""
    client = anthropic.Anthropic()
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(10):
        answer = client.messages.create(model="claude-sonnet-5", max_tokens=900, messages=messages, tools=CLAUDE)
        messages.append({"role": "assistant", "content": answer.content})
        calls = [block for block in answer.content if block.type == "tool_use"]
        if not calls:
            return "".join(block.text for block in answer.content if block.type == "text")
        with ThreadPoolExecutor(4) as pool:
            running = {pool.submit(get_order, **call.input): call.id for call in calls}  # type: ignore[arg-type]
            results = [{"type": "tool_result", "tool_use_id": running[one], "content": one.result()} for one in as_completed(running)]
        messages.append({"role": "user", "content": results})
    return TOO_MANY


@labelled(FACTS, AR707="passed")
def kept_by_the_provider(question: str) -> str:
    client = openai.OpenAI()
    answer = client.responses.create(model="gpt-5.1", input=question, tools=RESPONSES)
    for _ in range(10):
        outputs: list[Any] = [
            {"type": "function_call_output", "call_id": item.call_id, "output": get_order(**json.loads(item.arguments))}
            for item in answer.output
            if item.type == "function_call"
        ]
        if not outputs:
            return answer.output_text
        answer = client.responses.create(model="gpt-5.1", input=outputs, tools=RESPONSES, previous_response_id=answer.id)
    return TOO_MANY


@labelled(FACTS, AR707="passed")
def streamed_by_index(question: str) -> str:
    client = openai.OpenAI()
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(10):
        text, calls = "", {}
        for chunk in client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT, stream=True):
            delta = chunk.choices[0].delta
            text += delta.content or ""
            for part in delta.tool_calls or ():
                assert part.function is not None
                call = calls.setdefault(part.index, {"id": part.id, "type": "function", "function": {"name": "", "arguments": ""}})
                call["function"]["name"] += part.function.name or ""
                call["function"]["arguments"] += part.function.arguments or ""
        if not calls:
            return text
        messages.append({"role": "assistant", "tool_calls": [*calls.values()]})
        for call in calls.values():
            messages.append({"role": "tool", "tool_call_id": call["id"], "content": get_order(**json.loads(call["function"]["arguments"]))})
    return TOO_MANY


@labelled(FACTS, AR707="passed")
def one_at_a_time_by_its_own_choice(question: str) -> str:
    """What it does not carry out is not in the history either: the model may ask for it again."""
    client = openai.OpenAI()
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(10):
        message = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT).choices[0].message
        if not message.tool_calls:
            return message.content or ""
        call = message.tool_calls[0]
        assert call.type == "function"
        messages.append({"role": "assistant", "content": message.content, "tool_calls": [call.model_dump()]})
        messages.append({"role": "tool", "tool_call_id": call.id, "content": get_order(**json.loads(call.function.arguments))})
    return TOO_MANY


@labelled(FACTS, AR707="passed")
def one_answer_and_no_more_tools(question: str) -> str:
    client = openai.OpenAI()
    messages: list[Any] = [{"role": "user", "content": question}]
    message = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT).choices[0].message
    if not message.tool_calls:
        return message.content or ""
    messages.append(message)
    for call in message.tool_calls:
        assert call.type == "function"
        messages.append({"role": "tool", "tool_call_id": call.id, "content": get_order(**json.loads(call.function.arguments))})
    return client.chat.completions.create(model="gpt-5.1", messages=messages).choices[0].message.content or ""


@labelled(FACTS, AR707="passed")
def no_more_than_one_of_them(question: str) -> str:
    """Each of the others is told that it was too many: no result is anybody else's."""
    client = openai.OpenAI()
    messages: list[Any] = [{"role": "user", "content": question}]
    made = 0
    for _ in range(10):
        message = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT).choices[0].message
        messages.append(message)
        if not message.tool_calls:
            return message.content or ""
        for number, call in enumerate(message.tool_calls):
            assert call.type == "function"
            made += 1
            output = "limit of calls reached" if number or made > 2 else get_order(**json.loads(call.function.arguments))
            messages.append({"role": "tool", "tool_call_id": call.id, "content": output})
    return TOO_MANY


@labelled(FACTS, AR707="not_applicable")
def one_call_at_a_time(question: str) -> str:
    client = openai.OpenAI()
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(10):
        done = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT, parallel_tool_calls=False)
        message = done.choices[0].message
        messages.append(message)
        if not message.tool_calls:
            return message.content or ""
        (call,) = message.tool_calls
        assert call.type == "function"
        messages.append({"role": "tool", "tool_call_id": call.id, "content": get_order(**json.loads(call.function.arguments))})
    return TOO_MANY


@labelled(FACTS, AR707="not_applicable")
def claude_is_told_to_make_one(question: str) -> str:
    client = anthropic.Anthropic()
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(10):
        answer = client.messages.create(
            model="claude-sonnet-5",
            max_tokens=900,
            messages=messages,
            tools=CLAUDE,
            tool_choice={"type": "auto", "disable_parallel_tool_use": True},
        )
        messages.append({"role": "assistant", "content": answer.content})
        call = next((block for block in answer.content if block.type == "tool_use"), None)
        if call is None:
            return "".join(block.text for block in answer.content if block.type == "text")
        result = {"type": "tool_result", "tool_use_id": call.id, "content": get_order(**call.input)}  # type: ignore[arg-type]
        messages.append({"role": "user", "content": [result]})
    return TOO_MANY


@labelled(NOTHING, AR707="unproven")
def the_same_for_everything(question: str) -> str:
    client = openai.OpenAI()
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(10):
        message = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT).choices[0].message
        messages.append(message)
        if not message.tool_calls:
            return message.content or ""
        for call in message.tool_calls:
            assert call.type == "function"
            messages.append({"role": "tool", "tool_call_id": call.id, "content": count_of(**json.loads(call.function.arguments))})
    return TOO_MANY
