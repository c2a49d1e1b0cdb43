"""Loops as users write them, on the providers' SDKs and on plain HTTP: each calls its tool until the model has an answer."""

from __future__ import annotations

import json
from typing import Any

import anthropic
import httpx
import openai
import requests

from tests.world.asking import ANTHROPIC_TOOLS, ASK, CHAT_TOOLS, RESPONSES_TOOLS, USER, Loop


def get_order(order_id: str) -> str:
    return f"Order {order_id} is shipped."


# --- openai, chat completions


def chat(base_url: str | None = None) -> Any:
    with openai.OpenAI(base_url=base_url) as client:
        messages = list(ASK)
        while True:
            answer = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT_TOOLS).choices[0].message
            messages.append(answer.model_dump(exclude_none=True))
            if not answer.tool_calls:
                return answer.content
            for call in answer.tool_calls:
                messages.append({"role": "tool", "tool_call_id": call.id, "content": get_order(**json.loads(call.function.arguments))})


async def chat_async() -> Any:
    async with openai.AsyncOpenAI() as client:
        messages = list(ASK)
        while True:
            done = await client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT_TOOLS)
            answer = done.choices[0].message
            messages.append(answer.model_dump(exclude_none=True))
            if not answer.tool_calls:
                return answer.content
            for call in answer.tool_calls:
                messages.append({"role": "tool", "tool_call_id": call.id, "content": get_order(**json.loads(call.function.arguments))})


def chat_streamed() -> Any:
    with openai.OpenAI() as client:
        messages = list(ASK)
        while True:
            with client.chat.completions.stream(model="gpt-5.1", messages=messages, tools=CHAT_TOOLS) as stream:
                for _ in stream:
                    pass
                answer = stream.get_final_completion().choices[0].message
            messages.append({"role": "assistant", "content": answer.content, "tool_calls": [c.to_dict() for c in answer.tool_calls or ()]})
            if not answer.tool_calls:
                return answer.content
            for call in answer.tool_calls:
                messages.append({"role": "tool", "tool_call_id": call.id, "content": get_order(**json.loads(call.function.arguments))})


async def chat_streamed_async() -> Any:
    """Puts the deltas together by hand."""
    async with openai.AsyncOpenAI() as client:
        messages = list(ASK)
        while True:
            text, calls = "", {}
            async for chunk in await client.chat.completions.create(model="gpt-5.1", messages=messages, tools=CHAT_TOOLS, stream=True):
                delta = chunk.choices[0].delta
                text += delta.content or ""
                for part in delta.tool_calls or ():
                    if part.index not in calls:
                        calls[part.index] = part
                    else:
                        calls[part.index].function.arguments += part.function.arguments
            if not calls:
                return text
            messages.append({"role": "assistant", "tool_calls": [call.to_dict() for call in calls.values()]})
            for call in calls.values():
                messages.append({"role": "tool", "tool_call_id": call.id, "content": get_order(**json.loads(call.function.arguments))})


# --- openai, responses


def responses(base_url: str | None = None) -> Any:
    """The provider keeps the conversation."""
    with openai.OpenAI(base_url=base_url) as client:
        asked: Any = {"input": "Where is order 7?"}
        while True:
            answer = client.responses.create(model="gpt-5.1", instructions="Be brief.", tools=RESPONSES_TOOLS, **asked)
            calls = [item for item in answer.output if item.type == "function_call"]
            if not calls:
                return answer.output_text
            outputs = [
                {"type": "function_call_output", "call_id": call.call_id, "output": get_order(**json.loads(call.arguments))}
                for call in calls
            ]
            asked = {"previous_response_id": answer.id, "input": outputs}


def responses_without_a_store() -> Any:
    """The client keeps the conversation."""
    with openai.OpenAI() as client:
        conversation = list(ASK)
        while True:
            answer = client.responses.create(model="gpt-5.1", input=conversation, tools=RESPONSES_TOOLS, store=False)
            conversation += answer.output
            calls = [item for item in answer.output if item.type == "function_call"]
            if not calls:
                return answer.output_text
            for call in calls:
                output = get_order(**json.loads(call.arguments))
                conversation.append({"type": "function_call_output", "call_id": call.call_id, "output": output})


async def responses_streamed_async() -> Any:
    async with openai.AsyncOpenAI() as client:
        asked: Any = {"input": ASK}
        while True:
            async with client.responses.stream(model="gpt-5.1", tools=RESPONSES_TOOLS, **asked) as stream:
                async for _ in stream:
                    pass
                answer = await stream.get_final_response()
            calls = [item for item in answer.output if item.type == "function_call"]
            if not calls:
                return answer.output_text
            outputs = [
                {"type": "function_call_output", "call_id": call.call_id, "output": get_order(**json.loads(call.arguments))}
                for call in calls
            ]
            asked = {"previous_response_id": answer.id, "input": outputs}


# --- anthropic


