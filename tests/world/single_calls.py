"""One call of a model each, through every kind of client of the providers' SDKs."""

from __future__ import annotations

from typing import Any

import anthropic
import openai

from tests.world.asking import ASK, USER


def by_chat(**options: Any) -> Any:
    with openai.OpenAI(**options) as client:
        return client.chat.completions.create(model="gpt-5.1", messages=ASK).choices[0].message.content


async def by_chat_async(**options: Any) -> Any:
    async with openai.AsyncOpenAI(**options) as client:
        return (await client.chat.completions.create(model="gpt-5.1", messages=ASK)).choices[0].message.content


def by_chat_stream(**options: Any) -> Any:
    with openai.OpenAI(**options) as client:
        stream = client.chat.completions.create(model="gpt-5.1", messages=ASK, stream=True)
        return "".join(chunk.choices[0].delta.content or "" for chunk in stream)


def by_responses(**options: Any) -> Any:
    with openai.OpenAI(**options) as client:
        return client.responses.create(model="gpt-5.1", input="Where is order 7?").output_text


def by_messages(**options: Any) -> Any:
    with anthropic.Anthropic(**options) as client:
        return client.messages.create(model="claude-sonnet-5", max_tokens=50, messages=USER).content[0].text  # type: ignore[union-attr]


async def by_messages_async(**options: Any) -> Any:
    async with anthropic.AsyncAnthropic(**options) as client:
        found = await client.messages.create(model="claude-sonnet-5", max_tokens=50, messages=USER)
        return found.content[0].text  # type: ignore[union-attr]


def by_messages_stream(**options: Any) -> Any:
    with anthropic.Anthropic(**options) as client:
        with client.messages.stream(model="claude-sonnet-5", max_tokens=50, messages=USER) as stream:
            return stream.get_final_text()
