"""Twenty tools with clients of all kinds, as an agent's project has them: what the scale is measured with."""

from __future__ import annotations

import asyncio
import concurrent.futures
import http.client
import json
import queue
import smtplib
import threading
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any

import aiohttp
import anthropic
import asyncpg
import boto3
import botocore.config
import httpx
import httpx2
import openai
import pymysql
import redis
import requests
import tenacity
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

API = "https://api.example.com"
PLAIN = "http://api.example.com"
ORDER: dict[str, Any] = {"order_id": "7", "state": "shipped", "items": [{"sku": "A-1", "quantity": 2}]}
HTTP = {f"{method} {scheme}://api.example.com/orders/{{id}}": ORDER for method in ("GET", "POST") for scheme in ("http", "https")}


@dataclass(frozen=True)
class Case:
    """A tool, what it is called with, and what the outside world answers."""

    tool: Callable[..., Any]
    args: dict[str, Any]
    backend: dict[str, Any]
    kind: str = "api"


CASES: list[Case] = []


def case(backend: dict[str, Any] | None = None, kind: str = "api", **args: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def keep(tool: Callable[..., Any]) -> Callable[..., Any]:
        CASES.append(Case(tool, args or {"order_id": "7"}, HTTP if backend is None else backend, kind))
        return tool

    return keep


@case()
def order_by_requests(order_id: str) -> dict[str, Any]:
    """The order, by its id."""
    response = requests.get(f"{API}/orders/{order_id}", timeout=5)
    response.raise_for_status()
    return {"status": "success", "data": response.json()}


@case()
def order_without_a_timeout(order_id: str) -> dict[str, Any]:
    """The order, by its id."""
    return {"status": "success", "data": requests.get(f"{PLAIN}/orders/{order_id}").json()}


@case()
def order_with_retries(order_id: str) -> dict[str, Any]:
    """The order, by its id."""
    with requests.Session() as session:
        session.mount("https://", HTTPAdapter(max_retries=Retry(total=3, backoff_factor=1, status_forcelist=[502, 503])))
        return {"status": "success", "data": session.get(f"{API}/orders/{order_id}", timeout=2).json()}


@case()
def order_by_httpx(order_id: str) -> dict[str, Any]:
    """The order, by its id."""
    try:
        return {"status": "success", "data": httpx.get(f"{PLAIN}/orders/{order_id}", timeout=5).raise_for_status().json()}
    except (httpx.HTTPError, ValueError) as error:
        return {"status": "error", "error_type": "transient", "retry_safe": True, "message": f"The order service failed: {error}"}


@case()
async def order_by_async_httpx(order_id: str) -> dict[str, Any]:
    """The order, by its id."""
    async with httpx.AsyncClient(timeout=5) as client:
        return {"status": "success", "data": (await client.get(f"{API}/orders/{order_id}")).json()}


@case()
async def order_by_httpx2(order_id: str) -> dict[str, Any]:
    """The order, by its id."""
    async with httpx2.AsyncClient(timeout=5) as client:
        return {"status": "success", "data": (await client.get(f"{API}/orders/{order_id}")).json()}


@case()
async def order_by_aiohttp(order_id: str) -> dict[str, Any]:
    """The order, by its id."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session, session.get(f"{API}/orders/{order_id}") as answer:
        return {"status": "success", "data": await answer.json()}


@case()
async def orders_at_once(order_id: str) -> dict[str, Any]:
    """The order, asked for three times at once."""
    async with httpx.AsyncClient(timeout=5) as client:
        answers = await asyncio.gather(*(client.get(f"{PLAIN}/orders/{order_id}") for _ in range(3)))
        return {"status": "success", "data": [answer.json() for answer in answers]}


@case()
def order_by_urllib(order_id: str) -> dict[str, Any]:
    """The order, by its id."""
    with urllib.request.urlopen(f"{API}/orders/{order_id}", timeout=5) as answer:
        return {"status": "success", "data": json.load(answer)}


@case()
def order_by_http_client(order_id: str) -> dict[str, Any]:
    """The order, by its id."""
    connection = http.client.HTTPConnection("api.example.com", timeout=5)
    try:
        connection.request("GET", f"/orders/{order_id}")
        return {"status": "success", "data": json.load(connection.getresponse())}
    finally:
        connection.close()


@case()
def order_by_tenacity(order_id: str) -> dict[str, Any]:
    """The order, by its id."""
    for attempt in tenacity.Retrying(stop=tenacity.stop_after_attempt(3), wait=tenacity.wait_exponential(), reraise=True):
        with attempt:
            return {"status": "success", "data": requests.get(f"{PLAIN}/orders/{order_id}", timeout=1).json()}
    raise AssertionError("unreachable")


@case()
def orders_in_a_pool(order_id: str) -> dict[str, Any]:
    """The order, asked for by three threads."""
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda _: requests.get(f"{PLAIN}/orders/{order_id}", timeout=4).json(), range(3)))
    return {"status": "success", "data": answers}


@case()
def order_by_a_thread_and_a_queue(order_id: str) -> dict[str, Any]:
    """The order, by its id."""
    found: queue.Queue[Any] = queue.Queue()

    def work() -> None:
        try:
            found.put(requests.get(f"{PLAIN}/orders/{order_id}", timeout=4).json())
        except Exception as error:
            found.put(error)

    threading.Thread(target=work, daemon=True).start()
    answer = found.get(timeout=5)
    if isinstance(answer, Exception):
        return {"status": "error", "error_type": "transient", "retry_safe": True, "message": "The order service failed."}
    return {"status": "success", "data": answer}


@case(
    {
        "POST https://api.openai.com/v1/chat/completions": {
            "id": "c1",
            "object": "chat.completion",
            "created": 1,
            "model": "gpt-5",
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "A fine summary."}}],
        }
    },
    text="A long text",
)
def summary_by_openai(text: str) -> dict[str, Any]:
    """A summary of the text."""
    client = openai.OpenAI(api_key="sk-test", timeout=5, max_retries=0)
    answer = client.chat.completions.create(model="gpt-5", messages=[{"role": "user", "content": text}])
    return {"status": "success", "data": answer.choices[0].message.content}


@case(
    {
        "POST https://api.anthropic.com/v1/messages": {
            "id": "m1",
            "type": "message",
            "role": "assistant",
            "model": "claude",
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "content": [{"type": "text", "text": "A fine summary."}],
            "usage": {"input_tokens": 9, "output_tokens": 4},
        }
    },
    text="A long text",
)
async def summary_by_anthropic(text: str) -> dict[str, Any]:
    """A summary of the text."""
    async with anthropic.AsyncAnthropic(api_key="sk-test", timeout=5, max_retries=1) as client:
        answer = await client.messages.create(model="claude", max_tokens=99, messages=[{"role": "user", "content": text}])
    return {"status": "success", "data": answer.content[0].text}  # type: ignore[union-attr]


@case({"POST https://dynamodb.eu-north-1.amazonaws.com/": {"Item": {"state": {"S": "shipped"}}}}, order_id="7")
def order_by_boto3(order_id: str) -> dict[str, Any]:
    """The order, by its id."""
    config = botocore.config.Config(connect_timeout=2, read_timeout=4, retries={"total_max_attempts": 1})
    client = boto3.client("dynamodb", region_name="eu-north-1", aws_access_key_id="AKIATEST", aws_secret_access_key="test", config=config)
    return {"status": "success", "data": client.get_item(TableName="orders", Key={"id": {"S": order_id}})["Item"]["state"]["S"]}


@case({"redis://cache.internal:6379/0": {"order:7": "shipped"}})
def order_by_redis(order_id: str) -> dict[str, Any]:
    """The order, by its id."""
    with redis.Redis("cache.internal", socket_timeout=2, socket_connect_timeout=2, decode_responses=True, retry=None) as client:
        return {"status": "success", "data": client.get(f"order:{order_id}")}


@case({"postgresql://db.internal/shop": [{"id": 7, "state": "shipped"}]}, kind="db", order_id=7)
async def order_by_asyncpg(order_id: int) -> dict[str, Any]:
    """The order, by its id."""
    connection = await asyncpg.connect("postgresql://shop@db.internal/shop", timeout=5, command_timeout=5)
    try:
        row = await connection.fetchrow("SELECT id, state FROM orders WHERE id = $1", order_id)
        return {"status": "success", "data": row["state"]}
    finally:
        await connection.close(timeout=2)


@case({"mysql://db.internal/shop": [{"id": 7, "state": "shipped"}]}, kind="db", order_id=7)
def order_by_pymysql(order_id: int) -> dict[str, Any]:
    """The order, by its id."""
    connection = pymysql.connect(host="db.internal", user="shop", database="shop", connect_timeout=5, read_timeout=5, write_timeout=5)
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT id, state FROM orders WHERE id = %s", (order_id,))
        row = cursor.fetchone()
        return {"status": "success", "data": row and row[1]}


@case({}, recipient="ada@example.com")
def mail_by_smtplib(recipient: str) -> dict[str, Any]:
    """Sends the receipt to its recipient."""
    message = EmailMessage()
    message["To"], message["From"], message["Subject"] = recipient, "shop@example.com", "Your receipt"
    message.set_content("Thank you.")
    with smtplib.SMTP("mail.internal", 25, timeout=5) as server:
        server.send_message(message)
    return {"status": "success"}