def messages(base_url: str | None = None) -> Any:
    with anthropic.Anthropic(base_url=base_url) as client:
        conversation = list(USER)
        while True:
            answer = client.messages.create(
                model="claude-sonnet-5", max_tokens=500, system="Be brief.", messages=conversation, tools=ANTHROPIC_TOOLS
            )
            conversation.append({"role": "assistant", "content": answer.content})
            if answer.stop_reason != "tool_use":
                return answer.content[0].text
            conversation.append({"role": "user", "content": results(answer.content)})


async def messages_async() -> Any:
    async with anthropic.AsyncAnthropic() as client:
        conversation = list(USER)
        while True:
            answer = await client.messages.create(
                model="claude-sonnet-5", max_tokens=500, system="Be brief.", messages=conversation, tools=ANTHROPIC_TOOLS
            )
            conversation.append({"role": "assistant", "content": answer.content})
            if answer.stop_reason != "tool_use":
                return answer.content[0].text
            conversation.append({"role": "user", "content": results(answer.content)})


def messages_streamed() -> Any:
    with anthropic.Anthropic() as client:
        conversation = list(USER)
        while True:
            with client.messages.stream(
                model="claude-sonnet-5", max_tokens=500, system="Be brief.", messages=conversation, tools=ANTHROPIC_TOOLS
            ) as stream:
                answer = stream.get_final_message()
            conversation.append({"role": "assistant", "content": answer.content})
            if answer.stop_reason != "tool_use":
                return answer.content[0].text
            conversation.append({"role": "user", "content": results(answer.content)})


async def messages_streamed_async() -> Any:
    async with anthropic.AsyncAnthropic() as client:
        conversation = list(USER)
        while True:
            async with client.messages.stream(
                model="claude-sonnet-5", max_tokens=500, system="Be brief.", messages=conversation, tools=ANTHROPIC_TOOLS
            ) as stream:
                answer = await stream.get_final_message()
            conversation.append({"role": "assistant", "content": answer.content})
            if answer.stop_reason != "tool_use":
                return answer.content[0].text
            conversation.append({"role": "user", "content": results(answer.content)})


def tool_runner() -> Any:
    """The SDK's own loop, which lets the provider keep the conversation in a thread."""

    @anthropic.beta_tool(name="get_order")
    def tool(order_id: str) -> str:
        """An order's state.

        Args:
            order_id: which order
        """
        return get_order(order_id)

    with anthropic.Anthropic() as client:
        runner = client.beta.messages.tool_runner(model="claude-sonnet-5", max_tokens=500, system="Be brief.", messages=USER, tools=[tool])
        return runner.until_done().content[0].text


def results(content: Any) -> Any:
    return [
        {"type": "tool_result", "tool_use_id": block.id, "content": get_order(**block.input)}
        for block in content
        if block.type == "tool_use"
    ]


# --- plain HTTP


def chat_by_requests() -> Any:
    conversation = list(ASK)
    while True:
        answer = requests.post(
            "https://api.openai.com/v1/chat/completions",
            json={"model": "gpt-5.1", "messages": conversation, "tools": CHAT_TOOLS},
            headers={"Authorization": "Bearer x"},
            timeout=5,
        ).json()["choices"][0]["message"]
        conversation.append(answer)
        if not answer.get("tool_calls"):
            return answer["content"]
        for call in answer["tool_calls"]:
            output = get_order(**json.loads(call["function"]["arguments"]))
            conversation.append({"role": "tool", "tool_call_id": call["id"], "content": output})


async def messages_by_httpx() -> Any:
    conversation = list(USER)
    async with httpx.AsyncClient(
        base_url="https://api.anthropic.com", headers={"x-api-key": "x", "anthropic-version": "2023-06-01"}
    ) as http:
        while True:
            body = {
                "model": "claude-sonnet-5",
                "max_tokens": 500,
                "system": "Be brief.",
                "messages": conversation,
                "tools": ANTHROPIC_TOOLS,
            }
            answer = (await http.post("/v1/messages", json=body)).json()
            conversation.append({"role": "assistant", "content": answer["content"]})
            calls = [block for block in answer["content"] if block["type"] == "tool_use"]
            if not calls:
                return answer["content"][0]["text"]
            found = [{"type": "tool_result", "tool_use_id": call["id"], "content": get_order(**call["input"])} for call in calls]
            conversation.append({"role": "user", "content": found})


def chat_streamed_by_httpx() -> Any:
    """The events of a stream, read line by line."""
    body = {"model": "gpt-5.1", "messages": ASK, "stream": True, "stream_options": {"include_usage": True}}
    text, usage = "", None
    with httpx.stream("POST", "https://api.openai.com/v1/chat/completions", json=body, timeout=5) as response:
        for line in response.iter_lines():
            if not line or line == "data: [DONE]":
                continue
            chunk = json.loads(line.removeprefix("data: "))
            usage = chunk["usage"]
            text += "".join(choice["delta"].get("content") or "" for choice in chunk["choices"])
    return text, usage["total_tokens"]


LOOPS: tuple[Loop, ...] = (
    chat,
    chat_async,
    chat_streamed,
    chat_streamed_async,
    responses,
    responses_without_a_store,
    responses_streamed_async,
    messages,
    messages_async,
    messages_streamed,
    messages_streamed_async,
    tool_runner,
    chat_by_requests,
    messages_by_httpx,
)
