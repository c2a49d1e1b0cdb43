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
