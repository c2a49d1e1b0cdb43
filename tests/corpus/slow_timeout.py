"""AR203: deadlines that come too late, beside waits that add up to less than they seem."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from typing import Any, TypeVar

import aiohttp
import httpx
import httpx2
import requests
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from pytest_agentready.patterns.results import ToolResult

from . import labelled
from .classify import from_httpx, from_requests, from_status, unreadable

Value = TypeVar("Value")

# --- the fault ---------------------------------------------------------------------------------------------------------


@labelled(args={"order_id": "42"}, backend={"GET https://api.example.com/orders/{order_id}": {"status": "shipped"}}, AR203="failed")
def sluggish_order_status(order_id: str) -> ToolResult:
    """Look up an order, with half a minute for it."""
    try:
        response = requests.get(f"https://api.example.com/orders/{order_id}", timeout=30)
        response.raise_for_status()
        return ToolResult.success(response.json()["status"])
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError):
        return unreadable()


def attempt(action: Callable[[], Value], *, times: int, on: type[Exception], pause: float) -> Value:
    """Call until it works, with a growing pause between the attempts; the last error is raised."""
    for number in range(1, times):
        try:
            return action()
        except on:
            time.sleep(pause * number)
    return action()


@labelled(
    args={"zip_code": "0150"},
    backend={"GET https://post.example.org/zip/{zip_code}": {"town": "Oslo"}},
    AR203="failed",  # three attempts of 5 s each
)
def town_of(zip_code: str) -> ToolResult:
    """The town of a postal code."""
    with httpx.Client(base_url="https://post.example.org", timeout=5) as client:
        try:
            response = attempt(lambda: client.get(f"/zip/{zip_code}"), times=3, on=httpx.TransportError, pause=0.2)
            response.raise_for_status()
            return ToolResult.success(response.json()["town"])
        except httpx.HTTPError as error:
            return from_httpx(error)
        except (ValueError, KeyError, TypeError):
            return unreadable()


@labelled(
    args={"team": "blue"},
    backend={"GET https://scores.example.com/{team}": {"points": 31}},
    AR203="failed",  # aiohttp's own default: five minutes
)
async def team_points(team: str) -> ToolResult:
    """The points of a team."""
    async with aiohttp.ClientSession() as session:
        try:
            async with session.get(f"https://scores.example.com/{team}") as response:
                if response.status != 200:
                    return from_status(response.status)
                return ToolResult.success(int((await response.json())["points"]))
        except aiohttp.ContentTypeError:
            return unreadable()
        except (aiohttp.ClientError, asyncio.TimeoutError):
            return ToolResult.transient("The score board could not be reached.")
        except (ValueError, KeyError, TypeError):
            return unreadable()


stubborn = requests.Session()
stubborn.mount("https://", HTTPAdapter(max_retries=Retry(total=3, backoff_factor=1, respect_retry_after_header=False)))


@labelled(
    args={"rate": "usd"},
    backend={"GET https://rates.example.com/{rate}": {"value": 1.08}},
    AR203="failed",  # 2 s a try, but the adapter tries four times and sleeps in between: 14 s
)
def interest_rate(rate: str) -> ToolResult:
    """An interest rate."""
    try:
        response = stubborn.get(f"https://rates.example.com/{rate}", timeout=2)
        response.raise_for_status()
        return ToolResult.success(float(response.json()["value"]))
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError, ValueError):
        return unreadable()


@labelled(
    args={"phrase": "cheap flights"},
    backend={"GET https://suggest.example.com/complete": {"words": ["to Rome"]}},
    timeout=2,
    AR203="failed",  # its owner promises 2 s, the client allows 5
)
async def suggest(phrase: str) -> ToolResult:
    """How a search may go on."""
    async with httpx2.AsyncClient() as client:
        try:
            response = await client.get("https://suggest.example.com/complete", params={"q": phrase})
            response.raise_for_status()
            return ToolResult.success(list(response.json()["words"]))
        except httpx2.HTTPError as error:
            return from_httpx(error)
        except (ValueError, KeyError, TypeError):
            return unreadable()


def _get_json(url: str, timeout: float) -> Any:
    with urllib.request.urlopen(url, timeout=timeout) as response:
        return json.load(response)


@labelled(
    args={"device": "d-4"},
    backend={"GET https://iot.example.com/devices/{device}": {"online": True}},
    AR203="failed",  # short timeouts, but the pauses of 2 s and 4 s between them count as well
)
def device_online(device: str) -> ToolResult:
    """Whether a device is connected."""
    try:
        state = attempt(lambda: _get_json(f"https://iot.example.com/devices/{device}", 1), times=3, on=TimeoutError, pause=2)
        return ToolResult.success(bool(state["online"]))
    except urllib.error.HTTPError as error:
        return from_status(error.code)
    except (OSError, HTTPException):
        return ToolResult.transient("The device registry could not be reached.")
    except (ValueError, KeyError, TypeError):
        return unreadable()


@labelled(
    args={"floor": "2"},
    backend={"GET http://printers.internal/floors/{floor}": {"paper": "low"}},
    AR203="failed",  # no deadline for the connect: the operating system gives up after two minutes, so it is not for ever
)
def printer_paper(floor: str) -> ToolResult:
    """Whether a floor's printer has paper."""
    try:
        response = requests.get(f"http://printers.internal/floors/{floor}", timeout=(None, 4))
        response.raise_for_status()
        return ToolResult.success(response.json()["paper"])
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError):
        return unreadable()


