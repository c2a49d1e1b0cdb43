"""AR101: results that a model has to guess at, beside results of the right shape that are not ours."""

from __future__ import annotations

import asyncio
import enum
import json
import urllib.request
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any, Literal, NamedTuple, TypedDict

import aiohttp
import httpx
import httpx2
import requests
from pydantic import BaseModel

from . import labelled

# --- the fault ---------------------------------------------------------------------------------------------------------


@labelled(
    args={"parcel_id": "P-77"},
    backend={"GET https://api.carrier.example/parcels/{parcel_id}": {"status": "shipped", "eta": "2026-11-30"}},
    AR101="failed",  # {"status": "shipped"} is the parcel's status, not the call's
    AR104="failed",  # the errors are honest, but none says whether a retry helps
)
def get_parcel(parcel_id: str) -> dict[str, Any]:
    """Where a parcel is and when it will arrive."""
    try:
        response = requests.get(f"https://api.carrier.example/parcels/{parcel_id}", timeout=5)
        response.raise_for_status()
        parcel = response.json()
        return {"status": parcel["status"], "eta": parcel["eta"]}
    except requests.RequestException as error:
        return {"error": f"The carrier's API failed: {type(error).__name__}"}
    except (KeyError, TypeError):
        return {"error": "The carrier's API answered in an unknown format"}


def _say(**fields: Any) -> str:
    return json.dumps(fields)


@labelled(
    args={"city": "Oslo"},
    backend={"GET https://weather.example.org/v1/current": {"city": "Oslo", "celsius": -3.5}},
    AR101="failed",  # the right words, but as text: nothing keeps the contract
    AR104="failed",  # and the classification is text as well
)
def current_weather(city: str) -> str:
    """The present temperature of a city, as JSON text."""
    try:
        response = httpx.get("https://weather.example.org/v1/current", params={"city": city}, timeout=5)
        response.raise_for_status()
        return _say(status="success", data={"celsius": response.json()["celsius"]})
    except httpx.HTTPStatusError as error:
        code = error.response.status_code
        kind = "rate_limit" if code == 429 else "transient" if code >= 500 else "permanent"
        return _say(status="error", error_type=kind, retry_safe=kind != "permanent", message=f"HTTP {code}")
    except httpx.HTTPError:
        return _say(status="error", error_type="transient", retry_safe=True, message="weather service unreachable")
    except (ValueError, KeyError, TypeError):
        return _say(status="error", error_type="permanent", retry_safe=False, message="malformed weather data")


class Article(BaseModel):
    """A hit of the knowledge base."""

    id: int
    title: str


class SearchPage(BaseModel):
    """A page of hits."""

    total: int
    articles: list[Article]


@labelled(
    args={"query": "refund"},
    backend={"GET https://kb.example.com/search": {"total": 1, "articles": [{"id": 7, "title": "How refunds work"}]}},
    AR101="failed",  # a model, but one of the domain: it has no word for failure
    AR102="failed",  # every failure leaves as an exception
    AR103="not_applicable",
    AR104="not_applicable",
)
async def search_articles(query: str) -> SearchPage:
    """Search the knowledge base."""
    async with httpx2.AsyncClient(base_url="https://kb.example.com", timeout=5) as client:
        response = await client.get("/search", params={"q": query})
        response.raise_for_status()
        return SearchPage.model_validate_json(response.content)


@labelled(
    args={"queue": "billing"},
    backend={"GET https://desk.example.com/api/queues/{queue}/tickets": [{"id": 1, "subject": "Invoice missing"}]},
    AR101="failed",
    AR104="failed",  # plain error texts
)
def list_tickets(queue: str) -> str:
    """The subjects of a queue's open tickets, one a line."""
    url = f"https://desk.example.com/api/queues/{queue}/tickets"
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            tickets = json.load(response)
        return "\n".join(f"#{ticket['id']} {ticket['subject']}" for ticket in tickets)
    except (OSError, HTTPException) as error:
        return f"Error: the help desk could not be asked ({error!r})"
    except (ValueError, KeyError, TypeError):
        return "Error: the help desk sent something unreadable"


@labelled(
    args={"celsius": 21.5},
    backend={},
    AR101="failed",  # a bare number; the rest does not concern a pure function
    AR102="not_applicable",
    AR103="not_applicable",
    AR104="not_applicable",
    AR202="not_applicable",
    AR203="not_applicable",
)
def to_fahrenheit(celsius: float) -> float:
    """Convert a temperature."""
    return celsius * 9 / 5 + 32


# --- look-alikes -------------------------------------------------------------------------------------------------------


class Status(enum.Enum):
    """How a call ended."""

    OK = "success"
    FAILED = "error"


class Cause(enum.Enum):
    """Why it failed."""

    TRANSIENT = "transient"
    PERMANENT = "permanent"
    RATE_LIMIT = "rate_limit"


