"""Async tools that do not end when they are cancelled, beside tools that clean up first and do."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import anyio
import httpx
import tenacity

from pytest_agentready.patterns.results import ToolResult
from tests.corpus import labelled
from tests.corpus.classify import from_aiohttp, from_httpx, from_status, unreadable

logger = logging.getLogger(__name__)
ROUTE = {"GET https://maps.example.com/routes/{id}": {"km": 12.5}}
ARGS = {"route": "R-7"}
URL = "https://maps.example.com/routes"


async def fetch(route: str, timeout: float = 4) -> ToolResult:
    """The length of a route, or the class of the failure; a cancellation goes through."""
    try:
        async with httpx.AsyncClient(timeout=timeout) as client:
            response = await client.get(f"{URL}/{route}")
            response.raise_for_status()
            return ToolResult.success(response.json()["km"])
    except httpx.HTTPError as error:
        return from_httpx(error)
    except (ValueError, KeyError, TypeError):
        return unreadable()


@labelled(args=ARGS, backend=ROUTE, AR208="failed")
async def route_with_a_wide_net(route: str) -> ToolResult:
    """The length of a route. Nothing shall ever leave this function."""
    try:
        async with httpx.AsyncClient(timeout=4) as client:
            response = await client.get(f"{URL}/{route}")
            if response.status_code != 200:
                return from_status(response.status_code)
            return ToolResult.success(response.json()["km"])
    except httpx.HTTPError as error:
        return from_httpx(error)
    except (ValueError, KeyError, TypeError):
        return unreadable()
    except BaseException:
        logger.warning("looking up %s failed", route)
        return ToolResult.transient("The map service could not be reached.")


@labelled(args=ARGS, backend=ROUTE, AR208="failed")
async def route_or_called_off(route: str) -> ToolResult:
    """A polite answer to a cancellation, which nobody is there to read."""
    try:
        return await fetch(route)
    except asyncio.CancelledError:
        return ToolResult.transient("The look-up was called off.")


@labelled(args=ARGS, backend=ROUTE, AR208="failed")
async def route_with_stubborn_retries(route: str) -> ToolResult:
    """Three attempts, whatever ends them."""
    for _ in range(3):
        try:
            return await fetch(route, timeout=1)
        except:  # noqa: E722
            continue
    return ToolResult.transient("The map service could not be reached.")


@tenacity.retry(
    retry=tenacity.retry_if_exception_type(BaseException),
    stop=tenacity.stop_after_attempt(3),
    wait=tenacity.wait_fixed(1),
    reraise=True,
)
async def _stubborn(route: str) -> Any:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=1)) as session:
        async with session.get(f"{URL}/{route}", raise_for_status=True) as response:
            return await response.json(content_type=None)


@labelled(args=ARGS, backend=ROUTE, AR208="failed")
async def route_by_tenacity(route: str) -> ToolResult:
    """The length of a route, with retries of everything."""
    try:
        return ToolResult.success((await _stubborn(route))["km"])
    except (aiohttp.ClientError, asyncio.TimeoutError) as error:
        return from_aiohttp(error)
    except (ValueError, KeyError, TypeError):
        return unreadable()


class MapServiceError(Exception):
    """Everything that goes wrong in here."""


async def _wrapped(route: str) -> ToolResult:
    try:
        return await fetch(route)
    except BaseException as error:
        raise MapServiceError("the look-up failed") from error


@labelled(args=ARGS, backend=ROUTE, AR208="failed")  # CancelledError leaves as something that a supervisor takes for an error
async def route_with_own_errors(route: str) -> ToolResult:
    return await _wrapped(route)


@labelled(args=ARGS, backend=ROUTE, AR208="failed")
async def route_after_pauses(route: str) -> ToolResult:
    """The attempts end as they should. The pause between two of them is what cannot be called off."""
    for _ in range(3):
        result = await fetch(route, timeout=1)
        if result.error_type != "transient":
            return result
        try:
            await asyncio.sleep(0.5)
        except BaseException:
            logger.info("a short pause")
    return result


@labelled(args=ARGS, backend=ROUTE, AR208="failed")
async def route_that_is_waited_for_to_the_end(route: str) -> ToolResult:
    """The request is shielded, and what was called off is waited for all the same: the deadline around it is turned off."""
    work = asyncio.ensure_future(fetch(route))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        return await work


@labelled(args=ARGS, backend=ROUTE, AR208="failed")
async def route_with_its_results_gathered(route: str) -> ToolResult:
    """As a job that has to be done: it is waited for until it is, whoever calls it off."""
    job = asyncio.create_task(fetch(route))
    while not job.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait({job})
    return job.result()


# --- look-alikes -------------------------------------------------------------------------------------------------------


@labelled(args=ARGS, backend=ROUTE, AR208="passed")
async def route_noted(route: str) -> ToolResult:
    """Everything is caught, and the cancellation raised again."""
    try:
        return await fetch(route)
    except BaseException as error:
        logger.info("looking up %s ended with %r", route, error)
        raise


@labelled(
    args=ARGS,
    backend={"POST https://maps.example.com/leases": {"lease": "L-1"}, "DELETE https://maps.example.com/leases/{id}": {}, **ROUTE},
    AR208="passed",
)
async def route_under_a_lease(route: str) -> ToolResult:
    """A clean-up that needs the peer once more, whom nobody asks for an answer twice."""
    async with httpx.AsyncClient(timeout=2) as client:
        try:
            lease = await client.post("https://maps.example.com/leases", json={"for": route})
            lease.raise_for_status()
            number = lease.json()["lease"]
            try:
                response = await client.get(f"{URL}/{route}")
            finally:
                released = await client.delete(f"https://maps.example.com/leases/{number}")
            response.raise_for_status()
            released.raise_for_status()
            return ToolResult.success(response.json()["km"])
        except httpx.HTTPError as error:
            return from_httpx(error)
        except (ValueError, KeyError, TypeError, httpx.InvalidURL):
            return unreadable()


@labelled(args=ARGS, backend=ROUTE, AR208="passed")
async def route_within_a_deadline(route: str) -> ToolResult:
    """A deadline is a cancellation, too, and this one is the tool's own."""
    try:
        with anyio.fail_after(3):
            return await fetch(route, timeout=60)
    except TimeoutError:
        return ToolResult.transient("The map service did not answer in time.")


