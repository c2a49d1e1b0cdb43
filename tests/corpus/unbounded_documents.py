"""AR106, AR103 and AR304 where peers answer in XML or with pages: feeds, result sets and sites."""

from __future__ import annotations

import html.parser
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree as ET
from http.client import HTTPException

import httpx
import requests

from pytest_agentready.patterns.results import ToolResult
from pytest_agentready.world import Response

from . import labelled
from .classify import from_httpx, from_requests, from_status, unreadable

ATOM = "{http://www.w3.org/2005/Atom}"
PAPERS = {
    "GET https://papers.example.com/api": Response(
        body="""<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom">
  <title>Papers on tea</title>
  <entry><id>p-1</id><title>On tea</title><summary>We drank tea for a year, and then wrote this paper.</summary></entry>
  <entry><id>p-2</id><title>On cups</title><summary>Of all cups those with a handle are held most often.</summary></entry>
</feed>""",
        content_type="application/atom+xml; charset=utf-8",
    )
}
NEWS = {
    "GET https://news.example.com/rss": Response(
        body="""<?xml version="1.0"?>
<rss version="2.0"><channel><title>The News</title>
<item><title>Tea is late</title><pubDate>Mon, 23 Nov 2026 10:00:00 +0000</pubDate>
  <description><![CDATA[The <b>tea</b> comes tomorrow.]]></description></item>
<item><title>Tea is here</title><pubDate>Fri, 20 Nov 2026 10:00:00 +0000</pubDate>
  <description><![CDATA[The <b>tea</b> has come.]]></description></item>
</channel></rss>""",
        content_type="application/rss+xml",
    )
}
SHELF = {
    "GET https://www.example.com/teas": Response(
        body="""<!DOCTYPE html><html><head><title>Teas</title></head><body><div id="list">
<div class="tea"><h3>Green</h3><p>It comes from the hills, and is picked in spring.</p></div>
<div class="tea"><h3>Black</h3><p>It comes from the plain, and is picked in autumn.</p></div>
</div></body></html>""",
        content_type="text/html; charset=utf-8",
    )
}

# --- the fault ---------------------------------------------------------------------------------------------------------


@labelled(args={"query": "tea"}, backend=PAPERS, AR106="failed", AR103="failed", AR304="failed")  # a page has no entries, and is no feed
def all_papers(query: str) -> ToolResult:
    """Search for papers."""
    try:
        response = requests.get("https://papers.example.com/api", params={"search_query": query}, timeout=4)
        response.raise_for_status()
        entries = ET.fromstring(response.content).findall(f"{ATOM}entry")
        return ToolResult.success(
            [{"title": entry.findtext(f"{ATOM}title"), "summary": entry.findtext(f"{ATOM}summary")} for entry in entries]
        )
    except requests.RequestException as error:
        return from_requests(error)
    except ET.ParseError:
        return unreadable()


@labelled(args={}, backend=NEWS, AR106="failed", AR304="not_applicable")  # in the order of time; the first ten, and each as long as it is
def ten_whole_items() -> ToolResult:
    """The latest news."""
    try:
        with urllib.request.urlopen("https://news.example.com/rss", timeout=4) as response:
            channel = ET.fromstring(response.read()).find("channel")
        if channel is None:
            return unreadable()
        return ToolResult.success([item.findtext("description") for item in channel.findall("item")[:10]])
    except urllib.error.HTTPError as error:
        return from_status(error.code)
    except ET.ParseError:
        return unreadable()
    except (OSError, HTTPException):
        return ToolResult.transient("The news could not be reached.")


class _Teas(html.parser.HTMLParser):
    """The texts of all elements of the class `tea`."""

    def __init__(self) -> None:
        super().__init__()
        self.teas: list[str] = []
        self._depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if ("class", "tea") in attrs:
            self.teas.append("")
            self._depth = 1
        elif self._depth:
            self._depth += 1

    def handle_endtag(self, tag: str) -> None:
        self._depth = max(0, self._depth - 1)

    def handle_data(self, data: str) -> None:
        if self._depth:
            self.teas[-1] += data


def _teas(text: str) -> list[str]:
    parser = _Teas()
    parser.feed(text)
    return parser.teas


@labelled(args={}, backend=SHELF, AR106="failed")
def all_teas_of_a_page() -> ToolResult:
    """What the shop has."""
    try:
        response = httpx.get("https://www.example.com/teas", timeout=4)
        response.raise_for_status()
        return ToolResult.success(_teas(response.text)) if _teas(response.text) else unreadable()
    except httpx.HTTPError as error:
        return from_httpx(error)


# --- look-alikes -------------------------------------------------------------------------------------------------------


@labelled(args={"query": "tea"}, backend=PAPERS, AR106="passed", AR304="passed")
def some_papers_by_their_ids(query: str) -> ToolResult:
    """Search for papers: the first five by their ids, and the beginning of each summary."""
    try:
        response = httpx.get("https://papers.example.com/api", params={"search_query": query}, timeout=4)
        response.raise_for_status()
        feed = ET.fromstring(response.content)
        if feed.tag != f"{ATOM}feed":
            return unreadable()
        found = sorted(
            (entry.findtext(f"{ATOM}id") or "", (entry.findtext(f"{ATOM}summary") or "")[:200]) for entry in feed.iter(f"{ATOM}entry")
        )
        return ToolResult.success(found[:5])
    except httpx.HTTPError as error:
        return from_httpx(error)
    except ET.ParseError:
        return unreadable()


@labelled(args={"query": "tea"}, backend=PAPERS, AR106="passed", AR304="not_applicable")
def papers_in_an_order(query: str) -> ToolResult:
    """Search for papers, the best first."""
    try:
        wanted = urllib.parse.urlencode({"search_query": query, "sortBy": "relevance", "max_results": 3})
        with urllib.request.urlopen(f"https://papers.example.com/api?{wanted}", timeout=4) as response:
            feed = ET.fromstring(response.read())
        if feed.tag != f"{ATOM}feed":
            return unreadable()
        return ToolResult.success([(entry.findtext(f"{ATOM}title") or "")[:80] for entry in feed.findall(f"{ATOM}entry")[:3]])
    except urllib.error.HTTPError as error:
        return from_status(error.code)
    except ET.ParseError:
        return unreadable()
    except (OSError, HTTPException):
        return ToolResult.transient("The papers could not be reached.")


@labelled(args={}, backend=SHELF, AR106="passed")
def some_teas_of_a_page() -> ToolResult:
    """What the shop has, the first ten."""
    try:
        response = requests.get("https://www.example.com/teas", timeout=4)
        response.raise_for_status()
        teas = [tea.strip()[:80] for tea in _teas(response.text)[:10]]
        return ToolResult.success(teas) if teas else unreadable()
    except requests.RequestException as error:
        return from_requests(error)
