"""AR103: failures that read like an answer, beside answers that look like a failure and are none."""

from __future__ import annotations

import asyncio
import json
import logging
import urllib.error
import urllib.request
from http.client import HTTPException, IncompleteRead
from typing import Any

import aiohttp
import httpx
import httpx2
import requests
from pydantic import BaseModel, TypeAdapter

from pytest_agentready import Response
from pytest_agentready.patterns.results import ToolResult

from . import labelled
from .classify import from_httpx, from_requests, from_status, unreadable

logger = logging.getLogger(__name__)

# --- the fault ---------------------------------------------------------------------------------------------------------


@labelled(
    args={"order_id": "42"},
    backend={"GET https://api.example.com/orders/{order_id}": {"id": "42", "status": "shipped"}},
    AR103="failed",  # 2:17 am: an error is read as a pending order
    AR104="not_applicable",  # no run is left that reports a failure at all
)
def poll_order(order_id: str) -> ToolResult:
    """The status of an order; what the backend does not know yet is pending."""
    try:
        response = requests.get(f"https://api.example.com/orders/{order_id}", timeout=5)
        response.raise_for_status()
        return ToolResult.success({"order_status": response.json()["status"]})
    except Exception:
        return ToolResult.success({"order_status": "pending"})


@labelled(
    args={"query": "warranty"},
    backend={"GET https://docs.example.com/search": {"hits": [{"title": "Warranty terms"}]}},
    AR101="failed",  # a bare list
    AR103="failed",  # an outage reads as "nothing is written about it"
    AR104="not_applicable",
)
def search_docs(query: str) -> list[str]:
    """Titles of the documents that match."""
    try:
        response = httpx.get("https://docs.example.com/search", params={"q": query}, timeout=5)
        response.raise_for_status()
        return [hit["title"] for hit in response.json()["hits"]]
    except Exception:
        return []


@labelled(
    args={"query": "warranty"},
    backend={"GET https://docs.example.com/search": {"hits": [{"title": "Warranty terms"}]}},
    AR101="failed",
    AR103="failed",  # whether it was down, or nothing is written about it, the text is the same
    AR104="failed",  # of a 404 it is true, and not which kind of failure that is
)
async def search_the_web(query: str) -> str:
    """Titles of what is found, one a line."""
    found: list[str] = []
    try:
        async with httpx.AsyncClient(timeout=5) as client:
            response = await client.get("https://docs.example.com/search", params={"q": query})
            response.raise_for_status()
            found = [hit["title"] for hit in response.json()["hits"]]
    except Exception as error:
        logger.info("search: %s", error)
    return "\n".join(found) or "No results were found for your query. Please rephrase it, or try again in a few minutes."


async def _post(path: str, body: dict[str, Any]) -> list[dict[str, Any]]:
    """What has changed; an error stands in the list, too."""
    try:
        async with httpx.AsyncClient(base_url="https://home.example.com/api", timeout=5) as client:
            response = await client.post(path, json=body)
            response.raise_for_status()
            changed: list[dict[str, Any]] = response.json()
            return changed
    except httpx.HTTPStatusError as error:
        return [{"error": f"HTTP error: {error.response.status_code}"}]
    except Exception as error:
        return [{"error": f"Unexpected error: {error}"}]


@labelled(
    args={"entity": "light.hall"},
    backend={"POST https://home.example.com/api/services/light/turn_on": [{"entity": "light.hall", "state": "on"}]},
    AR101="failed",
    AR103="failed",  # "success" it says, whatever stands among the data
    AR104="not_applicable",
)
async def turn_on(entity: str) -> dict[str, Any]:
    """Turn a light on."""
    return {"success": True, "service": "turn_on", "affected": await _post("/services/light/turn_on", {"entity": entity})}


crm = httpx2.Client(base_url="https://crm.example.com/api", timeout=5, headers={"Accept": "application/json"})


@labelled(
    args={"email": "ada@example.com"},
    backend={"GET https://crm.example.com/api/contacts": {"contact": {"id": 5, "name": "Ada"}}},
    AR101="failed",
    AR103="failed",  # None: is there no such contact, or no CRM?
    AR104="not_applicable",
)
def find_contact(email: str) -> dict[str, Any] | None:
    """The contact behind an address."""
    try:
        contact = crm.get("/contacts", params={"email": email}).raise_for_status().json()["contact"]
        return {"id": contact["id"], "name": contact["name"]}
    except:  # noqa: E722
        return None