@labelled(args=ARGS, backend=ROUTE, AR208="passed")
async def route_that_is_finished_first(route: str) -> ToolResult:
    """The request is not broken off, for it counts at the peer; the cancellation goes through when it is over."""
    work = asyncio.ensure_future(fetch(route, timeout=0.5))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        await work
        raise


@labelled(args=ARGS, backend=ROUTE, AR208="passed")
async def route_that_is_finished_in_its_own_time(route: str) -> ToolResult:
    """As before, with a client that takes four seconds to give up."""
    work = asyncio.create_task(fetch(route))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        result = await work
        logger.info("the look-up of %s was called off, and gave %s", route, result.status)
        raise


@labelled(args=ARGS, backend=ROUTE, AR208="passed")
async def route_that_is_left_to_itself(route: str) -> ToolResult:
    """The request goes on in a task of its own; the call ends at once."""
    work = asyncio.create_task(fetch(route))
    unfinished.add(work)
    work.add_done_callback(unfinished.discard)
    return await asyncio.shield(work)


@labelled(args=ARGS, backend=ROUTE, AR208="passed")
async def route_with_a_heartbeat(route: str) -> ToolResult:
    """A task beside the look-up, which is called off with it. The error that this one swallows is the heartbeat's."""

    async def beat() -> None:
        while True:
            await asyncio.sleep(0.5)
            logger.debug("still looking up %s", route)

    heart = asyncio.ensure_future(beat())
    try:
        return await fetch(route)
    finally:
        heart.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await heart


@contextlib.asynccontextmanager
async def _client() -> AsyncIterator[httpx.AsyncClient]:
    client = httpx.AsyncClient(timeout=1)
    try:
        yield client
    finally:
        await client.aclose()


@tenacity.retry(
    retry=tenacity.retry_if_exception_type(httpx.TransportError),
    stop=tenacity.stop_after_attempt(3),
    wait=tenacity.wait_exponential(multiplier=0.2),
    reraise=True,
)
async def _patient(route: str) -> Any:
    async with _client() as client:
        response = await client.get(f"{URL}/{route}")
        response.raise_for_status()
        return response.json()


@labelled(args=ARGS, backend=ROUTE, AR208="passed")
async def route_with_retries(route: str) -> ToolResult:
    """Retries of what the peer is to blame for."""
    try:
        return ToolResult.success((await _patient(route))["km"])
    except httpx.HTTPError as error:
        return from_httpx(error)
    except (ValueError, KeyError, TypeError):
        return unreadable()


unfinished: set[asyncio.Task[ToolResult]] = set()

ALONE = dict.fromkeys(("AR102", "AR103", "AR104", "AR202", "AR203", "AR206", "AR208"), "not_applicable")


@labelled(args=ARGS, backend=ROUTE, **ALONE)
async def route_name(route: str) -> ToolResult:
    """An async function that never waits."""
    try:
        raise asyncio.CancelledError
    except BaseException:
        return ToolResult.success(f"route {route}")
