"""What the outside world answers when it is in good health: the marker's `backend`.

A mapping of routes, `{"GET https://api.example.com/orders/{id}": answer}`; `{name}` stands for one path segment, and
the query counts only where the route has one. An answer is JSON (200 with it), a `Response`, or a callable of the
`IncomingRequest` that returns either. A key without a method, `{"https://api.example.com": app}`, hands a whole host to a
WSGI or ASGI application. The backend may also be one callable for every HTTP request. What no route names answers 404.

Peers of other protocols are named by their URL; a port that is not the protocol's own has to be written:

    {"redis://cache.internal/0": {"greeting": "hello", "user:7": {"name": "Ada"}, "queue": ["a", "b"]}}    what it holds
    {"postgresql://db.internal/shop": [{"id": 7, "state": "shipped"}]}                        rows for every statement
    {"mysql://db.internal/shop": {"SELECT * FROM orders": [...], "UPDATE orders": 1}}         by how a statement begins
    {"postgresql://db.internal/shop": lambda statement: [...]}                                a callable of the `Statement`
    {"smtp://mail.internal:2500": {}}                                                         a mail server
    {"GET wss://stream.example.com/prices": ["first", "second"]}                              messages of a WebSocket
    {"grpc://pricing.internal:50051/shop.Pricing/GetPrice": message}                          or a callable of the request's

A Redis needs no key, for an empty one is one too; nor does a mail server at a usual port. The keys of a mapping are compared
with the statements without regard to white space and case, the longest wins, and a placeholder (`%s`, `$1`, `?`, `:id`)
stands for any value. Only columns that a statement names are given, in its order. The values of the rows say of which type
a column is; so does a parameter that is compared with it, or stored in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from pytest_agentready.domain import nearest
from pytest_agentready.world import backend_calls
from pytest_agentready.world.mailservers import refusals
from pytest_agentready.world.messages import IncomingRequest, Response, as_json
from pytest_agentready.world.places import Place, names_a_place, place, split
from pytest_agentready.world.procedures import SCHEME, Procedures
from pytest_agentready.world.statements import Database
from pytest_agentready.world.stores import Store
from pytest_agentready.world.streams import Stream

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class BackendError(ValueError):
    """A backend that cannot be understood; `problems` lists everything that is wrong with it."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Route:
    key: str
    method: str
    pattern: re.Pattern[str]
    query: frozenset[tuple[str, str]]
    answer: Any

    def match(self, request: IncomingRequest) -> dict[str, str] | None:
        if self.method != request.method and not (self.method == "GET" and request.method == "HEAD"):
            return None
        if self.query and not self.query <= set(parse_qsl(urlsplit(request.url).query, keep_blank_values=True)):
            return None
        found = self.pattern.fullmatch(_without_query(request.url))
        return {name: unquote(value) for name, value in found.groupdict().items()} if found else None


