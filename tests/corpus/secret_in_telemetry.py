"""AR806: tools that write keys, passwords and addresses into spans and logs, beside those that only look as if they did."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Iterator
from typing import Any

import asyncpg
import httpx
import requests
from opentelemetry import trace
from opentelemetry._logs import SeverityNumber, get_logger
from opentelemetry.trace import Status, StatusCode

from pytest_agentready.patterns.results import ToolResult

from . import labelled
from .classify import from_httpx, from_requests, unreadable

log = logging.getLogger("depot.tools")
tracer = trace.get_tracer("depot")
events = get_logger("depot.events")

KEY = "dk-7f2c41a9b6e84d03a5"
STOCK = "https://depot.example.com/v2/stock"
PIECES = {"GET https://depot.example.com/v2/stock": {"pieces": 4}}
CUSTOMERS = {route: {"plan": "pro"} for route in ("GET https://crm.example.com/customers", "POST https://crm.example.com/search")}


# --- the fault ---------------------------------------------------------------------------------------------------------


@labelled(args={"sku": "MUG-1"}, backend=PIECES, AR806="failed")
def pieces_with_a_traceback_in_the_log(sku: str) -> ToolResult:
    """The commonest: an exception of requests quotes the URL, and the URL the key."""
    try:
        response = requests.get(STOCK, params={"sku": sku, "access_token": KEY}, timeout=4)
        response.raise_for_status()
        return ToolResult.success(response.json()["pieces"])
    except requests.RequestException as error:
        log.exception("stock of %s is not to be had", sku)
        return from_requests(error)
    except (KeyError, TypeError):
        return unreadable()


@labelled(args={"sku": "MUG-1"}, backend=PIECES, AR806="failed")
def pieces_with_an_exception_on_the_span(sku: str) -> ToolResult:
    with tracer.start_as_current_span("execute_tool pieces") as span:
        span.set_attributes({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "pieces"})
        try:
            response = httpx.get(STOCK, params={"sku": sku}, headers={"X-Api-Key": KEY}, timeout=4)
            response.raise_for_status()
            return ToolResult.success(response.json()["pieces"])
        except httpx.HTTPError as error:
            span.record_exception(RuntimeError(f"{error!r} for {dict(error.request.headers)}"))
            span.set_status(Status(StatusCode.ERROR))
            return from_httpx(error)
        except (ValueError, KeyError, TypeError):
            return unreadable()


@labelled(args={"sku": "MUG-1"}, backend=PIECES, AR806="failed")
def pieces_with_a_key_in_an_address_that_httpx_logs(sku: str) -> ToolResult:
    """Not a line of its own: the library says at INFO whom it asks."""
    try:
        response = httpx.get(STOCK, params={"sku": sku, "api_key": KEY}, timeout=4)
        response.raise_for_status()
        return ToolResult.success(response.json()["pieces"])
    except httpx.HTTPError as error:
        return from_httpx(error)
    except (ValueError, KeyError, TypeError):
        return unreadable()


@labelled(args={"sku": "MUG-1"}, backend=PIECES, AR806="failed")
async def pieces_with_all_headers_on_the_span(sku: str) -> ToolResult:
    headers = {"Authorization": f"Bearer {KEY}", "Accept": "application/json"}
    with tracer.start_as_current_span("GET stock") as span:
        span.set_attribute("http.request.headers", json.dumps(headers))
        try:
            async with httpx.AsyncClient(timeout=4) as client:
                response = await client.get(STOCK, params={"sku": sku}, headers=headers)
            response.raise_for_status()
            return ToolResult.success(response.json()["pieces"])
        except httpx.HTTPError as error:
            return from_httpx(error)
        except (ValueError, KeyError, TypeError):
            return unreadable()


@labelled(
    args={"user": "ada", "password": "mugs-and-cups-77"}, backend={"POST https://depot.example.com/login": {"ok": True}}, AR806="failed"
)
def log_in_with_the_arguments_told(user: str, password: str) -> ToolResult:
    """As the article has it: `tool.args`, whatever they are."""
    with tracer.start_as_current_span("tool.log_in") as span:
        span.set_attribute("tool.name", "log_in")
        span.set_attribute("tool.args", str({"user": user, "password": password}))
        try:
            response = requests.post("https://depot.example.com/login", json={"user": user, "password": password}, timeout=4)
            response.raise_for_status()
            return ToolResult.success(response.json()["ok"])
        except requests.RequestException as error:
            return from_requests(error)
        except (KeyError, TypeError):
            return unreadable()


DSN = "postgresql://depot:cellar-door-9@db.internal/depot"


@labelled(args={"sku": "MUG-1"}, backend={"postgresql://db.internal/depot": [{"pieces": 4}]}, kind="db", AR806="failed")
async def pieces_with_the_address_of_the_database_in_the_log(sku: str) -> ToolResult:
    log.info("connecting to %s", DSN)
    try:
        connection = await asyncpg.connect(DSN, timeout=5, command_timeout=5)
        try:
            pieces = await connection.fetchval("SELECT pieces FROM stock WHERE sku = $1", sku)
        finally:
            connection.terminate()
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, asyncio.TimeoutError) as error:
        return ToolResult.transient(f"The depot's database could not be asked: {type(error).__name__}")
    return ToolResult.success(pieces) if pieces else ToolResult.permanent(f"There is no {sku}.")


@labelled(args={"email": "ada.lovelace@example.net"}, backend=CUSTOMERS, AR806="failed")
def plan_with_the_customer_in_the_log(email: str) -> ToolResult:
    log.info("looking up the plan of %s", email)
    try:
        response = requests.get("https://crm.example.com/customers", params={"email": email}, timeout=4)
        response.raise_for_status()
        return ToolResult.success(response.json()["plan"])
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError):
        return unreadable()


@labelled(args={"email": "ada.lovelace@example.net"}, backend=CUSTOMERS, AR806="failed")
def plan_with_the_customer_in_the_address_on_the_span(email: str) -> ToolResult:
    url = str(httpx.URL("https://crm.example.com/customers", params={"email": email}))
    with tracer.start_as_current_span("GET") as span:
        span.set_attributes({"http.request.method": "GET", "url.full": url})
        try:
            response = requests.get(url, timeout=4)
            response.raise_for_status()
            return ToolResult.success(response.json()["plan"])
        except requests.RequestException as error:
            return from_requests(error)
        except (KeyError, TypeError):
            return unreadable()


@labelled(args={"email": "ada.lovelace@example.net"}, backend=CUSTOMERS, AR806="failed")
def plan_in_a_span_named_after_the_customer(email: str) -> ToolResult:
    with tracer.start_as_current_span(f"plan of {email}"):
        return _plan(email)


@labelled(args={"email": "ada.lovelace@example.net"}, backend=CUSTOMERS, AR806="failed")
def plan_with_an_event_of_a_log(email: str) -> ToolResult:
    events.emit(event_name="plan.looked_up", severity_number=SeverityNumber.INFO, attributes={"customer.email": email})
    return _plan(email)


@labelled(args={"sku": "MUG-1"}, backend=PIECES, AR806="failed")
def pieces_with_the_settings_as_fields(sku: str) -> ToolResult:
    """As structured logs have it."""
    headers = {"X-Api-Key": KEY}
    log.info("asking the depot", extra={"sku": sku, "headers": headers})
    return _pieces(sku, headers)


# --- look-alikes -------------------------------------------------------------------------------------------------------


@labelled(args={"sku": "MUG-1"}, backend=PIECES, AR806="passed")
def pieces_with_a_word_of_its_own_in_the_log(sku: str) -> ToolResult:
    try:
        response = requests.get(STOCK, params={"sku": sku, "access_token": KEY}, timeout=4)
        response.raise_for_status()
        return ToolResult.success(response.json()["pieces"])
    except requests.RequestException as error:
        log.error("stock of %s is not to be had: %s", sku, type(error).__name__)
        return from_requests(error)
    except (KeyError, TypeError):
        return unreadable()


@labelled(args={"sku": "MUG-1"}, backend=PIECES, AR806="passed")
def pieces_with_the_key_in_debug(sku: str) -> ToolResult:
    """Production does not ask for that."""
    headers = {"X-Api-Key": KEY}
    log.debug("asking with %s", headers)
    log.info("asking for %s", sku)
    return _pieces(sku, headers)


@labelled(args={"sku": "MUG-1"}, backend=PIECES, AR806="passed")
def pieces_with_the_beginning_of_the_key(sku: str) -> ToolResult:
    """Enough to tell which one it is."""
    log.info("asking with the key %s...", KEY[:5])
    return _pieces(sku, {"X-Api-Key": KEY})


@contextlib.contextmanager
def redacted() -> Iterator[None]:
    """Whatever the loggers of this project say goes through here."""

    def without_keys(record: logging.LogRecord) -> bool:
        record.msg, record.args = record.getMessage().replace(KEY, "[key]"), ()
        return True

    log.addFilter(without_keys)
    try:
        yield
    finally:
        log.removeFilter(without_keys)


@labelled(args={"sku": "MUG-1"}, backend=PIECES, AR806="passed")
def pieces_with_a_filter_of_the_logger(sku: str) -> ToolResult:
    headers = {"X-Api-Key": KEY}
    with redacted():
        log.info("asking with %s", headers)
        return _pieces(sku, headers)


@labelled(args={"email": "ada.lovelace@example.net"}, backend=CUSTOMERS, AR806="passed")
def plan_with_the_arguments_told(email: str) -> ToolResult:
    """The arguments of a call are opt-in content, in each of the dialects."""
    with tracer.start_as_current_span("execute_tool plan") as span:
        span.set_attributes({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "plan"})
        for key in ("tool.args", "gen_ai.tool.call.arguments", "input.value"):
            span.set_attribute(key, json.dumps({"email": email}))
        return _plan(email)


@labelled(args={"email": "ada.lovelace@example.net"}, backend=CUSTOMERS, AR806="passed")
def plan_of_a_user_who_is_known_by_it(email: str) -> ToolResult:
    """It is the id of the user here."""
    with tracer.start_as_current_span("plan") as span:
        span.set_attributes({"enduser.id": email, "session.id": "7d0c"})
        return _plan(email)


@labelled(
    args={"to": "support@example.com", "ticket": 42},
    backend={"PUT https://desk.example.com/tickets/42": {"ok": True}},
    AR806="not_applicable",  # nobody's own address, and no key
)
def assign_to_a_role(to: str, ticket: int) -> ToolResult:
    log.info("ticket %s goes to %s", ticket, to)
    try:
        response = requests.put(f"https://desk.example.com/tickets/{ticket}", json={"assignee": to}, timeout=4)
        response.raise_for_status()
        return ToolResult.success(response.json()["ok"])
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError):
        return unreadable()


@labelled(
    args={"order": "ord_7f3a9c1e2b44d0a7"}, backend={"GET https://depot.example.com/orders": {"state": "sent"}}, AR806="not_applicable"
)
def state_of_an_order_whose_id_is_random(order: str) -> ToolResult:
    """The caller knows it: it is no key, whatever the parameter is called."""
    log.info("order %s", order)
    try:
        response = requests.get("https://depot.example.com/orders", params={"key": order}, timeout=4)
        response.raise_for_status()
        return ToolResult.success(response.json()["state"])
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError):
        return unreadable()


@labelled(args={"sku": "MUG-1"}, backend=PIECES, AR806="not_applicable")
def pieces_without_a_word(sku: str) -> ToolResult:
    return _pieces(sku, {"X-Api-Key": KEY})


def _pieces(sku: str, headers: dict[str, Any]) -> ToolResult:
    try:
        response = requests.get(STOCK, params={"sku": sku}, headers=headers, timeout=4)
        response.raise_for_status()
        return ToolResult.success(response.json()["pieces"])
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError):
        return unreadable()


def _plan(email: str) -> ToolResult:
    try:
        response = requests.post("https://crm.example.com/search", json={"email": email}, timeout=4)
        response.raise_for_status()
        return ToolResult.success(response.json()["plan"])
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError):
        return unreadable()
