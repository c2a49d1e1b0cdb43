"""Calls with the SDKs of openai, anthropic and AWS, and the truths about each.

Their pauses between tries are random, so that some truths are a range of seconds.
"""

from __future__ import annotations

from typing import Any

import anthropic
import boto3
import openai
from botocore.config import Config

from pytest_agentready.world import Response
from tests.world.clients import client

ASK: Any = [{"role": "user", "content": "Where is order 7?"}]
CHAT = "POST https://api.openai.com/v1/chat/completions"
MESSAGES = "POST https://api.anthropic.com/v1/messages"
COMPLETION = {
    "id": "c",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "finish_reason": "stop", "message": ASK[0]}],
}
MESSAGE = {
    "id": "m",
    "type": "message",
    "role": "assistant",
    "model": "m",
    "content": [{"type": "text", "text": "shipped"}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 1, "output_tokens": 1},
}
CHUNK = (
    '{"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [{"index": 0, "delta": {"content": "shipped"}}]}'
)
EVENT = '{"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "shipped"}}'


def events(*lines: str) -> Response:
    return Response(200, body="".join(f"{line}\n" for line in lines), content_type="text/event-stream")


# --- openai


@client(
    backend={CHAT: COMPLETION},
    healthy=ASK[0]["content"],
    connect="APITimeoutError 16.1-16.6",
    accept="APITimeoutError 16.1-16.6",
    response="APITimeoutError 1801.1-1801.6",
    trickle="endless",
)
def openai_default() -> Any:
    with openai.OpenAI(api_key="x") as session:
        return session.chat.completions.create(model="m", messages=ASK).choices[0].message.content


@client(
    backend={CHAT: COMPLETION}, healthy=ASK[0]["content"], connect="APITimeoutError 5.0", response="APITimeoutError 5.0", trickle="endless"
)
def openai_with_a_timeout_and_no_retries() -> Any:
    with openai.OpenAI(api_key="x", timeout=5, max_retries=0) as session:
        return session.chat.completions.create(model="m", messages=ASK).choices[0].message.content


@client(
    backend={CHAT: COMPLETION},
    healthy=ASK[0]["content"],
    connect="APITimeoutError 16.1-16.6",
    response="APITimeoutError 16.1-16.6",
    trickle="endless",
)
async def openai_async_with_a_timeout() -> Any:
    async with openai.AsyncOpenAI(api_key="x", timeout=5) as session:
        return (await session.chat.completions.create(model="m", messages=ASK)).choices[0].message.content


@client(
    backend={CHAT: COMPLETION}, healthy=ASK[0]["content"], connect="APITimeoutError 3.0", response="APITimeoutError 3.0", trickle="endless"
)
def openai_with_a_timeout_of_the_request() -> Any:
    with openai.OpenAI(api_key="x", max_retries=0) as session:
        return session.with_options(timeout=3).chat.completions.create(model="m", messages=ASK).choices[0].message.content


@client(
    backend={CHAT: events(f"data: {CHUNK}", "", "data: [DONE]", "")},
    healthy="shipped",
    connect="APITimeoutError 5.0",
    response="APITimeoutError 5.0",
    trickle="endless",
)
def openai_stream() -> Any:
    with openai.OpenAI(api_key="x", timeout=5, max_retries=0) as session:
        return "".join(
            part.choices[0].delta.content or "" for part in session.chat.completions.create(model="m", messages=ASK, stream=True)
        )


@client(
    backend={CHAT: events(f"data: {CHUNK}", "", "data: [DONE]", "")},
    healthy="shipped",
    connect="APITimeoutError 5.0",
    response="APITimeoutError 5.0",
    trickle="endless",
)
async def openai_async_stream() -> Any:
    async with openai.AsyncOpenAI(api_key="x", timeout=5, max_retries=0) as session:
        stream = await session.chat.completions.create(model="m", messages=ASK, stream=True)
        return "".join([part.choices[0].delta.content or "" async for part in stream])


# --- anthropic


@client(
    backend={MESSAGES: MESSAGE},
    healthy="shipped",
    connect="APITimeoutError 16.1-16.6",
    accept="APITimeoutError 16.1-16.6",
    response="APITimeoutError 1801.1-1801.6",
    trickle="endless",
)
def anthropic_default() -> Any:
    with anthropic.Anthropic(api_key="x") as session:
        return text(session.messages.create(model="m", max_tokens=5, messages=ASK))


