"""A WSGI or ASGI application as the peer of a whole host. It runs in real time, outside the world."""

from __future__ import annotations

import asyncio
import inspect
import io
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urlsplit

from pytest_agentready.world import real, runs
from pytest_agentready.world.backend_calls import raised
from pytest_agentready.world.ending import Signal
from pytest_agentready.world.messages import IncomingRequest, Response


def serve(key: str, app: Any, request: IncomingRequest) -> Response:
    """The application's answer to one request. Raises BackendFailed."""
    answer = (lambda: asyncio.run(_asgi(app, request))) if _is_asgi(app) else (lambda: _wsgi(app, request))
    try:
        return _outside(answer)
    except BaseException as failure:
        if isinstance(failure, (Signal, KeyboardInterrupt, SystemExit)):
            raise
        raise raised(key, failure) from failure


def _is_asgi(app: Any) -> bool:
    call = app if inspect.isroutine(app) else type(app).__call__
    return inspect.iscoroutinefunction(call)


def _outside(answer: Callable[[], Response]) -> Response:
    """In a thread that is no member of the world: an application's own waits are real, and short."""
    found: list[Response] = []
    failed: list[BaseException] = []

    def work() -> None:
        try:
            found.append(answer())
        except BaseException as failure:  # handed on to the thread that asked
            failed.append(failure)

    thread = threading.Thread(target=work, daemon=True, name="agentready-backend")
    with runs.bypassed():
        real.thread_start(thread)
        real.thread_join(thread)
    if failed:
        raise failed[0]
    return found[0]


def _wsgi(app: Any, request: IncomingRequest) -> Response:
    parts = urlsplit(request.url)
    began: list[Any] = []
    environ = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(parts.path),
        "QUERY_STRING": parts.query,
        "SERVER_NAME": parts.hostname or "",
        "SERVER_PORT": str(parts.port or (443 if parts.scheme == "https" else 80)),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_TYPE": request.headers.get("content-type", ""),
        "CONTENT_LENGTH": str(len(request.body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": parts.scheme,
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in request.headers.items()},
    }
    chunks = app(environ, lambda status, headers, _error=None: began.append((status, headers)))
    body = b"".join(chunks)
    if close := getattr(chunks, "close", None):
        close()
    status, headers = began[-1]
    return _from_headers(int(status.split()[0]), headers, body)


async def _asgi(app: Any, request: IncomingRequest) -> Response:
    parts = urlsplit(request.url)
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": parts.scheme,
        "path": unquote(parts.path),
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in request.headers.items()],
        "server": (parts.hostname, parts.port),
        "client": ("127.0.0.1", 40000),
    }
    sent: list[dict[str, Any]] = []
    requests = iter([{"type": "http.request", "body": request.body, "more_body": False}])

    async def receive() -> dict[str, Any]:
        return next(requests, {"type": "http.disconnect"})

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    start = next(message for message in sent if message["type"] == "http.response.start")
    body = b"".join(message.get("body", b"") for message in sent if message["type"] == "http.response.body")
    return _from_headers(start["status"], [(name.decode(), value.decode()) for name, value in start.get("headers", ())], body)


def _from_headers(status: int, headers: list[tuple[str, str]], body: bytes) -> Response:
    kept = {name: value for name, value in headers if name.lower() not in ("content-length", "transfer-encoding", "connection")}
    return Response(status, body=body, headers=kept)
