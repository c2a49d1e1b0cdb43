"""Tools whose timeout counts from the last byte, beside tools with a deadline around the whole call."""

from __future__ import annotations

import asyncio
import time

import aiohttp
import httpx
import requests

from pytest_agentready.patterns.results import ToolResult
from tests.corpus import labelled
from tests.corpus.classify import from_aiohttp, from_httpx, from_requests, unreadable

FORECAST = {"GET https://weather.example.com/v1/forecast/{city}": {"celsius": 7}}


@labelled(args={"city": "Oslo"}, backend=FORECAST, AR204="failed")
def forecast(city: str) -> ToolResult:
    """Five seconds for each read, and any number of reads."""
    try:
        response = requests.get(f"https://weather.example.com/v1/forecast/{city}", timeout=5)
        response.raise_for_status()
        return ToolResult.success(response.json()["celsius"])
    except requests.JSONDecodeError:
        return unreadable()
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError):
        return unreadable()


@labelled(args={"city": "Oslo"}, backend=FORECAST, AR204="failed")
async def forecast_of(city: str) -> ToolResult:
    """All four of httpx's timeouts, none of which is about the whole."""
    try:
        async with httpx.AsyncClient(timeout=httpx.Timeout(connect=2, read=4, write=4, pool=4)) as client:
            response = await client.get(f"https://weather.example.com/v1/forecast/{city}")
            response.raise_for_status()
            return ToolResult.success(response.json()["celsius"])
    except httpx.HTTPError as error:
        return from_httpx(error)
    except (ValueError, KeyError, TypeError):
        return unreadable()


@labelled(args={"city": "Oslo"}, backend=FORECAST, AR204="passed")
async def patient_forecast(city: str) -> ToolResult:
    """A client without a deadline inside a deadline."""
    try:
        async with httpx.AsyncClient(timeout=4) as client:
            response = await asyncio.wait_for(client.get(f"https://weather.example.com/v1/forecast/{city}"), 4)
            response.raise_for_status()
            return ToolResult.success(response.json()["celsius"])
    except asyncio.TimeoutError:
        return ToolResult.transient("The weather service did not answer in time.")
    except httpx.HTTPError as error:
        return from_httpx(error)
    except (ValueError, KeyError, TypeError):
        return unreadable()


@labelled(args={"city": "Oslo"}, backend=FORECAST, AR203="failed", AR204="passed")
async def late_total_forecast(city: str) -> ToolResult:
    """A total that is longer than it should be is one all the same: no trickle holds the tool any longer than a silence."""
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20), raise_for_status=True) as session,
            session.get(f"https://weather.example.com/v1/forecast/{city}") as response,
        ):
            return ToolResult.success((await response.json())["celsius"])
    except (aiohttp.ClientError, asyncio.TimeoutError) as error:
        return from_aiohttp(error)
    except (ValueError, KeyError, TypeError):
        return unreadable()


@labelled(args={"city": "Oslo"}, backend=FORECAST, AR204="passed")
async def total_forecast(city: str) -> ToolResult:
    """aiohttp's total is what it says."""
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
            async with session.get(f"https://weather.example.com/v1/forecast/{city}") as response:
                response.raise_for_status()
                return ToolResult.success((await response.json(content_type=None))["celsius"])
    except (aiohttp.ClientError, asyncio.TimeoutError) as error:
        return from_aiohttp(error)
    except (ValueError, KeyError, TypeError):
        return unreadable()


@labelled(args={"city": "Oslo"}, backend=FORECAST, AR204="failed")
def streamed_forecast(city: str) -> ToolResult:
    """Read with an eye on the clock, which is only looked at after every 64 bytes: a minute apart, at one byte a second."""
    end = time.monotonic() + 4
    body = bytearray()
    try:
        with requests.get(f"https://weather.example.com/v1/forecast/{city}", timeout=1, stream=True) as response:
            response.raise_for_status()
            for piece in response.iter_content(64):
                body += piece
                if time.monotonic() > end:
                    return ToolResult.transient("The weather service is too slow.")
        return ToolResult.success(requests.models.complexjson.loads(body)["celsius"])
    except requests.RequestException as error:
        return from_requests(error)
    except (ValueError, KeyError, TypeError):
        return unreadable()