@dataclass(frozen=True)
class Outcome:
    """The billing team's own result class."""

    status: Status
    data: dict[str, Any] = field(default_factory=dict)
    error_type: Cause | None = None
    retry_safe: bool = False
    message: str = ""

    @classmethod
    def failed(cls, cause: Cause, message: str) -> Outcome:
        return cls(Status.FAILED, error_type=cause, retry_safe=cause is not Cause.PERMANENT, message=message)


billing = requests.Session()
billing.headers["Accept"] = "application/json"


@labelled(
    args={"invoice_id": "INV-9"},
    backend={"GET https://billing.example.com/v2/invoices/{invoice_id}": {"id": "INV-9", "total_cents": 4200}},
)
def invoice_total(invoice_id: str) -> Outcome:
    """The total of an invoice, in cents."""
    try:
        response = billing.get(f"https://billing.example.com/v2/invoices/{invoice_id}", timeout=(2, 5))
        if response.status_code == 429:
            return Outcome.failed(Cause.RATE_LIMIT, "billing is throttling us")
        if response.status_code >= 500:
            return Outcome.failed(Cause.TRANSIENT, "billing is down")
        if response.status_code != 200:
            return Outcome.failed(Cause.PERMANENT, f"no such invoice, or no right to see it: {invoice_id}")
        return Outcome(Status.OK, {"total_cents": int(response.json()["total_cents"])})
    except requests.JSONDecodeError:
        return Outcome.failed(Cause.PERMANENT, "billing sent no JSON")
    except requests.RequestException:
        return Outcome.failed(Cause.TRANSIENT, "billing did not answer")
    except (KeyError, TypeError, ValueError):
        return Outcome.failed(Cause.PERMANENT, "billing has changed its format")


class StockReply(TypedDict, total=False):
    """What the tool gives back; a dict of the right shape."""

    status: Literal["success", "error"]
    units: int
    error_type: Literal["transient", "permanent", "rate_limit"]
    retry_safe: bool
    message: str


warehouse = httpx.Client(base_url="https://stock.example.com", timeout=httpx.Timeout(4.0))


@labelled(args={"sku": "MUG-1"}, backend={"GET https://stock.example.com/items/{sku}": {"sku": "MUG-1", "units": 12}})
def stock_level(sku: str) -> StockReply:
    """How many units of an article are in stock."""
    try:
        response = warehouse.get(f"/items/{sku}")
        response.raise_for_status()
        return {"status": "success", "units": int(response.json()["units"])}
    except httpx.HTTPStatusError as error:
        code = error.response.status_code
        if code == 429:
            return {"status": "error", "error_type": "rate_limit", "retry_safe": True, "message": "too many stock queries"}
        if code >= 500:
            return {"status": "error", "error_type": "transient", "retry_safe": True, "message": "the warehouse is down"}
        return {"status": "error", "error_type": "permanent", "retry_safe": False, "message": f"{sku} cannot be looked up"}
    except httpx.HTTPError as error:
        return {"status": "error", "error_type": "transient", "retry_safe": True, "message": f"no answer: {type(error).__name__}"}
    except (ValueError, KeyError, TypeError):
        return {"status": "error", "error_type": "permanent", "retry_safe": False, "message": "unreadable stock data"}


class RateReply(NamedTuple):
    """A tuple with names is typed as well."""

    status: str
    rate: float = 0.0
    error_type: str | None = None
    retry_safe: bool = False
    message: str = ""


@labelled(args={"base": "EUR", "quote": "NOK"}, backend={"GET https://fx.example.net/rates/{base}/{quote}": {"rate": 11.73}})
async def exchange_rate(base: str, quote: str) -> RateReply:
    """Today's rate of a currency pair."""
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=4)) as session:
            async with session.get(f"https://fx.example.net/rates/{base}/{quote}") as response:
                if response.status == 429:
                    return RateReply("error", error_type="rate_limit", retry_safe=True, message="slow down")
                if response.status != 200:
                    again = response.status >= 500
                    return RateReply("error", 0.0, "transient" if again else "permanent", again, f"HTTP {response.status}")
                return RateReply("ok", float((await response.json())["rate"]))
    except aiohttp.ContentTypeError:
        return RateReply("error", error_type="permanent", message="the rate service sent no JSON")
    except (aiohttp.ClientError, asyncio.TimeoutError):
        return RateReply("error", error_type="transient", retry_safe=True, message="the rate service did not answer")
    except (ValueError, KeyError, TypeError):
        return RateReply("error", error_type="permanent", message="the rate service has changed its format")


@labelled(
    args={"total_cents": 10_000, "people": 3},
    backend={},
    AR102="not_applicable",
    AR103="not_applicable",
    AR104="not_applicable",
    AR202="not_applicable",
    AR203="not_applicable",
)
def split_bill(total_cents: int, people: int) -> dict[str, Any]:
    """Split a bill; the first ones pay the odd cents. Typed, pure, and done."""
    share, odd = divmod(total_cents, people)
    return {"status": "success", "data": [share + (number < odd) for number in range(people)]}