@labelled(
    args={"account": "acme"},
    backend={"GET https://billing.example.com/subscriptions/{account}": {"status": "active"}},
    AR103="failed",  # a 500 with a JSON body becomes the state "unknown", and so does JSON of another shape
    # AR104 passes: what it does report, it reports rightly.
)
async def subscription_state(account: str) -> ToolResult:
    """The state of an account's subscription."""
    async with httpx.AsyncClient(timeout=5) as client:
        try:
            response = await client.get(f"https://billing.example.com/subscriptions/{account}")
        except httpx.HTTPError as error:
            return from_httpx(error)
    try:
        body = response.json()
    except ValueError:
        return from_status(response.status_code)  # a proxy's error page is no JSON, but its status says what it is
    return ToolResult.success({"state": body.get("status", "unknown") if isinstance(body, dict) else "unknown"})


@labelled(
    args={"service": "checkout"},
    backend={"GET https://status.example.com/services/{service}/incidents": {"incidents": [{"title": "Slow search"}]}},
    AR103="failed",  # aiohttp does not raise by itself: an error page counts as "no incidents"
    AR104="not_applicable",  # whatever else goes wrong counts as "no incidents", too
)
async def open_incidents(service: str) -> ToolResult:
    """Titles of the incidents that are open."""
    titles: list[str] = []
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
        try:
            async with session.get(f"https://status.example.com/services/{service}/incidents") as response:
                body = await response.json(content_type=None)
            titles = [incident["title"] for incident in body.get("incidents", [])]
        except Exception:
            logger.warning("no incidents could be read", exc_info=True)
    return ToolResult.success(titles)


@labelled(
    args={"report": "q3"},
    backend={
        "GET https://reports.example.com/{report}.csv": Response(
            body="region,cents\nnorth,100\nsouth,250\n", headers={"Content-Type": "text/csv"}
        )
    },
    AR103="failed",  # only when the body is cut off: half a report is passed off as the report
)
def download_report(report: str) -> ToolResult:
    """A report, as CSV text."""
    try:
        with urllib.request.urlopen(f"https://reports.example.com/{report}.csv", timeout=5) as response:
            try:
                content = response.read()
            except IncompleteRead as error:
                content = error.partial
        return ToolResult.success(content.decode("utf-8", "replace"))
    except urllib.error.HTTPError as error:
        return from_status(error.code)
    except (OSError, HTTPException):
        return ToolResult.transient("The report server could not be reached.")


@labelled(
    args={"code": "SPRING"},
    backend={"GET https://promo.example.com/coupons/{code}": {"percent": 10}},
    AR103="failed",  # a 404 of a wrong address or a moved route reads as "this coupon does not exist" all the same
)
def coupon_discount(code: str) -> ToolResult:
    """The discount of a coupon, in per cent; 0 if there is no such coupon."""
    try:
        response = requests.get(f"https://promo.example.com/coupons/{code}", timeout=5)
        if response.status_code == 404:
            return ToolResult.success({"percent": 0})
        response.raise_for_status()
        return ToolResult.success({"percent": int(response.json()["percent"])})
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError, ValueError):
        return unreadable()


# --- look-alikes -------------------------------------------------------------------------------------------------------


@labelled(
    args={"entity": "light.hall"},
    backend={"POST https://home.example.com/api/services/light/toggle": [{"entity": "light.hall", "state": "on"}]},
    AR101="failed",
    AR104="failed",  # that it failed is said, and not how
)
async def toggle(entity: str) -> dict[str, Any]:
    """Turn a light on or off; a part that failed makes no success of the whole."""
    changed = await _post("/services/light/toggle", {"entity": entity})
    return {"success": not any("error" in one for one in changed), "affected": changed}


@labelled(
    args={"query": "warranty"},
    backend={"GET https://docs.example.com/search": {"hits": [{"title": "Warranty terms"}]}},
    AR101="failed",
    AR104="failed",
)
async def search_with_a_word_of_warning(query: str) -> dict[str, Any]:
    """Titles of what is found, and what could not be asked."""
    warnings: list[str] = []
    hits: list[str] = []
    try:
        async with httpx.AsyncClient(timeout=5) as client:
            response = await client.get("https://docs.example.com/search", params={"q": query})
            response.raise_for_status()
            hits = [hit["title"] for hit in response.json()["hits"]]
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        warnings.append("The documents could not be searched.")
    return {"ok": not warnings, "hits": hits, "warnings": warnings}


