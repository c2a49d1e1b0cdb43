"""Tools that write something down beside their answer: a cache, a count, an audit. Where that fails, the answer is right."""

from __future__ import annotations

import hashlib
import logging

import redis
import requests

from pytest_agentready.patterns.results import ToolResult
from tests.corpus import labelled
from tests.corpus.classify import from_requests, unreadable

STORE = redis.Redis("side.internal", socket_timeout=1, socket_connect_timeout=1, retry=None, decode_responses=True)
QUOTE = {"GET https://quotes.example.com/{symbol}": {"cents": 1290}, "POST https://quotes.example.com/alerts": {"id": "al-1"}}
logger = logging.getLogger(__name__)


def quoted(symbol: str) -> ToolResult:
    try:
        response = requests.get(f"https://quotes.example.com/{symbol}", timeout=2)
        response.raise_for_status()
        return ToolResult.success({"cents": int(response.json()["cents"])})
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError, ValueError):
        return unreadable()


# --- the fault ---------------------------------------------------------------------------------------------------------


@labelled(args={"symbol": "ACME"}, backend=QUOTE, conduct={"bookkeeping": ["redis:quote:*"]}, AR103="failed", AR401="failed")
def quote_and_watch(symbol: str) -> ToolResult:
    """The price of a share; it is watched from now on. That the watch could not be set up is told to nobody."""
    found = quoted(symbol)
    if found.status == "success":
        try:
            requests.post("https://quotes.example.com/alerts", json={"symbol": symbol}, timeout=2).raise_for_status()
        except requests.RequestException:
            logger.warning("no alert for %s", symbol)
    return found


# --- look-alikes -------------------------------------------------------------------------------------------------------


@labelled(args={"symbol": "ACME"}, backend=QUOTE, conduct={"bookkeeping": ["redis:quote:*"]}, AR401="passed")
def cached_quote(symbol: str) -> ToolResult:
    """The price of a share, at most ten seconds old. A cache that is down makes it slower, and not wrong."""
    key = f"quote:{hashlib.sha256(symbol.encode()).hexdigest()[:12]}"
    try:
        if (cents := STORE.get(key)) is not None:
            return ToolResult.success({"cents": int(cents)})
    except (redis.RedisError, ValueError):
        logger.warning("the cache cannot be read")
    found = quoted(symbol)
    if found.status == "success":
        try:
            STORE.set(key, found.data["cents"], ex=10)
        except redis.RedisError:
            logger.warning("the cache cannot be written")
    return found


@labelled(args={"symbol": "ACME"}, backend=QUOTE, conduct={"bookkeeping": ["redis:asked:*"]}, AR401="passed", AR302="not_applicable")
def counted_quote(symbol: str) -> ToolResult:
    """The price of a share; how often it is asked for is counted where that works."""
    found = quoted(symbol)
    try:
        STORE.incr(f"asked:{symbol}")
    except redis.RedisError:
        logger.warning("not counted")
    return found
