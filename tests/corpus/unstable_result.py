"""AR301: tools that answer otherwise each time, beside tools whose answers differ as they have to, or not at all."""

from __future__ import annotations

import datetime
import itertools
import random
import time
import uuid
from functools import lru_cache
from typing import Any

import httpx
import requests

from pytest_agentready.patterns.results import ToolResult
from tests.corpus import labelled
from tests.corpus.classify import from_httpx, from_requests, unreadable

HOTELS = {
    "GET https://hotels.example.com/{city}": {
        "hotels": [{"name": name, "stars": 4} for name in ("Astoria", "Bristol", "Continental", "Plaza")]
    }
}
NONE = {
    "AR102": "not_applicable",
    "AR103": "not_applicable",
    "AR104": "not_applicable",
    "AR202": "not_applicable",
    "AR203": "not_applicable",
}


def hotels_in(city: str) -> list[dict[str, Any]]:
    response = requests.get(f"https://hotels.example.com/{city}", timeout=4)
    response.raise_for_status()
    found: list[dict[str, Any]] = response.json()["hotels"]
    return sorted(found, key=lambda hotel: hotel["name"])


# --- the fault ---------------------------------------------------------------------------------------------------------


@labelled(args={"city": "Oslo"}, backend=HOTELS, AR301="failed")
def recommend_hotels(city: str) -> ToolResult:
    """Hotels in a city, in a fair order."""
    try:
        found = hotels_in(city)
        return ToolResult.success([hotel["name"] for hotel in random.sample(found, len(found))])
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError):
        return unreadable()


@labelled(args={"city": "Oslo"}, backend={"GET https://api.example.com/weather/{city}": {"celsius": 7.25}}, AR301="failed")
async def temperature(city: str) -> ToolResult:
    """The temperature, with a little noise, so that nobody can tell where the station is."""
    try:
        async with httpx.AsyncClient(timeout=4) as client:
            response = await client.get(f"https://api.example.com/weather/{city}")
            response.raise_for_status()
            return ToolResult.success({"city": city, "celsius": round(response.json()["celsius"] + random.gauss(0, 0.5), 4)})
    except httpx.HTTPError as error:
        return from_httpx(error)
    except (ValueError, KeyError, TypeError):
        return unreadable()


class Topic:
    def __init__(self, name: str) -> None:
        self.name = name


asked: list[str] = []


@labelled(args={"word": "tea"}, backend={}, **NONE, AR301="failed")
def define(word: str) -> ToolResult:
    """What a word means, and how often this was asked."""
    asked.append(word)
    return ToolResult.success(f"{word} is a drink. You are the {len(asked)}th to ask.")


@labelled(args={"word": "tea"}, backend={}, **NONE, AR301="failed")
def greet(word: str) -> ToolResult:
    """A greeting, of four or five words."""
    return ToolResult.success(" ".join([word, *random.choices(["hello", "welcome", "good day", "hey", "hi there", "greetings"], k=8)]))


# --- look-alikes -------------------------------------------------------------------------------------------------------


@labelled(args={"city": "Oslo"}, backend=HOTELS, AR301="passed")
def hotels(city: str) -> ToolResult:
    """Hotels in a city, with when they were looked up, how long it took, and under which number."""
    began = time.perf_counter()
    try:
        names = [hotel["name"] for hotel in hotels_in(city)]
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError):
        return unreadable()
    return ToolResult.success({
        "hotels": names,
        "looked_up": datetime.datetime.now(datetime.timezone.utc).isoformat(),
        "seconds": time.perf_counter() - began,
        "request": str(uuid.uuid4()),
        "summary": f"{len(names)} hotels, as of {datetime.datetime.now():%H:%M:%S} (ref {uuid.uuid4().hex[:12]})",
    })  # fmt: skip


@labelled(args={"day": "2026-03-02"}, backend={}, **NONE, AR301="passed")
def word_of_the_day(day: str) -> ToolResult:
    """A word, drawn by lot, and the same all day."""
    return ToolResult.success(random.Random(day).choice(["tea", "rain", "lamp", "river"]))


@labelled(args={"name": "Ada"}, backend={}, **NONE, AR301="passed")
def new_ticket(name: str) -> ToolResult:
    """A ticket with a number of its own."""
    return ToolResult.success({"ticket": f"T-{uuid.uuid4().hex[:10]}", "token": random.getrandbits(64), "for": name})


@lru_cache(maxsize=8)
def _capital(country: str) -> str:
    response = requests.get(f"https://api.example.com/countries/{country}", timeout=4)
    response.raise_for_status()
    return str(response.json()["capital"])


numbers = itertools.count(100)


@labelled(
    args={"country": "NO"},
    backend={"GET https://api.example.com/countries/{code}": {"capital": "Oslo"}},
    AR102="unproven",
    AR103="unproven",
    AR104="unproven",
    AR202="unproven",
    AR203="unproven",
    AR301="passed",  # what is remembered is the same
)
def capital(country: str) -> ToolResult:
    """The capital of a country."""
    try:
        return ToolResult.success(_capital(country))
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError):
        return unreadable()
