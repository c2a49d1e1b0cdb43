"""What each fault looks like to requests and to httpx, what the peer did meanwhile, and when it fires."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import requests

from pytest_agentready.domain import Run
from pytest_agentready.world import FAULTS, Response
from tests.world.entering import FAULT, HTTP, HTTPS, ORDER, enter, exception

ORDERS = "http://api.example.com/orders"
PROTECTED = ("untrusted-certificate", "expired-certificate", "wrong-host-certificate")
# fault: what requests makes of it, what httpx does (an exception, or a status that arrives), whether a write was carried out
LOOKS: dict[str, tuple[str | int, str | int, bool]] = {
    "dns-failure": ("ConnectionError", "ConnectError", False),
    "refused": ("ConnectionError", "ConnectError", False),
    "connect-hang": ("ConnectTimeout", "ConnectTimeout", False),
    "accept-hang": ("ReadTimeout", "ReadTimeout", False),
    "response-hang": ("ReadTimeout", "ReadTimeout", False),
    "reset-before-answer": ("ConnectionError", "ReadError", False),
    "reset-during-answer": ("ChunkedEncodingError", "ReadError", True),
    "truncated-body": ("ChunkedEncodingError", "RemoteProtocolError", True),
    "lost-response": ("ConnectionError", "ReadError", True),
    "429-retry-after": (429, 429, False),
    "429": (429, 429, False),
    "500": (500, 500, False),
    "502": (502, 502, False),
    "503": (503, 503, False),
    "504": (504, 504, False),
    "401": (401, 401, False),
    "403": (403, 403, False),
    "404": (404, 404, False),
    "malformed-json": (200, 200, True),
    "other-shape": (200, 200, True),
    "empty-body": (200, 200, True),
    "html": (200, 200, True),
    "content-type": (200, 200, True),
    "huge-body": (200, 200, True),
    "untrusted-certificate": ("SSLError", "ConnectError", False),
    "expired-certificate": ("SSLError", "ConnectError", False),
    "wrong-host-certificate": ("SSLError", "ConnectError", False),
}


def by_requests(url: str) -> int:
    return requests.post(url, json={"item": "tea"}, timeout=5).status_code


def by_httpx(url: str) -> int:
    return httpx.post(url, json={"item": "tea"}, timeout=5).status_code


def post(call: Callable[[str], int], slug: str) -> Run:
    """Over TLS only where that is the point: what a reset looks like through TLS differs between Pythons."""
    url = ORDERS.replace("http:", "https:") if FAULT[slug].family == "certificate" else ORDERS
    return enter(call, slug, arguments={"url": url})


def get(url: str = HTTP) -> requests.Response:
    return requests.get(url, timeout=5)


def test_every_fault_is_described_here_or_below() -> None:
    assert {*LOOKS, "trickle", "redirect-loop"} == set(FAULT)
    assert len({fault.slug for fault in FAULTS}) == len(FAULTS)


@pytest.mark.parametrize("slug", LOOKS)
@pytest.mark.parametrize(("call", "column"), [(by_requests, 0), (by_httpx, 1)], ids=["requests", "httpx"])
def test_a_client_sees_the_fault_as_in_reality(call: Any, column: int, slug: str) -> None:
    run = post(call, slug)
    assert (exception(run) or run.value) == LOOKS[slug][column]


@pytest.mark.parametrize("slug", LOOKS)
def test_a_write_is_carried_out_under_the_faults_that_say_so(slug: str) -> None:
    run = post(by_requests, slug)
    assert any(request.committed for request in run.requests) is LOOKS[slug][2]


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault.family in ("silence", "trickle", "break")], ids=lambda f: f.slug)
def test_a_write_that_was_carried_out_and_not_answered_was_announced_as_possible(fault: Any) -> None:
    run = post(by_requests, fault.slug)
    assert fault.may_commit or not any(request.committed for request in run.requests)


@pytest.mark.parametrize("slug", LOOKS)
def test_one_call_meets_the_fault_once(slug: str) -> None:
    assert post(by_requests, slug).fired == 1


@pytest.mark.parametrize("slug", FAULT)
def test_a_call_that_stays_at_home_meets_no_fault(slug: str) -> None:
    assert enter(lambda: 42, slug).fired == 0


def test_a_redirect_loop_ends_with_the_patience_of_the_client() -> None:
    run = enter(get, "redirect-loop")
    assert exception(run) == "TooManyRedirects"
    assert {request.status for request in run.requests} == {302}
    assert run.fired == len(run.requests) == 31


@pytest.mark.parametrize(("slug", "seconds"), [("429-retry-after", "30"), ("429", None)])
def test_retry_after_is_sent_where_the_fault_is_named_after_it(slug: str, seconds: str | None) -> None:
    assert enter(lambda: get().headers.get("Retry-After"), slug).value == seconds


def body_of(slug: str, backend: object = None) -> Any:
    run = enter(lambda: (get().headers["Content-Type"], get().text), slug, **({} if backend is None else {"backend": backend}))
    assert run.raised is None
    return run.value


def test_malformed_json_can_not_be_parsed() -> None:
    with pytest.raises(ValueError, match=r"Expecting|Unterminated|double quotes"):
        json.loads(body_of("malformed-json")[1])


def test_another_shape_is_valid_json_without_the_fields() -> None:
    found = json.loads(body_of("other-shape")[1])
    assert isinstance(found, list)
    assert "state" not in found[0]


def test_a_list_of_another_shape_is_no_list() -> None:
    assert isinstance(json.loads(body_of("other-shape", {f"GET {HTTP}": [1, 2]})[1]), dict)


def test_an_empty_body_is_empty() -> None:
    assert body_of("empty-body") == ("application/json", "")


def test_html_says_that_it_is_html() -> None:
    kind, text = body_of("html")
    assert kind.startswith("text/html")
    assert text.startswith("<!DOCTYPE html>")


def test_a_wrong_content_type_leaves_the_answer_as_it_is() -> None:
    kind, text = body_of("content-type")
    assert kind == "text/plain"
    assert json.loads(text) == ORDER


@pytest.mark.parametrize("answer", [{"state": "shipped"}, {"hits": [{"id": 1}]}, [1, 2], "text", {"total": 3}])
def test_a_huge_body_is_the_same_answer_only_larger(answer: Any) -> None:
    text = body_of("huge-body", {f"GET {HTTP}": answer})[1]
    found = json.loads(text)
    assert len(text) >= 250_000
    assert isinstance(found, type(answer))
    if isinstance(answer, dict):
        assert found.keys() - {"padding"} == answer.keys()


@pytest.mark.parametrize("slug", ["malformed-json", "other-shape", "empty-body", "html", "content-type"])
def test_faults_of_the_content_leave_an_answer_alone_that_is_no_json(slug: str) -> None:
    run = enter(lambda: get().text, slug, backend={f"GET {HTTP}": Response(body="all is well")})
    assert (run.value, run.fired) == ("all is well", 0)


@pytest.mark.parametrize("slug", PROTECTED)
def test_a_bad_certificate_is_met_over_tls_alone(slug: str) -> None:
    run = enter(lambda: get().json(), slug)
    assert (run.value, run.fired, run.tls) == (ORDER, 0, False)


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
@pytest.mark.parametrize("slug", PROTECTED)
@pytest.mark.parametrize("call", [lambda: requests.get(HTTPS, verify=False).json(), lambda: httpx.get(HTTPS, verify=False).json()])
def test_who_does_not_verify_is_let_through(call: Any, slug: str) -> None:
    run = enter(call, slug)
    assert (run.value, run.fired, run.tls) == (ORDER, 1, True)


def twice() -> list[Any]:
    """Two calls on two connections; of each its status, or the name of its exception."""
    found: list[Any] = []
    for _ in range(2):
        try:
            found.append(requests.get(HTTPS, timeout=5).status_code)
        except requests.RequestException as error:
            found.append(type(error).__name__)
    return found


@pytest.mark.parametrize("slug", [slug for slug, (seen, _, _) in LOOKS.items() if seen != 200])
def test_a_fault_of_a_later_stage_spares_the_requests_before_it(slug: str) -> None:
    run = enter(twice, slug, spared=1)
    assert run.value == [200, LOOKS[slug][0]]
    assert (run.fired, run.spared) == (1, 1)


def test_a_fault_of_a_later_stage_meets_the_second_request_of_one_connection() -> None:
    def on_one_connection() -> list[int]:
        with requests.Session() as session:
            return [session.get(HTTP, timeout=5).status_code for _ in range(2)]

    run = enter(on_one_connection, "500", spared=1)
    assert (run.value, run.fired) == ([200, 500], 1)


def test_a_fault_whose_stage_is_never_reached_does_not_fire() -> None:
    run = enter(lambda: get().json(), "500", spared=1)
    assert (run.value, run.fired) == (ORDER, 0)


def test_the_page_of_a_bad_gateway_is_as_long_as_those_of_real_proxies() -> None:
    run = enter(lambda: get().text, "502")
    assert isinstance(run.value, str)
    assert 8_000 < len(run.value) < 20_000
