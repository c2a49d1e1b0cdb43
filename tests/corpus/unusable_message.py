"""AR105: errors whose message says too little or too much, beside messages that only look as if they gave something away."""

from __future__ import annotations

import asyncio
import os
import traceback
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import Any

import aiohttp
import asyncpg
import httpx
import httpx2
import openai
import pymysql
import redis
import requests

from pytest_agentready.patterns.results import ToolResult

from . import labelled
from .classify import from_httpx, from_requests, from_status, unreadable
from .model_providers import CHAT

# --- the fault ---------------------------------------------------------------------------------------------------------


@labelled(
    args={"city": "Oslo"},
    backend={"GET https://api.openweathermap.org/data/2.5/weather": {"main": {"temp": 7.5}}},
    AR104="failed",
    AR105="failed",  # the exception quotes the URL, and the URL the key
)
def temperature(city: str) -> ToolResult:
    """The temperature in a city."""
    try:
        response = requests.get(
            "https://api.openweathermap.org/data/2.5/weather", params={"q": city, "api_key": "9b1deb4d3b7d4bad9bdd2b0d"}, timeout=5
        )
        response.raise_for_status()
        return ToolResult.success(response.json()["main"]["temp"])
    except requests.RequestException as error:
        return ToolResult.transient(f"The weather could not be looked up: {error}")
    except (KeyError, TypeError):
        return unreadable()


@labelled(
    args={"city": "Oslo"},
    backend={"GET https://api.openweathermap.org/data/2.5/forecast": {"list": [{"main": {"temp": 3}}]}},
    AR104="failed",
    AR105="failed",  # there the key goes by the name of an app's id
)
def forecast(city: str) -> ToolResult:
    """The temperature that is to be expected in a city."""
    try:
        response = requests.get(
            "https://api.openweathermap.org/data/2.5/forecast", {"q": city, "appid": "9b1deb4d3b7d4bad9bdd2b0d7b3dcb6d"}, timeout=5
        )
        response.raise_for_status()
        return ToolResult.success(response.json()["list"][0]["main"]["temp"])
    except requests.RequestException as error:
        return ToolResult.transient(f"The weather could not be looked up: {error}")
    except (KeyError, TypeError, IndexError):
        return unreadable()


@labelled(
    args={"query": "tea"},
    backend={"GET https://store.example.com/search": {"hits": [{"id": 3}]}},
    AR104="failed",
    AR105="passed",  # the number of an app is no secret
)
def search_of_app(query: str) -> ToolResult:
    """Search the store."""
    try:
        response = requests.get("https://store.example.com/search", {"q": query, "appid": "440219873312"}, timeout=5)
        response.raise_for_status()
        return ToolResult.success([hit["id"] for hit in response.json()["hits"]])
    except requests.RequestException as error:
        return ToolResult.transient(f"The store could not be searched: {error}")
    except (KeyError, TypeError):
        return unreadable()