@client(backend={MESSAGES: MESSAGE}, healthy="shipped", connect="APITimeoutError 5.0", response="APITimeoutError 5.0", trickle="endless")
def anthropic_with_a_timeout_and_no_retries() -> Any:
    with anthropic.Anthropic(api_key="x", timeout=5, max_retries=0) as session:
        return text(session.messages.create(model="m", max_tokens=5, messages=ASK))


@client(
    backend={MESSAGES: MESSAGE},
    healthy="shipped",
    connect="APITimeoutError 16.1-16.6",
    response="APITimeoutError 16.1-16.6",
    trickle="endless",
)
async def anthropic_async_with_a_timeout() -> Any:
    async with anthropic.AsyncAnthropic(api_key="x", timeout=5) as session:
        return text(await session.messages.create(model="m", max_tokens=5, messages=ASK))


@client(
    backend={MESSAGES: events("event: content_block_delta", f"data: {EVENT}", "")},
    healthy="shipped",
    connect="APITimeoutError 5.0",
    response="APITimeoutError 5.0",
    trickle="endless",
)
def anthropic_stream() -> Any:
    with anthropic.Anthropic(api_key="x", timeout=5, max_retries=0) as session:
        stream = session.messages.create(model="m", max_tokens=5, messages=ASK, stream=True)
        return "".join(event.delta.text for event in stream if event.type == "content_block_delta" and event.delta.type == "text_delta")


def text(message: anthropic.types.Message) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


# --- AWS: three tries of 60 s unless told, four for DynamoDB, with short random pauses

KEYS: Any = {"region_name": "us-east-1", "aws_access_key_id": "x", "aws_secret_access_key": "y"}
ONCE = Config(connect_timeout=5, read_timeout=5, retries={"total_max_attempts": 1})
BUCKETS = {
    "GET https://s3.amazonaws.com/": Response(
        200, body="<ListAllMyBucketsResult><Buckets/></ListAllMyBucketsResult>", content_type="application/xml"
    )
}
TABLES = {
    "POST https://dynamodb.us-east-1.amazonaws.com/": Response(200, body='{"TableNames": []}', content_type="application/x-amz-json-1.0")
}
OBJECT = {"PUT https://bucket.s3.amazonaws.com/k": Response(200, headers={"ETag": '"e"'})}


@client(
    backend=BUCKETS,
    healthy=[],
    connect="ConnectTimeoutError 180.0-180.2",
    accept="ReadTimeoutError 180.0-180.2",
    response="ReadTimeoutError 180.0-180.2",
    trickle="endless",
)
def s3_default() -> Any:
    return boto3.client("s3", **KEYS).list_buckets()["Buckets"]


@client(
    backend=BUCKETS,
    healthy=[],
    connect="ConnectTimeoutError 5.0",
    accept="ReadTimeoutError 5.0",
    response="ReadTimeoutError 5.0",
    trickle="endless",
)
def s3_that_tries_once() -> Any:
    return boto3.client("s3", config=ONCE, **KEYS).list_buckets()["Buckets"]


@client(
    backend=OBJECT,
    healthy='"e"',
    connect="ConnectTimeoutError 5.0",
    accept="ReadTimeoutError 5.0",
    response="ReadTimeoutError 5.0",
    trickle="endless",
)
def s3_put_that_expects_a_continue() -> Any:
    return boto3.client("s3", config=ONCE, **KEYS).put_object(Bucket="bucket", Key="k", Body=b"tea")["ETag"]


@client(
    backend=TABLES,
    healthy=[],
    connect="ConnectTimeoutError 240.0-240.2",
    accept="ReadTimeoutError 240.0-240.2",
    response="ReadTimeoutError 240.0-240.2",
    trickle="endless",
)
def dynamodb_default() -> Any:
    return boto3.client("dynamodb", **KEYS).list_tables()["TableNames"]


@client(
    backend=TABLES,
    healthy=[],
    connect="ConnectTimeoutError 5.0",
    accept="ReadTimeoutError 5.0",
    response="ReadTimeoutError 5.0",
    trickle="endless",
)
def dynamodb_that_tries_once() -> Any:
    return boto3.client("dynamodb", config=ONCE, **KEYS).list_tables()["TableNames"]
