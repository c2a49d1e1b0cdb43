"""AR304: tools that pass on in whatever order it comes, beside tools whose answers have an order."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import uuid
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import httpx
import redis
import requests

from pytest_agentready.patterns.results import ToolResult
from tests.corpus import labelled
from tests.corpus.classify import from_aiohttp, from_httpx, from_requests, unreadable

TEAMS = {
    "GET https://api.example.com/teams/{id}/members": {
        "members": [{"id": 9, "name": "Tony"}, {"id": 4, "name": "Ada"}, {"id": 6, "name": "Lin"}]
    }
}
NONE = {
    "AR102": "not_applicable",
    "AR103": "not_applicable",
    "AR104": "not_applicable",
    "AR202": "not_applicable",
    "AR203": "not_applicable",
}
HERE = Path(__file__).parent
VECTORS = {"POST https://vectors.example.com/query": {"matches": [{"id": "d7", "text": "Lease"}, {"id": "d2", "text": "Deed"}]}}
SCORED = {
    "POST https://vectors.example.com/query": {
        "matches": [{"id": "d7", "score": 0.9}, {"id": "d2", "score": 0.7}, {"id": "d5", "score": 0.4}]
    }
}
EQUAL = {
    "POST https://vectors.example.com/query": {
        "matches": [{"id": "d7", "score": 0.9}, {"id": "d2", "score": 0.7}, {"id": "d5", "score": 0.7}]
    }
}
ROWS = [{"sku": "LAMP-2", "pieces": 3}, {"sku": "CUP-1", "pieces": 9}]


def members_of(team: str) -> list[dict[str, Any]]:
    response = requests.get(f"https://api.example.com/teams/{team}/members", timeout=4)
    response.raise_for_status()
    found: list[dict[str, Any]] = response.json()["members"]
    return found


# --- the fault ---------------------------------------------------------------------------------------------------------


async def matches_of(vector: list[float]) -> list[dict[str, Any]]:
    async with httpx.AsyncClient(timeout=4) as client:
        response = await client.post("https://vectors.example.com/query", json={"vector": vector, "top_k": 5})
        response.raise_for_status()
        found: list[dict[str, Any]] = response.json()["matches"]
        return found


@labelled(args={"vector": [0.1, 0.4]}, backend=EQUAL, AR304="failed")  # of two that fit as well, the first is another each time
async def documents_by_score(vector: list[float]) -> ToolResult:
    """Documents like this one, the best first."""
    try:
        found = sorted(await matches_of(vector), key=lambda match: match["score"], reverse=True)
        return ToolResult.success([match["id"] for match in found])
    except httpx.HTTPError as error:
        return from_httpx(error)
    except (ValueError, KeyError, TypeError):
        return unreadable()


@labelled(args={"vector": [0.1, 0.4]}, backend=EQUAL, AR304="passed")  # by score, and then by id
async def documents_by_score_and_id(vector: list[float]) -> ToolResult:
    """Documents like this one, the best first."""
    try:
        found = sorted(await matches_of(vector), key=lambda match: (-match["score"], match["id"]))
        return ToolResult.success([match["id"] for match in found])
    except httpx.HTTPError as error:
        return from_httpx(error)
    except (ValueError, KeyError, TypeError):
        return unreadable()


@labelled(args={"team": "7"}, backend=TEAMS, AR304="failed")  # the text of a dict, as Python prints it
def team_as_printed(team: str) -> ToolResult:
    """Who is in a team."""
    try:
        return ToolResult.success(str({"team": team, "members": members_of(team)}))
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError):
        return unreadable()


class Artifact:
    """In the style of frameworks whose results are small objects, each with an id of its own."""

    __slots__ = ("id", "status", "value")

    def __init__(self, value: str) -> None:
        self.id = uuid.uuid4().hex
        self.status = "success"
        self.value = value


@labelled(args={"suffix": "_result.py"}, backend={}, **NONE, AR304="failed")
def files_in_an_artifact(suffix: str) -> Artifact:
    """Files of this corpus, as the system lists them."""
    return Artifact("\n".join(name for name in os.listdir(HERE) if name.endswith(suffix)))


@labelled(args={"suffix": "_result.py"}, backend={}, **NONE, AR304="passed")
def sorted_files_in_an_artifact(suffix: str) -> Artifact:
    """Files of this corpus, by their names."""
    return Artifact("\n".join(sorted(name for name in os.listdir(HERE) if name.endswith(suffix))))


@labelled(args={"team": "7"}, backend=TEAMS, AR304="failed")
def team_members(team: str) -> ToolResult:
    """Who is in a team."""
    try:
        return ToolResult.success(", ".join(member["name"] for member in members_of(team)))
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError):
        return unreadable()


@labelled(args={"team": "7"}, backend=TEAMS, AR304="failed")
def lead_of(team: str) -> ToolResult:
    """Who leads a team: the first of them."""
    try:
        return ToolResult.success(members_of(team)[0]["name"])
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError, IndexError):
        return unreadable()


@labelled(args={"vector": [0.1, 0.4]}, backend=VECTORS, AR304="failed")
async def similar_documents(vector: list[float]) -> ToolResult:
    """Documents like this one, from a cluster whose nodes do not agree."""
    try:
        async with httpx.AsyncClient(timeout=4) as client:
            response = await client.post("https://vectors.example.com/query", json={"vector": vector, "top_k": 5})
            response.raise_for_status()
            return ToolResult.success([match["text"] for match in response.json()["matches"]])
    except httpx.HTTPError as error:
        return from_httpx(error)
    except (ValueError, KeyError, TypeError):
        return unreadable()


@labelled(args={"least": 1}, backend={"postgresql://db.internal/shop": {"SELECT sku": ROWS}}, kind="db", AR304="failed")
async def in_stock(least: int) -> ToolResult:
    """Articles of which there are enough pieces."""
    try:
        connection = await asyncpg.connect("postgresql://app:secret@db.internal/shop", timeout=5, command_timeout=5)
        try:
            rows = await connection.fetch("SELECT sku FROM stock WHERE pieces >= $1::int LIMIT 50", least)
        finally:
            connection.terminate()
        return ToolResult.success([row["sku"] for row in rows])
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncio.TimeoutError):
        return ToolResult.transient("The database cannot be reached.")
    except (KeyError, TypeError):
        return unreadable()


@labelled(args={"suffix": "_result.py"}, backend={}, **NONE, AR304="failed")
def files_named(suffix: str) -> ToolResult:
    """Files of this corpus, as the file system has them."""
    return ToolResult.success([name for name in os.listdir(HERE) if name.endswith(suffix)])


shelves = sqlite3.connect(":memory:", check_same_thread=False)
shelves.execute("CREATE TABLE books (title TEXT, shelf TEXT)")
shelves.executemany("INSERT INTO books VALUES (?, ?)", [("Lease", "C4"), ("Deed", "A1"), ("Will", "C4")])


@labelled(args={"shelf": "C4"}, backend={}, **NONE, AR304="failed")
def books_on(shelf: str) -> ToolResult:
    """Books on a shelf, as SQLite comes by them."""
    return ToolResult.success([title for (title,) in shelves.execute("SELECT title FROM books WHERE shelf = ?", (shelf,))])


@labelled(args={"tag": "tea"}, backend={"redis://cache.internal:6379": {"tag:tea:1": "Assam", "tag:tea:2": "Darjeeling"}}, AR304="failed")
def keys_of(tag: str) -> ToolResult:
    """What carries a tag, as the keys of a Redis are scanned."""
    try:
        store = redis.Redis(host="cache.internal", socket_timeout=2, socket_connect_timeout=2, retry=None, decode_responses=True)
        return ToolResult.success(list(store.scan_iter(f"tag:{tag}:*")))
    except redis.RedisError:
        return ToolResult.transient("The cache cannot be reached.")


# --- look-alikes -------------------------------------------------------------------------------------------------------


@labelled(args={"team": "7"}, backend=TEAMS, AR304="passed")
def sorted_team_as_printed(team: str) -> ToolResult:
    """Who is in a team, by their ids."""
    try:
        return ToolResult.success(str({"team": team, "members": sorted(members_of(team), key=lambda member: member["id"])}))
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError):
        return unreadable()


@labelled(args={"team": "7"}, backend=TEAMS, AR304="passed")
def team_by_id(team: str) -> ToolResult:
    """Who is in a team, by their ids."""
    try:
        return ToolResult.success([member["name"] for member in sorted(members_of(team), key=lambda member: member["id"])])
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError):
        return unreadable()


@labelled(args={"team": "7"}, backend=TEAMS, AR304="passed")
def size_of(team: str) -> ToolResult:
    """How many are in a team, and whose id is highest."""
    try:
        found = members_of(team)
        return ToolResult.success(
            {"members": len(found), "newest": max(member["id"] for member in found), "ids": {m["name"]: m["id"] for m in found}}
        )
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError, ValueError):
        return unreadable()


@labelled(args={"vector": [0.1, 0.4]}, backend=SCORED, AR304="not_applicable")
async def best_documents(vector: list[float]) -> ToolResult:
    """Documents like this one, the best first."""
    try:
        async with httpx.AsyncClient(timeout=4) as client:
            response = await client.post("https://vectors.example.com/query", json={"vector": vector, "top_k": 5})
            response.raise_for_status()
            return ToolResult.success([match["id"] for match in response.json()["matches"]])
    except httpx.HTTPError as error:
        return from_httpx(error)
    except (ValueError, KeyError, TypeError):
        return unreadable()


@labelled(
    args={"author": "ada"},
    backend={"GET https://blog.example.com/posts": [{"id": 3, "title": "Tea"}, {"id": 8, "title": "Rain"}]},
    AR304="not_applicable",
)
async def posts_by(author: str) -> ToolResult:
    """Posts of an author, in the order that was asked for."""
    params = {"author": author, "sort": "title"}
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=4)) as session:
            async with session.get("https://blog.example.com/posts", params=params) as response:
                response.raise_for_status()
                return ToolResult.success([post["title"] for post in await response.json(content_type=None)])
    except (aiohttp.ClientError, asyncio.TimeoutError) as error:
        return from_aiohttp(error)
    except (ValueError, KeyError, TypeError):
        return unreadable()


@labelled(args={"least": 1}, backend={"postgresql://db.internal/shop": {"SELECT sku": ROWS}}, kind="db", AR304="not_applicable")
async def in_stock_by_name(least: int) -> ToolResult:
    """Articles of which there are enough pieces."""
    try:
        connection = await asyncpg.connect("postgresql://app:secret@db.internal/shop", timeout=5, command_timeout=5)
        try:
            rows = await connection.fetch("SELECT sku FROM stock WHERE pieces >= $1::int ORDER BY sku", least)
        finally:
            connection.terminate()
        return ToolResult.success([row["sku"] for row in rows])
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncio.TimeoutError):
        return ToolResult.transient("The database cannot be reached.")
    except (KeyError, TypeError):
        return unreadable()


@labelled(args={"suffix": "_result.py"}, backend={}, **NONE, AR304="passed")
def files_by_name(suffix: str) -> ToolResult:
    """Files of this corpus, by their names."""
    return ToolResult.success(sorted(path.name for path in HERE.iterdir() if path.name.endswith(suffix)))


@labelled(
    args={"start": "Oslo"},
    backend={
        "GET https://trains.example.com/{start}": {
            "steps": [{"by": "T1", "to": "Lillehammer"}, {"by": "T7", "to": "Otta"}],
            "at": [59.9, 10.7],
        }
    },
    AR304="not_applicable",
)
def way_from(start: str) -> ToolResult:
    """How to get there: one step after the other."""
    try:
        response = requests.get(f"https://trains.example.com/{start}", timeout=4)
        response.raise_for_status()
        return ToolResult.success([step["to"] for step in response.json()["steps"]])
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError):
        return unreadable()
