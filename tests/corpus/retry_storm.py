"""AR205: tools that hammer on a peer in trouble, beside tools that ask again with restraint."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import Any

import aiohttp
import backoff
import httpx
import requests
import tenacity
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from pytest_agentready.patterns.results import ToolResult

from . import labelled
from .classify import from_aiohttp, from_httpx, from_requests, from_status, unreadable

# --- the fault ---------------------------------------------------------------------------------------------------------


@labelled(
    args={"route": "B12"},
    backend={"GET https://transit.example.com/routes/{route}": {"delay": 4}},
    AR203="not_applicable",
    AR205="failed",  # a silent peer is given up after 3 s, one that says 503 never is
)
def bus_delay(route: str) -> ToolResult:
    """Minutes by which a bus is late."""
    try:
        while True:
            response = requests.get(f"https://transit.example.com/routes/{route}", timeout=3)
            if response.status_code < 500:
                break
        response.raise_for_status()
        return ToolResult.success(int(response.json()["delay"]))
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError, ValueError):
        return unreadable()


@tenacity.retry(stop=tenacity.stop_after_attempt(4), retry=tenacity.retry_if_exception_type(httpx.HTTPError), reraise=True)
def fetch(url: str) -> Any:
    response = httpx.get(url, timeout=1)
    response.raise_for_status()
    return response.json()


@labelled(
    args={"sku": "LAMP-2"},
    backend={"GET https://stock.example.com/{sku}": {"pieces": 3}},
    AR205="failed",  # tenacity waits only if it is told to; and it is told to retry everything
)
def pieces_left(sku: str) -> ToolResult:
    """How many pieces of an article are left."""
    try:
        return ToolResult.success(int(fetch(f"https://stock.example.com/{sku}")["pieces"]))
    except httpx.HTTPError as error:
        return from_httpx(error)
    except (ValueError, KeyError, TypeError):
        return unreadable()


@labelled(
    args={"host": "web-3"},
    backend={"GET https://monitor.example.com/hosts/{host}": {"load": 0.7}},
    AR205="failed",  # ten attempts, a tenth of a second apart: a pause, and no backoff
)
async def load_of(host: str) -> ToolResult:
    """The load of a host."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=4)) as session:
        try:
            for _ in range(10):
                async with session.get(f"https://monitor.example.com/hosts/{host}") as response:
                    if response.status not in (429, 500, 502, 503, 504):
                        response.raise_for_status()
                        return ToolResult.success(float((await response.json(content_type=None))["load"]))
                await asyncio.sleep(0.1)
            return from_status(response.status)
        except (aiohttp.ClientError, asyncio.TimeoutError) as error:
            return from_aiohttp(error)
        except (ValueError, KeyError, TypeError):
            return unreadable()


@labelled(
    args={"text": "bonjour"},
    backend={"POST https://detect.example.com/language": {"language": "fr"}},
    AR205="failed",  # it backs off well, but what the peer says about when to come back is not read
)
def language_of(text: str) -> ToolResult:
    """The language of a text."""
    request = urllib.request.Request("https://detect.example.com/language", json.dumps({"text": text}).encode())
    for pause in (0.5, 1.5, 0):
        try:
            with urllib.request.urlopen(request, timeout=4) as response:
                return ToolResult.success(json.load(response)["language"])
        except urllib.error.HTTPError as error:
            if error.code != 429 or not pause:
                return from_status(error.code)
            time.sleep(pause)
        except (OSError, HTTPException):
            return ToolResult.transient("The language service could not be reached.")
        except (ValueError, KeyError, TypeError):
            return unreadable()
    raise AssertionError("the last attempt returns")


@labelled(
    args={"document": "D-9"},
    backend={"GET https://archive.example.com/documents/{document}": {"title": "Lease"}},
    AR205="failed",  # what is forbidden is asked for three times
)
async def document_title(document: str) -> ToolResult:
    """The title of a document."""
    async with httpx.AsyncClient(timeout=1.2) as client:
        for pause in (0.3, 0.6, None):
            try:
                response = await client.get(f"https://archive.example.com/documents/{document}")
                response.raise_for_status()
                return ToolResult.success(response.json()["title"])
            except httpx.HTTPStatusError as error:
                if pause is None or error.response.status_code == 429:
                    return from_httpx(error)
                await asyncio.sleep(pause)
            except httpx.HTTPError as error:
                return from_httpx(error)
            except (ValueError, KeyError, TypeError):
                return unreadable()
    raise AssertionError("the last attempt returns")


eager = requests.Session()
eager.mount("https://", HTTPAdapter(max_retries=Retry(total=6, status_forcelist=[500, 502, 503, 504], raise_on_status=False)))


@labelled(
    args={"player": "ada"},
    backend={"GET https://scores.example.org/{player}": {"rank": 8}},
    AR203="failed",  # an adapter waits as long as Retry-After says, six times
    AR205="failed",  # and its backoff_factor is 0 where none is given
)
def rank(player: str) -> ToolResult:
    """A player's rank."""
    try:
        response = eager.get(f"https://scores.example.org/{player}", timeout=0.6)
        response.raise_for_status()
        return ToolResult.success(int(response.json()["rank"]))
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError, ValueError):
        return unreadable()


# --- look-alikes -------------------------------------------------------------------------------------------------------


def _worth_a_retry(error: BaseException) -> bool:
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code >= 500
    return isinstance(error, httpx.TransportError)


