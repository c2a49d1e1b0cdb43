"""AR106: tools that hand on whatever a peer sends, beside tools that cut, count, or take what is never long."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import Any
from xml.etree import ElementTree

import aiohttp
import httpx
import httpx2
import openai
import requests

from pytest_agentready.patterns.results import ToolResult
from pytest_agentready.world import Response

from . import labelled
from .classify import from_aiohttp, from_httpx, from_requests, from_status, unreadable
from .model_providers import CHAT

HITS = {"GET https://search.example.com/v1": {"total": 2, "hits": [{"id": 7, "title": "Green tea"}, {"id": 9, "title": "Black tea"}]}}
ARTICLE = {"GET https://kb.example.com/articles/{id}": {"id": 7, "title": "Refunds", "body": "Refunds take three days."}}

ATOM = {"atom": "http://www.w3.org/2005/Atom"}
PAPERS = {
    "GET https://export.papers.example/api/query": Response(
        body='<feed xmlns="http://www.w3.org/2005/Atom"><entry><title>On tea</title><summary>We drink it.</summary></entry></feed>',
        content_type="application/atom+xml",
    )
}

# --- the fault ---------------------------------------------------------------------------------------------------------


@labelled(args={"query": "tea"}, backend=HITS, AR106="failed")
def search_all(query: str) -> ToolResult:
    """Search the shop."""
    try:
        response = requests.get("https://search.example.com/v1", params={"q": query}, timeout=4)
        response.raise_for_status()
        return ToolResult.success([hit["title"] for hit in response.json()["hits"]])
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError):
        return unreadable()


async def _papers(query: str) -> list[dict[str, str]]:
    """Raises httpx.HTTPError, and ParseError for what is no feed."""
    async with httpx.AsyncClient(timeout=4) as client:
        response = await client.get("https://export.papers.example/api/query", params={"search_query": query})
        response.raise_for_status()
    feed = ElementTree.fromstring(response.text)
    if not feed.tag.endswith("}feed"):  # a page may be well-formed, too
        raise ElementTree.ParseError("no feed")
    entries = feed.findall("atom:entry", ATOM)
    return [{name: (entry.findtext(f"atom:{name}", "", ATOM)).strip() for name in ("title", "summary")} for entry in entries]


@labelled(args={"query": "tea"}, backend=PAPERS, AR106="failed")  # a feed is parsed, and grows as one
async def papers(query: str) -> ToolResult:
    """Papers about a subject."""
    try:
        return ToolResult.success(await _papers(query))
    except httpx.HTTPError as error:
        return from_httpx(error)
    except ElementTree.ParseError:
        return unreadable()


@labelled(args={"query": "tea"}, backend=PAPERS, AR106="passed")
async def some_papers(query: str) -> ToolResult:
    """Papers about a subject, each with the beginning of its summary."""
    try:
        return ToolResult.success([{name: text[:300] for name, text in paper.items()} for paper in (await _papers(query))[:5]])
    except httpx.HTTPError as error:
        return from_httpx(error)
    except ElementTree.ParseError:
        return unreadable()


@labelled(args={"id": "7"}, backend=ARTICLE, AR106="failed")  # the text of one article, however long it is
async def article(id: str) -> ToolResult:
    """An article of the knowledge base."""
    async with httpx.AsyncClient(timeout=4) as client:
        try:
            response = await client.get(f"https://kb.example.com/articles/{id}")
            response.raise_for_status()
            return ToolResult.success(response.json()["body"])
        except httpx.HTTPError as error:
            return from_httpx(error)
        except (ValueError, KeyError, TypeError):
            return unreadable()


@labelled(
    args={"page": "about"},
    backend={"GET https://www.example.com/{page}": Response(body="<html><p>We sell tea.</p></html>", content_type="text/html")},
    AR106="failed",
)
def web_page(page: str) -> ToolResult:
    """A page of our website, as it is."""
    try:
        response = httpx2.get(f"https://www.example.com/{page}", timeout=4)
        response.raise_for_status()
        return ToolResult.success(response.text)
    except httpx2.HTTPError as error:
        return from_httpx(error)


@labelled(
    args={"question": "What is tea?"},
    backend={"POST https://api.openai.com/v1/chat/completions": CHAT},
    AR106="failed",  # no max_tokens, and no cut
)
def ask_without_limit(question: str) -> ToolResult:
    """Ask a model."""
    try:
        with openai.OpenAI(api_key="sk-proj-5EcReT0fTheCorpus", timeout=2, max_retries=0) as client:
            answer = client.chat.completions.create(model="gpt-5", messages=[{"role": "user", "content": question}])
        return ToolResult.success(answer.choices[0].message.content)
    except openai.APIStatusError as error:
        return from_status(error.status_code)
    except openai.APIConnectionError:
        return ToolResult.transient("The model could not be reached.")
    except (openai.OpenAIError, ValueError, AttributeError, TypeError, IndexError):
        return unreadable()


@labelled(
    args={"table": "countries"},
    backend={"GET https://data.example.com/{table}": {"rows": [{"code": f"C{number}", "people": number} for number in range(900)]}},
    AR106="failed",  # a normal call is too large already
)
def table_rows(table: str) -> ToolResult:
    """All rows of a small table."""
    try:
        with urllib.request.urlopen(f"https://data.example.com/{table}", timeout=4) as response:
            return ToolResult.success(json.load(response)["rows"])
    except urllib.error.HTTPError as error:
        return from_status(error.code)
    except (OSError, HTTPException):
        return ToolResult.transient("The data could not be reached.")
    except (ValueError, KeyError, TypeError):
        return unreadable()


# --- look-alikes -------------------------------------------------------------------------------------------------------


@labelled(args={"query": "tea"}, backend=HITS, AR106="passed")
async def search_some(query: str) -> ToolResult:
    """The first hits, and how many there are."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=4)) as session:
        try:
            async with session.get("https://search.example.com/v1", params={"q": query}) as response:
                response.raise_for_status()
                hits = (await response.json(content_type=None))["hits"]
                return ToolResult.success({"first": [hit["title"][:80] for hit in hits[:10]], "of": len(hits)})
        except (aiohttp.ClientError, asyncio.TimeoutError) as error:
            return from_aiohttp(error)
        except (ValueError, KeyError, TypeError):
            return unreadable()


