"""Tools that ask more than once: a fault may begin at any of their requests."""

from __future__ import annotations

import asyncio

import httpx
import requests

from pytest_agentready.patterns.results import ToolResult
from tests.corpus import labelled
from tests.corpus.classify import from_httpx, from_requests, unreadable

MAILS = {
    "GET https://mail.example.com/folders/{folder}?page=1": {"mails": ["hello"], "more": True},
    "GET https://mail.example.com/folders/{folder}?page=2": {"mails": ["goodbye"], "more": False},
}


@labelled(
    args={"sku": "BOLT-8"},
    backend={
        "GET https://north.example.com/stock/{sku}": {"pieces": 12},
        "GET https://south.example.com/stock/{sku}": {"pieces": 12},
    },
    # Whichever mirror answers first is believed: that the other one fails is no failure.
)
async def pieces_in_stock(sku: str) -> ToolResult:
    """Two mirrors are asked at once."""
    async with httpx.AsyncClient(timeout=4) as client:

        async def ask(host: str) -> int:
            response = await client.get(f"https://{host}.example.com/stock/{sku}")
            response.raise_for_status()
            return int(response.json()["pieces"])

        asked = [asyncio.create_task(ask(host)) for host in ("north", "south")]
        try:
            done, _ = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
            return ToolResult.success(next(iter(done)).result())
        except httpx.HTTPError as error:
            return from_httpx(error)
        except (ValueError, KeyError, TypeError):
            return unreadable()
        finally:
            for task in asked:
                task.cancel()
            await asyncio.gather(*asked, return_exceptions=True)


@labelled(
    args={"folder": "inbox"},
    backend=MAILS,
    AR101="passed",
    AR103="failed",  # what the second page would have said is left out, and nobody is told
)
def mails_in(folder: str) -> ToolResult:
    """All mails of a folder, page by page."""
    mails: list[str] = []
    for page in (1, 2, 3):
        try:
            response = requests.get(f"https://mail.example.com/folders/{folder}", params={"page": page}, timeout=2)
            response.raise_for_status()
            body = response.json()
            mails += body["mails"]
        except requests.RequestException as error:
            if not mails:
                return from_requests(error)
            break
        except (KeyError, TypeError):
            return unreadable()
        if not body["more"]:
            break
    return ToolResult.success(mails)


PROJECTS = {
    "GET https://tasks.example.com/teams": {"teams": [{"id": 90}]},
    "GET https://tasks.example.com/teams/{team}/spaces": {"spaces": [{"id": 7, "name": "Shop"}]},
    "GET https://tasks.example.com/spaces/{space}/tasks": {"tasks": [{"name": "Ship it"}]},
}


def from_tasks(path: str) -> requests.Response:
    """The one line by which this client asks for everything."""
    return requests.get(f"https://tasks.example.com/{path}", timeout=1)


@labelled(
    args={"space": "Shop"},
    backend=PROJECTS,
    AR103="failed",  # the last of three requests, which all leave by one line, is not looked at
    AR104="failed",  # and its page of an error is no JSON
)
def tasks_of(space: str) -> ToolResult:
    """The tasks of a space, which is looked up by its name."""
    try:
        teams = from_tasks("teams")
        teams.raise_for_status()
        team = teams.json()["teams"][0]["id"]
        spaces = from_tasks(f"teams/{team}/spaces")
        spaces.raise_for_status()
        found = next(each["id"] for each in spaces.json()["spaces"] if each["name"] == space)
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError, IndexError, StopIteration):
        return unreadable()
    try:
        return ToolResult.success(from_tasks(f"spaces/{found}/tasks").json().get("tasks", []))
    except requests.RequestException as error:
        return from_requests(error)
    except AttributeError:
        return unreadable()


@labelled(args={"space": "Shop"}, backend=PROJECTS)
def tasks_of_a_space_that_is_looked_up(space: str) -> ToolResult:
    """The same, with each answer looked at."""
    try:
        team = checked("teams")["teams"][0]["id"]
        spaces = checked(f"teams/{team}/spaces")["spaces"]
        found = next(each["id"] for each in spaces if each["name"] == space)
        return ToolResult.success(checked(f"spaces/{found}/tasks")["tasks"])
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError, IndexError, StopIteration):
        return unreadable()


def checked(path: str) -> dict[str, list[dict[str, object]]]:
    response = from_tasks(path)
    response.raise_for_status()
    body: dict[str, list[dict[str, object]]] = response.json()
    return body
