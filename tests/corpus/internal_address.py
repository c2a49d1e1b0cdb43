"""AR904: tools that fetch what they are told to, beside tools that look where a connection goes, or that only pass the address on."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import ipaddress
import json
import re
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import httpx
import requests
from pydantic import AnyHttpUrl

from pytest_agentready.patterns.results import ToolResult
from pytest_agentready.world import Response

from . import labelled
from .classify import from_httpx, from_requests, from_status, unreadable

PAGE = "https://blog.example.com/post"
PAGES = {f"GET {PAGE}": {"title": "Hello"}}
KWARGS_PAGE = {"GET https://www.example.com/about": Response(body="<p>We sell tea.</p>", content_type="text/html")}
LOCAL = ("localhost", "127.", "10.", "192.168.", "172.16.", "169.254.", "0.", "[")


def is_public(host: str) -> bool:
    return all(ipaddress.ip_address(found[4][0]).is_global for found in socket.getaddrinfo(host, 443, type=socket.SOCK_STREAM))


# --- the fault ---------------------------------------------------------------------------------------------------------


@labelled(args={"url": PAGE}, backend=PAGES, AR904="failed")
def execute(**kwargs: Any) -> ToolResult:
    """Read a page. What it takes stands in a schema beside it, as in many registries of tools."""
    try:
        response = requests.get(kwargs["url"], timeout=4)
        response.raise_for_status()
        return ToolResult.success(response.json())
    except requests.RequestException as error:
        return from_requests(error)


@labelled(args={"url": PAGE}, backend=PAGES, AR904="failed")
def read_page(url: str) -> ToolResult:
    """Read a page of the web."""
    try:
        response = requests.get(url, timeout=5)
        response.raise_for_status()
        return ToolResult.success(response.json())
    except requests.RequestException as error:
        return from_requests(error)


@labelled(args={"link": PAGE}, backend=PAGES, AR904="failed")
async def summarise(link: str) -> ToolResult:
    """The beginning of an article."""
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=4)) as session,
            session.get(link) as response,
        ):
            if response.status != 200:
                return from_status(response.status)
            return ToolResult.success(json.loads(await response.text()))
    except (aiohttp.ClientError, asyncio.TimeoutError, ValueError):
        return ToolResult.transient("The article cannot be read now.")


@labelled(args={"url": PAGE}, backend=PAGES, AR904="failed")  # 2130706433, and a name that resolves to an inner address
def read_page_but_not_by_local_names(url: str) -> ToolResult:
    """Read a page of the web."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or parts.netloc.startswith(LOCAL):
        return ToolResult.permanent("Only public pages can be read.")
    try:
        response = httpx.get(url, timeout=5)
        response.raise_for_status()
        return ToolResult.success(response.json())
    except httpx.HTTPError as error:
        return from_httpx(error)
    except ValueError:
        return unreadable()


@labelled(args={"url": PAGE}, backend=PAGES, AR904="failed")  # the first address is looked at, the one after a redirect is not
def read_page_that_is_public(url: str) -> ToolResult:
    """Read a page of the web."""
    try:
        if not is_public(urlsplit(url).hostname or ""):
            return ToolResult.permanent("Only public pages can be read.")
        with urllib.request.urlopen(url, timeout=4) as response:
            return ToolResult.success(json.load(response))
    except urllib.error.HTTPError as error:
        return from_status(error.code)
    except ValueError:
        return unreadable()
    except (OSError, http.client.HTTPException):
        return ToolResult.transient("The page cannot be read now.")


@labelled(args={"url": PAGE}, backend=PAGES, AR904="failed")  # looked at, and then looked up once more
def read_page_without_redirects(url: str) -> ToolResult:
    """Read a page of the web."""
    try:
        if not is_public(urlsplit(url).hostname or ""):
            return ToolResult.permanent("Only public pages can be read.")
        response = requests.get(url, timeout=4, allow_redirects=False)
        response.raise_for_status()
        return ToolResult.success(response.json())
    except socket.gaierror:
        return ToolResult.transient("The host is not known now.")
    except requests.RequestException as error:
        return from_requests(error)


@labelled(args={"url": PAGE}, backend=PAGES, AR904="failed")  # https://blog.example.com@169.254.169.254/ begins like it
def read_blog(url: str) -> ToolResult:
    """Read a page of the blog."""
    if not url.startswith("https://blog.example.com"):
        return ToolResult.permanent("Only the blog can be read.")
    try:
        response = requests.get(url, timeout=5)
        response.raise_for_status()
        return ToolResult.success(response.json())
    except requests.RequestException as error:
        return from_requests(error)


@labelled(args={"url": PAGE}, backend=PAGES, AR904="failed")  # not-example.com ends like it
def read_our_pages(url: str) -> ToolResult:
    """Read a page of ours."""
    if not (urlsplit(url).hostname or "").endswith("example.com"):
        return ToolResult.permanent("Only our own pages can be read.")
    try:
        response = httpx.get(url, timeout=5)
        response.raise_for_status()
        return ToolResult.success(response.json())
    except httpx.HTTPError as error:
        return from_httpx(error)
    except ValueError:
        return unreadable()