@tenacity.retry(
    stop=tenacity.stop_after_attempt(3),
    wait=tenacity.wait_random_exponential(multiplier=0.4, max=2),
    retry=tenacity.retry_if_exception(_worth_a_retry),
    reraise=True,
)
def fetch_with_patience(url: str) -> Any:
    response = httpx.get(url, timeout=1.0)
    response.raise_for_status()
    return response.json()


@labelled(args={"isbn": "978-1"}, backend={"GET https://library.example.com/books/{isbn}": {"shelf": "C4"}}, AR205="passed")
def shelf_of(isbn: str) -> ToolResult:
    """The shelf of a book. Three attempts, with pauses that grow and differ."""
    try:
        return ToolResult.success(fetch_with_patience(f"https://library.example.com/books/{isbn}")["shelf"])
    except httpx.HTTPError as error:
        return from_httpx(error)
    except (ValueError, KeyError, TypeError):
        return unreadable()


@backoff.on_exception(backoff.constant, (requests.ConnectionError, requests.Timeout), interval=0.3, jitter=None, max_tries=3)
def _call(url: str) -> requests.Response:
    return requests.get(url, timeout=1)


@labelled(args={"zone": "north"}, backend={"GET https://parking.example.com/zones/{zone}": {"free": 17}}, AR205="passed")
def free_places(zone: str) -> ToolResult:
    """Free parking places. Two more attempts, always the same time apart: few enough."""
    try:
        response = _call(f"https://parking.example.com/zones/{zone}")
        response.raise_for_status()
        return ToolResult.success(int(response.json()["free"]))
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError, ValueError):
        return unreadable()


patient = requests.Session()
retries = Retry(total=2, backoff_factor=0.2, status_forcelist=[502, 503, 504], raise_on_status=False, respect_retry_after_header=False)
patient.mount("https://", HTTPAdapter(max_retries=retries))


@labelled(args={"port": "Oslo"}, backend={"GET https://ferries.example.com/{port}": {"next": "14:30"}}, AR205="passed")
def next_ferry(port: str) -> ToolResult:
    """The next ferry. The adapter's first repetition comes at once, its second after a pause."""
    try:
        response = patient.get(f"https://ferries.example.com/{port}", timeout=1.5)
        response.raise_for_status()
        return ToolResult.success(response.json()["next"])
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError):
        return unreadable()


class Vault:
    """Refreshes its token when it is refused, once."""

    def __init__(self) -> None:
        self.token = "t-1"

    def read(self, name: str) -> requests.Response:
        response = self._read(name)
        if response.status_code == 401:
            self._refresh()
            response = self._read(name)
        return response

    def _read(self, name: str) -> requests.Response:
        return requests.get(f"https://vault.example.com/{name}", headers={"Authorization": f"Bearer {self.token}"}, timeout=2)

    def _refresh(self) -> None:
        response = requests.post("https://vault.example.com/token", timeout=2)
        if response.ok:
            self.token = response.json()["token"]


@labelled(args={"name": "region"}, backend={"GET https://vault.example.com/{name}": {"value": "eu-1"}}, AR205="passed")
def setting(name: str) -> ToolResult:
    """A setting. A refused token is refreshed, and the request made once more."""
    try:
        response = Vault().read(name)
        response.raise_for_status()
        return ToolResult.success(response.json()["value"])
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError):
        return unreadable()


@labelled(args={"coin": "doge"}, backend={"GET https://coins.example.com/{coin}": {"price": 0.1}}, AR205="passed")
def coin_price(coin: str) -> ToolResult:
    """The price of a coin. It comes back when the peer says so, unless that is too late to be of use."""
    url = f"https://coins.example.com/{coin}"
    try:
        response = requests.get(url, timeout=2)
        pause = float(response.headers.get("Retry-After", "inf"))
        if response.status_code == 429 and pause <= 2:
            time.sleep(pause)
            response = requests.get(url, timeout=2)
        response.raise_for_status()
        return ToolResult.success(float(response.json()["price"]))
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError, ValueError):
        return unreadable()


@labelled(args={"topics": ["tea", "rain"]}, backend={"POST https://graph.example.com/query": {"data": {"count": 2}}}, AR205="passed")
def counts(topics: list[str]) -> ToolResult:
    """How often some topics are spoken of. Each is a request of its own, to one address."""
    found: list[int] = []
    failure: ToolResult | None = None
    for topic in [*topics, *topics[:1]]:
        try:
            response = requests.post("https://graph.example.com/query", json={"query": f"{{count(topic: {topic!r})}}"}, timeout=1)
            response.raise_for_status()
            found.append(int(response.json()["data"]["count"]))
        except requests.RequestException as error:
            failure = from_requests(error)
        except (KeyError, TypeError, ValueError):
            failure = unreadable()
    return failure or ToolResult.success(found)


EACH = {
    "GET https://news.example.com/top": {"stories": [{"id": "a1"}, {"id": "b2"}]},
    "GET https://news.example.com/stories/{id}": {"title": "Tea is here"},
}


@labelled(args={}, backend=EACH, AR205="passed", AR106="unproven")  # of a long list it asks for each, which is no retry
def each_story() -> ToolResult:
    """The titles of all stories, asked for one by one."""
    try:
        with requests.Session() as session:
            top = session.get("https://news.example.com/top", timeout=2)
            top.raise_for_status()
            titles = []
            for story in top.json()["stories"]:
                found = session.get(f"https://news.example.com/stories/{story['id']}", timeout=2)
                found.raise_for_status()
                titles.append(str(found.json()["title"])[:80])
        return ToolResult.success(titles[:20])
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError):
        return unreadable()
