"""A user's own WSGI or ASGI application as the peer of a whole host."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest
import requests

from pytest_agentready.world import BackendFailed
from tests.world.entering import enter

SHOP = "https://shop.example.com"


def wsgi(environ: Any, start_response: Any) -> Any:
    sent = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"] or 0)).decode()
    kept = {key: environ[key] for key in ("REQUEST_METHOD", "PATH_INFO", "QUERY_STRING", "SERVER_NAME", "wsgi.url_scheme")}
    body = json.dumps({**kept, "body": sent, "token": environ.get("HTTP_X_TOKEN")}).encode()
    start_response("201 Created", [("Content-Type", "application/json"), ("Content-Length", str(len(body))), ("X-App", "wsgi")])
    return [body[:5], body[5:]]


async def asgi(scope: Any, receive: Any, send: Any) -> None:
    sent = (await receive())["body"].decode()
    headers = {name.decode(): value.decode() for name, value in scope["headers"]}
    kept = {
        "REQUEST_METHOD": scope["method"],
        "PATH_INFO": scope["path"],
        "QUERY_STRING": scope["query_string"].decode(),
        "SERVER_NAME": scope["server"][0],
        "wsgi.url_scheme": scope["scheme"],
    }
    body = json.dumps({**kept, "body": sent, "token": headers.get("x-token")}).encode()
    await asyncio.sleep(0.01)
    await send({"type": "http.response.start", "status": 201, "headers": [(b"content-type", b"application/json"), (b"x-app", b"asgi")]})
    await send({"type": "http.response.body", "body": body[:5], "more_body": True})
    await send({"type": "http.response.body", "body": body[5:]})


class ASGI:
    """An instance with an async `__call__`, as the frameworks have it."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await asgi(scope, receive, send)


APPS = [
    pytest.param(wsgi, id="wsgi"),
    pytest.param(asgi, id="asgi"),
    pytest.param(ASGI(), id="asgi object"),
]
each_app = pytest.mark.parametrize("app", APPS)


def post() -> requests.Response:
    return requests.post(f"{SHOP}/a%20b?x=1", data=b"tea", headers={"X-Token": "t"}, timeout=5)


@each_app
def test_an_application_gets_the_whole_request(app: Any) -> None:
    run = enter(post, backend={SHOP: app})
    assert isinstance(run.value, requests.Response)
    assert run.value.status_code == 201
    assert run.value.headers["Content-Type"] == "application/json"
    assert run.value.headers["X-App"] in ("wsgi", "asgi")
    assert run.value.json() == {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/a b",
        "QUERY_STRING": "x=1",
        "SERVER_NAME": "shop.example.com",
        "wsgi.url_scheme": "https",
        "body": "tea",
        "token": "t",
    }
    assert run.requests[0].routed


@each_app
def test_an_application_answers_in_real_time_of_which_the_run_sees_nothing(app: Any) -> None:
    assert enter(post, backend={SHOP: app}).virtual < 0.1


@pytest.mark.parametrize("app", [wsgi, asgi, ASGI()], ids=["wsgi", "asgi", "asgi object"])
def test_an_application_answers_for_its_host_alone(app: Any) -> None:
    assert enter(lambda: requests.get("https://other.example.com/").status_code, backend={SHOP: app}).value == 404


@pytest.mark.parametrize("app", [wsgi, asgi, ASGI()], ids=["wsgi", "asgi", "asgi object"])
def test_routes_come_before_an_application(app: Any) -> None:
    assert enter(lambda: requests.get(f"{SHOP}/x").json(), backend={SHOP: app, f"GET {SHOP}/x": "route"}).value == "route"


@each_app
def test_the_answer_of_an_application_can_be_spoilt(app: Any) -> None:
    run = enter(post, "html", backend={SHOP: app})
    assert isinstance(run.value, requests.Response)
    assert run.value.text.startswith("<!DOCTYPE html>")


def test_an_application_sees_real_time() -> None:
    def slow(environ: Any, start_response: Any) -> Any:
        start = time.monotonic()
        time.sleep(0.01)
        start_response("200 OK", [])
        return [str(time.monotonic() - start).encode()]

    run = enter(lambda: float(requests.get(SHOP).text), backend={SHOP: slow})
    assert 0.01 <= run.value < 5  # type: ignore[operator]


def test_the_iterable_of_a_wsgi_application_is_closed() -> None:
    closed: list[bool] = []

    class Body:
        def __iter__(self) -> Any:
            return iter([b"x"])

        def close(self) -> None:
            closed.append(True)

    def app(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [])
        return Body()

    assert enter(lambda: requests.get(SHOP).text, backend={SHOP: app}).value == "x"
    assert closed == [True]


def test_an_application_that_raises_is_a_failure_of_the_test() -> None:
    def broken(environ: Any, start_response: Any) -> Any:
        raise LookupError("no such table")

    with pytest.raises(BackendFailed, match="no such table"):
        enter(post, backend={SHOP: broken})