@labelled(args={"domain": "blog.example.com"}, backend={"HEAD https://blog.example.com/": {}}, AR904="failed")
def is_up(domain: str) -> ToolResult:
    """Does a site answer?"""
    try:
        return (
            ToolResult.success("up") if (status := httpx.head(f"https://{domain}/", timeout=5).status_code) == 200 else from_status(status)
        )
    except httpx.HTTPError as error:
        return from_httpx(error)
    except ValueError:
        return unreadable()


@labelled(args={"endpoint": "/orders"}, backend={"GET https://shop.example.com/orders": []}, AR904="failed")  # endpoint="@169.254.169.254/"
def call_shop(endpoint: str) -> ToolResult:
    """Ask the shop's API."""
    try:
        response = requests.get(f"https://shop.example.com{endpoint}", timeout=5)
        response.raise_for_status()
        return ToolResult.success(response.json())
    except requests.RequestException as error:
        return from_requests(error)


@labelled(
    args={"title": "Ready", "image_url": AnyHttpUrl(PAGE)},
    backend=PAGES,
    AR904="failed",  # a type for URLs says nothing of where they lead
)
def describe_image(title: str, image_url: AnyHttpUrl) -> ToolResult:
    """What an image shows."""
    try:
        response = requests.get(str(image_url), timeout=5)
        response.raise_for_status()
        return ToolResult.success({title: response.json()})
    except requests.RequestException as error:
        return from_requests(error)


SHOPS = {"GET https://acme.shops.example.com/orders/{id}": {"state": "shipped"}}


@labelled(args={"shop": "acme", "order_id": "1001"}, backend=SHOPS, AR904="failed")  # "169.254.169.254/" ends the host's name
def order_of_shop(shop: str, order_id: str) -> ToolResult:
    """The state of an order of one of our customers' shops."""
    try:
        response = requests.get(f"https://{shop}.shops.example.com/orders/{order_id}", timeout=5)
        response.raise_for_status()
        return ToolResult.success(response.json()["state"])
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError):
        return unreadable()


@labelled(args={"region": "eu"}, backend={"GET https://api.eu.shops.example.com/stock": {"pieces": 4}}, AR904="failed")
def stock_in_region(region: str) -> ToolResult:
    """How much is in stock; a slash and a hash are refused, and what makes the usual host a user's name is not."""
    if "/" in region.rstrip("/") or "#" in region or region.startswith("169."):
        return ToolResult.permanent("There is no such region.")
    try:
        response = requests.get(f"https://api.{region}.shops.example.com/stock", timeout=5)
        response.raise_for_status()
        return ToolResult.success(response.json()["pieces"])
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError):
        return unreadable()


# --- look-alikes without it ----------------------------------------------------------------------------------------------


@labelled(args={"slug": "post"}, backend=PAGES, AR904="not_applicable")
def execute_for_one_blog(**kwargs: Any) -> ToolResult:
    """Read a page of the blog."""
    try:
        response = requests.get("https://blog.example.com/post", params={"slug": kwargs["slug"]}, timeout=4)
        response.raise_for_status()
        return ToolResult.success(response.json())
    except requests.RequestException as error:
        return from_requests(error)


@labelled(args={"url": PAGE}, backend=PAGES, AR904="passed")
def read_our_page(url: str) -> ToolResult:
    """Read a page of the blog or the docs."""
    parts = urlsplit(url)
    if parts.scheme != "https" or parts.hostname not in ("blog.example.com", "docs.example.com"):
        return ToolResult.permanent("Only the blog and the docs can be read.")
    try:
        response = requests.get(url, timeout=5)
        response.raise_for_status()
        return ToolResult.success(response.json())
    except requests.RequestException as error:
        return from_requests(error)


@contextlib.contextmanager
def public_only() -> Iterator[httpx.Client]:
    """A client that looks at each address that it is about to connect to, those of redirects included, and connects to that very one."""
    import httpcore

    class Backend(httpcore.SyncBackend):
        def connect_tcp(self, host: str, port: int, *args: object, **options: object) -> httpcore.NetworkStream:
            address = str(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][4][0])
            if not ipaddress.ip_address(address).is_global:
                raise httpcore.ConnectError(f"{address} is not public")
            return super().connect_tcp(address, port, *args, **options)  # type: ignore[arg-type]

    transport = httpx.HTTPTransport()
    transport._pool._network_backend = Backend()
    with httpx.Client(transport=transport, follow_redirects=True, timeout=4) as client:
        yield client


@labelled(args={"url": PAGE}, backend=PAGES, AR904="passed")
def read_public_page(url: str) -> ToolResult:
    """Read a page of the web."""
    try:
        with public_only() as client:
            response = client.get(url)
            response.raise_for_status()
            return ToolResult.success(response.json())
    except socket.gaierror:
        return ToolResult.transient("The host is not known now.")
    except httpx.HTTPError as error:
        return from_httpx(error)
    except ValueError:
        return unreadable()


