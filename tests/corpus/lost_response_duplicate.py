"""AR303: writes that somebody makes again when their answer is lost, beside tools where nobody does, or where the peer knows them again."""

from __future__ import annotations

import asyncio
import hashlib
import json
from typing import Any

import aiohttp
import httpx
import openai
import redis
import requests
import tenacity
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from pytest_agentready.patterns.results import ToolResult
from tests.corpus import labelled
from tests.corpus.classify import from_aiohttp, from_httpx, from_requests, from_status, unreadable


def fingerprint(**fields: Any) -> str:
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()


def session_with(retries: Retry) -> requests.Session:
    session = requests.Session()
    session.mount("https://", HTTPAdapter(max_retries=retries))
    return session


# --- the fault ---------------------------------------------------------------------------------------------------------

stubborn = session_with(Retry(total=3, backoff_factor=0.1, allowed_methods=None))


@labelled(
    args={"channel": "C1", "text": "Deployed."},
    backend={"POST https://slack.example.com/api/chat.postMessage": {"ok": True, "ts": "1.2"}},
    AR203="failed",  # four times four seconds
    AR302="failed",
    AR303="failed",  # urllib3 posts it twice in one call
)
def post_message(channel: str, text: str) -> ToolResult:
    """Post a message to a channel."""
    try:
        response = stubborn.post("https://slack.example.com/api/chat.postMessage", json={"channel": channel, "text": text}, timeout=4)
        response.raise_for_status()
        return ToolResult.success(response.json()["ts"])
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError):
        return unreadable()


@labelled(
    args={"order_id": "A-17"},
    backend={"POST https://shop.example.com/orders/{id}/ship": {"parcel": "P-1"}},
    AR203="failed",
    AR302="failed",
    AR303="failed",  # a loop of the tool's own
)
async def ship(order_id: str) -> ToolResult:
    """Have an order shipped."""
    async with httpx.AsyncClient(timeout=2) as client:
        for pause in (0.2, 0.6, None):
            try:
                response = await client.post(f"https://shop.example.com/orders/{order_id}/ship")
                response.raise_for_status()
                return ToolResult.success(response.json()["parcel"])
            except httpx.TransportError as error:
                if pause is None:
                    return from_httpx(error)
                await asyncio.sleep(pause)
            except httpx.HTTPError as error:
                return from_httpx(error)
            except (ValueError, KeyError, TypeError):
                return unreadable()
    raise AssertionError("the last attempt returns")


@tenacity.retry(
    stop=tenacity.stop_after_attempt(2),
    wait=tenacity.wait_fixed(0.3),
    retry=tenacity.retry_if_exception_type(requests.Timeout),
    reraise=True,
)
def _charge(body: dict[str, Any]) -> requests.Response:
    return requests.post("https://pay.example.com/charges", json=body, timeout=2)


@labelled(
    args={"card": "card_1", "cents": 500},
    backend={"POST https://pay.example.com/charges": {"id": "ch_1"}},
    AR302="failed",
    AR303="failed",  # only a silent peer is asked again, and a silent peer may have done it
)
def charge(card: str, cents: int) -> ToolResult:
    """Charge a card."""
    try:
        response = _charge({"card": card, "amount": cents})
        response.raise_for_status()
        return ToolResult.success(response.json()["id"])
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError):
        return unreadable()


@labelled(
    args={"visitor": "ada"},
    backend={},
    AR103="passed",
    AR203="failed",
    AR302="failed",
    AR303="failed",  # redis-py counts again by itself, where nothing else is said
)
def count_visit(visitor: str) -> ToolResult:
    """Count a visit."""
    try:
        return ToolResult.success(int(redis.Redis(host="cache.internal").rpush(f"visits:{visitor}", "1")))
    except redis.RedisError:
        return ToolResult.transient("The counter cannot be reached.")


already: set[str] = set()


@labelled(
    args={"invoice": "2026-17"},
    backend={"POST https://books.example.com/invoices/{id}/dun": {"sent": True}},
    AR102="unproven",
    AR103="unproven",
    AR104="unproven",
    AR202="unproven",
    AR203="unproven",
    AR302="passed",
    AR303="unproven",  # it has dunned by then, and does not again
)
def dun(invoice: str) -> ToolResult:
    """Remind somebody of an invoice, once; and what is remembered is only what was answered."""
    if invoice in already:
        return ToolResult.success("reminded before")
    try:
        requests.post(f"https://books.example.com/invoices/{invoice}/dun", timeout=3).raise_for_status()
    except requests.RequestException as error:
        return from_requests(error)
    already.add(invoice)
    return ToolResult.success("reminded")