@labelled(
    args={"sku": "MUG-1"},
    backend={"GET https://depot.example.com/stock/{sku}": {"pieces": 4}},
    AR105="failed",  # the text of asyncio's own timeout is empty
)
async def pieces_in_depot(sku: str) -> ToolResult:
    """How many pieces are in the depot."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=4)) as session:
        try:
            async with session.get(f"https://depot.example.com/stock/{sku}") as response:
                if response.status != 200:
                    return from_status(response.status)
                return ToolResult.success(int((await response.json(content_type=None))["pieces"]))
        except (aiohttp.ClientError, asyncio.TimeoutError) as error:
            return ToolResult.transient(str(error))
        except (ValueError, KeyError, TypeError):
            return unreadable()


@labelled(
    args={"account": "A-7"},
    backend={"GET https://bank.example.com/accounts/{account}": {"balance": 12}},
    AR104="failed",
    AR105="failed",
)
def balance(account: str) -> dict[str, Any]:
    """The balance of an account."""
    try:
        response = httpx2.get(f"https://bank.example.com/accounts/{account}", timeout=4)
        response.raise_for_status()
        return {"status": "success", "balance": response.json()["balance"]}
    except Exception:
        return {"status": "error", "error_type": "transient", "retry_safe": True, "message": traceback.format_exc()}


@labelled(
    args={"path": "/reports/q3"},
    backend={"GET https://wiki.internal/reports/q3": {"text": "All is well."}},
    AR105="failed",  # Basic authentication, as the peer saw it
)
def wiki_page(path: str) -> ToolResult:
    """A page of the wiki."""
    request = httpx.Request("GET", f"https://wiki.internal{path}", headers={"Authorization": "Basic Ym90OnMzY3JldC1iMHQtcHc="})
    try:
        with httpx.Client(timeout=4) as client:
            response = client.send(request)
            response.raise_for_status()
            return ToolResult.success(response.json()["text"])
    except httpx.HTTPError as error:
        result = from_httpx(error)
        sent = dict(request.headers)
        return result.model_copy(update={"message": f"{result.message} The request was {request.method} {request.url} {sent}"})
    except (ValueError, KeyError, TypeError):
        return unreadable()


SHOP_DSN = "postgresql://app:tuesday@db.internal/shop"


@labelled(
    args={"order_id": 7},
    backend={"postgresql://db.internal/shop": [{"id": 7, "state": "shipped"}]},
    kind="db",
    AR105="failed",  # the address has the password in it
)
async def state_in_the_database(order_id: int) -> ToolResult:
    """The state of an order."""
    try:
        connection = await asyncpg.connect(SHOP_DSN, timeout=5, command_timeout=5)
        try:
            state = await connection.fetchval("SELECT state FROM orders WHERE id = $1", order_id)
        finally:
            connection.terminate()
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, asyncio.TimeoutError) as error:
        return ToolResult.transient(f"{SHOP_DSN} could not be asked: {type(error).__name__}")
    return ToolResult.success(state) if state else ToolResult.permanent(f"There is no order {order_id}.")


REDIS_SETTINGS = {"host": "cache.internal", "password": "r3dis-0f-the-shop", "socket_timeout": 1, "socket_connect_timeout": 1}


@labelled(args={"user": "7"}, backend={"redis://cache.internal/0": {"plan:7": "pro"}}, AR105="failed")  # with all of its settings
def plan_of(user: str) -> ToolResult:
    """The plan of a user."""
    try:
        with redis.Redis(**REDIS_SETTINGS, retry=None) as cache:  # type: ignore[arg-type]
            plan = cache.get(f"plan:{user}")
    except redis.RedisError as error:
        return ToolResult.transient(f"No answer from Redis with {REDIS_SETTINGS}: {type(error).__name__}")
    return ToolResult.success(plan.decode()) if plan else ToolResult.permanent(f"There is no user {user}.")


@labelled(args={"sku": "MUG-1"}, backend={"mysql://db.internal/shop": [{"price": 9}]}, kind="db", AR105="failed")
def price_in_the_database(sku: str) -> ToolResult:
    """The price of an article."""
    login = {"user": "app", "password": "mug5-and-cups", "host": "db.internal", "database": "shop"}
    try:
        connection = pymysql.connect(**login, connect_timeout=5, read_timeout=5)  # type: ignore[arg-type]
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT price FROM articles WHERE sku = %s", (sku,))
            found = cursor.fetchone()
    except pymysql.MySQLError:
        return ToolResult.transient(f"The query failed for {login!r}.")
    return ToolResult.success(found[0]) if found else ToolResult.permanent(f"There is no article {sku}.")


@labelled(args={"page": "7"}, backend={"GET https://wiki.example.com/pages/{id}": {"title": "Mugs"}}, AR105="failed")
def page_of_the_intranet(page: str) -> ToolResult:
    """The title of a page."""
    jar = {"sessionid": "7c1f9a30d5e24b68", "lang": "nb-NO-with-English"}
    try:
        response = requests.get(f"https://wiki.example.com/pages/{page}", cookies=jar, timeout=4)
        if response.status_code != 200:
            return ToolResult(
                **{**from_status(response.status_code).model_dump(), "message": f"No page for {response.request.headers['Cookie']}."}
            )
        return ToolResult.success(response.json()["title"])
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError):
        return unreadable()


# --- look-alikes -------------------------------------------------------------------------------------------------------


@labelled(
    args={"order_id": "ord_7f3a9c1e2b"},
    backend={"GET https://api.example.com/orders": {"state": "shipped"}},
    AR105="passed",  # the order's id stands in the URL under a telling name, and the caller knows it
)
def order_by_key(order_id: str) -> ToolResult:
    """An order's state."""
    try:
        response = requests.get("https://api.example.com/orders", params={"key": order_id}, timeout=5)
        response.raise_for_status()
        return ToolResult.success(response.json()["state"])
    except requests.RequestException as error:
        result = from_requests(error)
        return result.model_copy(update={"message": f"Order {order_id} could not be looked up (the token may have expired)."})
    except (KeyError, TypeError):
        return unreadable()


@labelled(
    args={"question": "What is tea?"},
    backend={"POST https://api.openai.com/v1/chat/completions": CHAT},
    AR105="passed",  # the client's own texts say nothing of the key, which goes in a header
)
def ask_model(question: str) -> ToolResult:
    """Ask a model."""
    try:
        with openai.OpenAI(api_key="sk-proj-5EcReT0fTheCorpus", timeout=2, max_retries=0) as client:
            answer = client.chat.completions.create(model="gpt-5", messages=[{"role": "user", "content": question}])
        return ToolResult.success(answer.choices[0].message.content)
    except openai.APIStatusError as error:
        return from_status(error.status_code).model_copy(update={"message": f"The model gave no answer: {error}"})
    except openai.APIConnectionError as error:
        return ToolResult.transient(f"The model gave no answer: {error}")
    except (openai.OpenAIError, ValueError, AttributeError, TypeError, IndexError):
        return unreadable()