# --- look-alikes -------------------------------------------------------------------------------------------------------


@labelled(args={"zip_code": "0150"}, backend={"GET https://post.example.org/zip/{zip_code}": {"town": "Oslo"}})
def quick_town_of(zip_code: str) -> ToolResult:
    """The town of a postal code. Two attempts of 2 s and a short pause stay below 5 s."""
    with httpx2.Client(base_url="https://post.example.org", timeout=2) as client:
        try:
            response = attempt(lambda: client.get(f"/zip/{zip_code}"), times=2, on=httpx2.TransportError, pause=0.3)
            response.raise_for_status()
            return ToolResult.success(response.json()["town"])
        except httpx2.HTTPError as error:
            return from_httpx(error)
        except (ValueError, KeyError, TypeError):
            return unreadable()


@labelled(
    args={"quarter": "2026Q3"},
    backend={"POST https://reports.example.com/quarters/{quarter}": {"pages": 14}},
    timeout=15,  # reports take their time, and the owner says so
)
def build_report(quarter: str) -> ToolResult:
    """Build a quarter's report; the number of its pages. Building it again replaces it, by the key."""
    headers = {"Idempotency-Key": f"report-{quarter}"}
    try:
        response = requests.post(f"https://reports.example.com/quarters/{quarter}", headers=headers, timeout=(3, 14))
        response.raise_for_status()
        return ToolResult.success(int(response.json()["pages"]))
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError, ValueError):
        return unreadable()


@labelled(
    args={"day": "2026-11-23"},
    backend={"GET http://clickhouse.internal:8123/": {"rows": 1, "data": [{"visits": 4210}]}},
    kind="db",  # a database may take 30 s
)
def visits(day: str) -> ToolResult:
    """How many visits the shop had on a day."""
    query = urllib.parse.quote(f"SELECT count() AS visits FROM visits WHERE day = '{day}' FORMAT JSON")
    try:
        return ToolResult.success(int(_get_json(f"http://clickhouse.internal:8123/?query={query}", 25)["data"][0]["visits"]))
    except urllib.error.HTTPError as error:
        return from_status(error.code)
    except (OSError, HTTPException):
        return ToolResult.transient("The data warehouse could not be reached.")
    except (ValueError, LookupError, TypeError):
        return unreadable()


@labelled(args={"word": "agent"}, backend={"GET https://dict.example.org/define/{word}": {"meaning": "one who acts"}})
async def define(word: str) -> ToolResult:
    """What a word means. aiohttp rounds its 5 s up to a whole second of the loop's clock, which is within the tolerance."""
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
            async with session.get(f"https://dict.example.org/define/{word}") as response:
                if response.status != 200:
                    return from_status(response.status)
                return ToolResult.success((await response.json(content_type=None))["meaning"])
    except (aiohttp.ClientError, asyncio.TimeoutError):
        return ToolResult.transient("The dictionary could not be reached.")
    except (ValueError, KeyError, TypeError):
        return unreadable()


steady = requests.Session()
retries = Retry(total=1, backoff_factor=0.2, status_forcelist=[502, 503, 504], raise_on_status=False, respect_retry_after_header=False)
steady.mount("https://", HTTPAdapter(max_retries=retries))


@labelled(args={"lane": "7"}, backend={"GET https://tolls.example.com/lanes/{lane}": {"open": True}})
def lane_open(lane: str) -> ToolResult:
    """Whether a toll lane is open. The adapter tries twice, 2 s each."""
    try:
        response = steady.get(f"https://tolls.example.com/lanes/{lane}", timeout=2)
        response.raise_for_status()
        return ToolResult.success(bool(response.json()["open"]))
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError):
        return unreadable()
