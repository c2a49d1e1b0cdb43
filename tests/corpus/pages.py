"""Tools that hand on the text of an address: of one that they were told, whatever stands there is what was asked for."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import httpx
import requests

from pytest_agentready.patterns.results import ToolResult
from tests.corpus import labelled
from tests.corpus.classify import from_httpx, from_requests

PAGES = {"GET https://docs.example.com/{page}": {"title": "Terms", "text": "Goods may be returned within 30 days."}}
OURS = ("docs.example.com", "help.example.com")


def our_page(url: str) -> str | None:
    """The address, where it is one of ours."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    ours = parts.scheme == "https" and parts.netloc in OURS
    return f"https://{parts.netloc}{parts.path}" if ours else None


# --- the fault ---------------------------------------------------------------------------------------------------------


@labelled(args={"url": "https://docs.example.com/terms"}, backend=PAGES, AR103="failed", AR104="passed")  # a page that says 404 is no page
def page_whatever_it_says(url: str) -> ToolResult:
    """The text of one of our pages."""
    address = our_page(url)
    if address is None:
        return ToolResult.permanent("Only our own pages can be read.")
    try:
        return ToolResult.success(httpx.get(address, timeout=4).text[:2_000])
    except httpx.HTTPError as error:
        return from_httpx(error)


@labelled(args={"page": "terms"}, backend=PAGES, AR103="failed")  # an interface of its own, which says JSON
def terms_as_they_come(page: str) -> dict[str, Any]:
    """What the documentation says, as its interface gives it."""
    try:
        response = requests.get(f"https://docs.example.com/{page}", timeout=4)
        response.raise_for_status()
        return {"status": "success", "data": response.text[:2_000]}
    except requests.RequestException as error:
        return from_requests(error).model_dump()


# --- look-alikes -------------------------------------------------------------------------------------------------------


@labelled(args={"url": "https://docs.example.com/terms"}, backend=PAGES, AR904="passed")
def page_as_text(url: str) -> ToolResult:
    """The text of one of our pages."""
    address = our_page(url)
    if address is None:
        return ToolResult.permanent("Only our own pages can be read.")
    try:
        response = httpx.get(address, timeout=4)
        response.raise_for_status()
    except httpx.HTTPError as error:
        return from_httpx(error)
    return ToolResult.success(response.text[:2_000]) if response.text.strip() else ToolResult.permanent("There is nothing on that page.")


@labelled(args={"url": "https://docs.example.com/terms"}, backend=PAGES, AR101="failed", AR104="failed", AR904="passed")
def page_as_bare_text(url: str) -> str:
    """The text of one of our pages."""
    address = our_page(url)
    if address is None:
        return "Error: only our own pages can be read."
    try:
        response = requests.get(address, timeout=4)
        response.raise_for_status()
    except requests.RequestException as error:
        return f"Error: the page could not be read ({type(error).__name__})."
    return response.text[:2_000] or "Error: there is nothing on that page."
