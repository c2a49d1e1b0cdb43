"""Tools that leave something behind in one kind of failure alone, or where a server would have closed it, beside careful twins."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotDone

import aiohttp
import asyncpg
import httpx
import pymysql
import redis
import requests
import websockets

from pytest_agentready.patterns.results import ToolResult
from tests.corpus import labelled
from tests.corpus.classify import from_httpx, from_requests, from_status, unreadable

STOCK = {"GET https://stock.example.com/{item}": {"left": 3}}
ARGS = {"item": "A-7"}
URL = "https://stock.example.com"
POSTGRES = {"postgresql://db.internal/shop": [{"item": "A-7", "left": 3}]}
MYSQL = {"mysql://db.internal/shop": [{"item": "A-7", "left": 3}]}
REDIS = {"redis://cache.internal/0": {"stock:A-7": "3"}}
FEED = {"GET wss://feed.example.com/stock": ['{"left": 3}', '{"left": 2}']}

of_unknown_items: list[requests.Session] = []


@labelled(args=ARGS, backend=STOCK, AR207="failed")
def stock_of_a_known_item(item: str) -> ToolResult:
    """What is missing is kept for a later look at it."""
    session = requests.Session()
    try:
        response = session.get(f"{URL}/{item}", timeout=4)
        if response.status_code == 404:
            of_unknown_items.append(session)
            return ToolResult.permanent(f"There is no item {item}.")
        response.raise_for_status()
        return ToolResult.success(response.json()["left"])
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError):
        return unreadable()


async def _ask(item: str, timeout: float | None) -> ToolResult:
    async with httpx.AsyncClient(timeout=timeout) as client:
        response = await client.get(f"{URL}/{item}")
        response.raise_for_status()
        return ToolResult.success(response.json()["left"])


@labelled(args=ARGS, backend=STOCK, AR207="failed", AR208="passed")
async def stock_or_no_patience(item: str) -> ToolResult:
    """The caller is told in time. The request goes on, and nothing will ever end it."""
    asking = asyncio.ensure_future(_ask(item, timeout=None))
    done, _ = await asyncio.wait({asking}, timeout=4)
    if not done:
        return ToolResult.transient("The stock could not be asked in time.")
    try:
        return asking.result()
    except httpx.HTTPError as error:
        return from_httpx(error)
    except (ValueError, KeyError, TypeError):
        return unreadable()


def _asked(item: str, timeout: float | None) -> ToolResult:
    try:
        with requests.Session() as session:
            response = session.get(f"{URL}/{item}", timeout=timeout)
            response.raise_for_status()
            return ToolResult.success(response.json()["left"])
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError):
        return unreadable()


def _in_a_thread(item: str, timeout: float | None) -> ToolResult:
    pool = ThreadPoolExecutor(max_workers=1)
    asking = pool.submit(_asked, item, timeout)
    pool.shutdown(wait=False)
    try:
        return asking.result(timeout=4)
    except NotDone:
        return ToolResult.transient("The stock could not be asked in time.")


@labelled(args=ARGS, backend=STOCK, AR207="failed")
def stock_from_a_thread_without_a_timeout(item: str) -> ToolResult:
    return _in_a_thread(item, None)


of_failed_queries: list[object] = []


@labelled(args=ARGS, backend=MYSQL, kind="db", AR207="failed")
def stock_from_mysql(item: str) -> ToolResult:
    """A query that fails is kept with its connection."""
    try:
        connection = pymysql.connect(host="db.internal", user="app", database="shop", connect_timeout=5, read_timeout=5)
    except pymysql.MySQLError:
        return ToolResult.transient("The stock cannot be read at the moment.")
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT item, left FROM stock WHERE item = %s", (item,))
            found = cursor.fetchone()
    except pymysql.MySQLError as error:
        of_failed_queries.append((error, connection))
        return ToolResult.transient("The stock cannot be read at the moment.")
    connection.close()
    return ToolResult.success(found[1]) if found else ToolResult.permanent(f"There is no item {item}.")


@labelled(args=ARGS, backend=REDIS, AR207="failed")
def stock_from_redis(item: str) -> ToolResult:
    client = redis.Redis(host="cache.internal", socket_timeout=1, socket_connect_timeout=1, retry=None)
    try:
        left = client.get(f"stock:{item}")
        client.close()
    except redis.ResponseError:
        of_failed_queries.append(client)
        return ToolResult.transient("The stock cannot be read at the moment.")
    except redis.RedisError:
        client.close()
        return ToolResult.transient("The stock cannot be read at the moment.")
    return ToolResult.success(int(left)) if left else ToolResult.permanent(f"There is no item {item}.")


FEED_ERRORS = (websockets.WebSocketException, OSError, asyncio.TimeoutError)


@labelled(args=ARGS, backend=FEED, AR207="failed")
async def stock_by_feed(item: str) -> ToolResult:
    """One message is listened to, and nobody hangs up."""
    try:
        feed = await websockets.connect("wss://feed.example.com/stock", open_timeout=2, close_timeout=1)
        return ToolResult.success(str(await asyncio.wait_for(feed.recv(), 2)))
    except websockets.InvalidStatus as error:
        return from_status(error.response.status_code)
    except FEED_ERRORS:
        return ToolResult.transient("The stock could not be listened to.")


# --- look-alikes -------------------------------------------------------------------------------------------------------


@labelled(args=ARGS, backend=STOCK, AR207="passed")
def stock_of_an_unknown_item(item: str) -> ToolResult:
    with requests.Session() as session:
        try:
            response = session.get(f"{URL}/{item}", timeout=4)
            if response.status_code == 404:
                return ToolResult.permanent(f"There is no item {item}.")
            response.raise_for_status()
            return ToolResult.success(response.json()["left"])
        except requests.RequestException as error:
            return from_requests(error)
        except (KeyError, TypeError):
            return unreadable()


@labelled(args=ARGS, backend=STOCK, AR207="passed", AR208="passed")
async def stock_or_a_cancelled_request(item: str) -> ToolResult:
    asking = asyncio.ensure_future(_ask(item, timeout=None))
    try:
        await asyncio.wait({asking}, timeout=4)
        if not asking.done():
            return ToolResult.transient("The stock could not be asked in time.")
        return asking.result()
    except httpx.HTTPError as error:
        return from_httpx(error)
    except (ValueError, KeyError, TypeError):
        return unreadable()
    finally:
        asking.cancel()


@labelled(args=ARGS, backend=STOCK, AR207="passed")
def stock_from_a_thread_that_gives_up_later(item: str) -> ToolResult:
    """The thread outlives the call by some seconds, and ends by itself."""
    return _in_a_thread(item, 20)


@labelled(args=ARGS, backend=MYSQL, kind="db", AR207="passed")
def stock_from_mysql_and_closed(item: str) -> ToolResult:
    try:
        connection = pymysql.connect(host="db.internal", user="app", database="shop", connect_timeout=5, read_timeout=5)
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT item, left FROM stock WHERE item = %s", (item,))
            found = cursor.fetchone()
    except pymysql.MySQLError:
        return ToolResult.transient("The stock cannot be read at the moment.")
    return ToolResult.success(found[1]) if found else ToolResult.permanent(f"There is no item {item}.")


@labelled(args=ARGS, backend=POSTGRES, kind="db", AR207="passed")
async def stock_from_postgres_and_closed(item: str) -> ToolResult:
    try:
        connection = await asyncpg.connect("postgresql://app@db.internal/shop", timeout=5, command_timeout=5)
        try:
            left = await connection.fetchval("SELECT left FROM stock WHERE item = $1", item)
        finally:
            connection.terminate()
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, asyncio.TimeoutError):
        return ToolResult.transient("The stock cannot be read at the moment.")
    return ToolResult.success(left) if left else ToolResult.permanent(f"There is no item {item}.")


@labelled(args=ARGS, backend=FEED, AR207="passed")
async def stock_by_feed_and_closed(item: str) -> ToolResult:
    try:
        async with websockets.connect("wss://feed.example.com/stock", open_timeout=2, close_timeout=1) as feed:
            return ToolResult.success(str(await asyncio.wait_for(feed.recv(), 2)))
    except websockets.InvalidStatus as error:
        return from_status(error.response.status_code)
    except FEED_ERRORS:
        return ToolResult.transient("The stock could not be listened to.")


@labelled(args=ARGS, backend=FEED, AR207="passed")
async def stock_by_feed_to_its_end(item: str) -> ToolResult:
    """It hears all of it, until the server takes its leave."""
    heard = []
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=4)) as session:
            async with session.ws_connect("wss://feed.example.com/stock") as feed:
                while (message := await feed.receive(timeout=4)).type is aiohttp.WSMsgType.TEXT:
                    heard.append(str(message.data))
                if feed.close_code != aiohttp.WSCloseCode.OK or not heard:
                    return ToolResult.transient("The stock could not be listened to.")
        return ToolResult.success(heard)
    except aiohttp.WSServerHandshakeError as error:
        return from_status(error.status)
    except (aiohttp.ClientError, OSError, asyncio.TimeoutError):
        return ToolResult.transient("The stock could not be listened to.")
