"""More calls with requests, httpx, httpx2 and aiohttp: streams, sessions with a policy, other timeouts for each step."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import httpx
import httpx2
import requests
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from tests.world.clients import client
from tests.world.entering import HTTP, HTTPS

# --- requests


@client(connect="ConnectTimeout 5.0", response="ReadTimeout 5.0", trickle="endless")
def requests_stream_of_lines() -> Any:
    with requests.get(HTTP, stream=True, timeout=5) as answer:
        return json.loads(b"".join(answer.iter_lines()))


@client(connect="ConnectTimeout 5.0", response="ReadTimeout 5.0", trickle="endless")
def requests_stream_of_chunks() -> Any:
    with requests.Session() as session, session.get(HTTP, stream=True, timeout=5) as answer:
        return json.loads(b"".join(answer.iter_content(16)))


class Patient(HTTPAdapter):
    """A timeout for whoever forgot one: the way of many a code base."""

    def send(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        kwargs["timeout"] = kwargs.get("timeout") or 6
        return super().send(request, *args, **kwargs)


@client(connect="ConnectTimeout 6.0", response="ReadTimeout 6.0", trickle="endless")
def requests_with_a_timeout_of_the_adapter() -> Any:
    with requests.Session() as session:
        session.mount("https://", Patient())
        return session.get(HTTPS).json()


PERSISTENT = requests.Session()  # a session with its policy, kept by the module
PERSISTENT.mount("https://", HTTPAdapter(max_retries=Retry(total=2, backoff_factor=0.5, status_forcelist=[502, 503, 504])))


@client(connect="ConnectTimeout 10.0", accept="ConnectionError 10.0", response="ConnectionError 10.0", trickle="endless")
def session_of_the_module_with_retries() -> Any:  # three tries of 3 s, pauses of 0 and 1 s
    return PERSISTENT.get(HTTPS, timeout=3).json()


@client(connect="ConnectTimeout 127.0", response="ReadTimeout 5.0", trickle="endless")
def requests_with_a_timeout_for_reading_alone() -> Any:
    return requests.get(HTTP, timeout=(None, 5)).json()


# --- httpx


@client(connect="ConnectTimeout 2.0", response="ReadTimeout 7.0", trickle="endless")
def httpx_with_a_timeout_for_each_step() -> Any:
    return httpx.get(HTTP, timeout=httpx.Timeout(connect=2, read=7, write=3, pool=1)).json()


@client(connect="ConnectTimeout 15.5", response="ReadTimeout 5.0", trickle="endless")  # only connecting is repeated
def httpx_with_retries_of_the_transport() -> Any:
    with httpx.Client(transport=httpx.HTTPTransport(retries=2)) as session:
        return session.get(HTTP).json()


@client(connect="ConnectTimeout 5.0", accept="ConnectTimeout 5.0", response="ReadTimeout 5.0", trickle="endless")
def httpx_that_would_speak_http2() -> Any:
    with httpx.Client(http2=True) as session:
        return session.get(HTTPS).json()


@client(connect="ConnectTimeout 5.0", response="ReadTimeout 5.0", trickle="endless")
def httpx_stream() -> Any:
    with httpx.stream("GET", HTTP) as answer:
        return json.loads("".join(answer.iter_lines()))


@client(connect="ConnectTimeout 5.0", response="ReadTimeout 5.0", trickle="endless")
async def httpx_async_stream() -> Any:
    async with httpx.AsyncClient() as session, session.stream("GET", HTTP) as answer:
        return json.loads("".join([line async for line in answer.aiter_lines()]))


@client(connect="ConnectTimeout 3.0", accept="ConnectTimeout 3.0", response="ReadTimeout 3.0", trickle="endless")
async def httpx2_async_over_tls() -> Any:
    async with httpx2.AsyncClient(timeout=3) as session:
        return (await session.get(HTTPS)).json()


@client(connect="ConnectTimeout 5.0", response="ReadTimeout 5.0", trickle="endless")
def httpx2_stream() -> Any:
    with httpx2.stream("GET", HTTP) as answer:
        return json.loads("".join(answer.iter_lines()))


# --- aiohttp


@client(connect="TimeoutError 6.0", response="TimeoutError 6.0", trickle="TimeoutError 6.0")
async def aiohttp_over_tls() -> Any:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session, session.get(HTTPS) as answer:
        return await answer.json()


@client(connect="ConnectionTimeoutError 2.0", response="SocketTimeoutError 7.0", trickle="endless")
async def aiohttp_with_timeouts_of_the_socket() -> Any:
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=2, sock_read=7)
    async with aiohttp.ClientSession(timeout=timeout) as session, session.get(HTTP) as answer:
        return await answer.json()


@client(connect="TimeoutError 3.0", response="TimeoutError 3.0", trickle="TimeoutError 3.0")
async def aiohttp_with_a_timeout_of_the_request() -> Any:
    async with aiohttp.ClientSession() as session, session.get(HTTP, timeout=aiohttp.ClientTimeout(total=3)) as answer:
        return await answer.json()


@client(connect="TimeoutError 6.0", response="TimeoutError 6.0", trickle="TimeoutError 6.0")
def aiohttp_in_a_loop_of_its_own() -> Any:
    async def main() -> Any:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session, session.get(HTTP) as answer:
            return json.loads(b"".join([line async for line in answer.content]))

    return asyncio.run(main())
