"""What to write into the marker's `backend` for the requests that nothing has answered, in the words of their protocol."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from pytest_agentready.domain import Request, is_slip, nearest, shortened, some_of
from pytest_agentready.domain.sql import writes
from pytest_agentready.world.allowed import LOCAL
from pytest_agentready.world.backend import Backend, Route
from pytest_agentready.world.places import place

SHOWN = 60  # characters of a statement
ALTERNATIVES = frozenset({"POST", "PUT", "PATCH"})  # verbs of which one is easily written for another
PLACEHOLDER = re.compile(r"{\w+}")


@dataclass(frozen=True, slots=True)
class Placed:
    """Where the user writes a backend: the words for one, for one that is there, and for a route that it lacks."""

    new: str
    add: str


MARKER = Placed("give backend={{{entry}}} in its agent_tool mark", "the marker's backend=")
LOOP_MARKER = Placed("give backend={{{entry}}} in its agent_loop mark", "the marker's backend=")
AGENT_WORLD = Placed("write agent_world.backend({{{entry}}})", "agent_world.backend(...)")


def unanswered(requests: Iterable[Request], backend: object, placed: Placed = MARKER) -> str:
    """Names the first of these requests' addresses, and the remedy; "" where there are none."""
    missing = list(requests)
    if not missing:
        return ""
    first = missing[0]
    listed = some_of(dict.fromkeys(_named(request) for request in missing))
    real = _or_for_real(first)
    if backend is None:
        return f"nothing answers {listed}: {placed.new.format(entry=_entry(first))}{real}"
    if _speaks_sql(first) and _is_mapped(first, backend):
        return f"the backend's {_key(first)!r} has no answer to {_short(first)!r}: add {_statement(first)} to it"
    if first.url.startswith("http"):
        near = next((key for request in missing if (key := _nearly(request, backend))), "")
        return (
            f"the backend has no route for {listed}: add it to {placed.add}{real}{f'. Is its key {near!r} meant for that?' if near else ''}"
        )
    return f"the backend has no route for {listed}: add {_entry(first)} to {placed.add}{real}"


def misnamed(requests: Iterable[Request], backend: object) -> str:
    """` The backend names a host that nobody asks: did you mean ...?`; "" where none is nearly the one that is asked."""
    if not isinstance(backend, Backend):
        return ""
    asked = dict.fromkeys(request.host for request in requests if request.host)
    named = backend.hosts
    for host in (host for host in asked if host not in named):
        if idle := nearest(host, [name for name in named if name not in asked], cutoff=0.8):
            return f". The backend names {idle!r}, which nobody asks: did you mean {host!r}?"
    return ""


def unspoken(peers: Iterable[str]) -> str:
    """Of peers to which something was said that the world does not understand."""
    names = [*peers]
    host = names[0].partition(" ")[0]
    return f"{', '.join(names)}: the world does not speak this protocol. To reach it for real, {_allow(host)}"


def _nearly(request: Request, backend: object) -> str:
    """The key by which the user may have meant this request; "" where none comes near."""
    if not isinstance(backend, Backend):
        return ""
    return next((route.key for route in (*backend.routes, *backend.streams) if _is_nearly(route, request)), "")


def _is_nearly(route: Route, request: Request) -> bool:
    """Of the same host: with a slip in a segment, a segment less or more at the beginning, or another scheme, port or query."""
    if route.method != request.method and not {route.method, request.method} <= ALTERNATIVES:
        return False
    mine, theirs = (urlsplit(url) for url in (route.key.strip().partition(" ")[2].strip(), request.url))
    if (mine.hostname or "") != (theirs.hostname or ""):
        return False
    named, asked = (parts.path.strip("/").split("/") for parts in (mine, theirs))
    for one, other in ((named, asked), (named[1:], asked), (named, asked[1:])):
        if one and len(one) == len(other) and all(map(_alike, one, other)) and any(not PLACEHOLDER.search(part) for part in one):
            return True
    return False


def _alike(named: str, asked: str) -> bool:
    return PLACEHOLDER.search(named) is not None or is_slip(named, asked)


def _or_for_real(request: Request) -> str:
    """A service of the user's own machine or network may well be meant to be reached."""
    parts = urlsplit(request.url)
    host = parts.hostname or ""
    if not (host in LOCAL or "." not in host or _is_private(host)):
        return ""
    return f", or, to reach it for real, {_allow(parts.netloc.rpartition('@')[2])}"


def _is_private(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_private or address.is_loopback


def _allow(host: str) -> str:
    return f'set agentready_allow_hosts = ["{host}"]'


def _named(request: Request) -> str:
    if request.url.startswith("grpc"):
        return request.url
    return f"{request.method} {_key(request) if _speaks_sql(request) else request.url.partition('?')[0]}"


def _speaks_sql(request: Request) -> bool:
    return request.url.startswith(("postgresql:", "mysql:"))


def _key(request: Request) -> str:
    """A database's URL without the port that is the protocol's own."""
    return request.url.replace(":5432/" if request.url.startswith("postgresql") else ":3306/", "/", 1)


def _entry(request: Request) -> str:
    """A key and the shape of its answer."""
    if _speaks_sql(request):
        return f"'{_key(request)}': [{{...}}]"
    if request.url.startswith("grpc"):
        return f"'{request.url}': message"
    return f"'{_named(request)}': {'[...]' if request.url.startswith('ws') else '{...}'}"


def _is_mapped(request: Request, backend: object) -> bool:
    where = place(request.url)
    return isinstance(backend, Backend) and backend.database(where.protocol, where.host, where.port, where.path) is not None


def _text(request: Request) -> str:
    return " ".join(request.body.decode(errors="replace").split())


def _short(request: Request) -> str:
    return shortened(_text(request), SHOWN)


def _statement(request: Request) -> str:
    text = _text(request)
    beginning = text.partition(" -- ")[0].partition(" WHERE ")[0].partition(" VALUES ")[0]
    if len(beginning) > SHOWN:  # a key ends with a whole word
        beginning = beginning[: SHOWN + 1].rpartition(" ")[0]
    return f"'{beginning}': {'1' if writes(text) else '[{...}]'}"