class Backend:
    """The peers of one subject, parsed and checked."""

    def __init__(
        self,
        routes: tuple[Route, ...] = (),
        apps: Mapping[str, Any] | None = None,
        handler: Any = None,
        procedures: Procedures | None = None,
        peers: tuple[tuple[Place, Any], ...] = (),
        streams: tuple[Route, ...] = (),
    ) -> None:
        self.routes = routes
        self.apps = dict(apps or {})
        self.procedures = procedures or Procedures()
        self.handler = handler
        self.streams = streams
        self.peers = peers  # those of other protocols, and what they hold or answer

    @classmethod
    def parse(cls, value: object) -> Backend:
        """Raises BackendError, with every problem at once."""
        if isinstance(value, Backend):
            return value
        if callable(value):
            return cls(handler=value)
        if not isinstance(value, Mapping):
            raise BackendError(
                (f"backend is {value!r}: give a mapping of routes such as {{'GET https://api.example.com/orders/{{id}}': {{...}}}}",)
            )
        problems: list[str] = []
        routes: list[Route] = []
        apps, peers, procedures = {}, [], Procedures()
        for key, answer in value.items():
            try:
                if isinstance(key, str) and key.startswith(SCHEME):
                    procedures.add(key, answer)
                elif isinstance(key, str) and names_a_place(key):
                    peers.append(_peer(key.strip(), answer))
                elif isinstance(key, str) and " " not in key.strip() and callable(answer) and "://" in key:
                    apps[_host(key.strip())] = answer
                else:
                    routes.append(_route(key, answer))
                    problems += _twice(routes)
            except _Several as several:
                problems += several.args
            except ValueError as problem:
                problems.append(str(problem))
        if problems:
            raise BackendError(tuple(problems))
        routes.sort(key=lambda route: (route.pattern.groups, -len(route.query)))  # the one that says most comes first
        http = tuple(route for route in routes if not isinstance(route.answer, Stream))
        streams = tuple(route for route in routes if isinstance(route.answer, Stream))
        return cls(http, apps, peers=tuple(peers), streams=streams, procedures=procedures)

    @property
    def hosts(self) -> tuple[str, ...]:
        """Those that it names, without their ports."""
        urls = (*(route.key.partition(" ")[2].strip() for route in (*self.routes, *self.streams)), *self.apps)
        return tuple(dict.fromkeys([*(urlsplit(url).hostname or "" for url in urls), *(where.host for where, _ in self.peers)]))

    def answer(self, request: IncomingRequest) -> Response | None:
        """The normal answer; None where no route names the request. Raises BackendFailed."""
        if self.handler is not None:
            answer = backend_calls.call("callable", self.handler, request)
            return None if answer is None else _response("callable", self.handler, answer)
        for route in self.routes:
            params = route.match(request)
            if params is not None:
                if not callable(route.answer):
                    return _response(repr(route.key), None, route.answer)
                asked = IncomingRequest(request.method, request.url, request.headers, request.body, params)
                return _response(repr(route.key), route.answer, backend_calls.call(repr(route.key), route.answer, asked))
        host = _authority(request.url)
        app = self.apps.get(host)
        if app is not None:
            from pytest_agentready.world.apps import serve

            return _response(repr(host), app, serve(repr(host), app, request))
        return None

    def address(self, host: str, look_up: int) -> str | None:
        """What the name server says of this host when it is asked for the nth time; None: an address of the world's own."""
        return None

    # -- peers of other protocols

    def stream(self, request: IncomingRequest) -> Stream | None:
        """What the WebSocket of this address says."""
        return next((route.answer for route in self.streams if route.match(request) is not None), None)

    def protocol(self, host: str, port: int) -> Place | None:
        """What the backend says is spoken there."""
        return next((place for place, _ in self.peers if port and place.is_at(host, port)), None)

    def stores(self, host: str, port: int) -> list[Store]:
        return [store for place, store in self.peers if place.protocol == "redis" and place.is_at(host, port)]

    def database(self, protocol: str, host: str, port: int, name: str) -> Database | None:
        """The database of this name; else the one that the backend gives no name."""
        found = {place.path: answers for place, answers in self.peers if place.protocol == protocol and place.is_at(host, port)}
        return found.get(name) or found.get("")

    def refusals(self, host: str, port: int) -> Mapping[str, str]:
        """The recipients that a mail server does not take mail for, and what it says of each."""
        return next((answer for place, answer in self.peers if place.protocol == "smtp" and place.is_at(host, port)), {})