@labelled(args={"id": "7"}, backend=ARTICLE, AR106="passed")
def article_beginning(id: str) -> ToolResult:
    """The beginning of an article."""
    try:
        response = requests.get(f"https://kb.example.com/articles/{id}", timeout=4)
        response.raise_for_status()
        body = response.json()["body"]
        return ToolResult.success(body if len(body) <= 4_000 else f"{body[:4_000]} [{len(body) - 4_000} more characters]")
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError):
        return unreadable()


@labelled(
    args={"order_id": "42"}, backend={"GET https://api.example.com/orders/{id}": {"id": "42", "status": "out for delivery"}}, AR106="passed"
)
def short_status(order_id: str) -> ToolResult:
    """An order's state, which is a word or three, however much stands beside it."""
    try:
        response = httpx.get(f"https://api.example.com/orders/{order_id}", timeout=4)
        response.raise_for_status()
        return ToolResult.success(response.json()["status"])
    except httpx.HTTPError as error:
        return from_httpx(error)
    except (ValueError, KeyError, TypeError):
        return unreadable()


LARGEST = 100_000  # bytes


@labelled(args={"name": "terms"}, backend={"GET https://docs.example.com/{name}": {"text": "These are the terms."}}, AR106="passed")
def guarded_document(name: str) -> ToolResult:
    """A document, unless it is too large to be read."""
    try:
        with requests.get(f"https://docs.example.com/{name}", timeout=4, stream=True) as response:
            response.raise_for_status()
            if int(response.headers.get("Content-Length", 0)) > LARGEST:
                return ToolResult.permanent(f"The document {name} is too large to be read: ask for a part of it.")
            return ToolResult.success(response.json()["text"][:4_000])
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError):
        return unreadable()


@labelled(
    args={"day": "2026-11-23"},
    backend={"GET https://chat.example.com/transcripts/{day}": {"lines": ["Hello, how can I help you?", "My parcel is late."]}},
    result_budget=30_000,
    AR106="passed",  # much, and its owner has said so
)
def transcript(day: str) -> ToolResult:
    """A day's conversation, up to some ten thousand words."""
    try:
        response = requests.get(f"https://chat.example.com/transcripts/{day}", timeout=4)
        response.raise_for_status()
        lines: list[Any] = response.json()["lines"]
        return ToolResult.success("\n".join(lines)[:60_000])
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError):
        return unreadable()