@labelled(
    args={"vat_id": "NO123"},
    backend={"GET https://tax.example.org/vat/{vat_id}": {"error": None, "valid": True}},
    # The word "error" in an answer is no failure while its value is null.
)
def check_vat(vat_id: str) -> ToolResult:
    """Whether a VAT number is valid."""
    try:
        response = requests.get(f"https://tax.example.org/vat/{vat_id}", timeout=5)
        response.raise_for_status()
        body = response.json()
    except requests.RequestException as error:
        return from_requests(error)
    if not isinstance(body, dict) or "valid" not in body or body.get("error"):
        return unreadable()
    return ToolResult.success({"error": body["error"], "valid": body["valid"]})


class Refund(BaseModel):
    """A refund as the ledger has it."""

    id: str
    cents: int


@labelled(
    args={"order_id": "42"},
    backend={"GET https://ledger.example.com/orders/{order_id}/refunds": {"refunds": []}},
    # The peer really sent an empty list: there are no refunds.
)
async def list_refunds(order_id: str) -> ToolResult:
    """The refunds of an order."""
    async with httpx2.AsyncClient(base_url="https://ledger.example.com", timeout=5) as client:
        try:
            response = await client.get(f"/orders/{order_id}/refunds")
            response.raise_for_status()
            refunds = TypeAdapter(list[Refund]).validate_python(response.json()["refunds"])
        except httpx2.HTTPError as error:
            return from_httpx(error)
        except (ValueError, KeyError, TypeError):
            return unreadable()
    return ToolResult.success([refund.model_dump() for refund in refunds])


@labelled(
    args={"text": "Deploy finished"},
    backend={"POST https://hooks.chat.example/services/T0/B0": Response(body="ok", headers={"Content-Type": "text/plain"})},
    # Only the status counts; the body is a courtesy.
)
def post_to_channel(text: str) -> ToolResult:
    """Post a message through an incoming webhook."""
    try:
        httpx.post("https://hooks.chat.example/services/T0/B0", json={"text": text}, timeout=5).raise_for_status()
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.HTTPStatusError) as error:
        return from_httpx(error)
    except httpx.HTTPError:
        # The message left this process: it may stand in the channel already.
        return ToolResult.transient("The chat did not confirm the message; look before you post it again.", retry_safe=False)
    return ToolResult.success("posted")


@labelled(
    args={"name": "checkout_started", "event_id": "e-1"},
    backend={"POST https://events.example.com/v1/track": Response(status=202, json={"accepted": True, "id": "evt_1"})},
    # It never reads the body, so nothing that is wrong with the body concerns it: 202 is the whole answer.
)
async def track_event(name: str, event_id: str) -> ToolResult:
    """Record an event. The collector drops repetitions by their key."""
    headers = {"Idempotency-Key": event_id}
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5), headers=headers) as session:
            async with session.post("https://events.example.com/v1/track", json={"name": name}, allow_redirects=False) as response:
                if response.status >= 300:
                    return from_status(response.status)
                return ToolResult.success("recorded")
    except (aiohttp.ClientError, asyncio.TimeoutError):
        return ToolResult.transient("The event collector could not be reached.")


opener = urllib.request.build_opener()
opener.addheaders = [("User-Agent", "support-agent/2.0")]


@labelled(
    args={"slug": "opening-hours"},
    backend={"GET https://www.example.com/pages/{slug}": Response(body="<h1>Open 9-17</h1>", headers={"Content-Type": "text/html"})},
    # HTML with 200 is what a web page is made of.
)
def read_page(slug: str) -> ToolResult:
    """The HTML of a page of our web site."""
    try:
        with opener.open(f"https://www.example.com/pages/{slug}", timeout=5) as response:
            return ToolResult.success({"html": response.read().decode("utf-8", "replace")})
    except urllib.error.HTTPError as error:
        return from_status(error.code)
    except (OSError, HTTPException):
        return ToolResult.transient("The web site could not be reached.")


@labelled(
    args={"name": "Lovelace"},
    backend={"GET https://people.example.com/directory/{name}": {"phone": "+47 555"}},
    AR101="failed",  # a sentence
    AR104="failed",  # and no class of failure in it
    # AR103 passes: nobody could take its errors for a phone number.
)
def ask_directory(name: str) -> str:
    """The phone number of a colleague, as a sentence."""
    with httpx2.Client(timeout=httpx2.Timeout(5.0)) as client:
        try:
            response = client.get(f"https://people.example.com/directory/{name}")
            response.raise_for_status()
            return f"{name}: {json.loads(response.text)['phone']}"
        except httpx2.HTTPError as error:
            return f"The directory could not be asked about {name}, the request failed: {type(error).__name__}."
        except (ValueError, KeyError, TypeError):
            return f"The directory's answer about {name} was malformed."
