"""What the outside world answers in good health: routes, callables, whole hosts, and what is wrong with a backend."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from pytest_agentready.world import Backend, BackendError, BackendFailed, IncomingRequest, Response
from tests.world.entering import enter

API = "https://api.example.com"


def ask(backend: Any, path: str = "/orders/7", method: str = "GET", **kwargs: Any) -> requests.Response:
    """The answer as a client in the world gets it."""
    url = path if "://" in path else API + path
    run = enter(lambda: requests.request(method, url, timeout=5, **kwargs), backend=backend)
    assert isinstance(run.value, requests.Response), run
    return run.value


# --- routes


@pytest.mark.parametrize("answer", [{"state": "shipped"}, [1, 2], "text", 7, None, True, {}, []])
def test_json_answers_200_with_itself(answer: Any) -> None:
    found = ask({f"GET {API}/orders/7": answer})
    assert (found.status_code, found.json(), found.headers["Content-Type"]) == (200, answer, "application/json")


@pytest.mark.parametrize(
    ("route", "path", "status"),
    [
        ("/orders/{id}", "/orders/7", 200),
        ("/orders/{id}", "/orders/7?verbose=1", 200),
        ("/orders/{id}", "/orders/", 404),
        ("/orders/{id}", "/orders/7/lines", 404),
        ("/orders/{id}/lines/{line}", "/orders/7/lines/2", 200),
        ("/orders/{id}.json", "/orders/7.json", 200),
        ("/orders/7", "/orders/8", 404),
        ("/a.b", "/aXb", 404),
        ("", "/", 200),
        ("/", "/", 200),
        ("/search?kind=book", "/search?kind=book", 200),
        ("/search?kind=book", "/search?page=2&kind=book", 200),
        ("/search?kind=book", "/search?kind=film", 404),
        ("/search?kind=book", "/search", 404),
        ("/search", "/search?kind=film", 200),
        ("/a%20b", "/a b", 200),
    ],
)
def test_a_route_answers_what_it_names(route: str, path: str, status: int) -> None:
    assert ask({f"GET {API}{route}": {"found": True}}, path).status_code == status


@pytest.mark.parametrize(
    ("route", "url", "status"),
    [
        ("http://a.example.com/x", "http://a.example.com:80/x", 200),
        ("https://a.example.com:443/x", "https://a.example.com/x", 200),
        ("https://a.example.com:8443/x", "https://a.example.com:8443/x", 200),
        ("https://a.example.com:8443/x", "https://a.example.com/x", 404),
        ("https://a.example.com/x", "http://a.example.com/x", 404),
        ("https://A.Example.com/x", "https://a.example.com/x", 200),
        ("http://localhost:8000/x", "http://localhost:8000/x", 200),
        ("http://127.0.0.1:8000/x", "http://127.0.0.1:8000/x", 200),
    ],
)
def test_scheme_host_and_port_count(route: str, url: str, status: int) -> None:
    assert ask({f"GET {route}": {}}, url).status_code == status


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_the_method_counts(method: str) -> None:
    backend = {f"{method.lower()} {API}/orders": {"by": method}}
    assert ask(backend, "/orders", method).json() == {"by": method}
    assert ask(backend, "/orders", "PUT" if method != "PUT" else "POST").status_code == 404


def test_the_first_route_that_matches_answers() -> None:
    backend = {f"GET {API}/orders/new": "first", f"GET {API}/orders/{{id}}": "second"}
    assert [ask(backend, path).json() for path in ("/orders/new", "/orders/7")] == ["first", "second"]


def test_a_head_is_answered_by_the_route_of_its_get_without_a_body() -> None:
    found = ask({f"GET {API}/orders/7": {"state": "shipped"}}, method="HEAD")
    assert (found.status_code, found.content, found.headers["Content-Length"]) == (200, b"", "20")


def test_what_no_route_names_answers_404() -> None:
    found = ask({f"GET {API}/orders/7": {}}, "https://other.example.com/")
    assert (found.status_code, found.json()) == (404, {"detail": "Not Found"})


# --- answers


def test_a_response_answers_as_it_says() -> None:
    found = ask({f"GET {API}/orders/7": Response(201, body="<p>", content_type="text/html", headers={"X-Page": "2"})})
    assert (found.status_code, found.text, found.headers["Content-Type"], found.headers["X-Page"]) == (201, "<p>", "text/html", "2")


def test_the_content_type_may_stand_among_the_headers() -> None:
    assert ask({f"GET {API}/orders/7": Response(json=1, headers={"content-type": "text/json"})}).headers["Content-Type"] == "text/json"


@pytest.mark.parametrize("status", [204, 304])
def test_a_response_without_content_has_no_body(status: int) -> None:
    found = ask({f"GET {API}/orders/7": Response(status)})
    assert (found.status_code, found.content) == (status, b"")


def test_a_response_has_either_json_or_a_body() -> None:
    with pytest.raises(TypeError, match="either json or a body"):
        Response(json={}, body="x")


def test_a_callable_gets_the_request() -> None:
    def answer(request: IncomingRequest) -> Any:
        return {
            "method": request.method,
            "path": request.path,
            "query": request.query,
            "params": dict(request.params),
            "json": request.json(),
            "token": request.headers["x-token"],
        }

    found = ask(
        {f"POST {API}/shops/{{shop}}/orders": answer}, "/shops/9/orders?dry=", "POST", json={"item": "tea"}, headers={"X-Token": "t"}
    )
    assert found.json() == {
        "method": "POST",
        "path": "/shops/9/orders",
        "query": {"dry": ""},
        "params": {"shop": "9"},
        "json": {"item": "tea"},
        "token": "t",
    }


def test_a_callable_may_answer_with_a_response() -> None:
    assert ask({f"GET {API}/orders/7": lambda request: Response(503)}).status_code == 503


def test_one_callable_may_answer_everything() -> None:
    backend = Backend.parse(lambda request: {"path": request.path} if "orders" in request.url else None)
    assert ask(backend).json() == {"path": "/orders/7"}
    assert ask(backend, "/others").status_code == 404


def test_pages_come_one_after_another() -> None:
    def page(request: IncomingRequest) -> Any:
        number = int(request.query.get("page", "1"))
        return {"items": [number], "next": f"{API}/items?page={number + 1}" if number < 3 else None}

    def tool() -> list[int]:
        found, url = [], f"{API}/items"
        with requests.Session() as session:
            while url:
                answer = session.get(url, timeout=5).json()
                found += answer["items"]
                url = answer["next"]
        return found

    run = enter(tool, backend={f"GET {API}/items": page})
    assert run.value == [1, 2, 3]
    assert [request.routed for request in run.requests] == [True] * 3


def test_a_callable_that_raises_is_a_failure_of_the_test_and_not_of_the_tool() -> None:
    def answer(request: IncomingRequest) -> Any:
        raise LookupError("no such fixture")

    with pytest.raises(BackendFailed, match="no such fixture") as caught:
        ask({f"GET {API}/orders/7": answer})
    assert isinstance(caught.value.__cause__, LookupError)


def test_a_callable_that_answers_no_json_is_a_failure_of_the_test() -> None:
    with pytest.raises(BackendFailed, match="not JSON serializable"):
        ask({f"GET {API}/orders/7": lambda request: object()})


def test_an_async_callable_is_refused() -> None:
    async def answer(request: IncomingRequest) -> Any:
        return {}

    with pytest.raises(BackendFailed, match="is async: give a plain function"):
        ask({f"GET {API}/orders/7": answer})


# --- mistakes


@pytest.mark.parametrize(
    ("backend", "told"),
    [
        ({"GTE https://a.example.com/x": {}}, "names the method 'GTE': did you mean GET?"),
        ({"PSOT https://a.example.com/x": {}}, "names the method 'PSOT': did you mean POST?"),
        ({"FROBNICATE https://a.example.com/x": {}}, "use one of GET, HEAD, POST"),
        ({"https://a.example.com/x": {}}, "names no method: write 'GET https://a.example.com/x'"),
        ({"GET /orders/7": {}}, "names no host: write 'GET https://host/path'"),
        ({"GET ftp://a.example.com/x": {}}, "names no host"),
        ({"GET https://a.example.com/{id}/{id}": {}}, "uses the segment name {id} twice"),
        ({"GET https://a.example.com/x": object()}, "is no JSON"),
        ({7: {}}, "backend route 7 is no text"),
        ({"GET https://a.example.com/{id": 1}, "has a { without its counterpart: write a segment that stands for any as {id}"),
        ({"GET https://a.example.com/id}": 1}, "has a } without its counterpart"),
        ({"GET https://a.example.com/{order-id}": 1}, "has the segment {order-id}: name it with letters, digits and _, such as {id}"),
        ({"GET https://a.example.com/{1}": 1}, "has the segment {1}: name it"),
        ({"GET https://a.example.com/x?q={q}": 1}, "has {q} in its query, where it stands for nothing: leave q out, for any value to do"),
        ({"GET https://a.example.com:http/x": 1}, "has a port that is no number from 1 to 65535: write such as 'https://host:8080'"),
        ({"GET https://a.example.com:99999/x": 1}, "has a port that is no number from 1 to 65535"),
        ({"GET https://a.example.com:0/x": 1}, "has a port that is no number from 1 to 65535"),
        ({"GET http://[::1/x": 1}, "is no URL (Invalid IPv6 URL)"),
        ({"https://a.example.com:x": lambda *_: None}, "has a port that is no number"),
        ({"redis://cache:x/0": {}}, "has a port that is no number"),
        ({"postgresql://db:70000/shop": []}, "has a port that is no number"),
        ({"grpc://pricing:x/shop.Pricing/Get": 1}, "has a port that is no number"),
        ({"GET https://a.example.com/x": Response(status=1000)}, "status=1000 is no status of an answer: write a number from 200 on"),
        ({"GET https://a.example.com/x": Response(status="200")}, "status='200' is no status"),  # type: ignore[arg-type]
        ({"GET https://a.example.com/x": Response(headers=5)}, "headers=5 are no mapping: write a dict"),  # type: ignore[arg-type]
        ({"GET https://a.example.com/x": Response(headers={"a b": "c"})}, "the header 'a b' has a name that HTTP does not know"),
        ({"GET https://a.example.com/x": Response(headers={"x": "a\nb"})}, "the header 'x' has the value 'a\\nb': write it in one line"),
        ({"GET https://a.example.com/x": Response(body={})}, "body={} is no text and no bytes: write json=..."),  # type: ignore[arg-type]
        ({"GET https://a.example.com/x": Response(content_type=5)}, "content_type=5 is none"),  # type: ignore[arg-type]
        ({"GET https://a.example.com/x": Response(json={1})}, "json={1} is no JSON (Object of type set"),
        ({"GET https://a.example.com/x": Response(json=float("inf"))}, "json=inf is no JSON (it has no NaN or infinity): write None, or"),
        ({"GET https://a.example.com/x": {"total": float("nan")}}, "is no JSON (it has no NaN or infinity): write None, or"),
        ({"GET wss://a.example.com/x": [{"total": float("nan")}]}, "has a message that is no text, bytes or JSON"),
        (
            {"GET https://a.example.com/{id}": 1, "get https://A.example.com:443/{number}": 2},
            "the backend routes 'GET https://a.example.com/{id}' and 'get https://A.example.com:443/{number}' are the same: keep one",
        ),
        (
            {"mysql://db/shop": {"SELECT * FROM orders": [], "select  * from\norders": []}},
            "has the statements 'SELECT * FROM orders' and 'select  * from\\norders', which are the same: keep one of them",
        ),
        (
            {"postgresql://db/shop": {"SELECT a FROM b WHERE c = $1": [], "SELECT a FROM b WHERE c = %s": []}},
            "which are the same: keep one of them",
        ),
        ("https://a.example.com", "give a mapping of routes"),
    ],
)
def test_a_mistake_is_told_with_what_to_write_instead(backend: Any, told: str) -> None:
    with pytest.raises(BackendError) as caught:
        Backend.parse(backend)
    assert told in str(caught.value)


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(BackendError) as caught:
        Backend.parse(
            {"GTE https://a.example.com/x": {}, "GET https://a.example.com/y": {}, "GET /z": {}, "GET https://b.example.com/": {1, 2}}
        )
    assert len(caught.value.problems) == 3
    assert all(problem in str(caught.value) for problem in caught.value.problems)


def test_all_that_is_wrong_with_one_route_is_told_at_once() -> None:
    with pytest.raises(BackendError) as caught:
        Backend.parse({"GET https://a.example.com/{a-b}/{c": Response(status=7, headers=5)})  # type: ignore[arg-type]
    assert len(caught.value.problems) == 4


def test_what_looks_like_a_mistake_and_is_none() -> None:
    backend = Backend.parse(
        {
            "GET https://a.example.com/{id}": {"id": 1},
            "POST https://a.example.com/{id}": Response(status=999, headers={"Retry-After": 30}, body=bytearray(b"x")),
            "GET https://a.example.com/{id}?page=1": Response(body='{"total": NaN}', content_type="application/json"),
            "GET https://a.example.com/{id}?filter={}": None,
            "GET https://[::1]:8080/": 1,
            "mysql://db/shop": {"SELECT a": [], "SELECT a, b": [], "SELECT a FROM b WHERE c = 1": [], "SELECT a FROM b WHERE c = 2": []},
        }
    )
    assert len(backend.routes) == 5


def test_a_body_with_nan_grows_as_others_do() -> None:
    grown = Response(body='[{"total": NaN}]', content_type="application/json").inflated(1000)
    assert grown is not None
    assert not grown.flaws
    assert len(grown.content) >= 1000
    assert b"NaN" in grown.content


def test_a_backend_is_parsed_once() -> None:
    backend = Backend.parse({})
    assert Backend.parse(backend) is backend


def test_the_route_that_says_most_counts_wherever_it_stands() -> None:
    backend = Backend.parse(
        {
            "GET https://a.example.com/orders/{id}": "any",
            "GET https://a.example.com/orders/latest": "latest",
            "GET https://a.example.com/orders": "all",
            "GET https://a.example.com/orders?state=open": "open",
        }
    )

    def answer(path: str) -> str:
        found = backend.answer(IncomingRequest("GET", f"https://a.example.com/{path}", {}, b""))
        return "" if found is None else found.content.decode().strip('"')

    assert [answer(path) for path in ("orders/7", "orders/latest", "orders", "orders?state=open")] == ["any", "latest", "all", "open"]