@labelled(args={"url": PAGE}, backend=PAGES, AR904="passed")  # the domain, and all below it
def read_pages_of_the_domain(url: str) -> ToolResult:
    """Read a page of ours."""
    if not f".{urlsplit(url).hostname or ''}".endswith(".example.com"):
        return ToolResult.permanent("Only our own pages can be read.")
    try:
        response = httpx.get(url, timeout=5)
        response.raise_for_status()
        return ToolResult.success(response.json())
    except httpx.HTTPError as error:
        return from_httpx(error)
    except ValueError:
        return unreadable()


@labelled(
    args={"url": PAGE}, backend={"POST https://shots.example.com/render": {"image": "abc"}}, AR904="passed"
)  # somebody else goes there
def take_screenshot(url: str) -> ToolResult:
    """A picture of a page."""
    try:
        response = requests.post(
            "https://shots.example.com/render", json={"url": url}, timeout=5, headers={"Idempotency-Key": f"shot {url}"}
        )
        response.raise_for_status()
        return ToolResult.success(response.json())
    except requests.RequestException as error:
        return from_requests(error)


@labelled(args={"shop": "acme", "order_id": "1001"}, backend=SHOPS, AR904="passed")
def order_of_named_shop(shop: str, order_id: str) -> ToolResult:
    """The state of an order of one of our customers' shops."""
    if not re.fullmatch(r"[a-z0-9-]{1,63}", shop):
        return ToolResult.permanent("A shop's name has small letters, digits and hyphens only.")
    try:
        response = requests.get(f"https://{shop}.shops.example.com/orders/{order_id}", timeout=5)
        response.raise_for_status()
        return ToolResult.success(response.json()["state"])
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError):
        return unreadable()


@labelled(args={"kind": "shops"}, backend={"GET https://api.shops.example.com/count": {"shops": 4}}, AR904="passed")
def count_of(kind: str) -> ToolResult:
    """How many there are; that the word stands in the host's name, too, is chance."""
    try:
        response = requests.get("https://api.shops.example.com/count", timeout=5)
        response.raise_for_status()
        return ToolResult.success(response.json()[kind])
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError):
        return unreadable()


@labelled(args={"path": "orders"}, backend={"GET https://shop.example.com/v1/orders": []}, AR904="passed")
def call_version_1(path: str) -> ToolResult:
    """Ask the shop's API."""
    try:
        response = requests.get(f"https://shop.example.com/v1/{path}", timeout=5)
        response.raise_for_status()
        return ToolResult.success(response.json())
    except requests.RequestException as error:
        return from_requests(error)


@labelled(
    args={"order_id": "1001"},
    backend={"GET http://127.0.0.1:8080/orders/{id}": {"state": "shipped"}},
    AR904="not_applicable",  # the address inside is the tool's own
)
def order_state_inside(order_id: str) -> ToolResult:
    """Where an order is."""
    try:
        response = requests.get(f"http://127.0.0.1:8080/orders/{order_id}", timeout=5)
        response.raise_for_status()
        return ToolResult.success(response.json())
    except requests.RequestException as error:
        return from_requests(error)


@labelled(
    args={"url": PAGE},
    backend={},
    **dict.fromkeys(("AR102", "AR103", "AR104", "AR202", "AR203", "AR904"), "not_applicable"),  # it is a text, and stays one
)
def host_of(url: str) -> ToolResult:
    """The host of a URL."""
    return ToolResult.success(urlsplit(url).hostname or "")


class Reader:
    """In the style of frameworks whose tools are objects: what the model gives arrives as `**kwargs`."""

    def __init__(self, hosts: tuple[str, ...] = ()) -> None:
        self.hosts = hosts

    def run(self, **given: Any) -> ToolResult:
        """Read a page of the web."""
        url = str(given["website_url"])
        if self.hosts and urlsplit(url).hostname not in self.hosts:
            return ToolResult.permanent("This tool reads the pages of our own sites alone.")
        try:
            response = requests.get(url, timeout=4, allow_redirects=not self.hosts)
            response.raise_for_status()
            if response.is_redirect:
                return ToolResult.permanent("The page has moved.")
            return ToolResult.success(response.text[:1_000])
        except requests.RequestException as error:
            return from_requests(error)
        except ValueError:
            return unreadable()


@labelled(args={"website_url": "https://www.example.com/about"}, backend=KWARGS_PAGE, AR904="failed")
def any_page_by_keywords(**given: Any) -> ToolResult:
    """Read a page."""
    return Reader().run(**given)


@labelled(args={"website_url": "https://www.example.com/about"}, backend=KWARGS_PAGE, AR904="passed")
def own_pages_by_keywords(**given: Any) -> ToolResult:
    """Read a page of ours."""
    return Reader(("www.example.com",)).run(**given)
