"""Tools whose clients make their sockets in C: psycopg 3, psycopg2, grpc, curl_cffi and pycurl, each carelessly and carefully used."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from io import BytesIO
from typing import Any

import curl_cffi.requests
import curl_cffi.requests.exceptions
import grpc
import psycopg
import psycopg2
import pycurl

from pytest_agentready.patterns.results import ToolResult
from tests.corpus import labelled
from tests.corpus.classify import from_status, unreadable

SHOP_DB = "host=db.internal dbname=shop user=shop password=secret"
ORDERS = {"postgresql://db.internal/shop": [{"id": 7, "state": "shipped"}]}
API = {"GET https://api.example.com/orders/{id}": {"state": "shipped"}}
PRICING = "pricing.internal:50051"
PRICES = {f"grpc://{PRICING}/shop.Pricing/GetPrice": lambda sku: b"12.50"}
STATE = "SELECT state FROM orders WHERE id = %s"

pricing = grpc.insecure_channel(PRICING)
get_price = pricing.unary_unary("/shop.Pricing/GetPrice", request_serializer=str.encode, response_deserializer=bytes.decode)
workers = ThreadPoolExecutor(2)


# -- databases


@labelled(
    args={"order_id": 7},
    backend=ORDERS,
    kind="db",
    AR101="failed",
    AR102="failed",
    AR103="not_applicable",
    AR104="not_applicable",
    AR202="failed",
    AR203="not_applicable",
)
def state_by_psycopg(order_id: int) -> str:
    """The state of an order."""
    with psycopg.connect(SHOP_DB) as connection:
        row = connection.execute(STATE, (order_id,)).fetchone()
    return str(row[0]) if row else "unknown"


async def _state(order_id: int) -> Any:
    async with await psycopg.AsyncConnection.connect(SHOP_DB, connect_timeout=5) as connection:
        cursor = await connection.execute(STATE, (order_id,))
        return await cursor.fetchone()


@labelled(args={"order_id": 7}, backend=ORDERS, kind="db", AR204="passed")
async def state_by_psycopg_in_time(order_id: int) -> ToolResult:
    """The state of an order."""
    try:
        row = await asyncio.wait_for(_state(order_id), 10)
    except (psycopg.OperationalError, asyncio.TimeoutError):
        return ToolResult.transient("The order database does not answer.")
    except psycopg.Error:
        return ToolResult.permanent("The order database refuses the query.")
    return ToolResult.success(row[0]) if row else ToolResult.permanent("There is no such order.")


@labelled(
    args={"order_id": 7},
    backend=ORDERS,
    kind="db",
    AR101="failed",
    AR103="failed",
    AR104="not_applicable",
    AR202="failed",
    AR203="not_applicable",
)
def state_by_psycopg2(order_id: int) -> dict[str, Any]:
    """The state of an order."""
    try:
        connection = psycopg2.connect(SHOP_DB, connect_timeout=3)
        with connection.cursor() as cursor:
            cursor.execute(STATE, (order_id,))
            row = cursor.fetchone()
        connection.close()
        return {"state": row[0]}
    except psycopg2.Error:
        return {}


@labelled(args={"order_id": 7}, backend=ORDERS, kind="db", AR204="passed")
def state_by_psycopg2_in_time(order_id: int) -> ToolResult:
    """The state of an order."""

    def ask() -> Any:
        connection = psycopg2.connect(SHOP_DB, connect_timeout=3)
        try:
            with connection.cursor() as cursor:
                cursor.execute(STATE, (order_id,))
                return cursor.fetchone()
        finally:
            connection.close()

    try:
        row = workers.submit(ask).result(timeout=10)
    except (psycopg2.OperationalError, psycopg2.InterfaceError, FutureTimeout):
        return ToolResult.transient("The order database does not answer.")
    except psycopg2.Error:
        return ToolResult.permanent("The order database refuses the query.")
    return ToolResult.success(row[0]) if row else ToolResult.permanent("There is no such order.")


# -- remote procedures


@labelled(
    args={"sku": "BOLT-8"}, backend=PRICES, AR101="failed", AR103="failed", AR104="not_applicable", AR202="failed", AR203="not_applicable"
)
def price_by_grpc(sku: str) -> dict[str, str]:
    """The price of an article."""
    try:
        return {"price": get_price(sku)}
    except grpc.RpcError:
        return {"price": "0.00"}


PERMANENT = (
    grpc.StatusCode.UNAUTHENTICATED,
    grpc.StatusCode.PERMISSION_DENIED,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.INVALID_ARGUMENT,
)


@labelled(args={"sku": "BOLT-8"}, backend=PRICES, AR204="passed")
def price_by_grpc_in_time(sku: str) -> ToolResult:
    """The price of an article."""
    try:
        return ToolResult.success(get_price(sku, timeout=3))
    except grpc.RpcError as error:
        code = error.code()
        if code in PERMANENT:
            return ToolResult.permanent(f"The pricing service refuses the request ({code.name}).")
        if code is grpc.StatusCode.RESOURCE_EXHAUSTED:
            return ToolResult.rate_limited("The pricing service asks for fewer requests.")
        return ToolResult.transient("The pricing service does not answer.")


# -- HTTP by libcurl


@labelled(
    args={"order_id": "7"},
    backend=API,
    AR101="failed",
    AR102="failed",
    AR103="failed",
    AR104="failed",
    AR202="failed",
    AR203="not_applicable",
)
def order_by_curl_cffi(order_id: str) -> str:
    """An order, as a browser would get it."""
    return str(curl_cffi.requests.get(f"https://api.example.com/orders/{order_id}", timeout=None, impersonate="chrome").text)


@labelled(args={"order_id": "7"}, backend=API, timeout=0.5, AR204="unproven")
def order_by_curl_cffi_in_time(order_id: str) -> ToolResult:
    """An order, as a browser would get it."""
    try:
        response = curl_cffi.requests.get(f"https://api.example.com/orders/{order_id}", timeout=0.4, impersonate="chrome")
        if response.status_code >= 400:
            return from_status(response.status_code)
        return ToolResult.success(response.json()["state"])
    except curl_cffi.requests.exceptions.TooManyRedirects:
        return ToolResult.permanent("The service sends us in circles.")
    except curl_cffi.requests.exceptions.RequestException:
        return ToolResult.transient("The service could not be reached.")
    except (ValueError, KeyError, TypeError):
        return unreadable()


@labelled(
    args={"order_id": "7"},
    backend=API,
    AR101="failed",
    AR102="failed",
    AR103="failed",
    AR104="failed",
    AR202="failed",
    AR203="not_applicable",
)
def order_by_pycurl(order_id: str) -> str:
    """An order."""
    return str(_get(order_id, milliseconds=0)[1])


@labelled(args={"order_id": "7"}, backend=API, timeout=0.5, AR204="unproven")
def order_by_pycurl_in_time(order_id: str) -> ToolResult:
    """An order."""
    try:
        status, body = _get(order_id, milliseconds=400)
        if status >= 300:
            return from_status(status)
        return ToolResult.success(json.loads(body)["state"])
    except pycurl.error:
        return ToolResult.transient("The service could not be reached.")
    except (ValueError, KeyError, TypeError):
        return unreadable()


def _get(order_id: str, milliseconds: int) -> tuple[int, str]:
    body = BytesIO()
    curl = pycurl.Curl()
    try:
        curl.setopt(pycurl.URL, f"https://api.example.com/orders/{order_id}")
        curl.setopt(pycurl.WRITEDATA, body)
        curl.setopt(pycurl.TIMEOUT_MS, milliseconds)
        curl.perform()
        return curl.getinfo(pycurl.RESPONSE_CODE), body.getvalue().decode()
    finally:
        curl.close()