def _route(key: object, answer: object) -> Route:
    if not isinstance(key, str):
        raise ValueError(f"backend route {key!r} is no text: write 'GET https://host/path'")  # noqa: TRY004  (all problems are ValueErrors)
    method, _, url = key.strip().partition(" ")
    if not url:
        raise ValueError(f"backend route {key!r} names no method: write 'GET {method}'{'' if urlsplit(method).path else ' and a path'}")
    if method.upper() not in METHODS:
        near = nearest(method.upper(), METHODS)
        meant = f"did you mean {near}?" if near else f"use one of {', '.join(METHODS)}"
        raise ValueError(f"backend route {key!r} names the method {method!r}: {meant}")
    parts = split(key, url.strip())
    if parts.scheme not in ("http", "https", "ws", "wss") or not parts.netloc:
        raise ValueError(f"backend route {key!r} names no host: write '{method.upper()} https://host/path'")
    plain = f"{_authority(url.strip())}{parts.path or '/'}"
    problems = [*_misnamed(key, plain, parts.query)]
    pattern = "".join(
        f"(?P<{piece[1:-1]}>[^/]+)" if re.fullmatch(r"{\w+}", piece) else re.escape(piece) for piece in re.split(r"({\w+})", plain)
    )
    if parts.scheme in ("ws", "wss"):
        answer = Stream.parse(key, answer)
    elif isinstance(answer, Response):
        problems += [f"the answer of backend route {key!r}: {flaw}" for flaw in answer.flaws]
    elif not callable(answer) and (problem := as_json(answer)[1]):
        problems.append(f"the answer of backend route {key!r} {problem}")
    if problems:
        raise _Several(*problems)
    return Route(key, method.upper(), re.compile(pattern), frozenset(parse_qsl(parts.query, keep_blank_values=True)), answer)


class _Several(ValueError):
    """More than one thing is wrong with a route."""


def _misnamed(key: str, plain: str, query: str) -> Iterator[str]:
    """What is wrong with a route's segments in braces."""
    names = re.findall(r"{([^{}]*)}", plain)
    for name in dict.fromkeys(name for name in names if not name.isidentifier()):
        yield f"backend route {key!r} has the segment {{{name}}}: name it with letters, digits and _, such as {{id}}"
    if twice := [name for name in dict.fromkeys(names) if names.count(name) > 1]:
        yield f"backend route {key!r} uses the segment name {{{twice[0]}}} twice"
    if rest := re.search(r"[{}]", re.sub(r"{[^{}]*}", "", plain)):
        yield f"backend route {key!r} has a {rest[0]} without its counterpart: write a segment that stands for any as {{id}}"
    for name, value in parse_qsl(query, keep_blank_values=True):
        if re.fullmatch(r"{\w+}", value):
            yield f"backend route {key!r} has {value} in its query, where it stands for nothing: leave {name} out, for any value to do"


def _twice(routes: list[Route]) -> list[str]:
    """The newest route, where an older one is the same: only one of them would answer."""
    newest = routes[-1]
    same = [route.key for route in routes[:-1] if _form(route) == _form(newest)]
    return [f"the backend routes {same[0]!r} and {newest.key!r} are the same: keep one of them"] if same else []


def _form(route: Route) -> tuple[object, ...]:
    return route.method, re.sub(r"\?P<\w+>", "", route.pattern.pattern), route.query


def _peer(key: str, answer: object) -> tuple[Place, Any]:
    where = place(key)
    if where.protocol == "redis":
        return where, Store.parse(key, where.path, answer)
    if where.protocol == "smtp":
        return where, refusals(key, answer)
    return where, Database.parse(key, answer)


def _host(url: str) -> str:
    """The whole host that an application answers for."""
    if split(url, url).path not in ("", "/"):
        raise ValueError(f"backend key {url!r} gives an application a path: it answers for the whole host, write {_authority(url)!r}")
    return _authority(url)


def _authority(url: str) -> str:
    """Scheme and host, with the port only where it is not the scheme's own."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2].lower()
    default = {"http": ":80", "https": ":443", "ws": ":80", "wss": ":443"}.get(parts.scheme, "")
    return f"{parts.scheme}://{host.removesuffix(default) if default else host}"


def _without_query(url: str) -> str:
    return f"{_authority(url)}{urlsplit(url).path or '/'}"


def _response(key: str, function: object, answer: Any) -> Response:
    """What a route or its function gives, as a Response. Raises BackendFailed where HTTP cannot carry it."""
    found = answer if isinstance(answer, Response) else Response(json=answer)
    if found.flaws:
        raise backend_calls.answered(key, function, f"answers with what cannot be sent: {'; '.join(found.flaws)}")
    return found