@labelled(
    args={"user": "ada"},
    backend={"GET https://directory.example.com/users/{user}": {"team": "engines"}},
    AR105="passed",  # the password is a word, and so is what a message says of it
)
def team_of(user: str) -> ToolResult:
    """The team of a user."""
    password = os.environ.get("DIRECTORY_PASSWORD", "password")
    url = f"https://directory.example.com/users/{user}"
    try:
        response = requests.get(url, auth=("agent", password), timeout=4)
        response.raise_for_status()
        return ToolResult.success(response.json()["team"])
    except requests.RequestException as error:
        return from_requests(error).model_copy(update={"message": f"{type(error).__name__}: check the password and try {url} again."})
    except (KeyError, TypeError):
        return unreadable()


@labelled(
    args={"mailbox": "inbox"},
    backend={"GET https://mail.example.com/{mailbox}": {"unread": 3}},
    AR101="passed",
    AR105="passed",  # the words of an error may stand elsewhere than in `message`
)
def unread(mailbox: str) -> dict[str, Any]:
    """How many mails are unread."""

    def failed(result: ToolResult) -> dict[str, Any]:
        return {"status": "error", "error_type": result.error_type, "retry_safe": result.retry_safe, "error": result.message}

    try:
        with urllib.request.urlopen(f"https://mail.example.com/{mailbox}", timeout=4) as response:
            return {"status": "success", "unread": requests.models.complexjson.loads(response.read())["unread"]}
    except urllib.error.HTTPError as error:
        return failed(from_status(error.code))
    except (OSError, HTTPException):
        return failed(ToolResult.transient("The mail server could not be reached."))
    except (ValueError, KeyError, TypeError):
        return failed(unreadable())


@labelled(
    args={"text": "It rains."},
    backend={"POST https://hooks.chat.example.com/services/T02AB9XY/B03CD8WZ/{token}": {"ok": True}},
    AR105="failed",  # who knows the address of a webhook can post there, and the client's exception quotes it
)
def post_to_the_channel(text: str) -> ToolResult:
    """Tell the channel something."""
    try:
        response = requests.post(
            "https://hooks.chat.example.com/services/T02AB9XY/B03CD8WZ/kfjDk39sJfkd92kDJfks1a2b", json={"text": text}, timeout=4
        )
        response.raise_for_status()
        return ToolResult.success()
    except requests.RequestException as error:
        return from_requests(error).model_copy(update={"message": f"Not posted: {error}"})


@labelled(
    args={},
    backend={"GET https://sheets.example.com/v4/spreadsheets/{id}": {"title": "Stock"}},
    AR105="passed",  # the id of a sheet lets nobody in
)
def title_of_the_stock() -> ToolResult:
    """The title of the sheet with the stock."""
    try:
        response = requests.get("https://sheets.example.com/v4/spreadsheets/1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74Og", timeout=4)
        response.raise_for_status()
        return ToolResult.success(response.json()["title"])
    except requests.RequestException as error:
        return from_requests(error).model_copy(update={"message": f"No title: {error}"})
    except (KeyError, TypeError):
        return unreadable()


@labelled(args={"order_id": 7}, backend={"postgresql://db.internal/shop": [{"id": 7, "state": "shipped"}]}, kind="db", AR105="passed")
async def state_in_the_database_without_its_password(order_id: int) -> ToolResult:
    """The address is shown with a mask in the place of the password, as SQLAlchemy and others show it."""
    shown = "postgresql://app:***@db.internal/shop"
    try:
        connection = await asyncpg.connect(SHOP_DSN, timeout=5, command_timeout=5)
        try:
            state = await connection.fetchval("SELECT state FROM orders WHERE id = $1", order_id)
        finally:
            connection.terminate()
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, asyncio.TimeoutError) as error:
        return ToolResult.transient(f"{shown} could not be asked: {type(error).__name__}")
    return ToolResult.success(state) if state else ToolResult.permanent(f"There is no order {order_id}.")


@labelled(args={"user": "7"}, backend={"redis://cache.internal/0": {"plan:7": "pro"}}, AR105="passed")
def plan_by_the_clients_own_words(user: str) -> ToolResult:
    """The client's exceptions name the server, and no password."""
    try:
        with redis.Redis(**REDIS_SETTINGS, retry=None) as cache:  # type: ignore[arg-type]
            plan = cache.get(f"plan:{user}")
    except redis.RedisError as error:
        return ToolResult.transient(f"The plan could not be read: {error}")
    return ToolResult.success(plan.decode()) if plan else ToolResult.permanent(f"There is no user {user}.")


@labelled(args={"page": "7"}, backend={"GET https://wiki.example.com/pages/{id}": {"title": "Mugs"}}, AR105="passed")
def page_in_a_language(page: str) -> ToolResult:
    """A cookie that says how the page is to look is no secret."""
    jar = {"sessionid": "7c1f9a30d5e24b68", "lang": "nb-NO-with-English"}
    try:
        response = requests.get(f"https://wiki.example.com/pages/{page}", cookies=jar, timeout=4)
        if response.status_code != 200:
            return ToolResult(**{**from_status(response.status_code).model_dump(), "message": f"No page in {jar['lang']}."})
        return ToolResult.success(response.json()["title"])
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError):
        return unreadable()
