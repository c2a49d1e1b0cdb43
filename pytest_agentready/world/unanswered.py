"""What to write into the marker's `backend` for the requests that nothing has answered, in the words of their protocol."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_agentready.domain import Request, shortened, some_of
from pytest_agentready.world.backend import Backend
from pytest_agentready.world.places import place
from pytest_agentready.world.sql import writes

SHOWN = 60  # characters of a statement


def unanswered(requests: Iterable[Request], backend: object) -> str:
    """Names the first of these requests' addresses, and the remedy; "" where there are none."""
    missing = list(requests)
    if not missing:
        return ""
    first = missing[0]
    listed = some_of(dict.fromkeys(_named(request) for request in missing))
    if backend is None:
        return f"nothing answers {listed}: give backend={{{_entry(first)}}} in the marker"
    if _speaks_sql(first) and _is_mapped(first, backend):
        return f"the backend's {_key(first)!r} has no answer to {_short(first)!r}: add {_statement(first)} to it"
    if first.url.startswith("http"):
        return f"the backend has no route for {listed}: add it to the marker's backend="
    return f"the backend has no route for {listed}: add {_entry(first)} to the marker's backend="


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