@labelled(
    args={"to": "+4722334455", "text": "Your taxi is here."},
    backend={"POST https://sms.example.com/messages": {"sid": "SM1"}},
    AR302="passed",
    AR303="failed",  # what has been sent is written down when it is answered: the second call does not know of the first
)
def send_sms(to: str, text: str) -> ToolResult:
    """Send a text message that was not sent before."""
    try:
        store = redis.Redis(host="cache.internal", socket_timeout=1, socket_connect_timeout=1, retry=None)
        key = f"sms:{fingerprint(to=to, text=text)}"
        if store.exists(key):
            return ToolResult.success("sent before")
        response = requests.post("https://sms.example.com/messages", data={"To": to, "Body": text}, timeout=2)
        response.raise_for_status()
        store.set(key, 1, ex=3600)
        return ToolResult.success(response.json()["sid"])
    except redis.RedisError:
        return ToolResult.transient("The store cannot be reached.")
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError):
        return unreadable()


# --- look-alikes -------------------------------------------------------------------------------------------------------

careful = session_with(
    Retry(total=2, backoff_factor=0.1, status_forcelist=[502, 503], raise_on_status=False, respect_retry_after_header=False)
)


@labelled(
    args={"channel": "C1", "text": "Deployed."},
    backend={"POST https://slack.example.com/api/chat.postMessage": {"ok": True, "ts": "1.2"}},
    AR302="failed",
    AR303="passed",  # Retry leaves a POST alone where nothing else is said
)
def post_message_with_care(channel: str, text: str) -> ToolResult:
    """Post a message to a channel."""
    try:
        response = careful.post("https://slack.example.com/api/chat.postMessage", json={"channel": channel, "text": text}, timeout=1.4)
        response.raise_for_status()
        return ToolResult.success(response.json()["ts"])
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError):
        return unreadable()


http = urllib3.PoolManager(retries=Retry(total=2, backoff_factor=0.1, allowed_methods=None), timeout=1.2)


@labelled(
    args={"card": "card_1", "cents": 500},
    backend={"POST https://pay.example.com/charges": {"id": "ch_1"}},
    AR203="failed",  # Retry waits as long as a 429 says
    AR302="passed",
    AR303="passed",  # three times with one key is once
)
def charge_once(card: str, cents: int) -> ToolResult:
    """Charge a card."""
    body = {"card": card, "amount": cents}
    try:
        response = http.request("POST", "https://pay.example.com/charges", json=body, headers={"Idempotency-Key": fingerprint(**body)})
        if response.status >= 400:
            return from_status(response.status)
        return ToolResult.success(response.json()["id"])
    except urllib3.exceptions.HTTPError:
        return ToolResult.transient("The payment service cannot be reached.")
    except (ValueError, KeyError, TypeError):
        return unreadable()


@labelled(
    args={"document": "D-9", "state": "signed"},
    backend={"PUT https://archive.example.com/documents/{id}/state": {"ok": True}},
    AR302="passed",
    AR303="passed",  # as often as it likes
)
async def set_state(document: str, state: str) -> ToolResult:
    """Set the state of a document."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=1)) as session:
        for pause in (0.2, 0.5, None):
            try:
                async with session.put(f"https://archive.example.com/documents/{document}/state", json={"state": state}) as response:
                    response.raise_for_status()
                    return ToolResult.success()
            except aiohttp.ClientResponseError as error:
                return from_aiohttp(error)
            except (aiohttp.ClientError, asyncio.TimeoutError) as error:
                if pause is None:
                    return from_aiohttp(error)
                await asyncio.sleep(pause)
    raise AssertionError("the last attempt returns")


@labelled(
    args={"text": "Where is my parcel?"},
    backend={"POST https://api.openai.com/v1/chat/completions": {
        "id": "c", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "shipping"}}],
    }},
    AR203="failed",
    AR302="not_applicable",
    AR303="not_applicable",  # the SDK asks again, and a model may be asked as often as one can pay
)  # fmt: skip
def topic_of(text: str) -> ToolResult:
    """The topic of a text."""
    try:
        client = openai.OpenAI(api_key="sk-test-0123456789", timeout=1.2, max_retries=1)
        answer = client.chat.completions.create(model="m", messages=[{"role": "user", "content": text}])
        return ToolResult.success(answer.choices[0].message.content)
    except openai.APIStatusError as error:
        return from_status(error.status_code)
    except openai.APIConnectionError:
        return ToolResult.transient("The model cannot be reached.")
    except (openai.OpenAIError, ValueError, KeyError, TypeError, AttributeError, IndexError):
        return unreadable()
